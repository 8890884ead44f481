/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a histogram keeps beside its explicit buckets: exponential ones, and exemplars. It hangs on
 * a row by one pointer and is made when the first value asks for it.
 *
 * Native histograms of Prometheus are kept from the moment when somebody first asks for that
 * format (metrics_want_native()), which most never do: what was counted before is put into the
 * exponential bucket at the upper end of its explicit one. Only differences between scrapes have
 * a meaning to Prometheus, and these are exact.
 */
#ifndef OBI_METRICS_HISTOGRAM_H
#define OBI_METRICS_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "metrics/exponential.h"

struct metric;
struct metric_row;
struct metric_table;
struct metrics_pool;

enum exemplar_filter {
	EXEMPLARS_OFF,
	EXEMPLARS_ON,    /* every value that comes from a span */
	EXEMPLARS_TRACE, /* those whose span is sampled */
};

/* Exemplars of one histogram, one a bucket at most; these take part in the newest. */
#define EXEMPLARS_MAX 4

struct histogram_options {
	bool exponential;          /* instead of explicit buckets (then without bounds) */
	bool native;               /* beside them */
	bool wanted;               /* derived: is there anything to keep at all? */
	struct metrics_pool *pool; /* derived: what is kept counts there */
	enum exemplar_filter exemplars;
	struct exponential_limits limits;
	/* Native: buckets in use; when there are more they begin anew, not more often than
	 * min_reset_ns, or become coarser. */
	uint32_t native_max;
	uint64_t native_min_reset_ns;
};

/* Where a value comes from. */
struct metric_origin {
	const uint8_t *trace_id; /* 16 bytes */
	const uint8_t *span_id;  /* 8 bytes */
	uint64_t time_ns;        /* since the epoch */
	bool sampled;
};

struct exemplar {
	uint64_t value; /* as given */
	uint64_t time_ns;
	uint8_t trace_id[16];
	uint8_t span_id[8];
	uint32_t bucket; /* explicit one */
};

struct exemplars {
	uint32_t count;
	uint32_t oldest; /* once there are EXEMPLARS_MAX */
	struct exemplar items[EXEMPLARS_MAX];
};

struct histogram_extras {
	struct exponential *exponential; /* NULL: none yet */
	struct exemplars *exemplars;     /* NULL: none yet */
	uint64_t reset_ns;               /* when the values last began anew, monotonic */
};

/* Takes the value, so many times, to what the options ask for; before the row counts it. False when
 * memory is so short that the row must not count it either. */
bool histogram_observe(const struct metric *metric, struct metric_row *row, uint32_t bucket,
		       uint64_t value, uint64_t times, const struct metric_origin *origin);

/* NULL: none. */
struct histogram_extras *histogram_extras(const struct metric *metric,
					  const struct metric_row *row);

/* Bytes that a new row's histogram takes beside the row before its first value is counted. */
size_t histogram_first_bytes(const struct histogram_options *options);

/* The same with the exponential buckets there; NULL when out of memory. */
struct histogram_extras *histogram_native(const struct metric *metric, struct metric_row *row);

/* The exemplar of an explicit bucket, or NULL. */
const struct exemplar *histogram_exemplar(const struct metric *metric, const struct metric_row *row,
					  uint32_t bucket);

/* Its ids, lower-case hexadecimal. */
struct exemplar_text {
	char trace_id[32];
	char span_id[16];
};

struct exemplar_text exemplar_text(const struct exemplar *exemplar);

/* The value as shown. */
double histogram_shown(const struct metric *metric, uint64_t value);

/* Forgets exemplars; the others stay. */
void histogram_clear_exemplars(const struct metric *metric, struct metric_row *row);

/* All values of the row begin anew. */
void histogram_clear(const struct metric *metric, struct metric_row *row);

void histogram_free(const struct metric *metric, struct metric_row *row);

/* The schema, 8 to -4, whose buckets grow by no more than the factor, 1 < factor. */
int32_t histogram_native_schema(double factor);

#endif
