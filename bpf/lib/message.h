/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Messages: what every plane's hooks call. See include/obi/record.h for what a message is.
 *
 * Most calls end early: a socket without state of a process that is not selected, or a
 * later chunk of a body, which only adds to the totals.
 */
#ifndef OBI_BPF_MESSAGE_H
#define OBI_BPF_MESSAGE_H

#define MUTE_AFTER 8      /* messages that no protocol claimed: SOCKS sends six before its load */
#define MUTE_HTTP 250     /* the same of a connection that carried HTTP: bodies that alternate */
#define RESPONSE_HEAD 512 /* bytes copied of what is not a request */
#define HTTP2_CHUNKS 8    /* first ones of an HTTP/2 client that the worker sees */

/* No record wakes the reader, which drains on a timer, unless the ring is half full. */
static __always_inline u64 ring_flags(void)
{
	return bpf_ringbuf_query(&records, BPF_RB_AVAIL_DATA) > ring_wake_bytes
		       ? BPF_RB_FORCE_WAKEUP
		       : BPF_RB_NO_WAKEUP;
}

static __always_inline void record_output(struct scratch *s, u32 head_len)
{
	u32 size = sizeof(struct obi_record) + head_len;

	if (head_len > OBI_HEAD_MAX)
		return;
	s->record.head_len = head_len;
	if (bpf_ringbuf_output(&records, s, size, ring_flags()))
		count(OBI_APP_RING_FULL);
	else
		count(OBI_APP_RECORDS);
}

static __always_inline void record_fill(struct scratch *s, const struct conn_state *state, u8 type,
					u8 direction, u64 now)
{
	struct obi_record *r = &s->record;
	u64 pid_tgid = bpf_get_current_pid_tgid();

	r->type = type;
	r->direction = direction;
	r->side = state->side;
	r->flags = 0;
	r->message = state->message;
	r->conn = state->id;
	r->time_ns = now;
	r->pid = state->pid;
	r->tid = (u32)pid_tgid;
	r->pad = 0;
	__builtin_memcpy(&r->tuple, &state->tuple, sizeof(r->tuple));
	if (propagate && state->stamped) {
		__builtin_memcpy(&r->trace, &state->trace, sizeof(r->trace));
		r->flags |= OBI_RECORD_TRACED;
		if (state->injected)
			r->flags |= OBI_RECORD_INJECTED;
	} else {
		__builtin_memset(&r->trace, 0, sizeof(r->trace));
	}
}

/* No connection owns the slot while it is written: who reads it then sees that. */
static __always_inline void board_write(const struct conn_state *state, const struct scratch *s)
{
	u32 key = (u32)state->id & (OBI_BOARD_SLOTS - 1);
	struct obi_board_slot *slot = bpf_map_lookup_elem(&board, &key);
	u64 before = 0;

	if (!slot)
		return;
	/* A small chunk pushes on what came before it: the last one of a body may come in pieces.
	 */
	if (s->bytes < sizeof(before) && slot->conn == state->id && slot->message == state->message)
		before = slot->tail >> (8 * s->bytes);
	*(volatile u64 *)&slot->conn = 0;
	*(volatile u32 *)&slot->message = state->message;
	*(volatile u64 *)&slot->total_bytes = state->total;
	*(volatile u64 *)&slot->last_ns = state->last_ns;
	*(volatile u64 *)&slot->tail = before | s->tail;
	*(volatile u64 *)&slot->conn = state->id;
}

/* Does a head that ends here, after len bytes, go on in the next chunk? */
static __always_inline bool head_goes_on(const struct scratch *s, u32 len, u32 captured)
{
	if (len < s->bytes || captured >= OBI_HEAD_MAX)
		return false;
	if (len < 4 || len > OBI_HEAD_MAX)
		return true;
	return !(s->head[len - 4] == '\r' && s->head[len - 3] == '\n' && s->head[len - 2] == '\r' &&
		 s->head[len - 1] == '\n');
}

static __always_inline void message_trace(struct conn_state *state, struct scratch *s, u32 slot,
					  u8 direction, enum protocol_guess guess, u32 len)
{
	if (guess == GUESS_HTTP_REQUEST) {
		if (direction == OBI_RECV)
			trace_begin_server(state, s, slot, len);
		else
			trace_begin_client(state);
	} else if (guess == GUESS_HTTP_RESPONSE && direction == OBI_SEND) {
		trace_end_server(state);
	}
}

