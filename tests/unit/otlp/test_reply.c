// SPDX-License-Identifier: Apache-2.0
/* What official encoders write: tests/otlp. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/proto.h"
#include "base/utf8.h"
#include "guard.h"
#include "otlp/reply.h"

#define RETRY_INFO "type.googleapis.com/google.rpc.RetryInfo"

static void check_reply(enum otlp_reply_format format, struct slice body, uint64_t rejected,
			const char *message)
{
	struct otlp_reply reply;

	memset(&reply, 0xee, sizeof(reply));
	assert_int_equal(otlp_reply_read(format, guarded(body), &reply), 0);
	assert_int_equal(reply.rejected, rejected);
	assert_string_equal(reply.message, message);
}

static void check_json_reply(const char *body, uint64_t rejected, const char *message)
{
	check_reply(OTLP_REPLY_JSON, slice_cstr(body), rejected, message);
}

static void check_proto_reply(struct slice body, uint64_t rejected, const char *message)
{
	check_reply(OTLP_REPLY_PROTOBUF, body, rejected, message);
}

static void whole_success_says_nothing(void **state)
{
	check_proto_reply(SLICE_LIT(""), 0, "");
	check_proto_reply(SLICE_LIT("\x0a\x00"), 0, "");
	check_proto_reply(SLICE_LIT("\x12\x01x\x18\x05"), 0, ""); /* unknown fields */
	check_json_reply("", 0, "");
	check_json_reply("{}", 0, "");
	check_json_reply("{\"partialSuccess\":{}}", 0, "");
	check_json_reply("{\"partialSuccess\":null}", 0, "");
}

