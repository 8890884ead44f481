/* SPDX-License-Identifier: Apache-2.0 */
/*
 * News of executable mappings, of all processes of the host: what the loader of a program maps, and
 * what dlopen(3) does later. By perf events (PERF_RECORD_MMAP2), which cost nothing but at such a
 * mapping; they wait in a buffer for each CPU until they are read.
 */
#ifndef OBI_BROKER_MAPPINGS_H
#define OBI_BROKER_MAPPINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "wire/wire.h"

struct obi_mappings;

/* Needs CAP_PERFMON. 0 or a negative errno. */
int obi_mappings_open(struct obi_mappings **ret_mappings);
void obi_mappings_close(struct obi_mappings *mappings);

/* To be polled for reading: something was mapped since. Says it once for each. */
int obi_mappings_fd(const struct obi_mappings *mappings);

/* Calls take with each that waits, in the order of each CPU; pid as of the agent's PID namespace.
 * false: there was none, of nobody. */
bool obi_mappings_read(struct obi_mappings *mappings,
		       void (*take)(void *context, const struct obi_wire_mapping *mapping,
				    struct slice path),
		       void *context);

/* That found a buffer full. */
uint64_t obi_mappings_lost(const struct obi_mappings *mappings);

#endif
