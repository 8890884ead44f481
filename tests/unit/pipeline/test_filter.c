// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "flow/attributes.h"
#include "pipeline/pipeline.h"
#include "sample.h"
#include "settings/settings.h"

static const struct obi_service service = { .name = "shop", .language = "go" };

static int try_load(const char *yaml, struct obi_settings *ret_settings,
		    struct obi_error *ret_error)
{
	char *env[] = { NULL };

	return obi_settings_load_text("test", slice_cstr(yaml), env, ret_settings, ret_error);
}

static bool passes(const char *yaml, const struct obi_span *span)
{
	struct obi_settings settings;
	struct obi_error error;
	bool passes;

	if (try_load(yaml, &settings, &error))
		fail_msg("%s", error.text);
	passes = obi_filter_span(&settings.pipeline.filter_spans, span);
	obi_settings_free(&settings);
	return passes;
}

static bool flow_passes(const char *yaml, const struct obi_flow_record *record)
{
	struct obi_settings settings;
	struct obi_error error;
	bool passes;

	if (try_load(yaml, &settings, &error))
		fail_msg("%s", error.text);
	passes = obi_filter_flow(&settings.pipeline.filter_flows, record);
	obi_settings_free(&settings);
	return passes;
}

static struct obi_span a_span(void)
{
	return (struct obi_span){
		.system = &obi_system_http,
		.op.http.status = 404,
		.op.http.method = SLICE_LIT("GET"),
		.op.http.path = SLICE_LIT("/users/7"),
		.op.http.route = SLICE_LIT("/users/*"),
		.peer_name = SLICE_LIT("10.0.0.1"),
		.host_port = 8080,
		.op.http.request_length = -1,
		.service = &service,
	};
}

static void globs_keep_and_drop(void **state)
{
	struct obi_span span = a_span();

	assert_true(passes("", &span));
	assert_true(passes("filter: {application: {url.path: {match: '/users/*'}}}", &span));
	assert_false(passes("filter: {application: {url.path: {match: '/orders/*'}}}", &span));
	assert_false(passes("filter: {application: {url.path: {not_match: '/users/*'}}}", &span));
	assert_true(passes("filter: {application: {url_path: {not_match: '/orders/*'}}}", &span));
	assert_true(passes("filter: {application: {service.name: {match: 'shop'}}}", &span));
	assert_false(passes("filter: {application: {k8s.pod.name: {match: '?*'}}}", &span));
}

static void numbers_are_compared(void **state)
{
	struct obi_span span = a_span();

#define STATUS(clause_) "filter: {application: {http.response.status_code: {" clause_ "}}}"
	assert_true(passes(STATUS("equals: 404"), &span));
	assert_false(passes(STATUS("not_equals: 404"), &span));
	assert_true(passes(STATUS("greater_equals: 400, less_than: 500"), &span));
	assert_false(passes(STATUS("greater_equals: 400, less_than: 404"), &span));
	assert_true(passes(STATUS("less_equals: 404"), &span));
	assert_false(passes(STATUS("greater_than: 404"), &span));
#undef STATUS
	assert_true(passes("filter: {application: {http.request.body.size: {equals: 0}}}", &span));
	/* What is no number passes no comparison. */
	assert_false(
		passes("filter: {application: {http.request.method: {not_equals: 1}}}", &span));
}

static void each_family_has_its_attributes(void **state)
{
	struct obi_span redis = sample_redis(OBI_KIND_CLIENT), http = a_span();
	struct obi_span grpc = sample_grpc(OBI_KIND_SERVER), dns = sample_dns();

#define KEEP(name_, glob_) "filter: {application: {" name_ ": {match: '" glob_ "'}}}"
	assert_true(passes(KEEP("db.operation.name", "LPUSH"), &redis));
	assert_true(passes(KEEP("db.system.name", "redis"), &redis));
	assert_false(passes(KEEP("db.system.name", "?*"), &http));
	assert_false(passes(KEEP("http.request.method", "?*"), &redis));
	assert_false(passes(KEEP("error.type", "?*"), &redis));
	redis.op.db.status = SLICE_LIT("ERR");
	assert_true(passes(KEEP("error.type", "ERR"), &redis));
	assert_true(passes(KEEP("rpc_method", "shop.*"), &grpc));
	assert_true(passes(KEEP("rpc.response.status_code", "OK"), &grpc));
	assert_true(passes(KEEP("dns.question.name", "*.example"), &dns));
#undef KEEP
	assert_false(
		passes("filter: {application: {http.response.status_code: {equals: 0}}}", &redis));
	assert_true(passes("filter: {application: {server.port: {equals: 6379}}}", &redis));
}

