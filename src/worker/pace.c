// SPDX-License-Identifier: Apache-2.0
#include "worker/pace.h"

#include <sys/timerfd.h>

#include "base/clock.h"

#define BUSY_NS (10 * NSEC_PER_MSEC)
#define CALM_NS (50 * NSEC_PER_MSEC)
#define IDLE_NS (100 * NSEC_PER_MSEC)
#define BUSY_RECORDS 500 /* in BUSY_NS */
#define DRAINS_UNTIL_CALMER 50
#define DRAINS_UNTIL_SLEEP 10 /* at IDLE_NS */

static void set_period(struct obi_pace *pace, uint64_t ns)
{
	struct itimerspec spec = { 0 };

	spec.it_interval.tv_nsec = spec.it_value.tv_nsec = (long)ns;
	(void)timerfd_settime(pace->timer, 0, &spec, NULL);
	pace->period = ns;
	pace->calm = 0;
}

void obi_pace_begin(struct obi_pace *pace)
{
	set_period(pace, BUSY_NS);
}

bool obi_pace_is_idle(const struct obi_pace *pace)
{
	return pace->period == IDLE_NS && pace->calm >= DRAINS_UNTIL_SLEEP;
}

void obi_pace_sleep(struct obi_pace *pace)
{
	set_period(pace, 0);
}

void obi_pace_adapt(struct obi_pace *pace, size_t records)
{
	uint64_t wanted = IDLE_NS;

	if (!pace->period) {
		if (records)
			set_period(pace, IDLE_NS);
		return;
	}
	if (records * BUSY_NS >= BUSY_RECORDS * pace->period)
		wanted = BUSY_NS;
	else if (records)
		wanted = CALM_NS;
	if (wanted == pace->period)
		pace->calm = wanted == IDLE_NS ? pace->calm + 1 : 0;
	else if (wanted < pace->period || ++pace->calm >= DRAINS_UNTIL_CALMER)
		set_period(pace, wanted);
}
