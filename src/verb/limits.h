/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of the process (getrlimit(2)) that are too low to start with. */
#ifndef OBI_VERB_LIMITS_H
#define OBI_VERB_LIMITS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

struct limit {
	int resource;
	const char *name;   /* of getrlimit(2) */
	const char *what;   /* is limited by it */
	uint64_t needed;    /* below this it cannot start */
	uint64_t wanted;    /* the soft limit is raised to this, where the hard one allows */
	const char *remedy; /* what raises it */
};

extern const struct limit limits[];
extern const size_t limit_count;

/* Raises soft limits. 0, or -EDOM where a hard one is too low, with the reason and the remedy, one
 * line, in ret_why. get and set: getrlimit(2) and setrlimit(2). */
int limits_raise(int (*get)(int resource, struct rlimit *limit),
		 int (*set)(int resource, const struct rlimit *limit), char *ret_why,
		 size_t why_size);

#endif
