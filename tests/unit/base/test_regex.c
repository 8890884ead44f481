// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/regex.h"
#include "guard.h"

static void found(const char *pattern, const char *text, bool is)
{
	const char *why = "";

	if (obi_regex_check(pattern, &why))
		fail_msg("%s: %s", pattern, why);
	if (obi_regex_match(pattern, guarded(slice_cstr(text))) != is)
		fail_msg("%s in '%s': not %d", pattern, text, is);
}

static void patterns_are_found_anywhere(void **state)
{
	found("", "", true);
	found("b", "abc", true);
	found("^b", "abc", false);
	found("^abc$", "abc", true);
	found("^abc$", "abcd", false);
	found("a.c", "a\nc", false);
	found("(?s)a.c", "a\nc", true);
	found("^c", "ab\nc", false);
	found("(?m)^c$", "ab\nc\nd", true);
	found("\\Aa.*z\\z", "abz", true);
	found("^.$", "\xc3\xbc", true); /* one character */
	found("^..$", "\xc3\xbc", false);
	found("^[\xc3\xa4-\xc3\xbc]$", "\xc3\xb6", true);
	found("^.$", "\xff", true);
	found("(?:^|/)(obi$|otelcol[^/]*$)", "/usr/bin/otelcol-contrib", true);
	found("(?:^|/)(obi$|otelcol[^/]*$)", "/usr/bin/obi", true);
	found("(?:^|/)(obi$|otelcol[^/]*$)", "/usr/bin/obi/x", false);
	found("(?:^|/)(obi$|otelcol[^/]*$)", "/usr/otelcol/x", false);
}

static void alternatives_and_repetitions(void **state)
{
	found("^(a|bc|)$", "", true);
	found("^(a|bc|)$", "bc", true);
	found("^(a|bc|)$", "abc", false);
	found("^a*b+c?$", "bb", true);
	found("^a*?b+?c??$", "aabc", true);
	found("^(ab){2}$", "abab", true);
	found("^(ab){2}$", "ababab", false);
	found("^(a|b){2,3}$", "aba", true);
	found("^(a|b){2,3}$", "abab", false);
	found("^a{0}$", "", true);
	found("^(a*)*$", "aaa", true);
	found("^a{,2}$", "a{,2}", true); /* text */
	found("^(?i:S)h(?P<name>O)p$", "shOp", true);
	found("^(?i:S)hop$", "SHOP", false);
	found("(?i)^[a-c]X\\x41$", "CxA", true);
}

static void classes_and_escapes(void **state)
{
	found("^\\d+\\.\\d+$", "3.11", true);
	found("^\\d+\\.\\d+$", "3x11", false);
	found("^[^\\d\\s]+$", "ab", true);
	found("^[\\W]$", "-", true);
	found("^[]a-]+$", "]a-", true);
	found("^[[:alpha:]_]+[[:^alpha:]]$", "ab_1", true);
	found("\\bobi\\b", "an obi here", true);
	found("\\bobi\\b", "robin", false);
	found("b\\Bi", "obi", true);
	found("^\\x{fc}\\t\\/$", "\xc3\xbc\t/", true);
	found("^\\Qa.b*\\Ec$", "a.b*c", true);
	found("\\Qa.b", "axb", false);
}

static void wrong_patterns_say_why(void **state)
{
	static const char *const patterns[][2] = {
		{ "a(b", "missing closing )" },
		{ "a)b", "unexpected )" },
		{ "[a", "missing closing ]" },
		{ "*a", "missing argument to repetition operator" },
		{ "a|+", "missing argument to repetition operator" },
		{ "a**", "invalid nested repetition operator" },
		{ "a{1001}", "invalid repeat count" },
		{ "a{3,2}", "invalid repeat count" },
		{ "[b-a]", "invalid character class range" },
		{ "[[:no:]]", "invalid character class" },
		{ "a\\", "trailing backslash" },
		{ "\\1", "invalid escape sequence" },
		{ "\\pL", "invalid escape sequence" },
		{ "\\xg1", "invalid escape sequence" },
		{ "\\x{110000}", "invalid escape sequence" },
		{ "(?=a)", "invalid or unsupported group" },
		{ "(?<=a)b>", "invalid named capture" },
		{ "((a{100}){100}){100}", "too large" },
	};
	char deep[1001];
	const char *why;

	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		why = "";
		assert_int_not_equal(obi_regex_check(patterns[i][0], &why), 0);
		assert_string_equal(why, patterns[i][1]);
		assert_false(obi_regex_match(patterns[i][0], SLICE_LIT("a")));
	}
	memset(deep, '(', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	assert_int_not_equal(obi_regex_check(deep, &why), 0);
	assert_string_equal(why, "nested too deeply");
}

/* What takes others longer than the universe has. */
static void time_is_linear(void **state)
{
	static char text[4097];
	uint64_t begin = clock_monotonic_ns();

	memset(text, 'a', sizeof(text) - 1);
	found("^(a+)+$", text, true);
	found("^(a|a)*b$", text, false);
	found("(a*)*(a*)*(a*)*b", text, false);
	found("(.*)(.*)(.*)(.*)(.*)[^a]", text, false);
	assert_true(clock_monotonic_ns() - begin < 5 * NSEC_PER_SEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_are_found_anywhere),
		cmocka_unit_test(alternatives_and_repetitions),
		cmocka_unit_test(classes_and_escapes),
		cmocka_unit_test(wrong_patterns_say_why),
		cmocka_unit_test(time_is_linear),
	};

	return cmocka_run_group_tests_name("regex", tests, NULL, NULL);
}