static void partial_success_counts_and_explains(void **state)
{
	check_proto_reply(SLICE_LIT("\x0a\x08\x08\xac\x02\x12\x03why"), 300, "why");
	check_proto_reply(SLICE_LIT("\x0a\x05\x12\x03why"), 0, "why");
	/* Less than nothing. */
	check_proto_reply(SLICE_LIT("\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 0, "");
	check_json_reply(
		"{\"partialSuccess\":{\"rejectedSpans\":\"300\",\"errorMessage\":\"why\"}}", 300,
		"why");
	check_json_reply("{\"partialSuccess\":{\"rejectedDataPoints\":7}}", 7, "");
	check_json_reply("{\"partial_success\":{\"rejected_spans\":\"7\",\"error_message\":\"w\"}}",
			 7, "w");
	check_json_reply("{\"partialSuccess\":{\"rejectedSpans\":-7}}", 0, "");
	check_json_reply("{\"partialSuccess\":{\"rejectedSpans\":[],\"errorMessage\":{}}}", 0, "");
}

static void refused(enum otlp_reply_format format, struct slice body)
{
	struct otlp_reply reply = { .rejected = 1 };
	struct otlp_status status = { .code = 1 };

	assert_int_equal(otlp_reply_read(format, guarded(body), &reply), -EPROTO);
	assert_int_equal(reply.rejected, 1); /* untouched */
	assert_int_equal(otlp_status_read(format, guarded(body), &status), -EPROTO);
	assert_int_equal(status.code, 1);
}

static void garbage_is_refused(void **state)
{
	refused(OTLP_REPLY_PROTOBUF, SLICE_LIT("\x0a"));
	refused(OTLP_REPLY_PROTOBUF, SLICE_LIT("\x0a\x05why"));
	refused(OTLP_REPLY_PROTOBUF, SLICE_LIT("<html>"));
	refused(OTLP_REPLY_JSON, SLICE_LIT("<html>"));
	refused(OTLP_REPLY_JSON, SLICE_LIT("[]"));
	refused(OTLP_REPLY_JSON, SLICE_LIT("{\"a\":\"\xff\"}"));
	refused(OTLP_REPLY_JSON, SLICE_LIT("{} {}"));
}

static void message_is_fit_for_a_log(void **state)
{
	struct buffer body = { 0 };
	struct otlp_reply reply;
	size_t partial = proto_begin(&body, 1), text = proto_begin(&body, 2);

	buffer_put_cstr(&body, "a\x1b[2J\n\xff\x7f\xc2\x9b");
	for (int i = 0; i < 1000; i++)
		buffer_put_cstr(&body, "\xe2\x82\xac");
	proto_end(&body, text);
	proto_end(&body, partial);
	assert_int_equal(otlp_reply_read(OTLP_REPLY_PROTOBUF,
					 guarded(slice_of(body.data, body.len)), &reply),
			 0);
	assert_int_equal(strncmp(reply.message, "a?[2J????\xe2\x82\xac", 12), 0);
	assert_true(utf8_valid(slice_cstr(reply.message)));
	assert_in_range(strlen(reply.message), OTLP_MESSAGE_MAX - 4, OTLP_MESSAGE_MAX - 1);
	buffer_free(&body);
}

static void put_retry_info(struct buffer *buf, const char *type, int64_t seconds, int64_t nanos)
{
	size_t detail = proto_begin(buf, 3), value, delay;

	proto_put_bytes(buf, 1, slice_cstr(type));
	value = proto_begin(buf, 2);
	delay = proto_begin(buf, 1);
	proto_put_varint(buf, 1, (uint64_t)seconds);
	proto_put_varint(buf, 2, (uint64_t)nanos);
	proto_end(buf, delay);
	proto_end(buf, value);
	proto_end(buf, detail);
}

static void check_busy(enum otlp_reply_format format, struct buffer *body, uint64_t delay_ns)
{
	struct otlp_status status;

	assert_int_equal(
		otlp_status_read(format, guarded(slice_of(body->data, body->len)), &status), 0);
	assert_int_equal(status.code, 14);
	assert_string_equal(status.message, "busy");
	assert_true(status.may_retry);
	assert_int_equal(status.retry_delay_ns, delay_ns);
	buffer_free(body);
}

static void status_says_when_to_come_again(void **state)
{
	static const struct {
		int64_t seconds, nanos;
		uint64_t ns;
	} cases[] = {
		{ 0, 0, 0 },
		{ 1, 500000000, 1500000000 },
		{ -1, -500000000, 0 },
		{ 0, INT32_MAX, 999999999 },
		{ INT64_MAX, INT64_MAX, 1000000000000000 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buffer body = { 0 };

		proto_put_varint(&body, 1, 14);
		proto_put_bytes(&body, 2, SLICE_LIT("busy"));
		put_retry_info(&body, "type.googleapis.com/google.rpc.DebugInfo", 77, 0);
		put_retry_info(&body, RETRY_INFO, cases[i].seconds, cases[i].nanos);
		check_busy(OTLP_REPLY_PROTOBUF, &body, cases[i].ns);
	}
}

static void status_in_json(void **state)
{
	static const struct {
		const char *delay;
		uint64_t ns;
	} cases[] = {
		{ "\"3s\"", 3000000000 },
		{ "\"1.5s\"", 1500000000 },
		{ "\"0.000000001s\"", 1 },
		{ "\"0.0000000019s\"", 1 },
		{ "\"-0.5s\"", 0 },
		{ "\"x\"", 0 },
		{ "7", 0 },
		{ "\"99999999999999999999s\"", 1000000000000000 },
	};
	struct otlp_status status;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buffer body = { 0 };

		buffer_printf(&body,
			      "{\"code\":14,\"message\":\"busy\",\"details\":[1,{\"@type\":\"x\"},"
			      "{\"@type\":\"" RETRY_INFO "\",\"retryDelay\":%s}]}",
			      cases[i].delay);
		check_busy(OTLP_REPLY_JSON, &body, cases[i].ns);
	}
	assert_int_equal(
		otlp_status_read(OTLP_REPLY_JSON, SLICE_LIT("{\"message\":\"no\"}"), &status), 0);
	assert_int_equal(status.code, 0);
	assert_false(status.may_retry);
}

static void status_in_a_header(void **state)
{
	/* Of Python's base64. */
	static const char whole[] =
		"CA4SBGJ1c3kaNgoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLlJldHJ5SW5mbxIK"
		"CggIARCAyrXuAQ==";
	static const char *const wrong[] = { "A", "A*==", "CA4SBGJ1c3kaNAood" };
	struct otlp_status status;

	assert_int_equal(otlp_status_read_header(slice_cstr("CA4SBGJ1c3k="), &status), 0);
	assert_int_equal(status.code, 14);
	assert_string_equal(status.message, "busy");
	assert_int_equal(otlp_status_read_header(slice_cstr("CA4SBGJ1c3k"), &status), 0);
	assert_string_equal(status.message, "busy");
	assert_int_equal(otlp_status_read_header(SLICE_LIT(""), &status), 0);
	assert_int_equal(status.code, 0);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(otlp_status_read_header(slice_cstr(wrong[i]), &status), -EPROTO);
	assert_int_equal(otlp_status_read_header(slice_cstr(whole), &status), 0);
	assert_string_equal(status.message, "busy");
	assert_int_equal(status.retry_delay_ns, 1500000000);
}

static void long_header_is_refused(void **state)
{
	static char value[8193];
	struct otlp_status status;

	memset(value, 'A', sizeof(value));
	assert_int_equal(otlp_status_read_header(slice_of(value, 8193), &status), -EPROTO);
	/* As long as may be: field 0 inside. */
	assert_int_equal(otlp_status_read_header(guarded(slice_of(value, 8192)), &status), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_success_says_nothing),
		cmocka_unit_test(partial_success_counts_and_explains),
		cmocka_unit_test(garbage_is_refused),
		cmocka_unit_test(message_is_fit_for_a_log),
		cmocka_unit_test(status_says_when_to_come_again),
		cmocka_unit_test(status_in_json),
		cmocka_unit_test(status_in_a_header),
		cmocka_unit_test(long_header_is_refused),
	};

	return cmocka_run_group_tests_name("otlp/reply", tests, NULL, NULL);
}
