// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/pairs.h"
#include "service/name.h"

/* "key=value;" for each element. */
static void check_list(const char *list, const char *expected)
{
	struct slice rest = slice_cstr(list), key, value;
	struct buffer text = { 0 };

	while (pairs_next(&rest, &key, &value)) {
		buffer_put_slice(&text, key);
		buffer_put_char(&text, '=');
		buffer_put_slice(&text, value);
		buffer_put_char(&text, ';');
	}
	buffer_put_char(&text, '\0');
	assert_string_equal(text.data, expected);
	buffer_free(&text);
}

static void resource_attributes_are_split_leniently(void **state)
{
	check_list("foo=bar", "foo=bar;");
	check_list("foo=bar,", "foo=bar;");
	check_list("foo=bar,baz", "foo=bar;");
	check_list("foo=bar,baz=baz", "foo=bar;baz=baz;");
	check_list("foo=bar,baz=baz ", "foo=bar;baz=baz;");
	check_list("  foo=bar, baz=baz ", "foo=bar;baz=baz;");
	check_list("  foo = bar , baz =baz ", "foo=bar;baz=baz;");
	check_list("  foo = bar , baz =baz= ", "foo=bar;baz=baz=;");
	check_list(",a=b , c=d,=", "a=b;c=d;");
	check_list("=", "");
	check_list("====", "");
	check_list("a====b", "a====b;");
	check_list("", "");
	check_list("service.name=order-api, ,service.version=2.0.0,"
		   "deployment.environment=staging=a",
		   "service.name=order-api;service.version=2.0.0;"
		   "deployment.environment=staging=a;");
}

static void name_comes_from_the_best_source_there_is(void **state)
{
	struct obi_identity identity = { .pid = 7 };
	struct obi_service service;

	assert_int_equal(obi_service_identify(&identity, &service), OBI_NAME_FROM_NOTHING);
	assert_string_equal(service.name, "pid-7");
	identity.exe = "/usr/bin/python3.11";
	assert_int_equal(obi_service_identify(&identity, &service), OBI_NAME_FROM_EXECUTABLE);
	assert_string_equal(service.name, "python3.11");
	identity.forced_name = "forced";
	identity.forced_name_space = "shop";
	assert_int_equal(obi_service_identify(&identity, &service), OBI_NAME_FROM_CONFIGURATION);
	assert_string_equal(service.name, "forced");
	assert_string_equal(service.name_space, "shop");
	identity.otel_resource_attributes = slice_cstr("service.name=attr,service.namespace=prod");
	assert_int_equal(obi_service_identify(&identity, &service), OBI_NAME_FROM_ATTRIBUTES);
	assert_string_equal(service.name, "attr");
	assert_string_equal(service.name_space, "prod");
	identity.otel_service_name = slice_cstr("cart");
	assert_int_equal(obi_service_identify(&identity, &service), OBI_NAME_FROM_ENVIRONMENT);
	assert_string_equal(service.name, "cart");
	assert_string_equal(service.name_space, "prod");
}

static void empty_sources_are_passed_over(void **state)
{
	struct obi_identity identity = {
		.pid = 7,
		.exe = "/srv/app",
		.forced_name = "",
		.forced_name_space = "",
		.language = "",
		.otel_resource_attributes = slice_cstr("service.name=,service.namespace="),
	};
	struct obi_service service;

	assert_int_equal(obi_service_identify(&identity, &service), OBI_NAME_FROM_EXECUTABLE);
	assert_string_equal(service.name, "app");
	assert_string_equal(service.name_space, "");
	assert_string_equal(service.language, "generic");
	assert_string_equal(service.instance, ":7");
}

static void later_attribute_of_the_same_key_wins(void **state)
{
	struct obi_identity identity = {
		.otel_resource_attributes = slice_cstr("service.name=one,service.name=two"),
	};
	struct obi_service service;

	(void)obi_service_identify(&identity, &service);
	assert_string_equal(service.name, "two");
}

static void pairs_of_the_process_are_kept_whole(void **state)
{
	struct obi_identity identity = {
		.otel_resource_attributes =
			slice_cstr("service.name=n, a = 1 ,b,service.namespace=s,c=x%20y,a=2"),
	};
	struct obi_service service;
	char text[2 * sizeof(service.resource_attributes)];

	(void)obi_service_identify(&identity, &service);
	assert_string_equal(service.resource_attributes, "a=1,c=x%20y,a=2");

	/* The second does not fit beside the first, the third does. */
	memset(text, 'v', sizeof(text));
	memcpy(text, "k=", 2);
	text[sizeof(service.resource_attributes) - 10] = ',';
	memcpy(text + sizeof(service.resource_attributes) - 9, "long=", 5);
	memcpy(text + sizeof(text) - 5, ",b=1", 5);
	identity.otel_resource_attributes = slice_cstr(text);
	(void)obi_service_identify(&identity, &service);
	assert_int_equal(strlen(service.resource_attributes),
			 sizeof(service.resource_attributes) - 10 + 4);
	assert_string_equal(strchr(service.resource_attributes, ','), ",b=1");
}

