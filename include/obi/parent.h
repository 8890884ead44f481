/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 OR BSD-2-Clause */
/*
 * Whose child is a client request? One rule, compiled for the kernel side, which writes headers,
 * and for the worker, which makes the identities where none are written.
 *
 * A server request is open from its head to the last byte of its answer. While it is, it stands in
 * three slots: of the thread that read it, of the process, and of its request line within the
 * process. A slot is *sole* while it holds one request that never had another beside it. A client
 * request is the child of
 *
 *   - the request that its connection's opener was serving alone when it called connect(2), if this
 *     is the first on the connection and that request is still open;
 *   - the sole request of its thread, if the process's requests stay with the threads that read
 * them: as far as other requests are open in the process, this must have been seen (the read could
 *     wait, so a thread serves it; or answers came from the threads that read);
 *   - the sole request of its process, once one was answered by another thread than read it;
 *   - the only open request with the same request line, if every client request of the process had
 *     one: it is a proxy that hands requests on.
 *
 * Where two of these name different requests, and where none does, it has no parent.
 */
#ifndef OBI_PARENT_H
#define OBI_PARENT_H

#include "obi/record.h"

#ifdef __bpf__
#define OBI_RULE static __always_inline
#else
#define OBI_RULE static inline
#endif

/* What a process was seen to do. */
#define OBI_HABIT_BLOCKS 0x01  /* makes sockets blocking that it connected without waiting */
#define OBI_HABIT_SPLICES 0x02 /* writes to a socket by splice(2) */
#define OBI_HABIT_MOVES 0x04   /* a request is answered by another thread than read it */
#define OBI_HABIT_ASKS 0x08    /* makes requests that it did not receive: no proxy */

#define OBI_KEPT_ENOUGH 16 /* answers from the thread that read, others being open */

struct obi_slot {
	__u64 began_ns;   /* its first request */
	__u64 spoiled_ns; /* when a second came beside it; 0 = none did */
	__u32 open;       /* requests now */
	__u32 asked;      /* client requests made meanwhile */
	__u8 held;        /* the first is still open: trace is its */
	__u8 waited_for;  /* by a read that could wait */
	__u8 pad[6];
	struct obi_trace trace;
};

/* What may tell a client request's parent. A slot that there is not is NULL. */
struct obi_kin {
	const struct obi_slot *opener;
	const struct obi_slot *thread;
	const struct obi_slot *process;
	const struct obi_slot *line;
	__u64 opened_ns; /* connect(2) of the connection whose first request this is; 0: it is not
			  */
	__u32 habits;    /* OBI_HABIT_* */
	__u32 kept;      /* up to OBI_KEPT_ENOUGH */
};

/* On the kernel side several CPUs count at once; what is added is not asked for, which 5.10 could
 * not answer. */
OBI_RULE void obi_count_open(__u32 *open, __u32 n)
{
#ifdef __bpf__
	__sync_fetch_and_add(open, n);
#else
	*open += n;
#endif
}

/* Two that begin at once both see the other: then none holds the slot. */
OBI_RULE void obi_slot_begin(struct obi_slot *slot, const struct obi_trace *trace, __u64 now_ns,
			     __u8 waited_for)
{
	obi_count_open(&slot->open, 1);
	if (slot->open != 1) {
		if (!slot->spoiled_ns)
			slot->spoiled_ns = now_ns;
		return;
	}
	slot->began_ns = now_ns;
	slot->asked = 0;
	slot->held = 1;
	slot->waited_for = waited_for;
	slot->trace = *trace;
}

/* Eight bytes, as one word on the kernel side too, where alignment does not matter. */
OBI_RULE __u64 obi_word(const __u8 *bytes)
{
#ifdef __bpf__
	return *(const __u64 *)bytes;
#else
	__u64 word;

	__builtin_memcpy(&word, bytes, sizeof(word));
	return word;
#endif
}

OBI_RULE _Bool obi_same_span(const struct obi_trace *a, const struct obi_trace *b)
{
	return obi_word(a->span_id) == obi_word(b->span_id);
}

/* The header of one of its requests came late. */
OBI_RULE void obi_slot_adopt(struct obi_slot *slot, const struct obi_trace *trace)
{
	if (slot->held && obi_same_span(&slot->trace, trace))
		slot->trace = *trace;
}

