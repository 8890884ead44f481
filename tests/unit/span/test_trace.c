// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "guard.h"
#include "span/trace.h"

#define EXAMPLE "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static int parse(const char *text, struct obi_trace *ret_trace)
{
	return trace_parse_traceparent(guarded(slice_cstr(text)), ret_trace);
}

static void traceparent_of_the_specification(void **state)
{
	static const uint8_t trace_id[16] = { 0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6,
					      0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36 };
	static const uint8_t span_id[8] = { 0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7 };
	static const uint8_t none[8];
	struct obi_trace trace;
	char text[TRACEPARENT_LEN];

	assert_int_equal(parse(EXAMPLE, &trace), 0);
	assert_memory_equal(trace.trace_id, trace_id, sizeof(trace_id));
	assert_memory_equal(trace.span_id, span_id, sizeof(span_id));
	assert_memory_equal(trace.parent_id, none, sizeof(none));
	assert_int_equal(trace.trace_flags, 1);
	assert_true(trace_is_set(&trace));
	trace_format_traceparent(&trace, text);
	assert_memory_equal(text, EXAMPLE, sizeof(text));
}

static void traceparent_that_must_be_ignored(void **state)
{
	static const char *const bad[] = {
		"",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
		"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", /* forbidden version */
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
		"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", /* upper case */
		"00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
		"00-4bf92f3577b34da6a3ce929d0e0e473o-00f067aa0ba902b7-01",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0/",
		"00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7_01",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x", /* 00 ends there */
		"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x",
	};
	struct obi_trace trace, before;

	memset(&before, 0x5a, sizeof(before));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		trace = before;
		assert_int_equal(parse(bad[i], &trace), -EPROTO);
		assert_memory_equal(&trace, &before, sizeof(trace));
	}
}

static void only_hex_digits_pass(void **state)
{
	char text[] = EXAMPLE;
	struct obi_trace trace;

	for (int c = 0; c < 256; c++) {
		bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');

		text[10] = (char)c;
		assert_int_equal(trace_parse_traceparent(slice_of(text, 55), &trace),
				 hex ? 0 : -EPROTO);
	}
}

static void later_versions_may_go_on(void **state)
{
	struct obi_trace trace;

	assert_int_equal(
		parse("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03-what", &trace), 0);
	assert_int_equal(trace.trace_flags, 3);
	assert_int_equal(parse("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", &trace),
			 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(traceparent_of_the_specification),
		cmocka_unit_test(traceparent_that_must_be_ignored),
		cmocka_unit_test(only_hex_digits_pass),
		cmocka_unit_test(later_versions_may_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
