// SPDX-License-Identifier: Apache-2.0
/* Whose turn it is to be looked at, and who gives way where there is no room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "discover/users.h"

static struct users *users;

static int begin(void **state)
{
	users = users_new();
	return users ? 0 : -1;
}

static int end(void **state)
{
	users_free(users);
	return 0;
}

static struct job *put(uint32_t pid, uint32_t uid)
{
	struct job *lost;
	struct job *job = jobs_put(users, pid, uid, &lost);

	assert_null(lost);
	return job;
}

static void one_process_is_one_job(void **state)
{
	struct job *job = put(1, 0);

	assert_non_null(job);
	assert_ptr_equal(put(1, 0), job);
	assert_ptr_equal(jobs_find(users, 1), job);
	assert_ptr_equal(jobs_take(users), job);
	assert_null(jobs_take(users));
	/* Also while it is with the looker. */
	assert_ptr_equal(put(1, 7), job);
	jobs_answered(job, 5);
	jobs_drop(users, job);
	assert_null(jobs_find(users, 1));
}

static void who_took_least_time_is_next(void **state)
{
	struct job *job;

	for (uint32_t i = 0; i < 20; i++)
		(void)put(100 + i, 1000);
	job = jobs_take(users);
	assert_int_equal(job->pid, 100);
	jobs_answered(job, 1000000);
	jobs_drop(users, job);
	/* Who comes later does not wait behind, and is given no time for having been away. */
	(void)put(5, 0);
	(void)put(6, 0);
	for (size_t i = 0; i < 5; i++) {
		static const uint32_t order[] = { 101, 5, 102, 6, 103 };

		job = jobs_take(users);
		assert_int_equal(job->pid, order[i]);
		jobs_answered(job, 10);
		jobs_drop(users, job);
	}
}

static void one_user_has_few_with_the_looker(void **state)
{
	for (uint32_t i = 0; i < 20; i++)
		(void)put(100 + i, 1000);
	for (int i = 0; i < JOBS_AT_ONCE; i++)
		assert_non_null(jobs_take(users));
	assert_null(jobs_take(users));
	(void)put(1, 0);
	assert_int_equal(jobs_take(users)->pid, 1);
}

static void the_longest_queue_gives_way(void **state)
{
	struct job *lost, *job;

	for (uint32_t i = 0; i < JOBS_MAX; i++)
		(void)put(100 + i, 1000);
	assert_null(jobs_put(users, 50, 1000, &lost));
	assert_null(lost);
	job = jobs_put(users, 50, 0, &lost);
	assert_non_null(job);
	assert_int_equal(lost->pid, 100 + JOBS_MAX - 1);
	jobs_drop(users, lost);
	assert_null(jobs_find(users, 100 + JOBS_MAX - 1));
}

static void very_many_users_share_a_place(void **state)
{
	for (uint32_t i = 0; i < USERS_MAX + 10; i++)
		assert_non_null(put(1 + i, 5000 + i));
	assert_ptr_equal(jobs_find(users, USERS_MAX + 5)->user, jobs_find(users, 1)->user);
	for (uint32_t i = 0; i < USERS_MAX + 10; i++) {
		struct job *job = jobs_take(users);

		assert_non_null(job);
		jobs_answered(job, 1);
		jobs_drop(users, job);
	}
	assert_null(jobs_take(users));
	/* And has it again when others are done. */
	(void)put(1, 9999);
	assert_int_equal(jobs_find(users, 1)->user->uid, 9999);
}

#define TEST(name_) cmocka_unit_test_setup_teardown(name_, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_process_is_one_job),           TEST(who_took_least_time_is_next),
		TEST(one_user_has_few_with_the_looker), TEST(the_longest_queue_gives_way),
		TEST(very_many_users_share_a_place),
	};

	return cmocka_run_group_tests_name("users", tests, NULL, NULL);
}
