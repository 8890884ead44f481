// SPDX-License-Identifier: Apache-2.0
#include "feature/read_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"

ssize_t feature_read_text(const char *root, const char *path, char *ret_text, size_t size)
{
	char full[512];
	_cleanup_close_ int fd = -1;
	ssize_t n;

	if (snprintf(full, sizeof(full), "%s%s", root, path) >= (int)sizeof(full))
		return -ENAMETOOLONG;
	fd = open(full, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, ret_text, size - 1);
	if (n < 0)
		return -errno;
	ret_text[n] = '\0';
	return n;
}
