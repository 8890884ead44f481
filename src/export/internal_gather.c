// SPDX-License-Identifier: Apache-2.0
#include "export/internal_gather.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "export/internal.h"

/* proc(5): /proc/PID/statm, sizes in pages; anybody may read it. */
static struct {
	const char *name;
	int fd;
} processes[] = { { "worker", -1 }, { "broker", -1 } };

static void open_statm(size_t i, pid_t pid)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	processes[i].fd = open(path, O_RDONLY | O_CLOEXEC);
}

void internal_gather_open(const struct obi_settings *settings)
{
	internal_gather_close();
	open_statm(0, getpid());
	open_statm(1, getppid());
}

void internal_gather_close(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(processes); i++) {
		if (processes[i].fd >= 0)
			(void)close(processes[i].fd);
		processes[i].fd = -1;
	}
}

/* The resident pages: the second number. 0 where there is none. */
static uint64_t read_resident(int fd)
{
	char text[128], *end;
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);

	if (len <= 0)
		return 0;
	text[len] = '\0';
	(void)strtoull(text, &end, 10);
	return strtoull(end, NULL, 10);
}

static void gather_memory(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(processes); i++) {
		uint64_t pages = processes[i].fd >= 0 ? read_resident(processes[i].fd) : 0;

		if (pages)
			obi_internal_set(OBI_INTERNAL_MEMORY, &processes[i].name,
					 pages * (uint64_t)sysconf(_SC_PAGESIZE));
	}
}

void internal_gather(void)
{
	gather_memory();
}
