/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Export by OTLP: `otel_traces_export.*`, `otel_metrics_export.*`, the OTEL_EXPORTER_OTLP_*
 * variables of the OpenTelemetry specification (protocol/exporter.md), and what bounds all of it.
 */
#ifndef OBI_OTLP_OPTIONS_H
#define OBI_OTLP_OPTIONS_H

#include "config/option.h"
#include "otlp/signal.h"

enum otlp_protocol {
	OTLP_PROTOCOL_GUESS, /* by the port */
	OTLP_PROTOCOL_GRPC,
	OTLP_PROTOCOL_HTTP_PROTOBUF,
	OTLP_PROTOCOL_HTTP_JSON,
	OTLP_PROTOCOL_DEBUG, /* traces: print them, no endpoint */
};

enum otlp_compression {
	OTLP_COMPRESSION_NONE,
	OTLP_COMPRESSION_GZIP,
};

enum otlp_aggregation {
	OTLP_AGGREGATION_EXPLICIT,
	OTLP_AGGREGATION_EXPONENTIAL,
};

/* Where one signal goes; see otlp/endpoint.h for what follows from it. */
struct obi_otlp_target_options {
	const char *endpoint; /* of this signal alone, "" = the common one */
	int protocol;         /* enum otlp_protocol */
	bool insecure_skip_verify;
	struct obi_list headers;        /* name=value, over the common ones */
	int64_t timeout_ms;             /* of one request */
	int compression;                /* enum otlp_compression */
	const char *certificate;        /* PEM files, "" = the system's authorities */
	const char *client_certificate; /* "" = none */
	const char *client_key;
	int log_level; /* enum log_level + 1; 0 = as everywhere */
};

struct obi_otlp_common_options {
	const char *endpoint; /* "" = none */
	struct obi_list headers;
	int64_t memory_limit_mib;    /* worker, batches and sender together */
	const char *spill_directory; /* "" = nothing is written to disk */
	int64_t spill_max_size_mib;
};

struct obi_otlp_traces_options {
	struct obi_otlp_target_options target;
	struct obi_flags instrumentations; /* enum obi_instrumentation */
	int64_t batch_max_size;            /* spans */
	int64_t queue_size;                /* spans; never 0 when loaded */
	int64_t reporters_cache_len;       /* services whose resource is kept between batches */
	uint64_t batch_timeout;            /* ns */
	uint64_t backoff_initial_interval; /* ns; these three serve metrics as well */
	uint64_t backoff_max_interval;
	uint64_t backoff_max_elapsed_time;
	struct obi_optional_int max_export_batch_size; /* deprecated names */
	struct obi_optional_int max_queue_size;
};

struct obi_otlp_metrics_options {
	struct obi_otlp_target_options target;
	uint64_t interval; /* ns, after interval_ms has had its say */
	struct obi_optional_int interval_ms;
	struct obi_floats duration_buckets;      /* upper bounds in seconds, without +Inf */
	struct obi_floats request_size_buckets;  /* bytes */
	struct obi_floats response_size_buckets; /* bytes */
	int aggregation;                         /* enum otlp_aggregation */
	int64_t exponential_max_size;
	int64_t exponential_max_scale;
	int64_t reporters_cache_len;
	struct obi_flags features;         /* deprecated; .set wins over the common ones */
	struct obi_flags instrumentations; /* enum obi_instrumentation */
	uint64_t ttl;                      /* ns */
	bool allow_service_graph_self_references;
	struct obi_list extra_span_resource_attributes;
};

struct obi_otlp_options {
	struct obi_otlp_common_options common;
	struct obi_otlp_traces_options traces;
	struct obi_otlp_metrics_options metrics;
};

extern const struct obi_options obi_otlp_option_rows;

/* The options of a signal's destination. */
const struct obi_otlp_target_options *obi_otlp_target(const struct obi_otlp_options *options,
						      enum otlp_signal signal);

/* The endpoint of a signal: its own, else the common one; "" = the signal is not exported. */
const char *obi_otlp_endpoint(const struct obi_otlp_options *options, enum otlp_signal signal);

/* Is the signal sent, or (traces) printed as `debug`? */
bool obi_otlp_traces_wanted(const struct obi_otlp_options *options);
bool obi_otlp_metrics_wanted(const struct obi_otlp_options *options);

/* Does anything need the sender? */
bool obi_otlp_sender_wanted(const struct obi_otlp_options *options);

/* The least severe of what is asked for by any signal, else that of the program: enum log_level. */
int obi_otlp_log_level(const struct obi_otlp_options *options, int of_program);

/* Bytes of batches that the memory limit leaves for a signal, on their way or waiting. */
uint64_t obi_otlp_queue_bytes(const struct obi_otlp_options *options, enum otlp_signal signal);

#endif
