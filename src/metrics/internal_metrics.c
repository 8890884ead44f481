// SPDX-License-Identifier: Apache-2.0
/*
 * One row of `rows` a metric; a table of the registry for each. The names with bpf, otel,
 * prometheus, instrument, queue and build.info are those of the existing program, so that
 * its dashboards find them.
 */
#include "metrics/internal_metrics.h"

#include <stddef.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "metrics/families/target.h"
#include "metrics/registry.h"

#define LABELS_MAX 5
#define SERIES_MAX 10000
#define PER_MILLE 1000
#define BPF_TTL_NS (300 * NSEC_PER_SEC)

#define PROBE_LABELS                                                                               \
	.labels = { "probe_id", "probe_name", "probe_type" },                                      \
	.otel = { "bpf.probe.id", "bpf.probe.name", "bpf.probe.type" }, .ttl_ns = BPF_TTL_NS
#define MAP_LABELS                                                                                 \
	.labels = { "map_id", "map_name", "map_type" },                                            \
	.otel = { "bpf.map.id", "bpf.map.name", "bpf.map.type" }, .ttl_ns = BPF_TTL_NS

static double flush_bounds[] = { 0, 10, 20, 40, 80, 160, 320 };
static const struct obi_floats flush_buckets = { flush_bounds, ARRAY_SIZE(flush_bounds) };

