/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Records: filled in, and written with the bytes of a chunk. */
#ifndef OBI_BPF_RECORD_H
#define OBI_BPF_RECORD_H

static __always_inline void record_output(struct scratch *s, u32 head_len)
{
	u32 size = sizeof(struct obi_record) + head_len;

	if (head_len > OBI_HEAD_MAX)
		return;
	s->record.head_len = head_len;
	barrier_var(size);
	if (size > OBI_RECORD_MAX) /* the bound is of the register that is used */
		return;
	ring_put(s, size, s->record.pid);
}

static __always_inline void record_fill(struct scratch *s, const struct conn_state *state, u8 type,
					u8 direction, u64 now)
{
	struct obi_record *r = &s->record;

	r->type = type;
	r->direction = direction;
	r->side = state->side;
	r->flags = 0;
	r->message = state->message;
	r->conn = state->id;
	r->time_ns = now;
	r->pid = state->pid;
	r->tid = bpf_get_current_pid_tgid();
	r->opened_ns = state->opened_ns;
	r->opener = state->opener;
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

/* The same for loops: the verifier walks through it once, not once a round. */
__noinline int scratch_put(u32 slot, u32 head_len)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch, &slot);

	if (s)
		record_output(s, head_len);
	return 0;
}

/* The records of a chunk whose first one is filled in: s->pieces of them, the last with all the
 * bytes behind. len: bytes read of the first. What stands in the scratch is not on the stack, of
 * which five calls have no more than 512 bytes. */
__noinline int scratch_output(u32 slot, u32 len)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch, &slot);

	if (!s)
		return 0;
	s->all = s->bytes;
	s->before = s->record.before;
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < CROWD_PIECES; i++) {
		if (i) {
			s->skip = i * OBI_HEAD_MAX;
			s->bytes = s->all - s->skip;
			len = scratch_read(slot);
			if (s->record.type == OBI_RECORD_MESSAGE)
				s->record.type = OBI_RECORD_MORE;
			s->record.total_bytes = s->record.last_ns = 0;
		}
		if (len > OBI_HEAD_MAX)
			break;
		s->record.before = s->before + s->skip;
		s->record.bytes = i + 1 < s->pieces ? len : s->bytes;
		(void)scratch_put(slot, len);
		if (i + 1 >= s->pieces)
			break;
	}
	s->skip = 0;
	s->bytes = s->all;
	return 0;
}

#endif
