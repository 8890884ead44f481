// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "sandbox/apart.h"

static int run(void (*call)(void *context, void *result), int fd, int *ret_result)
{
	const struct obi_apart apart = {
		.call = call,
		.context = &fd,
		.fds = &fd,
		.fd_count = 1,
		.timeout_ms = 500,
	};

	*ret_result = -1;
	return obi_apart_run(&apart, ret_result, sizeof(*ret_result));
}

/* Past the sanitizers, which tidy up with calls that the sandbox forbids. */
static void leave(int status)
{
	(void)syscall(__NR_exit_group, status);
}

/* Its own descriptor can be read; no other is open but the pipe that tells of its end, and no file
 * can be opened. */
static void look_around(void *context, void *result)
{
	char text[8] = "";
	int *seen = result, fd = *(int *)context, others = 0;

	if (*seen == 0 && read(fd, text, sizeof(text)) == 5 && !memcmp(text, "bytes", 5))
		*seen |= 1;
	for (int other = 0; other < 64; other++)
		others += other != fd && write(other, "", 0) == 0;
	if (others != 1)
		*seen |= 2;
	if (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0 || syscall(__NR_kill, getppid(), 0) == 0)
		*seen |= 4;
	leave(0);
}

static void what_it_fills_in_is_there(void **state)
{
	int fd = memfd_create("bytes", MFD_CLOEXEC), seen;

	assert_int_equal(write(fd, "bytes", 5), 5);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(run(look_around, fd, &seen), 0);
	assert_int_equal(seen, 1);
	(void)close(fd);
}

static void never_end(void *context, void *result)
{
	for (;;)
		(void)pause();
}

static void one_that_does_not_end_is_ended(void **state)
{
	uint64_t begun = clock_monotonic_ns();
	int nothing;

	assert_int_equal(run(never_end, STDIN_FILENO, &nothing), -ETIMEDOUT);
	assert_in_range(clock_monotonic_ns() - begun, 0, 3 * NSEC_PER_SEC);
}

static void be_killed(void *context, void *result)
{
	*(int *)result = 7;
	(void)syscall(__NR_tgkill, getpid(), syscall(__NR_gettid), SIGKILL);
}

/* An intruder's call. */
static void execute(void *context, void *result)
{
	char *const nothing[] = { NULL };

	(void)syscall(__NR_execve, "/bin/true", nothing, nothing);
}

static void one_that_is_killed_is_told(void **state)
{
	int nothing;

	assert_int_equal(run(be_killed, STDIN_FILENO, &nothing), -ECHILD);
	assert_int_equal(run(execute, STDIN_FILENO, &nothing), -ECHILD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_fills_in_is_there),
		cmocka_unit_test(one_that_does_not_end_is_ended),
		cmocka_unit_test(one_that_is_killed_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
