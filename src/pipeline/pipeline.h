/* SPDX-License-Identifier: Apache-2.0 */
/* Between connections and exporters: a span passes the stages and goes to the next sink. */
#ifndef OBI_PIPELINE_PIPELINE_H
#define OBI_PIPELINE_PIPELINE_H

#include <stdbool.h>

#include "pipeline/options.h"
#include "span/span.h"

struct obi_pipeline;
struct obi_settings;

/* The settings must outlive the pipeline. NULL when out of memory. */
struct obi_pipeline *obi_pipeline_new(const struct obi_settings *settings,
				      struct obi_span_sink next);
void obi_pipeline_free(struct obi_pipeline *pipeline);

/* A span sink: context is the pipeline. Every span that is put goes on, but for what
 * filter.application holds back. */
void obi_pipeline_put(void *pipeline, struct obi_span *span);

/* The decision of the service's sampler on a trace. */
bool obi_pipeline_samples(const struct obi_pipeline *pipeline, const struct obi_service *service,
			  const struct obi_trace *trace);

/* fresh() is told of each process that is seen to export a signal (enum obi_signal_bit) itself. */
void obi_pipeline_watch_avoided(struct obi_pipeline *pipeline,
				void (*fresh)(void *context, const struct obi_service *service,
					      unsigned signal),
				void *context);

/* A process is gone. */
void obi_pipeline_gone(struct obi_pipeline *pipeline, uint32_t pid);

/* Spans that were held back. */
uint64_t obi_pipeline_filtered(const struct obi_pipeline *pipeline);

/* The name of a service with more routes than its share since this was asked last, or NULL. */
const char *obi_pipeline_limited(struct obi_pipeline *pipeline);

#endif
