// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "sender/backoff.h"
#include "sender/headers.h"

static char *env[] = { "TOKEN=s3,cr=t", "PERCENT=a%20b", "EMPTY=", NULL };

static void expect_line(const char *item, const char *expected)
{
	struct buffer line = { 0 };
	const char *why;
	int error = sender_header_read(item, env, &line, &why);

	if (expected) {
		assert_int_equal(error, 0);
		assert_null(why);
		assert_string_equal(line.data, expected);
	} else {
		assert_int_equal(error, -EINVAL);
		assert_non_null(why);
		assert_int_equal(line.len, 0);
	}
	buffer_free(&line);
}

static void items_are_decoded(void **state)
{
	expect_line("api-key=abc", "api-key: abc");
	expect_line("  api-key \t= abc ", "api-key: abc");
	expect_line("Authorization=Basic%20YTpi==", "Authorization: Basic YTpi==");
	expect_line("a=1%2C2%3d3", "a: 1,2=3");
	expect_line("a=100%", "a: 100%");
	expect_line("a=%zz+%4", "a: %zz+%4");
	expect_line("a=", "a: ");
	expect_line("x-t=caf%C3%A9", "x-t: caf\xc3\xa9");
}

static void variables_are_put_in_first(void **state)
{
	expect_line("x=Bearer ${TOKEN}", "x: Bearer s3,cr=t");
	expect_line("x=${env:TOKEN}", "x: s3,cr=t");
	expect_line("x=${UNSET:-fallback}", "x: fallback");
	expect_line("x=${EMPTY}", "x: ");
	expect_line("x=${PERCENT}", "x: a b");
}

static void what_is_no_header_is_refused(void **state)
{
	expect_line("no-equals-sign", NULL);
	expect_line("=value", NULL);
	expect_line(" =value", NULL);
	expect_line("two words=1", NULL);
	expect_line("a:b=1", NULL);
	expect_line("na\xc3\xafve=1", NULL);
	expect_line("a=1%0d%0aevil: 1", NULL);
	expect_line("a=1%00", NULL);
	expect_line("a=\x7f", NULL);
	expect_line("Content-Type=text/plain", NULL);
	expect_line("te=x", NULL);
	expect_line("grpc-timeout=1S", NULL);
}

static unsigned bad_count;
static size_t bad_last;

static void count_bad(void *context, size_t index, const char *why)
{
	bad_count++;
	bad_last = index;
}

static void a_signals_own_replace_the_common_ones(void **state)
{
	const char *common[] = { "a=1", "b=2", "", "broken" }, *own[] = { "B=3", "c=4" };
	struct obi_list lists[] = { { .items = common, .count = 4 }, { .items = own, .count = 2 } };
	struct sender_headers headers = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		assert_int_equal(sender_headers_add(&headers, &lists[i], env, count_bad, NULL), 0);
	assert_int_equal(headers.count, 3);
	assert_string_equal(headers.lines[0], "a: 1");
	assert_string_equal(headers.lines[1], "B: 3");
	assert_string_equal(headers.lines[2], "c: 4");
	assert_int_equal(bad_count, 1);
	assert_int_equal(bad_last, 3);
	sender_headers_free(&headers);
}

static void waits_grow_to_their_limit_with_jitter(void **state)
{
	struct sender_backoff least = { 5 * NSEC_PER_SEC, 30 * NSEC_PER_SEC, 0 }, most = least;
	static const uint64_t intervals_ms[] = { 5000, 7500, 11250, 16875, 25312, 30000, 30000 };

	for (size_t i = 0; i < ARRAY_SIZE(intervals_ms); i++) {
		uint64_t low = sender_backoff_next(&least, 0);
		uint64_t high = sender_backoff_next(&most, UINT32_MAX);

		assert_int_equal(low / NSEC_PER_MSEC, intervals_ms[i] / 2);
		assert_in_range(high / NSEC_PER_MSEC, intervals_ms[i] * 3 / 2 - 2,
				intervals_ms[i] * 3 / 2);
	}
	sender_backoff_reset(&least);
	assert_int_equal(sender_backoff_next(&least, 0), 2500 * NSEC_PER_MSEC);
	/* An initial wait above the limit is the limit. */
	most = (struct sender_backoff){ 60 * NSEC_PER_SEC, 30 * NSEC_PER_SEC, 0 };
	assert_int_equal(sender_backoff_next(&most, 0), 15 * NSEC_PER_SEC);
	most = (struct sender_backoff){ INT64_MAX, INT64_MAX, 0 };
	assert_true(sender_backoff_next(&most, UINT32_MAX) > INT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_are_decoded),
		cmocka_unit_test(variables_are_put_in_first),
		cmocka_unit_test(what_is_no_header_is_refused),
		cmocka_unit_test(a_signals_own_replace_the_common_ones),
		cmocka_unit_test(waits_grow_to_their_limit_with_jitter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
