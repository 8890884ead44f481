// SPDX-License-Identifier: Apache-2.0
/*
 * The metrics against what the existing program was seen to tell (tests/data/metrics), and against
 * a list of what its documents have: names, types, units, and the attributes that are there by
 * default. In both directions: none is missing, none is unknown.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "metrics/families/catalog.h"
#include "metrics/internal_metrics.h"
#include "metrics/table.h"

#define HTTP                                                                                       \
	"http.request.method http.response.status_code http.route server.address server.port "     \
	"service.name service.namespace url.scheme"
#define HTTP_PROMETHEUS                                                                            \
	"http_request_method http_response_status_code http_route instance job server_address "    \
	"server_port service_name service_namespace url_scheme"
#define RPC_SERVER                                                                                 \
	"rpc.method rpc.response.status_code rpc.system.name server.address server.port "          \
	"service.name service.namespace"
#define RPC_SERVER_PROMETHEUS                                                                      \
	"instance job rpc_method rpc_response_status_code rpc_system_name server_address "         \
	"server_port service_name service_namespace"
#define RPC_CLIENT                                                                                 \
	"error.type rpc.method rpc.response.status_code rpc.system.name server.address "           \
	"service.name service.namespace"
#define RPC_CLIENT_PROMETHEUS                                                                      \
	"error_type instance job rpc_method rpc_response_status_code rpc_system_name "             \
	"server_address service_name service_namespace"
#define DB                                                                                         \
	"db.namespace db.operation.name db.response.status_code db.system.name error.type "        \
	"server.address server.port service.name service.namespace"
#define DB_PROMETHEUS                                                                              \
	"db_namespace db_operation_name db_response_status_code db_system_name error_type "        \
	"instance job server_address server_port service_name service_namespace"
#define MESSAGING                                                                                  \
	"messaging.destination.name messaging.operation.name messaging.system server.address "     \
	"service.name service.namespace"
#define MESSAGING_PROMETHEUS                                                                       \
	"instance job messaging_destination_name messaging_operation_name messaging_system "       \
	"server_address service_name service_namespace"
#define DNS "error.type service.name service.namespace"
#define DNS_PROMETHEUS "error_type instance job service_name service_namespace"
#define HANDSHAKE                                                                                  \
	"error.type service.name service.namespace span.kind tls.protocol.version tls.resumed"
#define HANDSHAKE_PROMETHEUS                                                                       \
	"error_type instance job service_name service_namespace span_kind tls_protocol_version "   \
	"tls_resumed"
#define CERTIFICATE "service.name service.namespace span.kind tls.server.not_after"
#define CERTIFICATE_PROMETHEUS                                                                     \
	"instance job service_name service_namespace span_kind tls_server_not_after"
#define SPAN                                                                                       \
	"host.id service.instance.id service.name service.namespace source span.kind span.name "   \
	"status.code telemetry.sdk.language"
#define SPAN_PROMETHEUS                                                                            \
	"instance job service_name service_namespace source span_kind span_name status_code "      \
	"telemetry_sdk_language"
#define GRAPH                                                                                      \
	"client client_service_namespace connection_type server server_service_namespace source"
#define TARGET                                                                                     \
	"host.id host.name os.type service.instance.id service.name service.namespace source "     \
	"telemetry.distro.name telemetry.distro.version telemetry.sdk.language "                   \
	"telemetry.sdk.name telemetry.sdk.version"
#define TARGET_PROMETHEUS                                                                          \
	"host_id host_name instance job os_type service_name service_namespace source "            \
	"telemetry_distro_name telemetry_distro_version telemetry_sdk_language "                   \
	"telemetry_sdk_name telemetry_sdk_version"
#define BUILD "goarch goos goversion revision target_lang version"

struct known {
	const char *otel;
	const char *prometheus;
	enum metric_type type;
	const char *unit;
	const char *attributes;
	const char *labels;
};

static const struct known known[] = {
	{ "rpc.server.call.duration", "rpc_server_call_duration_seconds", METRIC_HISTOGRAM, "s",
	  RPC_SERVER, RPC_SERVER_PROMETHEUS },
	{ "rpc.client.call.duration", "rpc_client_call_duration_seconds", METRIC_HISTOGRAM, "s",
	  RPC_CLIENT, RPC_CLIENT_PROMETHEUS },
	{ "db.client.operation.duration", "db_client_operation_duration_seconds", METRIC_HISTOGRAM,
	  "s", DB, DB_PROMETHEUS },
	{ "db.server.operation.duration", "db_server_operation_duration_seconds", METRIC_HISTOGRAM,
	  "s", DB, DB_PROMETHEUS },
	{ "messaging.client.operation.duration", "messaging_client_operation_duration_seconds",
	  METRIC_HISTOGRAM, "s", MESSAGING, MESSAGING_PROMETHEUS },
	{ "messaging.process.duration", "messaging_process_duration_seconds", METRIC_HISTOGRAM, "s",
	  MESSAGING, MESSAGING_PROMETHEUS },
	{ "dns.lookup.duration", "dns_lookup_duration_seconds", METRIC_HISTOGRAM, "s", DNS,
	  DNS_PROMETHEUS },
	{ "tls.handshake.duration", "tls_handshake_duration_seconds", METRIC_HISTOGRAM, "s",
	  HANDSHAKE, HANDSHAKE_PROMETHEUS },
	{ "tls.server.certificate.expiry", "tls_server_certificate_expiry_days", METRIC_GAUGE, "d",
	  CERTIFICATE, CERTIFICATE_PROMETHEUS },
	{ "http.server.request.duration", "http_server_request_duration_seconds", METRIC_HISTOGRAM,
	  "s", HTTP, HTTP_PROMETHEUS },
	{ "http.server.request.body.size", "http_server_request_body_size_bytes", METRIC_HISTOGRAM,
	  "By", HTTP, HTTP_PROMETHEUS },
	{ "http.server.response.body.size", "http_server_response_body_size_bytes",
	  METRIC_HISTOGRAM, "By", HTTP, HTTP_PROMETHEUS },
	{ "http.client.request.duration", "http_client_request_duration_seconds", METRIC_HISTOGRAM,
	  "s", HTTP, HTTP_PROMETHEUS },
	{ "http.client.request.body.size", "http_client_request_body_size_bytes", METRIC_HISTOGRAM,
	  "By", HTTP, HTTP_PROMETHEUS },
	{ "http.client.response.body.size", "http_client_response_body_size_bytes",
	  METRIC_HISTOGRAM, "By", HTTP, HTTP_PROMETHEUS },
	{ "traces_spanmetrics_latency", "traces_spanmetrics_latency", METRIC_HISTOGRAM, NULL, SPAN,
	  SPAN_PROMETHEUS },
	{ "traces_spanmetrics_calls_total", "traces_spanmetrics_calls_total", METRIC_COUNTER, NULL,
	  SPAN, SPAN_PROMETHEUS },
	{ "traces.span.metrics.duration", "traces_span_metrics_duration_seconds", METRIC_HISTOGRAM,
	  "s", SPAN, SPAN_PROMETHEUS },
	{ "traces.span.metrics.calls", "traces_span_metrics_calls_total", METRIC_COUNTER, NULL,
	  SPAN, SPAN_PROMETHEUS },
	{ "traces_spanmetrics_size_total", "traces_spanmetrics_size_total", METRIC_COUNTER, NULL,
	  SPAN, SPAN_PROMETHEUS },
	{ "traces_spanmetrics_response_size_total", "traces_spanmetrics_response_size_total",
	  METRIC_COUNTER, NULL, SPAN, SPAN_PROMETHEUS },
	{ "traces_service_graph_request_client", "traces_service_graph_request_client_seconds",
	  METRIC_HISTOGRAM, "s", GRAPH, GRAPH },
	{ "traces_service_graph_request_server", "traces_service_graph_request_server_seconds",
	  METRIC_HISTOGRAM, "s", GRAPH, GRAPH },
	{ "traces_service_graph_request_failed_total", "traces_service_graph_request_failed_total",
	  METRIC_COUNTER, NULL, GRAPH, GRAPH },
	{ "traces_service_graph_request_total", "traces_service_graph_request_total",
	  METRIC_COUNTER, NULL, GRAPH, GRAPH },
	{ "traces.host.info", "traces_host_info", METRIC_GAUGE, NULL, "cloud.host.id",
	  "cloud_host_id" },
	{ "traces.target.info", "traces_target_info", METRIC_GAUGE, NULL, TARGET,
	  TARGET_PROMETHEUS },
	{ "target.info", "target_info", METRIC_GAUGE, NULL, TARGET, TARGET_PROMETHEUS },
	{ "obi.build.info", "obi_build_info", METRIC_GAUGE, NULL, BUILD, BUILD },
	{ "obi.network.flow.bytes", "obi_network_flow_bytes_total", METRIC_COUNTER, "{bytes}",
	  "direction", "direction" },
	{ "obi.network.flow.packets", "obi_network_flow_packets_total", METRIC_COUNTER, "{packets}",
	  "direction", "direction" },
	{ "bpf.probe.latency", "bpf_probe_latency_seconds", METRIC_HISTOGRAM, "s",
	  "probe_id probe_name probe_type", "probe_id probe_name probe_type" },
	{ "bpf.map.entries", "bpf_map_entries_total", METRIC_COUNTER, NULL,
	  "map_id map_name map_type max_entries", "map_id map_name map_type max_entries" },
};

/* What there is of each default attribute, as this sink calls it. */
static void list_attributes(const struct attribute_group *group, enum metrics_sink sink,
			    struct buffer *buf)
{
	attribute_set set = attributes_for(sink, group->attributes, group->count);
	char label[METRIC_NAME_MAX];

