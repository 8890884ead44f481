// SPDX-License-Identifier: Apache-2.0
/*
 * Exporter: metrics for a Prometheus to scrape (`prometheus_export`). Where the
 * program's own metrics are asked for on the same port they are served here too, under
 * their path, or together where that is the same.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "config/check.h"
#include "export/exporter.h"
#include "export/internal_gather.h"
#include "export/scrape_server.h"
#include "metrics/families/families.h"
#include "metrics/internal_metrics.h"
#include "metrics/options.h"
#include "settings/settings.h"
#include "span/instrumentation.h"

/* Series expire at a scrape; where nobody scrapes, so often. */
#define EXPIRE_NS (60 * NSEC_PER_SEC)

#define ROW(member_, ...) OBI_ROW(struct obi_prometheus_options, member_, __VA_ARGS__)

static const struct obi_option rows[] = {
	ROW(port, "prometheus_export.port", "OTEL_EBPF_PROMETHEUS_PORT", INT, "0",
	    "port of the scrape endpoint; 0: none", .max = 65535),
	ROW(listen_address, "prometheus_export.listen_address",
	    "OTEL_EBPF_PROMETHEUS_LISTEN_ADDRESS", STRING, NULL,
	    "address of the scrape endpoint; none: all", .check = obi_check_ip_or_empty),
	ROW(path, "prometheus_export.path", "OTEL_EBPF_PROMETHEUS_PATH", STRING, "/metrics",
	    "path of the scrape endpoint", .check = obi_check_url_path),
	ROW(disable_build_info, "prometheus_export.disable_build_info",
	    "OTEL_EBPF_PROMETHEUS_DISABLE_BUILD_INFO", BOOL, "false", "leave obi_build_info out"),
	ROW(features, "prometheus_export.features", "OTEL_EBPF_PROMETHEUS_FEATURES", FLAGS, NULL,
	    "use metrics.features", .names = obi_feature_names, .flags = OBI_OPTION_DEPRECATED),
	ROW(instrumentations, "prometheus_export.instrumentations",
	    "OTEL_EBPF_PROMETHEUS_INSTRUMENTATIONS", FLAGS, "*",
	    "protocols whose metrics are exported", .names = obi_instrumentation_names,
	    .flags = OBI_OPTION_LENIENT),
	ROW(ttl, "prometheus_export.ttl", "OTEL_EBPF_PROMETHEUS_TTL", DURATION, "5m",
	    "a series that nothing feeds for so long goes", .min = 1, .max = OBI_UNBOUNDED),
	ROW(duration_buckets, "prometheus_export.buckets.duration_histogram", NULL, FLOATS,
	    OBI_DURATION_BUCKETS, "upper bounds of request durations, seconds"),
	ROW(request_size_buckets, "prometheus_export.buckets.request_size_histogram", NULL, FLOATS,
	    OBI_SIZE_BUCKETS, "upper bounds of request body sizes, bytes"),
	ROW(response_size_buckets, "prometheus_export.buckets.response_size_histogram", NULL,
	    FLOATS, OBI_SIZE_BUCKETS, "upper bounds of response body sizes, bytes"),
	ROW(native_bucket_factor, "prometheus_export.native_histogram.bucket_factor",
	    "OTEL_EBPF_PROMETHEUS_NATIVE_HISTOGRAM_BUCKET_FACTOR", FLOAT, "1.1",
	    "growth of a native histogram's buckets, more than 1", .min = 1.0001,
	    .max = OBI_UNBOUNDED),
	ROW(native_max_buckets, "prometheus_export.native_histogram.max_bucket_number",
	    "OTEL_EBPF_PROMETHEUS_NATIVE_HISTOGRAM_MAX_BUCKET_NUMBER", INT, "100",
	    "most of its buckets", .min = 1, .max = OBI_UNBOUNDED),
	ROW(native_min_reset, "prometheus_export.native_histogram.min_reset_duration",
	    "OTEL_EBPF_PROMETHEUS_NATIVE_HISTOGRAM_MIN_RESET_DURATION", DURATION, "1h",
	    "shortest time between its resets", .min = 1, .max = OBI_UNBOUNDED),
	ROW(service_cache_size, "prometheus_export.service_cache_size", NULL, INT, "10000",
	    "services with target_info; one more takes the place of the one that was silent "
	    "longest",
	    .min = 1, .max = OBI_UNBOUNDED),
	ROW(allow_service_graph_self_references,
	    "prometheus_export.allow_service_graph_self_references",
	    "OTEL_EBPF_PROMETHEUS_ALLOW_SERVICE_GRAPH_SELF_REFERENCES", BOOL, "false",
	    "let a service call itself in the service graph"),
	ROW(exemplar_filter, "prometheus_export.exemplar_filter",
	    "OTEL_EBPF_PROMETHEUS_EXEMPLAR_FILTER", CHOICE, "always_off",
	    "which measurements carry their trace", .names = obi_exemplar_filter_names,
	    .flags = OBI_OPTION_LENIENT),
	ROW(extra_resource_attributes, "prometheus_export.extra_resource_attributes",
	    "OTEL_EBPF_PROMETHEUS_EXTRA_RESOURCE_ATTRIBUTES", LIST, NULL,
	    "further labels of target_info"),
	ROW(extra_span_resource_attributes, "prometheus_export.extra_span_resource_attributes",
	    "OTEL_EBPF_PROMETHEUS_EXTRA_SPAN_RESOURCE_ATTRIBUTES", LIST, NULL,
	    "resource attributes on metrics of spans"),
};

