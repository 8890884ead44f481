// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "guard.h"
#include "sender/status.h"

/* Mon, 02 Nov 2026 10:00:00 GMT */
#define NOW 1793613600

static struct sender_status read_lines(int http, const char *lines)
{
	struct sender_status status = { .http = http, .grpc = SENDER_NO_STATUS };
	struct slice rest = slice_cstr(lines);

	while (rest.len) {
		ptrdiff_t end = slice_find(rest, '\n');
		size_t len = end < 0 ? rest.len : (size_t)end + 1;

		sender_status_header(&status, guarded(slice_first(rest, len)), NOW);
		rest = slice_from(rest, len);
	}
	return status;
}

static enum sender_verdict http(int code)
{
	struct sender_status status = read_lines(code, "");

	return sender_status_verdict(&status, false);
}

/* OTLP 1.10, "OTLP/HTTP Response": retryable are 429, 502, 503 and 504. */
static void http_codes_follow_the_specification(void **state)
{
	for (int code = 100; code < 600; code++) {
		enum sender_verdict expected = SENDER_REFUSED;

		if (code >= 200 && code < 300)
			expected = SENDER_EXPORTED;
		if (code == 429 || code == 502 || code == 503 || code == 504)
			expected = SENDER_RETRY;
		assert_int_equal(http(code), expected);
	}
}

static enum sender_verdict grpc(int code, const char *lines)
{
	struct sender_status status = read_lines(code, lines);

	return sender_status_verdict(&status, true);
}

/* The table of OTLP 1.10, "OTLP/gRPC Response", "Failures". */
static void grpc_codes_follow_the_specification(void **state)
{
	static const bool retry[17] = {
		[1] = true, [4] = true, [10] = true, [11] = true, [14] = true, [15] = true
	};

	for (int code = 1; code < 17; code++) {
		char line[32];

		(void)snprintf(line, sizeof(line), "grpc-status: %d\r\n", code);
		assert_int_equal(grpc(200, line), retry[code] ? SENDER_RETRY : SENDER_REFUSED);
	}
	assert_int_equal(grpc(200, "grpc-status: 0\r\n"), SENDER_EXPORTED);
	assert_int_equal(grpc(200, "Grpc-Status:0"), SENDER_EXPORTED);
}

static void garbage_for_a_status_means_unknown(void **state)
{
	static const char *const garbage[] = {
		"grpc-status: \r\n", "grpc-status: 17",       "grpc-status: -1",
		"grpc-status: 0x0",  "grpc-status: zero",     "grpc-status: 99999999999999999999",
		"grpc-status: 0 0",  "grpc-status: \xff\xff", "grpc-status: 14\x01",
	};

	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++) {
		struct sender_status status = read_lines(200, garbage[i]);

		assert_int_equal(status.grpc, 2);
		assert_int_equal(sender_status_verdict(&status, true), SENDER_REFUSED);
	}
}

/* gRPC's http-grpc-status-mapping.md: for answers of something in between. */
static void without_a_grpc_status_the_http_code_counts(void **state)
{
	assert_int_equal(grpc(503, ""), SENDER_RETRY);
	assert_int_equal(grpc(429, ""), SENDER_RETRY);
	assert_int_equal(grpc(502, ""), SENDER_RETRY);
	assert_int_equal(grpc(504, ""), SENDER_RETRY);
	assert_int_equal(grpc(404, ""), SENDER_REFUSED);
	assert_int_equal(grpc(401, ""), SENDER_REFUSED);
	assert_int_equal(grpc(200, ""), SENDER_REFUSED);
}

static void messages_are_decoded_and_printable(void **state)
{
	char line[1100] = "grpc-message: ";
	struct sender_status status;

	assert_string_equal(read_lines(200, "grpc-message: no%20room%2Fhere%0a%1b[2J").message,
			    "no room/here??[2J");
	assert_string_equal(read_lines(200, "grpc-message: 100%").message, "100%");
	assert_string_equal(read_lines(200, "grpc-message: %zz%4").message, "%zz%4");
	assert_string_equal(read_lines(200, "grpc-message: caf\xc3\xa9").message, "caf??");
	memset(line + 14, 'x', 1000);
	status = read_lines(200, line);
	assert_int_equal(strlen(status.message), SENDER_MESSAGE_MAX - 1);
}

