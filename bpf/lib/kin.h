/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Server requests while they are open, and the client requests made for them: obi/parent.h on this
 * side. Only with propagation; without it the worker does the same from the records.
 */
#ifndef OBI_BPF_KIN_H
#define OBI_BPF_KIN_H

static __always_inline struct process_kin *kin_make(u32 pid)
{
	struct process_kin *kin = bpf_map_lookup_elem(&process_kins, &pid);
	struct process_kin blank = { 0 };

	if (kin)
		return kin;
	bpf_map_update_elem(&process_kins, &pid, &blank, BPF_NOEXIST);
	return bpf_map_lookup_elem(&process_kins, &pid);
}

static __always_inline struct obi_slot *slot_make(u64 key)
{
	struct obi_slot *slot = bpf_map_lookup_elem(&slots, &key);
	struct obi_slot blank = { 0 };

	if (slot)
		return slot;
	bpf_map_update_elem(&slots, &key, &blank, BPF_NOEXIST);
	return bpf_map_lookup_elem(&slots, &key);
}

static __always_inline void kin_habit(u32 pid, u32 habit)
{
	struct process_kin *kin = kin_make(pid);

	if (kin)
		kin->habits |= habit;
}

static __always_inline void kin_asks(u32 pid, u64 now)
{
	struct process_kin *kin = kin_make(pid);

	if (kin && !kin->asks_since_ns)
		kin->asks_since_ns = now;
}

static __always_inline void kin_forget_thread(void)
{
	u64 thread = current_thread();

	bpf_map_delete_elem(&slots, &thread);
}

/* ---- Server requests ----------------------------------------------------------------------- */

/* The request that the connection has open is over. */
static __always_inline void request_end(struct conn_state *state)
{
	u32 pid = state->owner >> 32;
	u64 key = state->owner;
	struct process_kin *kin;
	struct obi_slot *slot;

	if (!state->serving)
		return;
	state->serving = 0;
	state->answering = 0;
	kin = bpf_map_lookup_elem(&process_kins, &pid);
	if (kin) {
		obi_slot_end(&kin->slot, &state->trace);
		if (state->unlined && kin->unlined)
			obi_count_open(&kin->unlined, -1);
	}
	state->unlined = 0;
	slot = bpf_map_lookup_elem(&slots, &key);
	if (slot)
		obi_slot_end(slot, &state->trace);
	key = state->line;
	slot = key ? bpf_map_lookup_elem(&slots, &key) : NULL;
	if (slot && obi_slot_end(slot, &state->trace) == 0)
		bpf_map_delete_elem(&slots, &key);
}

static __always_inline bool keeps_lines(const struct process_kin *kin)
{
	return !(kin->habits & OBI_HABIT_ASKS) &&
	       (kin->served < LINES_AT_FIRST || kin->asks_since_ns);
}

/* len: bytes of its line in head of s, and more. */
static __always_inline void request_begin(struct conn_state *state, struct scratch *s,
					  u32 slot_number, u32 len, u64 now, bool waited_for)
{
	u64 thread = current_thread();
	struct process_kin *kin = kin_make(thread >> 32);
	struct obi_slot *slot;

	if (!kin || len > OBI_HEAD_MAX)
		return;
	state->serving = 1;
	state->answering = 0;
	state->owner = thread;
	state->line = 0;
	state->to_head = *(u32 *)s->head == 0x44414548; /* "HEAD" */
	obi_slot_begin(&kin->slot, &state->trace, now, waited_for);
	slot = slot_make(thread);
	if (slot)
		obi_slot_begin(slot, &state->trace, now, waited_for);
	if (kin->served < LINES_AT_FIRST)
		kin->served++;
	if (!keeps_lines(kin))
		return;
	s->line = 0;
	(void)scratch_line(slot_number, len, thread >> 32);
	state->line = s->line;
	slot = state->line ? slot_make(state->line) : NULL;
	if (slot) {
		obi_slot_begin(slot, &state->trace, now, waited_for);
	} else {
		state->line = 0;
		state->unlined = 1;
		obi_count_open(&kin->unlined, 1);
	}
}

/* Another request follows on its connection before it is answered. */
static __always_inline void request_spoil(struct conn_state *state)
{
	u32 pid = state->owner >> 32;
	struct process_kin *kin = bpf_map_lookup_elem(&process_kins, &pid);
	struct obi_slot *slot = bpf_map_lookup_elem(&slots, &state->owner);

	if (kin && !kin->slot.spoiled_ns)
		kin->slot.spoiled_ns = bpf_ktime_get_ns();
	if (slot && !slot->spoiled_ns)
		slot->spoiled_ns = bpf_ktime_get_ns();
}

