// SPDX-License-Identifier: Apache-2.0
/*
 * Records in, spans out. A record is checked, its connection found, and the message it belongs
 * to compared with the one known so far: the same goes on, the next ends the one before (whose
 * totals it brings), a later one means that records were lost. What the bytes mean is decided in
 * stream.c.
 *
 * Responses whose end no record shows are followed on the kernel's progress board; only
 * connections with such a response are looked at, so that ten thousand idle ones cost nothing.
 */
#include "conn/conn.h"

#include <errno.h>
#include <stdlib.h>

#include "conn/state.h"

/* CRLF "0" CRLF CRLF as obi_board_slot.tail has it, the last byte highest: the end of a chunked
 * body without trailers. */
#define TAIL_LAST_CHUNK 0x0a0d0a0d300a0dULL
/* CRLF CRLF: the same with trailers, or data. */
#define TAIL_BLANK_LINE 0x0a0d0a0dULL
/* Times in idle_ns that a silent response is looked at. */
#define QUIET_LOOKS 4

const char *obi_conn_drop_name(enum obi_conn_drop reason)
{
	static const char *const names[OBI_DROP_REASONS] = {
		[OBI_DROP_EVICTED] = "evicted",
		[OBI_DROP_LOST_RECORD] = "lost_record",
		[OBI_DROP_NO_REQUEST] = "unrecognised_request",
		[OBI_DROP_UNPARSED] = "unparsed",
		[OBI_DROP_NO_SERVICE] = "no_service",
	};

	return names[reason];
}

/* ---- The progress board -------------------------------------------------------------------- */

/* The board's view of the current message; false where it has none. The kernel may write at any
 * moment: it owns the slot by no connection meanwhile, and totals only grow, so the same total
 * before and after means that nobody did. */
static bool board_read(const struct obi_conns *conns, const struct conn *c,
		       struct obi_board_slot *ret_slot)
{
	const struct obi_board_slot *slot;
	struct obi_board_slot copy;

	if (!conns->options.board)
		return false;
	slot = &conns->options.board[c->id % OBI_BOARD_SLOTS];
	copy.total_bytes = __atomic_load_n(&slot->total_bytes, __ATOMIC_ACQUIRE);
	copy.conn = __atomic_load_n(&slot->conn, __ATOMIC_ACQUIRE);
	copy.message = __atomic_load_n(&slot->message, __ATOMIC_ACQUIRE);
	copy.last_ns = __atomic_load_n(&slot->last_ns, __ATOMIC_ACQUIRE);
	copy.tail = __atomic_load_n(&slot->tail, __ATOMIC_ACQUIRE);
	if (copy.conn != c->id || copy.message != c->message ||
	    copy.conn != __atomic_load_n(&slot->conn, __ATOMIC_ACQUIRE) ||
	    copy.total_bytes != __atomic_load_n(&slot->total_bytes, __ATOMIC_ACQUIRE))
		return false;
	*ret_slot = copy;
	return true;
}

/* Could a last chunk at the end of the message end the response under way? */
static bool waits_for_last_chunk(const struct stream *s)
{
	return s->exchange && s->exchange->chunked && s->state != STREAM_HEAD;
}

/* The few bytes that are new on the board are all there: a chunked body is followed by them where
 * they fit. */
static bool take_tail(struct obi_conns *conns, struct conn *c, const struct obi_board_slot *slot,
		      uint64_t more)
{
	struct stream *s = conn_responses(c);
	struct http1_chunked ahead = s->chunked;
	struct obi_record none = { 0 };
	struct chunk chunk = { .record = &none, .time_ns = slot->last_ns };
	uint8_t tail[sizeof(slot->tail)];
	ptrdiff_t n;

	if (more == 0 || more > sizeof(tail))
		return false;
	memcpy(tail, &slot->tail, sizeof(tail));
	chunk.bytes = slice_of(tail + sizeof(tail) - more, more);
	n = http1_skip_chunked(&ahead, chunk.bytes);
	if (n < 0)
		return false;
	chunk.bytes = slice_first(chunk.bytes, (size_t)n);
	stream_feed(conns, c, conn_response_direction(c), &chunk);
	return true;
}

/* Brings the response under way up to what the board shows. Bytes that belong to its body may
 * be passed ahead of their records; the beginning of another head may not. */
