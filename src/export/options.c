// SPDX-License-Identifier: Apache-2.0
#include "export/options.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "config/check.h"

#define ROW(member_, ...) OBI_ROW(struct obi_export_options, member_, __VA_ARGS__)

#define DURATION_BUCKETS "0,0.005,0.01,0.025,0.05,0.075,0.1,0.25,0.5,0.75,1,2.5,5,7.5,10"
#define SIZE_BUCKETS "0,32,64,128,256,512,1024,2048,4096,8192"

static const struct obi_name printers[] = {
	{ "disabled", OBI_PRINTER_DISABLED }, { "text", OBI_PRINTER_TEXT },
	{ "json", OBI_PRINTER_JSON },         { "json_indent", OBI_PRINTER_JSON_INDENT },
	{ "counter", OBI_PRINTER_COUNTER },   { NULL, 0 },
};

const struct obi_name obi_feature_names[] = {
	{ "application", OBI_FEATURE_APPLICATION },
	{ "application_host", OBI_FEATURE_HOST },
	{ "application_jvm", OBI_FEATURE_JVM },
	{ "application_runtime", OBI_FEATURE_RUNTIME },
	{ "application_service_graph", OBI_FEATURE_SERVICE_GRAPH },
	{ "application_span", OBI_FEATURE_SPAN_LEGACY },
	{ "application_span_otel", OBI_FEATURE_SPAN_OTEL },
	{ "application_span_sizes", OBI_FEATURE_SPAN_SIZES },
	{ "ebpf", OBI_FEATURE_EBPF },
	{ "network", OBI_FEATURE_NETWORK },
	{ "network_flow_packets", OBI_FEATURE_FLOW_PACKETS },
	{ "network_inter_zone", OBI_FEATURE_INTER_ZONE },
	{ "stats", OBI_FEATURES_STATS },
	{ "stats_tcp_failed_connections", OBI_FEATURE_STATS_TCP_FAILED },
	{ "stats_tcp_io", OBI_FEATURE_STATS_TCP_IO },
	{ "stats_tcp_retransmits", OBI_FEATURE_STATS_TCP_RETRANSMITS },
	{ "stats_tcp_rtt", OBI_FEATURE_STATS_TCP_RTT },
	{ "all", OBI_FEATURES_ALL },
	{ "*", OBI_FEATURES_ALL },
	{ NULL, 0 },
};

const struct obi_name obi_instrumentation_names[] = {
	{ "*", OBI_INSTRUMENT_ALL },
	{ "http", OBI_INSTRUMENT_HTTP },
	{ "grpc", OBI_INSTRUMENT_GRPC },
	{ "sql", OBI_INSTRUMENT_SQL },
	{ "redis", OBI_INSTRUMENT_REDIS },
	{ "kafka", OBI_INSTRUMENT_KAFKA },
	{ "mqtt", OBI_INSTRUMENT_MQTT },
	{ "nats", OBI_INSTRUMENT_NATS },
	{ "amqp", OBI_INSTRUMENT_AMQP },
	{ "couchbase", OBI_INSTRUMENT_COUCHBASE },
	{ "memcached", OBI_INSTRUMENT_MEMCACHED },
	{ "genai", OBI_INSTRUMENT_GENAI },
	{ "gpu", OBI_INSTRUMENT_GPU },
	{ "mongo", OBI_INSTRUMENT_MONGO },
	{ "dns", OBI_INSTRUMENT_DNS },
	{ "sunrpc", OBI_INSTRUMENT_SUNRPC },
	{ "aerospike", OBI_INSTRUMENT_AEROSPIKE },
	{ NULL, 0 },
};

static const struct obi_name internal_exporters[] = {
	{ "disabled", OBI_INTERNAL_DISABLED },
	{ "prometheus", OBI_INTERNAL_PROMETHEUS },
	{ "otel", OBI_INTERNAL_OTEL },
	{ NULL, 0 },
};

static const struct obi_name exemplar_filters[] = {
	{ "always_off", OBI_EXEMPLARS_OFF },
	{ "always_on", OBI_EXEMPLARS_ON },
	{ "trace_based", OBI_EXEMPLARS_TRACE },
	{ NULL, 0 },
};

static const struct obi_name temporalities[] = {
	{ "cumulative", OBI_TEMPORALITY_CUMULATIVE },
	{ "delta", OBI_TEMPORALITY_DELTA },
	{ "lowmemory", OBI_TEMPORALITY_LOW_MEMORY },
	{ NULL, 0 },
};

static int check_socket_path(const void *field, char *why, size_t why_size)
{
	const char *path = *(const char *const *)field;

	if (!*path || *path == '/' || (*path == '@' && path[1]))
		return 0;
	(void)snprintf(why, why_size, "an absolute path, or @ and a name");
	return -EINVAL;
}

