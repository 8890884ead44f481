/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters: which spans and flows go on at all (`filter.application`, `filter.network`). A filter
 * is a list of clauses, one an attribute; all must pass.
 */
#ifndef OBI_PIPELINE_FILTER_H
#define OBI_PIPELINE_FILTER_H

#include "config/option.h"
#include "flow/flow.h"
#include "span/span.h"

struct obi_filter_clause {
	const char *attribute; /* dots and underscores mean the same */
	const char *match;     /* globs, "" = none */
	const char *not_match;
	struct obi_optional_int greater_than;
	struct obi_optional_int greater_equals;
	struct obi_optional_int equals;
	struct obi_optional_int not_equals;
	struct obi_optional_int less_equals;
	struct obi_optional_int less_than;
	int asks; /* derived: the attribute's place in its table; -1: it is "" everywhere */
};

struct obi_filter {
	struct obi_filter_clause *items;
	size_t count;
	bool set;
};

extern const struct obi_group obi_filter_clause_groups[];

/* obi_option.check of a whole filter: every attribute is one that spans (flows) have, every clause
 * asks in one way. */
int obi_filter_check_spans(const void *field, char *why, size_t why_size);
int obi_filter_check_flows(const void *field, char *why, size_t why_size);

/* Fill in what is derived, of a filter that passed its check. */
void obi_filter_resolve_spans(struct obi_filter *filter);
void obi_filter_resolve_flows(struct obi_filter *filter);

/* Does it go on, by a resolved filter? An attribute that it does not have is "" and no number. */
bool obi_filter_span(const struct obi_filter *filter, const struct obi_span *span);
bool obi_filter_flow(const struct obi_filter *filter, const struct obi_flow_record *record);

/* A filter as a sink before another. */
struct obi_flow_filter {
	const struct obi_filter *filter;
	struct obi_flow_sink next;
	uint64_t filtered; /* flows held back */
};

struct obi_flow_sink obi_flow_filter_sink(struct obi_flow_filter *filter);

#endif
