// SPDX-License-Identifier: Apache-2.0
/* Span metrics, service graph, host and target info. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "metrics/families/families_fixture.h"
#include "metrics/promtool.h"
#include "sample.h"

#define FEATURES(list_) "metrics:\n  features: [" list_ "]\n"
#define GRAPH FEATURES("application_service_graph")

#define SPAN_LABELS                                                                                \
	"{instance=\"vm:2460\",job=\"gosrv\",service_name=\"gosrv\",service_namespace=\"\","       \
	"source=\"obi\",span_kind=\"SPAN_KIND_SERVER\",span_name=\"GET /users/\","                 \
	"status_code=\"STATUS_CODE_UNSET\",telemetry_sdk_language=\"go\""

static void legacy_span_metrics_have_the_names_of_tempo(void **state)
{
	struct obi_span span = sample_server();
	struct fixture f;

	begin(&f, FEATURES("application_span"));
	span.end_ns = span.request_start_ns + 5 * NSEC_PER_MSEC;
	families_put_span(f.families, &span, 0);
	has(&f, "# HELP traces_spanmetrics_latency duration of service calls (client and server), "
		"in seconds, in trace span metrics format\n"
		"# TYPE traces_spanmetrics_latency histogram\n"
		"traces_spanmetrics_latency_bucket" SPAN_LABELS ",le=\"0\"} 0\n"
		"traces_spanmetrics_latency_bucket" SPAN_LABELS ",le=\"0.005\"} 1\n");
	has(&f, "traces_spanmetrics_latency_count" SPAN_LABELS "} 1\n");
	has(&f, "# HELP traces_spanmetrics_calls_total number of service calls in trace span "
		"metrics format\n# TYPE traces_spanmetrics_calls_total counter\n"
		"traces_spanmetrics_calls_total" SPAN_LABELS "} 1\n");
	has_not(&f, "http_server");
	has_not(&f, "size");
	span.op.http.status = 500;
	families_put_span(f.families, &span, 0);
	has(&f, "status_code=\"STATUS_CODE_ERROR\"");
	end(&f);
}

static void the_others_follow_the_conventions(void **state)
{
	struct obi_span span = sample_client();
	struct fixture f;

	begin(&f, FEATURES("application_span_otel, application_span_sizes"));
	span.op.http.request_length = 20;
	families_put_span(f.families, &span, 0);
	families_put_span(f.families, &span, 0);
	has(&f, "traces_span_metrics_duration_seconds_count{");
	has(&f, "span_kind=\"SPAN_KIND_CLIENT\",span_name=\"GET /ping\"");
	has(&f, "\ntraces_span_metrics_calls_total{");
	has(&f, "\ntraces_spanmetrics_size_total{instance=\"vm:2460\"");
	has(&f, "telemetry_sdk_language=\"go\"} 40\n");
	has(&f, "\ntraces_spanmetrics_response_size_total{");
	has(&f, "telemetry_sdk_language=\"go\"} 10\n");
	has_not(&f, "traces_spanmetrics_latency");
	end(&f);
}

static void all_features_make_one_kind_of_span_metrics(void **state)
{
	struct obi_span span = sample_server();
	struct fixture f;

	begin(&f, FEATURES("all"));
	families_put_span(f.families, &span, 0);
	has(&f, "traces_span_metrics_calls_total");
	has_not(&f, "traces_spanmetrics_calls_total");
	end(&f);
}

static void span_names_past_the_limit_are_aggregated(void **state)
{
	struct obi_service other = sample_gosrv;
	struct obi_span span = sample_server();
	struct fixture f;
	char route[16];

	begin(&f, FEATURES("application_span") "attributes:\n  metric_span_names_limit: 2\n");
	for (int i = 0; i < 5; i++) {
		(void)snprintf(route, sizeof(route), "/r%d", i);
		span.op.http.route = slice_cstr(route);
		families_put_span(f.families, &span, 0);
	}
	has(&f, "span_name=\"GET /r0\"");
	has(&f, "span_name=\"GET /r1\"");
	has_not(&f, "/r2");
	has(&f, "traces_spanmetrics_calls_total{instance=\"vm:2460\",job=\"gosrv\","
		"service_name=\"gosrv\",service_namespace=\"\",source=\"obi\","
		"span_kind=\"SPAN_KIND_SERVER\",span_name=\"AGGREGATED\","
		"status_code=\"STATUS_CODE_UNSET\",telemetry_sdk_language=\"go\"} 3\n");
	(void)snprintf(other.name, sizeof(other.name), "other");
	span.service = &other;
	families_put_span(f.families, &span, 0);
	has(&f, "span_name=\"GET /r4\"");
	end(&f);

	begin(&f, FEATURES("application_span") "attributes:\n  metric_span_names_limit: 0\n");
	families_put_span(f.families, &span, 0);
	has_not(&f, "AGGREGATED");
	end(&f);
}

static void resource_attributes_may_be_added(void **state)
{
	struct obi_service service = sample_gosrv;
	struct obi_span span = sample_server();
	struct fixture f;

	(void)snprintf(service.resource_attributes, sizeof(service.resource_attributes),
		       "service.version=1,deployment.environment=prod,service.version=2,"
		       "odd=a%%20b%%2Cc,bad=%%zz");
	span.service = &service;
	begin(&f, FEATURES("application_span, application") "prometheus_export:\n"
							    "  extra_span_resource_attributes: "
							    "[service.version, source, "
							    "unknown.one, odd, bad]\n"
							    "  extra_resource_attributes: "
							    "[deployment.environment, job]\n");
	families_put_span(f.families, &span, 0);
	families_service(f.families, &service, true, 0);
	has(&f, "service_namespace=\"\",service_version=\"2\",source=\"obi\",span_kind");
	has(&f, ",odd=\"a b,c\",");
	has(&f, "{bad=\"%zz\",");
	has(&f, "telemetry_sdk_language=\"go\",unknown_one=\"\"} 1\n");
	has(&f, "\ntarget_info{deployment_environment=\"prod\",host_id=");
	has(&f, "\ntraces_target_info{deployment_environment=\"prod\",host_id=");
	end(&f);
}

/* Two hosts, so that no call is one to itself. */
static struct obi_span from_afar(struct obi_span span)
{
	span.peer_addr[15] = 9;
	return span;
}

