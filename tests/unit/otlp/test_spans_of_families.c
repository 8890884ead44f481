// SPDX-License-Identifier: Apache-2.0
/* What spans of RPC, databases, messages, DNS and TLS are in OTLP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "otlp/spans_fixture.h"

static void check_only(const char *yaml, struct obi_span span, const char *kind, const char *name,
		       const char *attributes)
{
	struct otlp_spans *batch = new_batch(yaml);
	_cleanup_free_ char *json = NULL;
	char expected[1024];

	assert_int_equal(otlp_spans_put(batch, &span), 0);
	json = take(batch);
	(void)snprintf(expected, sizeof(expected), "\"name\":\"%s\",\"kind\":%s,", name, kind);
	has(json, expected);
	(void)snprintf(expected, sizeof(expected), "\"attributes\":[%s}]}]}", attributes);
	has(json, expected);
	free_batch(batch);
}

/* clang-format off */
#define REDIS_ATTRIBUTES \
	INT("server.port", "6379") "," \
	STRING("db.system.name", "redis") "," \
	STRING("db.operation.name", "LPUSH") "," \
	STRING("db.namespace", "3")
#define REDIS_ERROR \
	STRING("db.response.status_code", "WRONGTYPE") "," \
	STRING("error.type", "WRONGTYPE")
#define GRPC_ATTRIBUTES(status) \
	STRING("rpc.method", "shop.Cart/Add") "," \
	STRING("rpc.system.name", "grpc") "," \
	status "," \
	STRING("server.address", "gosrv") "," \
	INT("server.port", "50051") "," \
	STRING("client.address", "127.0.0.1")
#define KAFKA_ATTRIBUTES \
	STRING("messaging.system", "kafka") "," \
	STRING("messaging.destination.name", "orders") "," \
	STRING("messaging.client.id", "producer-1") "," \
	STRING("messaging.operation.type", "process") "," \
	STRING("server.address", "127.0.0.1") "," \
	INT("server.port", "9092")
#define DNS_ATTRIBUTES \
	STRING("client.address", "gosrv") "," \
	STRING("server.address", "127.0.0.1") "," \
	INT("server.port", "53") "," \
	STRING("dns.answers", "2001:db8::1,2001:db8::2") "," \
	STRING("dns.question.name", "shop.example")
#define TLS_ATTRIBUTES \
	STRING("tls.protocol.version", "1.2") "," \
	STRING("tls.cipher", "TLS_RSA_WITH_AES_128_GCM_SHA256") "," \
	STRING("tls.client.server_name", "shop.example") "," \
	STRING("tls.next_protocol", "h2") "," \
	BOOL("tls.resumed", "true") "," \
	STRING("tls.server.not_after", "2036-11-27T22:54:49Z")
#define STATUS_UNSET "],\"status\":{}"
#define STATUS_ERROR "],\"status\":{\"code\":2}"
/* clang-format on */

static void database_span_is_all_of_this(void **state)
{
	struct obi_span span = sample_redis(OBI_KIND_CLIENT);

	check_only("", span, "3", "LPUSH",
		   STRING("server.address", "127.0.0.1") "," REDIS_ATTRIBUTES STATUS_UNSET);
	span.op.db.status = SLICE_LIT("WRONGTYPE");
	span.op.db.message = SLICE_LIT("not a list");
	check_only("", span, "3", "LPUSH",
		   STRING("server.address", "127.0.0.1") "," REDIS_ATTRIBUTES
							 "," REDIS_ERROR STATUS_ERROR);
}

static void query_and_error_of_a_database_are_chosen(void **state)
{
	struct obi_span span = sample_redis(OBI_KIND_CLIENT);

	span.op.db.status = SLICE_LIT("WRONGTYPE");
	span.op.db.message = SLICE_LIT("not a list");
	check_only(
		"attributes: {select: {traces: {include: [db.*, service.peer.name]}}}", span, "3",
		"LPUSH",
		STRING("server.address", "127.0.0.1") "," STRING(
			"service.peer.name",
			"127.0.0.1") "," REDIS_ATTRIBUTES "," REDIS_ERROR
				     "," STRING("db.query.text",
						"LPUSH queue secret") "],"
								      "\"status\":{\"message\":"
								      "\"not a list\",\"code\":2}");
}

