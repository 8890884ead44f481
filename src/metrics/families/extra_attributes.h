/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attributes of a table whose fixed ones are joined by further ones that the user names
 * (`*.extra_resource_attributes`, `*.extra_span_resource_attributes`). Their values are those of
 * the process's OTEL_RESOURCE_ATTRIBUTES; empty where it has none.
 */
#ifndef OBI_METRICS_FAMILIES_EXTRA_ATTRIBUTES_H
#define OBI_METRICS_FAMILIES_EXTRA_ATTRIBUTES_H

#include "config/option.h"
#include "metrics/attributes.h"
#include "metrics/registry.h"
#include "span/span.h"

/* In the order of the labels' names. */
struct attribute_row {
	const char *names[METRICS_LABELS_MAX];
	uint8_t fixed[METRICS_LABELS_MAX]; /* place among the fixed ones; NOT_FIXED: an extra one */
	size_t count;
};

/* The fixed ones in the set, and the extra ones that do not repeat them; what finds no more room is
 * left out. Strings are borrowed. */
void attribute_row_init(struct attribute_row *row, const struct attribute *fixed, size_t count,
			attribute_set set, const struct obi_list *extra);

/* All values of a service, decoded, one after the other. */
struct attribute_room {
	uint8_t bytes[sizeof(((struct obi_service *)0)->resource_attributes)];
};

/* Values for metric_table_row(): fixed has one for each fixed attribute. Those of extra ones lie in
 * the service or in room. */
void attribute_row_values(const struct attribute_row *row, const struct obi_service *service,
			  const struct slice *fixed, struct attribute_room *room,
			  struct slice *ret_values);

#endif
