/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of discovery: processes to look at again some time after exec(2). */
#ifndef OBI_DISCOVER_LOOK_AGAIN_H
#define OBI_DISCOVER_LOOK_AGAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A runtime is mapped some ms after exec(2), under load some hundreds: looks are few, and ever
 * rarer. */
#define LOOK_STEPS 3

struct look_due {
	uint64_t at_ns;
	uint32_t pid;
	uint32_t program; /* which of those that it has been */
};

/* What waits for one step: its delay is always the same, so that the first in is the first due. */
struct look_queue {
	struct look_due *items; /* a ring */
	size_t first, count, room;
};

struct look_again {
	struct look_queue steps[LOOK_STEPS];
};

void look_again_free(struct look_again *looks);

/* False where there are too many already, or memory is short: nobody will look. */
bool look_again_put(struct look_again *looks, unsigned step, uint32_t pid, uint32_t program,
		    uint64_t now_ns);

/* When the next one is due, 0 where none waits. */
uint64_t look_again_next(const struct look_again *looks);

/* Takes one that is due. */
bool look_again_take(struct look_again *looks, uint64_t now_ns, struct look_due *ret_look);

#endif
