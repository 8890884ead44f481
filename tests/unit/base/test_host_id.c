// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/host_id.h"

static void write_id(const char *path, const char *text)
{
	_cleanup_fclose_ FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
}

static void host_id_is_of_the_first_file_that_has_one(void **state)
{
	char directory[] = "/tmp/host_id.XXXXXX", first[64], second[64], id[40];
	const char *const paths[] = { first, second };

	assert_non_null(mkdtemp(directory));
	(void)snprintf(first, sizeof(first), "%s/1", directory);
	(void)snprintf(second, sizeof(second), "%s/2", directory);
	host_id_read(paths, 2, id, sizeof(id));
	assert_string_equal(id, "");
	write_id(second, "0123456789abcdef0123456789abcdef\n");
	host_id_read(paths, 2, id, sizeof(id));
	assert_string_equal(id, "0123456789abcdef0123456789abcdef");
	write_id(first, "\n");
	host_id_read(paths, 2, id, sizeof(id));
	assert_string_equal(id, "0123456789abcdef0123456789abcdef");
	write_id(first, "first");
	host_id_read(paths, 2, id, sizeof(id));
	assert_string_equal(id, "first");
	(void)unlink(first);
	(void)unlink(second);
	(void)rmdir(directory);
}

static void what_is_given_wins(void **state)
{
	char id[128];

	host_id("this-host", id, sizeof(id));
	assert_string_equal(id, "this-host");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(host_id_is_of_the_first_file_that_has_one),
		cmocka_unit_test(what_is_given_wins),
	};

	return cmocka_run_group_tests_name("base/host_id", tests, NULL, NULL);
}
