// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/pipeline.h"
#include "settings/settings.h"

static const struct obi_service service = { .name = "gosrv", .language = "go" };

static struct obi_span got;
static char got_text[256];

/* Everything a span lends is gone after the call: what the test looks at is copied. */
static struct slice keep(struct slice s)
{
	static size_t used;

	if (used + s.len > sizeof(got_text))
		used = 0;
	if (s.len)
		memcpy(got_text + used, s.data, s.len);
	used += s.len;
	return slice_of(got_text + used - s.len, s.len);
}

static void take(void *context, struct obi_span *span)
{
	got = *span;
	got.op.http.route = keep(span->op.http.route);
	got.op.http.query = keep(span->op.http.query);
	got.peer_name = keep(span->peer_name);
	got.host_name = keep(span->host_name);
}

static void load(const char *yaml, struct obi_settings *ret_settings)
{
	char *env[] = { NULL };
	struct obi_error error;

	if (obi_settings_load_text("test", slice_cstr(yaml), env, ret_settings, &error) != 0)
		fail_msg("settings do not load");
}

static struct obi_span span_of(enum obi_span_kind type)
{
	return (struct obi_span){
		.system = &obi_system_http,
		.kind = type,
		.op.http.path = SLICE_LIT("/users/123"),
		.op.http.query = SLICE_LIT("token=1"),
		.peer_addr = { [10] = 0xff, 0xff, 127, 0, 0, 1 },
		.host_addr = { [10] = 0xff, 0xff, 10, 0, 0, 9 },
		.service = &service,
	};
}

static void a_span_passes_every_stage(void **state)
{
	struct obi_settings settings;
	struct obi_span span = span_of(OBI_KIND_SERVER);
	struct obi_pipeline *pipeline;

	load("routes:\n  ignored_patterns: [/users/*]\n  ignore_mode: traces\n", &settings);
	pipeline = obi_pipeline_new(&settings, (struct obi_span_sink){ .put = take });
	assert_non_null(pipeline);

	obi_pipeline_put(pipeline, &span);
	assert_true(slice_equal(got.op.http.route, SLICE_LIT("/users/*")));
	assert_true(slice_equal(got.op.http.query, SLICE_LIT("token=REDACTED")));
	assert_int_equal(got.flags, OBI_SPAN_IGNORE_TRACES);

	obi_pipeline_free(pipeline);
	obi_settings_free(&settings);
}

static void each_end_is_named_from_its_side(void **state)
{
	struct obi_settings settings;
	struct obi_span server = span_of(OBI_KIND_SERVER);
	struct obi_span client = span_of(OBI_KIND_CLIENT);
	struct obi_pipeline *pipeline;

	load("{}", &settings);
	pipeline = obi_pipeline_new(&settings, (struct obi_span_sink){ .put = take });
	assert_non_null(pipeline);

	obi_pipeline_put(pipeline, &server);
	assert_true(slice_equal(got.peer_name, SLICE_LIT("127.0.0.1")));
	assert_true(slice_equal(got.host_name, SLICE_LIT("gosrv")));
	obi_pipeline_put(pipeline, &client);
	assert_true(slice_equal(got.peer_name, SLICE_LIT("gosrv")));
	assert_true(slice_equal(got.host_name, SLICE_LIT("10.0.0.9")));

	obi_pipeline_free(pipeline);
	obi_settings_free(&settings);
}

