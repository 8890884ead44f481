// SPDX-License-Identifier: Apache-2.0
/*
 * One row of `rows` a metric; a table of the registry for each. The names with bpf_,
 * prometheus_, instrument and build_info are those of the existing program, so that
 * its dashboards find them.
 */
#include "export/internal.h"

#include <stddef.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "export/metrics/registry.h"

#ifdef __aarch64__
#define GOARCH "arm64"
#else
#define GOARCH "amd64"
#endif

#define LABELS_MAX 5
#define SERIES_MAX 10000
#define PROCESS_TTL_NS (300 * NSEC_PER_SEC)

static const struct {
	const char *name;
	const char *help;
	enum metric_type type;
	uint64_t scale;
	uint64_t ttl_ns;
	const char *labels[LABELS_MAX + 1]; /* sorted */
} rows[OBI_INTERNAL_METRICS] = {
	[OBI_INTERNAL_RECORDS] = {
		.name = "obi_records_total",
		.help = "records that the kernel side handed over",
		.type = METRIC_COUNTER,
	},
	[OBI_INTERNAL_SPANS] = {
		.name = "obi_spans_total",
		.help = "requests seen, by what became of them",
		.type = METRIC_COUNTER,
		.labels = { "outcome" },
	},
	[OBI_INTERNAL_FLOWS] = {
		.name = "obi_flows_total",
		.help = "network flow records handed to exporters",
		.type = METRIC_COUNTER,
	},
	[OBI_INTERNAL_DROPPED] = {
		.name = "obi_dropped_total",
		.help = "what was seen and lost, by reason",
		.type = METRIC_COUNTER,
		.labels = { "reason" },
	},
	[OBI_INTERNAL_WORKER_RESTARTS] = {
		.name = "obi_worker_restarts_total",
		.help = "how often the worker died and was started again",
		.type = METRIC_COUNTER,
	},
	[OBI_INTERNAL_PROCESSES] = {
		.name = "obi_instrumented_processes",
		.help = "instrumented processes by name",
		.type = METRIC_GAUGE,
		.ttl_ns = PROCESS_TTL_NS,
		.labels = { "process_name" },
	},
	[OBI_INTERNAL_ERRORS] = {
		.name = "obi_instrumentation_errors_total",
		.help = "instrumentation errors by process and type",
		.type = METRIC_COUNTER,
		.labels = { "error_type", "process_name" },
	},
	[OBI_INTERNAL_BUILD_INFO] = {
		.name = "obi_internal_build_info",
		.help = "a constant 1, labelled by how the program was built",
		.type = METRIC_GAUGE,
		.labels = { "goarch", "goos", "goversion", "revision", "version" },
	},
	[OBI_INTERNAL_HTTP_REQUESTS] = {
		.name = "obi_prometheus_http_requests_total",
		.help = "requests to the Prometheus scrape endpoint",
		.type = METRIC_COUNTER,
		.labels = { "path", "port" },
	},
	[OBI_INTERNAL_NET_PACKETS] = {
		.name = "obi_bpf_network_packets_total",
		.help = "packets that the network tracer saw",
		.type = METRIC_COUNTER,
	},
	[OBI_INTERNAL_NET_IGNORED] = {
		.name = "obi_bpf_network_ignored_packets_total",
		.help = "packets that the network tracer left out",
		.type = METRIC_COUNTER,
	},
	[OBI_INTERNAL_PROBE_EXECUTIONS] = {
		.name = "obi_bpf_probe_executions_total",
		.help = "how often a BPF program ran",
		.type = METRIC_COUNTER,
		.labels = { "probe_id", "probe_name", "probe_type" },
	},
	[OBI_INTERNAL_PROBE_LATENCY] = {
		.name = "obi_bpf_probe_latency_seconds_total",
		.help = "how long a BPF program ran, all runs together",
		.type = METRIC_COUNTER,
		.scale = NSEC_PER_SEC,
		.labels = { "probe_id", "probe_name", "probe_type" },
	},
	[OBI_INTERNAL_SERIES] = {
		.name = "obi_metric_series",
		.help = "series of the application and network metrics",
		.type = METRIC_GAUGE,
	},
};

static const char version[] = "v" OBI_VERSION;

static struct {
	struct metrics *metrics;
	struct metric_table *tables[OBI_INTERNAL_METRICS];
} internal;

static size_t count_labels(enum obi_internal_metric metric)
{
	size_t count = 0;

	while (rows[metric].labels[count])
		count++;
	return count;
}

static int add_tables(struct metrics *metrics)
{
	for (int i = 0; i < OBI_INTERNAL_METRICS; i++) {
		struct metric_desc desc = {
			.name = rows[i].name,
			.help = rows[i].help,
			.type = rows[i].type,
			.scale = rows[i].scale,
		};
		int error = metrics_add_table(metrics, &desc, 1, rows[i].labels, count_labels(i),
					      rows[i].ttl_ns, &internal.tables[i]);

		if (error)
			return error;
	}
	return 0;
}

struct metrics *obi_internal_metrics(void)
{
	struct metrics *metrics;

	if (internal.metrics)
		return internal.metrics;
	metrics = metrics_new(SERIES_MAX);
	if (!metrics || add_tables(metrics) != 0) {
		metrics_free(metrics);
		return NULL;
	}
	internal.metrics = metrics;
	obi_internal_set(OBI_INTERNAL_BUILD_INFO,
			 (const char *[]){ GOARCH, "linux", "", "", version }, 1);
	return metrics;
}

/* The values as the registry wants them; false when there is no registry. */
static bool prepare(enum obi_internal_metric metric, const char *const *values,
		    struct slice *ret_slices)
{
	if (!obi_internal_metrics())
		return false;
	for (size_t i = 0; rows[metric].labels[i]; i++)
		ret_slices[i] = slice_cstr(values[i]);
	return true;
}

static const struct metric *only_metric(enum obi_internal_metric metric)
{
	return metric_table_metric(internal.tables[metric], 0);
}

void obi_internal_set(enum obi_internal_metric metric, const char *const *values, uint64_t value)
{
	struct slice slices[LABELS_MAX];
	struct metric_row *row;

	if (!prepare(metric, values, slices))
		return;
	row = metric_table_row(internal.tables[metric], slices, clock_monotonic_ns());
	if (row)
		metric_set(only_metric(metric), row, value);
}

void obi_internal_add(enum obi_internal_metric metric, const char *const *values, uint64_t value)
{
	struct slice slices[LABELS_MAX];
	struct metric_row *row;

	if (!prepare(metric, values, slices))
		return;
	row = metric_table_row(internal.tables[metric], slices, clock_monotonic_ns());
	if (row)
		metric_add(only_metric(metric), row, value);
}

uint64_t obi_internal_value(enum obi_internal_metric metric, const char *const *values)
{
	struct slice slices[LABELS_MAX];
	const struct metric_row *row;

	if (!prepare(metric, values, slices))
		return 0;
	row = metric_table_find(internal.tables[metric], slices);
	return row ? row->cells[only_metric(metric)->cell] : 0;
}

void obi_internal_free(void)
{
	metrics_free(internal.metrics);
	internal.metrics = NULL;
}
