// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sender/spill_directory.h"

static char base[64], path[96];

static int make_base(void **state)
{
	(void)snprintf(base, sizeof(base), "/tmp/obi-spill-XXXXXX");
	assert_non_null(mkdtemp(base));
	(void)snprintf(path, sizeof(path), "%s/spill", base);
	return 0;
}

static int remove_base(void **state)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -r %s", base);
	return system(command); /* NOLINT(cert-env33-c): a name of our own */
}

static void expect_refused(const char *word)
{
	struct sender_directory directory;
	const char *why = "";

	assert_true(sender_directory_open(path, &directory, &why) < 0);
	assert_non_null(strstr(why, word));
}

static struct sender_directory expect_open(void)
{
	struct sender_directory directory;
	const char *why = "";

	assert_int_equal(sender_directory_open(path, &directory, &why), 0);
	return directory;
}

static void one_agent_at_a_time(void **state)
{
	struct sender_directory directory = expect_open();
	char lock[112];

	expect_refused("another agent");
	sender_directory_close(&directory);
	(void)snprintf(lock, sizeof(lock), "%s/.lock", path);
	assert_int_equal(access(lock, F_OK), -1);
	directory = expect_open();
	/* As one that is killed. */
	(void)close(directory.lock);
	(void)close(directory.fd);
	directory = expect_open();
	sender_directory_close(&directory);
}

static void nobody_else_may_write(void **state)
{
	struct sender_directory directory;

	assert_int_equal(mkdir(path, 0777), 0);
	assert_int_equal(chmod(path, 0777), 0);
	expect_refused("every user may write");
	assert_int_equal(chmod(path, 0755), 0);
	directory = expect_open();
	sender_directory_close(&directory);
}

static void no_other_owner(void **state)
{
	if (geteuid())
		skip();
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(chown(path, 33, 33), 0);
	expect_refused("another user");
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(symlink("/tmp", path), 0);
	assert_int_equal(lchown(path, 33, 33), 0);
	expect_refused("link of another user");
}

static void a_lock_is_a_regular_file(void **state)
{
	char lock[112];

	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(lock, sizeof(lock), "%s/.lock", path);
	assert_int_equal(mkfifo(lock, 0600), 0);
	expect_refused("lock cannot be taken");
	assert_int_equal(unlink(lock), 0);
	assert_int_equal(symlink("elsewhere", lock), 0);
	expect_refused("lock cannot be taken");
}

#define DIRECTORY_TEST(name_) cmocka_unit_test_setup_teardown(name_, make_base, remove_base)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIRECTORY_TEST(one_agent_at_a_time),
		DIRECTORY_TEST(nobody_else_may_write),
		DIRECTORY_TEST(no_other_owner),
		DIRECTORY_TEST(a_lock_is_a_regular_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
