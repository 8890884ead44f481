/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options whose feature does not exist yet. They are parsed and checked like all
 * others, and using one warns. Their values lie in unnamed slots, since nothing
 * reads them: who implements one moves its row to its owner and gives it a field.
 */
#ifndef OBI_SETTINGS_LATER_H
#define OBI_SETTINGS_LATER_H

#include "config/option.h"

/* Rows in later.c; these numbers may only become smaller. */
#define OBI_LATER_OPTIONS 160
#define OBI_LATER_CRITERIA 24

/* Room for the field of any type. */
union obi_later_slot {
	bool boolean;
	int64_t integer;
	double number;
	uint64_t duration;
	const char *string;
	int choice;
	struct obi_flags flags;
	struct obi_optional_int optional;
	struct obi_list list;
	struct obi_ranges ranges;
	struct obi_floats floats;
	struct obi_prefix prefix;
	struct obi_array array;
};

struct obi_later_options {
	union obi_later_slot slots[OBI_LATER_OPTIONS];
};

/* Fields of discovery criteria that do nothing yet. */
struct obi_later_criteria {
	union obi_later_slot slots[OBI_LATER_CRITERIA];
};

extern const struct obi_options obi_later_option_rows;
extern const struct obi_options obi_later_criteria_rows;

#endif
