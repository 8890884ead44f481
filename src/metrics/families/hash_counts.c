// SPDX-License-Identifier: Apache-2.0
#include "metrics/families/hash_counts.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_ROOM 32

void hash_counts_free(struct hash_counts *counts)
{
	free(counts->slots);
	*counts = (struct hash_counts){ 0 };
}

static uint64_t no_zero(uint64_t hash)
{
	return hash ? hash : 1;
}

/* Its slot, or the free one where it would be. */
static struct hash_count *find_slot(const struct hash_counts *counts, uint64_t hash)
{
	size_t mask = counts->room - 1, i = hash & mask;

	while (counts->slots[i].hash && counts->slots[i].hash != hash)
		i = (i + 1) & mask;
	return &counts->slots[i];
}

uint32_t *hash_counts_find(const struct hash_counts *counts, uint64_t hash)
{
	struct hash_count *slot;

	if (!counts->room)
		return NULL;
	slot = find_slot(counts, no_zero(hash));
	return slot->hash ? &slot->count : NULL;
}

/* What counts nothing any more is left behind. */
static int rebuild(struct hash_counts *counts, size_t room)
{
	struct hash_counts built = { .slots = calloc(room, sizeof(*built.slots)), .room = room };

	if (!built.slots)
		return -ENOMEM;
	for (size_t i = 0; i < counts->room; i++) {
		if (!counts->slots[i].count)
			continue;
		*find_slot(&built, counts->slots[i].hash) = counts->slots[i];
		built.used++;
	}
	free(counts->slots);
	*counts = built;
	return 0;
}

uint32_t *hash_counts_make(struct hash_counts *counts, uint64_t hash, size_t max)
{
	uint32_t *count = hash_counts_find(counts, hash);
	struct hash_count *slot;

	if (count)
		return count;
	if (counts->used >= max && rebuild(counts, counts->room) != 0)
		return NULL;
	if (counts->used >= max)
		return NULL;
	if (4 * (counts->used + 1) > 3 * counts->room &&
	    rebuild(counts, counts->room ? 2 * counts->room : FIRST_ROOM) != 0)
		return NULL;
	slot = find_slot(counts, no_zero(hash));
	slot->hash = no_zero(hash);
	counts->used++;
	return &slot->count;
}
