// SPDX-License-Identifier: Apache-2.0
/*
 * One direction of a connection: cuts the bytes, and the holes between those that were seen,
 * into heads and bodies.
 *
 * Where the framing is known, bytes of a body are counted and not looked at, so that a body may
 * contain anything. Where it was lost, the next head is taken at the beginning of a chunk that
 * looks like one, if the other direction says that one is due.
 */
#include "protocol/http1/state.h"

#include <errno.h>
#include <string.h>

static void count_body(struct conn *c, uint8_t direction, uint64_t len)
{
	struct exchange *x = stream_of(c, direction)->exchange;

	if (!x)
		return;
	if (conn_is_request_stream(c, direction))
		x->passed[0] += len;
	else
		x->passed[1] += len;
}

void stream_end_body(struct obi_conns *conns, struct conn *c, uint8_t direction, uint64_t time_ns)
{
	struct stream *s = stream_of(c, direction);
	struct exchange *x = s->exchange;

	s->state = STREAM_HEAD;
	s->exchange = NULL;
	if (x && !conn_is_request_stream(c, direction))
		exchange_finish(conns, x, time_ns, 0);
}

void stream_end_lost(struct obi_conns *conns, struct conn *c, unsigned flags)
{
	struct stream *s = conn_responses(c);

	exchange_finish(conns, s->exchange, c->halves[conn_response_direction(c)].last_ns, flags);
	s->state = STREAM_LOST;
}

bool stream_forget(struct obi_conns *conns, struct conn *c, uint8_t direction)
{
	struct stream *s = stream_of(c, direction);
	bool request = s->state == STREAM_PARTIAL && !s->partial->answered &&
		       (c->requests == DIRECTION_UNKNOWN || conn_is_request_stream(c, direction));

	stream_drop_partial(conns, s);
	s->state = STREAM_LOST;
	s->exchange = NULL;
	return request;
}

/* The next head may have passed unseen, or what passed was none. */
void stream_lose_head(struct obi_conns *conns, struct conn *c, uint8_t direction)
{
	struct stream *s = stream_of(c, direction);

	stream_drop_partial(conns, s);
	s->state = STREAM_LOST;
	if (c->requests == DIRECTION_UNKNOWN) {
		/* Nor is the answer to what nobody knows a head, or what this is an answer to. */
		if (stream_of(c, !direction)->state == STREAM_HEAD ||
		    stream_of(c, !direction)->state == STREAM_PARTIAL) {
			stream_drop_partial(conns, stream_of(c, !direction));
			stream_of(c, !direction)->state = STREAM_LOST;
		}
		return;
	}
	if (conn_is_request_stream(c, direction)) {
		http1_of(c)->hidden = true;
	} else if (exchange_waiting(c)) {
		/* It was the answer to one of them, or to several. */
		exchange_drop_waiting(conns, c, OBI_DROP_UNPARSED);
		http1_of(c)->hidden = true;
	}
}

/* Bytes in the place of a head that are none. */
static void on_no_head(struct obi_conns *conns, struct conn *c, uint8_t direction)
{
	/* Of a connection that was open before our time this may be the middle of anything. */
	if (c->requests == direction ||
	    (c->requests == DIRECTION_UNKNOWN && c->side != OBI_SIDE_UNKNOWN))
		exchange_count_drop(conns, OBI_DROP_UNPARSED);
	stream_lose_head(conns, c, direction);
}

/* So many bytes of a body of known length passed, at time_ns. */
static void pass_length(struct obi_conns *conns, struct conn *c, uint8_t direction, uint64_t len,
			uint64_t time_ns)
{
	struct stream *s = stream_of(c, direction);
	bool cut = s->state == STREAM_CUT;

	count_body(c, direction, len);
	s->left -= len;
	if (s->left)
		return;
	stream_end_body(conns, c, direction, time_ns);
	if (cut)
		s->state = STREAM_LOST;
}

/* ---- Heads --------------------------------------------------------------------------------- */

static int parse_head(const struct conn *c, uint8_t direction, struct slice in,
		      struct http1_head *ret_head)
{
	return conn_is_request_stream(c, direction) ? http1_parse_request(in, ret_head)
						    : http1_parse_response(in, ret_head);
}

/* A head is known as far as it was seen, and no more of it will be. */
static void take_cut_head(struct obi_conns *conns, struct conn *c, uint8_t direction,
			  const struct chunk *chunk, struct slice in)
{
	struct stream *s = stream_of(c, direction);
	struct http1_head head;
	bool request = conn_is_request_stream(c, direction);
	int n = c->requests == DIRECTION_UNKNOWN ? -EPROTO : parse_head(c, direction, in, &head);

	s->state = STREAM_LOST;
	if (n == -EAGAIN && request && head.target.len)
		messages_begin_request(conns, c, chunk, &head, true);
	else if (n == -EAGAIN && !request && (head.status || head.flags & HTTP1_ODD_STATUS))
		messages_begin_response(conns, c, chunk, &head, true);
	else
		on_no_head(conns, c, direction);
	stream_drop_partial(conns, s);
}

