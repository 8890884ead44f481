// SPDX-License-Identifier: Apache-2.0
/* Clauses, whatever they are about; the attributes stand in filter_span.c and filter_flow.c. */
#include "pipeline/filter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/glob.h"
#include "pipeline/filter_attributes.h"

#define ROW(member_, ...) OBI_ROW(struct obi_filter_clause, member_, __VA_ARGS__)
#define NUMBER(member_)                                                                            \
	ROW(member_, #member_, NULL, INT, NULL, "keep records whose attribute is a number so",     \
	    .flags = OBI_OPTION_OPTIONAL)

static const struct obi_option clause_rows[] = {
	ROW(match, "match", NULL, GLOB, NULL, "keep records whose attribute matches"),
	ROW(not_match, "not_match", NULL, GLOB, NULL, "drop records whose attribute matches"),
	NUMBER(greater_than),
	NUMBER(greater_equals),
	NUMBER(equals),
	NUMBER(not_equals),
	NUMBER(less_equals),
	NUMBER(less_than),
};

static const struct obi_options clause_options = {
	.title = "Filter",
	.rows = clause_rows,
	.count = ARRAY_SIZE(clause_rows),
};

const struct obi_group obi_filter_clause_groups[] = { { &clause_options, 0 }, { NULL, 0 } };

/* ---- Check ---- */

static bool is_numeric(const struct obi_filter_clause *clause)
{
	return clause->greater_than.set || clause->greater_equals.set || clause->equals.set ||
	       clause->not_equals.set || clause->less_equals.set || clause->less_than.set;
}

static const char *what_is_wrong(const struct obi_filter_clause *clause)
{
	bool match = *clause->match, not_match = *clause->not_match, number = is_numeric(clause);

	if (match && not_match)
		return "match and not_match exclude each other";
	if ((match || not_match) && number)
		return "a glob and a number exclude each other";
	if (!match && !not_match && !number)
		return "match, not_match or a comparison with a number is needed";
	return NULL;
}

bool filter_same_name(const char *given, const char *name)
{
	for (; *given && *name; given++, name++)
		if (*given != *name && !(*given == '_' && *name == '.'))
			return false;
	return *given == *name;
}

int filter_check(const struct obi_filter *filter, bool (*known)(const char *attribute), char *why,
		 size_t why_size)
{
	for (size_t i = 0; i < filter->count; i++) {
		const struct obi_filter_clause *clause = &filter->items[i];
		const char *wrong = known(clause->attribute) ? what_is_wrong(clause)
							     : "no attribute that can be filtered";

		if (!wrong)
			continue;
		(void)snprintf(why, why_size, "%s: %s", clause->attribute, wrong);
		return -EINVAL;
	}
	return 0;
}

void filter_resolve(struct obi_filter *filter, int (*find)(const char *name))
{
	for (size_t i = 0; i < filter->count; i++)
		filter->items[i].asks = find(filter->items[i].attribute);
}

/* ---- Records ---- */

static bool read_number(struct slice text, int64_t *ret_number)
{
	char copy[24], *end;

	if (!text.len || text.len >= sizeof(copy))
		return false;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	errno = 0;
	*ret_number = strtoll(copy, &end, 10);
	return !errno && !*end;
}

static bool compare(const struct obi_filter_clause *clause, int64_t number)
{
	return (!clause->greater_than.set || number > clause->greater_than.value) &&
	       (!clause->greater_equals.set || number >= clause->greater_equals.value) &&
	       (!clause->equals.set || number == clause->equals.value) &&
	       (!clause->not_equals.set || number != clause->not_equals.value) &&
	       (!clause->less_equals.set || number <= clause->less_equals.value) &&
	       (!clause->less_than.set || number < clause->less_than.value);
}

bool filter_clause_passes(const struct obi_filter_clause *clause, struct slice value)
{
	int64_t number;

	if (*clause->match)
		return obi_glob_match(clause->match, value);
	if (*clause->not_match)
		return !obi_glob_match(clause->not_match, value);
	return read_number(value, &number) && compare(clause, number);
}
