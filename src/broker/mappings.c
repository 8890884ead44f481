// SPDX-License-Identifier: Apache-2.0
#include "broker/mappings.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

#define PAGE 4096
#define DATA_PAGES 8 /* some 200 records; a power of two */
#define DATA_SIZE ((size_t)DATA_PAGES * PAGE)
#define BUFFER_SIZE (DATA_SIZE + PAGE)
#define RECORD_MAX 8192 /* a path is 4096 at most */

struct buffer_of_cpu {
	int fd;
	struct perf_event_mmap_page *page;
};

struct obi_mappings {
	int epoll;
	size_t count;
	uint64_t lost;
	uint8_t record[RECORD_MAX] __attribute__((aligned(8))); /* that goes round the end */
	struct buffer_of_cpu cpus[];
};

/* perf_event_open(2) */
struct mmap2 {
	struct perf_event_header header;
	uint32_t pid, tid;
	uint64_t addr, len, pgoff;
	uint32_t major, minor;
	uint64_t inode, inode_generation;
	uint32_t prot, flags;
	char path[];
};

struct lost {
	struct perf_event_header header;
	uint64_t id, lost;
};

static int open_cpu(int cpu, int epoll, struct buffer_of_cpu *ret)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_DUMMY,
		.mmap = 1,
		.mmap2 = 1,
		.watermark = 1,
		.wakeup_watermark = 1,
	};
	_cleanup_close_ int fd =
		(int)syscall(__NR_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	void *page;

	if (fd < 0)
		return -errno;
	page = mmap(NULL, BUFFER_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		return -errno;
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)) {
		int error = -errno;

		(void)munmap(page, BUFFER_SIZE);
		return error;
	}
	ret->page = page;
	ret->fd = take_fd(fd);
	return 0;
}

int obi_mappings_open(struct obi_mappings **ret_mappings)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	size_t room = cpus > 0 ? (size_t)cpus : 1;
	struct obi_mappings *mappings =
		calloc(1, sizeof(*mappings) + room * sizeof(mappings->cpus[0]));

	if (!mappings)
		return -ENOMEM;
	mappings->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (mappings->epoll < 0) {
		int error = -errno;

		free(mappings);
		return error;
	}
	for (size_t i = 0; i < room; i++) {
		int error = open_cpu((int)i, mappings->epoll, &mappings->cpus[mappings->count]);

		if (!error) {
			mappings->count++;
		} else if (error != -ENODEV) { /* which says that the CPU is off */
			obi_mappings_close(mappings);
			return error;
		}
	}
	*ret_mappings = mappings;
	return 0;
}

void obi_mappings_close(struct obi_mappings *mappings)
{
	if (!mappings)
		return;
	for (size_t i = 0; i < mappings->count; i++) {
		(void)munmap(mappings->cpus[i].page, BUFFER_SIZE);
		(void)close(mappings->cpus[i].fd);
	}
	(void)close(mappings->epoll);
	free(mappings);
}

/* Copies bytes at that place of the buffer, which goes round. */
static void copy(const struct buffer_of_cpu *cpu, uint64_t at, void *to, size_t len)
{
	const uint8_t *data = (const uint8_t *)cpu->page + PAGE;
	size_t from = at % DATA_SIZE, first = DATA_SIZE - from < len ? DATA_SIZE - from : len;

	memcpy(to, data + from, first);
	memcpy((uint8_t *)to + first, data, len - first);
}

static void take_record(struct obi_mappings *mappings, size_t size,
			void (*take)(void *context, const struct obi_wire_mapping *mapping,
				     struct slice path),
			void *context)
{
	const struct perf_event_header *header = (const void *)mappings->record;
	const struct mmap2 *m = (const void *)mappings->record;
	struct obi_wire_mapping mapping;

	if (header->type == PERF_RECORD_LOST && size >= sizeof(struct lost))
		mappings->lost += ((const struct lost *)header)->lost;
	if (header->type != PERF_RECORD_MMAP2 || size < sizeof(*m))
		return;
	mapping = (struct obi_wire_mapping){
		.pid = m->pid,
		.major = m->major,
		.minor = m->minor,
		.inode = m->inode,
		.start = m->addr,
		.end = m->addr + m->len,
	};
	take(context, &mapping, slice_of(m->path, strnlen(m->path, size - sizeof(*m))));
}

int obi_mappings_fd(const struct obi_mappings *mappings)
{
	return mappings->epoll;
}

static bool read_cpu(struct obi_mappings *mappings, const struct buffer_of_cpu *cpu,
		     void (*take)(void *context, const struct obi_wire_mapping *mapping,
				  struct slice path),
		     void *context)
{
	uint64_t head = __atomic_load_n(&cpu->page->data_head, __ATOMIC_ACQUIRE);
	uint64_t tail = cpu->page->data_tail;
	bool some = head != tail;

	while (head - tail >= sizeof(struct perf_event_header)) {
		struct perf_event_header header;

		copy(cpu, tail, &header, sizeof(header));
		if (header.size < sizeof(header) || header.size > head - tail)
			tail = head; /* not what the kernel writes */
		if (tail == head)
			break;
		if (header.size <= RECORD_MAX) {
			copy(cpu, tail, mappings->record, header.size);
			take_record(mappings, header.size, take, context);
		}
		tail += header.size;
	}
	__atomic_store_n(&cpu->page->data_tail, tail, __ATOMIC_RELEASE);
	return some;
}

bool obi_mappings_read(struct obi_mappings *mappings,
		       void (*take)(void *context, const struct obi_wire_mapping *mapping,
				    struct slice path),
		       void *context)
{
	bool some = false;

	for (size_t i = 0; i < mappings->count; i++)
		some |= read_cpu(mappings, &mappings->cpus[i], take, context);
	return some;
}

uint64_t obi_mappings_lost(const struct obi_mappings *mappings)
{
	return mappings->lost;
}