static void expect_wait(const char *line, bool given, uint64_t ns)
{
	struct sender_status status = read_lines(503, line);

	assert_int_equal(status.retry_after, given);
	assert_int_equal(status.wait_ns, ns);
}

static void retry_after_is_seconds_or_a_date(void **state)
{
	expect_wait("Retry-After: 3\r\n", true, 3 * NSEC_PER_SEC);
	expect_wait("retry-after:0", true, 0);
	expect_wait("Retry-After: Mon, 02 Nov 2026 10:00:30 GMT", true, 30 * NSEC_PER_SEC);
	expect_wait("Retry-After: Mon, 02 Nov 2026 09:00:00 GMT", true, 0);
	/* Nobody keeps us waiting for longer than a day. */
	expect_wait("Retry-After: 99999999999999999999999", true, 86400 * NSEC_PER_SEC);
	expect_wait("Retry-After: Mon, 02 Nov 2099 10:00:30 GMT", true, 86400 * NSEC_PER_SEC);
	expect_wait("Retry-After: -1", false, 0);
	expect_wait("Retry-After: 1.5", false, 0);
	expect_wait("Retry-After: soon", false, 0);
	expect_wait("Retry-After: ", false, 0);
	expect_wait("Retry-After: Mon, 02 Nov 2026 10:00:30 GMT and more text", false, 0);
}

/* Status{8, "full", [Any{RetryInfo{Duration{2 s, 500 ms}}}]} */
#define RETRY_INFO                                                                                 \
	"grpc-status-details-bin: CAgSBGZ1bGwaNgoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLlJl"    \
	"dHJ5SW5mbxIKCggIAhCAyrXuAQ\r\n"

static void exhausted_resources_come_back_only_with_retry_info(void **state)
{
	struct sender_status status = read_lines(200, "grpc-status: 8\r\n" RETRY_INFO);

	assert_true(status.retry_info);
	assert_int_equal(status.wait_ns, 2500 * NSEC_PER_MSEC);
	assert_int_equal(sender_status_verdict(&status, true), SENDER_RETRY);
	assert_int_equal(grpc(200, "grpc-status: 8\r\n"), SENDER_REFUSED);
	assert_int_equal(grpc(200, "grpc-status: 8\r\nretry-after: 3\r\n"), SENDER_REFUSED);
	assert_int_equal(grpc(200, "grpc-status: 8\r\ngrpc-status-details-bin: !!!!"),
			 SENDER_REFUSED);
	assert_int_equal(grpc(200, "grpc-status: 8\r\ngrpc-status-details-bin: CAgSBGZ1bGw="),
			 SENDER_REFUSED);
}

static void other_lines_change_nothing(void **state)
{
	struct sender_status status = read_lines(200, "HTTP/2 200 \r\n\r\n: \r\nx\r\nfoo: 1\r\n");

	assert_int_equal(status.grpc, SENDER_NO_STATUS);
	assert_false(status.retry_after);
	assert_string_equal(sender_status_name(14), "UNAVAILABLE");
	assert_string_equal(sender_status_name(17), "?");
	assert_string_equal(sender_status_name(-1), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(http_codes_follow_the_specification),
		cmocka_unit_test(grpc_codes_follow_the_specification),
		cmocka_unit_test(garbage_for_a_status_means_unknown),
		cmocka_unit_test(without_a_grpc_status_the_http_code_counts),
		cmocka_unit_test(messages_are_decoded_and_printable),
		cmocka_unit_test(retry_after_is_seconds_or_a_date),
		cmocka_unit_test(exhausted_resources_come_back_only_with_retry_info),
		cmocka_unit_test(other_lines_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