	buf->len = 0;
	for (size_t i = 0; i < group->count; i++) {
		if (!(set & 1u << i) || !group->attributes[i].by_default)
			continue;
		assert_int_equal(metric_prometheus_label(group->attributes[i].name, label), 0);
		buffer_printf(buf, "%s%s", buf->len ? " " : "",
			      sink == SINK_OTLP ? group->attributes[i].name : label);
	}
	buffer_put_char(buf, '\0');
}

static const struct metric_info *find_metric(const char *name)
{
	for (int i = 0; i < METRIC_IDS; i++) {
		if (strcmp(metric_catalog[i].desc.name, name) == 0)
			return &metric_catalog[i];
	}
	fail_msg("%s is missing", name);
	return NULL;
}

static void every_known_metric_is_there(void **state)
{
	struct buffer list = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		const struct metric_info *info = find_metric(known[i].otel);
		char name[METRIC_NAME_MAX];

		assert_int_equal(metric_prometheus_name(info->desc.name, info->desc.unit,
							info->desc.type, name),
				 0);
		assert_string_equal(name, known[i].prometheus);
		assert_int_equal(info->desc.type, known[i].type);
		assert_string_equal(info->desc.unit ? info->desc.unit : "",
				    known[i].unit ? known[i].unit : "");
		assert_true(info->desc.help && *info->desc.help);
		list_attributes(info->attributes, SINK_OTLP, &list);
		assert_string_equal(list.data, known[i].attributes);
		list_attributes(info->attributes, SINK_PROMETHEUS, &list);
		assert_string_equal(list.data, known[i].labels);
	}
	buffer_free(&list);
}

