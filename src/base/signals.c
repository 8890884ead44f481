// SPDX-License-Identifier: Apache-2.0
#include "base/signals.h"

#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

/* The kernel's own view: the C library does not let the first two real-time signals be changed,
 * which it takes for itself once there are threads. struct kernel_sigaction, all zero but for the
 * handler. */
struct raw_action {
	void (*handler)(int);
	unsigned long rest[3];
};

static void ignore_real_time(void)
{
	const struct raw_action ignore = { .handler = SIG_IGN };

	for (int number = __SIGRTMIN; number <= SIGRTMAX; number++)
		(void)syscall(__NR_rt_sigaction, number, &ignore, NULL, sizeof(unsigned long));
}

static void ignore(const int *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		(void)signal(numbers[i], SIG_IGN);
}

void signals_ignore_strange(void)
{
	static const int strange[] = {
		SIGUSR1, SIGUSR2, SIGPIPE, SIGALRM, SIGVTALRM, SIGPROF,
		SIGIO,   SIGPWR,  SIGXCPU, SIGXFSZ, SIGSTKFLT,
	};

	ignore(strange, ARRAY_SIZE(strange));
	ignore_real_time();
	(void)signal(SIGCHLD, SIG_DFL);
}

void signals_ignore_all(void)
{
	static const int ends[] = { SIGHUP, SIGINT, SIGTERM };

	signals_ignore_strange();
	ignore(ends, ARRAY_SIZE(ends));
}