#define GRAPH_LABELS(client_, server_, type_)                                                      \
	"{client=\"" client_ "\",client_service_namespace=\"\",connection_type=\"" type_           \
	"\",server=\"" server_ "\",server_service_namespace=\"\",source=\"obi\"}"

static void a_server_counts_its_calls(void **state)
{
	struct obi_span span = from_afar(sample_server());
	struct fixture f;

	begin(&f, GRAPH);
	families_put_span(f.families, &span, 0);
	has(&f, "\ntraces_service_graph_request_server_seconds_count" GRAPH_LABELS(
			"incoming", "gosrv", "") " 1\n");
	has(&f, "# TYPE traces_service_graph_request_total counter\n"
		"traces_service_graph_request_total" GRAPH_LABELS("incoming", "gosrv", "") " 1\n");
	has_not(&f, "failed");
	has_not(&f, "request_client");
	span.op.http.status = 503;
	span.peer_name = SLICE_LIT("shop");
	families_put_span(f.families, &span, 0);
	has(&f,
	    "traces_service_graph_request_failed_total" GRAPH_LABELS("shop", "gosrv", "") " 1\n");
	end(&f);
}

static void a_client_counts_calls_to_strangers_alone(void **state)
{
	static const struct obi_service db = { .pid = 7, .name = "db.example" };
	struct obi_span span = from_afar(sample_client());
	struct fixture f;

	begin(&f, GRAPH);
	families_put_span(f.families, &span, 0);
	has(&f, "\ntraces_service_graph_request_client_seconds_count" GRAPH_LABELS(
			"gosrv", "outgoing", "") " 1\n");
	has_not(&f, "request_total");
	span.host_name = SLICE_LIT("db.example");
	families_put_span(f.families, &span, 0);
	has(&f, "traces_service_graph_request_total" GRAPH_LABELS("gosrv", "db.example",
								  "virtual_node") " 1\n");
	families_service(f.families, &db, true, 0);
	families_put_span(f.families, &span, 0);
	has(&f, "traces_service_graph_request_client_seconds_count" GRAPH_LABELS(
			"gosrv", "db.example", "") " 1\n");
	has(&f, "traces_service_graph_request_total" GRAPH_LABELS("gosrv", "db.example",
								  "virtual_node") " 1\n");
	families_service(f.families, &db, false, 0);
	families_put_span(f.families, &span, 0);
	has(&f, "virtual_node\",server=\"db.example\",server_service_namespace=\"\","
		"source=\"obi\"} 2\n");
	end(&f);
}

static void calls_to_oneself_are_left_out(void **state)
{
	struct obi_span span = sample_server();
	struct fixture f;

	begin(&f, GRAPH);
	families_put_span(f.families, &span, 0);
	assert_string_equal(text_of(&f), "");
	end(&f);

	begin(&f, GRAPH "prometheus_export:\n  allow_service_graph_self_references: true\n");
	families_put_span(f.families, &span, 0);
	has(&f, "traces_service_graph_request_total" GRAPH_LABELS("incoming", "gosrv", "") " 1\n");
	end(&f);
}