static void follow_board(struct obi_conns *conns, struct conn *c)
{
	uint8_t direction = conn_response_direction(c);
	struct stream *s = &c->streams[direction];
	struct obi_board_slot slot;
	uint64_t more;

	if (c->direction != direction || !board_read(conns, c, &slot) || slot.total_bytes < s->at)
		return;
	more = slot.total_bytes - s->at;
	if (s->state == STREAM_LENGTH || s->state == STREAM_CUT) {
		stream_pass_unseen(conns, c, direction, more < s->left ? more : s->left,
				   slot.last_ns);
		return;
	}
	if (s->state == STREAM_CHUNKED && take_tail(conns, c, &slot, more))
		return;
	if (waits_for_last_chunk(s) && slot.tail >> 8 == TAIL_LAST_CHUNK) {
		stream_pass_unseen(conns, c, direction, more, slot.last_ns);
		if (!s->exchange || s->state == STREAM_CHUNKED) /* there the tail is data */
			return;
		if (exchange_waiting(c)) /* it may be the end of a later response */
			stream_end_lost(conns, c, 0);
		else
			stream_end_body(conns, c, direction, slot.last_ns);
		return;
	}
	if (slot.last_ns > s->last_ns)
		s->last_ns = slot.last_ns;
}

/* ---- Ends ---------------------------------------------------------------------------------- */

static struct exchange *response_under_way(struct conn *c)
{
	return c->requests == DIRECTION_UNKNOWN ? NULL : conn_responses(c)->exchange;
}

/* The current message has total bytes, the last of them at last_ns. */
static void end_message(struct obi_conns *conns, struct conn *c, uint64_t total, uint64_t last_ns)
{
	struct stream *s = &c->streams[c->direction];

	if (response_under_way(c))
		follow_board(conns, c);
	if (last_ns < s->last_ns)
		last_ns = s->last_ns;
	if (total > s->at)
		stream_pass_unseen(conns, c, c->direction, total - s->at, last_ns);
	s->last_ns = last_ns;
}

/* Records of this connection are missing: nothing that is open can be paired any more. */
static void on_gap(struct obi_conns *conns, struct conn *c)
{
	if (response_under_way(c)) {
		follow_board(conns, c);
		if (response_under_way(c))
			stream_end_lost(conns, c, 0);
	}
	for (uint8_t direction = 0; direction < 2; direction++)
		if (stream_forget(conns, c, direction))
			exchange_count_drop(conns, OBI_DROP_LOST_RECORD);
	exchange_drop_waiting(conns, c, OBI_DROP_LOST_RECORD);
	c->hidden = true;
	c->lost = true;
}

static void end_response(struct obi_conns *conns, struct conn *c, bool reset)
{
	const struct stream *s = conn_responses(c);
	bool short_of = reset || stream_is_cut_short(s);

	if (s->state == STREAM_CUT) /* part of what was counted is head */
		s->exchange->response_length = LENGTH_UNKNOWN;
	stream_end_lost(conns, c, short_of ? OBI_SPAN_INCOMPLETE : 0);
}

/* The connection is over: what is open becomes spans with what is known. */
static void end_conn(struct obi_conns *conns, struct conn *c, uint64_t time_ns, bool reset)
{
	if (c->requests != DIRECTION_UNKNOWN)
		stream_end_head(conns, c, conn_response_direction(c), conn_responses(c)->last_ns);
	if (response_under_way(c))
		end_response(conns, c, reset);
	for (uint8_t direction = 0; direction < 2; direction++)
		if (stream_forget(conns, c, direction))
			exchange_count_drop(conns, OBI_DROP_UNPARSED);
	while (c->first)
		exchange_finish(conns, c->first, time_ns, OBI_SPAN_INCOMPLETE);
	table_remove(conns, c);
}

static void evict(struct obi_conns *conns, struct conn *c)
{
	for (uint8_t direction = 0; direction < 2; direction++)
		if (stream_forget(conns, c, direction))
			exchange_count_drop(conns, OBI_DROP_EVICTED);
	while (c->first)
		exchange_drop(conns, c->first, OBI_DROP_EVICTED);
	table_remove(conns, c);
}

/* ---- Records ------------------------------------------------------------------------------- */

static struct conn *conn_new(struct obi_conns *conns, const struct obi_record *record)
{
	struct conn *c = table_add(conns, record->conn);
	bool first = record->type == OBI_RECORD_MESSAGE && record->message == 1;

	if (!c) {
		evict(conns, table_victim(conns));
		c = table_add(conns, record->conn);
	}
	memcpy(c->local_addr, record->tuple.local_addr, sizeof(c->local_addr));
	memcpy(c->remote_addr, record->tuple.remote_addr, sizeof(c->remote_addr));
	c->local_port = record->tuple.local_port;
	c->remote_port = record->tuple.remote_port;
	c->side = record->side;
	c->message = record->message;
	c->direction = record->direction;
	c->streams[OBI_SEND].state = c->streams[OBI_RECV].state = first ? STREAM_HEAD : STREAM_LOST;
	c->streams[OBI_SEND].fresh = c->streams[OBI_RECV].fresh = first;
	c->streams[c->direction].at = record->before;
	return c;
}

