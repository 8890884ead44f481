/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metrics in memory. A table holds one row for each combination of label values that
 * occurred; a row holds the values of all metrics that have these labels, so that one
 * look-up serves them all. A series is one metric of one row.
 *
 * Values are integers in the unit in which they are given (nanoseconds, bytes); a
 * metric's scale says how many of them make one of the unit that is shown.
 */
#ifndef OBI_EXPORT_METRICS_REGISTRY_H
#define OBI_EXPORT_METRICS_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "config/option.h"

/* Most series that a registry keeps, unless told otherwise. */
#define METRICS_SERIES_MAX 100000

/* Bytes of a label value; longer ones are cut. */
#define METRICS_VALUE_MAX 255
#define METRICS_LABELS_MAX 32

enum metric_type {
	METRIC_COUNTER,
	METRIC_GAUGE,
	METRIC_HISTOGRAM,
};

struct metric_desc {
	const char *name; /* of the Prometheus text format, counters with _total */
	const char *help;
	enum metric_type type;
	uint64_t scale; /* 1000000000 where ns are given and seconds shown; 0 = 1 */
	const struct obi_floats *buckets; /* HISTOGRAM: upper bounds as shown, without +Inf */
};

struct metrics;
struct metric_table;

struct metric_row {
	uint64_t updated_ns;
	uint32_t hash;
	uint32_t index; /* in the table's list */
	uint16_t key_len;
	bool removed;     /* gone for every reader, waits for metrics_expire() */
	uint64_t cells[]; /* of all metrics of the table, then the key (registry.c) */
};

/* Where a metric's values stand in a row. COUNTER and GAUGE: one cell. HISTOGRAM: the sum, then a
 * count for each bucket, the last one for +Inf; not cumulative. */
struct metric {
	uint32_t cell;
	uint32_t bounds_count;
	const int64_t *bounds; /* as given */
};

/* NULL when out of memory. */
struct metrics *metrics_new(size_t max_series);
void metrics_free(struct metrics *metrics);

/* A table of count metrics over labels (sorted by name). ttl_ns: a row that nobody touches for so
 * long goes; 0 = never. The strings must outlive the registry, the descriptions need not.
 * 0, or -ENOMEM, -E2BIG for too many labels. */
int metrics_add_table(struct metrics *metrics, const struct metric_desc *descs, size_t count,
		      const char *const *labels, size_t labels_count, uint64_t ttl_ns,
		      struct metric_table **ret_table);

/* The metric at this place of the table's descriptions. */
const struct metric *metric_table_metric(const struct metric_table *table, size_t i);

/* The row for these values, one for each label; made if there is none. NULL where that is not
 * possible (limit reached, memory short): counted. Bytes that are not UTF-8 are left out.
 * Valid until the next metrics_expire(). */
struct metric_row *metric_table_row(struct metric_table *table, const struct slice *values,
				    uint64_t now_ns);

/* The row for these values if there is one, else NULL. */
struct metric_row *metric_table_find(const struct metric_table *table, const struct slice *values);

/* Takes the row for these values out, if there is one. */
void metric_table_remove(struct metric_table *table, const struct slice *values);

/* Frees rows past their time to live, and removed ones. Does nothing while a rendering
 * (render.h) is under way. */
void metrics_expire(struct metrics *metrics, uint64_t now_ns);

/* Series there are now, and how many times one could not be made. */
size_t metrics_series(const struct metrics *metrics);
uint64_t metrics_overflow(const struct metrics *metrics);

static inline void metric_add(const struct metric *metric, struct metric_row *row, uint64_t value)
{
	row->cells[metric->cell] += value;
}

static inline void metric_set(const struct metric *metric, struct metric_row *row, uint64_t value)
{
	row->cells[metric->cell] = value;
}

/* Counting the bounds below the value needs no branch to predict. */
static inline void metric_observe(const struct metric *metric, struct metric_row *row,
				  uint64_t value)
{
	int64_t given = value < INT64_MAX ? (int64_t)value : INT64_MAX;
	uint32_t bucket = 0;

	for (uint32_t i = 0; i < metric->bounds_count; i++)
		bucket += given > metric->bounds[i];
	row->cells[metric->cell] += value;
	row->cells[metric->cell + 1 + bucket]++;
}

#endif
