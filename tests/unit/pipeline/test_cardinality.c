// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/cardinality.h"

/* A hostile client invents services' worth of segments: memory and time stay bounded. */
static void a_full_table_makes_everything_new_vary(void **state)
{
	static const struct obi_service service = { .name = "shop" };
	struct cardinality *cardinality = cardinality_new(1000000, '*');
	char route[32], limited[32];
	size_t kept = 0, len;

	assert_non_null(cardinality);
	for (int i = 0; i < CARDINALITY_SEGMENTS_MAX + 1000; i++) {
		len = (size_t)snprintf(route, sizeof(route), "/s%d", i);
		len = cardinality_limit(cardinality, &service, slice_of(route, len), limited);
		kept += slice_equal(slice_of(limited, len), slice_cstr(route));
	}
	assert_int_equal(kept, CARDINALITY_SEGMENTS_MAX - 1); /* one is the root */
	len = cardinality_limit(cardinality, &service, SLICE_LIT("/s1"), limited);
	assert_int_equal(len, 3);
	assert_memory_equal(limited, "/s1", 3);
	cardinality_free(cardinality);
}

/* ... and leave room for the next. */
static void one_service_does_not_take_it_all(void **state)
{
	static const struct obi_service hostile = { .name = "hostile" },
					quiet = { .name = "quiet" };
	struct cardinality *cardinality = cardinality_new(1000000, '*');
	char route[32], limited[32];
	size_t len;

	assert_non_null(cardinality);
	assert_null(cardinality_limited(cardinality));
	for (int i = 0; i < 2 * CARDINALITY_SEGMENTS_MAX; i++) {
		len = (size_t)snprintf(route, sizeof(route), "/s%d", i);
		(void)cardinality_limit(cardinality, &hostile, slice_of(route, len), limited);
	}
	assert_string_equal(cardinality_limited(cardinality), "hostile");
	assert_null(cardinality_limited(cardinality));
	for (int i = 0; i < 1000; i++) {
		len = (size_t)snprintf(route, sizeof(route), "/q%d", i);
		len = cardinality_limit(cardinality, &quiet, slice_of(route, len), limited);
		assert_true(slice_equal(slice_of(limited, len), slice_cstr(route)));
	}
	assert_null(cardinality_limited(cardinality));
	cardinality_free(cardinality);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_service_does_not_take_it_all),
		cmocka_unit_test(a_full_table_makes_everything_new_vary),
	};

	return cmocka_run_group_tests_name("cardinality", tests, NULL, NULL);
}