/* Is this record's message the one that is due? Ends the one before, but not its head, which may
 * go on when the direction turns again. */
static bool turn_to(struct obi_conns *conns, struct conn *c, const struct obi_record *record)
{
	int32_t ahead = (int32_t)(record->message - c->message);

	if (ahead < 0 || (ahead == 0 && record->direction != c->direction))
		return false;
	if (ahead == 0)
		return true;
	if (ahead == 1 && record->type == OBI_RECORD_MESSAGE)
		end_message(conns, c, record->total_bytes, record->last_ns);
	else
		on_gap(conns, c);
	c->message = record->message;
	c->direction = record->direction;
	c->streams[c->direction].at = record->type == OBI_RECORD_MESSAGE ? 0 : record->before;
	return true;
}

static void on_chunk(struct obi_conns *conns, struct conn *c, const struct obi_record *record)
{
	struct stream *s = &c->streams[record->direction];
	struct chunk chunk = {
		.record = record,
		.bytes = slice_of(record->head, record->head_len),
		.time_ns = record->time_ns,
		.turn = record->type == OBI_RECORD_MESSAGE,
		.cut = record->head_len < record->bytes,
	};
	uint64_t end = record->before + record->bytes;

	if (!turn_to(conns, c, record) || c->muted)
		return;
	if (record->before > s->at)
		stream_pass_unseen(conns, c, record->direction, record->before - s->at,
				   record->time_ns);
	else if (s->at > record->before) /* the board was ahead */
		chunk.bytes = slice_from(chunk.bytes, s->at - record->before);
	if (chunk.bytes.len)
		stream_feed(conns, c, record->direction, &chunk);
	if (end > s->at && !c->muted)
		stream_pass_unseen(conns, c, record->direction, end - s->at, record->time_ns);
	if (chunk.cut && response_under_way(c))
		follow_board(conns, c);
}

static void on_fin(struct obi_conns *conns, struct conn *c, const struct obi_record *record)
{
	int32_t ahead = (int32_t)(record->message - c->message);

	if (c->muted || ahead < 0)
		return;
	if (ahead > 0) {
		on_gap(conns, c);
	} else if (record->direction == c->direction) {
		end_message(conns, c, record->total_bytes, record->last_ns);
		stream_end_head(conns, c, c->direction, record->last_ns);
	}
	if (response_under_way(c) && record->direction == conn_response_direction(c))
		end_response(conns, c, false);
}

static void on_close(struct obi_conns *conns, struct conn *c, const struct obi_record *record)
{
	int32_t ahead = (int32_t)(record->message - c->message);

	if (ahead > 0)
		on_gap(conns, c);
	else if (ahead == 0 && record->direction == c->direction && !c->muted)
		end_message(conns, c, record->total_bytes, record->last_ns);
	/* A request whose head was never completed is none. */
	end_conn(conns, c, record->time_ns, record->flags & OBI_RECORD_RESET);
}

static bool record_is_sane(const struct obi_record *record, size_t size)
{
	bool chunk;

	if (size < sizeof(*record) || record->head_len > size - sizeof(*record) ||
	    record->head_len > OBI_HEAD_MAX || record->direction > OBI_RECV ||
	    record->message == 0 || record->total_bytes > INT64_MAX)
		return false;
	chunk = record->type == OBI_RECORD_MESSAGE || record->type == OBI_RECORD_MORE;
	if (!chunk)
		return record->type == OBI_RECORD_FIN || record->type == OBI_RECORD_CLOSE;
	if (record->head_len > record->bytes || record->bytes > INT64_MAX ||
	    record->before > INT64_MAX)
		return false;
	return record->type == OBI_RECORD_MORE || record->before == 0;
}

/* Of HTTP/2 there are no connections yet. */
static int take_http2(struct obi_conns *conns, const struct obi_record *record, size_t size)
{
	if (record->head_len > size - sizeof(*record) || record->head_len > OBI_HEAD_MAX)
		return -EINVAL;
	conns->stats.records++;
	if (conns->options.http2)
		conns->options.http2(conns->options.context, record->pid,
				     slice_of(record->head, record->head_len));
	return 0;
}

int obi_conns_put(struct obi_conns *conns, const struct obi_record *record, size_t size)
{
	struct conn *c;

	if (size >= sizeof(*record) && record->type == OBI_RECORD_HTTP2)
		return take_http2(conns, record, size);
	if (!record_is_sane(record, size))
		return -EINVAL;
	conns->stats.records++;
	if (record->time_ns > conns->now_ns)
		conns->now_ns = record->time_ns;
	c = table_find(conns, record->conn);
	if (record->type == OBI_RECORD_CLOSE) {
		if (c)
			on_close(conns, c, record);
		return 0;
	}
	if (record->type == OBI_RECORD_FIN) {
		if (!c)
			return 0;
		on_fin(conns, c, record);
	} else {
		if (!c)
			c = conn_new(conns, record);
		on_chunk(conns, c, record);
	}
	c->last_ns = record->time_ns;
	table_await(conns, c, response_under_way(c) ? AWAIT_BUSY : AWAIT_NOT);
	return 0;
}

