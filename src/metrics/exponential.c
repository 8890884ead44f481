// SPDX-License-Identifier: Apache-2.0
#include "metrics/exponential.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

int32_t exponential_index(double value, int32_t scale)
{
	int exponent;
	double fraction;
	int32_t index, lowest, highest;

	if (value < DBL_MIN)
		value = DBL_MIN;
	fraction = frexp(value, &exponent); /* value = fraction * 2^exponent, 0.5 <= fraction < 1 */
	if (fraction == 0.5) {
		/* A power of two: the upper end of its bucket, where logarithms may err. */
		index = exponent - 2;
		return scale > 0 ? (int32_t)(((uint32_t)(exponent - 1) << scale) - 1)
				 : index >> -scale;
	}
	if (scale <= 0)
		return (exponent - 1) >> -scale;
	lowest = (int32_t)((uint32_t)(exponent - 1) << scale);
	highest = (int32_t)(((uint32_t)exponent << scale) - 1);
	index = (int32_t)ceil(log2(value) * (double)(1 << scale)) - 1;
	if (index < lowest)
		return lowest;
	return index > highest ? highest : index;
}

/* By how many halvings buckets first to last become at most size. */
static int32_t halvings(int32_t first, int32_t last, uint32_t size)
{
	int32_t count = 0;

	while ((int64_t)last - first >= (int64_t)size) {
		first >>= 1;
		last >>= 1;
		count++;
	}
	return count;
}

void exponential_halve(struct exponential *histogram)
{
	int32_t first = histogram->first >> 1;
	uint32_t len = 0;

	histogram->filled = 0;
	for (uint32_t i = 0; i < histogram->len; i++) {
		uint32_t to = (uint32_t)(((histogram->first + (int32_t)i) >> 1) - first);
		uint64_t count = histogram->counts[i];

		histogram->counts[i] = 0;
		histogram->filled += count && !histogram->counts[to];
		histogram->counts[to] += count;
		len = to + 1;
	}
	histogram->first = first;
	histogram->len = len;
	histogram->scale--;
}

/* Room for so many buckets, at most doubling. */
static int reserve(struct exponential **histogram, uint32_t len, uint32_t max)
{
	uint32_t room = *histogram ? (*histogram)->room : 0, wanted;
	struct exponential *grown;

	if (room >= len)
		return 0;
	wanted = least(room ? room + room / 2 : EXPONENTIAL_FIRST_ROOM, max);
	wanted = wanted < len ? len : wanted;
	grown = realloc(*histogram, sizeof(*grown) + wanted * sizeof(uint64_t));
	if (!grown)
		return -ENOMEM;
	if (!*histogram)
		memset(grown, 0, sizeof(*grown));
	grown->room = wanted;
	*histogram = grown;
	return 0;
}

/* Makes the buckets reach the index; there is room. */
static void extend(struct exponential *histogram, int32_t index)
{
	uint64_t *counts = histogram->counts;
	uint32_t more;

	if (histogram->len == 0)
		histogram->first = index;
	if (index < histogram->first) {
		more = (uint32_t)(histogram->first - index);
		memmove(counts + more, counts, histogram->len * sizeof(*counts));
		memset(counts, 0, more * sizeof(*counts));
		histogram->first = index;
		histogram->len += more;
	} else if (index >= histogram->first + (int32_t)histogram->len) {
		more = (uint32_t)(index - histogram->first) + 1 - histogram->len;
		memset(counts + histogram->len, 0, more * sizeof(*counts));
		histogram->len += more;
	}
}

static int add_positive(struct exponential **histogram, double value, uint64_t times,
			const struct exponential_limits *limits)
{
	struct exponential *h = *histogram;
	int32_t index = exponential_index(value, h->scale), first = index, last = index;
	int32_t change;
	int e;

	if (h->len) {
		first = h->first < index ? h->first : index;
		last = h->first + (int32_t)h->len - 1;
		last = last > index ? last : index;
	}
	change = halvings(first, last, limits->max_size);
	e = reserve(histogram, (uint32_t)((last >> change) - (first >> change)) + 1,
		    limits->max_size);
	if (e)
		return e;
	h = *histogram;
	for (int32_t i = 0; i < change; i++)
		exponential_halve(h);
	extend(h, index >> change);
	index = (index >> change) - h->first;
	h->filled += h->counts[index] == 0;
	h->counts[index] += times;
	return 0;
}

int exponential_add(struct exponential **histogram, double value, uint64_t times,
		    const struct exponential_limits *limits)
{
	int e = *histogram ? 0
			   : reserve(histogram, least(EXPONENTIAL_FIRST_ROOM, limits->max_size),
				     limits->max_size);
	struct exponential *h = *histogram;

	if (e || !h)
		return -ENOMEM;
	if (!h->len)
		h->scale = limits->max_scale;
	if (value > 0)
		return add_positive(histogram, value, times, limits);
	h->zeros += times;
	return 0;
}

void exponential_clear(struct exponential *histogram)
{
	histogram->len = histogram->filled = 0;
	histogram->zeros = 0;
}
