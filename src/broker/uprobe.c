// SPDX-License-Identifier: Apache-2.0
/* libbpf 1.1 has no call for these links: BPF_LINK_CREATE is made by hand (linux/bpf.h). */
#include "broker/uprobe.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

#define MULTI_RETURN 1 /* BPF_F_UPROBE_MULTI_RETURN */
#define PERF_EVENT 41  /* BPF_PERF_EVENT */

/* struct link_create of union bpf_attr. */
struct multi_create {
	uint32_t prog_fd;
	uint32_t target_fd;
	uint32_t attach_type;
	uint32_t flags;
	uint64_t path;
	uint64_t offsets;
	uint64_t ref_ctr_offsets;
	uint64_t cookies;
	uint32_t count;
	uint32_t multi_flags;
	uint32_t pid;
	uint32_t pad;
};

struct perf_create {
	uint32_t prog_fd;
	uint32_t target_fd;
	uint32_t attach_type;
	uint32_t flags;
	uint64_t cookie;
};

static int create_link(const void *create, size_t size)
{
	union {
		union bpf_attr attr;
		char bytes[128];
	} attr;
	long fd;

	memset(&attr, 0, sizeof(attr));
	memcpy(&attr, create, size);
	fd = syscall(__NR_bpf, BPF_LINK_CREATE, &attr, size);
	return fd < 0 ? -errno : (int)fd;
}

static int create_multi(int program, const char *path, const struct obi_uprobe_request *request)
{
	struct multi_create create = {
		.prog_fd = (uint32_t)program,
		.attach_type = OBI_UPROBE_MULTI,
		.path = (uintptr_t)path,
		.offsets = (uintptr_t)request->offsets,
		.cookies = (uintptr_t)request->cookies,
		.count = (uint32_t)request->count,
		.multi_flags = request->returns ? MULTI_RETURN : 0,
	};

	return create_link(&create, sizeof(create));
}

/* A directory has no code: that is found out after all else. */
bool obi_uprobe_has_multi(int program)
{
	const uint64_t offset = 0, cookie = 0;
	const struct obi_uprobe_request request = {
		.offsets = &offset,
		.cookies = &cookie,
		.count = 1,
	};
	int fd = create_multi(program, "/", &request);

	if (fd >= 0)
		(void)close(fd);
	return fd == -EBADF;
}

/* ---- perf events ---- */

#define PMU "/sys/bus/event_source/devices/uprobe/"

/* A number in a file: "7\n", "config:0\n". -1: there is none. */
static int read_number(const char *path, const char *before)
{
	FILE *file = fopen(path, "re");
	char line[32] = "", *end;
	size_t len = strlen(before);
	long number = -1;

	if (!file)
		return -1;
	if (fgets(line, sizeof(line), file) && !strncmp(line, before, len)) {
		number = strtol(line + len, &end, 10);
		if (end == line + len)
			number = -1;
	}
	(void)fclose(file);
	return (int)number;
}

static int open_event(const char *path, uint64_t offset, bool returns)
{
	int type = read_number(PMU "type", ""), bit = read_number(PMU "format/retprobe", "config:");
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = (uint32_t)type,
		.config = returns ? 1ULL << bit : 0,
		.uprobe_path = (uintptr_t)path,
		.probe_offset = offset,
	};
	long fd;

	if (type < 0 || bit < 0)
		return -EOPNOTSUPP;
	fd = syscall(__NR_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : (int)fd;
}

static int create_perf(int program, const char *path, uint64_t offset, uint64_t cookie,
		       bool returns)
{
	_cleanup_close_ int event = open_event(path, offset, returns);
	struct perf_create create = {
		.prog_fd = (uint32_t)program,
		.target_fd = (uint32_t)event,
		.attach_type = PERF_EVENT,
		.cookie = cookie,
	};

	return event < 0 ? event : create_link(&create, sizeof(create));
}

int obi_uprobe_attach(const struct obi_uprobe_request *request, int *fds, size_t room,
		      size_t *count)
{
	char path[32];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", request->file);
	if (request->multi) {
		if (*count >= room)
			return -E2BIG;
		fd = create_multi(request->program, path, request);
		if (fd >= 0)
			fds[(*count)++] = fd;
		return fd < 0 ? fd : 0;
	}
	for (size_t i = 0; i < request->count; i++) {
		if (*count >= room)
			return -E2BIG;
		fd = create_perf(request->program, path, request->offsets[i], request->cookies[i],
				 request->returns);
		if (fd < 0)
			return fd;
		fds[(*count)++] = fd;
	}
	return 0;
}

/* ---- Detaching ---- */

#define CLOSERS 128 /* they share the grace periods of RCU that they wait for */

struct closer {
	pthread_t thread;
	const int *fds;
	size_t count;
};

static void *close_links(void *context)
{
	const struct closer *closer = context;

	for (size_t i = 0; i < closer->count; i++)
		(void)close(closer->fds[i]);
	return NULL;
}

void obi_uprobe_detach(const int *fds, size_t count)
{
	size_t each = (count + CLOSERS - 1) / CLOSERS, started = 0;
	struct closer closers[CLOSERS];

	while (count > each) {
		struct closer *closer = &closers[started];

		*closer = (struct closer){ .fds = fds, .count = each };
		if (pthread_create(&closer->thread, NULL, close_links, closer))
			break;
		started++;
		fds += each;
		count -= each;
	}
	(void)close_links(&(struct closer){ .fds = fds, .count = count });
	while (started)
		(void)pthread_join(closers[--started].thread, NULL);
}
