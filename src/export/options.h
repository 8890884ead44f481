/* SPDX-License-Identifier: Apache-2.0 */
/* What comes out, and where: printer, metric families, Prometheus endpoint, own metrics. */
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

/* metrics.features: bits. */
enum obi_feature_bit {
	OBI_FEATURE_APPLICATION = 1u << 0, /* RED metrics of requests */
	OBI_FEATURE_SPAN_LEGACY = 1u << 1,
	OBI_FEATURE_SPAN_OTEL = 1u << 2,
	OBI_FEATURE_SPAN_SIZES = 1u << 3,
	OBI_FEATURE_SERVICE_GRAPH = 1u << 4,
	OBI_FEATURE_HOST = 1u << 5,
	OBI_FEATURE_RUNTIME = 1u << 6,
	OBI_FEATURE_JVM = 1u << 7,
	OBI_FEATURE_NETWORK = 1u << 8, /* flow bytes */
	OBI_FEATURE_FLOW_PACKETS = 1u << 9,
	OBI_FEATURE_INTER_ZONE = 1u << 10,
	OBI_FEATURE_STATS_TCP_RTT = 1u << 11,
	OBI_FEATURE_STATS_TCP_FAILED = 1u << 12,
	OBI_FEATURE_STATS_TCP_RETRANSMITS = 1u << 13,
	OBI_FEATURE_STATS_TCP_IO = 1u << 14,
	OBI_FEATURE_EBPF = 1u << 15,
	OBI_FEATURES_ALL = (1u << 16) - 1,
};

/* Those of services; all others are of the host. */
#define OBI_FEATURES_SERVICE                                                                       \
	(OBI_FEATURE_APPLICATION | OBI_FEATURES_SPAN | OBI_FEATURE_SERVICE_GRAPH |                 \
	 OBI_FEATURE_HOST | OBI_FEATURE_RUNTIME | OBI_FEATURE_JVM)
#define OBI_FEATURES_NETWORK                                                                       \
	(OBI_FEATURE_NETWORK | OBI_FEATURE_FLOW_PACKETS | OBI_FEATURE_INTER_ZONE)
#define OBI_FEATURES_STATS                                                                         \
	(OBI_FEATURE_STATS_TCP_RTT | OBI_FEATURE_STATS_TCP_FAILED |                                \
	 OBI_FEATURE_STATS_TCP_RETRANSMITS | OBI_FEATURE_STATS_TCP_IO)
#define OBI_FEATURES_SPAN (OBI_FEATURE_SPAN_LEGACY | OBI_FEATURE_SPAN_OTEL | OBI_FEATURE_SPAN_SIZES)
#define OBI_FEATURES_IMPLEMENTED                                                                   \
	(OBI_FEATURE_APPLICATION | OBI_FEATURES_SPAN | OBI_FEATURE_SERVICE_GRAPH |                 \
	 OBI_FEATURE_HOST | OBI_FEATURE_NETWORK | OBI_FEATURE_FLOW_PACKETS | OBI_FEATURE_EBPF)

/* *.instrumentations: bits. */
enum obi_instrumentation {
	OBI_INSTRUMENT_HTTP = 1u << 0,
	OBI_INSTRUMENT_GRPC = 1u << 1,
	OBI_INSTRUMENT_SQL = 1u << 2,
	OBI_INSTRUMENT_REDIS = 1u << 3,
	OBI_INSTRUMENT_KAFKA = 1u << 4,
	OBI_INSTRUMENT_MQTT = 1u << 5,
	OBI_INSTRUMENT_NATS = 1u << 6,
	OBI_INSTRUMENT_AMQP = 1u << 7,
	OBI_INSTRUMENT_COUCHBASE = 1u << 8,
	OBI_INSTRUMENT_MEMCACHED = 1u << 9,
	OBI_INSTRUMENT_GENAI = 1u << 10,
	OBI_INSTRUMENT_GPU = 1u << 11,
	OBI_INSTRUMENT_MONGO = 1u << 12,
	OBI_INSTRUMENT_DNS = 1u << 13,
	OBI_INSTRUMENT_SUNRPC = 1u << 14,
	OBI_INSTRUMENT_AEROSPIKE = 1u << 15,
	OBI_INSTRUMENT_ALL = (1u << 16) - 1,
};

enum obi_internal_exporter {
	OBI_INTERNAL_DISABLED,
	OBI_INTERNAL_PROMETHEUS,
	OBI_INTERNAL_OTEL,
};

/* Which measurements carry the span that they come from. */
enum obi_exemplar_filter {
	OBI_EXEMPLARS_OFF,
	OBI_EXEMPLARS_ON,
	OBI_EXEMPLARS_TRACE, /* of sampled spans */
};

/* How OTLP counts: since the start of the series, or since the last time. */
enum obi_temporality {
	OBI_TEMPORALITY_CUMULATIVE,
	OBI_TEMPORALITY_DELTA,
	OBI_TEMPORALITY_LOW_MEMORY, /* delta, but for what is read from elsewhere */
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
	int trace_printer;         /* enum obi_trace_printer */
	struct obi_flags features; /* enum obi_feature_bit, after network.enable has had its say */
	int64_t series_limit;      /* of each metric */
	int64_t metric_span_names_limit; /* of a service; 0 or less: none */
	int temporality;                 /* enum obi_temporality */
	int otlp_exemplar_filter;        /* enum obi_exemplar_filter */
	struct obi_prometheus_options prometheus;
	struct obi_internal_options internal;
	struct obi_health_options health;
};

extern const struct obi_options obi_export_option_rows;

/* Words of metrics.features and of *.instrumentations, for other rows of that type. */
extern const struct obi_name obi_feature_names[];
extern const struct obi_name obi_instrumentation_names[];

#endif
