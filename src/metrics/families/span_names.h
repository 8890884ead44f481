/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps the number of span names of a service low in the span metrics: what comes after so many is
 * "AGGREGATED" (`attributes.metric_span_names_limit`). */
#ifndef OBI_METRICS_FAMILIES_SPAN_NAMES_H
#define OBI_METRICS_FAMILIES_SPAN_NAMES_H

#include "base/slice.h"
#include "span/span.h"

/* Names remembered for all services together; beyond them everything new is aggregated. */
#define SPAN_NAMES_MAX 32768

struct span_names;

/* limit: names of each service; 0 or less: no limit. NULL when out of memory. */
struct span_names *span_names_new(int64_t limit);
void span_names_free(struct span_names *names);

/* The name, or what stands for it. */
struct slice span_names_limit(struct span_names *names, const struct obi_service *service,
			      struct slice name);

#endif
