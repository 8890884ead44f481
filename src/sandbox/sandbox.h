/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process shuts itself in: no capability in any set, no new privileges, another user
 * where it was started by root, no file system but what its rules name (Landlock), and only
 * the system calls that its loop makes (seccomp). The worker does so, and the sender.
 */
#ifndef OBI_SANDBOX_SANDBOX_H
#define OBI_SANDBOX_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct obi_sandbox {
	int landlock; /* ABI version in force, 0 = the kernel has none */
	int bounding; /* 1: the bounding set is empty too */
};

/* Who root becomes: the user and group of nobody. */
#define OBI_NOBODY 65534

/* A part of the file system that stays open, where the kernel has Landlock. */
struct obi_sandbox_path {
	const char *path; /* a file, or a directory with all that is in it; may be missing */
	bool write;
};

/* What a process needs beyond what every one gets. */
struct obi_sandbox_rules {
	const struct obi_sandbox_path *paths;
	size_t path_count;
	/* TCP ports that connections may be made to, where the kernel can tell (Landlock ABI 4). */
	const uint16_t *ports;
	size_t port_count;
	bool any_port;         /* which ones is not known */
	bool abstract_sockets; /* one of those is connected to */
	int (*filter)(void);   /* loads its seccomp filter: 0 or a negative errno */
};

/* Closes the sandbox; everything that needs the file system is open by now. 0, or a negative errno
 * with the step in ret_step: then the process must not go on. */
int obi_sandbox_close(const struct obi_sandbox_rules *rules, struct obi_sandbox *ret_sandbox,
		      const char **ret_step);

#endif
