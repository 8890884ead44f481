// SPDX-License-Identifier: Apache-2.0
/* What a process says of itself: its environment, resource attributes, and mapped modules. The
 * first byte chooses; names that come out must lie within what went in. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "inspect/environ.h"
#include "inspect/language.h"
#include "service/name.h"

static void take(void *context, struct slice name, struct slice value)
{
	const struct obi_variable variable = { .name = slice_first(name, 1), .value = value };
	struct obi_identity identity = {
		.pid = 1,
		.variables = { &variable, 1 },
		.exe = "/usr/bin/app",
		.otel_service_name = name,
		.otel_resource_attributes = value,
	};
	struct obi_service service;

	if (!name.len || !value.len)
		abort();
	(void)obi_service_identify(&identity, &service);
	(void)obi_language_of_variable(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct obi_program program = { .exe = "/usr/bin/app", .exe_fd = -1 };

	if (fd < 0)
		fd = memfd_create("process", MFD_CLOEXEC);
	if (!size || ftruncate(fd, 0) || pwrite(fd, data + 1, size - 1, 0) != (ssize_t)size - 1 ||
	    lseek(fd, 0, SEEK_SET) != 0)
		return 0;
	program.maps_fd = fd;
	if (data[0] & 1)
		(void)obi_environ_read(fd, take, NULL);
	else
		(void)obi_language_inspect(&program);
	return 0;
}