/* An answer that is not interim (RFC 9110 section 15.2) uses up the request's identity. */
static __always_inline void response_began(struct conn_state *state, const struct scratch *s,
					   u8 direction)
{
	state->interim = s->head[9] == '1';                               /* "HTTP/1.1 1xx" */
	if (state->interim && s->head[10] == '0' && s->head[11] == '1') { /* a tunnel from now on */
		state->interim = 0;
		state->muted = 1;
		count(OBI_APP_MUTED);
	}
	if (direction == OBI_RECV && !state->interim) {
		state->stamped = 0;
		state->injected = 0;
	}
}

/* What nothing claims is not worth a record, unless the connection is known to carry HTTP:
 * then it is a body, and its totals count. What may be HTTP is shown until it was too often. */
static __always_inline bool message_unclaimed(struct conn_state *state, enum protocol_guess guess)
{
	if (guess == GUESS_HTTP_REQUEST || guess == GUESS_HTTP_RESPONSE) {
		state->protocol = guess;
		state->unrecognised = 0;
		return false;
	}
	if (guess != GUESS_HTTP_MAYBE)
		count(OBI_APP_UNRECOGNISED);
	if (++state->unrecognised >= (state->protocol == GUESS_NONE ? MUTE_AFTER : MUTE_HTTP) ||
	    guess == GUESS_FOREIGN || guess == GUESS_HTTP2) {
		state->muted = 1;
		count(OBI_APP_MUTED);
	}
	return state->muted || (state->protocol == GUESS_NONE && guess != GUESS_HTTP_MAYBE);
}

/* A head of each direction may be under way: a turn of the direction does not end it. */
static __always_inline void head_seen(struct conn_state *state, const struct scratch *s,
				      u8 direction, u32 len)
{
	u8 bit = 1 << direction;

	state->captured[direction & 1] += len;
	if (head_goes_on(s, len, state->captured[direction & 1]))
		state->head_open |= bit;
	else
		state->head_open &= ~bit;
}

static __always_inline bool head_is_open(const struct conn_state *state, u8 direction)
{
	return state->head_open & (1 << direction);
}

/* A message begins. false where it is not reported. */
static __always_inline bool message_begin(struct sock *sk, struct conn_state *state,
					  struct scratch *s, u32 slot, u8 direction,
					  enum protocol_guess guess, u32 len)
{
	if (state->reported) {
		state->pending_total = state->total;
		state->pending_last_ns = state->last_ns;
	}
	state->reported = 0;
	state->direction = direction;
	state->total = 0;
	if (guess == GUESS_HTTP_REQUEST && direction == OBI_RECV)
		state->stamped = 0;
	if (message_unclaimed(state, guess))
		return false;
	if (state->tuple.netns == 0)
		tuple_of_sock(sk, &state->tuple);
	if (propagate)
		message_trace(state, s, slot, direction, guess, len);
	state->message++;
	state->reported = 1;
	if (guess != GUESS_NONE || !head_is_open(state, direction))
		state->captured[direction & 1] = 0; /* a head of its own, or none */
	if (guess != GUESS_NONE || head_is_open(state, direction))
		head_seen(state, s, direction, len);
	return true;
}

/* The message under way goes on: a record is due only where a head may begin (pipelining) or go
 * on. */
static __always_inline bool message_more(struct conn_state *state, struct scratch *s, u32 slot,
					 enum protocol_guess guess, u32 len)
{
	if (guess == GUESS_HTTP_REQUEST || guess == GUESS_HTTP_RESPONSE)
		state->captured[state->direction & 1] = 0; /* a head of its own */
	else if (!head_is_open(state, state->direction))
		return false;
	else if (propagate && state->direction == OBI_RECV && state->protocol == GUESS_HTTP_REQUEST)
		trace_more_server(state, s, slot, len);
	head_seen(state, s, state->direction, len);
	return len > 0;
}

