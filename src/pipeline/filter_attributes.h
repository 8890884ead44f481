/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the filters: clauses on one side, attributes of spans and of flows on the other. */
#ifndef OBI_PIPELINE_FILTER_ATTRIBUTES_H
#define OBI_PIPELINE_FILTER_ATTRIBUTES_H

#include "pipeline/filter.h"

/* Room for the text of a number. */
#define FILTER_TEXT 24

/* Is the given name this one? */
bool filter_same_name(const char *given, const char *name);

/* find: the number of the attribute, or -1. */
void filter_resolve(struct obi_filter *filter, int (*find)(const char *name));

/* 0, or -EINVAL with the reason. */
int filter_check(const struct obi_filter *filter, bool (*known)(const char *attribute), char *why,
		 size_t why_size);

bool filter_clause_passes(const struct obi_filter_clause *clause, struct slice value);

#endif
