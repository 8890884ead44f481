// SPDX-License-Identifier: Apache-2.0
/* Which redirects are followed, and with credentials or without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sender/redirect.h"

static void followed(const char *from, const char *to, bool with_credentials)
{
	bool same;

	assert_null(sender_redirect_refused(from, to, &same));
	assert_int_equal(same, with_credentials);
}

static void refused(const char *from, const char *to, const char *reason)
{
	bool same;
	const char *why = sender_redirect_refused(from, to, &same);

	assert_non_null(why);
	assert_non_null(strstr(why, reason));
	assert_false(same);
}

static void same_place_gets_credentials(void **state)
{
	followed("http://a:4318/v1/traces", "http://a:4318/there", true);
	followed("HTTP://A:4318/v1/traces", "http://a:4318", true);
	followed("http://user:password@a:4318/v1/traces", "http://a:4318/there", true);
	followed("https://[::1]:4318/v1/traces", "https://[::1]:4318/?x", true);
}

static void other_places_get_none(void **state)
{
	followed("http://a:4318/v1/traces", "http://b:4318/v1/traces", false);
	followed("http://a:4318/v1/traces", "http://a:4319/v1/traces", false);
	followed("http://a:4318/v1/traces", "http://a.b:4318/v1/traces", false);
	followed("http://a/v1/traces", "https://a/v1/traces", false);
	followed("http://a:4318/v1/traces", "http://b\\.a:4318/v1/traces", false);
	/* As written: a port that is the scheme's own is another one. */
	followed("http://a/v1/traces", "http://a:80/v1/traces", false);
}

static void what_would_leak_is_refused(void **state)
{
	refused("https://a/v1/traces", "http://a/v1/traces", "clear text");
	refused("HTTPS://a/v1/traces", "http://b/v1/traces", "clear text");
	refused("http://a/v1/traces", "ftp://a/v1/traces", "scheme");
	refused("http://a/v1/traces", "file:///etc/passwd", "absolute");
	refused("http://a/v1/traces", "/v1/traces", "absolute");
	refused("http://a/v1/traces", "http://", "absolute");
	refused("http://a/v1/traces", "http://a@b/v1/traces", "name");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_place_gets_credentials),
		cmocka_unit_test(other_places_get_none),
		cmocka_unit_test(what_would_leak_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
