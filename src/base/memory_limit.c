// SPDX-License-Identifier: Apache-2.0
#include "base/memory_limit.h"

#include <limits.h>
#include <mntent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct hierarchy {
	bool unified;         /* version 2 */
	char mount[PATH_MAX]; /* "": not mounted */
	char group[PATH_MAX]; /* below the mount, begins with a slash */
};

/* A line of /proc/self/cgroup: number:controllers:path */
static void take_group(struct hierarchy *h, char *line)
{
	char *controllers = strchr(line, ':'), *path;

	path = controllers ? strchr(++controllers, ':') : NULL;
	if (!path)
		return;
	*path++ = '\0';
	path[strcspn(path, "\n")] = '\0';
	if (h->unified ? !*controllers : !strcmp(controllers, "memory"))
		(void)snprintf(h->group, sizeof(h->group), "%s", path);
}

static void find_group(struct hierarchy *h, const char *proc_cgroup)
{
	_cleanup_fclose_ FILE *file = fopen(proc_cgroup, "re");
	char line[PATH_MAX + 64];

	while (file && fgets(line, sizeof(line), file))
		take_group(h, line);
}

static void find_mount(struct hierarchy *h, const char *proc_mounts)
{
	FILE *mounts = setmntent(proc_mounts, "re");
	struct mntent entry;
	char text[PATH_MAX + 512];

	while (mounts && getmntent_r(mounts, &entry, text, sizeof(text)))
		if (h->unified ? !strcmp(entry.mnt_type, "cgroup2")
			       : !strcmp(entry.mnt_type, "cgroup") && hasmntopt(&entry, "memory"))
			(void)snprintf(h->mount, sizeof(h->mount), "%s", entry.mnt_dir);
	if (mounts)
		(void)endmntent(mounts);
}

/* "max" is no number. */
static uint64_t limit_at(const struct hierarchy *h)
{
	char path[2 * PATH_MAX + 32], text[32] = "", *end;
	_cleanup_fclose_ FILE *file = NULL;
	unsigned long long limit;

	(void)snprintf(path, sizeof(path), "%s%s/%s", h->mount, h->group,
		       h->unified ? "memory.max" : "memory.limit_in_bytes");
	file = fopen(path, "re");
	if (!file || !fgets(text, sizeof(text), file))
		return UINT64_MAX;
	limit = strtoull(text, &end, 10);
	return end == text ? UINT64_MAX : limit;
}

/* From the group up. In a container the mount may be the group itself: then only its root is there.
 */
static uint64_t least_of(bool unified, const char *proc_cgroup, const char *proc_mounts)
{
	struct hierarchy h = { .unified = unified };
	uint64_t least = UINT64_MAX;

	find_group(&h, proc_cgroup);
	find_mount(&h, proc_mounts);
	while (*h.mount) {
		uint64_t limit = limit_at(&h);
		char *slash = strrchr(h.group, '/');

		least = limit < least ? limit : least;
		if (!slash)
			break;
		*slash = '\0';
	}
	return least;
}

uint64_t memory_limit_of(const char *proc_cgroup, const char *proc_mounts)
{
	uint64_t unified = least_of(true, proc_cgroup, proc_mounts);
	uint64_t old = least_of(false, proc_cgroup, proc_mounts);

	return unified < old ? unified : old;
}

uint64_t memory_limit(void)
{
	return memory_limit_of("/proc/self/cgroup", "/proc/self/mounts");
}
