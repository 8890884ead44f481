// SPDX-License-Identifier: Apache-2.0
/*
 * Which ports does a process listen on? /proc/PID/net/tcp and tcp6 show the listening sockets of
 * its network namespace with their inodes, /proc/PID/fd the inodes that it holds. The former is
 * kept by namespace, so that the tables of one with many processes are read once. In both tables
 * the listening sockets come first (tcp_get_idx() in net/ipv4/tcp_ipv4.c), so that reading ends at
 * the first connection, however many there are.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "discover/procfs.h"
#include "discover/procfs_dir.h"

#define TCP_LISTEN 0x0A
#define SOCKETS_MAX 65536u /* listening sockets of one namespace */
#define FDS_MAX 65536u     /* descriptors of one process: the low ones are the listening ones */

struct socket {
	uint64_t inode;
	uint16_t port;
};

struct space {
	uint64_t inode;
	struct socket *sockets; /* ascending by inode */
	size_t count, room;
	struct space *next;
};

struct obi_listeners {
	struct space *spaces;
};

struct obi_listeners *obi_listeners_new(void)
{
	return calloc(1, sizeof(struct obi_listeners));
}

static void free_space(struct space *space)
{
	free(space->sockets);
	free(space);
}

void obi_listeners_free(struct obi_listeners *listeners)
{
	if (!listeners)
		return;
	while (listeners->spaces) {
		struct space *space = listeners->spaces;

		listeners->spaces = space->next;
		free_space(space);
	}
	free(listeners);
}

/* ---- Tables of a namespace --------------------------------------------------------------------
 */

static int add_socket(struct space *space, uint64_t inode, unsigned port)
{
	if (space->count == space->room) {
		size_t room = space->room ? space->room * 2 : 64;
		struct socket *sockets = realloc(space->sockets, room * sizeof(*sockets));

		if (!sockets)
			return -ENOMEM;
		space->sockets = sockets;
		space->room = room;
	}
	space->sockets[space->count++] = (struct socket){ .inode = inode, .port = (uint16_t)port };
	return 0;
}

/* proc(5), net/tcp: sl local:port remote:port st tx:rx tr:when retransmits uid timeout inode */
static int read_table(int dir, const char *name, struct space *space)
{
	_cleanup_fclose_ FILE *file = NULL;
	char line[512];
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC), error = 0;

	if (fd < 0) {
		error = obi_procfs_why(dir, -errno);
		return error == -ENOENT ? 0 : error; /* a kernel without IPv6 has no tcp6 */
	}
	file = fdopen(fd, "r");
	if (!file) {
		(void)close(fd);
		return -ENOMEM;
	}
	if (!fgets(line, sizeof(line), file)) /* heading */
		return 0;
	while (!error && space->count < SOCKETS_MAX && fgets(line, sizeof(line), file)) {
		unsigned port, state;
		unsigned long long inode;

		if (sscanf(line,
			   " %*u: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x %*x:%*x %*x:%*x %*x %*u "
			   "%*u %llu",
			   &port, &state, &inode) != 3 ||
		    state != TCP_LISTEN)
			break;
		error = add_socket(space, inode, port);
	}
	return error;
}

static int by_inode(const void *a, const void *b)
{
	uint64_t left = ((const struct socket *)a)->inode;
	uint64_t right = ((const struct socket *)b)->inode;

	return (left > right) - (left < right);
}

static int read_space(int dir, uint64_t inode, struct space **ret_space)
{
	struct space *space = calloc(1, sizeof(*space));
	int error;

	if (!space)
		return -ENOMEM;
	space->inode = inode;
	error = read_table(dir, "net/tcp", space);
	if (!error)
		error = read_table(dir, "net/tcp6", space);
	if (error) {
		free_space(space);
		return error;
	}
	if (space->count)
		qsort(space->sockets, space->count, sizeof(*space->sockets), by_inode);
	*ret_space = space;
	return 0;
}

static int find_space(struct obi_listeners *listeners, int dir, uint32_t pid,
		      const struct space **ret_space)
{
	uint64_t inode;
	struct space *space = NULL;
	int error = obi_procfs_netns(pid, &inode);

	if (error)
		return error;
	for (space = listeners->spaces; space; space = space->next)
		if (space->inode == inode)
			break;
	if (!space) {
		error = read_space(dir, inode, &space);
		if (error)
			return error;
		space->next = listeners->spaces;
		listeners->spaces = space;
	}
	*ret_space = space;
	return 0;
}

/* ---- Sockets of a process ---------------------------------------------------------------------
 */

