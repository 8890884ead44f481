/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts by hash, in a table of bounded size. Two keys with one hash of 64 bits would share a
 * count: not to be expected, and harmless to those who use this.
 */
#ifndef OBI_METRICS_FAMILIES_HASH_COUNTS_H
#define OBI_METRICS_FAMILIES_HASH_COUNTS_H

#include <stddef.h>
#include <stdint.h>

struct hash_count {
	uint64_t hash; /* 0 = free */
	uint32_t count;
};

struct hash_counts {
	struct hash_count *slots;
	size_t used;
	size_t room; /* a power of two, or 0 */
};

void hash_counts_free(struct hash_counts *counts);

/* The count of the hash, or NULL. Valid until the next hash_counts_make(). */
uint32_t *hash_counts_find(const struct hash_counts *counts, uint64_t hash);

/* The same, made if there is none; NULL where max are in use (those that are zero apart), or memory
 * is short. */
uint32_t *hash_counts_make(struct hash_counts *counts, uint64_t hash, size_t max);

#endif
