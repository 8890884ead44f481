/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Where the bytes of a call lie, by the kernel's own vector (include/linux/uio.h). It is the truth
 * for whatever moves them: a system call, 32-bit or not, or a request of io_uring.
 */
#ifndef OBI_BPF_ITER_H
#define OBI_BPF_ITER_H

/* Until 5.13: type = ITER_IOVEC | direction */
#define ITER_IOVEC_OLD 4

enum iter_kind {
	ITER_IS_UBUF,  /* one piece of user memory */
	ITER_IS_IOVEC, /* several */
	ITER_IS_OTHER, /* pages, or the kernel's memory */
};

static __always_inline enum iter_kind iter_kind(struct iov_iter *iter)
{
	u8 type;

	if (!bpf_core_field_exists(iter->iter_type))
		return (BPF_CORE_READ(iter, type) & ~1u) == ITER_IOVEC_OLD ? ITER_IS_IOVEC
									   : ITER_IS_OTHER;
	type = BPF_CORE_READ(iter, iter_type);
	if (bpf_core_enum_value_exists(enum iter_type, ITER_UBUF) &&
	    type == bpf_core_enum_value(enum iter_type, ITER_UBUF))
		return ITER_IS_UBUF;
	return type == bpf_core_enum_value(enum iter_type, ITER_IOVEC) ? ITER_IS_IOVEC
								       : ITER_IS_OTHER;
}

static __always_inline u64 iter_vector(struct iov_iter *iter)
{
	if (bpf_core_field_exists(iter->__iov))
		return (u64)BPF_CORE_READ(iter, __iov);
	return (u64)BPF_CORE_READ(iter, iov);
}

/* The vector of a scratch is s->data.skip bytes behind where the chunk began: goes back, piece by
 * piece. 1 where that is further still. */
__noinline int scratch_back(u32 slot)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch, &slot);
	struct user_iovec *one;

	if (!s)
		return 0;
	one = &s->data.one;
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < WALK_PIECES; i++) {
		s->data.vec--;
		s->data.count++;
		if (piece_read(&s->data, 0, one)) {
			s->data.count = 0;
			return 0;
		}
		if (one->iov_len >= s->data.skip) {
			s->data.skip = one->iov_len - s->data.skip;
			return 0;
		}
		s->data.skip -= one->iov_len;
	}
	return 1;
}

static __always_inline void user_data_of_iovec(struct scratch *s, u32 slot, struct iov_iter *iter,
					       u64 done)
{
	u64 offset = BPF_CORE_READ(iter, iov_offset);

	user_data_of_vector(iter_vector(iter), BPF_CORE_READ(iter, nr_segs), VEC_KERNEL, &s->data);
	if (done <= offset) {
		user_data_skip(&s->data, offset - done);
		return;
	}
	s->data.vec = (void *)iter_vector(iter);
	s->data.skip = done - offset;
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < WALK_ROUNDS; i++) {
		if (!scratch_back(slot))
			break;
	}
}

/* Of the iov_iter at s->iter, which `done` bytes of the chunk went through: 0 before the call.
 * enum obi_unread, MOVED where there is no user memory. A global function: see pieces.h. */
__noinline int scratch_iter(u32 slot, u64 done)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch, &slot);
	struct iov_iter *iter;
	enum iter_kind kind;
	u64 offset;

	if (!s)
		return OBI_UNREAD_OTHER;
	iter = (struct iov_iter *)s->iter;
	kind = iter_kind(iter);
	if (kind == ITER_IS_IOVEC) {
		user_data_of_iovec(s, slot, iter, done);
		return OBI_READ;
	}
	if (kind != ITER_IS_UBUF || !bpf_core_field_exists(iter->ubuf))
		return OBI_UNREAD_MOVED;
	offset = BPF_CORE_READ(iter, iov_offset);
	if (offset < done)
		return OBI_UNREAD_OTHER;
	user_data_of_buffer((u64)BPF_CORE_READ(iter, ubuf) + offset - done, ~0ULL, &s->data);
	return OBI_READ;
}

#endif
