// SPDX-License-Identifier: Apache-2.0
/* Any bytes as /proc/PID/maps: no crash, no hang, and what is told stands in them. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "inspect/maps.h"
#include "probe/libraries.h"

struct given {
	const uint8_t *data;
	size_t size;
	size_t lines, told;
};

static bool take(void *context, const struct obi_mapped *mapped)
{
	struct given *given = context;
	struct slice path = mapped->path;

	if (!path.len || path.data[0] != '/' || slice_find(path, '\n') >= 0 ||
	    !memmem(given->data, given->size, path.data, path.len) || ++given->told > given->lines)
		abort();
	(void)obi_probe_is_library(path, true);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct given given = { .data = data, .size = size };

	if (fd < 0)
		fd = memfd_create("maps", MFD_CLOEXEC);
	if (ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size ||
	    lseek(fd, 0, SEEK_SET))
		return 0;
	for (size_t i = 0; i < size; i++)
		given.lines += data[i] == '\n';
	(void)obi_maps_read(fd, take, &given);
	return 0;
}
