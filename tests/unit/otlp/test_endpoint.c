// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "otlp/endpoint.h"

#define GRPC_TRACES "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
#define GRPC_METRICS "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"

struct row {
	const char *common, *own;
	int given;
	const char *url, *socket;
	enum otlp_protocol protocol;
};

/* OpenTelemetry specification, protocol/exporter.md; the existing program's guess of protocols. */
static const struct row rows[] = {
	/* A base gets the path appended. */
	{ "http://c:4318", "", 0, "http://c:4318/v1/traces", "", OTLP_PROTOCOL_HTTP_PROTOBUF },
	{ "http://c:4318/", "", 0, "http://c:4318/v1/traces", "", OTLP_PROTOCOL_HTTP_PROTOBUF },
	{ "http://c/otlp", "", 0, "http://c/otlp/v1/traces", "", OTLP_PROTOCOL_HTTP_PROTOBUF },
	{ "http://c/otlp/", "", 0, "http://c/otlp/v1/traces", "", OTLP_PROTOCOL_HTTP_PROTOBUF },
	{ "https://c/v1/traces", "", 0, "https://c/v1/traces", "", OTLP_PROTOCOL_HTTP_PROTOBUF },
	{ "https://c/a?k=v#f", "", 0, "https://c/a/v1/traces?k=v", "",
	  OTLP_PROTOCOL_HTTP_PROTOBUF },
	/* A signal's own stands as it is. */
	{ "http://x:1", "http://c:4318/mine", 0, "http://c:4318/mine", "",
	  OTLP_PROTOCOL_HTTP_PROTOBUF },
	{ "", "http://c:4318/mine/", 0, "http://c:4318/mine/", "", OTLP_PROTOCOL_HTTP_PROTOBUF },
	{ "", "http://c:4318/", 0, "http://c:4318/", "", OTLP_PROTOCOL_HTTP_PROTOBUF },
	{ "", "http://c:4318", 0, "http://c:4318/v1/traces", "", OTLP_PROTOCOL_HTTP_PROTOBUF },
	/* The port tells the protocol, unless it is given. */
	{ "http://c:4317", "", 0, "http://c:4317" GRPC_TRACES, "", OTLP_PROTOCOL_GRPC },
	{ "http://c:14317/path", "", 0, "http://c:14317" GRPC_TRACES, "", OTLP_PROTOCOL_GRPC },
	{ "https://c:43170", "", 0, "https://c:43170/v1/traces", "", OTLP_PROTOCOL_HTTP_PROTOBUF },
	{ "http://c:4317", "", OTLP_PROTOCOL_HTTP_JSON, "http://c:4317/v1/traces", "",
	  OTLP_PROTOCOL_HTTP_JSON },
	{ "https://c", "", OTLP_PROTOCOL_GRPC, "https://c" GRPC_TRACES, "", OTLP_PROTOCOL_GRPC },
	{ "http://[::1]:4317", "", 0, "http://[::1]:4317" GRPC_TRACES, "", OTLP_PROTOCOL_GRPC },
	{ "http://[2001:db8::1]", "", 0, "http://[2001:db8::1]/v1/traces", "",
	  OTLP_PROTOCOL_HTTP_PROTOBUF },
	{ "http://u:p@c:4318", "", 0, "http://u:p@c:4318/v1/traces", "",
	  OTLP_PROTOCOL_HTTP_PROTOBUF },
	/* Unix sockets are plain, and the host is localhost. */
	{ "unix:///run/otel.sock", "", 0, "http://localhost/v1/traces", "/run/otel.sock",
	  OTLP_PROTOCOL_HTTP_PROTOBUF },
	{ "", "unix://@otel", OTLP_PROTOCOL_GRPC, "http://localhost" GRPC_TRACES, "@otel",
	  OTLP_PROTOCOL_GRPC },
};

static void endpoints_follow_the_specification(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		struct obi_otlp_options options = {
			.common.endpoint = row->common,
			.traces.target = { .endpoint = row->own, .protocol = row->given },
		};
		struct otlp_endpoint endpoint;

		assert_int_equal(otlp_endpoint_of(&options, OTLP_TRACES, &endpoint), 0);
		assert_string_equal(endpoint.url, row->url);
		assert_string_equal(endpoint.socket, row->socket);
		assert_int_equal(endpoint.protocol, row->protocol);
		assert_int_equal(endpoint.tls, !strncmp(row->url, "https", 5));
	}
}

static void metrics_have_paths_of_their_own(void **state)
{
	struct obi_otlp_options options = {
		.common.endpoint = "http://c:4318",
		.metrics.target = { .endpoint = "" },
	};
	struct otlp_endpoint endpoint;

	assert_int_equal(otlp_endpoint_of(&options, OTLP_METRICS, &endpoint), 0);
	assert_string_equal(endpoint.url, "http://c:4318/v1/metrics");
	options.metrics.target.protocol = OTLP_PROTOCOL_GRPC;
	assert_int_equal(otlp_endpoint_of(&options, OTLP_METRICS, &endpoint), 0);
	assert_string_equal(endpoint.url, "http://c:4318" GRPC_METRICS);
}

