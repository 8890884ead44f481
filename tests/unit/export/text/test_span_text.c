// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <jansson.h>

#include "export/text/span_text.h"
#include "sample.h"
#include "span/semconv.h"

static void check_text(const struct obi_span *span, const char *expected)
{
	struct local_second second = { 0 };
	struct buffer buf = { 0 };

	for (int again = 0; again < 2; again++) {
		buf.len = 0;
		span_put_text(span, &second, &buf);
		buffer_put_char(&buf, '\0');
		assert_string_equal(buf.data, expected);
	}
	buffer_free(&buf);
}

static void text_of_a_server_and_a_client_span(void **state)
{
	struct obi_span server = sample_server(), client = sample_client();

	check_text(&server,
		   "2026-11-24 15:29:36.432936 (172.846µs[137.304µs]) HTTP(subType=0) 200 GET "
		   "/users/123(/users/) [127.0.0.1 as 127.0.0.1:54908]->[127.0.0.1 as gosrv:8080] "
		   "contentLen:0B responseLen:0B svc=[gosrv go] "
		   "traceparent=[00-5b1edc123856e8c291c7d8c400a99d43-027f2e2a82a253ea"
		   "[0000000000000000]-01]");
	memset(&client.trace, 0, sizeof(client.trace));
	check_text(&client,
		   "2026-11-24 15:29:36.432936 (1.497564ms[1.497564ms]) HTTPClient(subType=0) 200 "
		   "GET /ping(/ping) [127.0.0.1 as gosrv:54954]->[127.0.0.1 as 127.0.0.1:8080] "
		   "contentLen:0B responseLen:5B svc=[gosrv go] traceparent=[]");
}

#define TEXT_TIME "2026-11-24 15:29:36.432936 (1.497564ms[1.497564ms]) "
#define TEXT_END " contentLen:0B responseLen:0B svc=[gosrv go] traceparent=[]"

static void check_client_text(struct obi_span span, const char *expected)
{
	memset(&span.trace, 0, sizeof(span.trace));
	check_text(&span, expected);
}

static void text_of_other_families(void **state)
{
	struct obi_span redis = sample_redis(OBI_KIND_CLIENT), dns = sample_dns();
	struct obi_span grpc = sample_grpc(OBI_KIND_CLIENT);

	check_client_text(redis,
			  TEXT_TIME "RedisClient(subType=0) 0 LPUSH [127.0.0.1 as gosrv:54954]->"
				    "[127.0.0.1 as 127.0.0.1:6379]" TEXT_END);
	redis.op.db.status = SLICE_LIT("WRONG\x1bTYPE");
	redis.op.db.collection = SLICE_LIT("queue");
	check_client_text(redis, TEXT_TIME
			  "RedisClient(subType=0) WRONG\\x1bTYPE LPUSH queue [127.0.0.1 as "
			  "gosrv:54954]->[127.0.0.1 as 127.0.0.1:6379]" TEXT_END);
	grpc.op.rpc.status = 12;
	check_client_text(grpc, TEXT_TIME "GRPCClient(subType=0) 12 shop.Cart/Add [127.0.0.1 as "
					  "gosrv:54954]->[127.0.0.1 as 127.0.0.1:50051]" TEXT_END);
	check_client_text(sample_kafka(OBI_KIND_PRODUCER),
			  TEXT_TIME "KafkaClient(subType=0) 0 publish orders [127.0.0.1 as "
				    "gosrv:54954]->[127.0.0.1 as 127.0.0.1:9092]" TEXT_END);
	dns.op.dns.error = SLICE_LIT("NXDOMAIN");
	check_client_text(dns, TEXT_TIME "DNS(subType=0) NXDOMAIN AAAA shop.example [127.0.0.1 as "
					 "gosrv:54954]->[127.0.0.1 as 127.0.0.1:53]" TEXT_END);
}

