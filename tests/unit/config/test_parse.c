// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "config/parse.h"
#include "guard.h"

#define UNTOUCHED 0x5a5a5a5a

static void durations_have_go_syntax(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {
		{ "0", 0 },
		{ "500ms", 500 * NSEC_PER_MSEC },
		{ "10s", 10 * NSEC_PER_SEC },
		{ "1h30m", 5400 * NSEC_PER_SEC },
		{ "1.5s", 1500 * NSEC_PER_MSEC },
		{ ".5s", 500 * NSEC_PER_MSEC },
		{ "1.s", NSEC_PER_SEC },
		{ "2us", 2000 },
		{ "2\xc2\xb5s", 2000 },
		{ "2\xce\xbcs", 2000 },
		{ "7ns", 7 },
		{ " 3m ", 180 * NSEC_PER_SEC },
		{ "1h1m1s1ms1us1ns", 3661001001001 },
		{ "0.000000001s", 1 },
	};
	static const char *const bad[] = { "",    "10",         "s",
					   "-1s", "1x",         "1 s",
					   "1s2", ".s",         "1e3s",
					   "1sm", "10000000h",  "99999999999999999999s",
					   "1d",  "9223372037s" };
	uint64_t ns;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		if (obi_parse_duration(guarded(slice_cstr(good[i].text)), &ns) != 0 ||
		    ns != good[i].ns)
			fail_msg("'%s' is %llu", good[i].text, (unsigned long long)ns);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		ns = UNTOUCHED;
		if (obi_parse_duration(guarded(slice_cstr(bad[i])), &ns) == 0)
			fail_msg("'%s' is %llu", bad[i], (unsigned long long)ns);
		assert_int_equal(ns, UNTOUCHED);
	}
}

static void durations_read_back_as_they_were_printed(void **state)
{
	static const uint64_t values[] = {
		0, 1, 999, 1000, 1500000, 5400 * NSEC_PER_SEC, 3661001001001, INT64_MAX
	};

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		struct buffer text = { 0 };
		uint64_t ns;

		obi_put_duration(&text, values[i]);
		assert_int_equal(obi_parse_duration(slice_of(text.data, text.len), &ns), 0);
		assert_int_equal(ns, values[i]);
		buffer_free(&text);
	}
}

static bool holds(const char *text, uint32_t value)
{
	struct slice rest = slice_cstr(text);
	bool found = false;

	while (rest.len) {
		ptrdiff_t comma = slice_find(rest, ',');
		struct slice item = comma < 0 ? rest : slice_first(rest, (size_t)comma);
		struct obi_range range;

		rest = slice_from(rest, item.len + 1);
		assert_int_equal(obi_parse_range(item, 65535, &range), 0);
		found |= value >= range.first && value <= range.last;
	}
	return found;
}

/* What the existing program's own tests assert of open ports. */
static void port_ranges_match_as_in_the_existing_program(void **state)
{
	static const char spaced[] = "   80\t,   100 -200,443, 8000- 8999   ";
	static const uint32_t in[] = { 80, 100, 200, 443, 8000, 8999, 8080 };
	static const uint32_t out[] = { 1, 90, 300, 1000, 15000 };

	assert_true(holds("80", 80));
	assert_false(holds("80", 79));
	assert_true(holds("80,8080", 8080));
	assert_false(holds("80,8080", 8081));
	assert_true(holds("8000-8999", 8999));
	assert_false(holds("8000-8999", 9000));
	for (size_t i = 0; i < ARRAY_SIZE(in); i++)
		assert_true(holds(spaced, in[i]));
	for (size_t i = 0; i < ARRAY_SIZE(out); i++)
		assert_false(holds(spaced, out[i]));
}

static void bad_ranges_are_refused(void **state)
{
	static const char *const bad[] = {
		"",      "-",   "1a",    "15-", "-13",  "*3",      "0",
		"65536", "9-8", "1-2-3", "1 2", "0x10", "1-99999", "99999999999999999999999"
	};
	struct obi_range range;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (obi_parse_range(guarded(slice_cstr(bad[i])), 65535, &range) == 0)
			fail_msg("'%s' is %u-%u", bad[i], range.first, range.last);
	}
}