static void every_metric_is_known(void **state)
{
	for (int i = 0; i < METRIC_IDS; i++) {
		size_t found = 0;

		for (size_t k = 0; k < ARRAY_SIZE(known); k++)
			found += strcmp(known[k].otel, metric_catalog[i].desc.name) == 0;
		if (found != 1)
			fail_msg("%s is %zu times in the list", metric_catalog[i].desc.name, found);
	}
}

/* Those of the existing program, and then ours. */
static const struct known internal[] = {
	{ "obi.instrumented.processes", "obi_instrumented_processes", METRIC_GAUGE, NULL,
	  "process.executable.name", "process_name" },
	{ "obi.instrumentation.errors", "obi_instrumentation_errors_total", METRIC_COUNTER, NULL,
	  "error.type process.executable.name", "error_type process_name" },
	{ "obi.internal.build.info", "obi_internal_build_info", METRIC_GAUGE, NULL,
	  "goarch goos goversion obi.revision obi.version",
	  "goarch goos goversion revision version" },
	{ "obi.prometheus.http.requests", "obi_prometheus_http_requests_total", METRIC_COUNTER,
	  NULL, "path port", "path port" },
	{ "obi.bpf.network.packets", "obi_bpf_network_packets_total", METRIC_COUNTER, NULL, "",
	  "" },
	{ "obi.bpf.network.ignored.packets", "obi_bpf_network_ignored_packets_total",
	  METRIC_COUNTER, NULL, "", "" },
	{ "obi.bpf.probe.executions", "obi_bpf_probe_executions_total", METRIC_COUNTER, NULL,
	  "bpf.probe.id bpf.probe.name bpf.probe.type", "probe_id probe_name probe_type" },
	{ "obi.bpf.probe.latency", "obi_bpf_probe_latency_seconds_total", METRIC_COUNTER, "s",
	  "bpf.probe.id bpf.probe.name bpf.probe.type", "probe_id probe_name probe_type" },
	{ "obi.bpf.map.entries", "obi_bpf_map_entries_total", METRIC_GAUGE, NULL,
	  "bpf.map.id bpf.map.name bpf.map.type", "map_id map_name map_type" },
	{ "obi.bpf.map.max_entries", "obi_bpf_map_max_entries_total", METRIC_GAUGE, NULL,
	  "bpf.map.id bpf.map.name bpf.map.type", "map_id map_name map_type" },
	{ "obi.ebpf.tracer.flushes", "obi_ebpf_tracer_flushes", METRIC_HISTOGRAM, NULL, "", "" },
	{ "obi.otel.metric.exports", "obi_otel_metric_exports_total", METRIC_COUNTER, NULL, "",
	  "" },
	{ "obi.otel.metric.export.errors", "obi_otel_metric_export_errors_total", METRIC_COUNTER,
	  NULL, "obi.error", "error" },
	{ "obi.otel.trace.exports", "obi_otel_trace_exports_total", METRIC_COUNTER, NULL, "", "" },
	{ "obi.otel.trace.export.errors", "obi_otel_trace_export_errors_total", METRIC_COUNTER,
	  NULL, "obi.error", "error" },
	{ "obi.avoided.services", "obi_avoided_services", METRIC_GAUGE, NULL,
	  "otel.metric.overflow service.name service.namespace telemetry.type",
	  "otel_metric_overflow service_name service_namespace telemetry_type" },
	{ "obi.queue.capacity.ratio", "obi_queue_capacity_ratio", METRIC_GAUGE, NULL, "subscriber",
	  "subscriber" },
	{ "obi.records", "obi_records_total", METRIC_COUNTER, NULL, "", "" },
	{ "obi.spans", "obi_spans_total", METRIC_COUNTER, NULL, "outcome", "outcome" },
	{ "obi.flows", "obi_flows_total", METRIC_COUNTER, NULL, "", "" },
	{ "obi.dropped", "obi_dropped_total", METRIC_COUNTER, NULL, "reason", "reason" },
	{ "obi.parser.errors", "obi_parser_errors_total", METRIC_COUNTER, NULL, "protocol",
	  "protocol" },
	{ "obi.worker.restarts", "obi_worker_restarts_total", METRIC_COUNTER, NULL, "", "" },
	{ "obi.metric.series", "obi_metric_series", METRIC_GAUGE, NULL, "", "" },
	{ "obi.otel.queue.items", "obi_otel_queue_items", METRIC_GAUGE, NULL, "telemetry.type",
	  "telemetry_type" },
	{ "obi.otel.queue.memory", "obi_otel_queue_memory_bytes", METRIC_GAUGE, "By",
	  "telemetry.type", "telemetry_type" },
	{ "obi.ring.fill", "obi_ring_fill_ratio", METRIC_GAUGE, "1", "", "" },
	{ "obi.process.memory", "obi_process_memory_bytes", METRIC_GAUGE, "By", "process",
	  "process" },
};

