// SPDX-License-Identifier: Apache-2.0
#include "broker/rcu.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Where membarrier is not to be had: far longer than a program runs. */
#define SLEEP_US 20000

void obi_wait_for_programs(void)
{
	if (syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		(void)usleep(SLEEP_US);
}
