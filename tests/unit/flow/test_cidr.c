// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "config/parse.h"
#include "flow/cidr.h"

static void address(const char *text, uint8_t ret_address[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	memcpy(ret_address, mapped, sizeof(mapped));
	if (inet_pton(AF_INET, text, ret_address + 12) != 1)
		assert_int_equal(1, inet_pton(AF_INET6, text, ret_address));
}

static void expect(const char *const *prefixes, size_t count, const char *addr, const char *expected)
{
	struct obi_cidr items[8] = { 0 };
	struct obi_cidr_list list = { .items = items, .count = count, .set = true };
	uint8_t bytes[16];

	for (size_t i = 0; i < count; i++) {
		assert_int_equal(0, obi_parse_prefix(slice_cstr(prefixes[i]), &items[i].prefix));
		items[i].prefix.text = prefixes[i];
		items[i].name = "";
	}
	address(addr, bytes);
	assert_string_equal(expected, obi_cidr_find(&list, bytes));
}

static const char *const prefixes[] = {
	"10.0.0.0/8", "10.1.2.0/24", "140.130.22.0/24", "2001:db8:3c4d:15::/64", "2001::/16", "0.0.0.0/0",
};

static void cidr_narrowest_prefix_wins(void **state)
{
	expect(prefixes, 5, "10.3.4.5", "10.0.0.0/8");
	expect(prefixes, 5, "10.1.2.3", "10.1.2.0/24");
	expect(prefixes, 5, "2001:db8:3c4d:15:3210::", "2001:db8:3c4d:15::/64");
	expect(prefixes, 5, "2001:3333:3333::", "2001::/16");
	expect(prefixes, 5, "140.130.22.11", "140.130.22.0/24");
}

static void cidr_none_matches_is_empty(void **state)
{
	expect(prefixes, 5, "140.130.23.11", "");
	expect(prefixes, 5, "180.130.22.11", "");
}

static void cidr_default_route_takes_the_rest(void **state)
{
	expect(prefixes, 6, "180.130.22.11", "0.0.0.0/0");
	expect(prefixes, 6, "10.1.2.4", "10.1.2.0/24");
}

static void cidr_name_replaces_the_text(void **state)
{
	struct obi_cidr item = { .name = "office" };
	struct obi_cidr_list list = { .items = &item, .count = 1, .set = true };
	uint8_t bytes[16];

	assert_int_equal(0, obi_parse_prefix(SLICE_LIT("10.0.0.0/8"), &item.prefix));
	address("10.9.9.9", bytes);
	assert_string_equal("office", obi_cidr_find(&list, bytes));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cidr_narrowest_prefix_wins),
		cmocka_unit_test(cidr_none_matches_is_empty),
		cmocka_unit_test(cidr_default_route_takes_the_rest),
		cmocka_unit_test(cidr_name_replaces_the_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
