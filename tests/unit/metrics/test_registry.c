// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "metrics/registry.h"

static const char *const one_label[] = { "name" };

static const struct metric_desc counter = { .name = "things_total", .help = "things" };

static struct metric_row *row_of(struct metric_table *table, const char *value, uint64_t now)
{
	struct slice values[] = { slice_cstr(value) };

	return metric_table_row(table, values, now);
}

static struct metrics *with_table(size_t most, uint64_t ttl_ns, struct metric_table **ret_table)
{
	struct metrics *metrics = metrics_new(most);

	assert_non_null(metrics);
	assert_int_equal(metrics_add_table(metrics, &counter, 1, one_label, 1, ttl_ns, ret_table),
			 0);
	return metrics;
}

static void values_that_run_together_alike_are_two_rows(void **state)
{
	static const char *const labels[] = { "a", "b" };
	struct slice first[] = { SLICE_LIT("x"), SLICE_LIT("yz") };
	struct slice second[] = { SLICE_LIT("xy"), SLICE_LIT("z") };
	struct metrics *metrics = metrics_new(10);
	struct metric_table *table;

	assert_int_equal(metrics_add_table(metrics, &counter, 1, labels, 2, 0, &table), 0);
	assert_ptr_not_equal(metric_table_row(table, first, 0), metric_table_row(table, second, 0));
	assert_ptr_equal(metric_table_row(table, first, 0), metric_table_row(table, first, 0));
	assert_int_equal(metrics_series(metrics), 2);
	metrics_free(metrics);
}

static void too_many_labels_are_refused(void **state)
{
	static const char *const labels[METRICS_LABELS_MAX + 1];
	struct metrics *metrics = metrics_new(10);
	struct metric_table *table = NULL;

	assert_int_equal(
		metrics_add_table(metrics, &counter, 1, labels, ARRAY_SIZE(labels), 0, &table),
		-E2BIG);
	assert_null(table);
	metrics_free(metrics);
}

static void series_past_the_limit_share_one(void **state)
{
	struct metric_table *table;
	struct metrics *metrics = with_table(2, 0, &table);
	const struct metric *things = metric_table_metric(table, 0);
	struct metric_row *a = row_of(table, "a", 0), *b = row_of(table, "b", 0);
	struct metric_row *rest = row_of(table, "c", 0);

	assert_non_null(rest);
	assert_true(rest->overflow);
	metric_add(things, rest, 3);
	assert_ptr_equal(row_of(table, "d", 0), rest);
	assert_ptr_equal(row_of(table, "a", 0), a);
	assert_ptr_equal(row_of(table, "b", 0), b);
	assert_int_equal(rest->cells[things->cell], 3);
	assert_int_equal(metrics_overflow(metrics), 2);
	assert_int_equal(metrics_series(metrics), 3);
	metrics_free(metrics);
}

/* As the specification has it: the limit counts the series of the overflow too. */
static void each_metric_has_its_own_limit(void **state)
{
	const struct metrics_options options = { .max_rows = 3 };
	struct metrics *metrics = metrics_new_with(&options);
	struct metric_table *first, *second;

	assert_int_equal(metrics_add_table(metrics, &counter, 1, one_label, 1, 100, &first), 0);
	assert_int_equal(metrics_add_table(metrics, &counter, 1, one_label, 1, 100, &second), 0);
	assert_false(row_of(first, "a", 0)->overflow);
	assert_false(row_of(first, "b", 50)->overflow);
	assert_true(row_of(first, "c", 50)->overflow);
	assert_false(row_of(second, "c", 50)->overflow);
	assert_int_equal(metrics_series(metrics), 4);
	metrics_expire(metrics, 120); /* a goes */
	assert_false(row_of(first, "c", 150)->overflow);
	assert_true(row_of(first, "d", 150)->overflow);
	metrics_expire(metrics, 1000);
	assert_int_equal(metrics_series(metrics), 0);
	assert_false(row_of(first, "d", 1000)->overflow);
	metrics_free(metrics);
}