/* What a process with these is called, and which pairs it keeps. */
static void check_said(const char *name, const char *attributes, const char *expected)
{
	static const struct obi_variable variables[] = {
		{ SLICE_LIT("POD"), SLICE_LIT("old") },
		{ SLICE_LIT("POD"), SLICE_LIT("cart-1") },
		{ SLICE_LIT("ODD"), SLICE_LIT("a,b%c d") },
		{ SLICE_LIT("LOOP"), SLICE_LIT("$(POD)") },
	};
	struct obi_identity identity = {
		.exe = "/srv/app",
		.otel_service_name = slice_cstr(name),
		.otel_resource_attributes = slice_cstr(attributes),
		.variables = { variables, sizeof(variables) / sizeof(variables[0]) },
	};
	struct obi_service service;
	char text[1024];

	(void)obi_service_identify(&identity, &service);
	(void)snprintf(text, sizeof(text), "%s/%s|%s", service.name_space, service.name,
		       service.resource_attributes);
	assert_string_equal(text, expected);
}

static void names_are_percent_decoded(void **state)
{
	check_said("", "service.name=my%20shop,service.namespace=n%2Fs,team=a%20b",
		   "n/s/my shop|team=a%20b");
	check_said("", "service.name=%c3%bc%2C%3d", "/\xc3\xbc,=|");
	check_said("my%20shop", "", "/my%20shop|"); /* this one is not encoded */
	/* What is no encoding is left as it is, whole. */
	check_said("", "service.name=100%,service.namespace=a%2", "a%2/100%|");
	check_said("", "service.name=a%zz%20b", "/a%zz%20b|");
	check_said("", "service.name=a%00b", "/a%00b|");
	check_said("", "service.name=a%", "/a%|");
}

static void placeholders_are_filled_from_the_same_environment(void **state)
{
	check_said("$(POD)", "", "/cart-1|");
	check_said("x-${POD}-$(POD).", "", "/x-cart-1-cart-1.|");
	check_said("", "service.name=%41$(POD)%41,service.namespace=${POD},pod=$(POD),x=%41",
		   "cart-1/Acart-1A|pod=cart-1,x=%41");
	/* What it is filled with is no list, and not encoded. */
	check_said("", "service.name=$(ODD),odd=%41${ODD}", "/a,b%c d|odd=Aa%2Cb%25c%20d");
}

static void what_nobody_filled_says_nothing(void **state)
{
	check_said("$(NONE)", "service.name=attr", "/attr|");
	check_said("x-${NONE}", "service.name=$(NONE)", "/app|");
	check_said("", "service.name=attr,service.name=${NONE}", "/attr|");
	check_said("", "service.namespace=$(NONE),a=1,pod=$(NONE),b=x${NONE}y,c=3", "/app|a=1,c=3");
	check_said("$(LOOP)", "a=$(LOOP)", "/app|");
	check_said("${POD:-x}", "", "/app|");
	check_said("$()", "", "/app|");
	check_said("$POD", "service.name=$POD,price=$5", "/app|price=$5");
	/* Never closed, or never opened: text. */
	check_said("a$(POD", "b=$(POD,c=}$", "/a$(POD|b=$(POD,c=}$");
	check_said("a$(POD}${POD", "", "/a$(POD}${POD|");
	check_said("a$(POD}${POD)", "", "/app|");
}

static void many_openings_are_read_in_time(void **state)
{
	size_t len = (size_t)1 << 20;
	char *text = malloc(len + 1);
	struct slice rest, before, name;

	for (size_t i = 0; i < len; i++)
		text[i] = "$({"[i % 2 ? 1 + i / 2 % 2 : 0];
	rest = slice_of(text, len);
	assert_false(obi_placeholder_next(&rest, &before, &name));
	assert_int_equal(rest.len, len);
	free(text);
}

static void instance_is_host_and_pid(void **state)
{
	struct obi_identity identity = { .pid = 2460, .host = "vm", .language = "go" };
	struct obi_service service;

	(void)obi_service_identify(&identity, &service);
	assert_string_equal(service.instance, "vm:2460");
	assert_string_equal(service.language, "go");
	assert_int_equal(service.pid, 2460);
}

static void long_names_are_cut_at_a_whole_character(void **state)
{
	struct obi_identity identity = { .pid = 1 };
	struct obi_service service;
	char name[400], host[400];

	/* 126 bytes and then two-byte characters: 127 fit, the 127th is half of one. */
	memset(name, 'a', 126);
	for (size_t i = 126; i + 2 < sizeof(name); i += 2) {
		name[i] = (char)0xc3;
		name[i + 1] = (char)0xa9;
	}
	identity.otel_service_name = slice_of(name, sizeof(name) - 2);
	memset(host, 'h', sizeof(host) - 1);
	host[sizeof(host) - 1] = '\0';
	identity.host = host;
	(void)obi_service_identify(&identity, &service);
	assert_int_equal(strlen(service.name), 126);
	assert_string_equal(service.instance + strlen(service.instance) - 2, ":1");
	/* Not even UTF-8: cut all the same, nothing read beyond. */
	memset(name, 0x80, sizeof(name));
	identity.otel_service_name = slice_of(name, sizeof(name));
	(void)obi_service_identify(&identity, &service);
	assert_true(strlen(service.name) < sizeof(service.name));
}

