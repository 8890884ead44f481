// SPDX-License-Identifier: Apache-2.0
/* Of a whole request: test_spans. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/proto_read.h"
#include "otlp/resource.h"
#include "sample.h"
#include "settings/settings.h"

/* The string in an AnyValue. */
static struct slice string_of(struct slice any)
{
	struct proto_field field = { 0 };

	assert_int_equal(proto_read_field(&any, &field), 0);
	assert_int_equal(field.number, OTLP_ANY_STRING);
	return field.bytes;
}

/* "key=value;" for each attribute. */
static void put_pairs(struct slice resource, struct buffer *text)
{
	while (resource.len) {
		struct proto_field attribute = { 0 }, key = { 0 }, value = { 0 };

		assert_int_equal(proto_read_field(&resource, &attribute), 0);
		assert_int_equal(attribute.number, OTLP_RESOURCE_ATTRIBUTES);
		assert_int_equal(proto_read_field(&attribute.bytes, &key), 0);
		assert_int_equal(proto_read_field(&attribute.bytes, &value), 0);
		buffer_put_slice(text, key.bytes);
		buffer_put_char(text, '=');
		buffer_put_slice(text, string_of(value.bytes));
		buffer_put_char(text, ';');
	}
	buffer_put_char(text, '\0');
}

static struct otlp_faults check(const char *yaml, const char *pairs, const char *expected)
{
	struct obi_service service = sample_gosrv;
	struct buffer buf = { 0 }, text = { 0 };
	struct otlp_resource *resource = NULL;
	struct obi_settings settings;
	struct otlp_faults faults;
	struct obi_error error;
	char *env[] = { NULL };

	if (obi_settings_load_text("test", slice_cstr(yaml), env, &settings, &error) != 0)
		fail_msg("%s", error.text);
	(void)snprintf(service.resource_attributes, sizeof(service.resource_attributes), "%s",
		       pairs);
	assert_int_equal(otlp_resource_new(&settings, &resource), 0);
	faults = otlp_resource_put(resource, &service, &buf);
	put_pairs(slice_of(buf.data, buf.len), &text);
	assert_string_equal(text.data, expected);
	buffer_free(&buf);
	buffer_free(&text);
	otlp_resource_free(resource);
	obi_settings_free(&settings);
	return faults;
}

#define SELECT(what) "attributes: { select: { resource: { " what " } } }"
#define NAME_ONLY SELECT("include: [service.name, 'a*', b, k]")

static void all_that_is_known(void **state)
{
	check("attributes: { host_id: { override: this-host } }", "",
	      "service.name=gosrv;service.instance.id=vm:2460;telemetry.sdk.language=go;"
	      "telemetry.sdk.name=opentelemetry;telemetry.sdk.version=v" OBI_VERSION ";"
	      "telemetry.distro.name=opentelemetry-ebpf-instrumentation;"
	      "telemetry.distro.version=v" OBI_VERSION ";host.name=vm;host.id=this-host;"
	      "os.type=linux;");
}

static void selection_takes_away(void **state)
{
	check(SELECT("exclude: ['telemetry.*', 'host*', os.type]"), "x=1,host.type=2",
	      "service.name=gosrv;service.instance.id=vm:2460;x=1;");
	check(SELECT("include: [service.name, x.y]"), "x=1,x.y=2,x_y=3",
	      "service.name=gosrv;x.y=2;x_y=3;");
}

static void pairs_of_the_process(void **state)
{
	check(NAME_ONLY, "a=1,b=x y", "service.name=gosrv;a=1;b=x y;");
	check(NAME_ONLY, "a=%C3%BC%2c%3D,b=100%,k=%zz",
	      "service.name=gosrv;a=\xc3\xbc,=;b=100%;k=%zz;");
	check(NAME_ONLY, "a=%4,b=%,k=%41%4", "service.name=gosrv;a=%4;b=%;k=%41%4;");
	check(NAME_ONLY, "a=1,b=2,a=3", "service.name=gosrv;b=2;a=3;");
	check(NAME_ONLY, "service.name=other,a=1", "service.name=gosrv;a=1;");
}

static void bad_pairs_are_counted(void **state)
{
	struct otlp_faults faults = check(NAME_ONLY, "a\xff=1,b=\xff,k=%FF",
					  "service.name=gosrv;b=\xef\xbf\xbd;k=\xef\xbf\xbd;");

	assert_int_equal(faults.cut, 1);
	assert_int_equal(faults.replaced, 2);
}

static void own_pairs_where_the_process_has_none(void **state)
{
	_cleanup_free_ char *longest = malloc(8192);

	assert_int_equal(setenv("OTEL_RESOURCE_ATTRIBUTES", "a=own", 1), 0);
	check(NAME_ONLY, "", "service.name=gosrv;a=own;");
	check(NAME_ONLY, "b=1", "service.name=gosrv;b=1;");

	memset(longest, 'v', 8192);
	memcpy(longest, "k=1,a=", 6);
	longest[5000] = '\0';
	assert_int_equal(setenv("OTEL_RESOURCE_ATTRIBUTES", longest, 1), 0);
	assert_int_equal(check(SELECT("include: [k]"), "", "k=1;").cut, 1);
	assert_int_equal(unsetenv("OTEL_RESOURCE_ATTRIBUTES"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_is_known),
		cmocka_unit_test(selection_takes_away),
		cmocka_unit_test(pairs_of_the_process),
		cmocka_unit_test(bad_pairs_are_counted),
		cmocka_unit_test(own_pairs_where_the_process_has_none),
	};

	(void)unsetenv("OTEL_RESOURCE_ATTRIBUTES");
	return cmocka_run_group_tests_name("otlp/resource", tests, NULL, NULL);
}
