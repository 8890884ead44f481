// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "metrics/families/families_fixture.h"
#include "metrics/promtool.h"
#include "sample.h"

#define SERVER_LABELS                                                                              \
	"{http_request_method=\"GET\",http_response_status_code=\"200\",http_route=\"/users/\","   \
	"instance=\"vm:2460\",job=\"gosrv\",server_address=\"gosrv\",server_port=\"8080\","        \
	"service_name=\"gosrv\",service_namespace=\"\",url_scheme=\"http\""

static void a_server_span_feeds_three_histograms(void **state)
{
	struct obi_span span = sample_server();
	struct fixture f;

	begin(&f, "{}");
	span.end_ns = span.request_start_ns + 5 * NSEC_PER_MSEC;
	span.op.http.request_length = 65;
	span.op.http.response_length = -1;
	families_put_span(f.families, &span, 0);
	has(&f, "# HELP http_server_request_duration_seconds duration of HTTP service calls from "
		"the server side, in seconds\n"
		"# TYPE http_server_request_duration_seconds histogram\n"
		"http_server_request_duration_seconds_bucket" SERVER_LABELS ",le=\"0\"} 0\n"
		"http_server_request_duration_seconds_bucket" SERVER_LABELS ",le=\"0.005\"} 1\n"
		"http_server_request_duration_seconds_bucket" SERVER_LABELS ",le=\"0.01\"} 1\n");
	has(&f, ",le=\"7.5\"} 1\n");
	has(&f, "\nhttp_server_request_duration_seconds_sum" SERVER_LABELS "} 0.005\n"
		"http_server_request_duration_seconds_count" SERVER_LABELS "} 1\n");
	has(&f, "# HELP http_server_request_body_size_bytes size, in bytes, of the HTTP request "
		"body as received at the server side\n");
	has(&f, "http_server_request_body_size_bytes_bucket" SERVER_LABELS ",le=\"64\"} 0\n"
		"http_server_request_body_size_bytes_bucket" SERVER_LABELS ",le=\"128\"} 1\n");
	has(&f, "http_server_response_body_size_bytes_bucket" SERVER_LABELS ",le=\"0\"} 1\n");
	has_not(&f, "http_client");
	end(&f);
}

static void a_client_span_names_no_address(void **state)
{
	struct obi_span span = sample_client();
	struct fixture f;

	begin(&f, "{}");
	families_put_span(f.families, &span, 0);
	has(&f, "http_client_request_duration_seconds_count{http_request_method=\"GET\","
		"http_response_status_code=\"200\",http_route=\"/ping\",instance=\"vm:2460\","
		"job=\"gosrv\",server_address=\"outgoing\",server_port=\"8080\","
		"service_name=\"gosrv\",service_namespace=\"\",url_scheme=\"http\"} 1\n");
	has(&f, "# HELP http_client_request_duration_seconds duration of HTTP service calls from "
		"the client side, in seconds\n");
	has(&f, "http_client_request_body_size_bytes size, in bytes, of the HTTP request body as "
		"sent from the client side\n");
	span.host_name = SLICE_LIT("db.example");
	families_put_span(f.families, &span, 0);
	has(&f, "server_address=\"db.example\",server_port=\"8080\"");
	span.asked_port = 443;
	families_put_span(f.families, &span, 0);
	has(&f, "server_address=\"db.example\",server_port=\"443\"");
	end(&f);
}

static void addresses_stay_where_renaming_is_off(void **state)
{
	struct obi_span span = sample_client();
	struct fixture f;

	begin(&f, "attributes:\n  rename_unresolved_hosts_outgoing: ''\n");
	families_put_span(f.families, &span, 0);
	has(&f, "server_address=\"127.0.0.1\"");
	end(&f);
}

static void unknown_methods_share_a_series(void **state)
{
	struct obi_span span = sample_server();
	struct fixture f;

	begin(&f, "{}");
	span.op.http.method = SLICE_LIT("BREW");
	families_put_span(f.families, &span, 0);
	span.op.http.method = SLICE_LIT("WHEN");
	span.op.http.status = 0;
	families_put_span(f.families, &span, 0);
	has(&f, "{http_request_method=\"_OTHER\",http_response_status_code=\"200\"");
	has(&f, "{http_request_method=\"_OTHER\",http_response_status_code=\"0\"");
	has_not(&f, "BREW");
	end(&f);
}

