// SPDX-License-Identifier: Apache-2.0
/* Exporter: the program's own metrics on a port of their own (`internal_metrics.prometheus`). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "config/check.h"
#include "export/exporter.h"
#include "export/internal_gather.h"
#include "export/scrape_server.h"
#include "metrics/internal_metrics.h"
#include "settings/settings.h"

static const struct obi_name internal_exporters[] = {
	{ "disabled", OBI_INTERNAL_DISABLED },
	{ "prometheus", OBI_INTERNAL_PROMETHEUS },
	{ "otel", OBI_INTERNAL_OTEL },
	{ NULL, 0 },
};

#define ROW(member_, ...) OBI_ROW(struct obi_internal_options, member_, __VA_ARGS__)

static const struct obi_option rows[] = {
	ROW(exporter, "internal_metrics.exporter", "OTEL_EBPF_INTERNAL_METRICS_EXPORTER", CHOICE,
	    "disabled", "where this program's own metrics go", .names = internal_exporters),
	ROW(port, "internal_metrics.prometheus.port", "OTEL_EBPF_INTERNAL_METRICS_PROMETHEUS_PORT",
	    INT, "0", "port of its own scrape endpoint; 0: none", .max = 65535),
	ROW(listen_address, "internal_metrics.prometheus.listen_address",
	    "OTEL_EBPF_INTERNAL_METRICS_PROMETHEUS_LISTEN_ADDRESS", STRING, NULL,
	    "address of its own scrape endpoint; none: all", .check = obi_check_ip_or_empty),
	ROW(path, "internal_metrics.prometheus.path", "OTEL_EBPF_INTERNAL_METRICS_PROMETHEUS_PATH",
	    STRING, "/internal/metrics", "path of its own scrape endpoint",
	    .check = obi_check_url_path),
	ROW(bpf_interval, "internal_metrics.bpf_metric_scrape_interval",
	    "OTEL_EBPF_BPF_METRIC_SCRAPE_INTERVAL", DURATION, "15s",
	    "how often BPF programs and maps are read for metrics", .min = 1, .max = OBI_UNBOUNDED,
	    .floor = 100e6),
	ROW(avoided_disabled, "internal_metrics.avoided_services.disabled",
	    "OTEL_EBPF_INTERNAL_METRICS_AVOIDED_SERVICES_DISABLED", BOOL, "false",
	    "do not tell of services left to themselves"),
	ROW(avoided_limit, "internal_metrics.avoided_services.limit",
	    "OTEL_EBPF_INTERNAL_METRICS_AVOIDED_SERVICES_LIMIT", INT, "2000",
	    "most of those; 0: 2000", .max = OBI_UNBOUNDED),
};

const struct obi_options obi_internal_option_rows = {
	.title = "Export",
	.rows = rows,
	.count = ARRAY_SIZE(rows),
};

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
