// SPDX-License-Identifier: Apache-2.0
#include "broker/counters.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdlib.h>

#include "base/cleanup.h"

void obi_counters_sum(int map_fd, uint64_t *ret_sums, size_t count)
{
	int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ uint64_t *values = cpus > 0 ? calloc((size_t)cpus, sizeof(*values)) : NULL;

	for (uint32_t i = 0; i < count; i++) {
		ret_sums[i] = 0;
		if (!values || bpf_map_lookup_elem(map_fd, &i, values))
			continue;
		for (int cpu = 0; cpu < cpus; cpu++)
			ret_sums[i] += values[cpu];
	}
}