/* What an HTTP/2 client sends first, len bytes of it read, until that was enough. */
static __always_inline void http2_output(struct sock *sk, struct conn_state *state,
					 struct scratch *s, u8 direction, u64 now, u32 len)
{
	if (state->tuple.netns == 0)
		tuple_of_sock(sk, &state->tuple);
	record_fill(s, state, OBI_RECORD_HTTP2, direction, now);
	s->record.bytes = s->bytes;
	s->record.before = state->total;
	s->record.total_bytes = 0;
	s->record.last_ns = 0;
	record_output(s, len);
	state->total += s->bytes;
	if (--state->http2 == 0) {
		state->muted = 1;
		count(OBI_APP_MUTED);
	}
}

static __always_inline bool http2_begins(const struct conn_state *state, u8 direction, bool turn,
					 enum protocol_guess guess)
{
	return guess == GUESS_HTTP2 && turn && direction == OBI_SEND && state->message == 0 &&
	       state->side == OBI_SIDE_CONNECTED;
}

/*
 * Bytes went through a socket: the body behind every send and receive hook. state is the
 * socket's; s, of that slot, has bytes and data filled in where readable.
 */
static __always_inline void on_chunk(struct sock *sk, struct conn_state *state, struct scratch *s,
				     u32 slot, u8 direction, bool readable)
{
	bool turn = state->total == 0 || state->direction != direction;
	u64 now = bpf_ktime_get_ns();
	enum protocol_guess guess = GUESS_NONE;
	bool report;
	u32 len = 0, reported;

	if (state->http2 ? direction != OBI_SEND : !turn && !state->reported) {
		state->total += s->bytes;
		state->last_ns = now;
		return;
	}
	if (readable)
		len = scratch_read(slot);
	if (len > OBI_HEAD_MAX)
		return;
	if (len == 0)
		count(OBI_APP_UNREADABLE);
	else
		guess = scratch_guess(slot, len);
	if (state->http2 || http2_begins(state, direction, turn, guess)) {
		if (!state->http2)
			state->http2 = HTTP2_CHUNKS;
		http2_output(sk, state, s, direction, now, len);
		return;
	}
	/* Of a request's head all that there is, also of its further pieces; of answers and bodies
	 * less. */
	reported = len;
	if (guess != GUESS_HTTP_REQUEST && guess != GUESS_HTTP_MAYBE &&
	    !((!turn || guess == GUESS_NONE) && head_is_open(state, direction)) &&
	    len > RESPONSE_HEAD)
		reported = RESPONSE_HEAD;
	report = turn ? message_begin(sk, state, s, slot, direction, guess, len)
		      : message_more(state, s, slot, guess, len);
	if (report) {
		record_fill(s, state, turn ? OBI_RECORD_MESSAGE : OBI_RECORD_MORE, direction, now);
		s->record.bytes = s->bytes;
		s->record.before = state->total;
		s->record.total_bytes = turn ? state->pending_total : 0;
		s->record.last_ns = turn ? state->pending_last_ns : 0;
		if (len == 0)
			s->record.flags |= OBI_RECORD_UNREADABLE;
		record_output(s, reported);
	}
	state->total += s->bytes;
	state->last_ns = now;
	if (state->reported && (!turn || reported < s->bytes)) {
		s->tail = 0;
		if (len)
			scratch_tail(slot);
		board_write(state, s);
	}
	if (guess == GUESS_HTTP_RESPONSE)
		response_began(state, s, direction);
}

/* The connection ends, or our side of it (type FIN or CLOSE). */
static __always_inline void on_end(struct sock *sk, struct conn_state *state, u8 type)
{
	struct obi_record record;

	if (state->message == 0)
		return;
	__builtin_memset(&record, 0, sizeof(record));
	record.type = type;
	record.direction = state->direction;
	record.side = state->side;
	record.message = state->message;
	record.conn = state->id;
	record.time_ns = bpf_ktime_get_ns();
	record.pid = state->pid;
	record.tuple = state->tuple;
	/* A message that was not reported left its predecessor's totals pending. */
	record.total_bytes = state->reported ? state->total : state->pending_total;
	record.last_ns = state->reported ? state->last_ns : state->pending_last_ns;
	if (type == OBI_RECORD_CLOSE && BPF_CORE_READ(sk, sk_err))
		record.flags |= OBI_RECORD_RESET;
	if (bpf_ringbuf_output(&records, &record, sizeof(record), ring_flags()))
		count(OBI_APP_RING_FULL);
	else
		count(OBI_APP_RECORDS);
}

#endif