static void check_internal(const struct known *expected, const struct metric_family *family,
			   bool otel)
{
	const struct metric_table *table = family->table;
	struct buffer list = { 0 };

	assert_string_equal(family->name, expected->prometheus);
	assert_int_equal(family->type, expected->type);
	assert_string_equal(family->unit, expected->unit ? expected->unit : "");
	for (size_t i = 0; i < table->labels_count; i++)
		buffer_printf(&list, "%s%s", i ? " " : "",
			      otel ? table->attributes[i] : table->labels[i]);
	buffer_put_char(&list, '\0');
	assert_string_equal(list.data, otel ? expected->attributes : expected->labels);
	buffer_free(&list);
}

static void check_all_internal(bool otel)
{
	const struct metrics *metrics = obi_internal_metrics();

	assert_int_equal(metrics->families_count, ARRAY_SIZE(internal));
	for (size_t i = 0; i < ARRAY_SIZE(internal); i++) {
		size_t found = 0;

		for (size_t k = 0; k < metrics->families_count; k++) {
			if (strcmp(metrics->families[k]->otel, internal[i].otel) != 0)
				continue;
			check_internal(&internal[i], metrics->families[k], otel);
			found++;
		}
		if (found != 1)
			fail_msg("%s is there %zu times", internal[i].otel, found);
	}
	obi_internal_free();
}

