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
#include "pipeline/redact.h"

static const struct obi_list none;

static void check(struct redact_stage *stage, const char *query, const char *expected)
{
	struct obi_span span = { .system = &obi_system_http,
				 .op.http.query = guarded(slice_cstr(query)) };

	redact_stage_apply(stage, &span);
	if (!slice_equal(span.op.http.query, slice_cstr(expected)))
		fail_msg("%s became %.*s, not %s", query, SLICE_ARG(span.op.http.query), expected);
}

static void secrets_are_hidden_and_the_rest_stays(void **state)
{
	static const char *const cases[][2] = {
		{ "", "" },
		{ "page=2&sort=asc", "page=2&sort=asc" },
		{ "token=abc", "token=REDACTED" },
		{ "page=2&token=abc&sort=asc", "page=2&token=REDACTED&sort=asc" },
		{ "token=a&password=b=c&cvv=1", "token=REDACTED&password=REDACTED&cvv=REDACTED" },
		{ "X-Amz-Signature=0a&X-Amz-Date=1", "X-Amz-Signature=REDACTED&X-Amz-Date=1" },
		{ "TOKEN=abc&tokens=1&token", "TOKEN=REDACTED&tokens=1&token" },
		{ "t%6fken=abc", "t%6fken=REDACTED" },
		{ "t%6=abc&%&a%zz=1", "t%6=abc&%&a%zz=1" },
		{ "&&=x&cc=", "&&=x&cc=REDACTED" },
		{ "cc=1&", "cc=REDACTED&" },
	};
	struct redact_stage *stage;

	assert_int_equal(redact_stage_new(&(struct redact_options){ &none, &none, &none }, &stage),
			 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check(stage, cases[i][0], cases[i][1]);
	redact_stage_free(stage);
}

static void the_list_can_be_changed(void **state)
{
	static const char *more[] = { "Zip", "iban" }, *fewer[] = { "token", "sig" };
	struct obi_list add = { more, 2, true }, removed = { fewer, 2, true };
	struct redact_stage *stage;

	assert_int_equal(
		redact_stage_new(&(struct redact_options){ &add, &removed, &none }, &stage), 0);
	check(stage, "iban=1&Zip=2&z-i-p=3&token=4&SIG=5&pwd=6",
	      "iban=REDACTED&Zip=REDACTED&z-i-p=REDACTED&token=4&SIG=5&pwd=REDACTED");
	redact_stage_free(stage);
}

static void spelling_does_not_matter(void **state)
{
	static const char *const names[] = {
		"Token",          "PASSWORD",
		"token[]",        "token%5B%5D",
		"auth",           "key",
		"code",           "accessToken",
		"access-token",   "ACCESS_TOKEN",
		"x-api-key",      "apiKey",
		"user[password]", "user%5bpassword%5D[]",
		"login.passwd",   "a[b].c[secret]",
		"%54oken",        "to_ken",
		" token",         "+token",
		"JSESSIONID",
	};
	static const char *const others[] = { "tokens",  "monkey",           "authors",  "keyboard",
					      "zipcode", "user[pass_count]", "t%256fken" };
	struct redact_stage *stage;
	char query[64], expected[64];

	assert_int_equal(redact_stage_new(&(struct redact_options){ &none, &none, &none }, &stage),
			 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		(void)snprintf(query, sizeof(query), "a=1&%s=hunter2&b", names[i]);
		(void)snprintf(expected, sizeof(expected), "a=1&%s=REDACTED&b", names[i]);
		check(stage, query, expected);
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		(void)snprintf(query, sizeof(query), "%s=1", others[i]);
		check(stage, query, query);
	}
	redact_stage_free(stage);
}

/* It begins a parameter, and does not end what is hidden: who knows what it means to the server. */
static void semicolons_separate(void **state)
{
	struct redact_stage *stage;

	assert_int_equal(redact_stage_new(&(struct redact_options){ &none, &none, &none }, &stage),
			 0);
	check(stage, "x=1;token=abc", "x=1;token=REDACTED");
	check(stage, "x=1;token=ab;c=d&y=2;z", "x=1;token=REDACTED&y=2;z");
	check(stage, ";;token=;", ";;token=REDACTED");
	redact_stage_free(stage);
}

static void check_path(struct redact_stage *stage, const char *path, const char *expected)
{
	struct obi_span span = { .system = &obi_system_http,
				 .op.http.path = guarded(slice_cstr(path)) };

	redact_stage_apply(stage, &span);
	if (!slice_equal(span.op.http.path, slice_cstr(expected)))
		fail_msg("%s became %.*s, not %s", path, SLICE_ARG(span.op.http.path), expected);
}

static void parameters_of_the_path_are_hidden(void **state)
{
	struct redact_stage *stage;

	assert_int_equal(redact_stage_new(&(struct redact_options){ &none, &none, &none }, &stage),
			 0);
	check_path(stage, "/shop;jsessionid=0a1b/cart", "/shop;jsessionid=REDACTED/cart");
	check_path(stage, "/a;v=1;JSESSIONID=0;c=d/b;v=2", "/a;v=1;JSESSIONID=REDACTED/b;v=2");
	check_path(stage, "/token=1/a;/;;", "/token=1/a;/;;");
	redact_stage_free(stage);
}

static void only_what_is_allowed_is_shown(void **state)
{
	static const char *few[] = { "page", "sort_by" };
	struct obi_list allowed = { few, 2, true }, nothing = { NULL, 0, true };
	struct redact_stage *stage;

	assert_int_equal(
		redact_stage_new(&(struct redact_options){ &none, &none, &allowed }, &stage), 0);
	check(stage, "page=1&sortBy=x&q=secret&0a1b2c&page",
	      "page=1&sortBy=x&REDACTED&REDACTED&page");
	check(stage, "page=1;q=2", "page=1;REDACTED");
	check(stage, "", "");
	check_path(stage, "/a;x=1/b", "/a;REDACTED/b");
	redact_stage_free(stage);
	assert_int_equal(
		redact_stage_new(&(struct redact_options){ &none, &none, &nothing }, &stage), 0);
	check(stage, "page=1&b", "REDACTED&REDACTED");
	redact_stage_free(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secrets_are_hidden_and_the_rest_stays),
		cmocka_unit_test(the_list_can_be_changed),
		cmocka_unit_test(spelling_does_not_matter),
		cmocka_unit_test(semicolons_separate),
		cmocka_unit_test(parameters_of_the_path_are_hidden),
		cmocka_unit_test(only_what_is_allowed_is_shown),
	};

	return cmocka_run_group_tests_name("redact", tests, NULL, NULL);
}
