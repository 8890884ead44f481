// SPDX-License-Identifier: Apache-2.0
/* How often the ring is drained. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "worker/pace.h"

#define MS 1000000ULL

static struct obi_pace begin(void)
{
	struct obi_pace pace = { .timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC) };

	assert_true(pace.timer >= 0);
	obi_pace_begin(&pace);
	return pace;
}

/* Milliseconds; 0: it does not tick. */
static uint64_t ticks_each(const struct obi_pace *pace)
{
	struct itimerspec spec;

	assert_int_equal(timerfd_gettime(pace->timer, &spec), 0);
	return (uint64_t)spec.it_interval.tv_nsec / MS;
}

static void adapt(struct obi_pace *pace, size_t records, int times)
{
	for (int i = 0; i < times; i++)
		obi_pace_adapt(pace, records);
}

static void few_records_are_drained_more_rarely(void **state)
{
	struct obi_pace pace = begin();

	assert_int_equal(ticks_each(&pace), 10);
	adapt(&pace, 3, 49);
	assert_int_equal(ticks_each(&pace), 10);
	adapt(&pace, 3, 1);
	assert_int_equal(ticks_each(&pace), 50);
	adapt(&pace, 0, 50);
	assert_int_equal(ticks_each(&pace), 100);
	adapt(&pace, 10000, 1); /* at once */
	assert_int_equal(ticks_each(&pace), 10);
	(void)close(pace.timer);
}

static void it_is_idle_after_some_drains_of_nothing_in_a_row(void **state)
{
	struct obi_pace pace = begin();

	adapt(&pace, 0, 50);
	assert_false(obi_pace_is_idle(&pace));
	adapt(&pace, 0, 9);
	assert_false(obi_pace_is_idle(&pace));
	adapt(&pace, 1, 1);
	adapt(&pace, 0, 59);
	assert_false(obi_pace_is_idle(&pace));
	adapt(&pace, 0, 1);
	assert_true(obi_pace_is_idle(&pace));
	(void)close(pace.timer);
}

static void sleep_ends_by_records_alone(void **state)
{
	struct obi_pace pace = begin();

	obi_pace_sleep(&pace);
	assert_true(obi_pace_sleeps(&pace));
	assert_int_equal(ticks_each(&pace), 0);
	adapt(&pace, 0, 100);
	assert_true(obi_pace_sleeps(&pace));
	assert_false(obi_pace_is_idle(&pace));
	adapt(&pace, 1, 1);
	assert_false(obi_pace_sleeps(&pace));
	assert_int_equal(ticks_each(&pace), 100);
	(void)close(pace.timer);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_records_are_drained_more_rarely),
		cmocka_unit_test(it_is_idle_after_some_drains_of_nothing_in_a_row),
		cmocka_unit_test(sleep_ends_by_records_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