static void what_is_no_endpoint_is_refused(void **state)
{
	static const char *const bad[] = {
		"collector:4317",  "http://",        "http:///path", "http://:4318",  "ftp://c",
		"http://c:0",      "http://c:65536", "http://c:",    "http://c:43x8", "http://[::1",
		"http://[]:1",     "http://a b",     "http://c\n:1", "http://u@",     "unix://",
		"unix://relative", "unix://@",       "//c:4318",
	};
	char why[128], longest[OTLP_SOCKET_MAX + 16] = "unix:///";

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(otlp_endpoint_check(bad[i], why, sizeof(why)), -EINVAL);
	/* sun_path has 108 bytes: 107 and an end, or 108 with the @ for its first. */
	memset(longest + 8, 'x', 106);
	assert_int_equal(otlp_endpoint_check(longest, why, sizeof(why)), 0);
	longest[114] = 'x';
	assert_int_equal(otlp_endpoint_check(longest, why, sizeof(why)), -EINVAL);
	longest[7] = '@';
	assert_int_equal(otlp_endpoint_check(longest, why, sizeof(why)), 0);
}

/* RFC 3986: the case of a scheme does not matter (3.1), that of a host neither, which is the
 * resolver's to know (3.2.2). */
static void spellings_are_taken(void **state)
{
	static const struct {
		const char *given, *url, *socket;
	} spellings[] = {
		{ "HTTP://c:4318", "http://c:4318/v1/traces", "" },
		{ "HttpS://c:4318", "https://c:4318/v1/traces", "" },
		{ " \thttp://c:4318 \n", "http://c:4318/v1/traces", "" },
		{ "http://C.EXAMPLE:4318/", "http://C.EXAMPLE:4318/v1/traces", "" },
		{ "HTTP://[::1]:4318/", "http://[::1]:4318/v1/traces", "" },
		{ "HTTP://u:p@c:4318", "http://u:p@c:4318/v1/traces", "" },
		{ " UNIX:///run/c.sock ", "http://localhost/v1/traces", "/run/c.sock" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(spellings); i++) {
		struct obi_otlp_options options = {
			.common.endpoint = spellings[i].given,
			.traces.target = { .endpoint = "" },
		};
		struct otlp_endpoint endpoint;
		char why[128];

		assert_int_equal(otlp_endpoint_check(spellings[i].given, why, sizeof(why)), 0);
		assert_int_equal(otlp_endpoint_of(&options, OTLP_TRACES, &endpoint), 0);
		assert_string_equal(endpoint.url, spellings[i].url);
		assert_string_equal(endpoint.socket, spellings[i].socket);
	}
}

static void what_is_missing_is_said(void **state)
{
	static const struct {
		const char *given, *says;
	} wrong[] = {
		{ "c:4318", "begins with http://" },    { "grpc://c:4318", "begins with http://" },
		{ "http:/c", "begins with http://" },   { "   ", "begins with http://" },
		{ "http://c d:1", "without blanks" },   { "http://::1:4318", "IPv6 in brackets" },
		{ "http://c:70000", "1 to 65535" },     { "http://", "a host behind" },
		{ "unix://relative", "absolute path" }, { "UNIX://", "absolute path" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		char why[160] = "";

		assert_int_equal(otlp_endpoint_check(wrong[i].given, why, sizeof(why)), -EINVAL);
		assert_non_null(strstr(why, wrong[i].says));
	}
}

static void messages_show_no_secret(void **state)
{
	struct obi_otlp_options options = {
		.common.endpoint = "https://user:hunter2@c:4318/p?key=hunter2",
		.traces.target = { .endpoint = "" },
	};
	struct otlp_endpoint endpoint;

	assert_int_equal(otlp_endpoint_of(&options, OTLP_TRACES, &endpoint), 0);
	assert_string_equal(endpoint.shown, "https://c:4318/p/v1/traces");
}

static void a_signal_without_endpoint_is_off(void **state)
{
	struct obi_otlp_options options = {
		.common.endpoint = "",
		.traces.target = { .endpoint = "http://c:1" },
		.metrics.target = { .endpoint = "" },
	};
	struct otlp_endpoint endpoint;

	assert_int_equal(otlp_endpoint_of(&options, OTLP_METRICS, &endpoint), -ENOENT);
	assert_true(obi_otlp_sender_wanted(&options));
	options.traces.target.protocol = OTLP_PROTOCOL_DEBUG;
	assert_false(obi_otlp_sender_wanted(&options));
	assert_true(obi_otlp_traces_wanted(&options));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(endpoints_follow_the_specification),
		cmocka_unit_test(metrics_have_paths_of_their_own),
		cmocka_unit_test(what_is_no_endpoint_is_refused),
		cmocka_unit_test(spellings_are_taken),
		cmocka_unit_test(what_is_missing_is_said),
		cmocka_unit_test(messages_show_no_secret),
		cmocka_unit_test(a_signal_without_endpoint_is_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
