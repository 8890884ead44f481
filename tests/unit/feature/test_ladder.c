// SPDX-License-Identifier: Apache-2.0
/* Ladders with rungs made up: what is tried, how often, and what is told of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "feature/ladder.h"

static int tried[3];

static int refused(void)
{
	tried[0]++;
	return -EPERM;
}

static int missing(void)
{
	tried[1]++;
	return -ENOSYS;
}

static int holds(void)
{
	tried[2]++;
	return 0;
}

static const struct obi_rung third_holds[] = {
	{ "best", "6.9", refused, "nothing" },
	{ "good", "6.1", missing, "little" },
	{ "plain", "5.8", holds, "much" },
	{ 0 },
};
static const struct obi_rung first_holds[] = {
	{ "plain", "5.8", holds, "much" },
	{ "never", "5.8", refused, "nothing" },
	{ 0 },
};
static const struct obi_rung none_holds[] = {
	{ "best", "6.9", refused, "nothing" },
	{ "good", "6.1", missing, "little" },
	{ 0 },
};

static int forget(void **state)
{
	memset(tried, 0, sizeof(tried));
	return 0;
}

static void first_rung_that_holds_is_picked_and_kept(void **state)
{
	struct obi_answer answer = { 0 };
	const struct obi_feature feature = { "need", third_holds, "it", &answer };
	int error = 1;

	for (int i = 0; i < 3; i++) {
		assert_int_equal(obi_feature_pick(&feature, &error), 2);
		assert_int_equal(error, -ENOSYS);
	}
	assert_int_equal(tried[0], 1);
	assert_int_equal(tried[1], 1);
	assert_int_equal(tried[2], 1);
}

static void rungs_below_the_one_that_holds_are_not_tried(void **state)
{
	struct obi_answer answer = { 0 };
	const struct obi_feature feature = { "need", first_holds, "it", &answer };
	int error = 1;

	assert_int_equal(obi_feature_pick(&feature, &error), 0);
	assert_int_equal(error, 0);
	assert_int_equal(tried[0], 0);
}

static void no_rung_is_the_number_of_rungs_and_the_last_error(void **state)
{
	struct obi_answer answer = { 0 };
	const struct obi_feature feature = { "need", none_holds, "it", &answer };
	int error = 1;

	assert_int_equal(obi_feature_pick(&feature, NULL), 2);
	assert_int_equal(obi_feature_pick(&feature, &error), 2);
	assert_int_equal(error, -ENOSYS);
	assert_int_equal(tried[0], 1);
}

/* Each answer is its feature's own, however many there are. */
static void features_do_not_share_answers(void **state)
{
	struct obi_answer answers[8] = { 0 };
	const struct obi_rung *const ladders[] = { third_holds, first_holds, none_holds };
	static const int picked[] = { 2, 0, 2 };

	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
			const struct obi_feature feature = { "need", ladders[i % 3], "it",
							     &answers[i] };

			assert_int_equal(obi_feature_pick(&feature, NULL), picked[i % 3]);
		}
	assert_int_equal(tried[2], 6); /* 3 ladders of the first kind, 3 of the second */
}

static void report_tells_each_rung(void **state)
{
	struct obi_answer answer = { 0 };
	const struct obi_feature feature = { "message hooks", third_holds, "spans", &answer };
	const struct obi_feature first = { "message hooks", first_holds, "spans", &answer };
	const struct obi_feature none = { "message hooks", none_holds, "spans", &answer };
	struct buffer buf = { 0 };

	obi_feature_report(&feature, &buf);
	obi_feature_report(&first, &buf);
	obi_feature_report(&none, &buf);
	buffer_put_char(&buf, '\0');
	assert_string_equal(
		buf.data,
		"message hooks:\n"
		"  best                         refused: Operation not permitted (since 6.9)\n"
		"  good                         refused: Function not implemented (since 6.1)\n"
		"  plain                        serves: much\n"
		"message hooks:\n"
		"  plain                        serves: much\n"
		"  never                        not needed (since 5.8)\n"
		"message hooks:\n"
		"  best                         refused: Operation not permitted (since 6.9)\n"
		"  good                         refused: Function not implemented (since 6.1)\n"
		"  none holds: no spans\n");
	assert_false(answer.known); /* a report tries anew, and keeps nothing */
	buffer_free(&buf);
}

static void assert_rungs(const struct obi_feature *feature, int count)
{
	for (int i = 0; i < count; i++) {
		assert_non_null(feature->rungs[i].name);
		assert_non_null(feature->rungs[i].since);
		assert_non_null(feature->rungs[i].try);
		assert_non_null(feature->rungs[i].cost);
	}
	assert_null(feature->rungs[count].name);
	assert_non_null(feature->need);
	assert_non_null(feature->without);
	assert_non_null(feature->answer);
}

static void real_ladders_are_whole_and_apart(void **state)
{
	assert_rungs(&obi_feature_plane, OBI_PLANE_NONE);
	assert_rungs(&obi_feature_injection, OBI_INJECT_NONE);
	assert_ptr_not_equal(obi_feature_plane.answer, obi_feature_injection.answer);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(first_rung_that_holds_is_picked_and_kept, forget),
		cmocka_unit_test_setup(rungs_below_the_one_that_holds_are_not_tried, forget),
		cmocka_unit_test_setup(no_rung_is_the_number_of_rungs_and_the_last_error, forget),
		cmocka_unit_test_setup(features_do_not_share_answers, forget),
		cmocka_unit_test(report_tells_each_rung),
		cmocka_unit_test(real_ladders_are_whole_and_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
