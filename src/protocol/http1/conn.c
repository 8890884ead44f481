// SPDX-License-Identifier: Apache-2.0
/*
 * HTTP/1 as conn sees it: begun, fed (stream.c), followed on the progress board, ended.
 */
#include <errno.h>
#include <string.h>

#include "protocol/http1/proxy.h"
#include "protocol/http1/state.h"

/* CRLF "0" CRLF CRLF as obi_board_slot.tail has it, the last byte highest: the end of a chunked
 * body without trailers. */
#define TAIL_LAST_CHUNK 0x0a0d0a0d300a0dULL
/* CRLF CRLF: the same with trailers, or data. */
#define TAIL_BLANK_LINE 0x0a0d0a0dULL

static void begin(struct obi_conns *conns, struct conn *c, bool fresh)
{
	for (uint8_t direction = 0; direction < 2; direction++) {
		stream_of(c, direction)->state = fresh ? STREAM_HEAD : STREAM_LOST;
		stream_of(c, direction)->fresh = fresh;
	}
}

/* ---- The progress board -------------------------------------------------------------------- */

static bool is_under_way(const struct conn *c)
{
	return response_under_way(c);
}

/* Could a last chunk at the end of the message end the response under way? */
static bool waits_for_last_chunk(const struct stream *s)
{
	return s->exchange && s->exchange->mark & MARK_CHUNKED && s->state != STREAM_HEAD;
}

/* The last of the bytes that are new on the board are there: a chunked body is followed by them
 * where they fit, and all before them are data. */
static bool take_tail(struct obi_conns *conns, struct conn *c, const struct obi_board_slot *slot,
		      uint64_t more)
{
	struct stream *s = conn_responses(c);
	struct http1_chunked ahead = s->chunked;
	struct obi_record none = { 0 };
	struct chunk chunk = { .record = &none, .time_ns = slot->last_ns };
	uint8_t tail[sizeof(slot->tail)];
	uint64_t hidden = more > sizeof(tail) ? more - sizeof(tail) : 0;
	ptrdiff_t n;

	more -= hidden;
	if (more == 0 || (hidden && !slot->tail) || !http1_chunked_is_data(&ahead, hidden))
		return false;
	(void)http1_skip_chunked_unseen(&ahead, hidden);
	memcpy(tail, &slot->tail, sizeof(tail));
	chunk.bytes = slice_of(tail + sizeof(tail) - more, more);
	n = http1_skip_chunked(&ahead, chunk.bytes);
	if (n < 0)
		return false;
	chunk.bytes = slice_first(chunk.bytes, (size_t)n);
	conn_pass_unseen(conns, c, conn_response_direction(c), hidden, slot->last_ns);
	conn_feed(conns, c, conn_response_direction(c), &chunk);
	return true;
}

/* Bytes that belong to the body of the response under way may be passed ahead of their records; the
 * beginning of another head may not. */
static void follow(struct obi_conns *conns, struct conn *c, const struct obi_board_slot *slot)
{
	uint8_t direction = conn_response_direction(c);
	struct stream *s = stream_of(c, direction);
	struct half *half = &c->halves[direction];
	uint64_t more = slot->total_bytes - half->at;

	if (s->state == STREAM_LENGTH || s->state == STREAM_CUT) {
		conn_pass_unseen(conns, c, direction, more < s->left ? more : s->left,
				 slot->last_ns);
		return;
	}
	if (s->state == STREAM_CHUNKED && take_tail(conns, c, slot, more))
		return;
	if (waits_for_last_chunk(s) && slot->tail >> 8 == TAIL_LAST_CHUNK) {
		conn_pass_unseen(conns, c, direction, more, slot->last_ns);
		if (!s->exchange || s->state == STREAM_CHUNKED) /* there the tail is data */
			return;
		if (exchange_waiting(c)) /* it may be the end of a later response */
			stream_end_lost(conns, c, 0);
		else
			stream_end_body(conns, c, direction, slot->last_ns);
		return;
	}
	if (slot->last_ns > half->last_ns)
		half->last_ns = slot->last_ns;
}

static bool knows_length(const struct conn *c)
{
	const struct stream *s = conn_responses(c);

	return s->state == STREAM_LENGTH || s->state == STREAM_CUT;
}

static bool knows_end(const struct conn *c, const struct obi_board_slot *slot)
{
	const struct stream *s = conn_responses(c);

	if (s->state == STREAM_CHUNKED || s->state == STREAM_CLOSE)
		return true;
	/* The place is lost, but what came last is seen and is not the end of the last chunk. */
	return waits_for_last_chunk(s) && slot && slot->tail >> 56 &&
	       slot->tail >> 32 != TAIL_BLANK_LINE;
}

static const struct obi_awaiting awaiting = {
	.under_way = is_under_way,
	.follow = follow,
	.knows_length = knows_length,
	.knows_end = knows_end,
	.give_up = stream_end_lost,
};

