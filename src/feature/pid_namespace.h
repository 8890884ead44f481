/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose numbers of processes are used: those that /proc shows. The kernel side reports and is asked
 * for the same (bpf/lib/pid.h).
 */
#ifndef OBI_FEATURE_PID_NAMESPACE_H
#define OBI_FEATURE_PID_NAMESPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct obi_pid_namespace {
	uint32_t inode;   /* of the namespace that /proc shows; 0 = the initial one */
	bool is_not_ours; /* but one above the agent's own: what getpid(2) says is not in it */
};

/* root: "" for this host, or a directory that stands for its file system. 0, or a negative errno
 * with the reason and the remedy, one line, in ret_why. */
int obi_pid_namespace_read(const char *root, struct obi_pid_namespace *ret_namespace, char *ret_why,
			   size_t why_size);

#endif
