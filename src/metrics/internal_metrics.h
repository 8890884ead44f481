/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program's metrics about itself. Like the log there is one of them in a process:
 * whoever counts something says so here, and it is shown where `internal_metrics` asks for
 * it: to Prometheus, or over OTLP. For one thread.
 */
#ifndef OBI_METRICS_INTERNAL_METRICS_H
#define OBI_METRICS_INTERNAL_METRICS_H

#include <stdint.h>

#include "base/buffer.h"

struct metrics;

/* As Prometheus calls them; in brackets the labels, in the order in which their values are given.
 */
enum obi_internal_metric {
	OBI_INTERNAL_RECORDS,         /* obi_records_total */
	OBI_INTERNAL_SPANS,           /* obi_spans_total [outcome] */
	OBI_INTERNAL_FLOWS,           /* obi_flows_total */
	OBI_INTERNAL_DROPPED,         /* obi_dropped_total [reason] */
	OBI_INTERNAL_PARSER_ERRORS,   /* obi_parser_errors_total [protocol] */
	OBI_INTERNAL_WORKER_RESTARTS, /* obi_worker_restarts_total */
	OBI_INTERNAL_PROCESSES,       /* obi_instrumented_processes [process_name] */
	OBI_INTERNAL_ERRORS,     /* obi_instrumentation_errors_total [error_type process_name] */
	OBI_INTERNAL_BUILD_INFO, /* obi_internal_build_info [goarch goos goversion revision version]
				  */
	OBI_INTERNAL_HTTP_REQUESTS,        /* obi_prometheus_http_requests_total [path port] */
	OBI_INTERNAL_NET_PACKETS,          /* obi_bpf_network_packets_total */
	OBI_INTERNAL_NET_IGNORED,          /* obi_bpf_network_ignored_packets_total */
	OBI_INTERNAL_PROBE_EXECUTIONS,     /* obi_bpf_probe_executions_total [probe_id probe_name
					      probe_type] */
	OBI_INTERNAL_PROBE_LATENCY,        /* obi_bpf_probe_latency_seconds_total, ns [the same] */
	OBI_INTERNAL_MAP_ENTRIES,          /* obi_bpf_map_entries_total, a gauge [map_id map_name
					      map_type] */
	OBI_INTERNAL_MAP_MAX_ENTRIES,      /* obi_bpf_map_max_entries_total [the same] */
	OBI_INTERNAL_FLUSHES,              /* obi_ebpf_tracer_flushes, records a time */
	OBI_INTERNAL_SERIES,               /* obi_metric_series */
	OBI_INTERNAL_METRIC_EXPORTS,       /* obi_otel_metric_exports_total */
	OBI_INTERNAL_METRIC_EXPORT_ERRORS, /* obi_otel_metric_export_errors_total [error] */
	OBI_INTERNAL_TRACE_EXPORTS,        /* obi_otel_trace_exports_total */
	OBI_INTERNAL_TRACE_EXPORT_ERRORS,  /* obi_otel_trace_export_errors_total [error] */
	OBI_INTERNAL_QUEUE_RATIO,          /* obi_queue_capacity_ratio, thousandths [subscriber] */
	OBI_INTERNAL_QUEUE_ITEMS,          /* obi_otel_queue_items [telemetry_type] */
	OBI_INTERNAL_QUEUE_MEMORY,         /* obi_otel_queue_memory_bytes [telemetry_type] */
	OBI_INTERNAL_RING_FILL,            /* obi_ring_fill_ratio, thousandths */
	OBI_INTERNAL_AVOIDED,              /* obi_avoided_services [otel_metric_overflow
					      service_name service_namespace telemetry_type] */
	OBI_INTERNAL_MEMORY,               /* obi_process_memory_bytes [process] */
	OBI_INTERNAL_METRICS,
};

/* Labels get the names that they have over OTLP, not those of Prometheus; forgets everything. */
void obi_internal_use_otel(void);

/* values: one string a label, NULL where there are none. Silent when memory is short. */
void obi_internal_set(enum obi_internal_metric metric, const char *const *values, uint64_t value);
void obi_internal_add(enum obi_internal_metric metric, const char *const *values, uint64_t value);

/* For histograms. */
void obi_internal_observe(enum obi_internal_metric metric, uint64_t value);

/* What was set or added; 0 if nothing was. */
uint64_t obi_internal_value(enum obi_internal_metric metric, const char *const *values);

/* For rendering; made at the first use, NULL when out of memory. */
struct metrics *obi_internal_metrics(void);

/* Forgets everything. */
void obi_internal_free(void);

/* Rows of the docs page. */
void obi_internal_put_markdown(struct buffer *buf);

#endif