static void rpc_span_is_all_of_this(void **state)
{
	struct obi_span span = sample_grpc(OBI_KIND_SERVER);

	span.start_ns = span.request_start_ns;
	check_only("", span, "2", "shop.Cart/Add",
		   GRPC_ATTRIBUTES(STRING("rpc.response.status_code", "OK")) STATUS_UNSET);
	span.op.rpc.status = 5;
	check_only("", span, "2", "shop.Cart/Add",
		   GRPC_ATTRIBUTES(STRING("rpc.response.status_code", "NOT_FOUND")) STATUS_UNSET);
	span.op.rpc.status = -1;
	check_only("", span, "2", "shop.Cart/Add",
		   GRPC_ATTRIBUTES(STRING("error.type", "_OTHER")) STATUS_ERROR);
}

static void message_and_dns_spans_are_all_of_this(void **state)
{
	check_only("", sample_kafka(OBI_KIND_CONSUMER), "5", "process orders",
		   KAFKA_ATTRIBUTES STATUS_UNSET);
	check_only("", sample_dns(), "1", "AAAA shop.example", DNS_ATTRIBUTES STATUS_UNSET);
}

static void nothing_of_one_span_is_in_the_next(void **state)
{
	struct otlp_spans *batch = new_batch("");
	_cleanup_free_ char *json = NULL;
	struct obi_span http = sample_client(), redis = sample_redis(OBI_KIND_CLIENT);

	http.op.http.query = SLICE_LIT("a=1");
	assert_int_equal(otlp_spans_put(batch, &http), 0);
	free(take(batch));
	assert_int_equal(otlp_spans_put(batch, &redis), 0);
	json = take(batch);
	assert_null(strstr(json, "http."));
	assert_null(strstr(json, "url."));
	assert_null(strstr(json, "ping"));
	free_batch(batch);
}

/* Of a handshake; and of what went through its session, where that is known. */
static void tls_is_told(void **state)
{
	static const struct obi_system system = { OBI_FAMILY_TLS, "", "tls", "TLS handshake" };
	const struct obi_tls tls = {
		.version = "1.2",
		.cipher = SLICE_LIT("TLS_RSA_WITH_AES_128_GCM_SHA256"),
		.server_name = SLICE_LIT("shop.example"),
		.next_protocol = SLICE_LIT("h2"),
		.not_after = 2111439289,
		.resumed = 1,
		.established = 0,
	};
	struct obi_span span = sample_redis(OBI_KIND_CLIENT), http = sample_server();
	_cleanup_free_ char *json = NULL;
	struct otlp_spans *batch;

	span.system = &system;
	span.tls = &tls;
	span.op.handshake.error = SLICE_LIT("unknown_ca");
	check_only("", span, "3", "TLS handshake",
		   STRING("server.address", "127.0.0.1") "," INT(
			   "server.port", "6379") "," TLS_ATTRIBUTES
						  "," BOOL("tls.established", "false") "," STRING(
							  "error.type", "unknown_ca") STATUS_ERROR);
	http.tls = &tls;
	batch = new_batch("");
	assert_int_equal(otlp_spans_put(batch, &http), 0);
	json = take(batch);
	has(json, TLS_ATTRIBUTES);
	free_batch(batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(database_span_is_all_of_this),
		cmocka_unit_test(query_and_error_of_a_database_are_chosen),
		cmocka_unit_test(rpc_span_is_all_of_this),
		cmocka_unit_test(message_and_dns_spans_are_all_of_this),
		cmocka_unit_test(nothing_of_one_span_is_in_the_next),
		cmocka_unit_test(tls_is_told),
	};

	return cmocka_run_group_tests_name("spans_of_families", tests, NULL, NULL);
}