static void the_host_is_there_while_a_process_is(void **state)
{
	struct obi_service second = sample_gosrv;
	struct fixture f;

	second.pid++;
	begin(&f, FEATURES("application_host"));
	assert_string_equal(text_of(&f), "");
	families_service(f.families, &sample_gosrv, true, 0);
	families_service(f.families, &sample_gosrv, true, 0);
	families_service(f.families, &second, true, 0);
	has(&f, "# HELP traces_host_info A metric with a constant '1' value labeled by the host id "
		"\n# TYPE traces_host_info gauge\ntraces_host_info{cloud_host_id=\"");
	families_service(f.families, &second, false, 0);
	has(&f, "traces_host_info{");
	families_service(f.families, &sample_gosrv, false, 0);
	assert_string_equal(text_of(&f), "");
	end(&f);
}

static void targets_belong_to_spans_or_applications(void **state)
{
	struct fixture f;

	begin(&f, FEATURES("application_span"));
	families_service(f.families, &sample_gosrv, true, 0);
	has(&f, "# HELP traces_target_info target service information in trace span metric "
		"format\n# TYPE traces_target_info gauge\ntraces_target_info{host_id=\"");
	has_not(&f, "\ntarget_info");
	families_service(f.families, &sample_gosrv, false, 0);
	has_not(&f, "target_info");
	end(&f);
}

static struct obi_service selected_by(uint16_t entry, const char *name)
{
	struct obi_service service = sample_gosrv;

	service.entries.last = entry;
	service.pid += entry;
	(void)snprintf(service.name, sizeof(service.name), "%s", name);
	(void)snprintf(service.instance, sizeof(service.instance), "vm:%u", service.pid);
	return service;
}

#define ENTRIES                                                                                    \
	"discovery:\n  instrument:\n"                                                              \
	"    - {exe_path: a}\n"                                                                    \
	"    - {exe_path: b, metrics: {features: [application_span]}}\n"                           \
	"    - {exe_path: c, metrics: {features: [application_span_otel, application_host,"        \
	" application_service_graph]}}\n"                                                          \
	"    - {exe_path: d, metrics: {features: []}}\n"

/* How many lines begin with this? */
static size_t lines(struct fixture *f, const char *start)
{
	size_t count = 0;

	for (const char *at = text_of(f); at; at = strchr(at, '\n')) {
		at += *at == '\n';
		count += strncmp(at, start, strlen(start)) == 0;
	}
	return count;
}

static void a_service_has_the_families_of_its_entry(void **state)
{
	const char *const names[] = { "common", "plain", "legacy", "otel", "none" };
	struct obi_span span = from_afar(sample_server());
	struct fixture f;

	begin(&f, ENTRIES);
	for (uint32_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct obi_service service = selected_by(i, names[i]);

		span.service = &service;
		families_service(f.families, &service, true, 0);
		families_put_span(f.families, &span, 0);
	}
	assert_int_equal(lines(&f, "http_server_request_duration_seconds_count{"), 2);
	assert_int_equal(lines(&f, "target_info{"), 2);
	assert_int_equal(lines(&f, "traces_spanmetrics_calls_total{"), 1);
	assert_int_equal(lines(&f, "traces_span_metrics_calls_total{"), 1);
	assert_int_equal(lines(&f, "traces_target_info{"), 2);
	assert_int_equal(lines(&f, "traces_service_graph_request_total{"), 1);
	assert_int_equal(lines(&f, "traces_host_info{"), 1);
	has(&f, "\ntraces_spanmetrics_calls_total{instance=\"vm:2462\",job=\"legacy\"");
	has(&f, "\ntraces_span_metrics_calls_total{instance=\"vm:2463\",job=\"otel\"");
	has_not(&f, "none");
	end(&f);
}

static void what_only_one_service_asks_for_goes_with_it(void **state)
{
	struct obi_service plain = selected_by(1, "plain"), otel = selected_by(3, "otel");
	struct fixture f;

	begin(&f, ENTRIES);
	families_service(f.families, &plain, true, 0);
	has_not(&f, "traces_host_info");
	families_service(f.families, &otel, true, 0);
	has(&f, "\ntraces_host_info{");
	/* It becomes another program, that another entry selects. */
	otel.entries.last = 1;
	families_service(f.families, &otel, true, 0);
	has_not(&f, "traces_host_info");
	has_not(&f, "traces_target_info");
	has(&f, "target_info{host_id=");
	families_service(f.families, &otel, false, 0);
	families_service(f.families, &plain, false, 0);
	has_not(&f, "target_info");
	end(&f);
}

