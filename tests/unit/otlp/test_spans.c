// SPDX-License-Identifier: Apache-2.0
/* Batches are compared as OTLP/JSON; what official decoders make of them: tests/otlp. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "otlp/spans_fixture.h"

static struct obi_span server(void)
{
	struct obi_span span = sample_server();

	span.start_ns = span.request_start_ns;
	return span;
}

/* clang-format off */
#define SERVER_SPAN \
	"{\"traceId\":\"5b1edc123856e8c291c7d8c400a99d43\",\"spanId\":\"027f2e2a82a253ea\"," \
	"\"flags\":257,\"name\":\"GET /users/\",\"kind\":2," \
	"\"startTimeUnixNano\":\"1795534176432936000\"," \
	"\"endTimeUnixNano\":\"1795534176433108846\",\"attributes\":[" \
	INT("http.response.status_code", "200") "," \
	STRING("client.address", "127.0.0.1") "," \
	STRING("server.address", "gosrv") "," \
	INT("server.port", "8080") "," \
	INT("http.request.body.size", "0") "," \
	INT("http.response.body.size", "0") "," \
	STRING("http.request.method", "GET") "," \
	STRING("url.path", "/users/123") "," \
	STRING("url.scheme", "http") "," \
	STRING("http.route", "/users/") "],\"status\":{}}"

#define SERVER_REQUEST \
	"{\"resourceSpans\":[{\"resource\":{\"attributes\":[" \
	STRING("service.name", "gosrv") "," \
	STRING("service.instance.id", "vm:2460") "," \
	STRING("otel.scope.name", "go.opentelemetry.io/obi") "]}," \
	"\"scopeSpans\":[{\"scope\":{},\"spans\":[" SERVER_SPAN "]}]}]}"

#define CLIENT_ATTRIBUTES \
	"\"attributes\":[" \
	INT("http.response.status_code", "404") "," \
	STRING("url.full", "http://api.example.org:8080/ping?a=1") "," \
	STRING("url.scheme", "http") "," \
	STRING("server.address", "127.0.0.1") "," \
	INT("server.port", "8080") "," \
	STRING("service.peer.name", "127.0.0.1") "," \
	INT("http.request.body.size", "7") "," \
	INT("http.response.body.size", "5") "," \
	STRING("http.request.method", "GET") "," \
	STRING("url.query", "a=1") "],\"status\":{\"code\":2}}"
/* clang-format on */

static void server_span_is_all_of_this(void **state)
{
	struct otlp_spans *batch = new_batch("attributes: { select: { resource: { include: "
					     "[service.*] } } }");
	_cleanup_free_ char *json = NULL;
	struct obi_span span = server();

	assert_int_equal(otlp_spans_put(batch, &span), 0);
	assert_int_equal(otlp_spans_count(batch), 1);
	assert_int_equal(otlp_spans_encoded(batch), 1);
	json = take(batch);
	assert_string_equal(json, SERVER_REQUEST);
	free_batch(batch);
}

static void client_span_is_all_of_this(void **state)
{
	struct otlp_spans *batch = new_batch("");
	_cleanup_free_ char *json = NULL;
	struct obi_span span = sample_client();

	span.op.http.host = SLICE_LIT("api.example.org:8080");
	span.op.http.query = SLICE_LIT("a=1");
	span.op.http.status = 404;
	span.op.http.request_length = 7;
	memcpy(span.trace.parent_id, "\1\2\3\4\5\6\7\10", 8);
	assert_int_equal(otlp_spans_put(batch, &span), 0);
	json = take(batch);
	has(json, "\"spanId\":\"027f2e2a82a253ea\",\"parentSpanId\":\"0102030405060708\","
		  "\"flags\":257,\"name\":\"GET /ping\",\"kind\":3,");
	has(json, CLIENT_ATTRIBUTES);
	free_batch(batch);
}

static void url_without_host_header_has_the_address(void **state)
{
	struct otlp_spans *batch = new_batch("");
	_cleanup_free_ char *json = NULL;
	struct obi_span span = sample_client();

	assert_int_equal(otlp_spans_put(batch, &span), 0);
	memset(span.host_addr, 0, sizeof(span.host_addr));
	span.host_addr[15] = 1;
	assert_int_equal(otlp_spans_put(batch, &span), 0);
	json = take(batch);
	has(json, STRING("url.full", "http://127.0.0.1:8080/ping"));
	has(json, STRING("url.full", "http://[::1]:8080/ping"));
	free_batch(batch);
}

