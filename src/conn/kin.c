// SPDX-License-Identifier: Apache-2.0
/*
 * Which server requests are open on which thread, in which process, with which request line, and
 * so whose child a client request is: the rule of obi/parent.h on this side.
 *
 * Slots lie in one array, chained by the hash of their keys. There are at most three for each
 * exchange; the array doubles as they come, and a request without room in it spoils its process's
 * slot. Habits of processes lie in a table of fixed size, where a later process may take the place
 * of an earlier one, which then is new again.
 */
#include "conn/state.h"

#include <errno.h>
#include <stdlib.h>

#define CHAINS 4096 /* powers of two */
#define HABITS 2048
#define FIRST_SLOTS 64
/* Most servers ask nobody: after so many requests theirs have no slots until they do. */
#define KEPT_AT_FIRST 256

struct kin_slot {
	uint64_t key;
	uint32_t next; /* of its chain, or of those that are free */
	struct obi_slot slot;
};

struct kin_habits {
	uint32_t pid;
	uint16_t habits; /* OBI_HABIT_* */
	uint16_t kept;
	uint32_t unlined; /* open requests without a slot for their line, */
	uint32_t unkept;  /* and without any: beside them nobody is known to be alone */
	uint16_t served;  /* requests, up to KEPT_AT_FIRST */
	bool asks;        /* it makes requests of its own */
};

struct kins {
	struct kin_slot *slots;
	uint32_t count;
	uint32_t free;
	uint32_t chains[CHAINS];
	struct kin_habits habits[HABITS];
};

int kins_init(struct obi_conns *conns)
{
	struct kins *kins = calloc(1, sizeof(*kins));

	if (!kins)
		return -ENOMEM;
	kins->free = NO_INDEX;
	memset(kins->chains, 0xff, sizeof(kins->chains));
	conns->kins = kins;
	return 0;
}

void kins_free(struct obi_conns *conns)
{
	if (conns->kins)
		free(conns->kins->slots);
	free(conns->kins);
}

static struct kin_habits *habits_of(struct kins *kins, uint32_t pid)
{
	struct kin_habits *habits = &kins->habits[pid & (HABITS - 1)];

	if (habits->pid != pid)
		*habits = (struct kin_habits){ .pid = pid };
	return habits;
}

static uint32_t *chain_of(struct kins *kins, uint64_t key)
{
	return &kins->chains[(key * 0x9e3779b97f4a7c15ULL) >> 32 & (CHAINS - 1)];
}

static struct obi_slot *slot_find(struct kins *kins, uint64_t key)
{
	for (uint32_t at = *chain_of(kins, key); at != NO_INDEX; at = kins->slots[at].next)
		if (kins->slots[at].key == key)
			return &kins->slots[at].slot;
	return NULL;
}

static bool slots_grow(struct kins *kins)
{
	uint32_t count = kins->count ? 2 * kins->count : FIRST_SLOTS;
	struct kin_slot *grown = realloc(kins->slots, count * sizeof(*grown));

	if (!grown)
		return false;
	for (uint32_t at = kins->count; at < count; at++) {
		grown[at].next = kins->free;
		kins->free = at;
	}
	kins->slots = grown;
	kins->count = count;
	return true;
}

static void slot_begin(struct kins *kins, uint64_t key, const struct exchange *x)
{
	struct obi_slot *slot = key ? slot_find(kins, key) : NULL;
	uint32_t *chain = chain_of(kins, key), at;

	if (!slot && key && (kins->free != NO_INDEX || slots_grow(kins))) {
		at = kins->free;
		kins->free = kins->slots[at].next;
		kins->slots[at] = (struct kin_slot){ .key = key, .next = *chain };
		*chain = at;
		slot = &kins->slots[at].slot;
	}
	if (slot)
		obi_slot_begin(slot, &x->trace, x->start_ns, x->could_wait);
	else
		habits_of(kins, x->pid)->habits |= OBI_HABIT_ASKS | OBI_HABIT_MOVES;
}

static void slot_end(struct kins *kins, uint64_t key, const struct exchange *x)
{
	struct obi_slot *slot = key ? slot_find(kins, key) : NULL;
	uint32_t *link = chain_of(kins, key), at;

	if (!slot || obi_slot_end(slot, &x->trace))
		return;
	while (kins->slots[*link].key != key)
		link = &kins->slots[*link].next;
	at = *link;
	*link = kins->slots[at].next;
	kins->slots[at].next = kins->free;
	kins->free = at;
}

void kin_begin(struct obi_conns *conns, struct exchange *x)
{
	struct kins *kins = conns->kins;
	struct kin_habits *habits = habits_of(kins, x->pid);

	x->standing = true;
	x->kept = habits->asks || habits->served < KEPT_AT_FIRST;
	if (!x->kept) {
		habits->unkept++;
		return;
	}
	habits->served += !habits->asks;
	slot_begin(kins, obi_process_key(x->pid), x);
	if (x->tid)
		slot_begin(kins, obi_thread_key(x->pid, x->tid), x);
	if (x->line)
		slot_begin(kins, x->line, x);
	else
		habits->unlined++;
}

void kin_answer(struct obi_conns *conns, const struct exchange *x, uint32_t tid)
{
	struct kin_habits *habits = habits_of(conns->kins, x->pid);
	const struct obi_slot *thread, *process;

	if (!x->standing || !x->kept || !tid || !x->tid)
		return;
	if (tid != x->tid) {
		habits->habits |= OBI_HABIT_MOVES;
		return;
	}
	thread = slot_find(conns->kins, obi_thread_key(x->pid, x->tid));
	process = slot_find(conns->kins, obi_process_key(x->pid));
	if (thread && thread->asked && process && process->open > 1 &&
	    habits->kept < OBI_KEPT_ENOUGH)
		habits->kept++;
}

void kin_end(struct obi_conns *conns, struct exchange *x)
{
	struct kin_habits *habits = habits_of(conns->kins, x->pid);

	if (!x->standing)
		return;
	x->standing = false;
	if (!x->kept) {
		habits->unkept -= habits->unkept > 0;
		return;
	}
	slot_end(conns->kins, obi_process_key(x->pid), x);
	if (x->tid)
		slot_end(conns->kins, obi_thread_key(x->pid, x->tid), x);
	if (x->line)
		slot_end(conns->kins, x->line, x);
	else if (habits->unlined)
		habits->unlined--;
}

const struct obi_trace *kin_parent(struct obi_conns *conns, const struct exchange *x,
				   const struct opening *opening)
{
	struct kins *kins = conns->kins;
	struct kin_habits *habits = habits_of(kins, x->pid);
	struct obi_slot *thread = x->tid ? slot_find(kins, obi_thread_key(x->pid, x->tid)) : NULL;
	struct obi_kin kin = {
		.thread = thread,
		.process = slot_find(kins, obi_process_key(x->pid)),
		.line = x->line ? slot_find(kins, x->line) : NULL,
		.opened_ns = opening->ns,
	};
	const struct obi_trace *parent;
	bool unclear;

	habits->asks = true;
	if (habits->unkept) {
		conns->stats.unclear_parents++;
		return NULL;
	}
	if (thread)
		thread->asked++;
	if (opening->ns)
		kin.opener = slot_find(kins, obi_thread_key(x->pid, opening->tid));
	if (x->line && !kin.line && kin.process && kin.process->open && !habits->unlined)
		habits->habits |= OBI_HABIT_ASKS;
	kin.habits = habits->habits;
	kin.kept = habits->kept;
	parent = obi_parent(&kin, &unclear);
	conns->stats.unclear_parents += unclear;
	return parent;
}
