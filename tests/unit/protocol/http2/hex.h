/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as RFCs print them. */
#ifndef OBI_TESTS_PROTOCOL_HTTP2_HEX_H
#define OBI_TESTS_PROTOCOL_HTTP2_HEX_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "base/percent.h"
#include "base/slice.h"
#include "guard.h"

#define HEX_ROOM (64 * 1024)

/* The bytes that pairs of digits stand for, blanks between them aside. They end at the guard page
 * and are right until the next call. */
static inline struct slice hex(const char *text)
{
	static uint8_t bytes[HEX_ROOM];
	size_t len = 0;

	for (; *text; text++) {
		if (*text == ' ')
			continue;
		assert_true(hex_digit((uint8_t)text[0]) >= 0 && hex_digit((uint8_t)text[1]) >= 0);
		assert_true(len < sizeof(bytes));
		bytes[len++] =
			(uint8_t)(hex_digit((uint8_t)text[0]) << 4 | hex_digit((uint8_t)text[1]));
		text++;
	}
	return guarded(slice_of(bytes, len));
}

static inline void assert_slice(struct slice got, const char *want)
{
	if (!slice_equal(got, slice_cstr(want)))
		fail_msg("got '" SLICE_FMT "', want '%s'", SLICE_ARG(got), want);
}

#endif
