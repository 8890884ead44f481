// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "guard.h"
#include "pipeline/pattern.h"

struct expectation {
	const char *path;
	const char *route;
};

static void check(const char **items, size_t count, const struct expectation *cases, size_t n)
{
	struct obi_list list = { .items = items, .count = count };
	struct patterns *patterns;

	assert_int_equal(patterns_new(&list, &patterns), 0);
	for (size_t i = 0; i < n; i++) {
		const char *route = patterns_find(patterns, guarded(slice_cstr(cases[i].path)));

		if (strcmp(route ? route : "", cases[i].route) != 0)
			fail_msg("%s matched %s, not %s", cases[i].path, route ? route : "nothing",
				 cases[i].route);
	}
	patterns_free(patterns);
}

static void patterns_match_as_the_existing_program_does(void **state)
{
	static const char *items[] = { "/foo/bar/bae/", "/foo/:id",       "/foo/{id}/push",
				       "/ski/*",        "/snow/mobile/*", "/" };
	static const struct expectation cases[] = {
		{ "/", "/" },
		{ "/foo/bar/bae", "/foo/bar/bae/" },
		{ "/foo/1234", "/foo/:id" },
		{ "/foo/someId", "/foo/:id" },
		{ "/foo/5678/push", "/foo/{id}/push" },
		{ "/ski", "/ski/*" },
		{ "/ski/doo", "/ski/*" },
		{ "/ski/doo/new/", "/ski/*" },
		{ "/snow/mobile", "/snow/mobile/*" },
		{ "/snow/mobile/long", "/snow/mobile/*" },
		{ "/foo", "" },
		{ "/foo/bar", "" },
		{ "/foo/bar/bae/baz", "" },
		{ "/traca", "" },
		{ "/foo/1234/down", "" },
		{ "/foo/5678/push/up", "" },
		{ "/snow/man", "" },
	};

	check(items, ARRAY_SIZE(items), cases, ARRAY_SIZE(cases));
}

static void a_star_above_catches_what_fails_beneath(void **state)
{
	static const char *items[] = { "/ski/*", "/ski/lift/up", "/ski/:run/end" };
	static const struct expectation cases[] = {
		{ "/ski/lift/up", "/ski/lift/up" },
		{ "/ski/lift/down", "/ski/*" },
		{ "/ski/red/end", "/ski/:run/end" },
		{ "/ski/red/start", "/ski/*" },
		{ "/", "" },
		{ "", "" },
	};

	check(items, ARRAY_SIZE(items), cases, ARRAY_SIZE(cases));
}

static void marks_before_a_placeholder_are_literal(void **state)
{
	static const char *items[] = { "/@:user", "/:page", "/v1/items:clear", "/a/*/b" };
	static const struct expectation cases[] = {
		{ "/@ann", "/@:user" },
		{ "/ann", "/:page" },
		{ "/v1/items:clear", "/v1/items:clear" },
		{ "/v1/items:other", "" },
		{ "/a/x/b", "/a/*/b" },
		{ "/a/x/c", "" },
	};

	check(items, ARRAY_SIZE(items), cases, ARRAY_SIZE(cases));
}

static void everything_or_nothing(void **state)
{
	static const char *all[] = { "/*" };
	static const struct expectation any[] = { { "/", "/*" },
						  { "/a/b/c", "/*" },
						  { "*", "/*" } };
	static const struct expectation none[] = { { "/", "" }, { "/a", "" } };

	check(all, 1, any, ARRAY_SIZE(any));
	check(NULL, 0, none, ARRAY_SIZE(none));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_match_as_the_existing_program_does),
		cmocka_unit_test(a_star_above_catches_what_fails_beneath),
		cmocka_unit_test(marks_before_a_placeholder_are_literal),
		cmocka_unit_test(everything_or_nothing),
	};

	return cmocka_run_group_tests_name("pattern", tests, NULL, NULL);
}