static void host_gets_its_domain_from_the_hosts_file(void **state)
{
	static const struct {
		const char *text, *expected; /* NULL: none */
	} cases[] = {
		{ "127.0.0.1 localhost\n127.0.1.1 vm.example.org vm\n", "vm.example.org" },
		{ "127.0.1.1\tvm.example.org\tvm # vm.other vm\n", "vm.example.org" },
		{ "10.0.0.1 db.example.org db\n10.0.0.2 vm.a.b other vm\n", "vm.a.b" },
		{ "127.0.0.1 localhost.localdomain vm\n", NULL },
		{ "127.0.0.1 localhost vm\n", NULL },
		{ "#127.0.1.1 vm.example.org vm\n", NULL },
		{ "127.0.1.1 vms.example.org vms\n127.0.1.1\n\n", NULL },
		{ "", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char path[] = "/tmp/obi-hosts-XXXXXX", name[64] = "untouched";
		int fd = mkstemp(path);

		assert_true(fd >= 0);
		assert_int_equal(write(fd, cases[i].text, strlen(cases[i].text)),
				 strlen(cases[i].text));
		(void)close(fd);
		assert_int_equal(obi_hosts_find(path, "vm", name, sizeof(name)),
				 cases[i].expected ? 0 : -ENOENT);
		assert_string_equal(name, cases[i].expected ? cases[i].expected : "untouched");
		(void)unlink(path);
	}
	assert_int_equal(obi_hosts_find("/nonexistent/hosts", "vm", (char[8]){ 0 }, 8), -ENOENT);
}

static void given_host_name_wins(void **state)
{
	char own[256] = "", host[256];

	obi_service_host("given", true, host, sizeof(host));
	assert_string_equal(host, "given");
	assert_int_equal(gethostname(own, sizeof(own) - 1), 0);
	obi_service_host("", false, host, sizeof(host));
	assert_string_equal(host, own);
}

static void assert_said(const struct obi_identity *identity, enum obi_name_source source,
			const char *name, const char *name_space)
{
	struct buffer buf = { 0 };
	struct slice text = { 0 };

	assert_int_equal(obi_service_name_said(identity, source, &buf, &text), name != NULL);
	assert_true(!name || slice_equal(text, slice_cstr(name)));
	assert_int_equal(obi_service_name_space_said(identity, source, &buf, &text),
			 name_space != NULL);
	assert_true(!name_space || slice_equal(text, slice_cstr(name_space)));
	buffer_free(&buf);
}

static void what_each_source_says_is_told_whichever_wins(void **state)
{
	struct obi_identity identity = {
		.exe = "/usr/bin/server",
		.forced_name = "forced",
		.forced_name_space = "shop",
		.otel_service_name = SLICE_LIT("$(NOBODY)"),
		.otel_resource_attributes = SLICE_LIT("service.name=a%20b,service.namespace=prod"),
	};

	assert_said(&identity, OBI_NAME_FROM_ENVIRONMENT, NULL, NULL);
	assert_said(&identity, OBI_NAME_FROM_ATTRIBUTES, "a b", "prod");
	assert_said(&identity, OBI_NAME_FROM_CONFIGURATION, "forced", "shop");
	assert_said(&identity, OBI_NAME_FROM_EXECUTABLE, "server", NULL);
	assert_said(&identity, OBI_NAME_FROM_NOTHING, NULL, NULL);
	identity = (struct obi_identity){ 0 };
	for (int i = 0; i <= OBI_NAME_FROM_NOTHING; i++)
		assert_said(&identity, (enum obi_name_source)i, NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resource_attributes_are_split_leniently),
		cmocka_unit_test(name_comes_from_the_best_source_there_is),
		cmocka_unit_test(empty_sources_are_passed_over),
		cmocka_unit_test(later_attribute_of_the_same_key_wins),
		cmocka_unit_test(pairs_of_the_process_are_kept_whole),
		cmocka_unit_test(names_are_percent_decoded),
		cmocka_unit_test(placeholders_are_filled_from_the_same_environment),
		cmocka_unit_test(what_nobody_filled_says_nothing),
		cmocka_unit_test(many_openings_are_read_in_time),
		cmocka_unit_test(instance_is_host_and_pid),
		cmocka_unit_test(long_names_are_cut_at_a_whole_character),
		cmocka_unit_test(host_gets_its_domain_from_the_hosts_file),
		cmocka_unit_test(given_host_name_wins),
		cmocka_unit_test(what_each_source_says_is_told_whichever_wins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
