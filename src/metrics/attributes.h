/* SPDX-License-Identifier: Apache-2.0 */
/* Which attributes a metric carries: its defaults, and `attributes.select`. */
#ifndef OBI_METRICS_ATTRIBUTES_H
#define OBI_METRICS_ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/options.h"

#define ATTRIBUTES_MAX 32

/* Where metrics go. */
enum metrics_sink {
	SINK_PROMETHEUS = 1,
	SINK_OTLP = 2,
};

struct attribute {
	const char *name; /* http.request.method */
	bool by_default;
	uint8_t only; /* enum metrics_sink, 0 = everywhere */
};

struct attribute_group {
	const struct attribute *attributes;
	size_t count;
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

/* Those of the attributes that this sink has. */
attribute_set attributes_for(enum metrics_sink sink, const struct attribute *attributes,
			     size_t count);

/* The names in a set, in the table's order, which must be that of the labels' names; ret_names has
 * room for count. Returns how many. */
size_t attributes_names(attribute_set set, const struct attribute *attributes, size_t count,
			const char **ret_names);

#endif