static const struct {
	const char *name;
	const char *unit;
	const char *help;
	enum metric_type type;
	uint64_t scale;
	const char *labels[LABELS_MAX + 1]; /* of Prometheus, sorted */
	const char *otel[LABELS_MAX + 1];   /* the same over OTLP, where they are others */
	const char *prometheus;             /* its name there, where it is not the derived one */
	const struct obi_floats *buckets;
	uint64_t ttl_ns; /* of what nobody takes back */
} rows[OBI_INTERNAL_METRICS] = {
	[OBI_INTERNAL_RECORDS] = {
		.name = "obi.records",
		.help = "records that the kernel side handed over",
		.type = METRIC_COUNTER,
	},
	[OBI_INTERNAL_SPANS] = {
		.name = "obi.spans",
		.help = "requests seen, by what became of them",
		.type = METRIC_COUNTER,
		.labels = { "outcome" },
	},
	[OBI_INTERNAL_FLOWS] = {
		.name = "obi.flows",
		.help = "network flow records handed to exporters",
		.type = METRIC_COUNTER,
	},
	[OBI_INTERNAL_DROPPED] = {
		.name = "obi.dropped",
		.help = "what was seen and lost, by reason",
		.type = METRIC_COUNTER,
		.labels = { "reason" },
	},
	[OBI_INTERNAL_PARSER_ERRORS] = {
		.name = "obi.parser.errors",
		.help = "messages that no parser understood, by protocol",
		.type = METRIC_COUNTER,
		.labels = { "protocol" },
	},
	[OBI_INTERNAL_WORKER_RESTARTS] = {
		.name = "obi.worker.restarts",
		.help = "how often the worker died and was started again",
		.type = METRIC_COUNTER,
	},
	[OBI_INTERNAL_PROCESSES] = {
		.name = "obi.instrumented.processes",
		.help = "instrumented processes by name",
		.type = METRIC_GAUGE,
		.labels = { "process_name" },
		.otel = { "process.executable.name" },
	},
	[OBI_INTERNAL_AVOIDED] = {
		.name = "obi.avoided.services",
		.help = "services that export a signal themselves, and so are left out of it",
		.type = METRIC_GAUGE,
		.labels = { "otel_metric_overflow", "service_name", "service_namespace",
			    "telemetry_type" },
		.otel = { "otel.metric.overflow", "service.name", "service.namespace",
			  "telemetry.type" },
	},
	[OBI_INTERNAL_ERRORS] = {
		.name = "obi.instrumentation.errors",
		.help = "instrumentation errors by process and type",
		.type = METRIC_COUNTER,
		.labels = { "error_type", "process_name" },
		.otel = { "error.type", "process.executable.name" },
	},
	[OBI_INTERNAL_BUILD_INFO] = {
		.name = "obi.internal.build.info",
		.help = "a constant 1, labelled by how the program was built",
		.type = METRIC_GAUGE,
		.labels = { "goarch", "goos", "goversion", "revision", "version" },
		.otel = { "goarch", "goos", "goversion", "obi.revision", "obi.version" },
	},
	[OBI_INTERNAL_HTTP_REQUESTS] = {
		.name = "obi.prometheus.http.requests",
		.help = "requests to the Prometheus scrape endpoint",
		.type = METRIC_COUNTER,
		.labels = { "path", "port" },
	},
	[OBI_INTERNAL_NET_PACKETS] = {
		.name = "obi.bpf.network.packets",
		.help = "packets that the network tracer saw",
		.type = METRIC_COUNTER,
	},
	[OBI_INTERNAL_NET_IGNORED] = {
		.name = "obi.bpf.network.ignored.packets",
		.help = "packets that the network tracer left out",
		.type = METRIC_COUNTER,
	},
	[OBI_INTERNAL_PROBE_EXECUTIONS] = {
		.name = "obi.bpf.probe.executions",
		.help = "how often a BPF program ran",
		.type = METRIC_COUNTER,
		PROBE_LABELS,
	},
	[OBI_INTERNAL_PROBE_LATENCY] = {
		.name = "obi.bpf.probe.latency",
		.unit = "s",
		.help = "how long a BPF program ran, all runs together",
		.type = METRIC_COUNTER,
		.scale = NSEC_PER_SEC,
		PROBE_LABELS,
	},
	[OBI_INTERNAL_MAP_ENTRIES] = {
		.name = "obi.bpf.map.entries",
		.prometheus = "obi_bpf_map_entries_total",
		.help = "entries of a BPF map",
		.type = METRIC_GAUGE,
		MAP_LABELS,
	},
	[OBI_INTERNAL_MAP_MAX_ENTRIES] = {
		.name = "obi.bpf.map.max_entries",
		.prometheus = "obi_bpf_map_max_entries_total",
		.help = "the most entries that a BPF map takes",
		.type = METRIC_GAUGE,
		MAP_LABELS,
	},
	[OBI_INTERNAL_FLUSHES] = {
		.name = "obi.ebpf.tracer.flushes",
		.help = "records taken from the kernel's ring at a time",
		.type = METRIC_HISTOGRAM,
		.buckets = &flush_buckets,
	},
	[OBI_INTERNAL_SERIES] = {
		.name = "obi.metric.series",
		.help = "series of the application and network metrics",
		.type = METRIC_GAUGE,
	},
	[OBI_INTERNAL_METRIC_EXPORTS] = {
		.name = "obi.otel.metric.exports",
		.help = "data points that a collector took",
		.type = METRIC_COUNTER,
	},
	[OBI_INTERNAL_METRIC_EXPORT_ERRORS] = {
		.name = "obi.otel.metric.export.errors",
		.help = "data points that no collector took, by reason",
		.type = METRIC_COUNTER,
		.labels = { "error" },
		.otel = { "obi.error" },
	},
	[OBI_INTERNAL_TRACE_EXPORTS] = {
		.name = "obi.otel.trace.exports",
		.help = "spans that a collector took",
		.type = METRIC_COUNTER,
	},
	[OBI_INTERNAL_TRACE_EXPORT_ERRORS] = {
		.name = "obi.otel.trace.export.errors",
		.help = "spans that no collector took, by reason",
		.type = METRIC_COUNTER,
		.labels = { "error" },
		.otel = { "obi.error" },
	},
	[OBI_INTERNAL_QUEUE_RATIO] = {
		.name = "obi.queue.capacity.ratio",
		.help = "how full the queue to the collector is, 0 to 1",
		.type = METRIC_GAUGE,
		.scale = PER_MILLE,
		.labels = { "subscriber" },
	},
	[OBI_INTERNAL_QUEUE_ITEMS] = {
		.name = "obi.otel.queue.items",
		.help = "spans or data points that wait for the collector",
		.type = METRIC_GAUGE,
		.labels = { "telemetry_type" },
		.otel = { "telemetry.type" },
	},
	[OBI_INTERNAL_QUEUE_MEMORY] = {
		.name = "obi.otel.queue.memory",
		.unit = "By",
		.help = "bytes of what waits for the collector in memory",
		.type = METRIC_GAUGE,
		.labels = { "telemetry_type" },
		.otel = { "telemetry.type" },
	},
	[OBI_INTERNAL_RING_FILL] = {
		.name = "obi.ring.fill",
		.unit = "1",
		.help = "how full the ring of records from the kernel is, 0 to 1",
		.type = METRIC_GAUGE,
		.scale = PER_MILLE,
	},
	[OBI_INTERNAL_MEMORY] = {
		.name = "obi.process.memory",
		.unit = "By",
		.help = "memory in use (RSS) by process of this program",
		.type = METRIC_GAUGE,
		.labels = { "process" },
	},
};

