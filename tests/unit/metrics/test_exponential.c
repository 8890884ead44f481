// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "metrics/exponential.h"

static const struct exponential_limits limits = { .max_scale = 20, .max_size = 160 };

static void powers_of_two_end_their_bucket(void **state)
{
	for (int32_t scale = EXPONENTIAL_SCALE_MIN; scale <= EXPONENTIAL_SCALE_MAX; scale++) {
		for (int exponent = -1000; exponent <= 1000; exponent += 37) {
			int64_t end = scale >= 0 ? (int64_t)exponent * ((int64_t)1 << scale) - 1
						 : (exponent - 1) >> -scale;

			assert_int_equal(exponential_index(ldexp(1, exponent), scale), end);
		}
	}
	assert_int_equal(exponential_index(1, 0), -1);
	assert_int_equal(exponential_index(2, 0), 0);
	assert_int_equal(exponential_index(3, 0), 1);
	assert_int_equal(exponential_index(1.0001, 0), 0);
}

/* Against the definition: base^index < value <= base^(index + 1). */
static void values_lie_within_their_bucket(void **state)
{
	for (int32_t scale = -4; scale <= 10; scale++) {
		double value = 1e-9;

		for (int i = 0; i < 130; i++, value *= 1.37) {
			double index = exponential_index(value, scale);
			double low = exp2(ldexp(index, -scale));
			double high = exp2(ldexp(index + 1, -scale));

			assert_true(low < value * (1 + 1e-12));
			assert_true(value <= high * (1 + 1e-12));
		}
	}
	/* The smallest numbers share the last bucket that has a number. */
	assert_int_equal(exponential_index(0x1p-1074, 0), exponential_index(0x1p-1022, 0));
}

static uint64_t total(const struct exponential *histogram)
{
	uint64_t sum = histogram->zeros, filled = 0;

	for (uint32_t i = 0; i < histogram->len; i++) {
		sum += histogram->counts[i];
		filled += histogram->counts[i] > 0;
	}
	assert_int_equal(filled, histogram->filled);
	return sum;
}

/* Whatever comes, in whatever order: nothing is lost, the limit holds, and each bucket counts what
 * a histogram of that scale from the start would. */
static void buckets_merge_as_if_they_had_been_coarse_from_the_start(void **state)
{
	static const uint32_t sizes[] = { 2, 3, 7, 160 };
	static double values[2000];
	uint64_t random = 11;

	for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
		const struct exponential_limits few = { .max_scale = 20, .max_size = sizes[s] };
		struct exponential *histogram = NULL;

		for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			values[i] = (double)(random >> 40) * exp2((double)(random >> 8 & 31) - 36);
			assert_int_equal(exponential_add(&histogram, values[i], 1, &few), 0);
			assert_true(histogram->len <= sizes[s]);
			assert_int_equal(total(histogram), i + 1);
		}
		for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
			int32_t index = values[i] > 0
						? exponential_index(values[i], histogram->scale)
						: histogram->first;
			uint32_t at = (uint32_t)(index - histogram->first);

			assert_true(at < histogram->len);
			if (values[i] > 0)
				histogram->counts[at]--;
			else
				histogram->zeros--;
		}
		for (uint32_t i = 0; i < histogram->len; i++)
			assert_int_equal(histogram->counts[i], 0);
		assert_int_equal(histogram->zeros, 0);
		free(histogram);
	}
}

static void the_scale_is_the_finest_that_fits(void **state)
{
	const struct exponential_limits two = { .max_scale = 20, .max_size = 2 };
	struct exponential *histogram = NULL;

	assert_int_equal(exponential_add(&histogram, 1.5, 3, &two), 0);
	assert_int_equal(histogram->scale, 20);
	assert_int_equal(exponential_add(&histogram, 1.5, 1, &two), 0);
	assert_int_equal(histogram->scale, 20);
	assert_int_equal(exponential_add(&histogram, 3, 1, &two), 0);
	assert_int_equal(histogram->scale, 0); /* (1, 2] and (2, 4] */
	assert_int_equal(histogram->len, 2);
	assert_int_equal(histogram->first, 0);
	assert_int_equal(histogram->counts[0], 4);
	assert_int_equal(exponential_add(&histogram, 1e-300, 1, &two), 0);
	assert_int_equal(exponential_add(&histogram, 1e300, 1, &two), 0);
	assert_int_equal(histogram->scale, -10);
	assert_int_equal(histogram->first, -1);
	assert_int_equal(histogram->counts[0], 1);
	assert_int_equal(histogram->counts[1], 6);
	exponential_clear(histogram);
	assert_int_equal(exponential_add(&histogram, 1.5, 1, &two), 0);
	assert_int_equal(histogram->scale, 20);
	free(histogram);
}

static void zeros_need_no_bucket(void **state)
{
	struct exponential *histogram = NULL;

	assert_int_equal(exponential_add(&histogram, 0, 2, &limits), 0);
	assert_int_equal(histogram->len, 0);
	assert_int_equal(histogram->zeros, 2);
	free(histogram);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(powers_of_two_end_their_bucket),
		cmocka_unit_test(values_lie_within_their_bucket),
		cmocka_unit_test(buckets_merge_as_if_they_had_been_coarse_from_the_start),
		cmocka_unit_test(the_scale_is_the_finest_that_fits),
		cmocka_unit_test(zeros_need_no_bucket),
	};

	return cmocka_run_group_tests_name("exponential", tests, NULL, NULL);
}
