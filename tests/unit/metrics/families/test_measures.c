// SPDX-License-Identifier: Apache-2.0
/* Metrics of RPC, databases, messages and DNS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "metrics/families/families_fixture.h"
#include "metrics/promtool.h"
#include "sample.h"

#define SERVICE "instance=\"vm:2460\",job=\"gosrv\","
#define SERVICE_NAME ",service_name=\"gosrv\",service_namespace=\"\"} 1\n"

static void a_database_span_is_a_duration_with_its_error(void **state)
{
	struct obi_span client = sample_redis(OBI_KIND_CLIENT);
	struct obi_span server = sample_redis(OBI_KIND_SERVER);
	struct fixture f;

	begin(&f, "{}");
	families_put_span(f.families, &client, 0);
	has(&f, "db_client_operation_duration_seconds_count{db_namespace=\"3\","
		"db_operation_name=\"LPUSH\",db_response_status_code=\"\",db_system_name=\"redis\","
		"error_type=\"\"," SERVICE
		"server_address=\"outgoing\",server_port=\"6379\"" SERVICE_NAME);
	has(&f, "# HELP db_client_operation_duration_seconds duration of db client operations, in "
		"seconds\n");
	has_not(&f, "db_server");
	server.op.db.status = SLICE_LIT("WRONGTYPE");
	families_put_span(f.families, &server, 0);
	has(&f, "db_server_operation_duration_seconds_count{db_namespace=\"3\","
		"db_operation_name=\"LPUSH\",db_response_status_code=\"WRONGTYPE\","
		"db_system_name=\"redis\",error_type=\"WRONGTYPE\"," SERVICE
		"server_address=\"gosrv\",server_port=\"6379\"" SERVICE_NAME);
	has_not(&f, "http_");
	has_not(&f, "secret");
	end(&f);
}

static void an_rpc_span_is_a_duration_with_its_status(void **state)
{
	struct obi_span client = sample_grpc(OBI_KIND_CLIENT),
			server = sample_grpc(OBI_KIND_SERVER);
	struct fixture f;

	begin(&f, "{}");
	client.op.rpc.status = 14;
	families_put_span(f.families, &client, 0);
	families_put_span(f.families, &server, 0);
	has(&f, "rpc_client_call_duration_seconds_count{error_type=\"UNAVAILABLE\"," SERVICE
		"rpc_method=\"shop.Cart/Add\",rpc_response_status_code=\"UNAVAILABLE\","
		"rpc_system_name=\"grpc\",server_address=\"outgoing\"" SERVICE_NAME);
	has(&f, "rpc_server_call_duration_seconds_count{" SERVICE "rpc_method=\"shop.Cart/Add\","
		"rpc_response_status_code=\"OK\",rpc_system_name=\"grpc\","
		"server_address=\"gosrv\",server_port=\"50051\"" SERVICE_NAME);
	has_not(&f, "http_");
	end(&f);
}

static void messages_are_sent_and_processed(void **state)
{
	struct obi_span producer = sample_kafka(OBI_KIND_PRODUCER);
	struct obi_span consumer = sample_kafka(OBI_KIND_CONSUMER);
	struct fixture f;

	begin(&f, "{}");
	families_put_span(f.families, &producer, 0);
	families_put_span(f.families, &consumer, 0);
	has(&f, "messaging_client_operation_duration_seconds_count{" SERVICE
		"messaging_destination_name=\"orders\",messaging_operation_name=\"publish\","
		"messaging_system=\"kafka\",server_address=\"outgoing\"" SERVICE_NAME);
	has(&f, "messaging_process_duration_seconds_count{" SERVICE
		"messaging_destination_name=\"orders\",messaging_operation_name=\"process\","
		"messaging_system=\"kafka\",server_address=\"outgoing\"" SERVICE_NAME);
	end(&f);
}

static void names_that_were_asked_for_are_chosen(void **state)
{
	struct obi_span span = sample_dns();
	struct fixture f;

	begin(&f, "{}");
	families_put_span(f.families, &span, 0);
	has(&f, "dns_lookup_duration_seconds_count{error_type=\"\"," SERVICE
		"service_name=\"gosrv\",service_namespace=\"\"} 1\n");
	end(&f);
	begin(&f, "attributes: {select: {dns_lookup_duration: {include: [error.type, dns.*]}}}");
	span.op.dns.error = SLICE_LIT("NXDOMAIN");
	families_put_span(f.families, &span, 0);
	has(&f, "dns_lookup_duration_seconds_count{dns_question_name=\"shop.example\","
		"error_type=\"NXDOMAIN\"} 1\n");
	end(&f);
}

#define WITH_TLS                                                                                   \
	"otel_metrics_export: {instrumentations: [\"*\", tls]}\n"                                  \
	"prometheus_export: {instrumentations: [\"*\", tls]}\n"

/* Days that are left, of a certificate a row; and of one that is unknown none. */
static void a_handshake_tells_of_the_certificate(void **state)
{
	struct obi_tls tls = { .version = "1.3", .resumed = 0, .established = 1 };
	struct obi_span span = sample_handshake(&tls);
	struct fixture f;
	char expected[128];

	begin(&f, WITH_TLS);
	families_put_span(f.families, &span, 0);
	has(&f, "tls_handshake_duration_seconds_count{");
	has_not(&f, "tls_server_certificate_expiry_days{");
	tls.not_after = 2145916800; /* 2038-01-01 */
	families_put_span(f.families, &span, 0);
	(void)snprintf(expected, sizeof(expected),
		       "tls_server_not_after=\"2038-01-01T00:00:00Z\"} %u.",
		       (unsigned int)((2145916800 - (uint64_t)time(NULL)) / 86400));
	has(&f, "\ntls_server_certificate_expiry_days{" SERVICE
		"service_name=\"gosrv\",service_namespace=\"\",span_kind=\"SPAN_KIND_SERVER\",");
	has(&f, expected);
	tls.not_after = 1000000000; /* long ago */
	families_put_span(f.families, &span, 0);
	has(&f, "tls_server_not_after=\"2001-09-09T01:46:40Z\"} 0\n");
	end(&f);
	begin(&f, "{}");
	families_put_span(f.families, &span, 0);
	has_not(&f, "tls_");
	end(&f);
}

