/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OBI_BASE_MEMORY_LIMIT_H
#define OBI_BASE_MEMORY_LIMIT_H

#include <stdint.h>

/* Bytes that the control groups of this process permit it: the least of its own and of those around
 * it, of version 1 or 2 (cgroups(7)). UINT64_MAX where they set no limit or cannot be read. */
uint64_t memory_limit(void);

/* The same of files of these names, for tests. */
uint64_t memory_limit_of(const char *proc_cgroup, const char *proc_mounts);

#endif
