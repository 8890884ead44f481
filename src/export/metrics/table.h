/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the registry: what registry.c fills and render.c reads. */
#ifndef OBI_EXPORT_METRICS_TABLE_H
#define OBI_EXPORT_METRICS_TABLE_H

#include "export/metrics/registry.h"

struct metric_family {
	struct metric metric;
	const char *name;
	const char *help;
	enum metric_type type;
	uint64_t scale;
	const struct metric_table *table;
	char **le;             /* text of each bound, "+Inf" last */
	char **le_openmetrics; /* the same with a point in every number */
	size_t le_longest;
};

struct row_slot {
	struct metric_row *row; /* NULL = free */
	uint32_t hash;
};

struct metric_table {
	struct metrics *metrics;
	struct metric_family *families;
	size_t families_count;
	const char **labels;
	size_t labels_count;
	size_t cells_count;
	size_t row_bytes; /* without the key */
	uint64_t ttl_ns;
	struct metric_row **rows;
	size_t rows_count;
	size_t rows_room;
	struct row_slot *slots;
	size_t slots_count; /* a power of two, or 0 */
};

struct metrics {
	struct metric_table **tables;
	size_t tables_count;
	struct metric_family **families; /* of all tables, sorted by name */
	size_t families_count;
	size_t max_series;
	size_t series;
	uint64_t overflow;
	size_t renderings; /* under way */
	uint64_t seed;
};

/* Values one after the other, each preceded by its length in one byte. */
static inline const uint8_t *metric_row_key(const struct metric_table *table,
					    const struct metric_row *row)
{
	return (const uint8_t *)(row->cells + table->cells_count);
}

#endif