/* The kernel may meet the traceparent header only in a later piece. */
static void keep_trace(struct partial *partial, const struct obi_record *record)
{
	struct obi_trace *trace = &partial->trace;

	if (record->flags & OBI_RECORD_TRACED &&
	    memcmp(record->trace.span_id, trace->span_id, sizeof(trace->span_id)) == 0)
		*trace = record->trace;
}

struct slice stream_head_so_far(struct stream *s, const struct chunk *chunk, struct slice bytes,
				size_t *ret_kept)
{
	struct partial *partial = s->partial;
	size_t more;

	*ret_kept = 0;
	if (!partial)
		return bytes;
	keep_trace(partial, chunk->record);
	*ret_kept = partial->len;
	more = HEAD_MAX - partial->len < bytes.len ? HEAD_MAX - partial->len : bytes.len;
	memcpy(partial->bytes + partial->len, bytes.data, more);
	partial->len += (uint32_t)more;
	return slice_of(partial->bytes, partial->len);
}

bool stream_keep_partial(struct obi_conns *conns, struct stream *s, const struct chunk *chunk,
			 struct slice bytes)
{
	struct partial *partial = s->partial;

	if (partial)
		return partial->len < HEAD_MAX; /* bytes are in it already */
	if (bytes.len >= HEAD_MAX)
		return false;
	partial = partial_new(conns);
	if (!partial)
		return false;
	memcpy(partial->bytes, bytes.data, bytes.len);
	partial->len = (uint32_t)bytes.len;
	partial->origin = origin_of_chunk(chunk);
	partial->trace = chunk->record->trace;
	partial->origin.trace = &partial->trace;
	partial->turn = chunk->turn;
	s->partial = partial;
	s->state = STREAM_PARTIAL;
	return true;
}

void stream_drop_partial(struct obi_conns *conns, struct stream *s)
{
	if (!s->partial)
		return;
	partial_free(conns, s->partial);
	s->partial = NULL;
}

static enum obi_guess guess_role(struct conn *c, uint8_t direction, struct slice in)
{
	enum obi_role role = OBI_ROLE_UNKNOWN;
	enum obi_guess guess;

	if (c->requests != DIRECTION_UNKNOWN)
		return OBI_GUESS_YES;
	guess = http1_guess(in, &role);
	if (guess == OBI_GUESS_YES)
		conn_set_role(c, direction, role);
	return guess;
}

/* Empty lines before a head are nothing (RFC 9112 section 2.2), least of all its beginning. */
static size_t empty_lines(const struct stream *s, struct slice bytes)
{
	size_t n = 0;

	if (s->partial)
		return 0;
	while (n < bytes.len && (bytes.data[n] == '\r' || bytes.data[n] == '\n'))
		n++;
	return n;
}

/* Reads a head at the beginning of bytes, or goes on with one. Returns the bytes it took. */
static size_t read_head(struct obi_conns *conns, struct conn *c, uint8_t direction,
			const struct chunk *chunk, struct slice bytes)
{
	struct stream *s = stream_of(c, direction);
	size_t kept, empty;
	struct http1_head head;
	enum obi_guess guess;
	struct slice in;
	int n;

	if (s->fresh && (kept = stream_skip_preface(conns, s, chunk, bytes)))
		return kept;
	empty = empty_lines(s, bytes);
	bytes = slice_from(bytes, empty);
	if (bytes.len == 0)
		return empty;
	in = stream_head_so_far(s, chunk, bytes, &kept);
	guess = guess_role(c, direction, in);
	n = guess == OBI_GUESS_YES    ? parse_head(c, direction, in, &head)
	    : guess == OBI_GUESS_MORE ? -EAGAIN
				      : -EPROTO;
	if (n == -EAGAIN && !chunk->cut && stream_keep_partial(conns, s, chunk, bytes))
		return empty + bytes.len;
	if (n == -EAGAIN) {
		take_cut_head(conns, c, direction, chunk, in);
		return empty + bytes.len;
	}
	if (n < 0) {
		on_no_head(conns, c, direction);
		return empty + bytes.len;
	}
	if (conn_is_request_stream(c, direction))
		messages_begin_request(conns, c, chunk, &head, false);
	else
		messages_begin_response(conns, c, chunk, &head, false);
	stream_drop_partial(conns, s);
	return empty + (size_t)n - kept;
}