void obi_ports_add(struct obi_ports *ports, uint16_t port)
{
	for (unsigned i = 0; i < ports->count; i++)
		if (ports->items[i] == port)
			return;
	if (ports->count < OBI_PORTS_MAX)
		ports->items[ports->count++] = port;
}

/* The listening socket behind a descriptor, or NULL. */
static const struct socket *find_socket(int fds, const char *name, const struct space *space)
{
	char target[64];
	ssize_t n = readlinkat(fds, name, target, sizeof(target) - 1);
	unsigned long long inode;
	struct socket key;

	if (n < 0)
		return NULL;
	target[n] = '\0';
	if (sscanf(target, "socket:[%llu]", &inode) != 1)
		return NULL;
	key.inode = inode;
	return bsearch(&key, space->sockets, space->count, sizeof(key), by_inode);
}

/* Directory of descriptors, from a number on. readdir(3) would ask the kernel for a thousand at a
 * time, and each that it tells of is dear to it (proc_fill_cache() in fs/proc/base.c). */
struct fd_walk {
	int dir;
	size_t len, at;
	char entries[2048] __attribute__((aligned(8)));
};

static int open_walk(int dir, uint32_t from, struct fd_walk *ret_walk)
{
	int fd = openat(dir, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ret_walk->len = ret_walk->at = 0;
	ret_walk->dir = fd;
	if (fd < 0)
		return obi_procfs_why(dir, -errno);
	/* Behind "." and "..": proc_readfd_common() in fs/proc/fd.c. */
	if (from && lseek(fd, (off_t)from + 2, SEEK_SET) < 0) {
		(void)close(fd);
		return -errno;
	}
	return 0;
}

/* The name of the next one, or NULL. */
static const char *next_fd(struct fd_walk *walk)
{
	for (;;) {
		const struct dirent64 *entry;

		if (walk->at == walk->len) {
			ssize_t n = getdents64(walk->dir, walk->entries, sizeof(walk->entries));

			if (n <= 0)
				return NULL;
			walk->len = (size_t)n;
			walk->at = 0;
		}
		entry = (const struct dirent64 *)(walk->entries + walk->at);
		walk->at += entry->d_reclen;
		if (entry->d_name[0] != '.')
			return entry->d_name;
	}
}

static int walk_fds(int dir, const struct space *space, uint32_t *from, size_t limit,
		    struct obi_ports *ports)
{
	struct fd_walk walk;
	const char *name = NULL;
	int error = open_walk(dir, *from, &walk);

	if (error)
		return error;
	*from = 0;
	for (size_t seen = 0; (name = next_fd(&walk)); seen++) {
		const struct socket *socket;

		if (seen == limit || ports->count == OBI_PORTS_MAX) {
			*from = (uint32_t)strtoul(name, NULL, 10);
			break;
		}
		socket = find_socket(walk.dir, name, space);
		if (socket)
			obi_ports_add(ports, socket->port);
	}
	(void)close(walk.dir);
	if (*from >= FDS_MAX)
		*from = 0;
	return 0;
}

int obi_listeners_ports(struct obi_listeners *listeners, uint32_t pid, uint32_t *from, size_t limit,
			struct obi_ports *ret_ports)
{
	_cleanup_close_ int dir = obi_procfs_open_dir(pid);
	const struct space *space = NULL;
	struct obi_ports ports = { 0 };
	int error;

	if (dir < 0)
		return dir;
	error = find_space(listeners, dir, pid, &space);
	if (error)
		return error;
	if (space->count)
		error = walk_fds(dir, space, from, limit, &ports);
	else
		*from = 0;
	if (!error)
		*ret_ports = ports;
	return error;
}

int obi_procfs_holds(uint32_t pid, struct slice kind, size_t among)
{
	_cleanup_close_ int dir = obi_procfs_open_dir(pid);
	struct fd_walk walk;
	const char *name;
	int error, found = 0;

	if (dir < 0)
		return dir;
	error = open_walk(dir, 0, &walk);
	if (error)
		return error;
	for (size_t seen = 0; !found && (name = next_fd(&walk)); seen++) {
		char target[32];
		ssize_t n = readlinkat(walk.dir, name, target, sizeof(target));

		found = seen == among ||
			(n > 0 && slice_has_prefix(slice_of(target, (size_t)n), kind));
	}
	(void)close(walk.dir);
	return found;
}

bool obi_procfs_may_hold_sockets(uint32_t pid, size_t among)
{
	return obi_procfs_holds(pid, SLICE_LIT("socket:["), among) != 0; /* or not known */
}
