/* SPDX-License-Identifier: Apache-2.0 */
/* Facts about the kernel that we run on, read once at start, and whether it is supported. */
#ifndef OBI_FEATURE_HOST_H
#define OBI_FEATURE_HOST_H

#include <stdbool.h>
#include <stddef.h>

enum obi_lockdown {
	OBI_LOCKDOWN_NONE,
	OBI_LOCKDOWN_INTEGRITY,
	OBI_LOCKDOWN_CONFIDENTIALITY,
	OBI_LOCKDOWN_OTHER, /* the file says something that we do not know */
};

/* Value of a sysctl that could not be read. */
#define OBI_SYSCTL_UNKNOWN (-1000)

struct obi_host {
	int major, minor;
	char release[72]; /* as of uname -r */
	char btf[256];    /* file that shows that this kernel has BTF, "" = none found */
	bool rhel;        /* host or kernel is of the RHEL family */
	enum obi_lockdown lockdown;
	bool lockdown_assumed;         /* no file says so: securityfs is not mounted, or refused */
	int perf_event_paranoid;       /* sysctl kernel.perf_event_paranoid */
	int unprivileged_bpf_disabled; /* sysctl kernel.unprivileged_bpf_disabled */
};

/* root: "" for this host, or a directory that stands for its file system. 0; -EINVAL where the
 * release is no kernel version; another negative errno where it cannot be read. What else cannot
 * be read is left unknown. */
int obi_host_read(const char *root, struct obi_host *ret_host);

/* Is the kernel older than this version? */
bool obi_host_before(const struct obi_host *host, int major, int minor);

/* 0, or -ENOTSUP with the reason, one line, in ret_why. */
int obi_host_check(const struct obi_host *host, char *ret_why, size_t why_size);

const char *obi_lockdown_name(enum obi_lockdown lockdown);

#endif
