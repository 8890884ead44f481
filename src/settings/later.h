/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options whose feature does not exist yet. They are parsed and checked like all
 * others, and using one warns. Their values lie in unnamed slots, since nothing
 * reads them: who implements one moves its row to its owner and gives it a field.
 * Discovery criteria of the kind: discover/later_criteria.c.
 */
#ifndef OBI_SETTINGS_LATER_H
#define OBI_SETTINGS_LATER_H

#include "config/option.h"

/* Rows in later.c: this number may only become smaller. */
#define OBI_LATER_OPTIONS 139

struct obi_later_options {
	union obi_slot slots[OBI_LATER_OPTIONS];
};

extern const struct obi_options obi_later_option_rows;

#endif