static void registries_share_a_pool(void **state)
{
	struct metrics_pool pool = { .max = 3, .max_bytes = SIZE_MAX };
	const struct metrics_options options = { .pool = &pool, .max_rows = 100 };
	struct metrics *metrics = metrics_new_with(&options), *other = metrics_new_with(&options);
	struct metric_table *first, *second;

	assert_int_equal(metrics_add_table(metrics, &counter, 1, one_label, 1, 0, &first), 0);
	assert_int_equal(metrics_add_table(other, &counter, 1, one_label, 1, 0, &second), 0);
	assert_false(row_of(first, "a", 0)->overflow);
	assert_false(row_of(first, "b", 0)->overflow);
	assert_false(row_of(second, "a", 0)->overflow);
	assert_true(row_of(second, "b", 0)->overflow);
	metrics_free(metrics);
	assert_int_equal(pool.series, 2);
	assert_false(row_of(second, "b", 0)->overflow);
	metrics_free(other);
	assert_int_equal(pool.series, 0);
}

static struct slice limited_service;
static int limited_times;

static void note_limited(const char *metric, struct slice service, size_t series)
{
	assert_string_equal(metric, "things_total");
	assert_int_equal(series, 90);
	limited_service = service;
	limited_times++;
}

/* Room for 101 series, the overflowing one among them. */
static void a_service_leaves_room_for_others(void **state)
{
	static const char *const labels[] = { "route", "service.name" };
	struct metrics_pool pool = { .max = SIZE_MAX,
				     .max_bytes = 1 << 20,
				     .limited = note_limited };
	struct metrics_options options = { .pool = &pool, .max_rows = 101 };
	struct metrics *metrics = metrics_new_with(&options);
	struct slice noisy[] = { { 0 }, SLICE_LIT("noisy") },
		     quiet[] = { { 0 }, SLICE_LIT("quiet") };
	struct metric_table *table;
	int kept = 0, others = 0;
	char route[16];

	assert_int_equal(metrics_add_table(metrics, &counter, 1, labels, 2, 10, &table), 0);
	for (int i = 0; i < 200; i++) {
		(void)snprintf(route, sizeof(route), "/r%d", i);
		noisy[0] = quiet[0] = slice_cstr(route);
		kept += !metric_table_row(table, noisy, 5)->overflow;
	}
	assert_int_equal(kept, 90);
	assert_true(slice_equal(limited_service, SLICE_LIT("noisy")));
	for (int i = 0; i < 9; i++) {
		(void)snprintf(route, sizeof(route), "/r%d", i);
		others += !metric_table_row(table, quiet, 6)->overflow;
	}
	assert_int_equal(others, 9);
	assert_int_equal(limited_times, 1); /* a minute has not passed */
	metrics_expire(metrics, 100);
	assert_null(pool.services.items);
	metrics_free(metrics);
}

/* Of the memory, too. */
static void a_service_leaves_memory_for_others(void **state)
{
	static const char *const labels[] = { "route", "service.name" };
	struct metrics_pool pool = { .max = SIZE_MAX, .max_bytes = 1 << 16 };
	struct metrics_options options = { .pool = &pool, .max_rows = SIZE_MAX };
	struct metrics *metrics = metrics_new_with(&options);
	struct slice values[] = { { 0 }, SLICE_LIT("noisy") };
	struct metric_table *table;
	char route[16];

	assert_int_equal(metrics_add_table(metrics, &counter, 1, labels, 2, 0, &table), 0);
	for (int i = 0; i < 2000; i++) {
		(void)snprintf(route, sizeof(route), "/r%d", i);
		values[0] = slice_cstr(route);
		(void)metric_table_row(table, values, 0);
	}
	assert_true(pool.overflow > 0);
	values[1] = SLICE_LIT("quiet");
	assert_false(metric_table_row(table, values, 0)->overflow);
	metrics_free(metrics);
	assert_null(pool.services.items);
}

static double two_bounds[] = { 1, 2 };
static const struct obi_floats two_buckets = { two_bounds, 2 };

