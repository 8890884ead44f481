// SPDX-License-Identifier: Apache-2.0
#include "metrics/histogram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "metrics/registry.h"

/* Buckets from the first to the last of a native histogram, empty ones among them. */
#define NATIVE_SIZE_MAX 1024u
#define NATIVE_SCHEMA_MIN (-4)
#define NATIVE_SCHEMA_MAX 8

/* Without room for so much a histogram has no native one beside it. */
#define NATIVE_FIRST_BYTES 512

/* ---- Memory ---- */

#define BLOCK_OVERHEAD 16 /* of malloc */

static size_t exponential_bytes(const struct exponential *histogram)
{
	return histogram ? sizeof(*histogram) + histogram->room * sizeof(uint64_t) + BLOCK_OVERHEAD
			 : 0;
}

size_t histogram_first_bytes(const struct histogram_options *options)
{
	if (!options->exponential)
		return 0;
	return sizeof(struct histogram_extras) + BLOCK_OVERHEAD + sizeof(struct exponential) +
	       EXPONENTIAL_FIRST_ROOM * sizeof(uint64_t) + BLOCK_OVERHEAD;
}

static bool has_room(const struct metric *metric, size_t bytes)
{
	const struct metrics_pool *pool = metric->options->pool;

	return pool->bytes + bytes <= pool->max_bytes;
}

/* As exponential_add(); where there is no room for more buckets the ones it has become wider. */
static int add_to(const struct metric *metric, struct exponential **histogram, double value,
		  uint64_t times, struct exponential_limits limits)
{
	size_t before = exponential_bytes(*histogram);
	uint32_t room = *histogram ? (*histogram)->room : EXPONENTIAL_FIRST_ROOM;
	int e;

	if (limits.max_size > room &&
	    !has_room(metric, (limits.max_size - room) * sizeof(uint64_t)))
		limits.max_size = room;
	e = exponential_add(histogram, value, times, &limits);
	metric->options->pool->bytes += exponential_bytes(*histogram) - before;
	return e;
}

static void free_exponential(const struct metric *metric, struct histogram_extras *extras)
{
	metric->options->pool->bytes -= exponential_bytes(extras->exponential);
	free(extras->exponential);
	extras->exponential = NULL;
}

double histogram_shown(const struct metric *metric, uint64_t value)
{
	return (double)value * metric->unit;
}

struct histogram_extras *histogram_extras(const struct metric *metric, const struct metric_row *row)
{
	return (struct histogram_extras *)(uintptr_t)row->cells[metric_extras_cell(metric)];
}

static struct histogram_extras *make_extras(const struct metric *metric, struct metric_row *row)
{
	struct histogram_extras *extras = histogram_extras(metric, row);

	if (extras)
		return extras;
	extras = calloc(1, sizeof(*extras));
	if (!extras)
		return NULL;
	metric->options->pool->bytes += sizeof(*extras) + BLOCK_OVERHEAD;
	extras->reset_ns = row->created_ns;
	row->cells[metric_extras_cell(metric)] = (uintptr_t)extras;
	return extras;
}

void histogram_clear_exemplars(const struct metric *metric, struct metric_row *row)
{
	struct histogram_extras *extras = histogram_extras(metric, row);

	if (extras && extras->exemplars)
		extras->exemplars->count = extras->exemplars->oldest = 0;
}

void histogram_clear(const struct metric *metric, struct metric_row *row)
{
	struct histogram_extras *extras = histogram_extras(metric, row);

	memset(&row->cells[metric->cell], 0, (metric->bounds_count + 2) * sizeof(uint64_t));
	if (!extras)
		return;
	if (extras->exponential)
		exponential_clear(extras->exponential);
	extras->reset_ns = row->updated_ns;
	histogram_clear_exemplars(metric, row);
}