/* ---- Chunks -------------------------------------------------------------------------------- */

/* Bytes whose place in the stream is not known, or that only the connection's end ends: heads may
 * be among them. */
static void pass_lost(struct conn *c, uint8_t direction, uint64_t len)
{
	count_body(c, direction, len);
	if (conn_is_request_stream(c, direction))
		http1_of(c)->hidden = true;
	else if (c->requests != DIRECTION_UNKNOWN && exchange_waiting(c))
		http1_of(c)->unclear = true;
}

/* Takes bytes that were seen. Returns how many of them: at least one. */
static size_t take_bytes(struct obi_conns *conns, struct conn *c, uint8_t direction,
			 const struct chunk *chunk, struct slice bytes)
{
	struct stream *s = stream_of(c, direction);
	ptrdiff_t n = (ptrdiff_t)bytes.len;

	switch (s->state) {
	case STREAM_HEAD:
	case STREAM_PARTIAL:
		return read_head(conns, c, direction, chunk, bytes);
	case STREAM_PREFACE:
		return (size_t)stream_pass_preface(s, bytes.len);
	case STREAM_LENGTH:
	case STREAM_CUT:
		if (bytes.len > s->left)
			n = (ptrdiff_t)s->left;
		pass_length(conns, c, direction, (uint64_t)n, chunk->time_ns);
		return (size_t)n;
	case STREAM_CHUNKED:
		n = http1_skip_chunked(&s->chunked, bytes);
		if (n < 0) {
			s->state = STREAM_CHUNKED_LOST;
			pass_lost(c, direction, bytes.len);
			return bytes.len;
		}
		count_body(c, direction, (uint64_t)n);
		if (http1_chunked_done(&s->chunked))
			stream_end_body(conns, c, direction, chunk->time_ns);
		return (size_t)n;
	default:
		pass_lost(c, direction, bytes.len);
		return bytes.len;
	}
}

void stream_feed(struct obi_conns *conns, struct conn *c, uint8_t direction, struct chunk *chunk)
{
	struct stream *s = stream_of(c, direction);
	struct slice rest = chunk->bytes;

	if (s->state == STREAM_LOST || s->state == STREAM_CHUNKED_LOST)
		stream_resume(conns, c, direction, chunk);
	while (rest.len && !c->muted) {
		rest = slice_from(rest, take_bytes(conns, c, direction, chunk, rest));
		chunk->turn = false; /* what follows did not begin the message */
	}
}

/* Of len unseen bytes, those that belong to what is passing. */
static uint64_t pass_body(struct obi_conns *conns, struct conn *c, uint8_t direction, uint64_t len,
			  uint64_t time_ns)
{
	struct stream *s = stream_of(c, direction);

	switch (s->state) {
	case STREAM_HEAD:
	case STREAM_PARTIAL:
		return 0;
	case STREAM_PREFACE:
		return stream_pass_preface(s, len);
	case STREAM_LENGTH:
	case STREAM_CUT:
		if (len > s->left)
			len = s->left;
		pass_length(conns, c, direction, len, time_ns);
		return len;
	case STREAM_CHUNKED:
		if (http1_skip_chunked_unseen(&s->chunked, len)) {
			s->state = STREAM_CHUNKED_LOST;
			pass_lost(c, direction, len);
			return len;
		}
		count_body(c, direction, len);
		if (http1_chunked_done(&s->chunked))
			stream_end_body(conns, c, direction, time_ns);
		return len;
	default:
		if (s->state == STREAM_LOST && conn_is_request_stream(c, direction))
			exchange_count_unread(conns, len);
		pass_lost(c, direction, len);
		return len;
	}
}

void stream_pass_unseen(struct obi_conns *conns, struct conn *c, uint8_t direction, uint64_t len,
			uint64_t time_ns)
{
	struct stream *s = stream_of(c, direction);
	uint64_t left = len;

	if (len == 0)
		return;
	if (s->state == STREAM_PARTIAL)
		stream_end_head(conns, c, direction, time_ns);
	while (left && s->state != STREAM_HEAD && !c->muted)
		left -= pass_body(conns, c, direction, left, time_ns);
	if (left && !c->muted) {
		exchange_count_unread(conns, left);
		stream_lose_head(conns, c, direction);
	}
}

void stream_end_head(struct obi_conns *conns, struct conn *c, uint8_t direction, uint64_t time_ns)
{
	static const struct obi_record none;
	struct stream *s = stream_of(c, direction);
	struct chunk chunk;

	if (s->state != STREAM_PARTIAL)
		return;
	chunk = (struct chunk){ .record = &none, .time_ns = time_ns };
	take_cut_head(conns, c, direction, &chunk, slice_of(s->partial->bytes, s->partial->len));
}
