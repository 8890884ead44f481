// SPDX-License-Identifier: Apache-2.0
/* The application tracer among the broker's. */
#include <errno.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "broker/state.h"
#include "broker/tracer.h"

#define RELEASE_US 300000

static int open_application(struct broker *b)
{
	struct obi_discover_actions actions = { .ask = broker_ask_looker,
						.announce = broker_announce,
						.inspect = broker_inspect,
						.forget = broker_forget,
						.mark = broker_mark,
						.told = broker_told,
						.context = b };
	const char *injection, *why_not = NULL;
	char why[256] = "";
	int error;

	log_info0("starting Application Observability mode");
	error = obi_app_open(b->settings, b->pid_namespace.inode, &b->app, why, sizeof(why));
	if (error) {
		log_error("cannot start Application Observability mode", F("error", log_str(why)));
		return error;
	}
	injection = obi_app_injection(b->app, &why_not);
	log_info("application tracer attached", F("plane", log_str(obi_app_plane(b->app))),
		 F("headerInjection", log_str(*injection ? injection : "off")));
	if (why_not)
		log_warn("headers will not be injected into requests",
			 F("reason", log_str(why_not)));
	b->discover = obi_discover_new(&b->settings->discovery, &actions);
	if (!b->discover)
		return -ENOMEM;
	error = obi_looker_start(&b->looker);
	if (error) {
		log_error("cannot look at processes", F("error", log_errno(error)));
		return error;
	}
	return 0;
}

static void take_process_event(void *context, const struct obi_process_event *event)
{
	struct broker *b = context;

	if (event->type == OBI_PROCESS_MAPPED) {
		broker_take_mapped(b, (const struct obi_process_mapped *)event);
		return;
	}
	if (event->type == OBI_PROCESS_EXEC || event->type == OBI_PROCESS_EXIT)
		obi_worker_let_go(&b->worker, event->pid);
	if (b->probed && event->type == OBI_PROCESS_FORK)
		obi_probed_forked(b->probed, event->parent, event->pid);
	else if (b->probed && (event->type == OBI_PROCESS_EXEC || event->type == OBI_PROCESS_EXIT))
		obi_probed_gone(b->probed, event->pid);
	obi_discover_event(b->discover, event);
}

static void read_process_events(struct broker *b)
{
	obi_app_process_events(b->app, take_process_event, b);
	obi_discover_lost(b->discover, obi_app_events_lost(b->app));
}

static int events_fd(const struct broker *b)
{
	return obi_app_events_fd(b->app);
}

static void add_counters(const struct broker *b, struct obi_wire_counters *counters)
{
	obi_app_counters(b->app, counters->app);
	obi_app_attach_errors(b->app, counters->attach_errors);
}

static struct bpf_object *object(const struct broker *b)
{
	return obi_app_object(b->app);
}

/* First, so that what the worker reads has an end. */
static void stop(struct broker *b)
{
	if (obi_app_release(b->app))
		(void)usleep(RELEASE_US);
	obi_app_stop(b->app);
}

static void close_app(struct broker *b)
{
	obi_app_close(b->app);
	b->app = NULL;
}

const struct obi_tracer_ops broker_tracer_app = {
	.name = "application",
	.wanted = obi_settings_application,
	.open = open_application,
	.events_fd = events_fd,
	.take_events = read_process_events,
	.counters = add_counters,
	.object = object,
	.stop = stop,
	.close = close_app,
};
