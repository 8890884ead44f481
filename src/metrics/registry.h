/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metrics in memory. A table holds one row for each combination of attribute values that
 * occurred; a row holds the values of all metrics that have these attributes, so that one
 * look-up serves them all. A series is one metric of one row.
 *
 * Metrics and attributes have the names of OpenTelemetry; what Prometheus calls them is derived
 * (name.h). Values are integers in the unit in which they are given (nanoseconds, bytes); a
 * metric's scale says how many of them make one of the unit that is shown.
 */
#ifndef OBI_METRICS_REGISTRY_H
#define OBI_METRICS_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "config/option.h"
#include "metrics/histogram.h"
#include "metrics/name.h"
#include "metrics/shares.h"

/* Most series that a registry keeps, unless told otherwise. */
#define METRICS_SERIES_MAX 100000

/* Bytes of an attribute's value; longer ones are cut. */
#define METRICS_VALUE_MAX 255
#define METRICS_LABELS_MAX 32

/* The attribute of the row that counts what found no row of its own
 * (https://opentelemetry.io/docs/specs/otel/metrics/sdk/#overflow-attribute). */
#define METRICS_OVERFLOW_ATTRIBUTE "otel.metric.overflow"
#define METRICS_OVERFLOW_LABEL "otel_metric_overflow"

struct metric_desc {
	const char *name; /* http.server.request.duration */
	const char *unit; /* UCUM: s, By, {token}; NULL: none */
	const char *help;
	enum metric_type type;
	uint64_t scale; /* 1000000000 where ns are given and seconds shown; 0 = 1 */
	const struct obi_floats *buckets; /* HISTOGRAM: upper bounds as shown, without +Inf */
	const char *prometheus; /* its name there, where it is another than the derived one */
	bool observed;          /* COUNTER: set to what somebody else counted, never added to */
};

struct metrics;
struct metric_table;

/* Several registries may share a bound on their series, and on the memory that these take. */
struct metrics_pool {
	size_t series; /* there are */
	size_t max;
	size_t bytes; /* they take, with exponential buckets and exemplars */
	size_t max_bytes;
	uint64_t overflow;             /* how many times one could not be made */
	struct metric_shares services; /* of the bytes of rows */
	/* Told when one could not be made, at most once a minute: of the metric, and of the service
	 * that has the most of it ("" where series have none). NULL: nobody wants to know. */
	void (*limited)(const char *metric, struct slice service, size_t series);
	uint64_t limited_ns;
};

struct metrics_options {
	struct metrics_pool *pool; /* outlives the registry; NULL: METRICS_SERIES_MAX alone */
	size_t max_rows;           /* most series of one metric, the overflowing one among them */
	bool without_text;         /* never rendered as text: needs less memory */
	struct histogram_options histograms;
};

struct metric_row {
	uint64_t created_ns; /* or begun anew */
	uint64_t updated_ns;
	uint32_t hash;
	uint32_t index; /* in the table's list */
	uint16_t key_len;
	bool removed;     /* gone for every reader, waits for metrics_expire() */
	bool overflow;    /* of what found no other; has no attributes but that one */
	uint64_t cells[]; /* of all metrics of the table, then the key (rows.c) */
};

/* Where a metric's values stand in a row. COUNTER and GAUGE: one cell;
 * a counter that is observed has a second one, of what a reader of deltas took. HISTOGRAM: the sum,
 * then a count for each bucket, the last one for +Inf; not cumulative; then a pointer to what else
 * it keeps (histogram.h). */
struct metric {
	uint32_t cell;
	uint32_t bounds_count;
	const int64_t *bounds; /* as given */
	double unit;           /* 1 / scale */
	const struct histogram_options *options;
};

/* NULL when out of memory. */
struct metrics *metrics_new(size_t max_series);
struct metrics *metrics_new_with(const struct metrics_options *options);
void metrics_free(struct metrics *metrics);

/* A table of count metrics over attributes (sorted by the names of their labels). ttl_ns: a row
 * that nobody touches for so long goes; 0 = never. The strings must outlive the registry, the
 * descriptions need not. 0, or -ENOMEM, -E2BIG for too many attributes, -ENAMETOOLONG. */
int metrics_add_table(struct metrics *metrics, const struct metric_desc *descs, size_t count,
		      const char *const *attributes, size_t attributes_count, uint64_t ttl_ns,
		      struct metric_table **ret_table);

/* The metric at this place of the table's descriptions. */
const struct metric *metric_table_metric(const struct metric_table *table, size_t i);

/* The row for these values, one for each attribute; made if there is none. Where that is not
 * possible (limit reached, memory short) the table's row of overflow, and counted; NULL where
 * there is not even that. Bytes that are not UTF-8 are left out. Valid until the next
 * metrics_expire(). */
struct metric_row *metric_table_row(struct metric_table *table, const struct slice *values,
				    uint64_t now_ns);

/* The row for these values if there is one, else NULL. */
struct metric_row *metric_table_find(const struct metric_table *table, const struct slice *values);

/* Takes the row for these values out, if there is one. */
void metric_table_remove(struct metric_table *table, const struct slice *values);

/* Frees rows past their time to live, and removed ones. Does nothing while a rendering
 * (render.h) is under way. */
void metrics_expire(struct metrics *metrics, uint64_t now_ns);

/* From now on the native histograms of Prometheus are kept too. */
void metrics_want_native(struct metrics *metrics);

/* Series there are now, and how many times one could not be made (in all registries of the pool).
 */
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

/* Where what else a histogram keeps is pointed to. */
static inline uint32_t metric_extras_cell(const struct metric *metric)
{
	return metric->cell + metric->bounds_count + 2;
}

/* So many equal values. Counting the bounds below needs no branch to predict. */
static inline void metric_observe_times(const struct metric *metric, struct metric_row *row,
					uint64_t value, uint64_t times,
					const struct metric_origin *origin)
{
	int64_t given = value < INT64_MAX ? (int64_t)value : INT64_MAX;
	uint32_t bucket = 0;

	for (uint32_t i = 0; i < metric->bounds_count; i++)
		bucket += given > metric->bounds[i];
	if (metric->options->wanted &&
	    !histogram_observe(metric, row, bucket, value, times, origin))
		return;
	row->cells[metric->cell] += value * times;
	row->cells[metric->cell + 1 + bucket] += times;
}

/* With where the value comes from, for exemplars; origin may be NULL. */
static inline void metric_observe_from(const struct metric *metric, struct metric_row *row,
				       uint64_t value, const struct metric_origin *origin)
{
	metric_observe_times(metric, row, value, 1, origin);
}

static inline void metric_observe(const struct metric *metric, struct metric_row *row,
				  uint64_t value)
{
	metric_observe_from(metric, row, value, NULL);
}

#endif
