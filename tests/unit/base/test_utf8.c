// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "guard.h"

static void utf8_takes_what_rfc_3629_takes(void **state)
{
	static const char *const good[] = { "",
					    "plain ascii, longer than a word",
					    "\xc3\xa9",
					    "\xe2\x82\xac",
					    "\xf0\x9f\x98\x80",
					    "\xed\x9f\xbf",
					    "\xee\x80\x80",
					    "\xf4\x8f\xbf\xbf" };
	static const char *const bad[] = { "\x80",
					   "\xc3",
					   "\xc0\xaf",
					   "\xc1\x81",
					   "\xe0\x9f\xbf",
					   "\xed\xa0\x80", /* a surrogate */
					   "\xf0\x8f\xbf\xbf",
					   "\xf4\x90\x80\x80",
					   "\xf5\x80\x80\x80",
					   "\xff",
					   "\xe2\x82",
					   "abcdefgh\xe2\x82z",
					   "abcdefghi\xbf" };

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(utf8_valid(guarded(slice_cstr(good[i]))));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(utf8_valid(guarded(slice_cstr(bad[i]))));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_takes_what_rfc_3629_takes),
	};

	return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