/* The existing program's own example: namespaces, parent, no route in parentheses when empty. */
static void text_names_namespaces(void **state)
{
	static const struct obi_service service = { .name = "bar",
						    .name_space = "foo",
						    .language = "go" };
	struct obi_span span = sample_server();

	span.service = &service;
	span.request_start_ns = 10000;
	span.start_ns = 15000;
	span.end_ns = 35000;
	span.op.http.method = SLICE_LIT("method");
	span.op.http.path = SLICE_LIT("path");
	span.op.http.route = SLICE_LIT("route");
	span.peer_name = SLICE_LIT("peername.otherns");
	span.host_name = SLICE_LIT("hostname");
	span.peer_port = 1234;
	span.host_port = 5678;
	span.op.http.request_length = 1024;
	span.op.http.response_length = 2048;
	span.trace = (struct obi_trace){ .trace_id = { 1, 2, 3 },
					 .span_id = { 1, 2, 3 },
					 .parent_id = { 1, 2, 4 },
					 .trace_flags = 1 };
	check_text(&span,
		   "1970-01-01 00:00:00.000010 (25µs[20µs]) HTTP(subType=0) 200 method path(route) "
		   "[127.0.0.1 as peername.otherns:1234]->[127.0.0.1 as hostname.foo:5678] "
		   "contentLen:1024B responseLen:2048B svc=[foo/bar go] "
		   "traceparent=[00-01020300000000000000000000000000-0102030000000000"
		   "[0102040000000000]-01]");
	span.op.http.route = SLICE_LIT("");
	span.op.http.request_length = span.op.http.response_length = -1;
	span.end_ns = 0; /* a clock that went back */
	check_text(&span, "1970-01-01 00:00:00.000010 (0s[0s]) HTTP(subType=0) 200 method path "
			  "[127.0.0.1 as peername.otherns:1234]->[127.0.0.1 as hostname.foo:5678] "
			  "contentLen:0B responseLen:0B svc=[foo/bar go] "
			  "traceparent=[00-01020300000000000000000000000000-0102030000000000"
			  "[0102040000000000]-01]");
}

static void text_cannot_drive_a_terminal(void **state)
{
	static const char path[] = "/\x1b]0;x\x07\n\x9b\xc2\x9b caf\xc3\xa9\xff";
	struct local_second second = { 0 };
	struct obi_span span = sample_server();
	struct buffer buf = { 0 };

	span.op.http.path = slice_of(path, sizeof(path) - 1);
	span_put_text(&span, &second, &buf);
	buffer_put_char(&buf, '\0');
	assert_non_null(strstr(buf.data, " /\\x1b]0;x\\x07\\x0a\\x9b\\xc2\\x9b caf\xc3\xa9\\xff("));
	buffer_free(&buf);
}

static const char json_server[] =
	"{\"type\":\"HTTP\",\"peer\":\"127.0.0.1\",\"peerPort\":\"54908\",\"host\":\"127.0.0.1\","
	"\"hostPort\":\"8080\",\"traceID\":\"5b1edc123856e8c291c7d8c400a99d43\","
	"\"spanID\":\"027f2e2a82a253ea\",\"parentSpanID\":\"0000000000000000\","
	"\"traceFlags\":\"1\",\"peerName\":\"127.0.0.1\",\"hostName\":\"gosrv\","
	"\"kind\":\"SPAN_KIND_SERVER\",\"start\":\"1795534176432936\","
	"\"handlerStart\":\"1795534176432971\",\"end\":\"1795534176433108\","
	"\"duration\":\"172.846µs\",\"durationUSec\":\"172\",\"handlerDuration\":\"137.304µs\","
	"\"handlerDurationUSec\":\"137\",\"attributes\":{\"clientAddr\":\"127.0.0.1\","
	"\"contentLen\":\"0\",\"method\":\"GET\",\"responseLen\":\"0\",\"route\":\"/users/\","
	"\"serverAddr\":\"gosrv\",\"serverPort\":\"8080\",\"status\":\"200\","
	"\"url\":\"/users/123\"}}";

