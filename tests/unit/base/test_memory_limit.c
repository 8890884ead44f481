// SPDX-License-Identifier: Apache-2.0
/* The memory that control groups permit, of both versions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory_limit.h"
#include "fake_root.h"

/* printf-like, below the root. */
static void put(const char *path, const char *format, ...)
{
	char text[256];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	put_file(path, text);
}

static uint64_t limit(void)
{
	char groups[256], mounts[256];

	(void)snprintf(groups, sizeof(groups), "%s/groups", root);
	(void)snprintf(mounts, sizeof(mounts), "%s/mounts", root);
	return memory_limit_of(groups, mounts);
}

static void nothing_to_read_is_no_limit(void **state)
{
	assert_true(limit() == UINT64_MAX);
}

static void least_of_a_group_and_those_around_it(void **state)
{
	put("/groups", "0::/outer/inner\n");
	put("/mounts", "none %s/two cgroup2 rw 0 0\n", root);
	put("/two/outer/inner/memory.max", "max\n");
	put("/two/outer/memory.max", "33554432\n");
	assert_true(limit() == 33554432);
	put("/two/outer/inner/memory.max", "1048576\n");
	assert_true(limit() == 1048576);
	put("/two/outer/memory.max", "4096\n");
	assert_true(limit() == 4096);
}

static void mount_that_is_the_group_itself(void **state)
{
	put("/groups", "0::/kubepods/pod1/container1\n");
	put("/mounts", "none %s/two cgroup2 rw 0 0\n", root);
	put("/two/memory.max", "67108864\n");
	assert_true(limit() == 67108864);
	put("/two/memory.max", "max\n");
}

static void version_1(void **state)
{
	put("/groups", "9:cpu:/b\n4:memory:/a\n0::/\n");
	put("/mounts", "none %s/cpu cgroup rw,cpu 0 0\nnone %s/one cgroup rw,memory 0 0\n", root,
	    root);
	put("/one/memory.limit_in_bytes", "9223372036854771712\n");
	put("/one/a/memory.limit_in_bytes", "50331648\n");
	assert_true(limit() == 50331648);
}

static void malformed_lines_are_passed_over(void **state)
{
	put("/groups", "\n:\n::\n0\n4:memory\n");
	put("/mounts", "x\n\n");
	assert_true(limit() == UINT64_MAX);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_to_read_is_no_limit),
		cmocka_unit_test(least_of_a_group_and_those_around_it),
		cmocka_unit_test(mount_that_is_the_group_itself),
		cmocka_unit_test(version_1),
		cmocka_unit_test(malformed_lines_are_passed_over),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