static void all_clauses_must_pass(void **state)
{
	struct obi_span span = a_span();

	assert_true(passes("filter: {application: {http.route: {match: '/users/*'},"
			   " server.port: {equals: 8080}}}",
			   &span));
	assert_false(passes("filter: {application: {http.route: {match: '/users/*'},"
			    " server.port: {equals: 80}}}",
			    &span));
}

static void flows_are_filtered_too(void **state)
{
	struct obi_flow_record record = {
		.flow = { .key = { .src_port = 40000, .dst_port = 443, .transport = 6 },
			  .value = { .initiator = OBI_INITIATOR_SRC } },
		.obi_ip = "10.0.0.1",
		.iface = "eth0",
		.src_address = "10.0.0.1",
		.dst_address = "10.0.0.2",
	};

	assert_true(flow_passes("", &record));
	assert_true(flow_passes("filter: {network: {dst.port: {equals: 443}}}", &record));
	assert_true(flow_passes("filter: {network: {transport: {match: TCP}}}", &record));
	assert_false(flow_passes("filter: {network: {src_address: {not_match: '10.*'}}}", &record));
	assert_false(flow_passes("filter: {network: {direction: {match: response}}}", &record));
}

static void attributes_are_found_at_start(void **state)
{
	struct obi_settings settings;
	struct obi_error error;
	const struct obi_filter_clause *flows, *spans;

	assert_int_equal(try_load("filter:\n"
				  "  application: {url.path: {match: a}, url_path: {match: b},"
				  " http.route: {match: a}}\n"
				  "  network: {dst.port: {equals: 1}, src_address: {match: a},"
				  " k8s.src.name: {match: a}}\n",
				  &settings, &error),
			 0);
	spans = settings.pipeline.filter_spans.items;
	assert_true(spans[0].asks >= 0);
	assert_int_equal(spans[1].asks, spans[0].asks);
	assert_int_not_equal(spans[2].asks, spans[0].asks);
	flows = settings.pipeline.filter_flows.items;
	assert_int_equal(flows[0].asks, FLOW_DST_PORT);
	assert_int_equal(flows[1].asks, FLOW_SRC_ADDRESS);
	assert_int_equal(flows[2].asks, -1);
	obi_settings_free(&settings);
}

static void wrong_clauses_stop_the_start(void **state)
{
	static const struct {
		const char *yaml;
		const char *why;
	} cases[] = {
		{ "filter: {application: {no.such: {match: a}}}", "no attribute" },
		{ "filter: {network: {url.path: {match: a}}}", "no attribute" },
		{ "filter: {application: {url.path: {match: a, not_match: b}}}", "exclude each" },
		{ "filter: {application: {url.path: {match: a, equals: 1}}}", "exclude each" },
		{ "filter: {application: {url.path: {}}}", "is needed" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct obi_settings settings;
		struct obi_error error;

		assert_int_not_equal(try_load(cases[i].yaml, &settings, &error), 0);
		if (!strstr(error.text, cases[i].why))
			fail_msg("%s: %s", cases[i].yaml, error.text);
	}
}

static uint64_t taken;

static void take(void *context, struct obi_span *span)
{
	taken++;
}

static void what_is_held_back_is_counted(void **state)
{
	struct obi_settings settings;
	struct obi_error error;
	struct obi_pipeline *pipeline;
	struct obi_span span = a_span();

	assert_int_equal(
		try_load("filter: {application: {server.port: {equals: 8080}}}", &settings, &error),
		0);
	pipeline = obi_pipeline_new(&settings, (struct obi_span_sink){ .put = take });
	assert_non_null(pipeline);
	obi_pipeline_put(pipeline, &span);
	span.host_port = 80;
	obi_pipeline_put(pipeline, &span);
	assert_int_equal(taken, 1);
	assert_int_equal(obi_pipeline_filtered(pipeline), 1);
	obi_pipeline_free(pipeline);
	obi_settings_free(&settings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(globs_keep_and_drop),
		cmocka_unit_test(numbers_are_compared),
		cmocka_unit_test(each_family_has_its_attributes),
		cmocka_unit_test(all_clauses_must_pass),
		cmocka_unit_test(flows_are_filtered_too),
		cmocka_unit_test(attributes_are_found_at_start),
		cmocka_unit_test(wrong_clauses_stop_the_start),
		cmocka_unit_test(what_is_held_back_is_counted),
	};

	return cmocka_run_group_tests_name("pipeline/filter", tests, NULL, NULL);
}
