// SPDX-License-Identifier: Apache-2.0
#include "broker/counters.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdlib.h>
#include <string.h>

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

void obi_counters_sum_first(int map_fd, size_t value_size, uint64_t *ret_sums, size_t count)
{
	int cpus = libbpf_num_possible_cpus();
	size_t stride = (value_size + 7) / 8; /* the kernel rounds each CPU's value up */
	_cleanup_free_ uint64_t *values =
		cpus > 0 ? calloc((size_t)cpus * stride, sizeof(*values)) : NULL;
	uint32_t first = 0;

	memset(ret_sums, 0, count * sizeof(*ret_sums));
	if (!values || bpf_map_lookup_elem(map_fd, &first, values))
		return;
	for (int cpu = 0; cpu < cpus; cpu++)
		for (size_t i = 0; i < count; i++)
			ret_sums[i] += values[(size_t)cpu * stride + i];
}
