// SPDX-License-Identifier: Apache-2.0
#include "otlp/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "config/check.h"
#include "metrics/options.h"
#include "otlp/endpoint.h"
#include "span/instrumentation.h"

#define ROW(member_, ...) OBI_ROW(struct obi_otlp_options, member_, __VA_ARGS__)
#define POSITIVE .min = 1, .max = OBI_UNBOUNDED
/* Nothing is done more often than this, whatever is asked for. */
#define FLOOR_NS 100e6
#define FLOOR_MS 100

#define TRACE_INSTRUMENTATIONS                                                                     \
	"http,grpc,sql,redis,kafka,mqtt,nats,amqp,mongo,couchbase,memcached,sunrpc,aerospike"

/* Of the processes, before the first batch and the first series: seen to be 8 MiB. */
#define BASE_BYTES (16u << 20)
#define MIB (1u << 20)

static const struct obi_name protocols[] = {
	{ "", OTLP_PROTOCOL_GUESS },
	{ "grpc", OTLP_PROTOCOL_GRPC },
	{ "http/protobuf", OTLP_PROTOCOL_HTTP_PROTOBUF },
	{ "http/json", OTLP_PROTOCOL_HTTP_JSON },
	{ NULL, 0 },
};

static const struct obi_name trace_protocols[] = {
	{ "", OTLP_PROTOCOL_GUESS },
	{ "grpc", OTLP_PROTOCOL_GRPC },
	{ "http/protobuf", OTLP_PROTOCOL_HTTP_PROTOBUF },
	{ "http/json", OTLP_PROTOCOL_HTTP_JSON },
	{ "debug", OTLP_PROTOCOL_DEBUG },
	{ NULL, 0 },
};

static const struct obi_name compressions[] = {
	{ "none", OTLP_COMPRESSION_NONE },
	{ "gzip", OTLP_COMPRESSION_GZIP },
	{ NULL, 0 },
};

static const struct obi_name aggregations[] = {
	{ "explicit_bucket_histogram", OTLP_AGGREGATION_EXPLICIT },
	{ "base2_exponential_bucket_histogram", OTLP_AGGREGATION_EXPONENTIAL },
	{ NULL, 0 },
};

/* One more than what they mean, 0 being none. */
static const struct obi_name log_levels[] = {
	{ "", 0 },
	{ "debug", LOG_DEBUG + 1 },
	{ "info", LOG_INFO + 1 },
	{ "warn", LOG_WARN + 1 },
	{ "error", LOG_ERROR + 1 },
	{ NULL, 0 },
};

static int check_endpoint(const void *field, char *why, size_t why_size)
{
	const char *url = *(const char *const *)field;

	return *url ? otlp_endpoint_check(url, why, why_size) : 0;
}

static int check_directory(const void *field, char *why, size_t why_size)
{
	const char *path = *(const char *const *)field;

	if (!*path || *path == '/')
		return 0;
	(void)snprintf(why, why_size, "an absolute path");
	return -EINVAL;
}

/* What the OpenTelemetry specification has for each signal, and once for all of them. Strings are
 * joined: no parentheses. NOLINTBEGIN(bugprone-macro-parentheses) */
#define TARGET(signal_, SIGNAL_, words_)                                                           \
	ROW(signal_.target.headers, NULL, "OTEL_EXPORTER_OTLP_" SIGNAL_ "_HEADERS", LIST, NULL,    \
	    "headers for " words_, .flags = OBI_OPTION_SECRET | OBI_OPTION_SENDER),                \
		ROW(signal_.target.timeout_ms, NULL, "OTEL_EXPORTER_OTLP_" SIGNAL_ "_TIMEOUT",     \
		    INT, "10000", "longest time of one request, milliseconds",                     \
		    .aliases = "OTEL_EXPORTER_OTLP_TIMEOUT", .min = 1, .max = 3600000),            \
		ROW(signal_.target.compression, NULL,                                              \
		    "OTEL_EXPORTER_OTLP_" SIGNAL_ "_COMPRESSION", CHOICE, "none",                  \
		    "how requests are compressed", .aliases = "OTEL_EXPORTER_OTLP_COMPRESSION",    \
		    .names = compressions),                                                        \
		ROW(signal_.target.certificate, NULL,                                              \
		    "OTEL_EXPORTER_OTLP_" SIGNAL_ "_CERTIFICATE", STRING, NULL,                    \
		    "authorities that the collector's certificate is checked by, PEM",             \
		    .aliases = "OTEL_EXPORTER_OTLP_CERTIFICATE", .flags = OBI_OPTION_SENDER),      \
		ROW(signal_.target.client_certificate, NULL,                                       \
		    "OTEL_EXPORTER_OTLP_" SIGNAL_ "_CLIENT_CERTIFICATE", STRING, NULL,             \
		    "certificate that is shown to the collector, PEM",                             \
		    .aliases = "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",                            \
		    .flags = OBI_OPTION_SENDER),                                                   \
		ROW(signal_.target.client_key, NULL, "OTEL_EXPORTER_OTLP_" SIGNAL_ "_CLIENT_KEY",  \
		    STRING, NULL, "its private key, PEM",                                          \
		    .aliases = "OTEL_EXPORTER_OTLP_CLIENT_KEY", .flags = OBI_OPTION_SENDER)
