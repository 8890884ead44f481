// SPDX-License-Identifier: Apache-2.0
#include "sandbox/apart.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sandbox/worker_rules.h"

#define DESCRIPTORS 1024 /* where the kernel cannot close a range: before 5.9 */

static bool is_kept(const struct obi_apart *apart, int fd)
{
	for (int i = 0; i < apart->fd_count; i++)
		if (apart->fds[i] == fd)
			return true;
	return false;
}

/* All but these, and its end of the pipe. */
static void close_others(const struct obi_apart *apart, int end)
{
	int last = end;

	for (int i = 0; i < apart->fd_count; i++)
		if (apart->fds[i] > last)
			last = apart->fds[i];
	for (int fd = 0; fd < last; fd++)
		if (fd != end && !is_kept(apart, fd))
			(void)close(fd);
	if (!syscall(__NR_close_range, last + 1, ~0U, 0))
		return;
	for (int fd = last + 1; fd < DESCRIPTORS; fd++)
		(void)close(fd);
}

__attribute__((noreturn)) static void run_shut_in(const struct obi_apart *apart, int end,
						  void *result)
{
	struct obi_sandbox sandbox;
	const char *step;

	close_others(apart, end);
	if (obi_sandbox_close(&obi_worker_sandbox, &sandbox, &step))
		_exit(1);
	apart->call(apart->context, result);
	_exit(0);
}

/* Its end of the pipe closes as it ends. One that waits in the kernel when it is ended is not
 * waited for. */
static int await_end(pid_t pid, int end, unsigned timeout_ms)
{
	struct pollfd wait = { .fd = end };
	int status, n;

	do
		n = poll(&wait, 1, (int)timeout_ms);
	while (n < 0 && errno == EINTR);
	if (n <= 0) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, WNOHANG);
		return n ? -errno : -ETIMEDOUT;
	}
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -ECHILD;
}

static int run(const struct obi_apart *apart, void *shared)
{
	int pair[2], error;
	pid_t pid;

	if (pipe2(pair, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid == 0)
		run_shut_in(apart, pair[1], shared);
	error = -errno;
	(void)close(pair[1]);
	if (pid > 0)
		error = await_end(pid, pair[0], apart->timeout_ms);
	(void)close(pair[0]);
	return error;
}

int obi_apart_run(const struct obi_apart *apart, void *ret_result, size_t size)
{
	void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int error;

	if (shared == MAP_FAILED)
		return -errno;
	error = run(apart, shared);
	memcpy(ret_result, shared, size);
	(void)munmap(shared, size);
	return error;
}
