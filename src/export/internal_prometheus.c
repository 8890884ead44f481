// SPDX-License-Identifier: Apache-2.0
/* Exporter: the program's own metrics on a port of their own (`internal_metrics.prometheus`). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "export/exporter.h"
#include "export/internal.h"
#include "export/internal_gather.h"
#include "export/scrape_server.h"
#include "settings/settings.h"

struct internal_prometheus {
	struct scrape_server *server;
	char port[8];
};

/* On the port of the other metrics exporter_prometheus serves them. */
static bool internal_wanted(const struct obi_settings *settings)
{
	const struct obi_internal_options *options = &settings->export.internal;

	return options->exporter == OBI_INTERNAL_PROMETHEUS && options->port != 0 &&
	       options->port != settings->export.prometheus.port;
}

static void before_scrape(void *context, const char *path)
{
	const struct internal_prometheus *internal = context;

	internal_gather();
	obi_internal_add(OBI_INTERNAL_HTTP_REQUESTS, (const char *[]){ path, internal->port }, 1);
}

static int internal_open(const struct obi_settings *settings, void **ret_state, char *why,
			 size_t why_size)
{
	const struct obi_internal_options *options = &settings->export.internal;
	const struct scrape_path path = { options->path, { obi_internal_metrics() } };
	struct internal_prometheus *internal = calloc(1, sizeof(*internal));
	int error;

	(void)snprintf(why, why_size, "out of memory");
	if (!internal)
		return -ENOMEM;
	internal_gather_open(settings);
	(void)snprintf(internal->port, sizeof(internal->port), "%u", (unsigned)options->port);
	error = scrape_server_open(options->listen_address, (uint16_t)options->port, &path, 1,
				   before_scrape, internal, &internal->server, why, why_size);
	if (error) {
		free(internal);
		return error;
	}
	*ret_state = internal;
	return 0;
}

static int internal_poll_fd(void *state)
{
	const struct internal_prometheus *internal = state;

	return scrape_server_fd(internal->server);
}

static void internal_ready(void *state)
{
	struct internal_prometheus *internal = state;

	scrape_server_run(internal->server);
}

static void internal_tick(void *state, uint64_t now_ns)
{
	internal_ready(state);
}

static void internal_close(void *state)
{
	struct internal_prometheus *internal = state;

	scrape_server_close(internal->server);
	internal_gather_close();
	free(internal);
}

static uint64_t internal_due(void *state)
{
	return scrape_server_due(((const struct internal_prometheus *)state)->server);
}

const struct obi_exporter exporter_internal_prometheus = {
	.name = "internal_prometheus",
	.help = "the program's own metrics for a Prometheus to scrape, on a port of their own",
	.wanted = internal_wanted,
	.open = internal_open,
	.poll_fd = internal_poll_fd,
	.ready = internal_ready,
	.tick = internal_tick,
	.due = internal_due,
	.close = internal_close,
};
