/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often the ring is drained: the more rarely the less comes, since a wake-up costs as much as
 * dozens of records.
 */
#ifndef OBI_WORKER_PACE_H
#define OBI_WORKER_PACE_H

#include <stddef.h>
#include <stdint.h>

struct obi_pace {
	int timer;       /* timerfd, the owner's to open and close */
	uint64_t period; /* ns */
	unsigned calm;   /* drains in a row that would do with a longer one */
};

/* The shortest period. */
void obi_pace_begin(struct obi_pace *pace);

/* So many records were there: faster at once, slower after a while. */
void obi_pace_adapt(struct obi_pace *pace, size_t records);

#endif
