/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fast hash for tables in memory. Keys come from outside (paths, label values), so
 * each table mixes a random seed in; the value means nothing outside this process.
 * Not for anything that must resist a determined attacker: every table compares keys.
 */
#ifndef OBI_BASE_HASH_H
#define OBI_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* A seed for the tables of this process, the same at every call. */
uint64_t hash_seed(void);

uint64_t hash_bytes(const void *data, size_t len, uint64_t seed);

#endif
