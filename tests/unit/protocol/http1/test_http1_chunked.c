// SPDX-License-Identifier: Apache-2.0
/* Chunked bodies, whole, cut into two everywhere, byte by byte, and with holes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "guard.h"
#include "protocol/http1/http1.h"

#define ALL 4096

/* Skips text, which may go on behind the body, in steps of at most step bytes. */
static ptrdiff_t pass_over(const char *text, size_t first, size_t step, bool *ret_done)
{
	struct http1_chunked chunked = { 0 };
	struct slice in = slice_cstr(text);
	ptrdiff_t sum = 0;

	for (size_t at = 0, len = first; at < in.len; at += len, len = step) {
		ptrdiff_t used =
			http1_skip_chunked(&chunked, guarded(slice_first(slice_from(in, at), len)));

		if (used < 0)
			return used;
		sum += used;
	}
	*ret_done = http1_chunked_done(&chunked);
	return sum;
}

static void assert_body(const char *text, ptrdiff_t length, bool done)
{
	bool got = false;

	for (size_t first = 0; first <= strlen(text); first++) {
		assert_int_equal(pass_over(text, first, ALL, &got), length);
		assert_int_equal(got, done);
	}
	assert_int_equal(pass_over(text, 1, 1, &got), length);
	assert_int_equal(got, done);
}

static void chunks_end_with_the_blank_line(void **state)
{
	assert_body("0\r\n\r\n", 5, true);
	assert_body("0\r\n\r\nHTTP/1.1 200 OK\r\n", 5, true);
	assert_body("5\r\nhello\r\n000A\r\n0123456789\r\n0\r\n\r\nGET", 10 + 18 + 5, true);
	assert_body("5\nhello\n0\n\n", 11, true);
	assert_body("5;name=value;x=\"y\"\r\nhello\r\n0;last\r\n\r\n", 37, true);
	assert_body("5 \r\nhello\r\n0\r\nTrailer: 1\r\nOther: 2\r\n\r\nX", 38, true);
	assert_body("5\r\nhello\r\n0\r\n", 13, false);
	assert_body("5\r\nhel", 6, false);
	assert_body("7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", 17, true); /* data that looks like an end */
}

static void what_is_not_chunked(void **state)
{
	static const char *const bad[] = {
		"\r\n",          "x\r\n",  "5\r\nhelloX",
		"5\r\nhello\rX", "-1\r\n", "1234567890abcdef0\r\n",
		"0\r\n\rX",
	};
	bool done = false;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		for (size_t first = 0; first <= strlen(bad[i]); first++)
			assert_int_equal(pass_over(bad[i], first, ALL, &done), -EPROTO);
	}
}

static void error_stays(void **state)
{
	struct http1_chunked chunked = { 0 };

	assert_int_equal(http1_skip_chunked(&chunked, SLICE_LIT("x")), -EPROTO);
	assert_int_equal(http1_skip_chunked(&chunked, SLICE_LIT("0\r\n\r\n")), -EPROTO);
	assert_int_equal(http1_skip_chunked(&chunked, SLICE_LIT("")), -EPROTO);
}

static void holes_within_data_are_known(void **state)
{
	struct http1_chunked chunked = { 0 };

	assert_int_equal(http1_skip_chunked(&chunked, SLICE_LIT("fff\r\nabc")), 8);
	assert_int_equal(http1_skip_chunked_unseen(&chunked, 0xfff - 4), 0);
	assert_int_equal(http1_skip_chunked(&chunked, SLICE_LIT("z\r\n0\r\n\r\n")), 8);
	assert_true(http1_chunked_done(&chunked));
	assert_int_equal(http1_skip_chunked_unseen(&chunked, 0), 0);
}

static void hole_to_the_very_end_is_an_end(void **state)
{
	struct http1_chunked chunked = { 0 };

	assert_int_equal(http1_skip_chunked(&chunked, SLICE_LIT("10\r\n")), 4);
	assert_int_equal(http1_skip_chunked_unseen(&chunked, 0x10 + 7), 0); /* CRLF 0 CRLF CRLF */
	assert_true(http1_chunked_done(&chunked));
}

static void hole_beyond_data_loses_the_place(void **state)
{
	struct http1_chunked chunked = { 0 };

	assert_int_equal(http1_skip_chunked(&chunked, SLICE_LIT("10\r\n")), 4);
	assert_int_equal(http1_skip_chunked_unseen(&chunked, 0x10 + 8), -EPROTO);
	assert_int_equal(http1_skip_chunked(&chunked, SLICE_LIT("0\r\n\r\n")), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chunks_end_with_the_blank_line),
		cmocka_unit_test(what_is_not_chunked),
		cmocka_unit_test(error_stays),
		cmocka_unit_test(holes_within_data_are_known),
		cmocka_unit_test(hole_to_the_very_end_is_an_end),
		cmocka_unit_test(hole_beyond_data_loses_the_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
