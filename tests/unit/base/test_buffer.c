// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "guard.h"

static void check_json(const char *text, size_t len, const char *expected)
{
	struct buffer buf = { 0 };

	buffer_put_json_string(&buf, guarded(slice_of(text, len)));
	assert_int_equal(buf.len, strlen(expected));
	assert_memory_equal(buf.data, expected, buf.len);
	buffer_free(&buf);
}

static void json_strings_escape_what_they_must(void **state)
{
	check_json("", 0, "\"\"");
	check_json("/plain path", 11, "\"/plain path\"");
	check_json("a\"b\\c", 5, "\"a\\\"b\\\\c\"");
	check_json("\n\t\r\x01\x1f\x7f", 6, "\"\\n\\t\\r\\u0001\\u001f\x7f\"");
	check_json("\0", 1, "\"\\u0000\"");
	check_json("caf\xc3\xa9", 5, "\"caf\xc3\xa9\"");
	check_json("caf\xc3", 4, "\"caf\xef\xbf\xbd\"");
	check_json("\xff\xfe!", 3, "\"\xef\xbf\xbd\xef\xbf\xbd!\"");
}

/* Strings are looked at in pieces: one byte of each kind in each place of each length. */
static void any_byte_is_noticed_anywhere(void **state)
{
	for (size_t len = 1; len <= 25; len++)
		for (size_t at = 0; at < len; at++)
			for (int c = 0; c < 256; c++) {
				bool plain = c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
				char text[25], expected[64];
				struct buffer one = { 0 };

				memset(text, '~', sizeof(text));
				text[at] = (char)c;
				buffer_put_json_string(&one, slice_of(&text[at], 1));
				assert_true(!plain || one.len == 3);
				assert_true(plain || one.len > 3);
				(void)snprintf(expected, sizeof(expected), "\"%.*s%.*s%.*s\"",
					       (int)at, "~~~~~~~~~~~~~~~~~~~~~~~~~",
					       (int)one.len - 2, one.data + 1, (int)(len - at - 1),
					       "~~~~~~~~~~~~~~~~~~~~~~~~~");
				check_json(text, len, expected);
				buffer_free(&one);
			}
}

static void numbers_and_hex(void **state)
{
	static const uint8_t bytes[] = { 0x00, 0x9f, 0xff };
	struct buffer buf = { 0 };

	buffer_put_u64(&buf, 0);
	buffer_put_char(&buf, ' ');
	buffer_put_u64(&buf, UINT64_MAX);
	buffer_put_char(&buf, ' ');
	buffer_put_i64(&buf, INT64_MIN);
	buffer_put_char(&buf, ' ');
	buffer_put_hex(&buf, bytes, sizeof(bytes));
	buffer_printf(&buf, " %s%d", "x", 7);
	buffer_put_char(&buf, '\0');
	assert_string_equal(buf.data, "0 18446744073709551615 -9223372036854775808 009fff x7");
	buffer_free(&buf);
}

static void a_buffer_grows_and_remembers_failure(void **state)
{
	struct buffer buf = { 0 };

	for (int i = 0; i < 1000; i++)
		buffer_put(&buf, "0123456789", 10);
	assert_int_equal(buf.len, 10000);
	assert_memory_equal(buf.data + 9990, "0123456789", 10);
	assert_null(buffer_reserve(&buf, SIZE_MAX / 2 + 2));
	assert_true(buf.failed);
	buffer_put_char(&buf, 'x');
	assert_null(buffer_reserve(&buf, 0));
	assert_int_equal(buf.len, 10000);
	buffer_free(&buf);
	assert_false(buf.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_strings_escape_what_they_must),
		cmocka_unit_test(any_byte_is_noticed_anywhere),
		cmocka_unit_test(numbers_and_hex),
		cmocka_unit_test(a_buffer_grows_and_remembers_failure),
	};

	return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
