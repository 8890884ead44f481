// SPDX-License-Identifier: Apache-2.0
#include "export/internal.h"

#include <string.h>

#include "base/cleanup.h"

static const struct {
	const char *name;
	const char *help;
} helps[] = {
	{ "obi_records_total", "records read from the ring buffer" },
	{ "obi_ring_full_total", "records that found the ring buffer full" },
	{ "obi_ring_bytes", "bytes waiting in the ring buffer" },
	{ "obi_requests_total", "request heads seen" },
	{ "obi_spans_total", "spans handed to the exporters" },
	{ "obi_dropped_total", "requests and records that did not become spans, by reason" },
	{ "obi_connections", "connections followed now" },
	{ "obi_instrumented_processes", "processes observed now" },
	{ "obi_worker_restarts_total", "workers that died and were started again" },
	{ "obi_bpf_network_packets_total", "packets that the network tracer saw" },
	{ "obi_bpf_network_ignored_packets_total", "packets that were filtered out or lost" },
	{ "obi_network_flows_dropped_total", "flow records that the worker did not take in time" },
};

static struct obi_internal_value values[OBI_INTERNAL_MAX];
static size_t count;

static int same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

void obi_internal_set(const char *name, double value)
{
	obi_internal_set_labelled(name, NULL, NULL, value);
}

void obi_internal_set_labelled(const char *name, const char *label, const char *label_value, double value)
{
	size_t at = count;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(values[i].name, name) != 0)
			continue;
		if (same_text(values[i].label_value, label_value)) {
			values[i].value = value;
			return;
		}
		at = i + 1; /* behind the last of its name */
	}
	if (count == OBI_INTERNAL_MAX)
		return;
	memmove(&values[at + 1], &values[at], (count - at) * sizeof(values[0]));
	values[at] = (struct obi_internal_value){ name, label, label_value, value };
	count++;
}

size_t obi_internal_values(const struct obi_internal_value **ret_values)
{
	*ret_values = values;
	return count;
}

const char *obi_internal_help(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(helps); i++)
		if (!strcmp(helps[i].name, name))
			return helps[i].help;
	return "";
}
