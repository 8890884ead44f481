// SPDX-License-Identifier: Apache-2.0
#include "base/standard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

int standard_nothing(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fd = open("/", O_PATH | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

void standard_hold(void)
{
	static const char closed[] =
		"obi: standard output is closed: what would be shown there is lost\n";
	bool takes[STDERR_FILENO + 1];

	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		int flags = fcntl(fd, F_GETFL);

		/* Of a program with capabilities the C library has filled the places, with what
		 * cannot be used. */
		takes[fd] = flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
		if (flags < 0) /* the lowest that is free */
			(void)standard_nothing();
	}
	if (!takes[STDOUT_FILENO] && takes[STDERR_FILENO])
		(void)!write(STDERR_FILENO, closed, sizeof(closed) - 1);
}
