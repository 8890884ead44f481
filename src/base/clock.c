// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <string.h>
#include <time.h>

/* A process that loses its CPU between two readings sees a difference that is none. */
#define READINGS 4
#define CLOSE_NS (20 * NSEC_PER_USEC)
#define INEXACT_NS ((int64_t)(5 * NSEC_PER_MSEC))

static uint64_t read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

uint64_t clock_monotonic_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t clock_realtime_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t clock_epoch_offset_ns(void)
{
	uint64_t closest = UINT64_MAX;
	int64_t offset = 0;

	for (int i = 0; i < READINGS && closest > CLOSE_NS; i++) {
		uint64_t before = clock_monotonic_ns(), wall = clock_realtime_ns();
		uint64_t took = clock_monotonic_ns() - before;

		if (took >= closest)
			continue;
		closest = took;
		offset = (int64_t)(wall - before - took / 2);
	}
	return offset;
}

bool epoch_clock_follow(struct epoch_clock *clock, uint64_t now_ns, int64_t offset_ns)
{
	struct epoch_step *newest = &clock->steps[clock->newest];
	int64_t difference = offset_ns - newest->offset_ns;

	if (!clock->begun) {
		clock->begun = true;
		newest->offset_ns = offset_ns;
		return true;
	}
	if (difference < INEXACT_NS && difference > -INEXACT_NS)
		return false;
	if (clock->newest + 1 < EPOCH_STEPS)
		clock->newest++;
	else
		memmove(&clock->steps[1], &clock->steps[2],
			(EPOCH_STEPS - 2) * sizeof(clock->steps[0]));
	clock->steps[clock->newest] = (struct epoch_step){ now_ns, offset_ns };
	return true;
}

int64_t epoch_clock_start_offset(const struct epoch_clock *clock, uint64_t ns)
{
	int64_t offset = epoch_clock_offset(clock, ns);

	for (unsigned i = clock->newest; i > 0 && ns < clock->steps[i].since_ns; i--)
		if (clock->steps[i].offset_ns < offset)
			offset = clock->steps[i].offset_ns;
	return offset;
}

static struct epoch_clock own;

const struct epoch_clock *clock_epoch(void)
{
	if (!own.begun)
		clock_epoch_tick(clock_monotonic_ns());
	return &own;
}

void clock_epoch_tick(uint64_t now_ns)
{
	(void)epoch_clock_follow(&own, now_ns, clock_epoch_offset_ns());
}
