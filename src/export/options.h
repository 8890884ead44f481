/* SPDX-License-Identifier: Apache-2.0 */
/* What comes out, and where: printer, Prometheus endpoint, own metrics, health. */
#ifndef OBI_EXPORT_OPTIONS_H
#define OBI_EXPORT_OPTIONS_H

#include "config/option.h"

enum obi_trace_printer {
	OBI_PRINTER_DISABLED,
	OBI_PRINTER_TEXT,
	OBI_PRINTER_JSON,
	OBI_PRINTER_JSON_INDENT,
	OBI_PRINTER_COUNTER,
};

enum obi_internal_exporter {
	OBI_INTERNAL_DISABLED,
	OBI_INTERNAL_PROMETHEUS,
	OBI_INTERNAL_OTEL,
};

struct obi_prometheus_options {
	int64_t port;               /* 0 = off */
	const char *listen_address; /* "" = all */
	const char *path;
	bool disable_build_info;
	struct obi_flags features;               /* deprecated; .set wins over the common ones */
	struct obi_flags instrumentations;       /* enum obi_instrumentation */
	uint64_t ttl;                            /* ns: a series that is not fed for so long goes */
	struct obi_floats duration_buckets;      /* upper bounds in seconds, without +Inf */
	struct obi_floats request_size_buckets;  /* bytes */
	struct obi_floats response_size_buckets; /* bytes */
	double native_bucket_factor;             /* > 1 */
	int64_t native_max_buckets;
	uint64_t native_min_reset;  /* ns */
	int64_t service_cache_size; /* services with target_info */
	bool allow_service_graph_self_references;
	int exemplar_filter; /* enum obi_exemplar_filter */
	struct obi_list extra_resource_attributes;
	struct obi_list extra_span_resource_attributes;
};

struct obi_internal_options {
	int exporter; /* enum obi_internal_exporter */
	int64_t port;
	const char *listen_address; /* "" = all */
	const char *path;
	uint64_t bpf_interval; /* ns between two readings of BPF programs and maps */
	bool avoided_disabled; /* no obi_avoided_services */
	int64_t avoided_limit; /* series of it; never 0 when loaded */
};

/* /healthz */
struct obi_health_options {
	int64_t port;                 /* 0 = off */
	const char *listen_address;   /* "" = loopback */
	const char *unix_socket_path; /* or "@name"; wins over the port; "" = none */
};

struct obi_export_options {
	int trace_printer; /* enum obi_trace_printer */
	struct obi_prometheus_options prometheus;
	struct obi_internal_options internal;
	struct obi_health_options health;
};

/* Each in its exporter's file; the first describes struct obi_export_options. */
extern const struct obi_options obi_printer_option_rows, obi_prometheus_option_rows,
	obi_internal_option_rows, obi_health_option_rows;

#endif
