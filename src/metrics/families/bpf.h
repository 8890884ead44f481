/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The feature `ebpf`: bpf_probe_latency_seconds and bpf_map_entries_total. The kernel tells how
 * often a program ran and how long altogether: between two readings all runs count as long as
 * their average.
 */
#ifndef OBI_METRICS_FAMILIES_BPF_H
#define OBI_METRICS_FAMILIES_BPF_H

#include "metrics/families/family.h"
#include "obi/bpf.h"

struct bpf_metrics;

extern const struct attribute_group bpf_program_attributes, bpf_map_attributes;
extern const struct obi_floats bpf_metrics_latency_buckets;

/* Adds its tables to the registry; options and registry must outlive the result. 0, or -ENOMEM. */
int bpf_metrics_new(const struct family_options *options, struct metrics *metrics,
		    struct bpf_metrics **ret_bpf);
void bpf_metrics_free(struct bpf_metrics *bpf);

void bpf_metrics_put_program(struct bpf_metrics *bpf, const struct obi_bpf_program *program,
			     uint64_t now_ns);
void bpf_metrics_put_map(struct bpf_metrics *bpf, const struct obi_bpf_map *map, uint64_t now_ns);

#endif
