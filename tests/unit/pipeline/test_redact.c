// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "guard.h"
#include "pipeline/redact.h"

static const struct obi_list none;

static void check(struct redact_stage *stage, const char *query, const char *expected)
{
	struct obi_span span = { .query = guarded(slice_cstr(query)) };

	redact_stage_apply(stage, &span);
	if (!slice_equal(span.query, slice_cstr(expected)))
		fail_msg("%s became %.*s, not %s", query, SLICE_ARG(span.query), expected);
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
		{ "TOKEN=abc&tokens=1&token", "TOKEN=abc&tokens=1&token" }, /* case matters */
		{ "t%6fken=abc", "t%6fken=REDACTED" },
		{ "t%6=abc&%&a%zz=1", "t%6=abc&%&a%zz=1" },
		{ "&&=x&cc=", "&&=x&cc=REDACTED" },
		{ "cc=1&", "cc=REDACTED&" },
	};
	struct redact_stage *stage;

	assert_int_equal(redact_stage_new(&none, &none, &stage), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check(stage, cases[i][0], cases[i][1]);
	redact_stage_free(stage);
}

static void the_list_can_be_changed(void **state)
{
	static const char *more[] = { "Zip", "iban" }, *fewer[] = { "token", "sig" };
	struct obi_list add = { more, 2, true }, removed = { fewer, 2, true };
	struct redact_stage *stage;

	assert_int_equal(redact_stage_new(&add, &removed, &stage), 0);
	check(stage, "iban=1&Zip=2&zip=3&token=4&sig=5&pwd=6",
	      "iban=REDACTED&Zip=REDACTED&zip=3&token=4&sig=5&pwd=REDACTED");
	redact_stage_free(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secrets_are_hidden_and_the_rest_stays),
		cmocka_unit_test(the_list_can_be_changed),
	};

	return cmocka_run_group_tests_name("redact", tests, NULL, NULL);
}
