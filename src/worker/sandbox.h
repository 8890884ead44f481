/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker shuts itself in: no capability in any set, no new privileges, another user
 * where it was started by root, no file system (Landlock), and only the system calls that
 * its loop makes (seccomp).
 */
#ifndef OBI_WORKER_SANDBOX_H
#define OBI_WORKER_SANDBOX_H

struct obi_sandbox {
	int landlock; /* ABI version in force, 0 = the kernel has none */
	int bounding; /* 1: the bounding set is empty too */
};

/* Closes the sandbox; everything that needs the file system is open by now. 0, or a negative errno
 * with the step in ret_step: then the worker must not go on. */
int obi_sandbox_close(struct obi_sandbox *ret_sandbox, const char **ret_step);

/* The seccomp filter alone. */
int obi_sandbox_filter(void);

#endif
