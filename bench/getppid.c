// SPDX-License-Identifier: Apache-2.0
/*
 * Nanoseconds of one getppid, which does next to nothing: what is left is the way into the
 * kernel and back, and whatever hooks that way. Prints one figure for each short window; the
 * smallest of many windows is the one that nothing disturbed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static double now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
	long windows = argc > 1 ? strtol(argv[1], NULL, 10) : 200;
	long calls = argc > 2 ? strtol(argv[2], NULL, 10) : 500;

	for (long w = 0; w < windows; w++) {
		double start = now_ns();

		for (long i = 0; i < calls; i++)
			(void)syscall(SYS_getppid); /* not the library's: it may keep the answer */
		printf("%.2f\n", (now_ns() - start) / (double)calls);
	}
	return 0;
}
