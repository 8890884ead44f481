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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_table_makes_everything_new_vary),
	};

	return cmocka_run_group_tests_name("cardinality", tests, NULL, NULL);
}