/* NOLINTEND(bugprone-macro-parentheses) */

static const struct obi_option rows[] = {
	ROW(common.endpoint, NULL, "OTEL_EXPORTER_OTLP_ENDPOINT", STRING, NULL,
	    "collector for all signals", .check = check_endpoint, .flags = OBI_OPTION_SECRET),
	ROW(common.headers, NULL, "OTEL_EXPORTER_OTLP_HEADERS", LIST, NULL,
	    "headers for all signals, name=value", .flags = OBI_OPTION_SECRET | OBI_OPTION_SENDER),
	ROW(common.memory_limit_mib, "memory_limit_mib", "OTEL_EBPF_MEMORY_LIMIT_MIB", INT, "64",
	    "memory of worker, sender and what waits between them, MiB: what does not fit is "
	    "dropped",
	    .min = 32, .max = 65536),
	ROW(common.spill_directory, "otlp_spill.directory", "OTEL_EBPF_OTLP_SPILL_DIRECTORY",
	    STRING, NULL, "where batches wait that memory has no room for; none: they are dropped",
	    .check = check_directory),
	ROW(common.spill_max_size_mib, "otlp_spill.max_size_mib",
	    "OTEL_EBPF_OTLP_SPILL_MAX_SIZE_MIB", INT, "256",
	    "size of that directory, MiB: the oldest batches make room", .min = 8, .max = 1048576),
	ROW(metrics.target.endpoint, "otel_metrics_export.endpoint",
	    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", STRING, NULL, "collector for metrics",
	    .check = check_endpoint, .flags = OBI_OPTION_SECRET),
	ROW(metrics.target.protocol, "otel_metrics_export.protocol",
	    "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", CHOICE, NULL, "else told by the port",
	    .aliases = "OTEL_EXPORTER_OTLP_PROTOCOL", .names = protocols),
	ROW(metrics.target.insecure_skip_verify, "otel_metrics_export.insecure_skip_verify",
	    "OTEL_EBPF_INSECURE_SKIP_VERIFY", BOOL, "false", "accept any certificate"),
	TARGET(metrics, "METRICS", "metrics"),
	ROW(metrics.interval, "otel_metrics_export.interval", "OTEL_EBPF_METRICS_INTERVAL",
	    DURATION, "1m", "how often metrics are sent", POSITIVE, .floor = FLOOR_NS),
	ROW(metrics.interval_ms, NULL, "OTEL_METRIC_EXPORT_INTERVAL", INT, NULL,
	    "the same in milliseconds", POSITIVE, .floor = FLOOR_MS, .flags = OBI_OPTION_OPTIONAL),
	ROW(metrics.duration_buckets, "otel_metrics_export.buckets.duration_histogram", NULL,
	    FLOATS, OBI_DURATION_BUCKETS, "upper bounds of request durations, seconds"),
	ROW(metrics.request_size_buckets, "otel_metrics_export.buckets.request_size_histogram",
	    NULL, FLOATS, OBI_SIZE_BUCKETS, "upper bounds of request body sizes, bytes"),
	ROW(metrics.response_size_buckets, "otel_metrics_export.buckets.response_size_histogram",
	    NULL, FLOATS, OBI_SIZE_BUCKETS, "upper bounds of response body sizes, bytes"),
	ROW(metrics.aggregation, "otel_metrics_export.histogram_aggregation",
	    "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", CHOICE,
	    "explicit_bucket_histogram", "kind of histograms", .names = aggregations,
	    .flags = OBI_OPTION_LENIENT),
	ROW(metrics.exponential_max_size, "otel_metrics_export.exponential_histogram.max_size",
	    "OTEL_EBPF_METRICS_EXPONENTIAL_HISTOGRAM_MAX_SIZE", INT, "160",
	    "buckets of an exponential histogram", POSITIVE),
	ROW(metrics.exponential_max_scale, "otel_metrics_export.exponential_histogram.max_scale",
	    "OTEL_EBPF_METRICS_EXPONENTIAL_HISTOGRAM_MAX_SCALE", INT, "20", "its finest scale",
	    .min = -10, .max = 20),
	ROW(metrics.reporters_cache_len, "otel_metrics_export.reporters_cache_len",
	    "OTEL_EBPF_METRICS_REPORT_CACHE_LEN", INT, "256", "services with metrics of their own",
	    POSITIVE),
	ROW(metrics.target.log_level, "otel_metrics_export.otel_sdk_log_level",
	    "OTEL_EBPF_SDK_LOG_LEVEL", CHOICE, NULL,
	    "least severe messages of the sender; not given: as log_level", .names = log_levels),
	ROW(metrics.features, "otel_metrics_export.features", "OTEL_EBPF_OTEL_METRICS_FEATURES",
	    FLAGS, NULL, "use metrics.features", .names = obi_feature_names,
	    .flags = OBI_OPTION_DEPRECATED),
	ROW(metrics.instrumentations, "otel_metrics_export.instrumentations",
	    "OTEL_EBPF_METRICS_INSTRUMENTATIONS", FLAGS, "*",
	    "protocols whose metrics are exported", .names = obi_instrumentation_names,
	    .flags = OBI_OPTION_LENIENT),
	ROW(metrics.ttl, "otel_metrics_export.ttl", "OTEL_EBPF_METRICS_TTL", DURATION, "5m",
	    "a series that nothing feeds for so long goes", POSITIVE),
	ROW(metrics.allow_service_graph_self_references,
	    "otel_metrics_export.allow_service_graph_self_references",
	    "OTEL_EBPF_ALLOW_SERVICE_GRAPH_SELF_REFERENCES", BOOL, "false",
	    "let a service call itself in the service graph"),
	ROW(metrics.extra_span_resource_attributes,
	    "otel_metrics_export.extra_span_resource_attributes",
	    "OTEL_EBPF_EXTRA_SPAN_RESOURCE_ATTRIBUTES", LIST, NULL,
	    "resource attributes on metrics of spans"),
	ROW(traces.target.endpoint, "otel_traces_export.endpoint",
	    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", STRING, NULL, "collector for traces",
	    .check = check_endpoint, .flags = OBI_OPTION_SECRET),
	ROW(traces.target.protocol, "otel_traces_export.protocol",
	    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", CHOICE, NULL,
	    "else told by the port; debug: print", .aliases = "OTEL_EXPORTER_OTLP_PROTOCOL",
	    .names = trace_protocols),
	ROW(traces.target.insecure_skip_verify, "otel_traces_export.insecure_skip_verify", NULL,
	    BOOL, "false", "accept any certificate", .aliases = "OTEL_EBPF_INSECURE_SKIP_VERIFY"),
	TARGET(traces, "TRACES", "traces"),
	ROW(traces.instrumentations, "otel_traces_export.instrumentations",
	    "OTEL_EBPF_TRACES_INSTRUMENTATIONS", FLAGS, TRACE_INSTRUMENTATIONS,
	    "protocols whose traces are exported", .names = obi_instrumentation_names,
	    .flags = OBI_OPTION_LENIENT),
	ROW(traces.batch_max_size, "otel_traces_export.batch_max_size",
	    "OTEL_EBPF_OTLP_TRACES_BATCH_MAX_SIZE", INT, "4096", "spans sent together", .min = 1,
	    .max = 1000000),
	ROW(traces.queue_size, "otel_traces_export.queue_size", "OTEL_EBPF_OTLP_TRACES_QUEUE_SIZE",
	    INT, "16384", "spans that wait; 0: four batches", .min = 0, .max = OBI_UNBOUNDED),
	ROW(traces.reporters_cache_len, "otel_traces_export.reporters_cache_len",
	    "OTEL_EBPF_TRACES_REPORT_CACHE_LEN", INT, "256",
	    "services whose resource is kept from batch to batch", POSITIVE),
	ROW(traces.batch_timeout, "otel_traces_export.batch_timeout",
	    "OTEL_EBPF_OTLP_TRACES_BATCH_TIMEOUT", DURATION, "15s", "longest wait for a full batch",
	    .floor = FLOOR_NS / 10),
	ROW(traces.backoff_initial_interval, "otel_traces_export.backoff_initial_interval",
	    "OTEL_EBPF_BACKOFF_INITIAL_INTERVAL", DURATION, "5s", "first wait before sending again",
	    POSITIVE, .floor = FLOOR_NS),
	ROW(traces.backoff_max_interval, "otel_traces_export.backoff_max_interval",
	    "OTEL_EBPF_BACKOFF_MAX_INTERVAL", DURATION, "30s", "longest wait", POSITIVE,
	    .floor = FLOOR_NS),
	ROW(traces.backoff_max_elapsed_time, "otel_traces_export.backoff_max_elapsed_time",
	    "OTEL_EBPF_BACKOFF_MAX_ELAPSED_TIME", DURATION, "5m", "when to give a batch up",
	    POSITIVE),
	ROW(traces.target.log_level, "otel_traces_export.otel_sdk_log_level", NULL, CHOICE, NULL,
	    "the same; where both are given, the less severe one",
	    .aliases = "OTEL_EBPF_SDK_LOG_LEVEL", .names = log_levels),
	ROW(traces.max_export_batch_size, "otel_traces_export.max_export_batch_size", NULL, INT,
	    NULL, "use otel_traces_export.batch_max_size", POSITIVE,
	    .flags = OBI_OPTION_DEPRECATED | OBI_OPTION_OPTIONAL),
	ROW(traces.max_queue_size, "otel_traces_export.max_queue_size", NULL, INT, NULL,
	    "use otel_traces_export.queue_size", POSITIVE,
	    .flags = OBI_OPTION_DEPRECATED | OBI_OPTION_OPTIONAL),
};

