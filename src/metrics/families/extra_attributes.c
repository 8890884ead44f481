// SPDX-License-Identifier: Apache-2.0
#include "metrics/families/extra_attributes.h"

#include "base/pairs.h"
#include "base/percent.h"

#define NOT_FIXED UINT8_MAX

/* As their labels: dots and underscores are the same. */
static int compare_labels(const char *a, const char *b)
{
	char first[METRIC_NAME_MAX] = "", second[METRIC_NAME_MAX] = "";

	(void)metric_prometheus_label(a, first);
	(void)metric_prometheus_label(b, second);
	return strcmp(first, second);
}

/* Puts it in its place, unless there is one of its name. */
static void insert(struct attribute_row *row, const char *name, uint8_t fixed)
{
	size_t at = row->count;

	if (row->count == METRICS_LABELS_MAX || strlen(name) >= METRIC_NAME_MAX || !*name)
		return;
	for (size_t i = 0; i < row->count; i++) {
		int order = compare_labels(row->names[i], name);

		if (order == 0)
			return;
		if (order > 0) {
			at = i;
			break;
		}
	}
	memmove(row->names + at + 1, row->names + at, (row->count - at) * sizeof(row->names[0]));
	memmove(row->fixed + at + 1, row->fixed + at, row->count - at);
	row->names[at] = name;
	row->fixed[at] = fixed;
	row->count++;
}

void attribute_row_init(struct attribute_row *row, const struct attribute *fixed, size_t count,
			attribute_set set, const struct obi_list *extra)
{
	row->count = 0;
	for (size_t i = 0; i < count; i++) {
		if (set & 1u << i)
			insert(row, fixed[i].name, (uint8_t)i);
	}
	for (size_t i = 0; extra && i < extra->count; i++)
		insert(row, extra->items[i], NOT_FIXED);
}

/* Of several values of a key, the last counts. */
static struct slice find_pair(struct slice pairs, struct slice key)
{
	struct slice found = SLICE_LIT(""), name, value;

	while (pairs_next(&pairs, &name, &value)) {
		if (slice_equal(name, key))
			found = value;
	}
	return found;
}

void attribute_row_values(const struct attribute_row *row, const struct obi_service *service,
			  const struct slice *fixed, struct attribute_room *room,
			  struct slice *ret_values)
{
	size_t used = 0;

	for (size_t i = 0; i < row->count; i++) {
		struct slice pairs = slice_cstr(service->resource_attributes);

		if (row->fixed[i] != NOT_FIXED) {
			ret_values[i] = fixed[row->fixed[i]];
			continue;
		}
		/* No two rows have one key, so there is room for the pairs of all. */
		ret_values[i] = percent_decode(find_pair(pairs, slice_cstr(row->names[i])),
					       room->bytes + used);
		used += ret_values[i].len;
	}
}
