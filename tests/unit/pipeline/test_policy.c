// SPDX-License-Identifier: Apache-2.0
/* Samplers, and what an entry of discovery.instrument says of its services' spans. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/pipeline.h"
#include "settings/settings.h"

static struct obi_span got;
static char got_route[64];

static void take(void *context, struct obi_span *span)
{
	got = *span;
	(void)snprintf(got_route, sizeof(got_route), "%.*s", (int)span->op.http.route.len,
		       (const char *)span->op.http.route.data);
}

/* ---- Samplers ---- */

static bool takes(int name, const char *arg, const struct obi_trace *trace)
{
	struct obi_sampler_options options = { .name = name, .arg = arg };
	struct obi_sampler sampler;

	assert_int_equal(obi_sampler_init(&options, &sampler), 0);
	return obi_sampler_takes(&sampler, trace);
}

static void a_root_is_decided_by_name_and_ratio(void **state)
{
	/* The number is 2^62: half of all. */
	struct obi_trace half = { .trace_id = { [8] = 0x80 }, .trace_flags = 1 };

	assert_true(takes(OBI_SAMPLER_ALWAYS_ON, "", &half));
	assert_true(takes(OBI_SAMPLER_PARENT_ALWAYS_ON, "", &half));
	assert_false(takes(OBI_SAMPLER_ALWAYS_OFF, "", &half));
	assert_false(takes(OBI_SAMPLER_PARENT_ALWAYS_OFF, "", &half));
	assert_false(takes(OBI_SAMPLER_RATIO, "0.5", &half));
	assert_true(takes(OBI_SAMPLER_RATIO, "0.51", &half));
	assert_false(takes(OBI_SAMPLER_PARENT_RATIO, "0.5", &half));
	assert_true(takes(OBI_SAMPLER_RATIO, "1", &half));
	assert_true(takes(OBI_SAMPLER_RATIO, "7", &half));
	assert_false(takes(OBI_SAMPLER_RATIO, "0", &half));
	assert_false(takes(OBI_SAMPLER_RATIO, "-1", &half));
	assert_true(takes(OBI_SAMPLER_RATIO, "", &half));
}

static void a_child_does_as_its_parent(void **state)
{
	struct obi_trace child = { .trace_id = { 1 }, .parent_id = { 1 }, .trace_flags = 1 };

	assert_true(takes(OBI_SAMPLER_PARENT_ALWAYS_OFF, "", &child));
	assert_false(takes(OBI_SAMPLER_ALWAYS_OFF, "", &child));
	child.trace_flags = 0;
	assert_false(takes(OBI_SAMPLER_PARENT_ALWAYS_ON, "", &child));
	assert_true(takes(OBI_SAMPLER_ALWAYS_ON, "", &child));
	assert_true(takes(OBI_SAMPLER_RATIO, "0.1", &child));
}

static void a_ratio_takes_its_share(void **state)
{
	struct obi_trace trace = { 0 };
	uint64_t random = 88172645463325252u;
	int taken = 0;

	for (int i = 0; i < 10000; i++) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		memcpy(trace.trace_id + 8, &random, sizeof(random));
		taken += takes(OBI_SAMPLER_RATIO, "0.25", &trace);
	}
	assert_in_range(taken, 2300, 2700);
}

static void a_ratio_that_cannot_be_read_is_no_ratio(void **state)
{
	struct obi_sampler_options options = { .name = OBI_SAMPLER_RATIO, .arg = "half" };
	struct obi_sampler sampler;
	struct obi_trace trace = { .trace_id = { [8] = 0xff } };

	assert_int_not_equal(obi_sampler_init(&options, &sampler), 0);
	assert_true(obi_sampler_takes(&sampler, &trace));
}

/* ---- Entries ---- */