static void ignored_spans_are_no_metrics(void **state)
{
	struct obi_span span = sample_server();
	struct fixture f;

	begin(&f, "{}");
	span.flags = OBI_SPAN_IGNORE_METRICS;
	families_put_span(f.families, &span, 0);
	assert_string_equal(text_of(&f), "");
	end(&f);
}

static void a_selection_may_part_the_histograms(void **state)
{
	struct obi_span span = sample_server();
	struct fixture f;

	begin(&f, "attributes:\n  select:\n    http_server_request_duration_seconds:\n"
		  "      include: [http.route, client.address, url.path]\n"
		  "    http.server.response.*:\n      exclude: ['*']\n");
	families_put_span(f.families, &span, 0);
	has(&f, "http_server_request_duration_seconds_count{client_address=\"incoming\","
		"http_route=\"/users/\",url_path=\"/users/123\"} 1\n");
	has(&f, "http_server_response_body_size_bytes_count 1\n");
	has(&f, "http_server_response_body_size_bytes_bucket{le=\"0\"} 1\n");
	has(&f, "http_server_request_body_size_bytes_count" SERVER_LABELS "} 1\n");
	end(&f);
}

static void a_namespace_is_part_of_the_job(void **state)
{
	static const struct obi_service service = {
		.name = "cart", .name_space = "prod", .instance = "vm:1", .language = "java"
	};
	struct obi_span span = sample_server();
	struct fixture f;

	begin(&f, "{}");
	span.service = &service;
	families_put_span(f.families, &span, 0);
	has(&f, "job=\"prod/cart\"");
	has(&f, "service_name=\"cart\",service_namespace=\"prod\"");
	end(&f);
}

static void targets_live_as_long_as_their_process(void **state)
{
	struct fixture f;

	begin(&f, "attributes:\n  select:\n    resource:\n      exclude: [host.id]\n");
	families_service(f.families, &sample_gosrv, true, 0);
	has(&f,
	    "# HELP target_info attributes associated to a given monitored entity\n"
	    "# TYPE target_info gauge\n"
	    "target_info{host_name=\"vm\",instance=\"vm:2460\",job=\"gosrv\","
	    "os_type=\"linux\",service_name=\"gosrv\",service_namespace=\"\",source=\"obi\","
	    "telemetry_distro_name=\"opentelemetry-ebpf-instrumentation\","
	    "telemetry_distro_version=\"v" OBI_VERSION "\",telemetry_sdk_language=\"go\","
	    "telemetry_sdk_name=\"opentelemetry\",telemetry_sdk_version=\"v" OBI_VERSION "\"} 1\n");
	has(&f, "obi_build_info{goarch=\"");
	has(&f, "target_lang=\"go\"");
	families_service(f.families, &sample_gosrv, false, 0);
	has_not(&f, "target_info");
	end(&f);

	begin(&f, "prometheus_export:\n  disable_build_info: true\n");
	families_service(f.families, &sample_gosrv, true, 0);
	has_not(&f, "obi_build_info");
	end(&f);
}

static void flows_count_by_direction(void **state)
{
	struct obi_flow_record flow = sample_flow();
	struct fixture f;

	begin(&f, "network:\n  enable: true\n");
	families_put_flow(f.families, &flow, 0);
	families_put_flow(f.families, &flow, 0);
	flow.flow.value.initiator = OBI_INITIATOR_DST;
	families_put_flow(f.families, &flow, 0);
	flow.flow.value.initiator = OBI_INITIATOR_UNKNOWN;
	flow.flow.value.bytes = 84;
	families_put_flow(f.families, &flow, 0);
	has(&f, "# HELP obi_network_flow_bytes_total bytes submitted from a source network "
		"endpoint to a destination network endpoint\n"
		"# TYPE obi_network_flow_bytes_total counter\n"
		"obi_network_flow_bytes_total{direction=\"request\"} 972\n"
		"obi_network_flow_bytes_total{direction=\"response\"} 486\n"
		"obi_network_flow_bytes_total{direction=\"unknown\"} 84\n");
	has_not(&f, "packets");
	end(&f);

	begin(&f, "metrics:\n  features: [network_flow_packets]\n");
	families_put_flow(f.families, &flow, 0);
	has(&f, "# HELP obi_network_flow_packets_total packets sent from a source network endpoint "
		"to a destination network endpoint\n");
	has(&f, "obi_network_flow_packets_total{direction=\"unknown\"} 6\n");
	has_not(&f, "bytes_total");
	end(&f);
}