static void the_deprecated_override_is_for_those_without_their_own(void **state)
{
	struct obi_service plain = selected_by(1, "plain"), legacy = selected_by(2, "legacy");
	struct obi_span span = sample_server();
	struct fixture f;

	begin(&f, ENTRIES "prometheus_export: {features: [application_span_sizes]}\n");
	span.service = &plain;
	families_put_span(f.families, &span, 0);
	span.service = &legacy;
	families_put_span(f.families, &span, 0);
	has_not(&f, "http_server");
	has(&f, "\ntraces_spanmetrics_size_total{instance=\"vm:2461\"");
	assert_int_equal(lines(&f, "traces_spanmetrics_size_total{"), 1);
	assert_int_equal(lines(&f, "traces_spanmetrics_calls_total{"), 1);
	end(&f);
}

#define SECOND NSEC_PER_SEC

/* The one that was silent longest makes room, and has its target again once it speaks. */
static void targets_are_of_so_many_services(void **state)
{
	struct obi_service a = selected_by(1, "a"), b = selected_by(2, "b"),
			   c = selected_by(3, "c");
	struct obi_span span = sample_server();
	struct fixture f;

	begin(&f, FEATURES("application") "prometheus_export: {service_cache_size: 2}\n");
	families_service(f.families, &a, true, 0);
	families_service(f.families, &b, true, 0);
	families_service(f.families, &c, true, 0);
	has_not(&f, "job=\"a\"");
	assert_int_equal(lines(&f, "target_info{"), 2);
	span.service = &b;
	families_put_span(f.families, &span, SECOND);
	span.service = &a;
	families_put_span(f.families, &span, SECOND);
	assert_int_equal(lines(&f, "target_info{"), 2);
	has(&f, "instance=\"vm:2461\",job=\"a\",os_type");
	has_not(&f, "job=\"c\"");
	/* Not at once, nor after its end. */
	span.service = &c;
	families_put_span(f.families, &span, SECOND);
	has_not(&f, "job=\"c\",os_type");
	families_put_span(f.families, &span, 2 * SECOND);
	has(&f, "job=\"c\",os_type");
	families_service(f.families, &c, false, 0);
	families_put_span(f.families, &span, 9 * SECOND);
	has_not(&f, "job=\"c\",os_type");
	assert_int_equal(lines(&f, "target_info{"), 1);
	end(&f);
}

static void a_series_past_the_limit_is_one_of_all(void **state)
{
	struct obi_span span = sample_server();
	struct fixture f;
	char route[16];

	begin(&f, "metrics:\n  features: [application, application_span]\n  series_limit: 3\n");
	for (int i = 0; i < 6; i++) {
		(void)snprintf(route, sizeof(route), "/r%d", i);
		span.op.http.route = slice_cstr(route);
		families_put_span(f.families, &span, 0);
	}
	has(&f, "\nhttp_server_request_duration_seconds_bucket{otel_metric_overflow=\"true\","
		"le=\"+Inf\"} 4\n");
	has(&f, "\nhttp_server_request_body_size_bytes_count{otel_metric_overflow=\"true\"} 4\n");
	has(&f, "\ntraces_spanmetrics_calls_total{otel_metric_overflow=\"true\"} 4\n");
	has_not(&f, "/r2");
	end(&f);
}

static void a_prometheus_accepts_them(void **state)
{
	struct obi_span server = from_afar(sample_server()), client = from_afar(sample_client());
	struct fixture f;

	if (!promtool_is_there())
		skip();
	begin(&f, FEATURES("application, application_span_otel, application_service_graph, "
			   "application_host"));
	server.op.http.status = client.op.http.status = 500;
	families_put_span(f.families, &server, 0);
	families_put_span(f.families, &client, 0);
	families_service(f.families, &sample_gosrv, true, 0);
	(void)text_of(&f);
	assert_true(promtool_accepts(slice_of(f.text.data, f.text.len - 1)));
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(legacy_span_metrics_have_the_names_of_tempo),
		cmocka_unit_test(the_others_follow_the_conventions),
		cmocka_unit_test(all_features_make_one_kind_of_span_metrics),
		cmocka_unit_test(span_names_past_the_limit_are_aggregated),
		cmocka_unit_test(resource_attributes_may_be_added),
		cmocka_unit_test(a_server_counts_its_calls),
		cmocka_unit_test(a_client_counts_calls_to_strangers_alone),
		cmocka_unit_test(calls_to_oneself_are_left_out),
		cmocka_unit_test(the_host_is_there_while_a_process_is),
		cmocka_unit_test(targets_belong_to_spans_or_applications),
		cmocka_unit_test(a_service_has_the_families_of_its_entry),
		cmocka_unit_test(what_only_one_service_asks_for_goes_with_it),
		cmocka_unit_test(the_deprecated_override_is_for_those_without_their_own),
		cmocka_unit_test(targets_are_of_so_many_services),
		cmocka_unit_test(a_series_past_the_limit_is_one_of_all),
		cmocka_unit_test(a_prometheus_accepts_them),
	};

	return cmocka_run_group_tests_name("span_families", tests, NULL, NULL);
}