/* Each by its own word; span metrics and the graph too. */
static void instrumentations_choose_by_span(void **state)
{
	struct obi_span redis = sample_redis(OBI_KIND_CLIENT), http = sample_client();
	struct obi_span grpc = sample_grpc(OBI_KIND_CLIENT);
	struct fixture f;

	begin(&f, "metrics: {features: [application, application_span_otel]}\n"
		  "prometheus_export: {instrumentations: [redis]}");
	families_put_span(f.families, &redis, 0);
	families_put_span(f.families, &grpc, 0);
	families_put_span(f.families, &http, 0);
	has(&f, "db_client_operation_duration_seconds_count{");
	has(&f, "span_name=\"LPUSH\"");
	has_not(&f, "rpc_");
	has_not(&f, "http_");
	has_not(&f, "shop.Cart/Add");
	has_not(&f, "GET");
	end(&f);
	begin(&f, "prometheus_export: {instrumentations: [http]}");
	families_put_span(f.families, &redis, 0);
	families_put_span(f.families, &http, 0);
	has(&f, "http_client_request_duration_seconds_count{");
	has_not(&f, "db_");
	end(&f);
}

static void span_metrics_name_each_family(void **state)
{
	struct obi_span redis = sample_redis(OBI_KIND_CLIENT), dns = sample_dns();
	struct fixture f;

	begin(&f, "metrics: {features: [application_span_otel, application_span_sizes]}");
	redis.op.db.status = SLICE_LIT("ERR");
	families_put_span(f.families, &redis, 0);
	families_put_span(f.families, &dns, 0);
	has(&f, "span_kind=\"SPAN_KIND_CLIENT\",span_name=\"LPUSH\","
		"status_code=\"STATUS_CODE_ERROR\"");
	has(&f, "span_kind=\"SPAN_KIND_INTERNAL\",span_name=\"AAAA shop.example\","
		"status_code=\"STATUS_CODE_UNSET\"");
	end(&f);
}

static void the_graph_knows_databases_and_no_dns(void **state)
{
	struct obi_span redis = sample_redis(OBI_KIND_CLIENT), dns = sample_dns();
	struct obi_span kafka = sample_kafka(OBI_KIND_PRODUCER);
	struct fixture f;

	begin(&f, "metrics: {features: [application_service_graph]}");
	redis.host_addr[15] = kafka.host_addr[15] = dns.host_addr[15] = 9;
	redis.host_name = SLICE_LIT("cache");
	families_put_span(f.families, &dns, 0);
	has_not(&f, "graph");
	families_put_span(f.families, &redis, 0);
	families_put_span(f.families, &kafka, 0);
	has(&f, "traces_service_graph_request_client_seconds_count{client=\"gosrv\","
		"client_service_namespace=\"\",connection_type=\"database\",server=\"cache\"");
	has(&f, "connection_type=\"messaging_system\",server=\"outgoing\"");
	has_not(&f, "request_failed");
	end(&f);
}

static void a_prometheus_accepts_them(void **state)
{
	struct obi_span spans[] = { sample_redis(OBI_KIND_SERVER),   sample_redis(OBI_KIND_CLIENT),
				    sample_grpc(OBI_KIND_SERVER),    sample_grpc(OBI_KIND_CLIENT),
				    sample_kafka(OBI_KIND_PRODUCER), sample_dns() };
	struct fixture f;

	if (!promtool_is_there())
		skip();
	begin(&f, "{}");
	for (size_t i = 0; i < ARRAY_SIZE(spans); i++)
		families_put_span(f.families, &spans[i], 0);
	(void)text_of(&f);
	assert_true(promtool_accepts(slice_of(f.text.data, f.text.len - 1)));
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_database_span_is_a_duration_with_its_error),
		cmocka_unit_test(an_rpc_span_is_a_duration_with_its_status),
		cmocka_unit_test(messages_are_sent_and_processed),
		cmocka_unit_test(names_that_were_asked_for_are_chosen),
		cmocka_unit_test(a_handshake_tells_of_the_certificate),
		cmocka_unit_test(instrumentations_choose_by_span),
		cmocka_unit_test(span_metrics_name_each_family),
		cmocka_unit_test(the_graph_knows_databases_and_no_dns),
		cmocka_unit_test(a_prometheus_accepts_them),
	};

	return cmocka_run_group_tests_name("measures", tests, NULL, NULL);
}
