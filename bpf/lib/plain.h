/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Chunks of plain text. All have a record, with the place, the length and the last bytes of the
 * chunk; how much of it is shown is the worker's to order (obi/order.h). Where it wants heads of
 * messages, what begins like one is shown, and the chunk behind it, since a head may go on there.
 */
#ifndef OBI_BPF_PLAIN_H
#define OBI_BPF_PLAIN_H

#define PLAIN_HEAD (16 * 1024) /* shown of a chunk that may have a head */
#define PLAIN_BODY 256         /* shown of others: the length of a chunked body's next chunk */
#define PLAIN_PIECES (OBI_ORDER_BYTES_MAX / OBI_HEAD_MAX)
#define PLAIN_SMALL 256 /* room of the smaller of two sizes of records */

static __noinline void plain_fill(struct obi_record *r, const struct tls_session *session,
				  u8 direction)
{
	r->type = OBI_RECORD_CHUNK;
	r->direction = direction;
	r->side = session->side;
	r->flags = OBI_RECORD_TLS | (session->ordered ? 0 : OBI_RECORD_UNORDERED);
	r->message = 0;
	r->conn = session->id;
	r->time_ns = bpf_ktime_get_ns();
	r->before = session->offset[direction & 1];
	r->total_bytes = 0;
	r->last_ns = session->carrier == session->id ? 0 : session->carrier;
	r->pid = session->pid;
	r->tid = bpf_get_current_pid_tgid();
	r->opened_ns = session->opened_ns;
	r->opener = session->opener;
	__builtin_memcpy(&r->tuple, &session->tuple, sizeof(r->tuple));
	__builtin_memset(&r->trace, 0, sizeof(r->trace));
}

/* The last of so many bytes at that place, the very last in the highest byte. */
static __noinline u64 last_bytes(u64 at, u32 bytes)
{
	u32 len = bytes & 7;
	u64 tail = 0;

	if (bytes >= sizeof(tail))
		return bpf_probe_read_user(&tail, sizeof(tail), (void *)(at + bytes - sizeof(tail)))
			       ? 0
			       : tail;
	barrier_var(len);
	len &= 7; /* the bound is of the register that is used */
	if (bpf_probe_read_user(&tail, len, (void *)at))
		return 0;
	return tail << 8 * (sizeof(tail) - len);
}

static __always_inline void plain_put(struct tls_session *session, struct obi_record *r,
				      u8 direction, u32 room)
{
	const struct plain_piece *piece = &session->pieces[direction & 1];
	u32 len = piece->len;

	plain_fill(r, session, direction);
	r->bytes = piece->bytes;
	barrier_var(len);
	if (len > room || bpf_probe_read_user(r->head, len, (void *)piece->at))
		len = 0;
	r->head_len = len;
	if (len == 0 && piece->len)
		r->flags |= OBI_RECORD_UNREADABLE;
	if (len < piece->bytes)
		r->total_bytes = last_bytes(piece->at, piece->bytes);
}

static __noinline int plain_small(struct tls_session *session, u8 direction, u64 flags)
{
	struct obi_record *r = bpf_ringbuf_reserve(&records, sizeof(*r) + PLAIN_SMALL, 0);

	if (!r)
		return 0;
	plain_put(session, r, direction, PLAIN_SMALL);
	bpf_ringbuf_submit(r, flags);
	return 1;
}

static __noinline int plain_large(struct tls_session *session, u8 direction, u64 flags)
{
	struct obi_record *r = bpf_ringbuf_reserve(&records, sizeof(*r) + OBI_HEAD_MAX, 0);

	if (!r)
		return 0;
	plain_put(session, r, direction, OBI_HEAD_MAX);
	bpf_ringbuf_submit(r, flags);
	return 1;
}

/* A record of the next piece. All that goes from round to round lies in the session: the verifier
 * walks through it once. */
__noinline int plain_output(struct tls_session *session, u32 direction)
{
	struct plain_piece *piece;
	u32 len, bytes;
	int written = 0;
	u64 flags;

	if (!session)
		return 0;
	piece = &session->pieces[direction & 1];
	piece->at += piece->len;
	len = piece->share < OBI_HEAD_MAX ? piece->share : OBI_HEAD_MAX;
	piece->share -= len;
	bytes = piece->share ? len : piece->rest;
	piece->rest -= bytes;
	piece->len = len;
	piece->bytes = bytes;
	if (ring_open(sizeof(struct obi_record) + len, session->pid, &flags))
		written = len <= PLAIN_SMALL ? plain_small(session, direction, flags)
					     : plain_large(session, direction, flags);
	session->offset[direction & 1] += bytes;
	ring_written(written);
	return piece->rest != 0;
}

