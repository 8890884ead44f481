// SPDX-License-Identifier: Apache-2.0
#include "feature/pid_namespace.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "feature/read_text.h"

#define INITIAL 0xEFFFFFFCu     /* PROC_PID_INIT_INO, linux/proc_ns.h */
#define KTHREADD 2              /* the process that is every kernel thread's parent */
#define KERNEL_THREAD 0x200000u /* PF_KTHREAD, linux/sched.h */
#define REMEDY "mount it: mount -t proc proc /proc, as unshare --mount-proc does"

/* How many namespaces is our own below that of /proc? NSpid has a number of each, proc(5). */
static int levels_below(const char *root, int *ret_levels)
{
	char text[4096];
	ssize_t n = feature_read_text(root, "/proc/self/status", text, sizeof(text));
	const char *line = n < 0 ? NULL : strstr(text, "\nNSpid:");
	int levels = -1;

	if (!line)
		return n < 0 ? (int)n : -EPROTO;
	for (const char *p = line + 7; *p && *p != '\n'; p++)
		if (*p == '\t')
			levels++;
	*ret_levels = levels;
	return levels < 0 ? -EPROTO : 0;
}

/* The initial namespace alone has kernel threads. */
static bool has_kernel_threads(const char *root)
{
	char path[32], text[512];
	const char *end;
	unsigned flags;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", KTHREADD);
	if (feature_read_text(root, path, text, sizeof(text)) < 0)
		return false;
	end = strrchr(text, ')');
	return end && sscanf(end + 1, " %*c %*d %*d %*d %*d %*d %u", &flags) == 1 &&
	       (flags & KERNEL_THREAD);
}

static int read_inode(const char *root, uint32_t *ret_inode)
{
	char path[512];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/proc/self/ns/pid", root);
	if (stat(path, &st))
		return -errno;
	*ret_inode = st.st_ino == INITIAL ? 0 : (uint32_t)st.st_ino;
	return 0;
}

int obi_pid_namespace_read(const char *root, struct obi_pid_namespace *ret_namespace, char *ret_why,
			   size_t why_size)
{
	struct obi_pid_namespace namespace = { 0 };
	int levels, error = levels_below(root, &levels);

	if (error == -ENOENT) {
		(void)snprintf(ret_why, why_size,
			       "/proc does not show this process: it is not mounted, or of another "
			       "PID namespace; " REMEDY);
		return error;
	}
	namespace.is_not_ours = !error && levels > 0;
	if (namespace.is_not_ours && !has_kernel_threads(root)) {
		(void)snprintf(
			ret_why, why_size,
			"/proc shows another PID namespace than this process is in; " REMEDY);
		return -EXDEV;
	}
	if (!error && !namespace.is_not_ours)
		error = read_inode(root, &namespace.inode);
	if (error) {
		(void)snprintf(ret_why, why_size, "cannot tell this process's PID namespace: %s",
			       strerror(-error));
		return error;
	}
	*ret_namespace = namespace;
	return 0;
}
