// SPDX-License-Identifier: Apache-2.0
#include "pipeline/policy.h"

#include <errno.h>
#include <stdlib.h>

#include "settings/settings.h"

struct policy {
	struct obi_sampler sampler;
	unsigned flags;                          /* OBI_SPAN_IGNORE_* of all of its spans */
	struct patterns *routes[OBI_SPAN_SIDES]; /* NULL: none */
};

struct policies {
	size_t count;
	struct policy items[]; /* as struct obi_entries counts: the first is for none */
};

static int init_routes(struct policy *policy, const struct obi_criteria *entry)
{
	int error = 0;

	if (entry->routes_incoming.count)
		error = patterns_new(&entry->routes_incoming, &policy->routes[OBI_KIND_SERVER]);
	if (!error && entry->routes_outgoing.count)
		error = patterns_new(&entry->routes_outgoing, &policy->routes[OBI_KIND_CLIENT]);
	return error;
}

/* A ratio that cannot be read was warned of with the settings. */
static int init_policy(struct policy *policy, const struct obi_criteria *entry,
		       const struct obi_sampler_options *common)
{
	bool own = entry->sampler.name != OBI_SAMPLER_UNSET;

	(void)obi_sampler_init(own ? &entry->sampler : common, &policy->sampler);
	if (entry->exports.set && !(entry->exports.bits & OBI_SIGNAL_METRICS))
		policy->flags |= OBI_SPAN_IGNORE_METRICS;
	if (entry->exports.set && !(entry->exports.bits & OBI_SIGNAL_TRACES))
		policy->flags |= OBI_SPAN_IGNORE_TRACES;
	return init_routes(policy, entry);
}

int policies_new(const struct obi_settings *settings, struct policies **ret_policies)
{
	const struct obi_criteria_list *entries = &settings->discovery.selected;
	const struct obi_sampler_options *common = &settings->pipeline.sampler;
	struct policies *policies =
		calloc(1, sizeof(*policies) + (entries->count + 1) * sizeof(policies->items[0]));
	int error = 0;

	if (!policies)
		return -ENOMEM;
	policies->count = entries->count + 1;
	(void)obi_sampler_init(common, &policies->items[0].sampler);
	for (size_t i = 0; i < entries->count && !error; i++)
		error = init_policy(&policies->items[i + 1], &entries->items[i], common);
	if (error) {
		policies_free(policies);
		return error;
	}
	*ret_policies = policies;
	return 0;
}

void policies_free(struct policies *policies)
{
	if (!policies)
		return;
	for (size_t i = 0; i < policies->count; i++)
		for (int type = 0; type < OBI_SPAN_SIDES; type++)
			patterns_free(policies->items[i].routes[type]);
	free(policies);
}

static struct obi_entries entries_of(const struct obi_span *span)
{
	return span->service ? span->service->entries : (struct obi_entries){ 0 };
}

static const struct policy *find(const struct policies *policies, uint32_t entry)
{
	return &policies->items[entry < policies->count ? entry : 0];
}

const struct patterns *policies_routes(const struct policies *policies, const struct obi_span *span)
{
	return find(policies, entries_of(span).routes)->routes[span->kind];
}

bool policies_samples(const struct policies *policies, const struct obi_service *service,
		      const struct obi_trace *trace)
{
	uint32_t entry = service ? service->entries.sampler : 0;

	return obi_sampler_takes(&find(policies, entry)->sampler, trace);
}

void policies_apply(const struct policies *policies, struct obi_span *span)
{
	struct obi_entries entries = entries_of(span);

	span->flags |= find(policies, entries.exports)->flags;
	if (!policies_samples(policies, span->service, &span->trace))
		span->flags |= OBI_SPAN_UNSAMPLED;
}
