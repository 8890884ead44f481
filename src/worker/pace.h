/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often the ring is drained: the more rarely the less comes, since a wake-up costs as much as
 * dozens of records. Where nothing comes for a while, not at all: the kernel side wakes us then.
 */
#ifndef OBI_WORKER_PACE_H
#define OBI_WORKER_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct obi_pace {
	int timer;       /* timerfd, the owner's to open and close */
	uint64_t period; /* ns; 0: asleep */
	unsigned calm;   /* drains in a row that would do with a longer one */
};

/* The shortest period. */
void obi_pace_begin(struct obi_pace *pace);

/* So many records were there: faster at once, slower after a while. From sleep it wakes by records
 * alone. */
void obi_pace_adapt(struct obi_pace *pace, size_t records);

/* Nothing came for so long that it may sleep. */
bool obi_pace_is_idle(const struct obi_pace *pace);

/* Stops the timer. */
void obi_pace_sleep(struct obi_pace *pace);

static inline bool obi_pace_sleeps(const struct obi_pace *pace)
{
	return !pace->period;
}

#endif
