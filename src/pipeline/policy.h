/* SPDX-License-Identifier: Apache-2.0 */
/* What the entries of discovery.instrument that selected a service say of its spans. */
#ifndef OBI_PIPELINE_POLICY_H
#define OBI_PIPELINE_POLICY_H

#include "pipeline/pattern.h"
#include "span/sampler.h"
#include "span/span.h"

struct obi_settings;
struct policies;

/* One for each entry, and one for services that no entry selected. The settings must outlive the
 * result. 0, or -ENOMEM. */
int policies_new(const struct obi_settings *settings, struct policies **ret_policies);
void policies_free(struct policies *policies);

/* Route patterns for this span; NULL: none. */
const struct patterns *policies_routes(const struct policies *policies,
				       const struct obi_span *span);

/* Its sampler's decision on a trace of the service. */
bool policies_samples(const struct policies *policies, const struct obi_service *service,
		      const struct obi_trace *trace);

/* Sets OBI_SPAN_IGNORE_* by the signals that the service exports, and OBI_SPAN_UNSAMPLED. */
void policies_apply(const struct policies *policies, struct obi_span *span);

#endif
