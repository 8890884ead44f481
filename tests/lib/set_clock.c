// SPDX-License-Identifier: Apache-2.0
/* Preloaded: CLOCK_REALTIME is ahead by as many seconds as the file CLOCK begins with (int64_t).
 * The machine's own clock is left alone. */
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *ahead;

__attribute__((constructor)) static void map_file(void)
{
	int fd = open(CLOCK, O_RDONLY | O_CLOEXEC);
	void *map = fd < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	if (map != MAP_FAILED)
		ahead = map;
	if (fd >= 0)
		(void)close(fd);
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
	int error = (int)syscall(SYS_clock_gettime, id, ts);

	if (!error && id == CLOCK_REALTIME && ahead)
		ts->tv_sec += *ahead;
	return error;
}