void histogram_free(const struct metric *metric, struct metric_row *row)
{
	struct histogram_extras *extras = histogram_extras(metric, row);

	if (!extras)
		return;
	free_exponential(metric, extras);
	if (extras->exemplars)
		metric->options->pool->bytes -= sizeof(*extras->exemplars) + BLOCK_OVERHEAD;
	free(extras->exemplars);
	free(extras);
	metric->options->pool->bytes -= sizeof(*extras) + BLOCK_OVERHEAD;
	row->cells[metric_extras_cell(metric)] = 0;
}

/* ---- Native histograms ---- */

int32_t histogram_native_schema(double factor)
{
	double schema = -floor(log2(log2(factor)));

	if (!(schema > NATIVE_SCHEMA_MIN))
		return NATIVE_SCHEMA_MIN;
	return schema > NATIVE_SCHEMA_MAX ? NATIVE_SCHEMA_MAX : (int32_t)schema;
}

static struct exponential_limits native_limits(const struct metric *metric)
{
	return (struct exponential_limits){
		.max_scale = metric->options->limits.max_scale,
		.max_size = NATIVE_SIZE_MAX,
	};
}

/* Where the values of an explicit bucket may stand: at its upper bound, above the last one twice
 * as high. */
static double value_of_bucket(const struct metric *metric, const struct metric_row *row, uint32_t i)
{
	const int64_t *bounds = metric->bounds;
	uint32_t count = metric->bounds_count;

	if (i < count)
		return bounds[i] > 0 ? histogram_shown(metric, (uint64_t)bounds[i]) : 0;
	if (count && bounds[count - 1] > 0)
		return 2 * histogram_shown(metric, (uint64_t)bounds[count - 1]);
	return histogram_shown(metric, row->cells[metric->cell]) /
	       (double)row->cells[metric->cell + 1 + i];
}

static bool seed_native(const struct metric *metric, const struct metric_row *row,
			struct histogram_extras *extras)
{
	const struct exponential_limits limits = native_limits(metric);
	const uint64_t *counts = &row->cells[metric->cell + 1];

	for (uint32_t i = 0; i <= metric->bounds_count; i++) {
		if (!counts[i] || add_to(metric, &extras->exponential,
					 value_of_bucket(metric, row, i), counts[i], limits) == 0)
			continue;
		free_exponential(metric, extras);
		return false;
	}
	return true;
}

struct histogram_extras *histogram_native(const struct metric *metric, struct metric_row *row)
{
	struct histogram_extras *extras = histogram_extras(metric, row);

	if (!(extras && extras->exponential) && !has_room(metric, NATIVE_FIRST_BYTES))
		return NULL;
	extras = make_extras(metric, row);
	if (!extras || extras->exponential || seed_native(metric, row, extras))
		return extras;
	return NULL;
}

/* Too many buckets in use: all values begin anew where that is not too soon. */
static void limit_native(const struct metric *metric, struct metric_row *row,
			 struct histogram_extras *extras, double value, uint64_t times)
{
	const struct exponential_limits limits = native_limits(metric);
	const struct histogram_options *options = metric->options;

	if (extras->exponential->filled <= options->native_max)
		return;
	if (row->updated_ns - extras->reset_ns >= options->native_min_reset_ns) {
		histogram_clear(metric, row);
		(void)add_to(metric, &extras->exponential, value, times, limits);
		return;
	}
	while (extras->exponential->filled > options->native_max &&
	       extras->exponential->scale > NATIVE_SCHEMA_MIN)
		exponential_halve(extras->exponential);
}

static void observe_native(const struct metric *metric, struct metric_row *row, double value,
			   uint64_t times)
{
	const struct exponential_limits limits = native_limits(metric);
	struct histogram_extras *extras = histogram_native(metric, row);

	if (!extras)
		return;
	if (add_to(metric, &extras->exponential, value, times, limits) != 0) {
		free_exponential(metric, extras); /* made again from the explicit ones */
		return;
	}
	limit_native(metric, row, extras, value, times);
}

