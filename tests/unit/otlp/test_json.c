// SPDX-License-Identifier: Apache-2.0
/* Traces: test_spans. Rules: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding and
 * https://protobuf.dev/programming-guides/json/. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "guard.h"
#include "otlp/json.h"
#include "otlp/key_value.h"

static int transcode(enum otlp_signal signal, const struct buffer *request,
		     enum otlp_json_layout layout, char **ret_json)
{
	struct buffer json = { 0 };
	int error;

	if (request->len && !request->data)
		abort();
	error = otlp_json_put(signal, guarded(slice_of(request->data, request->len)), layout,
			      &json);
	buffer_put_char(&json, '\0');
	*ret_json = json.data;
	return error;
}

/* Frees the request. */
static void check(enum otlp_signal signal, struct buffer *request, const char *expected)
{
	_cleanup_free_ char *json = NULL;

	assert_int_equal(transcode(signal, request, OTLP_JSON_COMPACT, &json), 0);
	assert_string_equal(json, expected);
	buffer_free(request);
}

struct point {
	struct buffer request;
	size_t marks[5];
};

/* A request down to the data point of a metric of this kind. */
static struct point begin_point(uint32_t kind)
{
	struct point point = { 0 };
	struct buffer *buf = &point.request;

	point.marks[0] = proto_begin(buf, 1);
	point.marks[1] = proto_begin(buf, 2);
	point.marks[2] = proto_begin(buf, 2);
	proto_put_bytes(buf, 1, SLICE_LIT("m"));
	proto_put_bytes(buf, 3, SLICE_LIT("s"));
	point.marks[3] = proto_begin(buf, kind);
	point.marks[4] = proto_begin(buf, 1);
	return point;
}

static void end_point(struct point *point)
{
	for (int i = 4; i >= 0; i--)
		proto_end(&point->request, point->marks[i]);
}

#define METRIC(rest)                                                                               \
	"{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"m\",\"unit\":"         \
	"\"s\"," rest "}]}]}]}"

static void empty_requests(void **state)
{
	struct buffer none = { 0 };

	check(OTLP_TRACES, &none, "{}");
	check(OTLP_METRICS, &none, "{}");
}

static void sum_of_integers(void **state)
{
	struct point point = begin_point(7);
	struct buffer *buf = &point.request;

	(void)otlp_put_string_attribute(buf, 7, SLICE_LIT("a\"b"), SLICE_LIT("\n"));
	proto_put_fixed64(buf, 2, 1544712660000000000);
	proto_put_fixed64(buf, 3, UINT64_MAX);
	proto_put_fixed64(buf, 6, (uint64_t)-5);
	proto_end(buf, point.marks[4]);
	proto_put_varint(buf, 2, 2);
	proto_put_bool(buf, 3, true);
	for (int i = 3; i >= 0; i--)
		proto_end(buf, point.marks[i]);
	check(OTLP_METRICS, buf,
	      METRIC("\"sum\":{\"dataPoints\":[{\"attributes\":[{\"key\":\"a\\\"b\","
		     "\"value\":{\"stringValue\":\"\\n\"}}],"
		     "\"startTimeUnixNano\":\"1544712660000000000\","
		     "\"timeUnixNano\":\"18446744073709551615\",\"asInt\":\"-5\"}],"
		     "\"aggregationTemporality\":2,\"isMonotonic\":true}"));
}

static void gauge_with_an_exemplar(void **state)
{
	struct point point = begin_point(5);
	struct buffer *buf = &point.request;
	size_t exemplar;

	proto_put_double(buf, 4, 0.1);
	exemplar = proto_begin(buf, 5);
	proto_put_fixed64(buf, 2, 7);
	proto_put_double(buf, 3, 1e300);
	proto_put_bytes(buf, 4, SLICE_LIT("\1\2\3\4\5\6\7\xff"));
	proto_put_bytes(buf, 5, SLICE_LIT("\1\2\3\4\5\6\7\xff\1\2\3\4\5\6\7\xff"));
	otlp_put_double_attribute(buf, 7, SLICE_LIT("d"), -2.5);
	proto_end(buf, exemplar);
	proto_put_varint(buf, 8, 1);
	end_point(&point);
	check(OTLP_METRICS, buf,
	      METRIC("\"gauge\":{\"dataPoints\":[{\"asDouble\":0.1,\"exemplars\":["
		     "{\"filteredAttributes\":[{\"key\":\"d\",\"value\":{\"doubleValue\":-2.5}}],"
		     "\"timeUnixNano\":\"7\",\"asDouble\":1e+300,\"spanId\":\"01020304050607ff\","
		     "\"traceId\":\"01020304050607ff01020304050607ff\"}],\"flags\":1}]}"));
}

