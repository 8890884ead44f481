/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of BPF programs and maps at one moment: read by the broker, exported by the worker.
 * Integers are in host byte order. */
#ifndef OBI_BPF_H
#define OBI_BPF_H

#include <stdint.h>

/* Kinds have the names that the existing agent's metrics give them: "Kprobe", "LRUHash". */
#define OBI_BPF_KIND_MAX 24

struct obi_bpf_program {
	uint32_t id; /* struct bpf_prog_info */
	uint32_t pad;
	uint64_t runs; /* while somebody asked for run-time statistics */
	uint64_t run_ns;
	char kind[OBI_BPF_KIND_MAX];
	char name[64];
};

struct obi_bpf_map {
	uint32_t id; /* struct bpf_map_info */
	uint32_t max_entries;
	uint32_t entries;
	uint32_t pad;
	char kind[OBI_BPF_KIND_MAX];
	char name[16]; /* BPF_OBJ_NAME_LEN */
};

#endif
