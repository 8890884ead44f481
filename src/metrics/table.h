/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the registry: what registry.c and rows.c fill, and what the writers read. */
#ifndef OBI_METRICS_TABLE_H
#define OBI_METRICS_TABLE_H

#include "base/clock.h"
#include "metrics/registry.h"

struct metric_family {
	struct metric metric;
	const char *otel;
	const char *unit;           /* "" = none */
	char name[METRIC_NAME_MAX]; /* of Prometheus */
	const char *help;
	enum metric_type type;
	bool observed;
	uint64_t scale;
	const struct metric_table *table;
	double *shown;         /* bounds */
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
	const char **attributes;
	char **labels;                 /* of Prometheus */
	uint32_t numbers;              /* bit i: attribute i is one */
	uint32_t owners;               /* bit i: attribute i tells whose series it is */
	struct metric_shares services; /* of the rows */
	size_t labels_count;
	size_t cells_count;
	size_t row_bytes;   /* without the key */
	size_t first_bytes; /* of what its histograms keep beside it from the first value on */
	uint64_t ttl_ns;
	struct metric_row **rows;
	size_t rows_count;
	size_t rows_room;
	struct row_slot *slots;
	size_t slots_count;          /* a power of two, or 0 */
	struct metric_row *overflow; /* among rows, not in slots; NULL: none */
};

struct metrics {
	struct metric_table **tables;
	size_t tables_count;
	struct metric_family **families; /* of all tables, sorted by name */
	size_t families_count;
	struct metrics_pool own_pool;
	struct metrics_pool *pool;
	size_t max_rows;
	bool without_text;
	struct histogram_options histograms;
	size_t series;
	size_t renderings;         /* under way */
	uint64_t held_since_ns;    /* they keep rows from being freed since then; 0: not */
	uint64_t rows_freed_under; /* how often rows were freed all the same */
	uint64_t seed;
	uint64_t collected_ns; /* when OTLP last did, monotonic */
	const struct epoch_clock *epoch;
};

/* Values one after the other, each preceded by its length in one byte. */
static inline const uint8_t *metric_row_key(const struct metric_table *table,
					    const struct metric_row *row)
{
	return (const uint8_t *)(row->cells + table->cells_count);
}

/* When the row's metric began, Unix time. */
static inline uint64_t metric_row_start_ns(const struct metric_family *family,
					   const struct metric_row *row)
{
	const struct histogram_extras *extras =
		family->type == METRIC_HISTOGRAM ? histogram_extras(&family->metric, row) : NULL;
	uint64_t began = extras ? extras->reset_ns : row->created_ns;

	return began + (uint64_t)epoch_clock_start_offset(family->table->metrics->epoch, began);
}

/* Frees the row's memory; it stands in no list any more. */
void metric_row_free(struct metric_table *table, struct metric_row *row);

#endif
