/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Connections whose first bytes are not HTTP/1: every chunk is shown with its place in its
 * direction until the worker, which recognises protocols, has ordered what it wants (obi/order.h),
 * or enough was shown. Until then it is woken by what much is said, as a pipeline may be the first
 * that a client says. Each direction has an offset of its own: threads that send and receive at
 * the same time disturb nothing.
 */
#ifndef OBI_BPF_STREAM_H
#define OBI_BPF_STREAM_H

#define STREAM_UNORDERED (1024 * 1024) /* bytes shown of a connection until an order comes */
#define STREAM_PRESSED (64 * 1024)     /* the same while the ring is more than half full */
#define STREAM_ASKS (8 * 1024)         /* so many of these wake the worker, which gives it */
#define STREAM_TURNS 8 /* turns of the direction after these, until nobody expects HTTP/1, ... */
#define STREAM_PATIENCE 250 /* ... and until no order is expected: the worker may be late */

static __always_inline void stream_mute(struct conn_state *state)
{
	if (state->muted)
		return;
	state->muted = 1;
	count(OBI_APP_MUTED);
}

static __always_inline void stream_begin(struct conn_state *state)
{
	state->streaming = 1;
	state->ordered = OBI_ORDER_NONE;
	state->limit = STREAM_UNORDERED;
	state->offset[OBI_SEND] = state->offset[OBI_RECV] = 0;
	count(OBI_APP_UNRECOGNISED);
}

/* The worker may write at any moment: what was read once is used. */
static __always_inline void stream_take_order(struct conn_state *state)
{
	u32 key = (u32)state->id & (OBI_BOARD_SLOTS - 1);
	struct obi_order_slot *slot = bpf_map_lookup_elem(&orders, &key);
	u32 mode, bytes;

	if (!slot || *(volatile u64 *)&slot->conn != state->id)
		return;
	mode = *(volatile u32 *)&slot->order.mode;
	bytes = *(volatile u32 *)&slot->order.bytes;
	if (mode == OBI_ORDER_MUTE) {
		stream_mute(state);
	} else if (mode == OBI_ORDER_STREAM || mode == OBI_ORDER_FRAMES) {
		state->ordered = bytes ? mode : OBI_ORDER_NONE;
		if (mode == OBI_ORDER_STREAM)
			state->walks = 0;
		state->limit = bytes < OBI_ORDER_BYTES_MAX ? bytes : OBI_ORDER_BYTES_MAX;
	}
}

/* How many bytes of a chunk are shown. */
static __always_inline u32 stream_share(struct conn_state *state, u64 bytes)
{
	u32 share = bytes < OBI_ORDER_BYTES_MAX ? bytes : OBI_ORDER_BYTES_MAX;

	if (!state->ordered && ring_pressed && !state->datagrams &&
	    state->limit <= STREAM_UNORDERED - STREAM_PRESSED)
		state->limit = 0;
	if (share > state->limit)
		share = state->limit;
	if (!state->ordered)
		state->limit -= share;
	return share;
}

/* The worker drains on a timer: is it time that it hears of a connection that it may not know yet?
 */
static __always_inline bool stream_asks(u32 before, const struct conn_state *state)
{
	return !state->ordered && (before - 1) / STREAM_ASKS != (state->limit - 1) / STREAM_ASKS;
}

/* A datagram that is sent says where to, unless its socket does. */
__noinline int scratch_peer(u32 slot)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch, &slot);
	struct user_sockaddr_in6 peer6 = { 0 };
	struct user_sockaddr_in peer = { 0 };
	struct obi_tuple *tuple;

	if (!s)
		return 0;
	tuple = &s->record.tuple;
	if (tuple->remote_port || !s->data.peer ||
	    bpf_probe_read_user(&peer, sizeof(peer), (void *)s->data.peer))
		return 0;
	if (peer.sin_family == AF_INET) {
		map_ipv4(tuple->remote_addr, peer.sin_addr);
	} else if (peer.sin_family == AF_INET6) {
		(void)bpf_probe_read_user(&peer6, sizeof(peer6), (void *)s->data.peer);
		__builtin_memcpy(tuple->remote_addr, peer6.sin6_addr, sizeof(tuple->remote_addr));
	} else {
		return 0;
	}
	tuple->remote_port = bpf_ntohs(peer.sin_port);
	return 0;
}

