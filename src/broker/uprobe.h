/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probes in user space: programs attached at offsets of a file, in whatever process maps it. One
 * link for all offsets where the kernel has uprobe_multi (6.6), else a perf event for each, which
 * since 6.17 (and fixes of older kernels, CVE-2025-38466) takes CAP_SYS_ADMIN.
 */
#ifndef OBI_BROKER_UPROBE_H
#define OBI_BROKER_UPROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OBI_UPROBE_MULTI 48 /* BPF_TRACE_UPROBE_MULTI: expected attach type, linux/bpf.h */

/* Does the kernel have uprobe_multi? Asked by a link that cannot be; program is one loaded with
 * that attach type. */
bool obi_uprobe_has_multi(int program);

struct obi_uprobe_request {
	int program;
	int file; /* a regular file */
	const uint64_t *offsets;
	const uint64_t *cookies;
	size_t count;
	bool returns; /* when the function whose first instruction it is returns */
	bool multi;   /* the program has the attach type */
};

/* Adds the links' descriptors behind the *count that are in fds, which has room for room of them;
 * *count is raised. 0 or a negative errno, with what was attached before it in fds. */
int obi_uprobe_attach(const struct obi_uprobe_request *request, int *fds, size_t room,
		      size_t *count);

/* Closes links. Each waits until no program runs any more, so many wait side by side, in threads
 * that have ended when it returns. */
void obi_uprobe_detach(const int *fds, size_t count);

#endif
