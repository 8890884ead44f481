// SPDX-License-Identifier: Apache-2.0
#include "broker/cgroup.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>

int obi_cgroup_open_root(void)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent entry;
	char text[4096];
	int fd = -ENOENT;

	if (!mounts)
		return -errno;
	while (fd < 0 && getmntent_r(mounts, &entry, text, sizeof(text))) {
		if (strcmp(entry.mnt_type, "cgroup2") != 0)
			continue;
		fd = open(entry.mnt_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			fd = -errno;
	}
	(void)endmntent(mounts);
	return fd;
}

int obi_cgroup_sock_ops(int cgroup)
{
	__u32 programs = 0;

	if (bpf_prog_query(cgroup, BPF_CGROUP_SOCK_OPS, 0, NULL, NULL, &programs))
		return -errno;
	return (int)programs;
}
