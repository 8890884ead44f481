// SPDX-License-Identifier: Apache-2.0
/*
 * Every read of one process goes through a descriptor of its directory: a process id that is used
 * again in between shows as a process that is gone, not as another one's data.
 */
#include "discover/procfs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "discover/procfs_dir.h"

#define STAT_MAX 1024
#define ARGS_READ_MAX 8192
#define CHILDREN_READ_MAX 4096

/* ---- One process' directory ---------------------------------------------------------------- */

int obi_procfs_open_dir(uint32_t pid)
{
	char path[32];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%u", pid);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	return fd;
}

int obi_procfs_why(int dir, int error)
{
	/* stat is there for every process, readable by everybody. */
	if (error == -ENOENT && faccessat(dir, "stat", F_OK, 0))
		return -ESRCH;
	return error;
}

static int open_in(int dir, const char *file)
{
	int fd = openat(dir, file, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? obi_procfs_why(dir, -errno) : fd;
}

int obi_procfs_open(uint32_t pid, const char *file)
{
	_cleanup_close_ int dir = obi_procfs_open_dir(pid);

	return dir < 0 ? dir : open_in(dir, file);
}

/* Reads up to size bytes of a file. Their count, or a negative errno. */
static ssize_t read_start(uint32_t pid, const char *file, char *buf, size_t size)
{
	_cleanup_close_ int fd = obi_procfs_open(pid, file);
	size_t len = 0;

	if (fd < 0)
		return fd;
	while (len < size) {
		ssize_t n = read(fd, buf + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

/* ---- Walk ------------------------------------------------------------------------------------ */

int obi_procfs_each(uint32_t *cursor, int (*take)(void *context, uint32_t pid), void *context)
{
	DIR *proc = opendir("/proc");
	long at = (long)*cursor;
	int result = 0;

	if (!proc)
		return -errno;
	/* A place is a process id, and some: proc_pid_readdir() in fs/proc/base.c. */
	if (at)
		seekdir(proc, at);
	for (struct dirent *entry = readdir(proc); !result && entry; entry = readdir(proc)) {
		char *end;
		unsigned long pid;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		pid = strtoul(entry->d_name, &end, 10);
		if (!*end && pid > 0 && pid <= UINT32_MAX)
			result = take(context, (uint32_t)pid);
		at = entry->d_off;
	}
	*cursor = result ? (uint32_t)at : 0;
	(void)closedir(proc);
	return result;
}

/* ---- Facts ----------------------------------------------------------------------------------- */

int obi_procfs_exe(uint32_t pid, char *ret_path, size_t size)
{
	static const char deleted[] = " (deleted)";
	const size_t mark = sizeof(deleted) - 1;
	_cleanup_close_ int dir = obi_procfs_open_dir(pid);
	char path[OBI_PATH_MAX + sizeof(deleted)];
	ssize_t n;

	if (dir < 0)
		return dir;
	n = readlinkat(dir, "exe", path, sizeof(path));
	if (n < 0)
		return obi_procfs_why(dir, -errno);
	if ((size_t)n > mark && !memcmp(path + n - mark, deleted, mark))
		n -= (ssize_t)mark;
	if ((size_t)n >= size || n == sizeof(path))
		return -ENAMETOOLONG;
	memcpy(ret_path, path, (size_t)n);
	ret_path[n] = '\0';
	return 0;
}

int obi_procfs_args(uint32_t pid, char *ret_args, size_t size)
{
	char text[ARGS_READ_MAX];
	ssize_t n = read_start(pid, "cmdline", text, sizeof(text));
	const char *blank;
	size_t len;

	if (n < 0)
		return (int)n;
	while (n > 0 && text[n - 1] == '\0')
		n--;
	for (ssize_t i = 0; i < n; i++)
		if (text[i] == '\0')
			text[i] = ' ';
	blank = memchr(text, ' ', (size_t)n);
	ret_args[0] = '\0';
	if (!blank)
		return 0;
	len = (size_t)(text + n - (blank + 1));
	if (len >= size)
		len = size - 1;
	memcpy(ret_args, blank + 1, len);
	ret_args[len] = '\0';
	return 0;
}

/* proc(5): pid (comm) state ppid ... starttime is field 22. comm may hold anything, also ") ", so
 * what follows is counted from the last bracket. */
static int parse_stat(const char *text, struct obi_procfs_stat *ret_stat)
{
	const char *open = strchr(text, '('), *close = strrchr(text, ')');
	struct obi_procfs_stat result = { 0 };
	unsigned long long ticks;
	char state;

	if (!open || !close || close < open ||
	    sscanf(close + 1,
		   " %c %u %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d "
		   "%llu",
		   &state, &result.parent, &ticks) != 3)
		return -EPROTO;
	(void)snprintf(result.comm, sizeof(result.comm), "%.*s", (int)(close - open - 1), open + 1);
	result.exiting = state == 'Z' || state == 'X';
	result.start_ns = ticks * (NSEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK));
	*ret_stat = result;
	return 0;
}

int obi_procfs_stat(uint32_t pid, struct obi_procfs_stat *ret_stat)
{
	char text[STAT_MAX];
	ssize_t n = read_start(pid, "stat", text, sizeof(text) - 1);

	if (n < 0)
		return (int)n;
	text[n] = '\0';
	return parse_stat(text, ret_stat);
}

/* proc(5), task/TID/children: numbers, each with a blank behind it. One that is cut is not told. */
int obi_procfs_children(uint32_t pid, uint32_t *ret_pids, size_t room)
{
	char file[64], text[CHILDREN_READ_MAX], *at = text, *end;
	size_t count = 0;
	ssize_t n;

	(void)snprintf(file, sizeof(file), "task/%u/children", pid);
	n = read_start(pid, file, text, sizeof(text) - 1);
	if (n < 0)
		return (int)n;
	text[n] = '\0';
	while (count < room) {
		unsigned long child = strtoul(at, &end, 10);

		if (end == at || *end != ' ')
			break;
		ret_pids[count++] = (uint32_t)child;
		at = end;
	}
	return (int)count;
}

int obi_procfs_owner(uint32_t pid, uint32_t *ret_uid)
{
	char path[32];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%u", pid);
	if (stat(path, &st))
		return errno == ENOENT ? -ESRCH : -errno;
	*ret_uid = st.st_uid;
	return 0;
}

int obi_procfs_netns(uint32_t pid, uint64_t *ret_inode)
{
	_cleanup_close_ int dir = obi_procfs_open_dir(pid);
	struct stat st;

	if (dir < 0)
		return dir;
	if (fstatat(dir, "ns/net", &st, 0))
		return obi_procfs_why(dir, -errno);
	*ret_inode = st.st_ino;
	return 0;
}

uint32_t obi_procfs_self(void)
{
	char text[16];
	ssize_t n = readlink("/proc/self", text, sizeof(text) - 1);

	text[n < 0 ? 0 : n] = '\0';
	return (uint32_t)strtoul(text, NULL, 10);
}

uint64_t obi_procfs_memory(uint32_t pid)
{
	char text[128], *end;
	ssize_t n = read_start(pid, "statm", text, sizeof(text) - 1);

	if (n <= 0)
		return 0;
	text[n] = '\0';
	(void)strtoull(text, &end, 10); /* pages: all, resident, ... (proc(5)) */
	return strtoull(end, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}