static const char version[] = "v" OBI_VERSION;

static struct {
	struct metrics *metrics;
	struct metric_table *tables[OBI_INTERNAL_METRICS];
	bool otel;
} internal;

static size_t count_labels(enum obi_internal_metric metric)
{
	size_t count = 0;

	while (rows[metric].labels[count])
		count++;
	return count;
}

/* Counters are told what somebody else counted so far. */
static int add_tables(struct metrics *metrics)
{
	for (int i = 0; i < OBI_INTERNAL_METRICS; i++) {
		struct metric_desc desc = {
			.name = rows[i].name,
			.unit = rows[i].unit,
			.help = rows[i].help,
			.type = rows[i].type,
			.scale = rows[i].scale,
			.buckets = rows[i].buckets,
			.prometheus = rows[i].prometheus,
			.observed = rows[i].type == METRIC_COUNTER,
		};
		bool otel = internal.otel && rows[i].otel[0];
		int error =
			metrics_add_table(metrics, &desc, 1, otel ? rows[i].otel : rows[i].labels,
					  count_labels(i), rows[i].ttl_ns, &internal.tables[i]);

		if (error)
			return error;
	}
	return 0;
}

void obi_internal_use_otel(void)
{
	obi_internal_free();
	internal.otel = true;
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
			 (const char *[]){ OBI_GOARCH, "linux", "", "", version }, 1);
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

void obi_internal_observe(enum obi_internal_metric metric, uint64_t value)
{
	struct metric_row *row;

	if (!obi_internal_metrics())
		return;
	row = metric_table_row(internal.tables[metric], NULL, clock_monotonic_ns());
	if (row)
		metric_observe(only_metric(metric), row, value);
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
	internal.otel = false;
}

static void put_labels(const char *const *labels, struct buffer *buf)
{
	for (size_t i = 0; labels[i]; i++)
		buffer_printf(buf, "%s%s", i ? ", " : "", labels[i]);
}

void obi_internal_put_markdown(struct buffer *buf)
{
	static const char *const types[] = { "counter", "gauge", "histogram" };

	buffer_put_cstr(buf, "| OpenTelemetry | Prometheus | type | unit | what | labels "
			     "| over OTLP |\n|---|---|---|---|---|---|---|\n");
	for (int i = 0; i < OBI_INTERNAL_METRICS; i++) {
		char name[METRIC_NAME_MAX] = "";

		(void)metric_prometheus_name(rows[i].name, rows[i].unit, rows[i].type, name);
		buffer_printf(buf, "| %s | %s | %s | %s | %s | ", rows[i].name,
			      rows[i].prometheus ? rows[i].prometheus : name, types[rows[i].type],
			      rows[i].unit ? rows[i].unit : "", rows[i].help);
		put_labels(rows[i].labels, buf);
		buffer_put_cstr(buf, " | ");
		put_labels(rows[i].otel, buf);
		buffer_put_cstr(buf, " |\n");
	}
}