static void resource_names_service_host_and_program(void **state)
{
	static const char *const keys[] = {
		"service.name",
		"service.namespace",
		"service.instance.id",
		"telemetry.sdk.language",
		"telemetry.sdk.name",
		"telemetry.sdk.version",
		"telemetry.distro.name",
		"telemetry.distro.version",
		"host.name",
		"os.type",
		"otel.scope.name",
		"deployment.environment",
	};
	struct otlp_spans *batch = new_batch("");
	struct obi_service service = sample_gosrv;
	_cleanup_free_ char *json = NULL;
	struct obi_span span = server();
	char key[64];

	(void)strcpy(service.name_space, "shop");
	(void)strcpy(
		service.resource_attributes,
		"deployment.environment=a%20b,service.name=other,otel.scope.name=x,host.name=y");
	span.service = &service;
	assert_int_equal(otlp_spans_put(batch, &span), 0);
	json = take(batch);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		(void)snprintf(key, sizeof(key), "{\"key\":\"%s\",", keys[i]);
		if (count_of(json, key) != 1)
			fail_msg("%zu times %s in %s", count_of(json, key), key, json);
	}
	has(json, STRING("deployment.environment", "a b"));
	has(json, STRING("service.name", "gosrv"));
	has(json, STRING("host.name", "vm"));
	has(json, STRING("telemetry.distro.name", "opentelemetry-ebpf-instrumentation"));
	has_not(json, "span.metrics.skip");
	free_batch(batch);
}

static void one_resource_a_service(void **state)
{
	struct otlp_spans *batch = new_batch("");
	struct obi_service services[40];
	_cleanup_free_ char *json = NULL;
	struct obi_span span = server();

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 40; i++) {
			services[i] = sample_gosrv;
			services[i].pid = 100 + (uint32_t)i;
			(void)snprintf(services[i].name, sizeof(services[i].name), "s%d.", i);
			span.service = &services[i];
			assert_int_equal(otlp_spans_put(batch, &span), 0);
		}
	}
	assert_int_equal(otlp_spans_count(batch), 120);
	json = take(batch);
	assert_int_equal(count_of(json, "\"resource\":"), 40);
	assert_int_equal(count_of(json, SERVER_SPAN), 120);
	has(json, STRING("service.name", "s39."));

	/* Another program under the same pid is another service. */
	free(json);
	span.service = &services[0];
	assert_int_equal(otlp_spans_put(batch, &span), 0);
	(void)strcpy(services[0].name, "after.");
	assert_int_equal(otlp_spans_put(batch, &span), 0);
	json = take(batch);
	assert_int_equal(count_of(json, "\"resource\":"), 2);
	has(json, STRING("service.name", "s0."));
	has(json, STRING("service.name", "after."));
	free_batch(batch);
}

static void resources_are_kept_for_so_many_services(void **state)
{
	struct otlp_spans *batch = new_batch("otel_traces_export: {reporters_cache_len: 3}");
	struct obi_service services[5];
	struct obi_span span = server();

	for (int round = 0; round < 3; round++) {
		_cleanup_free_ char *json = NULL;

		for (int i = 0; i < 5; i++) {
			services[i] = sample_gosrv;
			services[i].pid = 100 + (uint32_t)i;
			span.service = &services[i];
			assert_int_equal(otlp_spans_put(batch, &span), 0);
		}
		assert_int_equal(otlp_spans_services(batch), 5);
		json = take(batch);
		assert_int_equal(count_of(json, "\"resource\":"), 5);
		assert_int_equal(count_of(json, SERVER_SPAN), 5);
		assert_int_equal(otlp_spans_services(batch), 3);
	}
	free_batch(batch);
}

static void nothing_of_a_batch_is_in_the_next(void **state)
{
	struct otlp_spans *batch = new_batch("");
	struct buffer request = { 0 };
	struct obi_span span = server();

	for (int i = 0; i < 3; i++) {
		_cleanup_free_ char *json = NULL;

		assert_int_equal(otlp_spans_put(batch, &span), 0);
		json = take(batch);
		assert_int_equal(count_of(json, SERVER_SPAN), 1);
		assert_int_equal(count_of(json, "\"resource\":"), 1);
	}
	assert_int_equal(otlp_spans_take(batch, &request), 0);
	assert_int_equal(request.len, 0);
	free_batch(batch);
}