static void histogram(void **state)
{
	const uint64_t counts[] = { 1, 0, UINT64_MAX };
	const double bounds[] = { 0.005, 10 };
	struct point point = begin_point(9);
	struct buffer *buf = &point.request;

	proto_put_fixed64(buf, 4, 3);
	proto_put_double(buf, 5, 12.5);
	proto_put_packed_fixed64(buf, 6, counts, 3);
	proto_put_packed_double(buf, 7, bounds, 2);
	proto_put_double(buf, 11, 0);
	proto_put_double(buf, 12, 1.0 / 3);
	end_point(&point);
	check(OTLP_METRICS, buf,
	      METRIC("\"histogram\":{\"dataPoints\":[{\"count\":\"3\",\"sum\":12.5,"
		     "\"bucketCounts\":[\"1\",\"0\",\"18446744073709551615\"],"
		     "\"explicitBounds\":[0.005,10],\"min\":0,\"max\":0.3333333333333333}]}"));
}

static void exponential_histogram(void **state)
{
	const uint64_t counts[] = { 1, 300 };
	struct point point = begin_point(10);
	struct buffer *buf = &point.request;
	size_t buckets;

	proto_put_fixed64(buf, 4, 301);
	proto_put_sint32(buf, 6, -10);
	proto_put_fixed64(buf, 7, 4);
	buckets = proto_begin(buf, 8);
	proto_put_sint32(buf, 1, INT32_MIN);
	proto_put_packed_uint64(buf, 2, counts, 2);
	proto_end(buf, buckets);
	buckets = proto_begin(buf, 9);
	proto_end(buf, buckets);
	proto_put_double(buf, 14, 1e-9);
	end_point(&point);
	check(OTLP_METRICS, buf,
	      METRIC("\"exponentialHistogram\":{\"dataPoints\":[{\"count\":\"301\",\"scale\":-10,"
		     "\"zeroCount\":\"4\",\"positive\":{\"offset\":-2147483648,"
		     "\"bucketCounts\":[\"1\",\"300\"]},\"negative\":{},"
		     "\"zeroThreshold\":1e-09}]}"));
}

/* A repeated field may stand in pieces, with others in between, packed or not. */
static void members_stand_together(void **state)
{
	const uint64_t counts[] = { 3, 4 };
	struct point point = begin_point(9);
	struct buffer *buf = &point.request;

	proto_put_fixed64(buf, 6, 1);
	proto_put_fixed64(buf, 4, 9);
	proto_put_fixed64(buf, 6, 2);
	proto_put_fixed64(buf, 4, 10); /* the last one counts */
	proto_put_packed_fixed64(buf, 6, counts, 2);
	end_point(&point);
	check(OTLP_METRICS, buf,
	      METRIC("\"histogram\":{\"dataPoints\":[{\"count\":\"10\","
		     "\"bucketCounts\":[\"1\",\"2\",\"3\",\"4\"]}]}"));
}

static void numbers_json_does_not_have(void **state)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = {
		{ NAN, "\"NaN\"" },
		{ INFINITY, "\"Infinity\"" },
		{ -INFINITY, "\"-Infinity\"" },
		{ -0.0, "-0" },
		{ 5e-324, "4.94065645841247e-324" },
		{ 1.7976931348623157e308, "1.7976931348623157e+308" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct point point = begin_point(5);
		_cleanup_free_ char *json = NULL;

		proto_put_double(&point.request, 4, cases[i].value);
		end_point(&point);
		assert_int_equal(transcode(OTLP_METRICS, &point.request, OTLP_JSON_COMPACT, &json),
				 0);
		assert_non_null(strstr(json, "\"asDouble\":"));
		assert_int_equal(strncmp(strstr(json, "\"asDouble\":") + 11, cases[i].text,
					 strlen(cases[i].text)),
				 0);
		buffer_free(&point.request);
	}
}

/* attributes of a resource of traces: value is an encoded AnyValue */
static struct buffer with_value(struct slice value)
{
	struct buffer buf = { 0 };
	size_t spans = proto_begin(&buf, 1), resource = proto_begin(&buf, 1);
	size_t attribute = proto_begin(&buf, 1);

	proto_put_bytes(&buf, 1, SLICE_LIT("k"));
	proto_put_bytes(&buf, 2, value);
	proto_end(&buf, attribute);
	proto_end(&buf, resource);
	proto_end(&buf, spans);
	return buf;
}

