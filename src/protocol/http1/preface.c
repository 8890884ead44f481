// SPDX-License-Identifier: Apache-2.0
/*
 * What may stand before the first head of a connection, at either end: a header of the PROXY
 * protocol. It is passed over, whether it comes with the request behind it, alone, or in pieces.
 */
#include "protocol/http1/state.h"

#include <errno.h>

#include "protocol/http1/proxy.h"

/* What was kept was none: it goes on as the beginning of a head, before which empty lines do not
 * count. */
static void keep_no_preface(struct obi_conns *conns, struct stream *s)
{
	struct partial *partial = s->partial;
	uint32_t n = 0;

	while (n < partial->len && (partial->bytes[n] == '\r' || partial->bytes[n] == '\n'))
		n++;
	partial->len -= n;
	memmove(partial->bytes, partial->bytes + n, partial->len);
	if (partial->len)
		return;
	stream_drop_partial(conns, s);
	s->state = STREAM_HEAD;
}

/* Waits for more bytes; false where they will not come, or there is no room. */
static bool wait_for_more(struct obi_conns *conns, struct stream *s, const struct chunk *chunk,
			  struct slice bytes)
{
	size_t kept;

	if (chunk->cut)
		return false;
	(void)stream_head_so_far(s, chunk, bytes, &kept);
	return stream_keep_partial(conns, s, chunk, bytes);
}

size_t stream_skip_preface(struct obi_conns *conns, struct stream *s, const struct chunk *chunk,
			   struct slice bytes)
{
	size_t kept = s->partial ? s->partial->len : 0;
	uint8_t start[PROXY_HEADER_MAX];
	struct slice in = bytes, more;
	ptrdiff_t len;

	if (kept) {
		more = slice_first(bytes, sizeof(start) - kept);
		memcpy(start, s->partial->bytes, kept);
		memcpy(start + kept, more.data, more.len);
		in = slice_of(start, kept + more.len);
	}
	len = proxy_header_length(in);
	if (len == -EAGAIN && wait_for_more(conns, s, chunk, bytes))
		return bytes.len;
	s->fresh = false;
	if (len <= 0) {
		if (kept)
			keep_no_preface(conns, s);
		return 0;
	}
	stream_drop_partial(conns, s);
	s->state = STREAM_PREFACE;
	s->left = (uint64_t)len - kept;
	return (size_t)stream_pass_preface(s, bytes.len);
}

uint64_t stream_pass_preface(struct stream *s, uint64_t len)
{
	if (len > s->left)
		len = s->left;
	s->left -= len;
	if (s->left == 0)
		s->state = STREAM_HEAD;
	return len;
}