static void numbers_and_truth_values(void **state)
{
	int64_t integer = 0;
	double number = 0;
	bool value = false;

	assert_int_equal(obi_parse_int(SLICE_LIT(" -12 "), &integer), 0);
	assert_int_equal(integer, -12);
	assert_int_equal(obi_parse_int(SLICE_LIT("+9223372036854775807"), &integer), 0);
	assert_int_not_equal(obi_parse_int(SLICE_LIT("9223372036854775808"), &integer), 0);
	assert_int_not_equal(obi_parse_int(SLICE_LIT("1.0"), &integer), 0);
	assert_int_not_equal(obi_parse_int(SLICE_LIT("--1"), &integer), 0);
	assert_int_equal(obi_parse_float(SLICE_LIT("-2.5e-3"), &number), 0);
	assert_true(number == -0.0025);
	assert_int_not_equal(obi_parse_float(SLICE_LIT("nan"), &number), 0);
	assert_int_not_equal(obi_parse_float(SLICE_LIT("0x1p3"), &number), 0);
	assert_int_not_equal(obi_parse_float(SLICE_LIT("1e999"), &number), 0);
	assert_int_equal(obi_parse_bool(SLICE_LIT("True"), &value), 0);
	assert_true(value);
	assert_int_equal(obi_parse_bool(SLICE_LIT("0"), &value), 0);
	assert_false(value);
	assert_int_not_equal(obi_parse_bool(SLICE_LIT("maybe"), &value), 0);
}

static void expect_prefix(const char *text, const char *want, const char *in, const char *out)
{
	struct buffer printed = { 0 };
	struct obi_prefix prefix;
	uint8_t address[16] = { [10] = 0xff, [11] = 0xff };

	assert_int_equal(obi_parse_prefix(guarded(slice_cstr(text)), &prefix), 0);
	obi_put_prefix(&printed, &prefix);
	buffer_put_char(&printed, '\0');
	assert_string_equal(printed.data, want);
	buffer_free(&printed);
	if (inet_pton(AF_INET6, in, address) != 1)
		assert_int_equal(inet_pton(AF_INET, in, address + 12), 1);
	assert_true(obi_prefix_has(&prefix, address));
	memset(address, 0, 10);
	memset(address + 10, 0xff, 2);
	if (inet_pton(AF_INET6, out, address) != 1)
		assert_int_equal(inet_pton(AF_INET, out, address + 12), 1);
	assert_false(obi_prefix_has(&prefix, address));
}

static void prefixes_hold_addresses_of_both_families(void **state)
{
	static const char *const bad[] = { "",          "10.0.0.0",    "10.0.0.0/33",
					   "10.0.0/8",  "::/129",      "a/1",
					   "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x",
					   "/8" };
	struct obi_prefix prefix;

	expect_prefix("10.0.0.0/8", "10.0.0.0/8", "10.3.4.5", "11.0.0.1");
	expect_prefix("10.1.2.3/24", "10.1.2.0/24", "10.1.2.255", "10.1.3.0");
	expect_prefix("0.0.0.0/0", "0.0.0.0/0", "180.130.22.11", "2001:db8::1");
	expect_prefix("2001:db8:3c4d:15::/64", "2001:db8:3c4d:15::/64",
		      "2001:db8:3c4d:15:3210::", "2001:db8:3c4d:16::");
	expect_prefix("192.168.0.129/25", "192.168.0.128/25", "192.168.0.200", "192.168.0.1");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (obi_parse_prefix(guarded(slice_cstr(bad[i])), &prefix) == 0)
			fail_msg("'%s' is a network", bad[i]);
	}
}

static void floats_print_short(void **state)
{
	struct buffer text = { 0 };

	obi_put_float(&text, 0.005);
	buffer_put_char(&text, ' ');
	obi_put_float(&text, 67108864);
	buffer_put_char(&text, ' ');
	obi_put_float(&text, 81.92);
	buffer_put_char(&text, '\0');
	assert_string_equal(text.data, "0.005 67108864 81.92");
	buffer_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_have_go_syntax),
		cmocka_unit_test(durations_read_back_as_they_were_printed),
		cmocka_unit_test(port_ranges_match_as_in_the_existing_program),
		cmocka_unit_test(bad_ranges_are_refused),
		cmocka_unit_test(numbers_and_truth_values),
		cmocka_unit_test(prefixes_hold_addresses_of_both_families),
		cmocka_unit_test(floats_print_short),
	};

	return cmocka_run_group_tests_name("config/parse", tests, NULL, NULL);
}
