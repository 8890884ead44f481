// SPDX-License-Identifier: Apache-2.0
#include "base/cleanup.h"
#include "pipeline/filter_attributes.h"
#include "span/attributes.h"

/* Known names, so that a configuration that has them starts: no span has a value yet. */
static const char *const empty[] = {
	"k8s.namespace.name",  "k8s.pod.name",       "k8s.container.name",   "k8s.deployment.name",
	"k8s.replicaset.name", "k8s.daemonset.name", "k8s.statefulset.name", "k8s.job.name",
	"k8s.cronjob.name",    "k8s.node.name",      "k8s.pod.uid",          "k8s.cluster.name",
	"k8s.owner.name",      "k8s.kind",           "container.id",         "container.name",
};

/* Numbers of attributes: those of the catalog, then the empty ones. */
static int find(const char *name)
{
	for (int i = 0; i < OBI_ATTRIBUTES; i++)
		if (filter_same_name(name, (const char *)obi_attributes[i].name.data))
			return i;
	for (size_t i = 0; i < ARRAY_SIZE(empty); i++)
		if (filter_same_name(name, empty[i]))
			return OBI_ATTRIBUTES + (int)i;
	return -1;
}

static bool known(const char *name)
{
	return find(name) >= 0;
}

int obi_filter_check_spans(const void *field, char *why, size_t why_size)
{
	return filter_check(field, known, why, why_size);
}

void obi_filter_resolve_spans(struct obi_filter *filter)
{
	filter_resolve(filter, find);
}

static struct slice get(const struct obi_span *span, int number, char text[SPAN_TEXT])
{
	return number < OBI_ATTRIBUTES
		       ? span_attribute_text(span, (enum obi_attribute_id)number, text)
		       : SLICE_LIT("");
}

bool obi_filter_span(const struct obi_filter *filter, const struct obi_span *span)
{
	char text[SPAN_TEXT];

	for (size_t i = 0; i < filter->count; i++) {
		const struct obi_filter_clause *clause = &filter->items[i];

		if (!filter_clause_passes(clause, get(span, clause->asks, text)))
			return false;
	}
	return true;
}