/* ---- Ends ---------------------------------------------------------------------------------- */

/* Does what is known say that the response under way is not whole? */
static bool is_cut_short(const struct stream *s)
{
	return s->state == STREAM_LENGTH || s->state == STREAM_CUT || s->state == STREAM_CHUNKED;
}

static void end_response(struct obi_conns *conns, struct conn *c, bool reset)
{
	struct stream *s = conn_responses(c);
	bool short_of = reset || is_cut_short(s);

	if (s->state == STREAM_CUT) /* part of what was counted is head */
		s->exchange->op.http.response_length = LENGTH_UNKNOWN;
	stream_end_lost(conns, c, short_of ? OBI_SPAN_INCOMPLETE : 0);
}

static void half_end(struct obi_conns *conns, struct conn *c, uint8_t direction)
{
	stream_end_head(conns, c, direction, c->halves[direction].last_ns);
	if (response_under_way(c) && direction == conn_response_direction(c))
		end_response(conns, c, false);
}

static void end_closed(struct obi_conns *conns, struct conn *c, bool reset)
{
	uint8_t responses = conn_response_direction(c);

	if (c->requests != DIRECTION_UNKNOWN)
		stream_end_head(conns, c, responses, c->halves[responses].last_ns);
	if (response_under_way(c))
		end_response(conns, c, reset);
}

static void end(struct obi_conns *conns, struct conn *c, enum conn_end how)
{
	static const enum obi_conn_drop reasons[] = {
		[CONN_CLOSED] = OBI_DROP_UNPARSED, /* a request whose head was never completed */
		[CONN_RESET] = OBI_DROP_UNPARSED,  [CONN_LOST] = OBI_DROP_LOST_RECORD,
		[CONN_LEFT] = OBI_DROP_UNPARSED,   [CONN_EVICTED] = OBI_DROP_EVICTED,
	};

	if (how == CONN_CLOSED || how == CONN_RESET)
		end_closed(conns, c, how == CONN_RESET);
	else if (how == CONN_LOST && response_under_way(c))
		stream_end_lost(conns, c, 0);
	for (uint8_t direction = 0; direction < 2; direction++)
		if (stream_forget(conns, c, direction))
			exchange_count_drop(conns, reasons[how]);
	http1_of(c)->hidden = true;
	http1_of(c)->lost = true;
}

static void time_out(struct exchange *x)
{
	x->op.http.status = 408; /* Request Timeout, RFC 9110 section 15.5.9 */
}

static void forget(struct conn *c, const struct exchange *x)
{
	for (uint8_t direction = 0; direction < 2; direction++)
		if (stream_of(c, direction)->exchange == x)
			stream_of(c, direction)->exchange = NULL;
}

static int64_t length_of(int64_t length, uint64_t counted)
{
	return length == LENGTH_COUNTED ? (int64_t)counted : length;
}

/* The lengths that the span has. */
static void settle(struct exchange *x, unsigned flags)
{
	struct obi_http *http = &x->op.http;

	/* A body that was promised and did not come has the length of what came. */
	if (flags & OBI_SPAN_INCOMPLETE && x->answered && http->response_length >= 0)
		http->response_length = LENGTH_COUNTED;
	http->request_length = length_of(http->request_length, x->passed[0]);
	http->response_length = length_of(http->response_length, x->passed[1]);
}

/* ---- What is HTTP/1 ------------------------------------------------------------------------ */

/* Of the first bytes of a connection: empty lines and a header of the PROXY protocol may stand
 * before the first head. */
static enum obi_guess guess(struct slice head, enum obi_role *ret_role)
{
	ptrdiff_t preface = proxy_header_length(head);

	if (preface == -EAGAIN)
		return OBI_GUESS_MORE;
	if (preface > 0)
		head = slice_from(head, (size_t)preface);
	while (head.len && (head.data[0] == '\r' || head.data[0] == '\n'))
		head = slice_from(head, 1);
	return head.len ? http1_guess(head, ret_role) : OBI_GUESS_MORE;
}

const struct obi_protocol protocol_http1 = {
	.name = "http1",
	.help = "HTTP/1.0 and HTTP/1.1 in plain text: method, target, host, status, lengths of "
		"bodies",
	.system = &obi_system_http,
	.state_size = sizeof(struct http1_conn),
	.pipeline = 128,
	.order = { .mode = OBI_ORDER_HEADS, .bytes = OBI_HEAD_MAX },
	.guess = guess,
	.resume = http1_resume,
	.begin = begin,
	.feed = stream_feed,
	.unseen = stream_pass_unseen,
	.half_end = half_end,
	.end = end,
	.time_out = time_out,
	.settle = settle,
	.forget = forget,
	.awaiting = &awaiting,
};
