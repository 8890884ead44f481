// SPDX-License-Identifier: Apache-2.0
/*
 * The stages in their order. Each takes the span, sets its own fields and may lend it
 * memory until the next span comes; only the filter drops one. What is to be left out otherwise is
 * marked instead, because metrics and traces may differ there. Paths and queries are only HTTP's,
 * so spans of other families pass by redaction and routes.
 */
#include "pipeline/pipeline.h"

#include <stdlib.h>

#include "pipeline/avoid.h"
#include "pipeline/filter.h"
#include "pipeline/names.h"
#include "pipeline/policy.h"
#include "pipeline/redact.h"
#include "pipeline/route.h"
#include "settings/settings.h"

struct obi_pipeline {
	struct route_stage *route;
	struct redact_stage *redact;
	struct names_stage names;
	struct policies *policies;
	struct avoid_stage avoid;
	void (*fresh)(void *context, const struct obi_service *service, unsigned signal);
	void *fresh_context;
	const struct obi_filter *filter;
	uint64_t filtered;
	struct obi_span_sink next;
};

struct obi_pipeline *obi_pipeline_new(const struct obi_settings *settings,
				      struct obi_span_sink next)
{
	const struct obi_pipeline_options *options = &settings->pipeline;
	const struct redact_options redact = {
		.add = &options->attributes.sensitive_add,
		.remove = &options->attributes.sensitive_remove,
		.allow_only = &options->attributes.sensitive_allow_only,
	};
	struct obi_pipeline *pipeline = calloc(1, sizeof(*pipeline));

	if (!pipeline)
		return NULL;
	pipeline->next = next;
	pipeline->filter = &options->filter_spans;
	pipeline->avoid.options = &settings->discovery;
	if (route_stage_new(&options->routes, &pipeline->route) != 0 ||
	    redact_stage_new(&redact, &pipeline->redact) != 0 ||
	    policies_new(settings, &pipeline->policies) != 0) {
		obi_pipeline_free(pipeline);
		return NULL;
	}
	return pipeline;
}

void obi_pipeline_free(struct obi_pipeline *pipeline)
{
	if (!pipeline)
		return;
	route_stage_free(pipeline->route);
	redact_stage_free(pipeline->redact);
	policies_free(pipeline->policies);
	free(pipeline);
}

/* signals: of which it is new that the process exports them itself. */
static void tell_fresh(const struct obi_pipeline *pipeline, const struct obi_service *service,
		       unsigned signals)
{
	for (unsigned signal = 1; pipeline->fresh && signal <= signals; signal <<= 1)
		if (signals & signal)
			pipeline->fresh(pipeline->fresh_context, service, signal);
}

void obi_pipeline_put(void *context, struct obi_span *span)
{
	struct obi_pipeline *pipeline = context;

	if (span->system->family == OBI_FAMILY_HTTP) {
		redact_stage_apply(pipeline->redact, span);
		route_stage_apply(pipeline->route, policies_routes(pipeline->policies, span), span);
	}
	names_stage_apply(&pipeline->names, span);
	if (!obi_filter_span(pipeline->filter, span)) {
		pipeline->filtered++;
		return;
	}
	policies_apply(pipeline->policies, span);
	tell_fresh(pipeline, span->service, avoid_stage_apply(&pipeline->avoid, span));
	obi_span_put(&pipeline->next, span);
}

uint64_t obi_pipeline_filtered(const struct obi_pipeline *pipeline)
{
	return pipeline->filtered;
}

const char *obi_pipeline_limited(struct obi_pipeline *pipeline)
{
	return route_stage_limited(pipeline->route);
}

void obi_pipeline_watch_avoided(struct obi_pipeline *pipeline,
				void (*fresh)(void *context, const struct obi_service *service,
					      unsigned signal),
				void *context)
{
	pipeline->fresh = fresh;
	pipeline->fresh_context = context;
}

bool obi_pipeline_samples(const struct obi_pipeline *pipeline, const struct obi_service *service,
			  const struct obi_trace *trace)
{
	return policies_samples(pipeline->policies, service, trace);
}

void obi_pipeline_gone(struct obi_pipeline *pipeline, uint32_t pid)
{
	avoid_stage_gone(&pipeline->avoid, pid);
}