/* Feeds so many series with values of all sizes and with exemplars; bytes that they take. */
static size_t feed(struct metrics_options options, struct metrics_pool *pool)
{
	const struct metric_desc desc = {
		.name = "took", .help = "", .type = METRIC_HISTOGRAM, .buckets = &two_buckets
	};
	const uint8_t id[16] = { 1 };
	const struct metric_origin origin = { .trace_id = id, .span_id = id, .sampled = true };
	struct metrics *metrics;
	struct metric_table *table;
	size_t bytes, rows = 0;

	options.pool = pool;
	options.max_rows = 10000;
	metrics = metrics_new_with(&options);
	assert_int_equal(metrics_add_table(metrics, &desc, 1, one_label, 1, 0, &table), 0);
	for (uint64_t i = 0; i < 100000; i++) {
		char name[16];
		struct metric_row *row;

		(void)snprintf(name, sizeof(name), "%u", (unsigned)(i % 2000));
		row = row_of(table, name, i);
		assert_non_null(row);
		rows += !row->overflow && row->created_ns == i;
		metric_observe_from(metric_table_metric(table, 0), row, 1ull << (i * 7 % 50),
				    &origin);
		/* but for the row of overflow */
		assert_true(pool->bytes < 1024 || pool->bytes - 1024 <= pool->max_bytes);
	}
	bytes = pool->bytes;
	assert_true(rows > 10);
	metrics_free(metrics);
	assert_int_equal(pool->bytes, 0);
	return bytes;
}

