// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "fake_root.h"
#include "feature/pid_namespace.h"

#define KTHREADD "2 (kthreadd) S 0 0 0 0 -1 2129984 0"
#define NO_KTHREADD "2 (k) ) S 0 0 0 0 -1 4194560 0"

static void test_of_this_host(void **state)
{
	struct obi_pid_namespace namespace;
	char why[256] = "";

	assert_int_equal(obi_pid_namespace_read("", &namespace, why, sizeof(why)), 0);
	assert_string_equal(why, "");
}

/* The file stands for the link, and has an inode. */
static void test_of_its_own(void **state)
{
	struct obi_pid_namespace namespace;
	char why[256], path[128];
	struct stat st;

	put_file("/proc/self/status", "Name:\tobi\nNSpid:\t17\nNSpgid:\t17\t1\n");
	put_file("/proc/self/ns/pid", "");
	assert_int_equal(obi_pid_namespace_read(root, &namespace, why, sizeof(why)), 0);
	(void)snprintf(path, sizeof(path), "%s/proc/self/ns/pid", root);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(namespace.inode, st.st_ino);
	assert_false(namespace.is_not_ours);
}

static void test_of_the_host(void **state)
{
	struct obi_pid_namespace namespace;
	char why[256];

	put_file("/proc/self/status", "Name:\tobi\nNSpid:\t4711\t1\n");
	put_file("/proc/2/stat", KTHREADD);
	assert_int_equal(obi_pid_namespace_read(root, &namespace, why, sizeof(why)), 0);
	assert_int_equal(namespace.inode, 0);
	assert_true(namespace.is_not_ours);
}

static void test_refused(void **state)
{
	static const struct {
		const char *status, *second;
		int error;
		const char *says;
	} cases[] = {
		{ NULL, NULL, -ENOENT, "mount -t proc" },
		{ "Name:\tobi\nNSpid:\t4711\t5\t1\n", NULL, -EXDEV, "mount -t proc" },
		{ "Name:\tobi\nNSpid:\t4711\t1\n", NO_KTHREADD, -EXDEV, "mount -t proc" },
		{ "Name:\tobi\nNSpid:\t4711\t1\n", "2 (kthreadd", -EXDEV, "mount -t proc" },
		{ "Name:\tobi\nNSpid:\t4711\t1\n", "2 (kthreadd) S 0", -EXDEV, "mount -t proc" },
		{ "Name:\tobi\n", KTHREADD, -EPROTO, "PID namespace" },
		{ "Name:\tobi\nNSpid:\n", KTHREADD, -EPROTO, "PID namespace" },
		{ "Name:\tobi\nNSpid:\t1\n", KTHREADD, -ENOENT, "PID namespace" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct obi_pid_namespace namespace;
		char why[256] = "";

		assert_int_equal(remove_root(NULL), 0);
		assert_int_equal(make_root(NULL), 0);
		if (cases[i].status)
			put_file("/proc/self/status", cases[i].status);
		if (cases[i].second)
			put_file("/proc/2/stat", cases[i].second);
		assert_int_equal(obi_pid_namespace_read(root, &namespace, why, sizeof(why)),
				 cases[i].error);
		assert_non_null(strstr(why, cases[i].says));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_of_this_host),
		cmocka_unit_test_setup_teardown(test_of_its_own, make_root, remove_root),
		cmocka_unit_test_setup_teardown(test_of_the_host, make_root, remove_root),
		cmocka_unit_test_setup_teardown(test_refused, make_root, remove_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
