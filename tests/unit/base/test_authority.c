// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/authority.h"

#include "guard.h"

static const char *split(struct slice text)
{
	static char result[512];
	struct slice whole = guarded(text), host = { 0 };
	uint16_t port = 7;
	int error = authority_split(whole, &host, &port);

	if (error) {
		assert_int_equal(error, -EINVAL);
		assert_null(host.data);
		return "none";
	}
	(void)snprintf(result, sizeof(result), SLICE_FMT " %u", SLICE_ARG(host), port);
	return result;
}

static void host_and_port_are_told_apart(void **state)
{
	static const struct {
		const char *text, *result;
	} cases[] = {
		{ "shop.example", "shop.example 0" },
		{ "shop.example:8080", "shop.example 8080" },
		{ "shop.example:", "shop.example 0" },
		{ "Shop_1~x", "Shop_1~x 0" },
		{ "a%20b:1", "a%20b 1" },
		{ "10.0.0.9:65535", "10.0.0.9 65535" },
		{ "[::1]", "::1 0" },
		{ "[2001:db8::1]:443", "2001:db8::1 443" },
		{ "[fe80::1%25eth0]:80", "fe80::1 80" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(split(slice_cstr(cases[i].text)), cases[i].result);
}

static void what_no_host_can_be_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		":80",
		"a:0",
		"a:65536",
		"a:99999999999",
		"a:8x",
		"a:80:80",
		"::1",
		"[::1",
		"[::1]80",
		"[]",
		"[shop]",
		"[1.2.3.4]",
		"[::1%]",
		"[::1%a b]",
		"me@shop",
		"a b",
		"a/b",
		"a\tb",
		"a\nb: c",
		"a\"b",
		"a\\b",
		"a%2",
		"a%zz",
		"sh\xc3\xb6p",
		"\xff\xfe",
		"\x7f",
		"a\x01"
		"b",
	};
	uint8_t text[256];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_string_equal(split(slice_cstr(texts[i])), "none");
	assert_string_equal(split(SLICE_LIT("a\0b")), "none");
	memset(text, 'a', sizeof(text));
	assert_string_equal(split(slice_of(text, sizeof(text))), "none");
	assert_string_not_equal(split(slice_of(text, sizeof(text) - 1)), "none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(host_and_port_are_told_apart),
		cmocka_unit_test(what_no_host_can_be_is_refused),
	};

	return cmocka_run_group_tests_name("authority", tests, NULL, NULL);
}
