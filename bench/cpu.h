/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OBI_BENCH_CPU_H
#define OBI_BENCH_CPU_H

#include <time.h>

/* Of this thread. */
static inline unsigned long long cpu_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (unsigned long long)t.tv_sec * 1000000000ULL + (unsigned long long)t.tv_nsec;
}

#endif
