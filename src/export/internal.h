/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's own figures, set by the worker and read by whichever exporter shows them. A fixed
 * table: setting a name a second time replaces its value.
 */
#ifndef OBI_EXPORT_INTERNAL_H
#define OBI_EXPORT_INTERNAL_H

#include <stddef.h>

#define OBI_INTERNAL_MAX 64

struct obi_internal_value {
	const char *name;  /* as exposed; ends in _total where it is a counter */
	const char *label; /* NULL: none */
	const char *label_value;
	double value;
};

/* name, label and label_value live as long as the program. Beyond OBI_INTERNAL_MAX they are not kept. */
void obi_internal_set(const char *name, double value);
void obi_internal_set_labelled(const char *name, const char *label, const char *label_value, double value);

/* All values, those of one name together. Returns how many. */
size_t obi_internal_values(const struct obi_internal_value **ret_values);

/* HELP text of a name; "" for an unknown one. */
const char *obi_internal_help(const char *name);

#endif
