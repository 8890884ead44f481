/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OBI_BASE_CLOCK_H
#define OBI_BASE_CLOCK_H

#include <stdint.h>

#define NSEC_PER_SEC 1000000000ULL
#define NSEC_PER_MSEC 1000000ULL
#define NSEC_PER_USEC 1000ULL

uint64_t clock_monotonic_ns(void);
uint64_t clock_realtime_ns(void);

/* Nanoseconds to add to a monotonic time to get time since the Unix epoch. */
int64_t clock_epoch_offset_ns(void);

#endif