static __always_inline void stream_passed(struct conn_state *state, const struct scratch *s,
					  u8 direction)
{
	state->offset[direction & 1] += s->bytes;
	if (direction == OBI_SEND)
		state->opened_ns = 0;
	state->direction = direction;
}

static __always_inline void stream_fill(struct conn_state *state, struct scratch *s, u8 direction,
					u64 now)
{
	struct obi_record *r = &s->record;

	record_fill(s, state, OBI_RECORD_CHUNK, direction, now);
	if (!state->ordered)
		r->flags |= OBI_RECORD_UNORDERED;
	if (s->could_wait)
		r->flags |= OBI_RECORD_COULD_WAIT;
	r->bytes = s->bytes;
	r->before = state->offset[direction & 1];
	r->total_bytes = r->last_ns = 0;
}

/* These two are not inlined, as each program calls them in two places; and they are two, as what
 * lies below either of them leaves little of the stack. */
static __noinline void stream_frames(struct conn_state *state, struct scratch *s, u32 slot,
				     u8 direction, u64 now)
{
	stream_fill(state, s, direction, now);
	frames_output(state, s, slot, direction);
	stream_passed(state, s, direction);
}

static __noinline void stream_pieces(struct conn_state *state, struct scratch *s, u32 slot,
				     u8 direction, u64 now)
{
	u32 len = s->window, limit = state->limit, share = stream_share(state, s->bytes);

	stream_fill(state, s, direction, now);
	if (state->datagrams) {
		s->record.flags |= OBI_RECORD_DATAGRAM;
		if (direction == OBI_SEND)
			(void)scratch_peer(slot);
		share = share < OBI_HEAD_MAX ? share : OBI_HEAD_MAX;
	}
	s->pieces = share ? (share + OBI_HEAD_MAX - 1) / OBI_HEAD_MAX : 1;
	if (len > share)
		len = share;
	(void)scratch_output(slot, len);
	if (stream_asks(limit, state))
		(void)ring_wake();
	stream_passed(state, s, direction);
}

/* The first s->window bytes of the chunk are in the scratch. */
static __always_inline void stream_output(struct conn_state *state, struct scratch *s, u32 slot,
					  u8 direction, u64 now)
{
	if (state->walks & 1 << direction)
		stream_frames(state, s, slot, direction, now);
	else
		stream_pieces(state, s, slot, direction, now);
}

/* Nothing is shown any more. What began in the middle of a body may still turn out to be HTTP/1. */
static __always_inline bool stream_is_over(struct conn_state *state, const struct scratch *s,
					   u8 direction)
{
	if (state->ordered || state->limit)
		return false;
	if (state->direction != direction) {
		state->direction = direction;
		if (++state->unrecognised < STREAM_TURNS)
			return false;
		/* A server has one socket for all datagrams: it is the worker's to say. */
		if (state->unrecognised >= STREAM_PATIENCE && !state->datagrams)
			stream_mute(state);
	}
	state->offset[direction & 1] += s->bytes;
	return true;
}

/* May the next bytes be the first of a protocol that the kernel side knows? */
static __always_inline bool stream_may_turn(const struct conn_state *state, u8 direction)
{
	return !state->ordered ||
	       (state->ordered == OBI_ORDER_FRAMES && state->offset[direction & 1] == 0);
}

/* A chunk of such a connection. false: it turns out to be HTTP/1 now, and goes the way of that. */
static __always_inline bool stream_chunk(struct conn_state *state, struct scratch *s, u32 slot,
					 u8 direction, enum obi_unread unread, u64 now)
{
	u32 len = 0;
	int guess;

	stream_take_order(state);
	if (state->muted || state->closed || stream_is_over(state, s, direction))
		return true;
	if (unread == OBI_READ)
		len = scratch_read(slot);
	if (len > OBI_HEAD_MAX)
		return true;
	if (len == 0)
		unread_chunk(state->pid, unread);
	if (len && !state->datagrams && stream_may_turn(state, direction)) {
		guess = scratch_guess(slot, len);
		if (!state->ordered &&
		    (guess == GUESS_HTTP_REQUEST || guess == GUESS_HTTP_RESPONSE)) {
			state->streaming = 0;
			state->total = 0;
			return false;
		}
		frames_may_begin(state, s, direction, guess);
	}
	if (!state->ordered && !state->limit) {
		state->offset[direction & 1] += s->bytes;
		return true;
	}
	s->window = len;
	stream_output(state, s, slot, direction, now);
	return true;
}

#endif