/* The worker may write at any moment: what was read once is used. */
static __always_inline void plain_take_order(struct tls_session *session)
{
	u32 key = (u32)session->id & (OBI_BOARD_SLOTS - 1);
	struct obi_order_slot *slot = bpf_map_lookup_elem(&orders, &key);
	u32 mode, bytes;

	if (!slot || *(volatile u64 *)&slot->conn != session->id)
		return;
	mode = *(volatile u32 *)&slot->order.mode;
	bytes = *(volatile u32 *)&slot->order.bytes;
	if (mode == OBI_ORDER_MUTE || (mode >= OBI_ORDER_STREAM && bytes == 0))
		session->muted = 1;
	else if (mode == OBI_ORDER_HEADS)
		session->ordered = mode;
	else if (mode == OBI_ORDER_STREAM || mode == OBI_ORDER_FRAMES) {
		session->ordered = mode;
		session->limit = bytes < OBI_ORDER_BYTES_MAX ? bytes : OBI_ORDER_BYTES_MAX;
	}
}

/* "GET", "HTT": three capital letters. */
static __always_inline bool begins_head(u64 at)
{
	u32 first = 0;
	u8 a, b, c;

	if (bpf_probe_read_user(&first, 3, (void *)at))
		return false;
	a = (u8)first - 'A';
	b = (u8)(first >> 8) - 'A';
	c = (u8)(first >> 16) - 'A';
	return a < 26 && b < 26 && c < 26;
}

/* "PRI ", the preface of HTTP/2: what the worker would order comes too late for large answers. */
static __always_inline bool begins_http2(u64 at)
{
	u32 first = 0;

	return !bpf_probe_read_user(&first, sizeof(first), (void *)at) && first == 0x20495250;
}

/* How much is shown of a chunk where heads are wanted. */
static __always_inline u32 heads_share(struct tls_session *session, u64 at, u8 direction)
{
	u8 bit = 1 << (direction & 1);

	if (begins_http2(at)) {
		session->ordered = OBI_ORDER_FRAMES;
		session->limit = OBI_ORDER_BYTES_MAX;
		return session->limit;
	}
	if (begins_head(at)) {
		session->heads |= bit;
		return PLAIN_HEAD;
	}
	if (session->heads & bit) {
		session->heads &= ~bit;
		return PLAIN_HEAD;
	}
	return PLAIN_BODY;
}

static __always_inline u32 plain_share(struct tls_session *session, u64 at, u32 bytes, u8 direction)
{
	u32 share;

	if (session->ordered && session->ordered != OBI_ORDER_HEADS)
		return session->limit;
	share = heads_share(session, at, direction);
	if (!session->ordered && ring_pressed && session->limit <= TLS_UNORDERED - TLS_PRESSED)
		session->limit = 0;
	if (session->ordered || session->limit == 0)
		return share;
	if (share < session->limit)
		share = session->limit;
	session->limit -= bytes < session->limit ? bytes : session->limit;
	return share;
}

static __noinline int plain_chunk(struct tls_session *session, u64 at, u32 bytes, u8 direction)
{
	struct plain_piece *piece = &session->pieces[direction & 1];
	u32 share, before;

	plain_take_order(session);
	if (session->muted)
		return 0;
	before = session->limit;
	share = plain_share(session, at, bytes, direction);
	if (share > OBI_ORDER_BYTES_MAX)
		share = OBI_ORDER_BYTES_MAX;
	piece->at = at;
	piece->len = 0;
	piece->share = share < bytes ? share : bytes;
	piece->rest = bytes;
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < PLAIN_PIECES; i++)
		if (!plain_output(session, direction))
			break;
	if (!session->ordered && (before - 1) / TLS_ASKS != (session->limit - 1) / TLS_ASKS)
		(void)ring_wake();
	if (direction == OBI_SEND)
		session->opened_ns = 0;
	return 0;
}

#endif
