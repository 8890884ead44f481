/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A registry of metrics as OTLP (opentelemetry/proto/metrics/v1/metrics.proto), in pieces: each is
 * a ScopeMetrics, some of which make a ResourceMetrics, some of which make a request.
 *
 * Cumulative points begin when their series did. Delta points begin where the last ones of their
 * series ended, and are only there when something came.
 */
#ifndef OBI_OTLP_METRICS_H
#define OBI_OTLP_METRICS_H

#include "base/buffer.h"
#include "metrics/options.h"
#include "metrics/registry.h"

/* Around these pieces: begins a ResourceMetrics of an ExportMetricsServiceRequest; resource is the
 * content of a Resource. Returns a mark for its end. */
size_t otlp_metrics_begin_resource(struct slice resource, struct buffer *buf);
void otlp_metrics_end_resource(size_t mark, struct buffer *buf);

struct otlp_metrics_reader {
	struct metrics *metrics; /* NULL: none is being read */
	enum obi_temporality temporality;
	uint64_t now_ns;
	size_t family; /* next */
	size_t row;    /* of it, next */
};

/* Begins to collect what there is at now_ns, monotonic: the time of all points, not before that of
 * an earlier collection. While a reader is open no row of the registry is freed; end every one. */
void otlp_metrics_begin(struct otlp_metrics_reader *reader, struct metrics *metrics,
			enum obi_temporality temporality, uint64_t now_ns);

/* Appends a ScopeMetrics with as many points as it takes to make buf that long, and adds their
 * number to points; nothing where there are none. Returns whether there is more. */
bool otlp_metrics_put(struct otlp_metrics_reader *reader, struct slice scope, struct buffer *buf,
		      size_t bytes, uint32_t *points);

void otlp_metrics_end(struct otlp_metrics_reader *reader);

#endif
