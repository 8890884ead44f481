// SPDX-License-Identifier: Apache-2.0
/*
 * The smallest call that needs a capability shows that it is needed; only the tracer itself shows
 * that a set is enough: the verifier asks more of a program the less its loader may do, and each
 * kernel's verifier asks something else. The child leaves its words in a shared page.
 */
#include "verb/check_tracers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "broker/app.h"
#include "broker/net.h"
#include "caps/try.h"
#include "feature/ladder.h"
#include "feature/pid_namespace.h"
#include "feature/trial.h"

/* Text on all ladders together. */
#define LADDERS_MAX 8192

struct call {
	const struct obi_settings *settings;
	char *text; /* shared with the child */
	size_t size;
};

static int open_network(void *context)
{
	struct call *call = context;
	struct obi_net *net = NULL;
	int error = obi_net_open(call->settings, &net, call->text, call->size);

	if (!error)
		(void)snprintf(call->text, call->size, "%s", obi_net_hook(net));
	obi_net_close(net);
	return error;
}

static int open_application(void *context)
{
	struct call *call = context;
	struct obi_app *app = NULL;
	const char *injection, *why_not = NULL;
	struct obi_pid_namespace namespace;
	int error = obi_pid_namespace_read("", &namespace, call->text, call->size);

	if (!error)
		error = obi_app_open(call->settings, namespace.inode, &app, call->text, call->size);

	if (error)
		return error;
	injection = obi_app_injection(app, &why_not);
	(void)snprintf(call->text, call->size, "%s%s%s", obi_app_plane(app),
		       *injection ? "; headers by " : "", injection);
	if (why_not) {
		(void)snprintf(call->text, call->size, "no header injection: %s", why_not);
		error = -ENOTSUP;
	}
	obi_app_close(app);
	return error;
}

static int report_ladders(void *context)
{
	struct call *call = context;
	struct buffer buf = { 0 };

	obi_feature_report(&obi_feature_plane, &buf);
	if (call->settings->broker.context_propagation.bits)
		obi_feature_report(&obi_feature_injection, &buf);
	(void)snprintf(call->text, call->size, "%.*s", (int)buf.len, buf.data ? buf.data : "");
	buffer_free(&buf);
	return 0;
}

/* What the child wrote is in call->text afterwards, to be unmapped. */
static int run(struct call *call, uint64_t mask, int (*child)(void *context))
{
	call->text =
		mmap(NULL, call->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (call->text == MAP_FAILED)
		return -errno;
	obi_trial_quiet();
	return obi_try_in_child(mask, child, call);
}

static void finish(struct call *call)
{
	if (call->text != MAP_FAILED)
		(void)munmap(call->text, call->size);
}

static void open_tracer(const struct obi_settings *settings, uint64_t mask,
			int (*child)(void *context), struct check_outcome *ret_outcome)
{
	struct call call = { .settings = settings, .size = sizeof(ret_outcome->text) };

	ret_outcome->error = run(&call, mask, child);
	(void)snprintf(ret_outcome->text, sizeof(ret_outcome->text), "%s",
		       call.text == MAP_FAILED ? "" : call.text);
	finish(&call);
}

void check_network_tracer(const struct obi_settings *settings, uint64_t mask,
			  struct check_outcome *ret_outcome)
{
	open_tracer(settings, mask, open_network, ret_outcome);
}

void check_application_tracer(const struct obi_settings *settings, uint64_t mask,
			      struct check_outcome *ret_outcome)
{
	open_tracer(settings, mask, open_application, ret_outcome);
}

void check_ladders(const struct obi_settings *settings, uint64_t mask, struct buffer *buf)
{
	struct call call = { .settings = settings, .size = LADDERS_MAX };

	if (!run(&call, mask, report_ladders))
		buffer_put_cstr(buf, call.text);
	finish(&call);
}
