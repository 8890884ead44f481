// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "verb/explain_out.h"

static void report(bool json, const char *expected)
{
	struct explain_out out = { .json = json };

	for (int i = 0; i < 2; i++) {
		out_begin(&out, NULL, '{');
		out_number(&out, "pid", 7);
		out_text(&out, "name", "a\x1b\"b");
		out_begin(&out, "parts", '{');
		out_flag(&out, "yes", true);
		out_text(&out, "empty", "");
		out_end(&out, '}');
		out_begin(&out, "none", '[');
		out_end(&out, ']');
		out_begin(&out, "items", '[');
		out_number(&out, NULL, 1);
		out_begin(&out, NULL, '{');
		out_flag(&out, "no", false);
		out_text(&out, "last", "x");
		out_end(&out, '}');
		out_end(&out, ']');
		out_end(&out, '}');
		out_finish(&out);
	}
	buffer_put_char(&out.buf, '\0');
	assert_string_equal(out.buf.data, expected);
	buffer_free(&out.buf);
}

#define LINE                                                                                       \
	"{\"pid\":7,\"name\":\"a\\u001b\\\"b\",\"parts\":{\"yes\":true,\"empty\":\"\"},"           \
	"\"none\":[],\"items\":[1,{\"no\":false,\"last\":\"x\"}]}\n"

static void json_is_an_object_a_line(void **state)
{
	report(true, LINE LINE);
}

#define TEXT                                                                                       \
	"pid:              7\n"                                                                    \
	"name:             a\\x1b\"b\n"                                                            \
	"parts:\n"                                                                                 \
	"  yes:              yes\n"                                                                \
	"  empty:\n"                                                                               \
	"none: none\n"                                                                             \
	"items:\n"                                                                                 \
	"  - 1\n"                                                                                  \
	"  - no:               no\n"                                                               \
	"    last:             x\n"                                                                \
	"\n"

static void text_is_indented(void **state)
{
	report(false, TEXT TEXT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_is_an_object_a_line),
		cmocka_unit_test(text_is_indented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
