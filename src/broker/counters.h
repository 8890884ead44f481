/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OBI_BROKER_COUNTERS_H
#define OBI_BROKER_COUNTERS_H

#include <stddef.h>
#include <stdint.h>

/* Sums a per-CPU array of u64 over all CPUs, count entries from index 0; 0 what cannot be read. */
void obi_counters_sum(int map_fd, uint64_t *ret_sums, size_t count);

/* The same of a map whose one entry, of value_size bytes, begins with them. */
void obi_counters_sum_first(int map_fd, size_t value_size, uint64_t *ret_sums, size_t count);

#endif
