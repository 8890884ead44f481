// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "guard.h"
#include "pipeline/route.h"

static const struct obi_service service = { .name = "shop" };

static const char *user_pattern[] = { "/user/:id" };

static struct obi_routes_options options_of(enum obi_unmatched unmatched)
{
	return (struct obi_routes_options){
		.patterns = { .items = user_pattern, .count = 1, .set = true },
		.ignore_mode = OBI_IGNORE_ALL,
		.unmatched = unmatched,
		.wildcard_char = "*",
		.max_path_segment_cardinality = 3,
	};
}

static struct obi_span apply(struct route_stage *stage, const char *path)
{
	struct obi_span span = { .system = &obi_system_http,
				 .op.http.path = guarded(slice_cstr(path)),
				 .service = &service };

	route_stage_apply(stage, NULL, &span);
	return span;
}

static void check(struct route_stage *stage, const char *path, const char *expected)
{
	struct obi_span span = apply(stage, path);

	if (!slice_equal(span.op.http.route, slice_cstr(expected)))
		fail_msg("%s became %.*s, not %s", path, SLICE_ARG(span.op.http.route), expected);
}

static void unmatched_paths_follow_the_mode(void **state)
{
	static const struct {
		enum obi_unmatched mode;
		const char *path;
		const char *route;
	} cases[] = {
		{ OBI_UNMATCHED_WILDCARD, "/user/1234", "/user/:id" },
		{ OBI_UNMATCHED_WILDCARD, "/some/path", "/**" },
		{ OBI_UNMATCHED_PATH, "/some/path", "/some/path" },
		{ OBI_UNMATCHED_UNSET, "/some/path", "" },
		{ OBI_UNMATCHED_HEURISTIC, "/some/path", "/some/path" },
		{ OBI_UNMATCHED_HEURISTIC, "/customer/1/job/2", "/customer/*/job/*" },
		{ OBI_UNMATCHED_HEURISTIC, "/customer/lfdsjd/job/erwejre", "/customer/*/job/*" },
		{ OBI_UNMATCHED_HEURISTIC, "", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct obi_routes_options options = options_of(cases[i].mode);
		struct route_stage *stage;

		assert_int_equal(route_stage_new(&options, &stage), 0);
		check(stage, cases[i].path, cases[i].route);
		check(stage, cases[i].path, cases[i].route); /* from the cache */
		route_stage_free(stage);
	}
}

static void cached_routes_are_those_of_their_path(void **state)
{
	struct obi_routes_options options = options_of(OBI_UNMATCHED_HEURISTIC);
	struct route_stage *stage;
	char path[400], expected[400];

	assert_int_equal(route_stage_new(&options, &stage), 0);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 5000; i++) { /* more than the cache holds */
			(void)snprintf(path, sizeof(path), "/%c/%d/%c", 'a' + i % 26, i,
				       'a' + i / 26 % 26);
			(void)snprintf(expected, sizeof(expected), "/%c/*/%c", 'a' + i % 26,
				       'a' + i / 26 % 26);
			check(stage, path, expected);
			(void)snprintf(path, sizeof(path), "/user/%d", i);
			check(stage, path, "/user/:id");
		}
	}
	/* Does not fit an entry. */
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	check(stage, path, "/*");
	route_stage_free(stage);
}

static void ignored_spans_are_marked_and_keep_their_route(void **state)
{
	static const char *ignored[] = { "/healthz", "/internal/*" };
	static const struct {
		int mode;
		unsigned flags;
	} cases[] = {
		{ OBI_IGNORE_ALL, OBI_SPAN_IGNORE_METRICS | OBI_SPAN_IGNORE_TRACES },
		{ OBI_IGNORE_METRICS, OBI_SPAN_IGNORE_METRICS },
		{ OBI_IGNORE_TRACES, OBI_SPAN_IGNORE_TRACES },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct obi_routes_options options = options_of(OBI_UNMATCHED_HEURISTIC);
		struct route_stage *stage;

		options.ignored_patterns = (struct obi_list){ ignored, 2, true };
		options.ignore_mode = cases[i].mode;
		assert_int_equal(route_stage_new(&options, &stage), 0);
		for (int again = 0; again < 2; again++) {
			assert_int_equal(apply(stage, "/healthz").flags, cases[i].flags);
			assert_int_equal(apply(stage, "/internal/x/y").flags, cases[i].flags);
			assert_int_equal(apply(stage, "/health").flags, 0);
			check(stage, "/healthz", "/healthz");
		}
		route_stage_free(stage);
	}
}

static void a_route_that_is_known_stays(void **state)
{
	struct obi_routes_options options = options_of(OBI_UNMATCHED_HEURISTIC);
	struct obi_span span = { .system = &obi_system_http,
				 .op.http.path = SLICE_LIT("/some/path"),
				 .op.http.route = SLICE_LIT("/{any}"),
				 .service = &service };
	struct route_stage *stage;

	assert_int_equal(route_stage_new(&options, &stage), 0);
	route_stage_apply(stage, NULL, &span);
	assert_true(slice_equal(span.op.http.route, SLICE_LIT("/{any}")));
	route_stage_free(stage);
}

static void places_with_too_many_children_collapse(void **state)
{
	struct obi_routes_options options = options_of(OBI_UNMATCHED_LOW_CARDINALITY);
	struct route_stage *stage;

	assert_int_equal(route_stage_new(&options, &stage), 0);
	check(stage, "/shop/red/list", "/shop/red/list");
	check(stage, "/shop/green/list", "/shop/green/list");
	check(stage, "/shop/blue/list", "/shop/blue/list");
	check(stage, "/shop/17/list", "/shop/*/list"); /* does not count */
	check(stage, "/shop/red/list", "/shop/red/list");
	check(stage, "/shop/pink/list", "/shop/*/list");
	check(stage, "/shop/red/list", "/shop/*/list"); /* for good */
	check(stage, "/shop/red/again", "/shop/*/again");
	check(stage, "/shop", "/shop");
	check(stage, "/user/17", "/user/:id"); /* the operator's own */
	check(stage, "/barn/red/list/", "/barn/red/list/");
	route_stage_free(stage);
}

static void services_do_not_share_their_limit(void **state)
{
	static const struct obi_service other = { .name = "shop", .name_space = "test" };
	static const char *const words[] = { "/one", "/two", "/three", "/four" };
	struct obi_routes_options options = options_of(OBI_UNMATCHED_LOW_CARDINALITY);
	struct obi_span span = { .system = &obi_system_http,
				 .op.http.path = SLICE_LIT("/four"),
				 .service = &other };
	struct route_stage *stage;

	assert_int_equal(route_stage_new(&options, &stage), 0);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		check(stage, words[i], i < 3 ? words[i] : "/*");
	route_stage_apply(stage, NULL, &span);
	assert_true(slice_equal(span.op.http.route, SLICE_LIT("/four")));
	route_stage_free(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unmatched_paths_follow_the_mode),
		cmocka_unit_test(cached_routes_are_those_of_their_path),
		cmocka_unit_test(ignored_spans_are_marked_and_keep_their_route),
		cmocka_unit_test(a_route_that_is_known_stays),
		cmocka_unit_test(places_with_too_many_children_collapse),
		cmocka_unit_test(services_do_not_share_their_limit),
	};

	return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
