// SPDX-License-Identifier: Apache-2.0
/* Any bytes as the executable of a process: no crash, no hang, reading bounded. */
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "inspect/elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("elf", MFD_CLOEXEC);
	if (ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
		return 0;
	(void)obi_elf_is_go(fd);
	(void)obi_elf_symbol_language(fd);
	return 0;
}
