/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Trace identity, made where it is needed first. A server request takes its trace from the
 * traceparent header it came with, else a new one, and is remembered for its thread; a
 * client request of that thread becomes its child.
 */
#ifndef OBI_BPF_TRACE_H
#define OBI_BPF_TRACE_H

/* "traceparent:" then blanks, "00-" 32 hex "-" 16 hex "-" 2 hex (W3C Trace Context section 3.2) */
#define TRACEPARENT_NAME_LEN 12
#define TRACEPARENT_VALUE_LEN 55

static __always_inline void random_bytes(u8 *to, u32 words)
{
	u32 *word = (u32 *)to;

	for (u32 i = 0; i < words; i++)
		word[i] = bpf_get_prandom_u32();
}

static __always_inline bool trace_is_set(const struct obi_trace *trace)
{
	const u64 *id = (const u64 *)trace->trace_id;

	return id[0] | id[1];
}

static __always_inline void trace_new_root(struct obi_trace *trace)
{
	random_bytes(trace->trace_id, 4);
	random_bytes(trace->span_id, 2);
	__builtin_memset(trace->parent_id, 0, sizeof(trace->parent_id));
	trace->trace_flags = 1;
}

static __always_inline void trace_new_child(struct obi_trace *trace, const struct obi_trace *parent)
{
	__builtin_memcpy(trace->trace_id, parent->trace_id, sizeof(trace->trace_id));
	__builtin_memcpy(trace->parent_id, parent->span_id, sizeof(trace->parent_id));
	random_bytes(trace->span_id, 2);
	trace->trace_flags = parent->trace_flags;
}

/* false where a digit is not hexadecimal; without branches, see guess.h */
static __noinline bool hex_decode(const u8 *from, u8 *to, u32 bytes)
{
	u32 good = 1;

#pragma clang loop unroll(disable)
	for (u32 i = 0; i < bytes; i++) {
		u32 high = from[2 * i], low = from[2 * i + 1];

		good &= byte_between(high, '0', '9') | byte_between(high | 0x20, 'a', 'f');
		good &= byte_between(low, '0', '9') | byte_between(low | 0x20, 'a', 'f');
		to[i] = ((high & 15) + 9 * (high >> 6)) << 4 | ((low & 15) + 9 * (low >> 6));
	}
	return good;
}

static __always_inline bool is_traceparent_name(const u8 *p)
{
	const u8 name[] = "traceparent";
	u32 differs = p[TRACEPARENT_NAME_LEN - 1] ^ ':';

#pragma clang loop unroll(full)
	for (u32 i = 0; i < TRACEPARENT_NAME_LEN - 1; i++)
		differs |= (p[i] | 0x20) ^ name[i];
	return differs == 0;
}

/* Looks for a traceparent header in the first len bytes of head of a scratch; trace id, parent id
 * and flags go to its record. 1 where there is a valid one. */
__noinline int scratch_traceparent(u32 slot, u32 len)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch, &slot);
	struct obi_trace *trace;
	u32 at = 0;

	if (!s)
		return false;
	trace = &s->record.trace;
	for (u32 i = 0; i < OBI_HEAD_MAX - 1; i++) {
		if (i + TRACEPARENT_NAME_LEN + TRACEPARENT_VALUE_LEN >= len)
			return false;
		if (s->head[i] != '\n' || (s->head[i + 1] | 0x20) != 't')
			continue;
		if (is_traceparent_name(&s->head[i + 1])) {
			at = i + 1 + TRACEPARENT_NAME_LEN;
			break;
		}
	}
	/* Through memory, so that the verifier forgets where exactly it was found. */
	*(volatile u64 *)&s->tail = at;
	at = *(volatile u64 *)&s->tail;
	if (!at || at >= OBI_HEAD_MAX)
		return false;
	if (s->head[at] == ' ')
		at++;
	if (at >= OBI_HEAD_MAX)
		return false;
	if (s->head[at] != '0' || s->head[at + 1] != '0' || s->head[at + 2] != '-' ||
	    s->head[at + 35] != '-' || s->head[at + 52] != '-')
		return false;
	if (!hex_decode(&s->head[at + 3], trace->trace_id, 16) ||
	    !hex_decode(&s->head[at + 36], trace->parent_id, 8) ||
	    !hex_decode(&s->head[at + 53], &trace->trace_flags, 1))
		return false;
	trace->trace_flags &= 1;
	return trace_is_set(trace);
}

/* The request that this thread serves goes on with the trace of the header in this piece of its
 * head, if there is one. */
static __always_inline bool trace_adopt(struct conn_state *state, struct scratch *s, u32 slot,
					u32 len)
{
	if (!scratch_traceparent(slot, len))
		return false;
	__builtin_memcpy(state->trace.trace_id, s->record.trace.trace_id,
			 sizeof(state->trace.trace_id));
	__builtin_memcpy(state->trace.parent_id, s->record.trace.parent_id,
			 sizeof(state->trace.parent_id));
	state->trace.trace_flags = s->record.trace.trace_flags;
	return true;
}

/* A server request begins on this thread. */
static __always_inline void trace_begin_server(struct conn_state *state, struct scratch *s,
					       u32 slot, u32 len)
{
	u64 thread = bpf_get_current_pid_tgid();

	trace_new_root(&state->trace);
	trace_adopt(state, s, slot, len);
	state->stamped = 1;
	bpf_map_update_elem(&thread_trace, &thread, &state->trace, BPF_ANY);
}

/* A further piece of its head. */
static __always_inline void trace_more_server(struct conn_state *state, struct scratch *s, u32 slot,
					      u32 len)
{
	u64 thread = bpf_get_current_pid_tgid();

	if (state->stamped && trace_adopt(state, s, slot, len))
		bpf_map_update_elem(&thread_trace, &thread, &state->trace, BPF_ANY);
}

/* A client request begins on this thread; where a header was injected, it was stamped then. */
static __always_inline void trace_begin_client(struct conn_state *state)
{
	u64 thread = bpf_get_current_pid_tgid();
	struct obi_trace *parent = NULL;

	if (state->stamped)
		return;
	/* An event loop connects while it works on one request and may write while it works on
	 * another: the first request of a connection belongs to the one that connected. */
	if (state->from_start)
		parent = &state->connect_trace;
	else
		parent = bpf_map_lookup_elem(&thread_trace, &thread);
	if (parent && trace_is_set(parent))
		trace_new_child(&state->trace, parent);
	else
		trace_new_root(&state->trace);
	state->stamped = 1;
	state->from_start = 0;
}

/* The server's answer begins: what the thread does from now on is not part of the request. */
static __always_inline void trace_end_server(struct conn_state *state)
{
	u64 thread = bpf_get_current_pid_tgid();
	struct obi_trace *current_trace = bpf_map_lookup_elem(&thread_trace, &thread);

	if (current_trace && *(u64 *)current_trace->span_id == *(u64 *)state->trace.span_id)
		bpf_map_delete_elem(&thread_trace, &thread);
}

#endif
