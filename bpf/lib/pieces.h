/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Reads a chunk's bytes out of the memory that user_data tells of, however many pieces it is in: a
 * vector has up to UIO_MAXIOV.
 *
 * Global functions: the verifier looks at each once and not for each state that its callers may be
 * in, and where one calls the other in a loop, the two loops add up and do not multiply. They take
 * no pointers, which kernels before 5.12 refuse: what they hand on is in the scratch.
 */
#ifndef OBI_BPF_PIECES_H
#define OBI_BPF_PIECES_H

/* UAPI, linux/uio.h: UIO_MAXIOV, 1024 */
#define WALK_PIECES 8
#define WALK_ROUNDS 128
#define WALK_FEW 4 /* without a call for them: most vectors */

static __always_inline long piece_read(const struct user_data *data, u64 i,
				       struct user_iovec *ret_piece)
{
	struct compat_iovec narrow;

	if (data->kind == VEC_KERNEL)
		return bpf_probe_read_kernel(ret_piece, sizeof(*ret_piece), data->vec + i);
	if (data->kind == VEC_USER)
		return bpf_probe_read_user(ret_piece, sizeof(*ret_piece), data->vec + i);
	if (bpf_probe_read_user(&narrow, sizeof(narrow), (struct compat_iovec *)data->vec + i))
		return -1;
	ret_piece->iov_base = (void *)(u64)narrow.iov_base;
	ret_piece->iov_len = narrow.iov_len;
	return 0;
}

/* Copies from so many of the next pieces; true where more is wanted and there may be more. */
static __always_inline bool walk_on(struct scratch *s, u32 pieces)
{
	u64 from = s->walk.from, before = s->walk.before;
	u32 i = s->walk.piece, have = s->walk.have, want = s->walk.want, to = s->walk.to;
	struct user_iovec piece;
	bool more = true;

#pragma clang loop unroll(disable)
	for (u32 left = pieces; left; left--) {
		u64 over = from + have - before;
		u32 at = to + have, n = want - have;

		more = i < s->data.count && !piece_read(&s->data, i, &piece);
		if (!more)
			break;
		if (over < piece.iov_len) {
			if (n > piece.iov_len - over)
				n = piece.iov_len - over;
			barrier_var(n); /* the bounds are of the registers that are used */
			barrier_var(at);
			more = n <= OBI_HEAD_MAX && at <= OBI_HEAD_MAX &&
			       !bpf_probe_read_user(s->head + at, n, piece.iov_base + over);
			if (!more)
				break;
			have += n;
		}
		more = have < want;
		if (!more)
			break;
		before += piece.iov_len;
		i++;
	}
	s->walk.before = before;
	s->walk.piece = i;
	s->walk.have = have;
	return more;
}

__noinline int scratch_pieces(u32 slot)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch, &slot);

	return s && walk_on(s, WALK_PIECES);
}

/* Copies want bytes of the chunk from this offset on, or fewer where they cannot be had, to an
 * offset of head. Goes on where the last walk through the vector ended, if that is not behind it.
 * Returns how many. */
static __always_inline u32 walk(struct scratch *s, u32 slot, u64 from, u32 want, u32 to)
{
	from += s->data.skip;
	if (from < s->walk.before) {
		s->walk.before = 0;
		s->walk.piece = 0;
	}
	s->walk.from = from;
	s->walk.want = want;
	s->walk.to = to;
	s->walk.have = 0;
	if (!walk_on(s, WALK_FEW))
		return s->walk.have;
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < WALK_ROUNDS; i++) {
		if (!scratch_pieces(slot))
			break;
	}
	return s->walk.have;
}

/*
 * Copies the first bytes of the piece to head of a scratch, at most OBI_HEAD_MAX, and zeroes the
 * guess's bytes behind them. Returns how many were copied.
 */
__noinline int scratch_read(u32 slot)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch, &slot);
	struct user_iovec one;
	u64 skip;
	u32 n;

	if (!s)
		return 0;
	((u64 *)s->head)[0] = 0;
	((u64 *)s->head)[1] = 0;
	skip = s->skip;
	n = s->bytes < OBI_HEAD_MAX ? s->bytes : OBI_HEAD_MAX;
	if (s->data.vec)
		return walk(s, slot, skip, n, 0);
	one = s->data.one;
	if (skip >= one.iov_len)
		return 0;
	if (n > one.iov_len - skip)
		n = one.iov_len - skip;
	barrier_var(n);
	if (n > OBI_HEAD_MAX || bpf_probe_read_user(s->head, n, one.iov_base + skip))
		return 0;
	return n;
}

/* The last 8 bytes of the chunk into tail of a scratch, the very last in the highest byte; zero
 * where there are none. */
__noinline int scratch_tail(u32 slot)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch, &slot);
	u64 end, *tail;
	u32 n;

	if (!s)
		return 0;
	s->tail = 0;
	end = s->skip + s->bytes;
	n = end < sizeof(s->tail) ? end : sizeof(s->tail);
	if (n == 0)
		return 0;
	if (!s->data.vec) {
		barrier_var(n);
		if (n <= sizeof(s->tail) && end <= s->data.one.iov_len)
			(void)bpf_probe_read_user(&s->tail, n, s->data.one.iov_base + (end - n));
	} else {
		tail = (u64 *)(s->head + OBI_HEAD_MAX); /* where no head is */
		if (walk(s, slot, end - n, n, OBI_HEAD_MAX) == n)
			s->tail = *tail;
		*tail = 0;
	}
	s->tail <<= 8 * (sizeof(s->tail) - n) & 63;
	return 0;
}

#endif