/* Its traceparent came in a later piece of the head. */
static __always_inline void request_adopts(struct conn_state *state)
{
	u32 pid = state->owner >> 32;
	struct process_kin *kin = bpf_map_lookup_elem(&process_kins, &pid);
	struct obi_slot *slot = bpf_map_lookup_elem(&slots, &state->owner);

	if (!state->serving)
		return;
	if (kin)
		obi_slot_adopt(&kin->slot, &state->trace);
	if (slot)
		obi_slot_adopt(slot, &state->trace);
	slot = state->line ? bpf_map_lookup_elem(&slots, &state->line) : NULL;
	if (slot)
		obi_slot_adopt(slot, &state->trace);
}

/* ---- Answers ------------------------------------------------------------------------------- */

/* An answer begins on the connection: who sends it tells whether requests stay with their threads.
 */
static __always_inline void answer_begin(struct conn_state *state, struct scratch *s, u32 slot,
					 u32 len)
{
	u64 thread = current_thread();
	u32 pid = state->owner >> 32, status;
	struct process_kin *kin;
	struct obi_slot *own;

	if (!state->serving || state->answering)
		return;
	state->answering = 1;
	state->answer_end = 0;
	kin = bpf_map_lookup_elem(&process_kins, &pid);
	own = bpf_map_lookup_elem(&slots, &state->owner);
	if (kin && thread != state->owner)
		kin->habits |= OBI_HABIT_MOVES;
	else if (kin && own && own->asked && kin->slot.open > 1 && kin->kept < OBI_KEPT_ENOUGH)
		kin->kept++;
	status = *(u32 *)&s->head[9] & 0xffffff;
	/* "HTTP/1.1 204", 304 and answers to HEAD have no body; 101 ends all that is known. */
	if (state->to_head || status == 0x343032 || status == 0x343033 || status == 0x313031) {
		request_end(state);
		return;
	}
	(void)scratch_answer_end(slot, len);
	if (s->answer_end)
		state->answer_end = state->total + s->answer_end;
}

/* So far the answer's message is total bytes long, and it ends in tail. */
static __always_inline void answer_goes_on(struct conn_state *state, u64 total, u64 tail)
{
	/* The last chunk, RFC 9112 section 7.1: 0 CRLF CRLF */
	if (state->answer_end ? total >= state->answer_end : tail >> 24 == 0x0a0d0a0d30)
		request_end(state);
}

/* ---- Client requests ----------------------------------------------------------------------- */

/* The identity of the server request for which this thread sends one, or NULL. */
static __always_inline const struct obi_trace *request_parent(struct conn_state *state, u64 line)
{
	u64 thread = current_thread();
	u64 opener = obi_thread_key(state->pid, state->opener);
	u32 pid = thread >> 32;
	struct process_kin *process = bpf_map_lookup_elem(&process_kins, &pid);
	u64 opened_ns = state->opened_ns;
	const struct obi_trace *parent;
	struct obi_kin kin = { 0 };
	struct obi_slot *slot;
	bool unclear;

	state->opened_ns = 0;
	if (!process)
		return NULL;
	if (!process->asks_since_ns)
		process->asks_since_ns = bpf_ktime_get_ns();
	if (!process->slot.open)
		return NULL;
	slot = bpf_map_lookup_elem(&slots, &thread);
	if (slot)
		slot->asked++;
	kin.thread = slot;
	kin.process = &process->slot;
	kin.opened_ns = opened_ns;
	kin.opener = opened_ns ? bpf_map_lookup_elem(&slots, &opener) : NULL;
	kin.line = line ? bpf_map_lookup_elem(&slots, &line) : NULL;
	/* Has it a line, and had all that are open a slot for theirs? */
	if (line && !kin.line && !process->unlined &&
	    (process->served < LINES_AT_FIRST ||
	     (process->asks_since_ns && process->slot.began_ns > process->asks_since_ns)))
		process->habits |= OBI_HABIT_ASKS;
	kin.habits = process->habits;
	kin.kept = process->kept;
	parent = obi_parent(&kin, &unclear);
	if (unclear)
		count(OBI_APP_UNCLEAR_PARENT);
	return parent;
}

static __always_inline void request_is_child(struct conn_state *state,
					     const struct obi_trace *parent)
{
	if (parent)
		trace_new_child(&state->trace, parent);
	else
		trace_new_root(&state->trace);
	trace_sample(&state->trace, state->pid);
	state->stamped = 1;
}

#endif
