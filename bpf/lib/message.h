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
#define ANSWERS_MAX (32 * OBI_HEAD_MAX) /* the same of a message of answers to several requests */

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

static __always_inline bool ends_in_blank_line(const struct scratch *s, u32 len)
{
	len -= 4;
	barrier_var(len); /* the bound is of the register that is used */
	if (len > OBI_HEAD_MAX - 4)
		return false;
	return *(const u32 *)&s->head[len] == 0x0a0d0a0d;
}

/* May a head that ends here, after len bytes, go on in the next chunk, or another one follow? */
static __always_inline bool head_goes_on(const struct scratch *s, u32 len, u32 captured)
{
	return len >= s->bytes && captured < OBI_HEAD_MAX && !ends_in_blank_line(s, len);
}

/* The traceparent fields that were found in a server request's head so far. */
static __always_inline void request_traced(struct conn_state *state, struct scratch *s)
{
	if (s->scanned & SCAN_TWICE) { /* then none counts */
		if (state->adopted & SCAN_TRACED)
			trace_is_root(&state->trace);
	} else if (s->scanned & SCAN_TRACED && !(state->adopted & SCAN_TRACED)) {
		trace_adopt(&state->trace, &s->found);
	}
	state->adopted = s->scanned;
	trace_sample(&state->trace, state->pid);
}

/* Its head goes on. */
static __always_inline void request_goes_on(struct conn_state *state, struct scratch *s)
{
	if (!state->serving || state->answering || state->crowded)
		return;
	request_traced(state, s);
	request_adopts(state);
}

static __always_inline void begin_server(struct conn_state *state, struct scratch *s, u32 slot,
					 u32 len, bool whole, u64 now)
{
	request_end(state);
	trace_new_root(&state->trace);
	state->stamped = 1;
	state->adopted = 0;
	request_traced(state, s);
	request_begin(state, s, slot, whole ? len : 0, now, s->could_wait);
}

static __always_inline void begin_client(struct conn_state *state, struct scratch *s, u32 slot,
					 u32 len)
{
	if (state->stamped) /* where a header was written, it is known */
		return;
	s->line = 0;
	(void)scratch_line(slot, len, state->pid);
	request_is_child(state, request_parent(state, s->line));
}

/* May requests come from this direction? */
static __always_inline bool may_ask(const struct conn_state *state, u8 direction)
{
	if (state->role == ROLE_UNKNOWN)
		return direction == OBI_SEND || state->side != OBI_SIDE_CONNECTED;
	return state->role == (direction == OBI_SEND ? ROLE_CLIENT : ROLE_SERVER);
}

/* The current request's head goes on in this direction. */
static __always_inline bool is_in_head(const struct conn_state *state, u8 direction)
{
	return state->in_head == 1 + direction;
}

/* A message begins: piece tells of a request's head, or of what may be one. */
static __always_inline void message_trace(struct conn_state *state, struct scratch *s, u32 slot,
					  u8 direction, enum protocol_guess guess, bool piece,
					  u32 len, u64 now)
{
	if (direction == OBI_RECV) {
		if (piece && is_in_head(state, direction))
			request_goes_on(state, s);
		else if (piece && may_ask(state, direction))
			begin_server(state, s, slot, len, guess == GUESS_HTTP_REQUEST, now);
		else if (state->answering)
			request_end(state);
	} else if (guess == GUESS_HTTP_REQUEST && may_ask(state, direction)) {
		begin_client(state, s, slot, len);
	} else if (guess == GUESS_HTTP_RESPONSE) {
		if (s->head[9] != '1' || *(u16 *)&s->head[10] == 0x3130) /* 1xx, but not 101 */
			answer_begin(state, s, slot, len);
	} else if (guess == GUESS_NONE && state->protocol == GUESS_NONE) {
		request_end(state); /* what looked like a request is not answered like one */
	}
}

/* Who asks, once a request was seen. */
static __always_inline void take_role(struct conn_state *state, u8 direction)
{
	if (state->role != ROLE_UNKNOWN)
		return;
	if (direction == OBI_SEND)
		state->role = ROLE_CLIENT;
	else if (state->side != OBI_SIDE_CONNECTED)
		state->role = ROLE_SERVER;
}

/* An answer that is not interim (RFC 9110 section 15.2) uses up the request's identity. status:
 * bytes 8 to 11 of it. */