static void a_client_names_the_host_it_asked_for(void **state)
{
	static const struct {
		const char *host, *scheme, *name;
		uint16_t port;
	} cases[] = {
		{ "shop.example", "http", "shop.example", 9000 },
		{ "shop.example", "https", "shop.example", 9000 },
		{ "shop.example", "", "shop.example", 9000 },
		{ "shop.example:8080", "http", "shop.example", 8080 },
		{ "127.0.0.1:8080", "http", "127.0.0.1", 8080 },
		{ "[::1]:8080", "http", "::1", 8080 },
		{ "", "http", "10.0.0.9", 9000 },
		{ "shop\n.example", "http", "10.0.0.9", 9000 },
		{ "me@shop.example:80", "http", "10.0.0.9", 9000 },
	};
	struct obi_settings settings;
	struct obi_pipeline *pipeline;

	load("{}", &settings);
	pipeline = obi_pipeline_new(&settings, (struct obi_span_sink){ .put = take });
	assert_non_null(pipeline);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct obi_span client = span_of(OBI_KIND_CLIENT);

		client.host_port = 9000;
		client.op.http.host = slice_cstr(cases[i].host);
		client.op.http.scheme = slice_cstr(cases[i].scheme);
		obi_pipeline_put(pipeline, &client);
		assert_true(slice_equal(got.host_name, slice_cstr(cases[i].name)));
		assert_int_equal(obi_span_server_port(&got), cases[i].port);
		assert_true(slice_equal(got.peer_name, SLICE_LIT("gosrv")));
	}
	obi_pipeline_free(pipeline);
	obi_settings_free(&settings);
}

/* Its operation lies where a request's method, path, query and host would. */
static void a_database_span_is_no_request(void **state)
{
	static const struct obi_system redis = { .family = OBI_FAMILY_DB,
						 .instrumentation = "redis" };
	struct obi_span http = span_of(OBI_KIND_CLIENT), span = span_of(OBI_KIND_CLIENT);
	struct obi_settings settings;
	struct obi_pipeline *pipeline;

	load("routes: {unmatched: heuristic, ignored_patterns: [/users/*]}", &settings);
	pipeline = obi_pipeline_new(&settings, (struct obi_span_sink){ .put = take });
	assert_non_null(pipeline);
	http.op.http.host = SLICE_LIT("shop.example:8080");
	obi_pipeline_put(pipeline, &http);
	span.system = &redis;
	span.host_port = 6379;
	memset(&span.op, 0, sizeof(span.op));
	span.op.db = (struct obi_db){
		.operation = SLICE_LIT("GET"),
		.collection = SLICE_LIT("/users/1"),
		.name_space = SLICE_LIT("token=1"),
		.message = SLICE_LIT("elsewhere.example:1"),
	};
	obi_pipeline_put(pipeline, &span);
	assert_int_equal(got.flags & OBI_SPAN_IGNORE_METRICS, 0);
	assert_true(slice_equal(got.op.db.collection, SLICE_LIT("/users/1")));
	assert_true(slice_equal(got.op.db.name_space, SLICE_LIT("token=1")));
	assert_int_equal(got.op.db.query.len, 0);
	assert_true(slice_equal(got.host_name, SLICE_LIT("10.0.0.9")));
	assert_int_equal(obi_span_server_port(&got), 6379);
	obi_pipeline_free(pipeline);
	obi_settings_free(&settings);
}

/* Whoever asks could else choose the name of what it asked. */
static void a_server_is_not_named_by_who_asks(void **state)
{
	struct obi_span server = span_of(OBI_KIND_SERVER);
	struct obi_settings settings;
	struct obi_pipeline *pipeline;

	load("{}", &settings);
	pipeline = obi_pipeline_new(&settings, (struct obi_span_sink){ .put = take });
	assert_non_null(pipeline);
	server.host_port = 9000;
	server.op.http.host = SLICE_LIT("shop.example:8080");
	server.op.http.scheme = SLICE_LIT("http");
	obi_pipeline_put(pipeline, &server);
	assert_true(slice_equal(got.host_name, SLICE_LIT("gosrv")));
	assert_int_equal(obi_span_server_port(&got), 9000);
	obi_pipeline_free(pipeline);
	obi_settings_free(&settings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_span_passes_every_stage),
		cmocka_unit_test(a_database_span_is_no_request),
		cmocka_unit_test(each_end_is_named_from_its_side),
		cmocka_unit_test(a_client_names_the_host_it_asked_for),
		cmocka_unit_test(a_server_is_not_named_by_who_asks),
	};

	return cmocka_run_group_tests_name("pipeline", tests, NULL, NULL);
}
