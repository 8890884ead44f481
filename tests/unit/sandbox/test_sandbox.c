// SPDX-License-Identifier: Apache-2.0
/* Each test shuts a child in and looks at what is left of it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/worker_rules.h"

/* Past the sanitizers, which tidy up with calls that the sandbox forbids. */
static void leave(int status)
{
	(void)syscall(__NR_exit_group, status);
}

/* Runs body in a child behind the sandbox; the wait status. 99: the sandbox did not close. */
static int run_inside(int (*body)(void))
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct obi_sandbox sandbox;
		const char *step;

		leave(obi_sandbox_close(&obi_worker_sandbox, &sandbox, &step) ? 99 : body());
	}
	assert_int_equal(pid, waitpid(pid, &status, 0));
	return status;
}

static void assert_exits_zero(int status)
{
	assert_true(WIFEXITED(status));
	assert_int_equal(0, WEXITSTATUS(status));
}

/* The filter of system calls alone has to do on kernels whose Landlock knows no signals. */
static int signal_others(void)
{
	pid_t parent = getppid(), self = getpid();
	char c = 'x';

	if (syscall(SYS_tgkill, parent, parent, 0))
		return 98; /* it would not have been possible anyhow */
	if (obi_worker_filter())
		return 99;
	if (!syscall(SYS_tgkill, parent, parent, 0) || errno != EPERM)
		return 1;
	if (syscall(SYS_tgkill, self, self, 0))
		return 2;
	if (fcntl(STDOUT_FILENO, F_SETOWN, parent) != -1 || errno != EPERM)
		return 3;
	if (fcntl(STDOUT_FILENO, F_SETSIG, SIGKILL) != -1 || errno != EPERM)
		return 4;
	if (fcntl(STDOUT_FILENO, F_SETFL, O_ASYNC) != -1 || errno != EPERM)
		return 5;
	if (ioctl(STDIN_FILENO, TIOCSTI, &c) != -1 || errno != EPERM)
		return 6;
	return 0;
}

static void filter_alone_signals_nobody(void **state)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		leave(signal_others());
	assert_int_equal(pid, waitpid(pid, &status, 0));
	assert_exits_zero(status);
}

static int open_a_file(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0 && (errno == EPERM || errno == EACCES)
		       ? 0
		       : 1;
}

static void sandbox_opens_no_file(void **state)
{
	assert_exits_zero(run_inside(open_a_file));
}

static int open_a_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == EPERM ? 0 : 1;
}

static void sandbox_opens_no_socket(void **state)
{
	assert_exits_zero(run_inside(open_a_socket));
}

static int map_executable(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	return p == MAP_FAILED && errno == EPERM ? 0 : 1;
}

static void sandbox_maps_no_executable_memory(void **state)
{
	assert_exits_zero(run_inside(map_executable));
}

static int map_plain(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED;
}

static void sandbox_still_has_memory(void **state)
{
	assert_exits_zero(run_inside(map_plain));
}

static int execute(void)
{
	char *argv[] = { "/bin/true", NULL };

	(void)execve(argv[0], argv, argv + 1);
	return 1;
}

static int call_bpf(void)
{
	(void)syscall(__NR_bpf, 0, NULL, 0);
	return 1;
}

static int trace(void)
{
	(void)syscall(__NR_ptrace, 0, 0, 0, 0);
	return 1;
}

static void sandbox_kills_what_only_an_intruder_calls(void **state)
{
	int (*const calls[])(void) = { execute, call_bpf, trace };

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		int status = run_inside(calls[i]);

		assert_true(WIFSIGNALED(status));
		assert_int_equal(SIGSYS, WTERMSIG(status));
	}
}

static int status_fd = -1;

/* Reads its own status through a descriptor opened before. */
static int hold_nothing(void)
{
	static const char *const wanted[] = {
		"CapInh:\t0000000000000000",
		"CapPrm:\t0000000000000000",
		"CapEff:\t0000000000000000",
		"CapAmb:\t0000000000000000",
		"NoNewPrivs:\t1",
		"Seccomp:\t2",
	};
	char text[4096];
	ssize_t n = pread(status_fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return 50;
	text[n] = '\0';
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (!strstr(text, wanted[i]))
			return 51 + (int)i;
	return 0;
}

static void sandbox_holds_no_capability(void **state)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct obi_sandbox sandbox;
		const char *step;

		status_fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
		leave(obi_sandbox_close(&obi_worker_sandbox, &sandbox, &step) ? 99
									      : hold_nothing());
	}
	assert_int_equal(pid, waitpid(pid, &status, 0));
	assert_exits_zero(status);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filter_alone_signals_nobody),
		cmocka_unit_test(sandbox_opens_no_file),
		cmocka_unit_test(sandbox_opens_no_socket),
		cmocka_unit_test(sandbox_maps_no_executable_memory),
		cmocka_unit_test(sandbox_still_has_memory),
		cmocka_unit_test(sandbox_kills_what_only_an_intruder_calls),
		cmocka_unit_test(sandbox_holds_no_capability),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
