/* SPDX-License-Identifier: Apache-2.0 */
/* Where a measurement comes from, for exemplars. */
#ifndef OBI_METRICS_FAMILIES_ORIGIN_H
#define OBI_METRICS_FAMILIES_ORIGIN_H

#include "metrics/histogram.h"
#include "span/span.h"

/* W3C Trace Context, section "Trace-flags". */
#define TRACE_FLAG_SAMPLED 0x01

/* Borrows the span. */
static inline struct metric_origin span_origin(const struct obi_span *span)
{
	return (struct metric_origin){
		.trace_id = span->trace.trace_id,
		.span_id = span->trace.span_id,
		.time_ns = span->end_ns,
		.sampled = span->trace.trace_flags & TRACE_FLAG_SAMPLED,
	};
}

#endif
