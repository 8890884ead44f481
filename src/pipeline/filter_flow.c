// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "flow/attributes.h"
#include "pipeline/filter_attributes.h"

static int find(const char *name)
{
	for (int i = 0; i < FLOW_ATTRIBUTES; i++)
		if (filter_same_name(name, flow_attribute_names[i]))
			return i;
	return -1;
}

static bool known(const char *name)
{
	/* Of metadata that is not there yet: "" for all flows. */
	return find(name) >= 0 || !strncmp(name, "k8s", 3);
}

int obi_filter_check_flows(const void *field, char *why, size_t why_size)
{
	return filter_check(field, known, why, why_size);
}

void obi_filter_resolve_flows(struct obi_filter *filter)
{
	filter_resolve(filter, find);
}

bool obi_filter_flow(const struct obi_filter *filter, const struct obi_flow_record *record)
{
	struct slice values[FLOW_ATTRIBUTES];
	struct flow_texts texts;

	if (!filter->count)
		return true;
	flow_attributes(record, &texts, values);
	for (size_t i = 0; i < filter->count; i++) {
		const struct obi_filter_clause *clause = &filter->items[i];
		struct slice value = clause->asks < 0 ? SLICE_LIT("") : values[clause->asks];

		if (!filter_clause_passes(clause, value))
			return false;
	}
	return true;
}

static void put(void *context, struct obi_flow_record *record)
{
	struct obi_flow_filter *filter = context;

	if (obi_filter_flow(filter->filter, record))
		filter->next.put(filter->next.context, record);
	else
		filter->filtered++;
}

struct obi_flow_sink obi_flow_filter_sink(struct obi_flow_filter *filter)
{
	return (struct obi_flow_sink){ .put = put, .context = filter };
}