static void values_of_all_kinds(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *json;
	} cases[] = {
		{ "", 0, "{}" },
		{ "\x0a\x00", 2, "{\"stringValue\":\"\"}" },
		{ "\x10\x00", 2, "{\"boolValue\":false}" },
		{ "\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, "{\"intValue\":\"-1\"}" },
		{ "\x2a\x04\x0a\x02\x18\x05", 6,
		  "{\"arrayValue\":{\"values\":[{\"intValue\":\"5\"}]}}" },
		{ "\x32\x05\x0a\x03\x0a\x01x", 7,
		  "{\"kvlistValue\":{\"values\":[{\"key\":\"x\"}]}}" },
		{ "\x3a\x00", 2, "{\"bytesValue\":\"\"}" },
		{ "\x3a\x01\xfb", 3, "{\"bytesValue\":\"+w==\"}" },
		{ "\x3a\x02\xfb\xff", 4, "{\"bytesValue\":\"+/8=\"}" },
		{ "\x3a\x04\x00\x01\x02\x03", 6, "{\"bytesValue\":\"AAECAw==\"}" },
		{ "\xf2\x01\x01x\x10\x01", 6, "{\"boolValue\":true}" }, /* 30: unknown */
		{ "\xc0\x3e\x01\x10\x01", 5, "{\"boolValue\":true}" },  /* 1000: unknown */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buffer request = with_value(slice_of(cases[i].bytes, cases[i].len));
		struct buffer expected = { 0 };

		buffer_printf(&expected,
			      "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"k\","
			      "\"value\":%s}]}}]}",
			      cases[i].json);
		buffer_put_char(&expected, '\0');
		check(OTLP_TRACES, &request, expected.data);
		buffer_free(&expected);
	}
}

static void what_is_no_request_is_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} cases[] = {
		{ "\x0a", 1 },         /* no length */
		{ "\x0a\x05\x01", 3 }, /* longer than all */
		{ "\x08\x01", 2 },     /* a number where a message should be */
		{ "\x00\x00", 2 },     /* field 0 */
		{ "\x0b\x0c", 2 },     /* a group */
		{ "\x0e\x00", 2 },     /* type 6 */
		{ "\x10\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 12 },
		{ "\x11\x00\x00\x00\x00\x00\x00\x00", 8 },
		{ "\x15\x00\x00\x00", 4 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buffer request = { 0 };
		_cleanup_free_ char *json = NULL;

		buffer_put(&request, cases[i].bytes, cases[i].len);
		assert_int_equal(transcode(OTLP_TRACES, &request, OTLP_JSON_COMPACT, &json),
				 -EPROTO);
		buffer_free(&request);
	}
}

static void depth_has_an_end(void **state)
{
	struct buffer value = { 0 };
	struct buffer request;
	_cleanup_free_ char *json = NULL;

	for (int i = 0; i < 1000; i++) {
		struct buffer outer = { 0 };
		size_t array = proto_begin(&outer, OTLP_ANY_ARRAY);

		if (value.len && !value.data)
			abort();
		proto_put_bytes(&outer, 1, slice_of(value.data, value.len));
		proto_end(&outer, array);
		buffer_free(&value);
		value = outer;
	}
	request = with_value(slice_of(value.data, value.len));
	assert_int_equal(transcode(OTLP_TRACES, &request, OTLP_JSON_COMPACT, &json), -EPROTO);
	buffer_free(&value);
	buffer_free(&request);
}

static void pretty_is_for_people(void **state)
{
	struct buffer request = with_value(SLICE_LIT("\x2a\x04\x0a\x02\x18\x05"));
	_cleanup_free_ char *json = NULL;

	proto_put_bytes(&request, 1, SLICE_LIT(""));
	assert_int_equal(transcode(OTLP_TRACES, &request, OTLP_JSON_PRETTY, &json), 0);
	assert_string_equal(json, "{\n"
				  "  \"resourceSpans\": [\n"
				  "    {\n"
				  "      \"resource\": {\n"
				  "        \"attributes\": [\n"
				  "          {\n"
				  "            \"key\": \"k\",\n"
				  "            \"value\": {\n"
				  "              \"arrayValue\": {\n"
				  "                \"values\": [\n"
				  "                  {\n"
				  "                    \"intValue\": \"5\"\n"
				  "                  }\n"
				  "                ]\n"
				  "              }\n"
				  "            }\n"
				  "          }\n"
				  "        ]\n"
				  "      }\n"
				  "    },\n"
				  "    {}\n"
				  "  ]\n"
				  "}");
	buffer_free(&request);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_requests),
		cmocka_unit_test(sum_of_integers),
		cmocka_unit_test(gauge_with_an_exemplar),
		cmocka_unit_test(histogram),
		cmocka_unit_test(exponential_histogram),
		cmocka_unit_test(members_stand_together),
		cmocka_unit_test(numbers_json_does_not_have),
		cmocka_unit_test(values_of_all_kinds),
		cmocka_unit_test(what_is_no_request_is_refused),
		cmocka_unit_test(depth_has_an_end),
		cmocka_unit_test(pretty_is_for_people),
	};

	return cmocka_run_group_tests_name("otlp/json", tests, NULL, NULL);
}