const struct obi_options obi_otlp_option_rows = {
	.title = "OTLP",
	.rows = rows,
	.count = ARRAY_SIZE(rows),
};

const struct obi_otlp_target_options *obi_otlp_target(const struct obi_otlp_options *options,
						      enum otlp_signal signal)
{
	return signal == OTLP_TRACES ? &options->traces.target : &options->metrics.target;
}

const char *obi_otlp_endpoint(const struct obi_otlp_options *options, enum otlp_signal signal)
{
	const struct obi_otlp_target_options *target = obi_otlp_target(options, signal);

	if (target->protocol == OTLP_PROTOCOL_DEBUG)
		return "";
	return *target->endpoint ? target->endpoint : options->common.endpoint;
}

bool obi_otlp_traces_wanted(const struct obi_otlp_options *options)
{
	return options->traces.target.protocol == OTLP_PROTOCOL_DEBUG ||
	       *obi_otlp_endpoint(options, OTLP_TRACES);
}

bool obi_otlp_metrics_wanted(const struct obi_otlp_options *options)
{
	return *obi_otlp_endpoint(options, OTLP_METRICS);
}

bool obi_otlp_sender_wanted(const struct obi_otlp_options *options)
{
	return *obi_otlp_endpoint(options, OTLP_TRACES) ||
	       *obi_otlp_endpoint(options, OTLP_METRICS);
}

int obi_otlp_log_level(const struct obi_otlp_options *options, int of_program)
{
	int metrics = options->metrics.target.log_level, traces = options->traces.target.log_level;
	int level = metrics && (!traces || metrics < traces) ? metrics : traces;

	return level ? level - 1 : of_program;
}

uint64_t obi_otlp_queue_bytes(const struct obi_otlp_options *options, enum otlp_signal signal)
{
	uint64_t limit = (uint64_t)options->common.memory_limit_mib * MIB;
	/* Series of Prometheus and of OTLP keep to an eighth each (families.c). */
	uint64_t room = limit / 4 * 3;

	room = room > 2 * (uint64_t)BASE_BYTES ? room - BASE_BYTES : limit / 4;
	/* Metrics are few and go one at a time. */
	return signal == OTLP_METRICS ? room / 4 : room / 4 * 3;
}
