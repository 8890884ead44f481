// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/glob.h"
#include "guard.h"

struct match {
	const char *pattern;
	const char *text;
	bool matches;
};

static void expect(const struct match *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct match *c = &cases[i];
		const char *why = "";

		if (obi_glob_check(c->pattern, &why) != 0)
			fail_msg("'%s' does not compile: %s", c->pattern, why);
		if (obi_glob_match(c->pattern, guarded(slice_cstr(c->text))) != c->matches)
			fail_msg("'%s' on '%s': want %d", c->pattern, c->text, c->matches);
	}
}

/* What the existing program's own tests assert. */
static void glob_matches_as_the_existing_program(void **state)
{
	static const struct match cases[] = {
		{ "hello_*", "hello_my_friend", true },
		{ "hello_*", "my_friend_hello", false },
		{ "abc", "abc", true },
		{ "abc", "cabc", false },
		{ "abc", "abca", false },
		{ "*weird[0-9]*", "/bin/weird33", true },
		{ "*server*", "server", true },
	};

	expect(cases, ARRAY_SIZE(cases));
}

static void glob_star_crosses_slashes_and_matches_nothing_too(void **state)
{
	static const struct match cases[] = {
		{ "*", "", true },
		{ "*", "/a/b", true },
		{ "/usr/*", "/usr/a/b", true },
		{ "/usr/*", "/usr", false },
		{ "a*b*c", "abc", true },
		{ "a*b*c", "aXbYbZc", true },
		{ "a*b*c", "acb", false },
		{ "**", "x", true },
		{ "", "", true },
		{ "", "a", false },
		{ "?", "", false },
		{ "?", "/", true },
		{ "a?c", "abc", true },
		{ "a?c", "ac", false },
	};

	expect(cases, ARRAY_SIZE(cases));
}

static void glob_classes_ranges_and_negation(void **state)
{
	static const struct match cases[] = {
		{ "[abc]", "b", true },    { "[abc]", "d", false },   { "[a-c]x", "bx", true },
		{ "[!a-c]", "b", false },  { "[!a-c]", "d", true },   { "[!a]", "", false },
		{ "[a-]", "-", true },     { "[\\]]", "]", true },    { "[a-c0-9]", "7", true },
		{ "x[!/]*", "x/", false }, { "x[!/]*", "xy/", true },
	};

	expect(cases, ARRAY_SIZE(cases));
}

static void glob_alternatives_nest_and_may_be_empty(void **state)
{
	static const struct match cases[] = {
		{ "{a,b}c", "bc", true },
		{ "{a,b}c", "c", false },
		{ "{,a}c", "c", true },
		{ "{a,{b,c}d}e", "cde", true },
		{ "{a,{b,c}d}e", "ce", false },
		{ "{a*,b}c", "axxc", true },
		{ "a,b", "a,b", true },
		{ "a}", "a}", true },
		{ "{*/obi,obi,*otelcol-contrib,*otelcol-contrib[!/]*}", "/usr/bin/obi", true },
		{ "{*/obi,obi,*otelcol-contrib,*otelcol-contrib[!/]*}", "/usr/bin/nobi", false },
		{ "{*/obi,obi,*otelcol-contrib,*otelcol-contrib[!/]*}", "/otelcol-contrib2", true },
		{ "{*/obi,obi,*otelcol-contrib,*otelcol-contrib[!/]*}", "/otelcol-contrib/x",
		  false },
	};

	expect(cases, ARRAY_SIZE(cases));
}

static void glob_backslash_takes_the_next_byte_as_it_is(void **state)
{
	static const struct match cases[] = {
		{ "\\*", "*", true },           { "\\*", "a", false },
		{ "\\{a,b\\}", "{a,b}", true }, { "a\\\\b", "a\\b", true },
		{ "\\[a]", "[a]", true },       { "{a\\,b,c}", "a,b", true },
	};

	expect(cases, ARRAY_SIZE(cases));
}

static void glob_says_what_is_wrong_with_a_pattern(void **state)
{
	static const char *const bad[] = { "[",  "[a",     "[]",  "[!]", "[z-a]",
					   "{a", "{a,{b}", "a\\", "[\\", "[a-\\" };
	char long_pattern[OBI_GLOB_MAX + 2];
	char deep[64];
	const char *why;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		why = NULL;
		if (obi_glob_check(bad[i], &why) == 0)
			fail_msg("'%s' compiles", bad[i]);
		assert_non_null(why);
		assert_false(obi_glob_match(bad[i], SLICE_LIT("a")));
	}
	memset(long_pattern, 'a', sizeof(long_pattern) - 1);
	long_pattern[sizeof(long_pattern) - 1] = '\0';
	assert_int_not_equal(obi_glob_check(long_pattern, &why), 0);
	long_pattern[OBI_GLOB_MAX] = '\0';
	assert_int_equal(obi_glob_check(long_pattern, &why), 0);
	memset(deep, '{', 20);
	memset(deep + 20, '}', 20);
	deep[40] = '\0';
	assert_int_not_equal(obi_glob_check(deep, &why), 0);
}

/* A backtracking matcher would need longer than the universe has. */
/* In braces the same pattern goes another way through the code. */
static void glob_without_braces_matches_as_within(void **state)
{
	uint32_t random = 1;

	for (int i = 0; i < 200000; i++) {
		char pattern[12] = "{", text[12];
		bool within;
		size_t len = 1;

		for (random = random * 1664525 + 1013904223; len < 1 + (random >> 24) % 8; len++)
			pattern[len] = "aab*}"[random >> len % 16 & 3];
		memcpy(pattern + len, "}", 2);
		random = random * 1664525 + 1013904223;
		for (len = 0; len < (random >> 24) % 8; len++)
			text[len] = "aab*"[random >> len % 16 & 3];
		text[len] = '\0';
		within = obi_glob_match(pattern, slice_cstr(text));
		pattern[strlen(pattern) - 1] = '\0';
		assert_int_equal(obi_glob_match(pattern + 1, slice_cstr(text)), within);
	}
}

static void glob_takes_no_exponential_time(void **state)
{
	uint64_t start = clock_monotonic_ns();
	static const char part[] = "*a{a,aa}";
	char pattern[40 * (sizeof(part) - 1) + 2] = "";
	char text[4000];
	char *at = pattern;

	while (at < pattern + sizeof(pattern) - 2)
		at = stpcpy(at, part);
	*at = 'b';
	memset(text, 'a', sizeof(text));
	assert_false(obi_glob_match(pattern, slice_of(text, sizeof(text))));
	assert_true(clock_monotonic_ns() - start < 2 * NSEC_PER_SEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(glob_matches_as_the_existing_program),
		cmocka_unit_test(glob_star_crosses_slashes_and_matches_nothing_too),
		cmocka_unit_test(glob_classes_ranges_and_negation),
		cmocka_unit_test(glob_alternatives_nest_and_may_be_empty),
		cmocka_unit_test(glob_backslash_takes_the_next_byte_as_it_is),
		cmocka_unit_test(glob_says_what_is_wrong_with_a_pattern),
		cmocka_unit_test(glob_without_braces_matches_as_within),
		cmocka_unit_test(glob_takes_no_exponential_time),
	};

	return cmocka_run_group_tests_name("base/glob", tests, NULL, NULL);
}