static json_t *parse(const struct obi_span *span, int indent, struct buffer *ret_buf)
{
	json_error_t error;
	json_t *root;

	ret_buf->len = 0;
	span_put_json(span, indent, ret_buf);
	root = json_loadb(ret_buf->data, ret_buf->len, 0, &error);
	if (!root)
		fail_msg("not JSON: %s", error.text);
	return root;
}

static void json_has_the_keys_in_their_order(void **state)
{
	struct obi_span span = sample_server();
	struct buffer buf = { 0 };
	json_t *root = parse(&span, -1, &buf);

	assert_int_equal(buf.len, sizeof(json_server) - 1);
	assert_memory_equal(buf.data, json_server, buf.len);
	json_decref(root);
	buffer_free(&buf);
}

static void json_with_indent_says_the_same(void **state)
{
	static const char begin[] = "{\n  \"type\": \"HTTP\",\n  \"peer\"";
	static const char end[] = "\n   \"url\": \"/users/123\"\n  }\n }";
	struct obi_span span = sample_server();
	struct buffer buf = { 0 };
	json_t *flat = parse(&span, -1, &buf), *indented = parse(&span, 1, &buf);

	assert_true(json_equal(flat, indented));
	assert_memory_equal(buf.data, begin, sizeof(begin) - 1);
	assert_memory_equal(buf.data + buf.len - (sizeof(end) - 1), end, sizeof(end) - 1);
	json_decref(flat);
	json_decref(indented);
	buffer_free(&buf);
}

static void json_of_a_client_has_no_lengths_and_no_route(void **state)
{
	struct obi_span span = sample_client();
	struct buffer buf = { 0 };
	json_t *root = parse(&span, -1, &buf), *attributes = json_object_get(root, "attributes");

	assert_int_equal(json_object_size(attributes), 6);
	assert_string_equal(json_string_value(json_object_get(root, "kind")), "SPAN_KIND_CLIENT");
	assert_string_equal(json_string_value(json_object_get(attributes, "serverAddr")),
			    "127.0.0.1");
	json_decref(root);
	buffer_free(&buf);
}

static void check_json(struct obi_span span, const char *type, const char *kind,
		       const char *attributes)
{
	struct buffer buf = { 0 };
	json_t *root = parse(&span, -1, &buf);
	char *text = json_dumps(json_object_get(root, "attributes"), JSON_COMPACT);

	assert_string_equal(text, attributes);
	assert_string_equal(json_string_value(json_object_get(root, "type")), type);
	assert_string_equal(json_string_value(json_object_get(root, "kind")), kind);
	free(text);
	json_decref(root);
	buffer_free(&buf);
}

#define JSON_ENDS(port_) "\"serverAddr\":\"127.0.0.1\",\"serverPort\":\"" port_ "\""

static void json_of_other_families(void **state)
{
	struct obi_span redis = sample_redis(OBI_KIND_CLIENT), dns = sample_dns();

	check_json(
		redis, "RedisClient", "SPAN_KIND_CLIENT",
		"{\"clientAddr\":\"gosrv\",\"namespace\":\"3\",\"operation\":\"LPUSH\"," JSON_ENDS(
			"6379") ",\"status\":\"\",\"system\":\"redis\",\"table\":\"\"}");
	check_json(sample_grpc(OBI_KIND_CLIENT), "GRPCClient", "SPAN_KIND_CLIENT",
		   "{\"clientAddr\":\"gosrv\",\"method\":\"shop.Cart/Add\"," JSON_ENDS(
			   "50051") ",\"status\":\"OK\"}");
	check_json(sample_kafka(OBI_KIND_PRODUCER), "KafkaClient", "SPAN_KIND_PRODUCER",
		   "{\"clientAddr\":\"gosrv\",\"clientId\":\"producer-1\","
		   "\"destination\":\"orders\",\"operation\":\"publish\"," JSON_ENDS(
			   "9092") ",\"system\":\"kafka\"}");
	check_json(dns, "DNS", "SPAN_KIND_INTERNAL",
		   "{\"answers\":\"2001:db8::1,2001:db8::2\",\"clientAddr\":\"gosrv\","
		   "\"name\":\"shop.example\",\"questionType\":\"AAAA\"," JSON_ENDS(
			   "53") ",\"status\":\"\"}");
}

