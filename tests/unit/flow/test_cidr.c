// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "config/parse.h"
#include "flow/cidr.h"

static void parse_address(const char *text, uint8_t ret_address[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	memcpy(ret_address, mapped, sizeof(mapped));
	if (inet_pton(AF_INET, text, ret_address + 12) != 1)
		assert_int_equal(inet_pton(AF_INET6, text, ret_address), 1);
}

struct expectation {
	const char *address;
	const char *cidr;
};

static void check(const char *const *prefixes, size_t count, const struct expectation *cases,
		  size_t n)
{
	struct obi_cidr items[8] = { 0 };
	struct obi_cidr_list list = { .items = items, .count = count, .set = true };
	struct cidrs *cidrs;
	uint8_t address[16];

	for (size_t i = 0; i < count; i++) {
		assert_int_equal(obi_parse_prefix(slice_cstr(prefixes[i]), &items[i].prefix), 0);
		items[i].prefix.text = prefixes[i];
		items[i].name = "";
	}
	cidrs = cidrs_new(&list);
	assert_non_null(cidrs);
	for (size_t i = 0; i < n; i++) {
		parse_address(cases[i].address, address);
		assert_string_equal(cidrs_find(cidrs, address), cases[i].cidr);
	}
	cidrs_free(cidrs);
}

static void the_narrowest_network_wins(void **state)
{
	static const char *const prefixes[] = { "10.0.0.0/8", "10.1.2.0/24", "140.130.22.0/24",
						"2001:db8:3c4d:15::/64", "2001::/16" };
	static const struct expectation cases[] = {
		{ "10.3.4.5", "10.0.0.0/8" },
		{ "10.1.2.3", "10.1.2.0/24" },
		{ "2001:db8:3c4d:15:3210::", "2001:db8:3c4d:15::/64" },
		{ "2001:3333:3333::", "2001::/16" },
		{ "140.130.22.11", "140.130.22.0/24" },
		{ "140.130.23.11", "" },
		{ "180.130.22.11", "" },
		{ "10.1.2.4", "10.1.2.0/24" },
	};

	check(prefixes, ARRAY_SIZE(prefixes), cases, ARRAY_SIZE(cases));
}

static void a_default_takes_the_rest_of_its_family(void **state)
{
	static const char *const prefixes[] = {
		"10.0.0.0/8",      "10.1.2.0/24",           "0.0.0.0/0",
		"140.130.22.0/24", "2001:db8:3c4d:15::/64", "2001::/16"
	};
	static const struct expectation cases[] = {
		{ "140.130.23.11", "0.0.0.0/0" },
		{ "180.130.22.11", "0.0.0.0/0" },
		{ "10.1.2.4", "10.1.2.0/24" },
		{ "fe80::1", "" },
	};
	static const char *const v6[] = { "::/0", "192.168.1.1/32" };
	static const struct expectation v6_cases[] = {
		{ "fe80::1", "::/0" },
		{ "10.0.0.1", "" },
		{ "192.168.1.1", "192.168.1.1/32" },
		{ "192.168.1.0", "" },
	};

	check(prefixes, ARRAY_SIZE(prefixes), cases, ARRAY_SIZE(cases));
	check(v6, ARRAY_SIZE(v6), v6_cases, ARRAY_SIZE(v6_cases));
}

static void a_name_stands_for_the_network(void **state)
{
	struct obi_cidr item = { .name = "office" };
	struct obi_cidr_list list = { .items = &item, .count = 1, .set = true };
	struct cidrs *cidrs;
	uint8_t address[16];

	assert_int_equal(obi_parse_prefix(SLICE_LIT("10.0.0.0/8"), &item.prefix), 0);
	cidrs = cidrs_new(&list);
	parse_address("10.9.9.9", address);
	assert_string_equal(cidrs_find(cidrs, address), "office");
	cidrs_free(cidrs);
}

/* Against the plain definition: the longest of all prefixes that hold the address. */
static void many_networks_give_what_a_walk_over_all_gives(void **state)
{
	enum {
		NETWORKS = 300,
		ADDRESSES = 3000
	};
	static struct obi_cidr items[NETWORKS];
	struct obi_cidr_list list = { .items = items, .count = NETWORKS, .set = true };
	uint32_t random = 5;
	struct cidrs *cidrs;

	for (int i = 0; i < NETWORKS; i++) {
		struct obi_prefix *prefix = &items[i].prefix;

		random = random * 1664525 + 1013904223;
		prefix->bits = (uint8_t)(100 + (random >> 16) % 29);
		memset(prefix->address, 0, 10);
		memset(prefix->address + 10, 0xff, 2);
		for (unsigned bit = 96; bit < prefix->bits; bit++) {
			random = random * 1664525 + 1013904223;
			if (bit > 108 || (random >> 20) % 8 == 0)
				prefix->address[bit / 8] |=
					(uint8_t)((random >> 24 & 1) << (7 - bit % 8));
		}
		prefix->text = "";
		items[i].name = malloc(16);
		(void)snprintf((char *)items[i].name, 16, "%u", prefix->bits);
	}
	cidrs = cidrs_new(&list);
	for (int n = 0; n < ADDRESSES; n++) {
		uint8_t address[16];
		const char *expected = "";
		unsigned longest = 0;

		memcpy(address, items[n % NETWORKS].prefix.address, sizeof(address));
		random = random * 1664525 + 1013904223;
		address[15] ^= (uint8_t)(random >> 24);
		address[14] ^= (uint8_t)(random >> 16 & 3);
		for (int i = 0; i < NETWORKS; i++) {
			if (items[i].prefix.bits <= longest ||
			    !obi_prefix_has(&items[i].prefix, address))
				continue;
			longest = items[i].prefix.bits;
			expected = items[i].name;
		}
		assert_string_equal(cidrs_find(cidrs, address), expected);
	}
	cidrs_free(cidrs);
	for (int i = 0; i < NETWORKS; i++)
		free((char *)items[i].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_narrowest_network_wins),
		cmocka_unit_test(a_default_takes_the_rest_of_its_family),
		cmocka_unit_test(a_name_stands_for_the_network),
		cmocka_unit_test(many_networks_give_what_a_walk_over_all_gives),
	};

	return cmocka_run_group_tests_name("cidr", tests, NULL, NULL);
}
