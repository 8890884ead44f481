// SPDX-License-Identifier: Apache-2.0
#include "discover/look.h"

#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "wire/wire.h"

/* Sockets that a program is begun with have low numbers (3 and following from systemd). */
#define SOCKETS_AMONG 64
#define RINGS_AMONG 65536
#define FDS_A_LOOK 1024
#define SCANNED_A_LOOK 256
#define LISTENERS_NS (500 * NSEC_PER_MSEC)
#define ENVIRON_MAX                                                                                \
	((size_t)6 << 20) /* MAX_ARG_STRINGS and _STK_LIM / 4 * 3: what execve(2) takes */
#define ARGS_MAX (LOOK_TEXT_MAX - PATH_MAX)

_Static_assert(sizeof(struct look_kin) * LOOK_WALK_MAX <= LOOK_TEXT_MAX, "a walk is no larger");

static void take_stat(uint32_t pid, struct look_answer *answer)
{
	struct obi_procfs_stat stat;

	if (obi_procfs_stat(pid, &stat))
		return;
	answer->parent = stat.parent;
	answer->start_ns = stat.start_ns;
}

static void look_at(const struct look_request *request, struct look_answer *answer)
{
	uint32_t pid = request->pid;

	answer->error = obi_procfs_exe(pid, answer->text, PATH_MAX);
	if (answer->error)
		return;
	answer->args_at = (uint16_t)(strlen(answer->text) + 1);
	answer->text[answer->args_at] = '\0';
	if (request->flags & LOOK_WANT_ARGS)
		(void)obi_procfs_args(pid, answer->text + answer->args_at, ARGS_MAX);
	answer->text_len = (uint16_t)(answer->args_at + strlen(answer->text + answer->args_at) + 1);
	if (request->flags & (LOOK_WANT_STAT | LOOK_WANT_OWNER))
		(void)obi_procfs_owner(pid, &answer->uid);
	if (request->flags & LOOK_WANT_STAT)
		take_stat(pid, answer);
	if ((request->flags & LOOK_WANT_RINGS) &&
	    obi_procfs_holds(pid, SLICE_LIT("anon_inode:[io_uring]"), RINGS_AMONG) > 0)
		answer->flags |= LOOK_RINGS;
	if ((request->flags & LOOK_WANT_SOCKETS) && obi_procfs_may_hold_sockets(pid, SOCKETS_AMONG))
		answer->flags |= LOOK_SOCKETS;
}

/* ---- Ports ---- */

void look_eyes_close(struct look_eyes *eyes)
{
	obi_listeners_free(eyes->listeners);
	eyes->listeners = NULL;
}

static void look_at_ports(struct look_eyes *eyes, const struct look_request *request,
			  struct look_answer *answer)
{
	uint64_t now = clock_monotonic_ns();

	if (!(request->flags & LOOK_MANY) || now - eyes->listeners_ns > LISTENERS_NS)
		look_eyes_close(eyes);
	if (!eyes->listeners) {
		eyes->listeners = obi_listeners_new();
		eyes->listeners_ns = now;
	}
	answer->from = request->from;
	answer->error = eyes->listeners
				? obi_listeners_ports(eyes->listeners, request->pid, &answer->from,
						      FDS_A_LOOK, &answer->ports)
				: -ENOMEM;
	if (!answer->error && answer->from)
		answer->flags |= LOOK_UNSEEN;
	if (!(request->flags & LOOK_MANY))
		look_eyes_close(eyes);
}

/* ---- Descriptors ---- */

/* Pages of a process can be of a file system that answers when it likes, also those of its
 * environment: so it is read here, where waiting harms nobody, and handed on as a copy. A negative
 * errno. */
static int copy_environ(int from)
{
	_cleanup_close_ int to = memfd_create("obi-environ", MFD_CLOEXEC);
	size_t copied = 0;
	char bytes[16384];
	ssize_t n;

	if (to < 0)
		return -errno;
	while (copied < ENVIRON_MAX && (n = read(from, bytes, sizeof(bytes))) > 0) {
		if (write(to, bytes, (size_t)n) != n)
			return -ENOMEM;
		copied += (size_t)n;
	}
	return lseek(to, 0, SEEK_SET) < 0 ? -errno : take_fd(to);
}

/* On a file system in user space its user decides when a read of it ends, and whether the reader
 * can be ended before. */
static bool is_safe_to_read(int fd)
{
	struct statfs st;

	return !fstatfs(fd, &st) && (unsigned long)st.f_type != FUSE_SUPER_MAGIC;
}

static int open_file(uint32_t pid, const char *file, uint32_t flag)
{
	_cleanup_close_ int fd = obi_procfs_open(pid, file);

	if (fd < 0)
		return fd;
	if (flag == OBI_WIRE_HAS_ENVIRON)
		return copy_environ(fd);
	if (flag == OBI_WIRE_HAS_EXE && !is_safe_to_read(fd))
		return LOOK_UNSAFE;
	return take_fd(fd);
}