static void put(const char *yaml, uint16_t entry, enum obi_span_kind type, const char *path)
{
	struct obi_service service = {
		.entries = { entry, entry, entry, entry },
		.name = "shop",
	};
	struct obi_span span = { .system = &obi_system_http,
				 .kind = type,
				 .op.http.path = slice_cstr(path),
				 .service = &service };
	char *env[] = { NULL };
	struct obi_settings settings;
	struct obi_pipeline *pipeline;
	struct obi_error error;

	if (obi_settings_load_text("test", slice_cstr(yaml), env, &settings, &error))
		fail_msg("%s", error.text);
	pipeline = obi_pipeline_new(&settings, (struct obi_span_sink){ .put = take });
	assert_non_null(pipeline);
	obi_pipeline_put(pipeline, &span);
	obi_pipeline_free(pipeline);
	obi_settings_free(&settings);
}

static void exports_of_an_entry(void **state)
{
	static const char yaml[] = "discovery:\n"
				   "  instrument:\n"
				   "    - {open_ports: 80, exports: [metrics]}\n"
				   "    - {open_ports: 81, exports: [traces]}\n"
				   "    - {open_ports: 82, exports: []}\n"
				   "    - {open_ports: 83}\n";
	static const unsigned flags[] = { 0,
					  OBI_SPAN_IGNORE_TRACES,
					  OBI_SPAN_IGNORE_METRICS,
					  OBI_SPAN_IGNORE_METRICS | OBI_SPAN_IGNORE_TRACES,
					  0,
					  /* an entry that does not exist */ 0 };

	for (uint16_t entry = 0; entry < sizeof(flags) / sizeof(flags[0]); entry++) {
		put(yaml, entry, OBI_KIND_SERVER, "/");
		assert_int_equal(got.flags, flags[entry]);
	}
}

static void samplers_of_entries(void **state)
{
	static const char yaml[] = "otel_traces_export: {sampler: {name: always_off}}\n"
				   "discovery:\n"
				   "  instrument:\n"
				   "    - {open_ports: 80, sampler: {name: always_on}}\n"
				   "    - {open_ports: 81}\n";

	put(yaml, 0, OBI_KIND_SERVER, "/");
	assert_int_equal(got.flags, OBI_SPAN_UNSAMPLED);
	put(yaml, 1, OBI_KIND_SERVER, "/");
	assert_int_equal(got.flags, 0);
	put(yaml, 2, OBI_KIND_SERVER, "/");
	assert_int_equal(got.flags, OBI_SPAN_UNSAMPLED);
}

static void routes_of_entries(void **state)
{
	static const char yaml[] =
		"routes: {patterns: [/common/:id], unmatched: wildcard}\n"
		"discovery:\n"
		"  instrument:\n"
		"    - {open_ports: 80, routes: {incoming: [/in/:id], outgoing: [/out/:id]}}\n";

	put(yaml, 1, OBI_KIND_SERVER, "/in/1");
	assert_string_equal(got_route, "/in/:id");
	put(yaml, 1, OBI_KIND_SERVER, "/out/1");
	assert_string_equal(got_route, "/**");
	put(yaml, 1, OBI_KIND_CLIENT, "/out/1");
	assert_string_equal(got_route, "/out/:id");
	put(yaml, 1, OBI_KIND_CLIENT, "/common/1");
	assert_string_equal(got_route, "/common/:id");
	put(yaml, 0, OBI_KIND_SERVER, "/in/1");
	assert_string_equal(got_route, "/**");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_root_is_decided_by_name_and_ratio),
		cmocka_unit_test(a_child_does_as_its_parent),
		cmocka_unit_test(a_ratio_takes_its_share),
		cmocka_unit_test(a_ratio_that_cannot_be_read_is_no_ratio),
		cmocka_unit_test(exports_of_an_entry),
		cmocka_unit_test(samplers_of_entries),
		cmocka_unit_test(routes_of_entries),
	};

	return cmocka_run_group_tests_name("pipeline/policy", tests, NULL, NULL);
}