/* 0 when no request is left. */
OBI_RULE __u32 obi_slot_end(struct obi_slot *slot, const struct obi_trace *trace)
{
	if (slot->held && obi_same_span(&slot->trace, trace))
		slot->held = 0;
	if (slot->open)
		obi_count_open(&slot->open, -1);
	if (slot->open == 0) {
		slot->held = 0;
		slot->spoiled_ns = 0;
	}
	return slot->open;
}

OBI_RULE _Bool obi_slot_sole(const struct obi_slot *slot)
{
	return slot && slot->held && slot->open == 1 && !slot->spoiled_ns;
}

/* Was it sole then, and is its request still open? */
OBI_RULE _Bool obi_slot_sole_at(const struct obi_slot *slot, __u64 ns)
{
	return slot && slot->held && slot->began_ns <= ns &&
	       (!slot->spoiled_ns || slot->spoiled_ns > ns);
}

/* Do a request's thread and answer tell that it stays there? */
OBI_RULE _Bool obi_thread_stands(const struct obi_kin *kin)
{
	return kin->thread->waited_for || kin->kept >= OBI_KEPT_ENOUGH ||
	       obi_slot_sole(kin->process);
}

/* The parent's identity, or NULL. *ret_unclear: requests are open, and none is known to be it. */
OBI_RULE const struct obi_trace *obi_parent(const struct obi_kin *kin, _Bool *ret_unclear)
{
	const struct obi_slot *by_opener = 0, *by_thread = 0, *by_line = 0, *found;

	*ret_unclear = 0;
	if (!kin->process || !kin->process->open)
		return 0;
	if (kin->habits & OBI_HABIT_MOVES) {
		if (obi_slot_sole(kin->process))
			by_thread = kin->process;
	} else {
		if (kin->opened_ns && obi_slot_sole_at(kin->opener, kin->opened_ns))
			by_opener = kin->opener;
		if (obi_slot_sole(kin->thread) && obi_thread_stands(kin))
			by_thread = kin->thread;
	}
	if (!(kin->habits & OBI_HABIT_ASKS) && obi_slot_sole(kin->line))
		by_line = kin->line;
	found = by_opener ? by_opener : by_thread ? by_thread : by_line;
	*ret_unclear = 1;
	if (!found || (by_thread && !obi_same_span(&by_thread->trace, &found->trace)) ||
	    (by_line && !obi_same_span(&by_line->trace, &found->trace)))
		return 0;
	*ret_unclear = 0;
	return &found->trace;
}

/* Is the context in an outgoing header the one that the server request came with? */
OBI_RULE _Bool obi_handed_on(const struct obi_trace *server, const struct obi_trace *header)
{
	return obi_word(server->trace_id) == obi_word(header->trace_id) &&
	       obi_word(server->trace_id + 8) == obi_word(header->trace_id + 8) &&
	       obi_word(server->parent_id) == obi_word(header->span_id);
}

/* Keys of slots. A thread's is its process and itself, a process's has no thread in it, and a
 * line's has the highest bit, which no number of a process has. */
OBI_RULE __u64 obi_thread_key(__u32 pid, __u32 tid)
{
	return (__u64)pid << 32 | tid;
}

OBI_RULE __u64 obi_process_key(__u32 pid)
{
	return (__u64)pid << 32;
}

#define OBI_LINE_MAX 256 /* a longer request line has no slot */

/* Of the method and target at p, and the blank behind them; 0 where they do not end before `end` or
 * within OBI_LINE_MAX. Both sides are little-endian. */
OBI_RULE __u64 obi_line_key(__u32 pid, const __u8 *p, const __u8 *end)
{
	__u64 hash = pid, seen = 0;

	for (__u32 at = 0; at < OBI_LINE_MAX; at += 8) {
		__u64 word, blanks, behind;

		if (p + at + 8 > end)
			return 0;
		word = obi_word(p + at);
		blanks = word ^ 0x2020202020202020;
		blanks = (blanks - 0x0101010101010101) & ~blanks & 0x8080808080808080;
		if (blanks && !seen) { /* the one behind the method */
			seen = 1;
			blanks &= blanks - 1;
		}
		if (blanks) {
			behind = (blanks & -blanks) >> 7;
			word &= behind - 1;
		}
		hash = (hash ^ word) * 0x9e3779b97f4a7c15;
		hash ^= hash >> 29;
		if (blanks)
			return hash | 1ULL << 63;
	}
	return 0;
}

#endif