static void the_programs_own_are_known_too(void **state)
{
	check_all_internal(false);
	obi_internal_use_otel();
	check_all_internal(true);
}

/* ---- As the existing program told it ---- */

#define RECORDED "tests/data/metrics/existing.prom"
#define LABELS_MAX 32

struct labels {
	char names[LABELS_MAX][METRIC_NAME_MAX];
	size_t count;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* name{a="x",b="y"} 1: the names of its labels. No value here has a comma in it. */
static void read_labels(const char *sample, struct labels *ret_labels)
{
	const char *at = strchr(sample, '{');

	ret_labels->count = 0;
	for (; at && (at[0] == '{' || at[0] == ','); at = strpbrk(at + 1, ",}")) {
		size_t len = strcspn(at + 1, "=");

		assert_in_range(len, 1, METRIC_NAME_MAX - 1);
		assert_true(ret_labels->count < LABELS_MAX);
		memcpy(ret_labels->names[ret_labels->count], at + 1, len);
		ret_labels->names[ret_labels->count++][len] = '\0';
	}
	qsort(ret_labels->names, ret_labels->count, sizeof(ret_labels->names[0]), by_text);
}

/* Those that ours has by default, or all. */
static void list_labels(const struct attribute_group *group, bool all, struct labels *ret_labels)
{
	attribute_set set = attributes_for(SINK_PROMETHEUS, group->attributes, group->count);

	ret_labels->count = 0;
	for (size_t i = 0; i < group->count; i++)
		if (set & 1u << i && (all || group->attributes[i].by_default))
			assert_int_equal(
				metric_prometheus_label(group->attributes[i].name,
							ret_labels->names[ret_labels->count++]),
				0);
	qsort(ret_labels->names, ret_labels->count, sizeof(ret_labels->names[0]), by_text);
}

static bool same_labels(const struct labels *a, const struct labels *b)
{
	for (size_t i = 0; i < a->count && i < b->count; i++)
		if (strcmp(a->names[i], b->names[i]) != 0)
			return false;
	return a->count == b->count;
}

static const struct metric_info *find_served(const char *name, size_t len)
{
	for (int i = 0; i < METRIC_IDS; i++) {
		const struct metric_desc *desc = &metric_catalog[i].desc;
		char served[METRIC_NAME_MAX];

		assert_int_equal(metric_prometheus_name(desc->name, desc->unit, desc->type, served),
				 0);
		if (strlen(served) == len && strncmp(served, name, len) == 0)
			return &metric_catalog[i];
	}
	fail_msg("%.*s is missing", (int)len, name);
	return NULL;
}

/* A histogram's sample has a name of its own. */
static size_t name_length(const char *sample)
{
	size_t len = strcspn(sample, "{ \n");

	return len > 6 && strncmp(sample + len - 6, "_count", 6) == 0 ? len - 6 : len;
}

static void check_recorded(const char *line)
{
	static const char help[] = "# HELP ";
	struct labels theirs, ours, all;
	const struct metric_info *info;

	if (strncmp(line, help, strlen(help)) == 0) {
		const char *name = line + strlen(help), *text = strchr(name, ' ') + 1;

		info = find_served(name, strcspn(name, " "));
		assert_int_equal(strncmp(info->desc.help, text, strcspn(text, "\n")), 0);
		return;
	}
	info = find_served(line, name_length(line));
	read_labels(line, &theirs);
	list_labels(info->attributes, false, &ours);
	list_labels(info->attributes, true, &all);
	if (!same_labels(&theirs, &ours) && !same_labels(&theirs, &all))
		fail_msg("other labels: %s", line);
}

static void check_recorded_internal(const char *line)
{
	const struct metrics *metrics = obi_internal_metrics();
	struct labels theirs, ours = { .count = 0 };
	const struct metric_table *table;
	size_t i = 0;

	while (i < metrics->families_count &&
	       (strlen(metrics->families[i]->name) != strcspn(line, "{ \n") ||
		strncmp(metrics->families[i]->name, line, strcspn(line, "{ \n")) != 0))
		i++;
	if (i == metrics->families_count)
		fail_msg("missing: %s", line);
	read_labels(line, &theirs);
	if (theirs.count == 0)
		return; /* recorded without */
	table = metrics->families[i]->table;
	for (; ours.count < table->labels_count; ours.count++)
		(void)snprintf(ours.names[ours.count], METRIC_NAME_MAX, "%s",
			       table->labels[ours.count]);
	qsort(ours.names, ours.count, sizeof(ours.names[0]), by_text);
	if (!same_labels(&theirs, &ours))
		fail_msg("other labels: %s", line);
}

static void what_the_existing_program_told_is_told_alike(void **state)
{
	FILE *file = fopen(RECORDED, "re");
	bool internal_ones = false;
	int checked = 0;
	char line[1024];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		internal_ones |= strncmp(line, "# INTERNAL", 10) == 0;
		if (line[0] == '#' && strncmp(line, "# HELP ", 7) != 0)
			continue;
		if (internal_ones)
			check_recorded_internal(line);
		else
			check_recorded(line);
		checked++;
	}
	fclose(file);
	obi_internal_free();
	assert_int_equal(checked, 35);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_existing_program_told_is_told_alike),
		cmocka_unit_test(every_known_metric_is_there),
		cmocka_unit_test(every_metric_is_known),
		cmocka_unit_test(the_programs_own_are_known_too),
	};

	return cmocka_run_group_tests_name("catalog", tests, NULL, NULL);
}