static void status_is_an_error_from_the_side_that_sees_it(void **state)
{
	static const struct {
		int status;
		enum span_status server, client;
	} cases[] = {
		{ 0, SPAN_STATUS_ERROR, SPAN_STATUS_ERROR },
		{ 100, SPAN_STATUS_UNSET, SPAN_STATUS_UNSET },
		{ 103, SPAN_STATUS_UNSET, SPAN_STATUS_UNSET },
		{ 199, SPAN_STATUS_UNSET, SPAN_STATUS_UNSET },
		{ 200, SPAN_STATUS_UNSET, SPAN_STATUS_UNSET },
		{ 204, SPAN_STATUS_UNSET, SPAN_STATUS_UNSET },
		{ 299, SPAN_STATUS_UNSET, SPAN_STATUS_UNSET },
		{ 300, SPAN_STATUS_UNSET, SPAN_STATUS_UNSET },
		{ 399, SPAN_STATUS_UNSET, SPAN_STATUS_UNSET },
		{ 400, SPAN_STATUS_UNSET, SPAN_STATUS_ERROR },
		{ 404, SPAN_STATUS_UNSET, SPAN_STATUS_ERROR },
		{ 405, SPAN_STATUS_UNSET, SPAN_STATUS_ERROR },
		{ 499, SPAN_STATUS_UNSET, SPAN_STATUS_ERROR },
		{ 500, SPAN_STATUS_ERROR, SPAN_STATUS_ERROR },
		{ 5999, SPAN_STATUS_ERROR, SPAN_STATUS_ERROR },
	};
	struct obi_span server = sample_server(), client = sample_client();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		server.op.http.status = client.op.http.status = cases[i].status;
		assert_int_equal(span_status(&server), cases[i].server);
		assert_int_equal(span_status(&client), cases[i].client);
	}
}

static void names_and_methods_follow_the_conventions(void **state)
{
	struct obi_span span = sample_server();
	struct buffer buf = { 0 };

	span_put_name(&span, &buf);
	buffer_put_char(&buf, '|');
	span.op.http.route = SLICE_LIT("");
	span_put_name(&span, &buf);
	assert_int_equal(buf.len, strlen("GET /users/|GET"));
	assert_memory_equal(buf.data, "GET /users/|GET", buf.len);
	buffer_free(&buf);

	assert_true(slice_equal(span_known_method(SLICE_LIT("PATCH")), SLICE_LIT("PATCH")));
	assert_true(slice_equal(span_known_method(SLICE_LIT("get")), SLICE_LIT("_OTHER")));
	assert_true(slice_equal(span_known_method(SLICE_LIT("MKCOL")), SLICE_LIT("_OTHER")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_of_a_server_and_a_client_span),
		cmocka_unit_test(text_of_other_families),
		cmocka_unit_test(json_of_other_families),
		cmocka_unit_test(text_names_namespaces),
		cmocka_unit_test(text_cannot_drive_a_terminal),
		cmocka_unit_test(json_has_the_keys_in_their_order),
		cmocka_unit_test(json_with_indent_says_the_same),
		cmocka_unit_test(json_of_a_client_has_no_lengths_and_no_route),
		cmocka_unit_test(status_is_an_error_from_the_side_that_sees_it),
		cmocka_unit_test(names_and_methods_follow_the_conventions),
	};

	(void)setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests_name("span_text", tests, NULL, NULL);
}