const struct obi_options obi_prometheus_option_rows = {
	.title = "Export",
	.rows = rows,
	.count = ARRAY_SIZE(rows),
};

struct prometheus {
	struct families *families;
	struct scrape_server *server;
	uint64_t now_ns; /* of the last tick: near enough for a series' time to live */
	uint64_t expired_ns;
	char port[8];
};

static bool prometheus_wanted(const struct obi_settings *settings)
{
	return settings->export.prometheus.port != 0;
}

static size_t choose_paths(const struct obi_settings *settings, struct families *families,
			   struct scrape_path paths[SCRAPE_PATHS_MAX])
{
	const struct obi_prometheus_options *main = &settings->export.prometheus;
	const struct obi_internal_options *internal = &settings->export.internal;

	paths[0] = (struct scrape_path){ main->path, { families_metrics(families) } };
	if (internal->exporter != OBI_INTERNAL_PROMETHEUS || internal->port != main->port)
		return 1;
	if (strcmp(main->path, internal->path) == 0) {
		paths[0].registries[1] = obi_internal_metrics();
		return 1;
	}
	paths[1] = (struct scrape_path){ internal->path, { obi_internal_metrics() } };
	return 2;
}

static void before_scrape(void *context, const char *path)
{
	const struct prometheus *prometheus = context;
	const struct metrics *metrics = families_metrics(prometheus->families);
	uint64_t overflow = metrics_overflow(metrics);

	internal_gather();
	obi_internal_add(OBI_INTERNAL_HTTP_REQUESTS, (const char *[]){ path, prometheus->port }, 1);
	obi_internal_set(OBI_INTERNAL_SERIES, NULL, metrics_series(metrics));
	if (overflow)
		obi_internal_set(OBI_INTERNAL_DROPPED, (const char *[]){ "series_limit" },
				 overflow);
}

static void prometheus_close(void *state)
{
	struct prometheus *prometheus = state;

	scrape_server_close(prometheus->server);
	families_free(prometheus->families);
	internal_gather_close();
	free(prometheus);
}

static int prometheus_open(const struct obi_settings *settings, void **ret_state, char *why,
			   size_t why_size)
{
	uint16_t port = (uint16_t)settings->export.prometheus.port;
	struct prometheus *prometheus = calloc(1, sizeof(*prometheus));
	struct scrape_path paths[SCRAPE_PATHS_MAX];
	size_t count;
	int error;

	(void)snprintf(why, why_size, "out of memory");
	if (!prometheus)
		return -ENOMEM;
	prometheus->now_ns = clock_monotonic_ns();
	(void)snprintf(prometheus->port, sizeof(prometheus->port), "%u", port);
	internal_gather_open(settings);
	error = families_new(settings, &prometheus->families);
	if (!error) {
		count = choose_paths(settings, prometheus->families, paths);
		error = scrape_server_open(settings->export.prometheus.listen_address, port, paths,
					   count, before_scrape, prometheus, &prometheus->server,
					   why, why_size);
	}
	if (error) {
		prometheus_close(prometheus);
		return error;
	}
	*ret_state = prometheus;
	return 0;
}

static void prometheus_put_span(void *state, const struct obi_span *span)
{
	struct prometheus *prometheus = state;

	families_put_span(prometheus->families, span, prometheus->now_ns);
}

static void prometheus_put_flow(void *state, const struct obi_flow_record *record)
{
	struct prometheus *prometheus = state;

	families_put_flow(prometheus->families, record, prometheus->now_ns);
}

static void prometheus_service(void *state, const struct obi_service *service, bool alive)
{
	struct prometheus *prometheus = state;

	families_service(prometheus->families, service, alive, prometheus->now_ns);
}

static void prometheus_put_program(void *state, const struct obi_bpf_program *program)
{
	struct prometheus *prometheus = state;

	families_put_program(prometheus->families, program, prometheus->now_ns);
}

static void prometheus_put_map(void *state, const struct obi_bpf_map *map)
{
	struct prometheus *prometheus = state;

	families_put_map(prometheus->families, map, prometheus->now_ns);
}

static int prometheus_poll_fd(void *state)
{
	const struct prometheus *prometheus = state;

	return scrape_server_fd(prometheus->server);
}

static void prometheus_ready(void *state)
{
	struct prometheus *prometheus = state;

	scrape_server_run(prometheus->server);
}

static void prometheus_tick(void *state, uint64_t now_ns)
{
	struct prometheus *prometheus = state;

	prometheus->now_ns = now_ns;
	if (prometheus->now_ns > prometheus->expired_ns + EXPIRE_NS) {
		metrics_expire(families_metrics(prometheus->families), prometheus->now_ns);
		prometheus->expired_ns = prometheus->now_ns;
	}
	scrape_server_run(prometheus->server);
}

static uint64_t prometheus_due(void *state)
{
	return scrape_server_due(((const struct prometheus *)state)->server);
}

const struct obi_exporter exporter_prometheus = {
	.name = "prometheus",
	.help = "metrics for a Prometheus to scrape",
	.wanted = prometheus_wanted,
	.open = prometheus_open,
	.put_span = prometheus_put_span,
	.put_flow = prometheus_put_flow,
	.service = prometheus_service,
	.put_program = prometheus_put_program,
	.put_map = prometheus_put_map,
	.poll_fd = prometheus_poll_fd,
	.ready = prometheus_ready,
	.tick = prometheus_tick,
	.due = prometheus_due,
	.close = prometheus_close,
};