static __always_inline void response_began(struct conn_state *state, u32 status, u8 direction)
{
	bool switches = status == 0x31303120; /* " 101" */
	u8 digit = status >> 8;

	if (switches) { /* to something else, which the worker may know */
		state->protocol = GUESS_NONE;
		state->unrecognised = 0;
		stream_begin(state);
		state->limit = 0;                    /* only HTTP/2's preface is waited for */
	} else if (state->tunnels && digit == '2') { /* nobody knows what comes */
		state->muted = 1;
		count(OBI_APP_MUTED);
	}
	if (propagate && (state->muted || state->streaming))
		request_end(state);
	state->interim = digit == '1' && !switches; /* "HTTP/1.1 1xx" */
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

/* Of a request's head that was looked through: does it go on? Remembers what it ended in. */
static __always_inline void head_scanned(struct conn_state *state, struct scratch *s, u8 direction)
{
	state->in_head = 0;
	if (s->scanned & SCAN_ENDS || state->captured[direction & 1] >= HEAD_PIECES * OBI_HEAD_MAX)
		return;
	state->in_head = 1 + direction;
	state->head_edge = s->head_edge;
	if (propagate)
		__builtin_memcpy(state->edge, s->edge, sizeof(state->edge));
}

/* Several answers may be in one chunk, and begin anywhere in it. */
static __always_inline bool answers_crowd(const struct conn_state *state, u8 direction)
{
	return state->crowded && !may_ask(state, direction);
}

/* A head of each direction may be under way: a turn of the direction does not end it. */
static __always_inline void head_seen(struct conn_state *state, struct scratch *s, u8 direction,
				      bool piece, u32 len)
{
	u8 bit = 1 << direction;

	if (piece && s->crowd) /* the last head is another than the one that went on */
		state->captured[direction & 1] = 0;
	else
		state->captured[direction & 1] += s->pieces > 1 ? s->pieces * OBI_HEAD_MAX : len;
	if (piece)
		head_scanned(state, s, direction);
	if ((piece && state->in_head) || head_goes_on(s, len, state->captured[direction & 1]) ||
	    (answers_crowd(state, direction) && state->captured[direction & 1] < ANSWERS_MAX))
		state->head_open |= bit;
	else
		state->head_open &= ~bit;
}

static __always_inline bool head_is_open(const struct conn_state *state, u8 direction)
{
	return state->head_open & (1 << direction);
}

/* Several requests in one chunk: none is alone. */
static __always_inline void crowd_begins(struct conn_state *state, u8 direction)
{
	state->crowded = 1;
	if (propagate && direction == OBI_RECV && state->serving)
		request_spoil(state);
}

/* A message begins. false where it is not reported. */
static __always_inline bool message_begin(struct conn_state *state, struct scratch *s, u32 slot,
					  u8 direction, enum protocol_guess guess, bool piece,
					  u32 len, u64 now)
{
	if (state->reported) {
		state->pending_total = state->total;
		state->pending_last_ns = state->last_ns;
	}
	state->reported = 0;
	state->direction = direction;
	state->total = 0;
	if (guess == GUESS_HTTP_REQUEST && direction == OBI_RECV && !is_in_head(state, direction))
		state->stamped = 0;
	if (message_unclaimed(state, guess)) {
		if (propagate && state->muted)
			request_end(state);
		return false;
	}
	if (guess == GUESS_HTTP_REQUEST) {
		take_role(state, direction);
		state->tunnels = *(const u64 *)s->head == 0x205443454e4e4f43; /* "CONNECT " */
		if (!is_in_head(state, direction))
			state->crowded = 0;
	}
	if (propagate)
		message_trace(state, s, slot, direction, guess, piece, len, now);
	if (piece && s->crowd)
		crowd_begins(state, direction);
	state->message++;
	state->reported = 1;
	if (!is_in_head(state, direction) &&
	    (guess != GUESS_NONE || !head_is_open(state, direction)))
		state->captured[direction & 1] = 0; /* a head of its own, or none */
	if (piece || guess != GUESS_NONE || head_is_open(state, direction))
		head_seen(state, s, direction, piece, len);
	return true;
}

/* The message under way goes on: a record is due only where a head may begin (pipelining) or go
 * on. */
static __always_inline bool message_more(struct conn_state *state, struct scratch *s,
					 enum protocol_guess guess, bool piece, u32 len)
{
	u8 direction = state->direction;

	if (guess == GUESS_HTTP_REQUEST)
		take_role(state, direction);
	if (piece && s->crowd)
		crowd_begins(state, direction);
	if (piece && is_in_head(state, direction)) {
		if (propagate && direction == OBI_RECV)
			request_goes_on(state, s);
	} else if (guess == GUESS_HTTP_REQUEST || guess == GUESS_HTTP_RESPONSE) {
		state->captured[direction & 1] = 0; /* a head of its own */
		/* Another request, if it is no body: the one before is not alone. */
		if (piece)
			state->crowded = 1;
		if (propagate && piece && direction == OBI_RECV && state->serving)
			request_spoil(state);
	} else if (!head_is_open(state, direction)) {
		return false;
	}
	head_seen(state, s, direction, piece, len);
	return len > 0;
}

/* After the bytes of a chunk were counted: what follows the message without a record of it. */
static __always_inline void chunk_passed(struct conn_state *state, struct scratch *s, u32 slot,
					 u8 direction, bool turn, u32 len, bool more)
{
	bool answers = propagate && state->serving && state->answering && direction == OBI_SEND;

	if (!state->reported || (turn && !more && !answers))
		return;
	s->tail = 0;
	if (len)
		scratch_tail(slot);
	if (!turn || more)
		board_write(state, s);
	if (answers)
		answer_goes_on(state, state->total, s->tail);
}

/* Is what was read, of which guess says what it begins with, a piece of a request's head? What may
 * be one is taken for it. */
static __always_inline bool is_request_piece(const struct conn_state *state, u8 direction,
					     enum protocol_guess guess)
{
	if (guess == GUESS_HTTP_RESPONSE || !may_ask(state, direction))
		return false;
	return is_in_head(state, direction) || guess == GUESS_HTTP_REQUEST ||
	       guess == GUESS_HTTP_MAYBE;
}

/* "GET " or "HEAD": what follows such a head is no body of it. */
static __always_inline bool has_no_body(const struct scratch *s)
{
	u32 method = *(const u32 *)s->head;

	return method == 0x20544547 || method == 0x44414548;
}

/* May another request follow the head that ended in the chunk? Most say no by the first byte. */
static __always_inline bool may_be_crowd(const struct scratch *s, bool none)
{
	return s->next && (none || s->next == NEXT_UNREAD || s->next - 'A' <= 'Z' - 'A');
}

/* Looks through it. Without propagation only its end matters, which most show plainly. */
static __always_inline void scan_request(struct conn_state *state, struct scratch *s, u32 slot,
					 bool goes_on, u32 len)
{
	bool none = !goes_on && has_no_body(s);

	s->scanned = goes_on ? state->adopted : 0;
	s->preface = goes_on ? 0 : preface_len(s, len);
	if (!propagate && len == s->bytes && ends_in_blank_line(s, len)) {
		s->scanned |= SCAN_ENDS;
		return;
	}
	if (goes_on) {
		s->head_edge = state->head_edge;
		if (propagate)
			__builtin_memcpy(s->edge, state->edge, sizeof(s->edge));
	}
	s->next = 0;
	(void)scratch_scan_chunk(slot, len, goes_on);
	if (may_be_crowd(s, none)) {
		(void)scratch_crowd(slot, none);
		(void)scratch_read(slot); /* the first again */
	} else if (s->pieces > 1) {
		(void)scratch_read(slot);
	}
}

static __always_inline void chunk_record(struct conn_state *state, struct scratch *s, u32 slot,
					 u8 type, u8 direction, u64 now, u32 len)
{
	if (state->closed) /* while this went on: nothing follows the last record */
		return;
	record_fill(s, state, type, direction, now);
	s->record.bytes = s->bytes;
	s->record.before = type == OBI_RECORD_MESSAGE ? 0 : state->total;
	s->record.total_bytes = type == OBI_RECORD_MESSAGE ? state->pending_total : 0;
	s->record.last_ns = type == OBI_RECORD_MESSAGE ? state->pending_last_ns : 0;
	if (s->could_wait)
		s->record.flags |= OBI_RECORD_COULD_WAIT;
	if (len == 0)
		s->record.flags |= OBI_RECORD_UNREADABLE;
	if (s->pieces > 1)
		(void)scratch_output(slot, len);
	else
		record_output(s, len);
}

/* The value, of which the verifier knows nothing any more: where it knew which way it had come by,
 * it would walk through what follows for each of them. */
static __always_inline u32 forget(struct scratch *s, u32 value)
{
	*(volatile u32 *)&s->forgotten = value;
	return *(volatile u32 *)&s->forgotten;
}

/* The connection is not HTTP/1, as far as its first bytes tell. */
static __always_inline bool stream_begins(const struct conn_state *state, u8 direction, bool turn,
					  enum protocol_guess guess)
{
	return (guess == GUESS_NONE || guess == GUESS_HTTP2) && state->protocol == GUESS_NONE &&
	       turn && !is_in_head(state, direction) && !head_is_open(state, direction);
}

/*
 * Bytes went through a socket: the body behind every send and receive hook. state is the
 * socket's; s, of that slot, has bytes filled in, and data unless unread says why not.
 */
static __always_inline void on_chunk(struct sock *sk, struct conn_state *state, struct scratch *s,
				     u32 slot, u8 direction, enum obi_unread unread)
{
	bool turn = state->total == 0 || state->direction != direction;
	u64 now = bpf_ktime_get_ns();
	enum protocol_guess guess = GUESS_NONE;
	bool report, piece, answers = answers_crowd(state, direction);
	u32 len = 0, reported, status;

	if (stopped)
		return;
	if (state->tuple.netns == 0)
		tuple_of_sock(sk, &state->tuple);
	s->skip = 0;
	s->walk.before = 0;
	s->walk.piece = 0;
	s->pieces = 1;
	s->crowd = 0;
	if (state->streaming) {
		if (stream_chunk(state, s, slot, direction, unread, now))
			return;
		turn = true;
	}
	if (!turn && !state->reported) {
		state->total += s->bytes;
		state->last_ns = now;
		return;
	}
	if (unread == OBI_READ)
		len = scratch_read(slot);
	if (len > OBI_HEAD_MAX)
		return;
	if (len == 0)
		unread_chunk(state->pid, unread);
	else
		guess = scratch_guess(slot, len);
	if (stream_begins(state, direction, turn, guess)) {
		if (propagate)
			request_end(state);
		stream_begin(state);
		if (len)
			frames_may_begin(state, s, direction, guess);
		s->window = len;
		stream_output(state, s, slot, direction, now);
		return;
	}
	/* An answer came before its request's head had ended: what follows is another. */
	if (turn && guess == GUESS_HTTP_REQUEST && state->answering)
		state->in_head = 0;
	piece = is_request_piece(state, direction, guess);
	if (piece)
		scan_request(state, s, slot, is_in_head(state, direction), len);
	guess = forget(s, guess);
	piece = forget(s, piece);
	turn = forget(s, turn);
	/* Of a request's head all that there is, also of its further pieces; of answers and bodies
	 * less. */
	reported = len;
	status = *(u32 *)&s->head[8];
	if (answers && len)
		s->pieces = pieces_of(s->bytes);
	else if (!piece && guess != GUESS_HTTP_MAYBE &&
		 !((!turn || guess == GUESS_NONE) && head_is_open(state, direction)) &&
		 len > RESPONSE_HEAD)
		reported = RESPONSE_HEAD;
	report = turn ? message_begin(state, s, slot, direction, guess, piece, len, now)
		      : message_more(state, s, guess, piece, len);
	report = forget(s, report);
	turn = forget(s, turn);
	guess = forget(s, guess);
	if (report)
		chunk_record(state, s, slot, turn ? OBI_RECORD_MESSAGE : OBI_RECORD_MORE, direction,
			     now, reported);
	turn = forget(s, turn);
	guess = forget(s, guess);
	if (guess == GUESS_HTTP_REQUEST && direction == OBI_SEND)
		state->opened_ns = 0;
	state->total += s->bytes;
	state->last_ns = now;
	chunk_passed(state, s, slot, direction, turn, len, reported < s->bytes);
	if (guess == GUESS_HTTP_RESPONSE)
		response_began(state, status, direction);
}

/* The connection ends, or our side of it (type FIN or CLOSE). */
static __always_inline void on_end(struct sock *sk, struct conn_state *state, u8 type)
{
	struct obi_record record;

	if (state->streaming ? type == OBI_RECORD_FIN : state->message == 0)
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
	ring_put(&record, sizeof(record), record.pid);
}

#endif