static void waiting_and_processing_are_child_spans(void **state)
{
	struct otlp_spans *batch = new_batch("");
	struct obi_span span = sample_server(); /* begins before it is handled */
	_cleanup_free_ char *json = NULL;
	char whole[17], children[256];

	memcpy(span.trace.parent_id, "\1\2\3\4\5\6\7\10", 8);
	assert_int_equal(otlp_spans_put(batch, &span), 0);
	assert_int_equal(otlp_spans_count(batch), 1);
	assert_int_equal(otlp_spans_encoded(batch), 3);
	json = take(batch);
	assert_int_equal(count_of(json, "\"scope\":"), 1);
	assert_int_equal(count_of(json, "\"traceId\":\"5b1edc123856e8c291c7d8c400a99d43\""), 3);

	/* The whole has a new id, the parent that came, and the attributes. */
	assert_int_equal(
		sscanf(strstr(json, "\"parentSpanId\":"), "\"parentSpanId\":\"%16[0-9a-f]", whole),
		1);
	(void)snprintf(children, sizeof(children),
		       "\"spanId\":\"%s\",\"parentSpanId\":\"0102030405060708\",\"flags\":769,"
		       "\"name\":\"GET /users/\",\"kind\":2,"
		       "\"startTimeUnixNano\":\"17955341764329",
		       whole);
	has(json, children);

	(void)snprintf(children, sizeof(children), "\"parentSpanId\":\"%s\",\"flags\":257,", whole);
	assert_int_equal(count_of(json, children), 2);
	has(json, "\"name\":\"in queue\",\"kind\":1,"
		  "\"startTimeUnixNano\":\"1795534176432936000\","
		  "\"endTimeUnixNano\":\"1795534176432971542\"}");
	(void)snprintf(children, sizeof(children),
		       "\"spanId\":\"027f2e2a82a253ea\",\"parentSpanId\":\"%s\",", whole);
	has(json, children);
	has(json, "\"name\":\"processing\",\"kind\":1,"
		  "\"startTimeUnixNano\":\"1795534176432971542\","
		  "\"endTimeUnixNano\":\"1795534176433108846\"}");
	has_not(json, "0000000000000000");
	free_batch(batch);
}

static void missing_ids_are_made(void **state)
{
	struct otlp_spans *batch = new_batch("");
	struct obi_span span = server();
	_cleanup_free_ char *json = NULL;
	char ids[2][33];

	memset(&span.trace, 0, sizeof(span.trace));
	memset(span.trace.parent_id, 1, sizeof(span.trace.parent_id)); /* of which trace? */
	assert_int_equal(otlp_spans_put(batch, &span), 0);
	assert_int_equal(otlp_spans_put(batch, &span), 0);
	json = take(batch);
	has_not(json, "0000000000000000");
	has_not(json, "parentSpanId");
	assert_int_equal(count_of(json, "\"flags\":257,"), 2);
	for (int i = 0; i < 2; i++) {
		char *id = strstr(json, "\"traceId\":\"");

		assert_int_equal(sscanf(id, "\"traceId\":\"%32[0-9a-f]\"", ids[i]), 1);
		assert_int_equal(strlen(ids[i]), 32);
		id[1] = '-';
	}
	assert_string_not_equal(ids[0], ids[1]);
	free_batch(batch);
}

static void status_is_an_error_or_unset(void **state)
{
	static const struct {
		enum obi_span_kind type;
		int status;
		bool error;
	} cases[] = {
		{ OBI_KIND_SERVER, 0, true },    { OBI_KIND_SERVER, 200, false },
		{ OBI_KIND_SERVER, 404, false }, { OBI_KIND_SERVER, 499, false },
		{ OBI_KIND_SERVER, 500, true },  { OBI_KIND_CLIENT, 0, true },
		{ OBI_KIND_CLIENT, 399, false }, { OBI_KIND_CLIENT, 400, true },
	};
	struct otlp_spans *batch = new_batch("");

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct obi_span span = sample_client();
		_cleanup_free_ char *json = NULL;

		span.kind = cases[i].type;
		span.op.http.status = cases[i].status;
		assert_int_equal(otlp_spans_put(batch, &span), 0);
		json = take(batch);
		has(json, cases[i].error ? "\"status\":{\"code\":2}" : "\"status\":{}");
	}
	free_batch(batch);
}

static void times_are_in_order(void **state)
{
	struct otlp_spans *batch = new_batch("");
	struct obi_span span = server();
	_cleanup_free_ char *json = NULL;

	span.end_ns = span.start_ns - 1;
	assert_int_equal(otlp_spans_put(batch, &span), 0);
	json = take(batch);
	has(json, "\"startTimeUnixNano\":\"1795534176432936000\","
		  "\"endTimeUnixNano\":\"1795534176432936000\"");
	free(json);

	/* No time of the accept. */
	span.request_start_ns = 0;
	assert_int_equal(otlp_spans_put(batch, &span), 0);
	assert_int_equal(otlp_spans_encoded(batch), 1);
	json = take(batch);
	has(json, "\"startTimeUnixNano\":\"1795534176432936000\",");
	free_batch(batch);
}