/* ---- Exemplars ---- */

/* The place of the bucket's exemplar: its own, a free one, the oldest. */
static struct exemplar *exemplar_place(struct exemplars *exemplars, uint32_t bucket)
{
	struct exemplar *oldest = &exemplars->items[exemplars->oldest];

	for (uint32_t i = 0; i < exemplars->count; i++) {
		if (exemplars->items[i].bucket == bucket)
			return &exemplars->items[i];
	}
	if (exemplars->count < EXEMPLARS_MAX)
		return &exemplars->items[exemplars->count++];
	exemplars->oldest = (exemplars->oldest + 1) % EXEMPLARS_MAX;
	return oldest;
}

/* NULL where memory is short, or all the memory that series may take. */
static struct histogram_extras *make_extras_for_exemplars(const struct metric *metric,
							  struct metric_row *row)
{
	struct histogram_extras *extras = histogram_extras(metric, row);
	size_t bytes = sizeof(*extras->exemplars) + BLOCK_OVERHEAD;

	if (extras && extras->exemplars)
		return extras;
	if (!has_room(metric, bytes + sizeof(*extras) + BLOCK_OVERHEAD))
		return NULL;
	extras = make_extras(metric, row);
	if (!extras)
		return NULL;
	extras->exemplars = calloc(1, sizeof(*extras->exemplars));
	if (!extras->exemplars)
		return NULL;
	metric->options->pool->bytes += bytes;
	return extras;
}

static void keep_exemplar(const struct metric *metric, struct metric_row *row, uint32_t bucket,
			  uint64_t value, const struct metric_origin *origin)
{
	struct histogram_extras *extras = make_extras_for_exemplars(metric, row);
	struct exemplar *exemplar;

	if (!extras)
		return;
	exemplar = exemplar_place(extras->exemplars, bucket);
	exemplar->bucket = bucket;
	exemplar->value = value;
	exemplar->time_ns = origin->time_ns;
	memcpy(exemplar->trace_id, origin->trace_id, sizeof(exemplar->trace_id));
	memcpy(exemplar->span_id, origin->span_id, sizeof(exemplar->span_id));
}

const struct exemplar *histogram_exemplar(const struct metric *metric, const struct metric_row *row,
					  uint32_t bucket)
{
	const struct histogram_extras *extras = histogram_extras(metric, row);

	for (uint32_t i = 0; extras && extras->exemplars && i < extras->exemplars->count; i++) {
		if (extras->exemplars->items[i].bucket == bucket)
			return &extras->exemplars->items[i];
	}
	return NULL;
}

static void put_hex(char *to, const uint8_t *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		to[2 * i] = digits[bytes[i] >> 4];
		to[2 * i + 1] = digits[bytes[i] & 15];
	}
}

struct exemplar_text exemplar_text(const struct exemplar *exemplar)
{
	struct exemplar_text text;

	put_hex(text.trace_id, exemplar->trace_id, sizeof(exemplar->trace_id));
	put_hex(text.span_id, exemplar->span_id, sizeof(exemplar->span_id));
	return text;
}

bool histogram_observe(const struct metric *metric, struct metric_row *row, uint32_t bucket,
		       uint64_t value, uint64_t times, const struct metric_origin *origin)
{
	const struct histogram_options *options = metric->options;

	if (options->exponential) {
		struct histogram_extras *extras = make_extras(metric, row);

		if (!extras || add_to(metric, &extras->exponential, histogram_shown(metric, value),
				      times, options->limits) != 0)
			return false;
	} else if (options->native) {
		observe_native(metric, row, histogram_shown(metric, value), times);
	}
	if (origin && (options->exemplars == EXEMPLARS_ON ||
		       (options->exemplars == EXEMPLARS_TRACE && origin->sampled)))
		keep_exemplar(metric, row, bucket, value, origin);
	return true;
}
