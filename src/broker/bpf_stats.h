/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statistics of BPF programs and maps: for the feature ebpf of the whole host where CAP_SYS_ADMIN
 * is held, else of those that this program loaded. While it is open with run times the kernel
 * measures every run of every program, which costs each some 20 ns.
 */
#ifndef OBI_BROKER_BPF_STATS_H
#define OBI_BROKER_BPF_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include "settings/settings.h"
#include "wire/wire.h"

struct bpf_object;
struct obi_bpf_stats;

/* Does anything show them? */
bool obi_bpf_stats_wanted(const struct obi_settings *settings);

/* objects: what this program loaded, count of them, NULL where it did not; they must outlive the
 * result. NULL when out of memory. What cannot be had is said in the log. */
struct obi_bpf_stats *obi_bpf_stats_open(const struct obi_settings *settings,
					 struct bpf_object *const *objects, size_t count);
void obi_bpf_stats_close(struct obi_bpf_stats *stats);

/* Hands on what is there now, in as many messages as it takes. */
void obi_bpf_stats_read(struct obi_bpf_stats *stats,
			void (*send)(void *context, const struct obi_wire_bpf *message),
			void *context);

#endif