/* However many there are, and whatever they keep beside their buckets. */
static void series_take_no_more_memory_than_they_may(void **state)
{
	const struct histogram_options kinds[] = {
		{ 0 },
		{ .exemplars = EXEMPLARS_ON },
		{ .exponential = true, .limits = { .max_scale = 20, .max_size = 160 } },
		{ .exponential = true,
		  .exemplars = EXEMPLARS_ON,
		  .limits = { .max_scale = 20, .max_size = 160 } },
		{ .native = true, .limits = { .max_scale = 3 }, .native_max = 100 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct metrics_pool tight = { .max = SIZE_MAX, .max_bytes = 65536 };
		struct metrics_pool wide = { .max = SIZE_MAX, .max_bytes = SIZE_MAX };
		struct metrics_options options = { .histograms = kinds[i] };
		size_t bytes = feed(options, &tight);

		assert_true(bytes > 32768);
		assert_true(feed(options, &wide) > bytes);
	}
}

static void a_row_that_nobody_touches_goes(void **state)
{
	struct metric_table *table;
	struct metrics *metrics = with_table(2, 100, &table);
	const struct metric *things = metric_table_metric(table, 0);
	struct metric_row *row;

	metric_add(things, row_of(table, "a", 10), 5);
	metric_add(things, row_of(table, "b", 90), 5);
	metrics_expire(metrics, 110);
	assert_int_equal(metrics_series(metrics), 2);
	metrics_expire(metrics, 111);
	assert_int_equal(metrics_series(metrics), 1);
	row = row_of(table, "c", 120); /* room again */
	assert_non_null(row);
	assert_int_equal(row_of(table, "b", 130)->cells[things->cell], 5);
	metrics_expire(metrics, 1000);
	assert_int_equal(metrics_series(metrics), 0);
	assert_int_equal(row_of(table, "b", 1000)->cells[things->cell], 0);
	metrics_free(metrics);
}

static void a_removed_row_begins_anew(void **state)
{
	struct slice a[] = { SLICE_LIT("a") }, x[] = { SLICE_LIT("x") };
	struct metric_table *table;
	struct metrics *metrics = with_table(2, 0, &table);
	const struct metric *things = metric_table_metric(table, 0);

	metric_add(things, row_of(table, "a", 0), 5);
	metric_table_remove(table, a);
	metric_table_remove(table, x);
	assert_int_equal(row_of(table, "a", 0)->cells[things->cell], 0);
	metric_table_remove(table, a);
	metrics_expire(metrics, 0);
	assert_int_equal(metrics_series(metrics), 0);
	metrics_free(metrics);
}

static void bytes_that_are_not_utf8_are_left_out(void **state)
{
	struct metric_table *table;
	struct metrics *metrics = with_table(10, 0, &table);
	char longest[METRICS_VALUE_MAX + 2];
	struct metric_row *row = row_of(table, "caf\xc3\xa9", 0);

	assert_ptr_equal(row_of(table, "caf\xff\xc3\xa9\xc3", 0), row);
	assert_ptr_equal(row_of(table, "\x80\x80", 0), row_of(table, "", 0));

	/* A value that is cut inside of a character. */
	memset(longest, 'a', sizeof(longest));
	memcpy(longest + METRICS_VALUE_MAX - 1, "\xc3\xa9", 3);
	row = row_of(table, longest, 0);
	longest[METRICS_VALUE_MAX - 1] = '\0';
	assert_ptr_equal(row_of(table, longest, 0), row);
	metrics_free(metrics);
}

static uint64_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

/* Against the plain definition: bucket i counts the values <= bound i that no bucket before has. */
static void each_value_lands_in_the_first_bucket_that_holds_it(void **state)
{
	static double bounds[] = { 0, 0.005, 0.01, 0.025, 0.07, 0.29, 1, 2.5, 10, 1e12 };
	static const int64_t bounds_ns[] = { 0,           5000000,   10000000,   25000000,
					     70000000,    290000000, 1000000000, 2500000000,
					     10000000000, INT64_MAX };
	struct obi_floats floats = { bounds, ARRAY_SIZE(bounds) };
	struct metric_desc desc = { .name = "d_seconds",
				    .help = "d",
				    .type = METRIC_HISTOGRAM,
				    .scale = NSEC_PER_SEC,
				    .buckets = &floats };
	uint64_t expected[ARRAY_SIZE(bounds) + 1] = { 0 }, sum = 0, random = 7;
	struct metrics *metrics = metrics_new(10);
	struct metric_table *table;
	const struct metric *metric;
	struct metric_row *row;

	assert_int_equal(metrics_add_table(metrics, &desc, 1, NULL, 0, 0, &table), 0);
	metric = metric_table_metric(table, 0);
	row = metric_table_row(table, NULL, 0);
	for (int i = 0; i < 100000; i++) {
		size_t near = next_random(&random) % ARRAY_SIZE(bounds_ns), bucket = 0;
		uint64_t value = next_random(&random) << (next_random(&random) % 8);

		if (i % 2 && near < ARRAY_SIZE(bounds_ns) - 1) /* on a bound, or just beside it */
			value = (uint64_t)bounds_ns[near] + next_random(&random) % 3 - (near > 0);
		metric_observe(metric, row, value);
		while (bucket < ARRAY_SIZE(bounds_ns) && (int64_t)value > bounds_ns[bucket])
			bucket++;
		expected[bucket]++;
		sum += value;
	}
	assert_int_equal(row->cells[metric->cell], sum);
	for (size_t i = 0; i <= ARRAY_SIZE(bounds); i++)
		assert_int_equal(row->cells[metric->cell + 1 + i], expected[i]);
	metrics_free(metrics);
}

/* Random comings and goings against a plain array. */
static void the_index_survives_churn(void **state)
{
	enum {
		NAMES = 500
	};
	static uint64_t counts[NAMES], touched[NAMES];
	struct metric_table *table;
	struct metrics *metrics = with_table(NAMES, 50, &table);
	const struct metric *things = metric_table_metric(table, 0);
	uint64_t random = 3;
	char name[16];

	for (uint64_t now = 1; now < 40000; now++) {
		size_t i = next_random(&random) % NAMES, alive = 0;

		(void)snprintf(name, sizeof(name), "n%zu", i);
		metric_add(things, row_of(table, name, now), 1);
		counts[i]++;
		touched[i] = now;
		if (now % 97)
			continue;
		metrics_expire(metrics, now);
		for (size_t k = 0; k < NAMES; k++) {
			if (touched[k] && now - touched[k] > 50)
				counts[k] = touched[k] = 0;
			if (!touched[k])
				continue;
			alive++;
			(void)snprintf(name, sizeof(name), "n%zu", k);
			assert_int_equal(row_of(table, name, touched[k])->cells[things->cell],
					 counts[k]);
		}
		assert_int_equal(metrics_series(metrics), alive);
	}
	metrics_free(metrics);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_that_run_together_alike_are_two_rows),
		cmocka_unit_test(too_many_labels_are_refused),
		cmocka_unit_test(series_past_the_limit_share_one),
		cmocka_unit_test(each_metric_has_its_own_limit),
		cmocka_unit_test(registries_share_a_pool),
		cmocka_unit_test(a_service_leaves_room_for_others),
		cmocka_unit_test(a_service_leaves_memory_for_others),
		cmocka_unit_test(series_take_no_more_memory_than_they_may),
		cmocka_unit_test(a_row_that_nobody_touches_goes),
		cmocka_unit_test(a_removed_row_begins_anew),
		cmocka_unit_test(bytes_that_are_not_utf8_are_left_out),
		cmocka_unit_test(each_value_lands_in_the_first_bucket_that_holds_it),
		cmocka_unit_test(the_index_survives_churn),
	};

	return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
