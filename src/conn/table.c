// SPDX-License-Identifier: Apache-2.0
/*
 * Connections by cookie: an index with open addressing, whose entries carry half of the hash so
 * that a probe touches a connection only when it is most likely the right one, and an array of
 * slots that is used from the front, so that memory follows the number of connections.
 */
#include "conn/state.h"

#include <errno.h>
#include <stdlib.h>

#define TAG_MASK 0xffffffff00000000ULL
#define VICTIMS 32 /* looked at for one to evict */

static uint64_t hash_of(uint64_t id)
{
	uint64_t hash = id * 0x9e3779b97f4a7c15ULL;

	return hash ^ hash >> 32;
}

int table_init(struct obi_conns *conns)
{
	size_t max = conns->options.max_connections;

	if (max == 0 || max > UINT32_MAX / 4)
		return -EINVAL;
	conns->index_bits = 4;
	while (((size_t)1 << conns->index_bits) < 2 * max)
		conns->index_bits++;
	conns->index = calloc((size_t)1 << conns->index_bits, sizeof(*conns->index));
	conns->slots = calloc(max, sizeof(*conns->slots));
	conns->free_slot = NO_INDEX;
	for (int i = 0; i < AWAITS; i++)
		conns->await_first[i] = NO_INDEX;
	return conns->index && conns->slots ? 0 : -ENOMEM;
}

void table_free(struct obi_conns *conns)
{
	free(conns->index);
	free(conns->slots);
}

/* An entry is tag and slot number + 1; zero is empty. */
static uint64_t entry_of(uint64_t hash, uint32_t slot)
{
	return (hash & TAG_MASK) | (slot + 1);
}

static uint64_t index_mask(const struct obi_conns *conns)
{
	return ((uint64_t)1 << conns->index_bits) - 1;
}

/* Where the id stands, or the empty place where it would. */
static uint64_t index_find(const struct obi_conns *conns, uint64_t id)
{
	uint64_t hash = hash_of(id), mask = index_mask(conns), at = hash & mask;

	for (;; at = (at + 1) & mask) {
		uint64_t entry = conns->index[at];

		if (entry == 0)
			return at;
		if (((entry ^ hash) & TAG_MASK) == 0 && conns->slots[(uint32_t)entry - 1].id == id)
			return at;
	}
}

struct conn *table_find(struct obi_conns *conns, uint64_t id)
{
	uint64_t entry = conns->index[index_find(conns, id)];

	return entry ? &conns->slots[(uint32_t)entry - 1] : NULL;
}

struct conn *table_add(struct obi_conns *conns, uint64_t id)
{
	uint32_t slot = conns->free_slot;
	struct conn *c;

	if (slot != NO_INDEX)
		conns->free_slot = conns->slots[slot].await_next;
	else if (conns->slots_used < conns->options.max_connections)
		slot = conns->slots_used++;
	else
		return NULL;
	conns->index[index_find(conns, id)] = entry_of(hash_of(id), slot);
	c = &conns->slots[slot];
	*c = (struct conn){ .id = id, .requests = DIRECTION_UNKNOWN };
	conns->stats.connections++;
	return c;
}

/* Closes the gap: entries behind it that would no longer be found move up (Knuth, The Art of
 * Computer Programming, volume 3, section 6.4, algorithm R). */
static void index_remove(struct obi_conns *conns, uint64_t hole)
{
	uint64_t mask = index_mask(conns), at = hole;

	for (;;) {
		uint64_t entry, home;

		conns->index[hole] = 0;
		do {
			at = (at + 1) & mask;
			entry = conns->index[at];
			if (entry == 0)
				return;
			home = hash_of(conns->slots[(uint32_t)entry - 1].id) & mask;
		} while (((at - home) & mask) < ((at - hole) & mask));
		conns->index[hole] = entry;
		hole = at;
	}
}

void table_remove(struct obi_conns *conns, struct conn *c)
{
	table_await(conns, c, AWAIT_NOT);
	index_remove(conns, index_find(conns, c->id));
	c->id = 0;
	c->message = 0;
	c->await_next = conns->free_slot;
	conns->free_slot = (uint32_t)(c - conns->slots);
	conns->stats.connections--;
}

struct conn *table_victim(struct obi_conns *conns)
{
	struct conn *best = NULL;

	for (int i = 0; i < VICTIMS; i++) {
		struct conn *c = &conns->slots[conns->sweep];

		conns->sweep = (conns->sweep + 1) % conns->slots_used;
		if (!best || (c->open == 0 && best->open) ||
		    (!c->open == !best->open && c->last_ns < best->last_ns))
			best = c;
	}
	return best;
}

static void await_leave(struct obi_conns *conns, struct conn *c)
{
	if (c->await_prev != NO_INDEX)
		conns->slots[c->await_prev].await_next = c->await_next;
	else
		conns->await_first[c->awaiting] = c->await_next;
	if (c->await_next != NO_INDEX)
		conns->slots[c->await_next].await_prev = c->await_prev;
}

void table_await(struct obi_conns *conns, struct conn *c, enum await await)
{
	uint32_t self = (uint32_t)(c - conns->slots);

	if (c->awaiting == await)
		return;
	if (c->awaiting != AWAIT_NOT)
		await_leave(conns, c);
	c->awaiting = await;
	if (await == AWAIT_NOT)
		return;
	c->await_prev = NO_INDEX;
	c->await_next = conns->await_first[await];
	if (c->await_next != NO_INDEX)
		conns->slots[c->await_next].await_prev = self;
	conns->await_first[await] = self;
}