static int open_files(const struct look_request *request, struct look_answer *answer,
		      int ret_fds[OBI_WIRE_FDS])
{
	static const struct {
		const char *file;
		uint32_t flag;
	} files[] = {
		{ "environ", OBI_WIRE_HAS_ENVIRON },
		{ "maps", OBI_WIRE_HAS_MAPS },
		{ "exe", OBI_WIRE_HAS_EXE },
	};
	bool candidate = request->flags & LOOK_CANDIDATE;
	int count = 0;

	_Static_assert(ARRAY_SIZE(files) == LOOK_FILES, "as many as an answer has room for");

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		int fd;

		if (candidate && files[i].flag == OBI_WIRE_HAS_ENVIRON)
			continue;
		fd = open_file(request->pid, files[i].file, files[i].flag);
		if (fd < 0) {
			answer->refused[i] = fd;
			continue;
		}
		ret_fds[count++] = fd;
		answer->fds |= files[i].flag;
	}
	return count;
}

/* What is mapped is there by its addresses, also where nobody has a name for it any more. A device
 * or a FIFO would not be opened without harm, but none of these is executed. */
static int open_mapped(const struct look_request *request, int ret_fds[OBI_WIRE_FDS])
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	char file[64];

	(void)snprintf(file, sizeof(file), "map_files/%llx-%llx",
		       (unsigned long long)request->mapping.start,
		       (unsigned long long)request->mapping.end);
	fd = obi_procfs_open(request->pid, file);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || !is_safe_to_read(fd))
		return LOOK_UNSAFE;
	ret_fds[0] = take_fd(fd);
	return 1;
}

/* ---- Walk ---- */

struct walk {
	struct look_eyes *eyes;
	const struct look_request *request;
	struct look_answer *answer;
	size_t seen;
	void (*put)(void *context, const struct look_answer *answer, size_t size, const int *fds,
		    int fd_count);
	void *context;
};

static bool is_held(const struct look_eyes *eyes, uint32_t pid)
{
	for (size_t i = 0; i < LOOK_HELD_MAX; i++)
		if (eyes->page->held[i] == pid)
			return true;
	return false;
}

static void put_more(const struct walk *walk, struct look_answer *answer)
{
	answer->flags |= LOOK_MORE;
	walk->put(walk->context, answer, look_answer_size(answer), NULL, 0);
}

static int walk_on(void *context, uint32_t pid)
{
	struct walk *walk = context;
	struct look_answer *answer = walk->answer;
	struct obi_procfs_stat stat = { 0 };

	if (is_held(walk->eyes, pid))
		return 0;
	walk->eyes->page->at = pid;
	(void)obi_procfs_stat(pid, &stat);
	answer->kin[answer->count++] = (struct look_kin){ .pid = pid, .parent = stat.parent };
	if (answer->count == LOOK_WALK_MAX) {
		put_more(walk, answer);
		answer->flags = 0;
		answer->count = 0;
	}
	return 0;
}

static void scan_ports(struct walk *walk, uint32_t pid)
{
	struct look_request request = { .flags = LOOK_MANY, .pid = pid };
	struct look_answer *answer = walk->answer;

	look_at_ports(walk->eyes, &request, answer);
	answer->error = 0; /* what else it is was found */
}

static int scan_on(void *context, uint32_t pid)
{
	struct walk *walk = context;
	struct look_request request = *walk->request;

	if (is_held(walk->eyes, pid))
		return 0;
	walk->eyes->page->at = request.pid = pid;
	memset(walk->answer, 0, LOOK_HEAD);
	walk->answer->pid = pid;
	look_at(&request, walk->answer);
	if (!walk->answer->error) {
		if (walk->request->flags & LOOK_WANT_PORTS)
			scan_ports(walk, pid);
		put_more(walk, walk->answer);
	}
	return ++walk->seen == SCANNED_A_LOOK;
}

static void scan(struct walk *walk)
{
	uint32_t from = walk->request->from;
	int error = obi_procfs_each(&from, scan_on, walk);

	memset(walk->answer, 0, LOOK_HEAD);
	walk->answer->error = error < 0 ? error : 0;
	walk->answer->from = from;
}

void look_answer_request(struct look_eyes *eyes, const struct look_request *request,
			 void (*put)(void *context, const struct look_answer *answer, size_t size,
				     const int *fds, int fd_count),
			 void *context)
{
	uint64_t begin = clock_monotonic_ns();
	int fds[OBI_WIRE_FDS], fd_count = 0;
	uint32_t all = 0;
	struct look_answer answer;
	struct walk walk = {
		.eyes = eyes,
		.request = request,
		.answer = &answer,
		.put = put,
		.context = context,
	};

	memset(&answer, 0, LOOK_HEAD);
	answer.pid = request->pid;
	eyes->page->at = request->pid;
	switch (request->kind) {
	case LOOK_AT:
		look_at(request, &answer);
		break;
	case LOOK_PORTS:
		look_at_ports(eyes, request, &answer);
		break;
	case LOOK_OPEN:
		fd_count = open_files(request, &answer, fds);
		break;
	case LOOK_MAPPED:
		fd_count = open_mapped(request, fds);
		if (fd_count < 0) {
			answer.error = fd_count;
			fd_count = 0;
		}
		break;
	case LOOK_WALK:
		answer.error = obi_procfs_each(&all, walk_on, &walk);
		break;
	case LOOK_SCAN:
		scan(&walk);
		break;
	default:
		answer.error = -EINVAL;
		break;
	}
	answer.took_ns = clock_monotonic_ns() - begin;
	put(context, &answer, look_answer_size(&answer), fds, fd_count);
	eyes->page->at = 0;
	while (fd_count)
		(void)close(fds[--fd_count]);
}
