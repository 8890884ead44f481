// SPDX-License-Identifier: Apache-2.0
#include "protocol/http1/proxy.h"

#include <errno.h>

/* Section 2.2: the signature, version and command, family, and two bytes of length. */
#define V2_SIGNATURE SLICE_LIT("\r\n\r\n\0\r\nQUIT\n")
#define V2_HEAD 16

static bool may_begin(struct slice in, struct slice lit)
{
	return slice_has_prefix(slice_first(lit, in.len), slice_first(in, lit.len));
}

static ptrdiff_t v2_length(struct slice in)
{
	if (in.len > V2_SIGNATURE.len && in.data[V2_SIGNATURE.len] >> 4 != 2)
		return 0;
	if (in.len < V2_HEAD)
		return -EAGAIN;
	return V2_HEAD + (in.data[14] << 8 | in.data[15]);
}

/* Section 2.1: a line that ends in CRLF. */
static ptrdiff_t v1_length(struct slice in)
{
	ptrdiff_t eol = slice_find(slice_first(in, PROXY_HEADER_MAX), '\n');

	if (eol < 0)
		return in.len < PROXY_HEADER_MAX ? -EAGAIN : 0;
	return in.data[eol - 1] == '\r' ? eol + 1 : 0;
}

ptrdiff_t proxy_header_length(struct slice in)
{
	if (in.len && may_begin(in, V2_SIGNATURE))
		return v2_length(in);
	if (in.len &&
	    (may_begin(in, SLICE_LIT("PROXY TCP4 ")) || may_begin(in, SLICE_LIT("PROXY TCP6 ")) ||
	     may_begin(in, SLICE_LIT("PROXY UNKNOWN"))))
		return v1_length(in);
	return 0;
}
