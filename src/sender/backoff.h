/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long to wait before the next attempt: exponential with jitter, as the OTLP specification
 * asks for, by the numbers of the Collector's exporters (half to one and a half of the interval,
 * which grows by half at every failure up to a limit).
 */
#ifndef OBI_SENDER_BACKOFF_H
#define OBI_SENDER_BACKOFF_H

#include <stdint.h>

struct sender_backoff {
	uint64_t initial_ns;
	uint64_t max_ns;
	uint64_t interval_ns; /* 0: nothing failed yet */
};

/* The next wait. random: 32 random bits. */
static inline uint64_t sender_backoff_next(struct sender_backoff *backoff, uint32_t random)
{
	uint64_t interval = backoff->interval_ns;

	if (!interval)
		interval = backoff->initial_ns;
	else if (interval < backoff->max_ns)
		interval += interval / 2;
	if (interval > backoff->max_ns)
		interval = backoff->max_ns;
	backoff->interval_ns = interval;
	return interval / 2 + (uint64_t)((unsigned __int128)interval * random >> 32);
}

static inline void sender_backoff_reset(struct sender_backoff *backoff)
{
	backoff->interval_ns = 0;
}

#endif