static const struct obi_option rows[] = {
	ROW(trace_printer, "trace_printer", "OTEL_EBPF_TRACE_PRINTER", CHOICE, "disabled",
	    "print spans on standard output", .names = printers),
	ROW(features, "metrics.features", "OTEL_EBPF_METRICS_FEATURES", FLAGS, "application",
	    "families of metrics that are made", .aliases = "OTEL_EBPF_METRIC_FEATURES",
	    .names = obi_feature_names),
	ROW(series_limit, "metrics.series_limit", "OTEL_EBPF_METRICS_SERIES_LIMIT", INT, "10000",
	    "most series of one metric; what would be one more counts into one series of all",
	    .min = 2, .max = 1000000),
	ROW(metric_span_names_limit, "attributes.metric_span_names_limit",
	    "OTEL_EBPF_METRIC_SPAN_NAMES_LIMIT", INT, "100",
	    "span names of a service in metrics; 0: no limit"),
	ROW(temporality, NULL, "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", CHOICE,
	    "cumulative", "do metrics over OTLP count from their start, or from the last export",
	    .names = temporalities, .flags = OBI_OPTION_LENIENT),
	ROW(otlp_exemplar_filter, NULL, "OTEL_METRICS_EXEMPLAR_FILTER", CHOICE, "trace_based",
	    "which measurements over OTLP carry their trace", .names = exemplar_filters,
	    .flags = OBI_OPTION_LENIENT),
	ROW(prometheus.port, "prometheus_export.port", "OTEL_EBPF_PROMETHEUS_PORT", INT, "0",
	    "port of the scrape endpoint; 0: none", .max = 65535),
	ROW(prometheus.listen_address, "prometheus_export.listen_address",
	    "OTEL_EBPF_PROMETHEUS_LISTEN_ADDRESS", STRING, NULL,
	    "address of the scrape endpoint; none: all", .check = obi_check_ip_or_empty),
	ROW(prometheus.path, "prometheus_export.path", "OTEL_EBPF_PROMETHEUS_PATH", STRING,
	    "/metrics", "path of the scrape endpoint", .check = obi_check_url_path),
	ROW(prometheus.disable_build_info, "prometheus_export.disable_build_info",
	    "OTEL_EBPF_PROMETHEUS_DISABLE_BUILD_INFO", BOOL, "false", "leave obi_build_info out"),
	ROW(prometheus.features, "prometheus_export.features", "OTEL_EBPF_PROMETHEUS_FEATURES",
	    FLAGS, NULL, "use metrics.features", .names = obi_feature_names,
	    .flags = OBI_OPTION_DEPRECATED),
	ROW(prometheus.instrumentations, "prometheus_export.instrumentations",
	    "OTEL_EBPF_PROMETHEUS_INSTRUMENTATIONS", FLAGS, "*",
	    "protocols whose metrics are exported", .names = obi_instrumentation_names,
	    .flags = OBI_OPTION_LENIENT),
	ROW(prometheus.ttl, "prometheus_export.ttl", "OTEL_EBPF_PROMETHEUS_TTL", DURATION, "5m",
	    "a series that nothing feeds for so long goes", .min = 1, .max = OBI_UNBOUNDED),
	ROW(prometheus.duration_buckets, "prometheus_export.buckets.duration_histogram", NULL,
	    FLOATS, DURATION_BUCKETS, "upper bounds of request durations, seconds"),
	ROW(prometheus.request_size_buckets, "prometheus_export.buckets.request_size_histogram",
	    NULL, FLOATS, SIZE_BUCKETS, "upper bounds of request body sizes, bytes"),
	ROW(prometheus.response_size_buckets, "prometheus_export.buckets.response_size_histogram",
	    NULL, FLOATS, SIZE_BUCKETS, "upper bounds of response body sizes, bytes"),
	ROW(prometheus.native_bucket_factor, "prometheus_export.native_histogram.bucket_factor",
	    "OTEL_EBPF_PROMETHEUS_NATIVE_HISTOGRAM_BUCKET_FACTOR", FLOAT, "1.1",
	    "growth of a native histogram's buckets, more than 1", .min = 1.0001,
	    .max = OBI_UNBOUNDED),
	ROW(prometheus.native_max_buckets, "prometheus_export.native_histogram.max_bucket_number",
	    "OTEL_EBPF_PROMETHEUS_NATIVE_HISTOGRAM_MAX_BUCKET_NUMBER", INT, "100",
	    "most of its buckets", .min = 1, .max = OBI_UNBOUNDED),
	ROW(prometheus.native_min_reset, "prometheus_export.native_histogram.min_reset_duration",
	    "OTEL_EBPF_PROMETHEUS_NATIVE_HISTOGRAM_MIN_RESET_DURATION", DURATION, "1h",
	    "shortest time between its resets", .min = 1, .max = OBI_UNBOUNDED),
	ROW(prometheus.service_cache_size, "prometheus_export.service_cache_size", NULL, INT,
	    "10000",
	    "services with target_info; one more takes the place of the one that was silent "
	    "longest",
	    .min = 1, .max = OBI_UNBOUNDED),
	ROW(prometheus.allow_service_graph_self_references,
	    "prometheus_export.allow_service_graph_self_references",
	    "OTEL_EBPF_PROMETHEUS_ALLOW_SERVICE_GRAPH_SELF_REFERENCES", BOOL, "false",
	    "let a service call itself in the service graph"),
	ROW(prometheus.exemplar_filter, "prometheus_export.exemplar_filter",
	    "OTEL_EBPF_PROMETHEUS_EXEMPLAR_FILTER", CHOICE, "always_off",
	    "which measurements carry their trace", .names = exemplar_filters,
	    .flags = OBI_OPTION_LENIENT),
	ROW(prometheus.extra_resource_attributes, "prometheus_export.extra_resource_attributes",
	    "OTEL_EBPF_PROMETHEUS_EXTRA_RESOURCE_ATTRIBUTES", LIST, NULL,
	    "further labels of target_info"),
	ROW(prometheus.extra_span_resource_attributes,
	    "prometheus_export.extra_span_resource_attributes",
	    "OTEL_EBPF_PROMETHEUS_EXTRA_SPAN_RESOURCE_ATTRIBUTES", LIST, NULL,
	    "resource attributes on metrics of spans"),
	ROW(internal.exporter, "internal_metrics.exporter", "OTEL_EBPF_INTERNAL_METRICS_EXPORTER",
	    CHOICE, "disabled", "where this program's own metrics go", .names = internal_exporters),
	ROW(internal.port, "internal_metrics.prometheus.port",
	    "OTEL_EBPF_INTERNAL_METRICS_PROMETHEUS_PORT", INT, "0",
	    "port of its own scrape endpoint; 0: none", .max = 65535),
	ROW(internal.listen_address, "internal_metrics.prometheus.listen_address",
	    "OTEL_EBPF_INTERNAL_METRICS_PROMETHEUS_LISTEN_ADDRESS", STRING, NULL,
	    "address of its own scrape endpoint; none: all", .check = obi_check_ip_or_empty),
	ROW(internal.path, "internal_metrics.prometheus.path",
	    "OTEL_EBPF_INTERNAL_METRICS_PROMETHEUS_PATH", STRING, "/internal/metrics",
	    "path of its own scrape endpoint", .check = obi_check_url_path),
	ROW(internal.bpf_interval, "internal_metrics.bpf_metric_scrape_interval",
	    "OTEL_EBPF_BPF_METRIC_SCRAPE_INTERVAL", DURATION, "15s",
	    "how often BPF programs and maps are read for metrics", .min = 1, .max = OBI_UNBOUNDED,
	    .floor = 100e6),
	ROW(internal.avoided_disabled, "internal_metrics.avoided_services.disabled",
	    "OTEL_EBPF_INTERNAL_METRICS_AVOIDED_SERVICES_DISABLED", BOOL, "false",
	    "do not tell of services left to themselves"),
	ROW(internal.avoided_limit, "internal_metrics.avoided_services.limit",
	    "OTEL_EBPF_INTERNAL_METRICS_AVOIDED_SERVICES_LIMIT", INT, "2000",
	    "most of those; 0: 2000", .max = OBI_UNBOUNDED),
	ROW(health.port, "health_check.port", "OTEL_EBPF_HEALTH_CHECK_PORT", INT, "0",
	    "port of /healthz; 0: none", .max = 65535),
	ROW(health.listen_address, "health_check.listen_address",
	    "OTEL_EBPF_HEALTH_CHECK_LISTEN_ADDRESS", STRING, "127.0.0.1", "address of /healthz",
	    .check = obi_check_ip_or_empty),
	ROW(health.unix_socket_path, "health_check.unix_socket_path",
	    "OTEL_EBPF_HEALTH_CHECK_UNIX_SOCKET_PATH", STRING, NULL,
	    "socket of /healthz, a path or @name; wins over the port", .check = check_socket_path),
};

const struct obi_options obi_export_option_rows = {
	.title = "Export",
	.rows = rows,
	.count = ARRAY_SIZE(rows),
};
