/* SPDX-License-Identifier: Apache-2.0 */
/* Stage: gives a span its route, and marks what the operator wants left out. */
#ifndef OBI_PIPELINE_ROUTE_H
#define OBI_PIPELINE_ROUTE_H

#include "pipeline/options.h"
#include "pipeline/pattern.h"
#include "span/span.h"

struct route_stage;

/* The options must outlive the stage. 0, or -ENOMEM. */
int route_stage_new(const struct obi_routes_options *options, struct route_stage **ret_stage);
void route_stage_free(struct route_stage *stage);

/* Sets span->op.http.route, valid until the next call, unless it has one; and OBI_SPAN_IGNORE_* in
 * span->flags. own are the patterns of the span's service, after the common ones; NULL: none. */
void route_stage_apply(struct route_stage *stage, const struct patterns *own,
		       struct obi_span *span);

/* The name of a service whose routes found no more room since this was asked last, or NULL. */
const char *route_stage_limited(struct route_stage *stage);

#endif
