/* SPDX-License-Identifier: Apache-2.0 */
/* Which attributes a metric carries: its defaults, and `attributes.select`. */
#ifndef OBI_EXPORT_ATTRIBUTES_H
#define OBI_EXPORT_ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/options.h"

#define ATTRIBUTES_MAX 32

struct attribute {
	const char *name;  /* http.request.method */
	const char *label; /* http_request_method */
	bool by_default;
};

/* An attribute set: bit i for the table's i-th. */
typedef uint32_t attribute_set;

/* Of the count attributes of this metric (its name without unit and _total, with dots:
 * http.server.request.duration), those that it carries. */
attribute_set attributes_select(const struct obi_selection_list *select, const char *metric,
				const struct attribute *attributes, size_t count);

/* The same for the key `resource`, which takes away before it adds. */
attribute_set attributes_select_resource(const struct obi_selection_list *select,
					 const struct attribute *attributes, size_t count);

/* The labels of a set, in the table's order, which must be that of the labels' names; ret_labels
 * has room for count. Returns how many. */
size_t attributes_labels(attribute_set set, const struct attribute *attributes, size_t count,
			 const char **ret_labels);

#endif
