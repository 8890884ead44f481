// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/address.h"
#include "base/cleanup.h"

static void check(const char *mapped, const char *expected)
{
	uint8_t address[16];
	char text[ADDRESS_TEXT_MAX];

	assert_int_equal(inet_pton(AF_INET6, mapped, address), 1);
	assert_int_equal(address_format(address, text), strlen(expected));
	assert_string_equal(text, expected);
}

static void address_prints_ipv4_dotted_and_ipv6_shortest(void **state)
{
	check("::ffff:0.0.0.0", "0.0.0.0");
	check("::ffff:10.77.0.1", "10.77.0.1");
	check("::ffff:255.200.99.100", "255.200.99.100");
	check("::", "::");
	check("::1", "::1");
	check("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1");
	check("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

static void address_text_tells_addresses_from_names(void **state)
{
	static const char *const yes[] = { "127.0.0.1",      "::1",     "2001:db8::1",    "fe80::1",
					   "::ffff:1.2.3.4", "0.0.0.0", "255.255.255.255" };
	static const char *const no[] = {
		"",
		"cafe",
		"gosrv",
		"127.0.0.1:80",
		"127.0.0",
		"a.b.c",
		"1.2.3.4.",
		".1.2.3.4",
		"1..2.3",
		"01.2.3.4",
		"1.2.3.256",
		"1.2.3.4.5",
		"0.0.0.1000",
		":",
		"1.2.3.4:",
		"a:b",
		"300.1.1.1",
		"localhost",
		"1",
		"::1%lo",
		"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"
	};

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		assert_true(address_text(slice_cstr(yes[i])));
	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		assert_false(address_text(slice_cstr(no[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(address_prints_ipv4_dotted_and_ipv6_shortest),
		cmocka_unit_test(address_text_tells_addresses_from_names),
	};

	return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
