/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The buckets of a base-2 exponential histogram: bucket i of scale s counts the values above
 * 2^(i / 2^s) up to 2^((i + 1) / 2^s)
 * (https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram). A native
 * histogram of Prometheus has the same buckets, each under the number one above.
 *
 * The finest scale that the limits allow: where a new value would need too many buckets, two and
 * two are made one until they suffice.
 */
#ifndef OBI_METRICS_EXPONENTIAL_H
#define OBI_METRICS_EXPONENTIAL_H

#include <stddef.h>
#include <stdint.h>

/* Two buckets of the coarsest scale hold every double above zero. */
#define EXPONENTIAL_SCALE_MIN (-10)
#define EXPONENTIAL_SCALE_MAX 20
#define EXPONENTIAL_SIZE_MIN 2

/* Buckets that a new histogram has room for; most latencies of one kind fit in. */
#define EXPONENTIAL_FIRST_ROOM 12u

struct exponential_limits {
	int32_t max_scale;
	uint32_t max_size; /* buckets from the first to the last that counts something */
};

struct exponential {
	int32_t scale;
	int32_t first; /* number of counts[0] */
	uint32_t len;  /* in use; 0: no value yet */
	uint32_t room;
	uint32_t filled; /* of them, those that are not zero */
	uint64_t zeros;  /* values of zero */
	uint64_t counts[];
};

/* Counts one more value >= 0. May move the histogram, NULL being the empty one; free() it. 0, or
 * -ENOMEM with nothing counted. */
int exponential_add(struct exponential **histogram, double value, uint64_t times,
		    const struct exponential_limits *limits);

/* Makes two buckets one, once. */
void exponential_halve(struct exponential *histogram);

/* The number of the bucket for a value > 0. */
int32_t exponential_index(double value, int32_t scale);

/* Forgets all values; the scale begins anew with the next one. */
void exponential_clear(struct exponential *histogram);

#endif
