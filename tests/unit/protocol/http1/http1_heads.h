/* SPDX-License-Identifier: Apache-2.0 */
/* Heads that are read whole, and from each of their beginnings. */
#ifndef OBI_TESTS_PROTOCOL_HTTP1_HEADS_H
#define OBI_TESTS_PROTOCOL_HTTP1_HEADS_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "guard.h"
#include "protocol/http1/http1.h"

static inline void assert_slice(struct slice got, const char *want)
{
	if (!slice_equal(got, slice_cstr(want)))
		fail_msg("got '" SLICE_FMT "', want '%s'", SLICE_ARG(got), want);
}

/* Reads a whole request; each of its beginnings must ask for more, and the bytes of a body
 * behind it must not be touched. */
static inline struct http1_head request(const char *text)
{
	struct slice in = slice_cstr(text);
	struct http1_head head;
	char longer[4096];

	for (size_t len = 0; len < in.len; len++)
		assert_int_equal(http1_parse_request(guarded(slice_first(in, len)), &head),
				 -EAGAIN);
	snprintf(longer, sizeof(longer), "%s%s", text, "GET / HTTP/1.1\r\n\r\n");
	assert_int_equal(http1_parse_request(guarded(slice_cstr(longer)), &head), in.len);
	assert_int_equal(http1_parse_request(guarded(in), &head), in.len);
	return head;
}

static inline struct http1_head response(const char *text)
{
	struct slice in = slice_cstr(text);
	struct http1_head head;

	for (size_t len = 0; len < in.len; len++)
		assert_int_equal(http1_parse_response(guarded(slice_first(in, len)), &head),
				 -EAGAIN);
	assert_int_equal(http1_parse_response(guarded(in), &head), in.len);
	return head;
}

#endif