static void query_can_be_chosen(void **state)
{
	static const struct {
		const char *yaml;
		bool shown;
	} cases[] = {
		{ "", true },
		{ "attributes: { select: { traces: { exclude: [url.query] } } }", false },
		{ "attributes: { select: { traces: { include: [db.query.text] } } }", false },
		{ "attributes: { select: { traces: { include: [url_query] } } }", true },
		/* What is not optional is not to be chosen. */
		{ "attributes: { select: { traces: { exclude: ['*'] } } }", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct otlp_spans *batch = new_batch(cases[i].yaml);
		struct obi_span spans[] = { server(), sample_client() };
		_cleanup_free_ char *json = NULL;

		spans[0].op.http.query = spans[1].op.http.query = SLICE_LIT("q=secret");
		assert_int_equal(otlp_spans_put(batch, &spans[0]), 0);
		assert_int_equal(otlp_spans_put(batch, &spans[1]), 0);
		json = take(batch);
		assert_int_equal(count_of(json, STRING("url.query", "q=secret")),
				 cases[i].shown ? 2 : 0);
		assert_int_equal(count_of(json, "q=secret"), cases[i].shown ? 3 : 0);
		assert_int_equal(count_of(json, "\"http.request.method\""), 2);
		free_batch(batch);
	}
}

static void span_metrics_of_ours_are_said(void **state)
{
	struct otlp_spans *batch = new_batch("metrics: { features: [application_span_otel] }");
	struct obi_span span = sample_server();
	_cleanup_free_ char *json = NULL;

	assert_int_equal(otlp_spans_put(batch, &span), 0);
	json = take(batch);
	/* In the resource and in the span that has attributes. */
	assert_int_equal(
		count_of(json, "{\"key\":\"span.metrics.skip\",\"value\":{\"boolValue\":true}}"),
		2);
	free_batch(batch);
}

static void span_metrics_of_one_service_are_said_there(void **state)
{
	struct otlp_spans *batch = new_batch("discovery: {instrument: [{exe_path: a, metrics: "
					     "{features: [application_span]}}]}");
	struct obi_service service = sample_gosrv;
	struct obi_span span = sample_server();
	_cleanup_free_ char *json = NULL;

	assert_int_equal(otlp_spans_put(batch, &span), 0);
	service.entries.last = 1;
	span.service = &service;
	assert_int_equal(otlp_spans_put(batch, &span), 0);
	json = take(batch);
	assert_int_equal(count_of(json, "\"resource\":"), 2);
	assert_int_equal(count_of(json, "\"span.metrics.skip\""), 2);
	free_batch(batch);
}

static void bad_texts_are_repaired_and_counted(void **state)
{
	struct otlp_spans *batch = new_batch("");
	_cleanup_free_ char *longest = malloc(1 << 20);
	struct obi_span span = server();
	_cleanup_free_ char *json = NULL;
	struct otlp_faults faults;

	memset(longest, 'q', 1 << 20);
	span.op.http.method = SLICE_LIT("G\xff");
	span.op.http.query = slice_of(longest, 1 << 20);
	assert_int_equal(otlp_spans_put(batch, &span), 0);
	json = take(batch);
	has(json, STRING("http.request.method", "G\xef\xbf\xbd"));
	has(json, "\"name\":\"G\xef\xbf\xbd /users/\"");
	assert_int_equal(count_of(json, "qqqq"), 4096 / 4);
	faults = otlp_spans_faults(batch);
	assert_int_equal(faults.replaced, 2);
	assert_int_equal(faults.cut, 1);
	free_batch(batch);
}

static void docs_page_has_every_attribute(void **state)
{
	struct buffer page = { 0 };

	otlp_spans_put_markdown(&page);
	buffer_put_char(&page, '\0');
	assert_false(page.failed);
	has(page.data, "\n## HTTP server\n\nKind: `SERVER`.\n");
	has(page.data, "\n| `http.route` | as `routes` has it, where it has one |  |\n");
	has(page.data, "\n| `url.query` |");
	has(page.data, "\n| `host.id` |");
	buffer_free(&page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(server_span_is_all_of_this),
		cmocka_unit_test(client_span_is_all_of_this),
		cmocka_unit_test(url_without_host_header_has_the_address),
		cmocka_unit_test(resource_names_service_host_and_program),
		cmocka_unit_test(one_resource_a_service),
		cmocka_unit_test(resources_are_kept_for_so_many_services),
		cmocka_unit_test(nothing_of_a_batch_is_in_the_next),
		cmocka_unit_test(waiting_and_processing_are_child_spans),
		cmocka_unit_test(missing_ids_are_made),
		cmocka_unit_test(status_is_an_error_or_unset),
		cmocka_unit_test(times_are_in_order),
		cmocka_unit_test(query_can_be_chosen),
		cmocka_unit_test(span_metrics_of_ours_are_said),
		cmocka_unit_test(span_metrics_of_one_service_are_said_there),
		cmocka_unit_test(bad_texts_are_repaired_and_counted),
		cmocka_unit_test(docs_page_has_every_attribute),
	};

	(void)unsetenv("OTEL_RESOURCE_ATTRIBUTES");
	return cmocka_run_group_tests_name("otlp/spans", tests, NULL, NULL);
}
