/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OBI_BASE_CLOCK_H
#define OBI_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define NSEC_PER_SEC 1000000000ULL
#define NSEC_PER_MSEC 1000000ULL
#define NSEC_PER_USEC 1000ULL

uint64_t clock_monotonic_ns(void);
uint64_t clock_realtime_ns(void);

/*
 * From monotonic time to time since the Unix epoch. The difference of the two clocks is constant
 * until the wall clock is set, or the machine has slept: CLOCK_MONOTONIC stands still meanwhile.
 * What began before keeps the difference of its time, so that its two ends stay together.
 * All zero: times are of the epoch already.
 */
#define EPOCH_STEPS 8

struct epoch_clock {
	struct epoch_step {
		uint64_t since_ns; /* monotonic */
		int64_t offset_ns;
	} steps[EPOCH_STEPS]; /* the first holds for all before the second, and so on */
	unsigned newest;
	bool begun;
};

/* Takes the difference that was read at now_ns, unless it is that of before but for the inexactness
 * of reading: then false. Beyond EPOCH_STEPS the second oldest step is forgotten. */
bool epoch_clock_follow(struct epoch_clock *clock, uint64_t now_ns, int64_t offset_ns);

/* What to add to the times of something that began at ns. */
static inline int64_t epoch_clock_offset(const struct epoch_clock *clock, uint64_t ns)
{
	unsigned i = clock->newest;

	while (i > 0 && ns < clock->steps[i].since_ns)
		i--;
	return clock->steps[i].offset_ns;
}

/* For when a series began that goes on: as told first, since a reader takes another beginning for
 * another series. Only a clock that was set back moves it, lest it lie in the future. */
int64_t epoch_clock_start_offset(const struct epoch_clock *clock, uint64_t ns);

/* The process's own, of the machine's clocks. */
const struct epoch_clock *clock_epoch(void);

/* Reads the clocks again; call it some times a second. */
void clock_epoch_tick(uint64_t now_ns);

/* Nanoseconds to add to a monotonic time to get time since the Unix epoch, as of now. */
int64_t clock_epoch_offset_ns(void);

#endif