static void every_attribute_of_a_flow_can_be_selected(void **state)
{
	struct obi_flow_record flow = sample_flow();
	struct fixture f;

	begin(&f, "network:\n  enable: true\nattributes:\n  select:\n"
		  "    obi_network_flow_bytes:\n      include: ['*']\n");
	families_put_flow(f.families, &flow, 0);
	has(&f, "obi_network_flow_bytes_total{client_port=\"33114\",direction=\"request\","
		"dst_address=\"10.77.0.2\",dst_cidr=\"10.77.0.0/24\",dst_name=\"10.77.0.2\","
		"dst_port=\"8080\",dst_zone=\"\",iface=\"\",iface_direction=\"egress\","
		"network_protocol_name=\"undefined\",network_type=\"ipv4\",obi_ip=\"10.77.0.1\","
		"server_port=\"8080\",src_address=\"10.77.0.1\",src_cidr=\"10.77.0.0/24\","
		"src_name=\"10.77.0.1\",src_port=\"33114\",src_zone=\"\",transport=\"TCP\"} 486\n");
	flow.flow.key.dst_port = 443;
	families_put_flow(f.families, &flow, 0);
	has(&f, "network_protocol_name=\"https\"");
	flow.flow.value.initiator = OBI_INITIATOR_UNKNOWN;
	families_put_flow(f.families, &flow, 0);
	has(&f, "client_port=\"0\",direction=\"unknown\"");
	end(&f);
}

static void what_is_configured_shows_by_default(void **state)
{
	struct obi_flow_record flow = sample_flow();
	struct fixture f;

	begin(&f, "network:\n  enable: true\n  deduper: none\n  cidrs: [10.0.0.0/8]\n");
	flow.iface = "pvA";
	families_put_flow(f.families, &flow, 0);
	has(&f, "obi_network_flow_bytes_total{direction=\"request\",dst_cidr=\"10.77.0.0/24\","
		"iface=\"pvA\",iface_direction=\"egress\",src_cidr=\"10.77.0.0/24\"} 486\n");
	end(&f);
}

static void features_and_instrumentations_choose(void **state)
{
	struct obi_flow_record flow = sample_flow();
	struct obi_span span = sample_server();
	struct fixture f;

	begin(&f, "metrics:\n  features: [network]\n");
	families_put_span(f.families, &span, 0);
	families_service(f.families, &sample_gosrv, true, 0);
	families_put_flow(f.families, &flow, 0);
	has_not(&f, "http_server");
	has(&f, "obi_network_flow_bytes_total{direction=\"request\"} 486\n");
	end(&f);

	begin(&f, "prometheus_export:\n  instrumentations: [grpc]\n");
	families_put_span(f.families, &span, 0);
	families_put_flow(f.families, &flow, 0);
	assert_string_equal(text_of(&f), "");
	end(&f);
}

static void a_prometheus_accepts_everything_we_have(void **state)
{
	struct obi_span server = sample_server(), client = sample_client();
	struct obi_flow_record flow = sample_flow();
	struct fixture f;

	if (!promtool_is_there())
		skip();
	begin(&f, "network:\n  enable: true\nmetrics:\n  features: [application, network, "
		  "network_flow_packets]\n");
	families_put_span(f.families, &server, 0);
	families_put_span(f.families, &client, 0);
	families_put_flow(f.families, &flow, 0);
	families_service(f.families, &sample_gosrv, true, 0);
	(void)text_of(&f);
	assert_true(promtool_accepts(slice_of(f.text.data, f.text.len - 1)));
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_span_feeds_three_histograms),
		cmocka_unit_test(a_client_span_names_no_address),
		cmocka_unit_test(addresses_stay_where_renaming_is_off),
		cmocka_unit_test(unknown_methods_share_a_series),
		cmocka_unit_test(ignored_spans_are_no_metrics),
		cmocka_unit_test(a_selection_may_part_the_histograms),
		cmocka_unit_test(a_namespace_is_part_of_the_job),
		cmocka_unit_test(targets_live_as_long_as_their_process),
		cmocka_unit_test(flows_count_by_direction),
		cmocka_unit_test(every_attribute_of_a_flow_can_be_selected),
		cmocka_unit_test(what_is_configured_shows_by_default),
		cmocka_unit_test(features_and_instrumentations_choose),
		cmocka_unit_test(a_prometheus_accepts_everything_we_have),
	};

	return cmocka_run_group_tests_name("families", tests, NULL, NULL);
}
