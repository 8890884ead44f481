// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "verb/limits.h"

static struct rlimit now[RLIM_NLIMITS];

static int get(int resource, struct rlimit *limit)
{
	*limit = now[resource];
	return 0;
}

static int set(int resource, const struct rlimit *limit)
{
	assert_true(limit->rlim_cur <= limit->rlim_max);
	now[resource] = *limit;
	return 0;
}

static int all_unlimited(void **state)
{
	for (size_t i = 0; i < RLIM_NLIMITS; i++)
		now[i] = (struct rlimit){ RLIM_INFINITY, RLIM_INFINITY };
	return 0;
}

static void what_is_enough_stays(void **state)
{
	char why[256] = "";

	assert_int_equal(limits_raise(get, set, why, sizeof(why)), 0);
	assert_string_equal(why, "");
	for (size_t i = 0; i < limit_count; i++)
		assert_true(now[limits[i].resource].rlim_cur == RLIM_INFINITY);
}

static void soft_ones_are_raised(void **state)
{
	for (size_t i = 0; i < limit_count; i++) {
		struct rlimit *limit = &now[limits[i].resource];
		char why[256];

		*limit = (struct rlimit){ 1, RLIM_INFINITY };
		assert_int_equal(limits_raise(get, set, why, sizeof(why)), 0);
		assert_true(limit->rlim_cur == limits[i].wanted);
		*limit = (struct rlimit){ 1, limits[i].needed };
		assert_int_equal(limits_raise(get, set, why, sizeof(why)), 0);
		assert_true(limit->rlim_cur == limits[i].needed);
	}
}

static void hard_ones_are_named(void **state)
{
	for (size_t i = 0; i < limit_count; i++) {
		char why[256] = "";

		(void)all_unlimited(NULL);
		now[limits[i].resource] = (struct rlimit){ 1, limits[i].needed - 1 };
		assert_int_equal(limits_raise(get, set, why, sizeof(why)), -EDOM);
		assert_non_null(strstr(why, limits[i].name));
		assert_non_null(strstr(why, limits[i].remedy));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_is_enough_stays, all_unlimited),
		cmocka_unit_test_setup(soft_ones_are_raised, all_unlimited),
		cmocka_unit_test_setup(hard_ones_are_named, all_unlimited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