/* ---- Time ---------------------------------------------------------------------------------- */

/* Has nothing come for so long? 0 = never. */
static bool is_silent(const struct obi_conns *conns, const struct stream *s, uint64_t limit)
{
	return limit && conns->now_ns > s->last_ns && conns->now_ns - s->last_ns >= limit;
}

/* Will the end of the response under way be seen, as far as can be known? */
static bool end_is_known(const struct obi_conns *conns, const struct conn *c,
			 const struct stream *s)
{
	struct obi_board_slot slot;

	if (s->state == STREAM_CHUNKED || s->state == STREAM_CLOSE)
		return true;
	/* The place is lost, but what came last is seen and is not the end of the last chunk. */
	return waits_for_last_chunk(s) && board_read(conns, c, &slot) && slot.tail >> 56 &&
	       slot.tail >> 32 != TAIL_BLANK_LINE;
}

/* Only a length that is known is waited for however long it takes. */
static bool is_quiet(const struct obi_conns *conns, const struct stream *s)
{
	return s->state != STREAM_LENGTH && s->state != STREAM_CUT &&
	       is_silent(conns, s, conns->options.idle_ns);
}

static bool is_idle(const struct obi_conns *conns, const struct conn *c)
{
	const struct stream *s = &c->streams[conn_response_direction(c)];

	if (!is_quiet(conns, s))
		return false;
	return !end_is_known(conns, c, s) || is_silent(conns, s, conns->options.body_idle_ns);
}

static void time_out_requests(struct obi_conns *conns)
{
	uint64_t timeout = conns->options.request_timeout_ns;

	if (!timeout)
		return;
	while (conns->oldest && conns->now_ns > conns->oldest->start_ns &&
	       conns->now_ns - conns->oldest->start_ns >= timeout)
		exchange_time_out(conns, conns->oldest);
}

static void look_at_responses(struct obi_conns *conns, enum await await)
{
	uint32_t next;

	for (uint32_t slot = conns->await_first[await]; slot != NO_INDEX; slot = next) {
		struct conn *c = &conns->slots[slot];

		next = c->await_next;
		follow_board(conns, c);
		if (response_under_way(c) && is_idle(conns, c))
			stream_end_lost(conns, c, 0);
		if (!response_under_way(c))
			table_await(conns, c, AWAIT_NOT);
		else if (is_quiet(conns, conn_responses(c)))
			table_await(conns, c, AWAIT_QUIET);
		else
			table_await(conns, c, AWAIT_BUSY);
	}
}

void obi_conns_tick(struct obi_conns *conns, uint64_t now_ns)
{
	if (now_ns > conns->now_ns)
		conns->now_ns = now_ns;
	if (conns->now_ns - conns->quiet_ns >= conns->options.idle_ns / QUIET_LOOKS) {
		conns->quiet_ns = conns->now_ns;
		look_at_responses(conns, AWAIT_QUIET);
	}
	look_at_responses(conns, AWAIT_BUSY);
	time_out_requests(conns);
}

void obi_conns_flush(struct obi_conns *conns)
{
	for (uint32_t slot = 0; slot < conns->slots_used; slot++) {
		struct conn *c = &conns->slots[slot];

		if (!c->message)
			continue;
		if (response_under_way(c))
			follow_board(conns, c);
		end_conn(conns, c, conns->now_ns, false);
	}
}

/* ---- Life ---------------------------------------------------------------------------------- */

struct obi_conns *obi_conns_new(const struct obi_conns_options *options)
{
	struct obi_conns *conns = calloc(1, sizeof(*conns));

	if (!conns)
		return NULL;
	conns->options = *options;
	if (table_init(conns) || exchanges_init(conns)) {
		obi_conns_free(conns);
		return NULL;
	}
	return conns;
}

void obi_conns_free(struct obi_conns *conns)
{
	if (!conns)
		return;
	for (uint32_t slot = 0; slot < conns->slots_used; slot++)
		for (uint8_t direction = 0; direction < 2; direction++)
			(void)stream_forget(conns, &conns->slots[slot], direction);
	exchanges_free(conns);
	table_free(conns);
	free(conns);
}

void obi_conns_stats(const struct obi_conns *conns, struct obi_conns_stats *ret_stats)
{
	*ret_stats = conns->stats;
}
