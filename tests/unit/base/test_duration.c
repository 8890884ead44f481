// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/duration.h"

static void duration_prints_as_go_does(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{ 0, "0s" },
		{ 1, "1ns" },
		{ 999, "999ns" },
		{ 1000, "1µs" },
		{ 2000, "2µs" },
		{ 172846, "172.846µs" },
		{ 1934744, "1.934744ms" },
		{ 2500000, "2.5ms" },
		{ 319328051, "319.328051ms" },
		{ 999999999, "999.999999ms" },
		{ 1000000000, "1s" },
		{ 1500000000, "1.5s" },
		{ 59999999999, "59.999999999s" },
		{ 60000000000, "1m0s" },
		{ 90010000000, "1m30.01s" },
		{ 3600000000000, "1h0m0s" },
		{ 3602000000001, "1h0m2.000000001s" },
		{ UINT64_MAX, "5124095h34m33.709551615s" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *text = malloc(DURATION_TEXT_MAX);
		size_t len = duration_format(cases[i].ns, text);

		assert_int_equal(len, strlen(cases[i].text));
		assert_memory_equal(text, cases[i].text, len);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(duration_prints_as_go_does),
	};

	return cmocka_run_group_tests_name("duration", tests, NULL, NULL);
}
