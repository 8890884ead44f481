// SPDX-License-Identifier: Apache-2.0
/* The wall clock is followed: with differences made up, and with those of this machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define HOUR ((int64_t)(3600 * NSEC_PER_SEC))
#define FIRST (1700000000 * (int64_t)NSEC_PER_SEC)

static void clock_without_a_difference_is_of_the_epoch(void **state)
{
	static const struct epoch_clock zero;

	assert_int_equal(epoch_clock_offset(&zero, 0), 0);
	assert_int_equal(epoch_clock_offset(&zero, UINT64_MAX), 0);
	assert_int_equal(epoch_clock_start_offset(&zero, 5), 0);
}

static void step_holds_for_what_begins_after_it(void **state)
{
	struct epoch_clock clock = { 0 };

	assert_true(epoch_clock_follow(&clock, 100, FIRST));
	assert_true(epoch_clock_follow(&clock, 200, FIRST + HOUR));
	assert_true(epoch_clock_follow(&clock, 300, FIRST - HOUR));
	assert_int_equal(epoch_clock_offset(&clock, 0), FIRST); /* also what began before us */
	assert_int_equal(epoch_clock_offset(&clock, 199), FIRST);
	assert_int_equal(epoch_clock_offset(&clock, 200), FIRST + HOUR);
	assert_int_equal(epoch_clock_offset(&clock, 299), FIRST + HOUR);
	assert_int_equal(epoch_clock_offset(&clock, 300), FIRST - HOUR);
}

static void inexact_readings_move_no_time(void **state)
{
	static const int64_t off[] = { 1, -1, 4999999, -4999999, 0 };
	struct epoch_clock clock = { 0 };

	assert_true(epoch_clock_follow(&clock, 0, FIRST));
	for (size_t i = 0; i < ARRAY_SIZE(off); i++) {
		assert_false(epoch_clock_follow(&clock, i, FIRST + off[i]));
		assert_int_equal(epoch_clock_offset(&clock, UINT64_MAX), FIRST);
	}
}

/* Small differences do not add up unseen. */
static void drift_is_followed_when_it_counts(void **state)
{
	struct epoch_clock clock = { 0 };
	int steps = 0;

	assert_true(epoch_clock_follow(&clock, 0, FIRST));
	for (int64_t i = 1; i <= 20; i++) {
		int64_t offset = FIRST + i * (int64_t)NSEC_PER_MSEC, off;

		steps += epoch_clock_follow(&clock, (uint64_t)i, offset);
		off = offset - epoch_clock_offset(&clock, (uint64_t)i);
		assert_in_range(off, 0, 5 * NSEC_PER_MSEC - 1);
	}
	assert_int_equal(steps, 4);
}

static void series_goes_on_from_where_it_began(void **state)
{
	struct epoch_clock clock = { 0 };

	assert_true(epoch_clock_follow(&clock, 100, FIRST));
	assert_true(epoch_clock_follow(&clock, 200, FIRST + HOUR));
	assert_int_equal(epoch_clock_start_offset(&clock, 150), FIRST);
	assert_int_equal(epoch_clock_start_offset(&clock, 250), FIRST + HOUR);
	/* Set back: no beginning may lie behind the time of its points. */
	assert_true(epoch_clock_follow(&clock, 300, FIRST - HOUR));
	assert_true(epoch_clock_follow(&clock, 400, FIRST));
	assert_int_equal(epoch_clock_start_offset(&clock, 150), FIRST - HOUR);
	assert_int_equal(epoch_clock_start_offset(&clock, 250), FIRST - HOUR);
	assert_int_equal(epoch_clock_start_offset(&clock, 350), FIRST - HOUR);
	assert_int_equal(epoch_clock_start_offset(&clock, 450), FIRST);
}

static void steps_beyond_the_table_keep_the_first_and_the_newest(void **state)
{
	struct epoch_clock clock = { 0 };
	uint64_t n = 100;

	for (uint64_t i = 0; i < n; i++)
		assert_true(epoch_clock_follow(&clock, i * 10, FIRST + (int64_t)i * HOUR));
	assert_int_equal(epoch_clock_offset(&clock, 0), FIRST);
	for (uint64_t i = n - EPOCH_STEPS + 1; i < n; i++)
		assert_int_equal(epoch_clock_offset(&clock, i * 10 + 5), FIRST + (int64_t)i * HOUR);
	assert_int_equal(epoch_clock_start_offset(&clock, 5), FIRST);
}

static void own_clock_is_the_machines(void **state)
{
	uint64_t now = clock_monotonic_ns();
	int64_t off = clock_epoch()->steps[0].offset_ns - clock_epoch_offset_ns();

	assert_in_range(off + (int64_t)NSEC_PER_SEC, 0, 2 * NSEC_PER_SEC);
	clock_epoch_tick(now);
	off = (int64_t)(now + (uint64_t)epoch_clock_offset(clock_epoch(), now)) -
	      (int64_t)clock_realtime_ns();
	assert_in_range(off + (int64_t)NSEC_PER_SEC, 0, 2 * NSEC_PER_SEC);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(clock_without_a_difference_is_of_the_epoch),
		cmocka_unit_test(step_holds_for_what_begins_after_it),
		cmocka_unit_test(inexact_readings_move_no_time),
		cmocka_unit_test(drift_is_followed_when_it_counts),
		cmocka_unit_test(series_goes_on_from_where_it_began),
		cmocka_unit_test(steps_beyond_the_table_keep_the_first_and_the_newest),
		cmocka_unit_test(own_clock_is_the_machines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
