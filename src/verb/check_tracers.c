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
#include "feature/trial.h"

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
	int error = obi_app_open(call->settings, &app, call->text, call->size);

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

static void run(const struct obi_settings *settings, uint64_t mask, int (*open)(void *context),
		struct check_outcome *ret_outcome)
{
	const size_t size = sizeof(ret_outcome->text);
	struct call call = { .settings = settings, .size = size };

	ret_outcome->text[0] = '\0';
	call.text = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (call.text == MAP_FAILED) {
		ret_outcome->error = -errno;
		return;
	}
	obi_trial_quiet();
	ret_outcome->error = obi_try_in_child(mask, open, &call);
	(void)snprintf(ret_outcome->text, size, "%.*s", (int)size - 1, call.text);
	(void)munmap(call.text, size);
}

void check_network_tracer(const struct obi_settings *settings, uint64_t mask,
			  struct check_outcome *ret_outcome)
{
	run(settings, mask, open_network, ret_outcome);
}

void check_application_tracer(const struct obi_settings *settings, uint64_t mask,
			      struct check_outcome *ret_outcome)
{
	run(settings, mask, open_application, ret_outcome);
}
