// SPDX-License-Identifier: Apache-2.0
/* The memory that control groups permit, of both versions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory_limit.h"

static char root[] = "/tmp/test_memory_limit.XXXXXX";

static void put(const char *name, const char *format, ...)
{
	char path[256];
	va_list arguments;
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", root, name);
	file = fopen(path, "we");
	assert_non_null(file);
	va_start(arguments, format);
	(void)vfprintf(file, format, arguments);
	va_end(arguments);
	assert_int_equal(fclose(file), 0);
}

static void make_directory(const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", root, name);
	(void)mkdir(path, 0755);
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
	make_directory("two");
	make_directory("two/outer");
	make_directory("two/outer/inner");
	put("groups", "0::/outer/inner\n");
	put("mounts", "none %s/two cgroup2 rw 0 0\n", root);
	put("two/outer/inner/memory.max", "max\n");
	put("two/outer/memory.max", "33554432\n");
	assert_true(limit() == 33554432);
	put("two/outer/inner/memory.max", "1048576\n");
	assert_true(limit() == 1048576);
	put("two/outer/memory.max", "4096\n");
	assert_true(limit() == 4096);
}

static void mount_that_is_the_group_itself(void **state)
{
	make_directory("two");
	put("groups", "0::/kubepods/pod1/container1\n");
	put("mounts", "none %s/two cgroup2 rw 0 0\n", root);
	put("two/memory.max", "67108864\n");
	assert_true(limit() == 67108864);
	put("two/memory.max", "max\n");
}

static void version_1(void **state)
{
	make_directory("one");
	make_directory("one/a");
	put("groups", "9:cpu:/b\n4:memory:/a\n0::/\n");
	put("mounts", "none %s/cpu cgroup rw,cpu 0 0\nnone %s/one cgroup rw,memory 0 0\n", root,
	    root);
	put("one/memory.limit_in_bytes", "9223372036854771712\n");
	put("one/a/memory.limit_in_bytes", "50331648\n");
	assert_true(limit() == 50331648);
}

static void malformed_lines_are_passed_over(void **state)
{
	put("groups", "\n:\n::\n0\n4:memory\n");
	put("mounts", "x\n\n");
	assert_true(limit() == UINT64_MAX);
}

static int begin(void **state)
{
	return mkdtemp(root) ? 0 : -1;
}

static int end(void **state)
{
	char command[300];

	(void)snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command);
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

	return cmocka_run_group_tests(tests, begin, end);
}
