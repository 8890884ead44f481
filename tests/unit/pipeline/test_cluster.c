// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "guard.h"
#include "pipeline/cluster.h"

static void check(const char *path, const char *expected)
{
	size_t room = strlen(path);
	char *route = malloc(room ? room : 1); /* no longer than the path: ASan sees more */
	size_t len = cluster_path(guarded(slice_cstr(path)), '*', route);

	if (len != strlen(expected) || memcmp(route, expected, len) != 0)
		fail_msg("%s became %.*s, not %s", path, (int)len, route, expected);
	free(route);
}

static void identifiers_become_one_wildcard(void **state)
{
	static const char *const cases[][2] = {
		{ "", "" },
		{ "/", "/" },
		{ "/users/fdklsd/j4elk/23993/job/2", "/users/*/j4elk/*/job/*" },
		{ "123", "*" },
		{ "/123", "/*" },
		{ "123/", "*/" },
		{ "123/ljgdflgjf", "*/*" },
		{ "/**", "/*" },
		{ "/u/2", "/u/*" },
		{ "/v1/products/2", "/v1/products/*" },
		{ "/v1/products/22", "/v1/products/*" },
		{ "/v1/products/22j", "/v1/products/*" },
		{ "/products/1/org/3", "/products/*/org/*" },
		{ "/products//org/3", "/products//org/*" },
		{ "/v1/k6-test-runs/1", "/v1/k6-test-runs/*" },
		{ "/customer/lfdsjd/job/erwejre", "/customer/*/job/*" },
		{ "/customer/1/job/2", "/customer/*/job/*" },
		{ "/orders/6f1c2e4a-91b7-4f4e-8d6a-1f0b2c3d4e5f", "/orders/*" },
		{ "/files/%E2%82%AC.txt", "/files/*" },
		{ "/caf\xc3\xa9", "/*" },
		{ "/-users/_x/.git", "/*/*/*" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check(cases[i][0], cases[i][1]);
}

static void words_of_several_languages_stay(void **state)
{
	static const char *const cases[][2] = {
		{ "/attach", "/attach" },
		{ "/usuarios/fdklsd/j4elk/23993/trabajo/2", "/usuarios/*/j4elk/*/trabajo/*" },
		{ "/Benutzer/fdklsd/j4elk/23993/Arbeit/2", "/Benutzer/*/j4elk/*/Arbeit/*" },
		{ "/utilisateurs/fdklsd/j4elk/23993/tache/2", "/utilisateurs/*/j4elk/*/tache/*" },
		{ "/products/", "/products/" },
		{ "/user-space/", "/user-space/" },
		{ "/user_space/", "/user_space/" },
		{ "/api/hello.world", "/api/hello.world" },
		{ "/api/hello.world.again", "/api/hello.world.again" },
		{ "/api.backup/hello.world", "/api.backup/hello.world" },
		{ "/some/path", "/some/path" },
		{ "/getquote", "/getquote" },
		{ "/healthz", "/healthz" },
		{ "/API/GraphQL", "/API/GraphQL" },
		{ "/wp-admin/admin-ajax.php", "/wp-admin/admin-ajax.php" },
		{ "/.well-known/jwks.json", "/*/jwks.json" },
		{ "/static/img/logo.svg", "/static/img/logo.svg" },
		{ "/ping", "/ping" },
		{ "/missing", "/missing" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check(cases[i][0], cases[i][1]);
}

static void methods_before_the_path_stay(void **state)
{
	static const char *const methods[] = { "GET",  "POST",  "PUT",   "DELETE", "OPTIONS",
					       "HEAD", "PATCH", "TRACE", "CONNECT" };
	char text[64];

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		(void)snprintf(text, sizeof(text), "%s /user_space/", methods[i]);
		check(text, text);
	}
	check("HTTP GET", "HTTP GET");
}

static void query_and_fragment_are_cut(void **state)
{
	check("/attach?session_id=ddfsdsf&track_id=sjdklnfldsn", "/attach");
	check("/attach#section-1", "/attach");
	check("/attach&x", "/attach");
	check("GET /api/cart?sessionId=55f4e5ea-5d6d-482a-80c4-799e3c72dfb0&currencyCode=USD",
	      "GET /api/cart");
}

static void only_so_many_segments_stay(void **state)
{
	check("/a/b/c/d/e/f/g/h/i/j", "/a/b/c/d/e/f/g/h/i/j");
	check("/a/b/c/d/e/f/g/h/i/j/", "/a/b/c/d/e/f/g/h/i/j");
	check("/a/b/c/d/e/f/g/h/i/j/k/l", "/a/b/c/d/e/f/g/h/i/j");
}

/* The share of random words that pass bounds what a client can do to the number of routes. */
static void random_letters_are_gibberish(void **state)
{
	static const struct {
		size_t len;
		unsigned most; /* of 10000 that may pass */
	} cases[] = { { 6, 1300 }, { 8, 700 }, { 12, 250 }, { 22, 30 } };
	uint32_t random = 1;
	uint8_t word[32];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned passed = 0;

		for (int n = 0; n < 10000; n++) {
			for (size_t k = 0; k < cases[i].len; k++) {
				random = random * 1664525 + 1013904223;
				word[k] = (uint8_t)('a' + (random >> 16) % 26);
			}
			passed += !cluster_word_is_gibberish(slice_of(word, cases[i].len));
		}
		if (passed > cases[i].most)
			fail_msg("%u of 10000 words of %zu letters pass", passed, cases[i].len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identifiers_become_one_wildcard),
		cmocka_unit_test(words_of_several_languages_stay),
		cmocka_unit_test(methods_before_the_path_stay),
		cmocka_unit_test(query_and_fragment_are_cut),
		cmocka_unit_test(only_so_many_segments_stay),
		cmocka_unit_test(random_letters_are_gibberish),
	};

	return cmocka_run_group_tests_name("cluster", tests, NULL, NULL);
}
