// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "sample.h"
#include "span/family.h"

static void check_name(const struct obi_span *span, const char *expected)
{
	struct buffer buf = { 0 };

	span_put_name(span, &buf);
	buffer_put_char(&buf, '\0');
	assert_string_equal(buf.data, expected);
	buffer_free(&buf);
}

static void check_slice(struct slice got, const char *expected)
{
	if (!slice_equal(got, slice_cstr(expected)))
		fail_msg("%.*s, not %s", SLICE_ARG(got), expected);
}

static void check_error(const struct obi_span *span, const char *type, const char *message)
{
	char text[SPAN_TEXT];

	assert_int_equal(span_status(span), *type ? SPAN_STATUS_ERROR : SPAN_STATUS_UNSET);
	check_slice(span_error_type(span, text), type);
	check_slice(span_status_message(span), message);
}

static void http_error_is_the_status(void **state)
{
	struct obi_span span = sample_client();

	check_error(&span, "", "");
	span.op.http.status = 404;
	check_error(&span, "404", "");
	span.op.http.status = 0;
	check_error(&span, "_OTHER", "");
	span.kind = OBI_KIND_SERVER;
	span.op.http.status = 404;
	check_error(&span, "", "");
}

static void rpc_server_fails_by_its_own_faults_only(void **state)
{
	/* https://opentelemetry.io/docs/specs/semconv/rpc/grpc/ */
	static const bool errors[] = {
		[2] = true,  [4] = true,  [12] = true,  [13] = true,
		[14] = true, [15] = true, [16] = false,
	};
	struct obi_span server = sample_grpc(OBI_KIND_SERVER);
	struct obi_span client = sample_grpc(OBI_KIND_CLIENT);

	for (int i = 0; i < 17; i++) {
		server.op.rpc.status = client.op.rpc.status = i;
		assert_int_equal(span_status(&server) == SPAN_STATUS_ERROR, errors[i]);
		assert_int_equal(span_status(&client) == SPAN_STATUS_ERROR, i != 0);
	}
	client.op.rpc.status = server.op.rpc.status = -1;
	check_error(&client, "_OTHER", "");
	check_error(&server, "_OTHER", "");
	client.op.rpc.status = 5;
	client.op.rpc.message = SLICE_LIT("no such cart");
	check_error(&client, "NOT_FOUND", "no such cart");
	client.op.rpc.status = 0;
	check_error(&client, "", "");
	check_slice(span_rpc_status_name(0), "OK");
	check_slice(span_rpc_status_name(16), "UNAUTHENTICATED");
	check_slice(span_rpc_status_name(17), "");
	check_slice(span_rpc_status_name(-1), "");
}

static void databases_and_dns_fail_where_the_answer_says_so(void **state)
{
	struct obi_span redis = sample_redis(OBI_KIND_CLIENT), dns = sample_dns();
	struct obi_span kafka = sample_kafka(OBI_KIND_PRODUCER);

	check_error(&redis, "", "");
	redis.op.db.status = SLICE_LIT("WRONGTYPE");
	redis.op.db.message = SLICE_LIT("of the wrong kind");
	check_error(&redis, "WRONGTYPE", "of the wrong kind");
	check_error(&dns, "", "");
	dns.op.dns.error = SLICE_LIT("NXDOMAIN");
	check_error(&dns, "NXDOMAIN", "NXDOMAIN");
	check_error(&kafka, "", "");
}

static void names_say_what_was_done_to_what(void **state)
{
	struct obi_span span = sample_grpc(OBI_KIND_SERVER);

	check_name(&span, "shop.Cart/Add");
	span.op.rpc.method = SLICE_LIT("");
	check_name(&span, "GRPC");
	span = sample_kafka(OBI_KIND_CONSUMER);
	check_name(&span, "process orders");
	span.op.messaging.destination = SLICE_LIT("");
	check_name(&span, "process");
	span = sample_dns();
	check_name(&span, "AAAA shop.example");
	span.op.dns.name = SLICE_LIT("");
	check_name(&span, "DNS");
}

static void only_some_databases_are_named_after_their_namespace(void **state)
{
	struct obi_span span = sample_redis(OBI_KIND_CLIENT);

	check_name(&span, "LPUSH");
	span.op.db.operation = SLICE_LIT("");
	check_name(&span, "REDIS");
	span = sample_of(&sample_sql_system, OBI_KIND_CLIENT);
	check_name(&span, "SQL");
	span.op.db.operation = SLICE_LIT("SELECT");
	check_name(&span, "SELECT");
	span.op.db.name_space = SLICE_LIT("shop");
	check_name(&span, "SELECT shop");
	span.op.db.collection = SLICE_LIT("orders");
	check_name(&span, "SELECT orders");
}

static void words_tell_systems_and_sides_apart(void **state)
{
	static const struct obi_system unknown = { .family = OBI_FAMILY_DB,
						   .instrumentation = "?",
						   .fallback = "OTHER" };
	const struct obi_span spans[] = {
		sample_server(),
		sample_client(),
		sample_grpc(OBI_KIND_SERVER),
		sample_grpc(OBI_KIND_CLIENT),
		sample_redis(OBI_KIND_SERVER),
		sample_redis(OBI_KIND_CLIENT),
		sample_kafka(OBI_KIND_PRODUCER),
		sample_dns(),
		sample_of(&unknown, OBI_KIND_CLIENT),
	};
	static const char *const words[] = { "HTTP",        "HTTPClient",  "GRPC",
					     "GRPCClient",  "RedisServer", "RedisClient",
					     "KafkaClient", "DNS",         "OTHER" };

	for (size_t i = 0; i < ARRAY_SIZE(spans); i++)
		assert_string_equal(span_type_word(&spans[i]), words[i]);
	assert_string_equal(span_kind_word(OBI_KIND_CONSUMER), "SPAN_KIND_CONSUMER");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(http_error_is_the_status),
		cmocka_unit_test(rpc_server_fails_by_its_own_faults_only),
		cmocka_unit_test(databases_and_dns_fail_where_the_answer_says_so),
		cmocka_unit_test(names_say_what_was_done_to_what),
		cmocka_unit_test(only_some_databases_are_named_after_their_namespace),
		cmocka_unit_test(words_tell_systems_and_sides_apart),
	};

	return cmocka_run_group_tests_name("family", tests, NULL, NULL);
}
