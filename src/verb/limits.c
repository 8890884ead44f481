// SPDX-License-Identifier: Apache-2.0
#include "verb/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"

/* Both modes were seen to start with 50 descriptors, 60 MB and 128 KB; more is for what comes then.
 */
const struct limit limits[] = {
	{ RLIMIT_NOFILE, "RLIMIT_NOFILE", "open files", 128, 1024,
	  "ulimit -n 1024, or LimitNOFILE= of the unit" },
	{ RLIMIT_AS, "RLIMIT_AS", "bytes of address space", 64 << 20, 512 << 20,
	  "ulimit -v unlimited, or LimitAS= of the unit" },
	{ RLIMIT_STACK, "RLIMIT_STACK", "bytes of stack", 256 << 10, 8 << 20,
	  "ulimit -s 8192, or LimitSTACK= of the unit" },
	{ RLIMIT_FSIZE, "RLIMIT_FSIZE", "bytes of a file", 16 << 20, 1 << 30,
	  "ulimit -f unlimited, or LimitFSIZE= of the unit" },
};

const size_t limit_count = ARRAY_SIZE(limits);

static rlim_t least(rlim_t a, rlim_t b)
{
	return a < b ? a : b;
}

int limits_raise(int (*get)(int resource, struct rlimit *limit),
		 int (*set)(int resource, const struct rlimit *limit), char *ret_why,
		 size_t why_size)
{
	for (size_t i = 0; i < limit_count; i++) {
		const struct limit *limit = &limits[i];
		struct rlimit now;

		if (get(limit->resource, &now))
			continue;
		if (now.rlim_cur < limit->wanted) {
			now.rlim_cur = least(limit->wanted, now.rlim_max);
			(void)set(limit->resource, &now);
		}
		if (now.rlim_cur >= limit->needed)
			continue;
		(void)snprintf(ret_why, why_size,
			       "%s allows %" PRIu64 " %s, and at least %" PRIu64 " are needed: %s",
			       limit->name, (uint64_t)now.rlim_cur, limit->what, limit->needed,
			       limit->remedy);
		return -EDOM;
	}
	return 0;
}
