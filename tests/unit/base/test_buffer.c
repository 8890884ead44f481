// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/utf8.h"
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

static void what_drives_a_terminal_is_escaped(void **state)
{
	static const char *const bad[][3] = {
		{ "\x1b", "\"\\u001b\"", "\\x1b" },
		{ "\xc2\x9b", "\"\\u009b\"", "\\xc2\\x9b" },
		{ "\x9b", "\"\xef\xbf\xbd\"", "\\x9b" },
		{ "\xd8\x9c", "\"\\u061c\"", "\\xd8\\x9c" },
		{ "\xe2\x80\x8e", "\"\\u200e\"", "\\xe2\\x80\\x8e" },
		{ "\xe2\x80\xa8", "\"\\u2028\"", "\\xe2\\x80\\xa8" },
		{ "\xe2\x80\xae", "\"\\u202e\"", "\\xe2\\x80\\xae" },
		{ "\xe2\x81\xa6", "\"\\u2066\"", "\\xe2\\x81\\xa6" },
		{ "\xe2\x81\xa9", "\"\\u2069\"", "\\xe2\\x81\\xa9" },
	};
	static const char *const good[] = {
		"a", "\xc2\xa0", "\xd8\x9b", "\xe2\x80\xa7", "\xe2\x81\xa5", "\xf0\x9f\x98\x80"
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct buffer buf = { 0 };

		assert_int_equal(utf8_printable(slice_cstr(bad[i][0])), 0);
		check_json(bad[i][0], strlen(bad[i][0]), bad[i][1]);
		buffer_put_printable(&buf, slice_cstr(bad[i][0]));
		buffer_put_char(&buf, '\0');
		assert_string_equal(buf.data, bad[i][2]);
		buffer_free(&buf);
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(utf8_all_printable(slice_cstr(good[i])));
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
		cmocka_unit_test(what_drives_a_terminal_is_escaped),
		cmocka_unit_test(numbers_and_hex),
		cmocka_unit_test(a_buffer_grows_and_remembers_failure),
	};

	return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
