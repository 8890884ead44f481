// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"

/* Over several fillings of the pool; 3 does not divide its size. */
static void no_id_comes_twice(void **state)
{
	static uint8_t ids[3000][16];
	uint8_t odd[3];

	for (size_t i = 0; i < 3000; i++) {
		random_bytes(ids[i], sizeof(ids[i]));
		random_bytes(odd, sizeof(odd));
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(ids[i], ids[k], sizeof(ids[i]));
	}
}

static void only_so_many_bytes_are_written(void **state)
{
	uint8_t bytes[258] = { 0 };

	for (int i = 0; i < 100; i++) {
		random_bytes(bytes + 1, 256);
		assert_int_equal(bytes[0], 0);
		assert_int_equal(bytes[257], 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_id_comes_twice),
		cmocka_unit_test(only_so_many_bytes_are_written),
	};

	return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
