// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "broker/iface.h"

static bool wanted(struct obi_list include, struct obi_list exclude, const char *name)
{
	struct obi_network_options options = { .interfaces = include,
					       .exclude_interfaces = exclude };
	struct obi_iface_filter *filter;
	char why[128] = "";
	bool yes;

	assert_int_equal(obi_iface_filter_new(&options, &filter, why, sizeof(why)), 0);
	assert_int_equal(obi_iface_filter_empty(filter), !include.count && !exclude.count);
	yes = obi_iface_wanted(filter, name);
	obi_iface_filter_free(filter);
	return yes;
}

#define LIST(...)                                                                                  \
	((struct obi_list){ .items = (const char *[]){ __VA_ARGS__ },                              \
			    .count = sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *) })
#define NONE ((struct obi_list){ 0 })

static void interfaces_are_wanted_by_name_and_expression(void **state)
{
	assert_true(wanted(NONE, NONE, "eth0"));
	assert_true(wanted(LIST("eth0"), NONE, "eth0"));
	assert_false(wanted(LIST("eth0"), NONE, "eth01")); /* a name is the whole name */
	assert_false(wanted(LIST("eth0"), NONE, "lo"));
	assert_true(wanted(LIST("lo", "eth0"), NONE, "eth0"));
	assert_true(wanted(LIST("/^(veth|br)/"), NONE, "veth12"));
	assert_false(wanted(LIST("/^(veth|br)/"), NONE, "xveth12"));
	assert_true(wanted(LIST("/eth/"), NONE, "veth12")); /* an expression matches a part */
	assert_false(wanted(NONE, LIST("lo"), "lo"));
	assert_true(wanted(NONE, LIST("lo"), "lo0"));
	assert_false(wanted(LIST("/eth/"), LIST("/^v/"), "veth12")); /* excluded wins */
	assert_true(wanted(LIST("/eth/"), LIST("/^v/"), "eth12"));
	assert_true(wanted(LIST("/"), NONE, "/")); /* no expression: a name */
}

static void wrong_expression_is_named(void **state)
{
	struct obi_network_options options = { .interfaces = LIST("lo", "/(/") };
	struct obi_iface_filter *filter = NULL;
	char why[128] = "";

	assert_int_equal(obi_iface_filter_new(&options, &filter, why, sizeof(why)), -EINVAL);
	assert_string_equal(why, "interface pattern /(/ is not a regular expression");
	assert_null(filter);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(interfaces_are_wanted_by_name_and_expression),
		cmocka_unit_test(wrong_expression_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
