/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Span metrics: calls, durations and sizes by span name, kind and status. The features
 * application_span and application_span_otel say the same under different names; sizes go with
 * either, or alone.
 */
#ifndef OBI_METRICS_FAMILIES_SPAN_METRICS_H
#define OBI_METRICS_FAMILIES_SPAN_METRICS_H

#include "metrics/families/family.h"
#include "span/span.h"

struct span_metrics;

extern const struct attribute_group span_metric_attributes;

/* Adds its tables to the registry; options and registry must outlive the result. 0, or -ENOMEM. */
int span_metrics_new(const struct family_options *options, struct metrics *metrics,
		     struct span_metrics **ret_metrics);
void span_metrics_free(struct span_metrics *metrics);

/* features: those that the span's service asks for. */
void span_metrics_put(struct span_metrics *metrics, const struct obi_span *span, uint32_t features,
		      uint64_t now_ns);

#endif
