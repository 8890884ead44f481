// SPDX-License-Identifier: Apache-2.0
#include "broker/tracer.h"

#include <sys/epoll.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "broker/state.h"

const struct obi_tracer_ops *const broker_tracers[] = {
	&broker_tracer_net,
	&broker_tracer_app,
	&broker_tracer_tls,
};

_Static_assert(ARRAY_SIZE(broker_tracers) == BROKER_TRACERS, "a bit for each in open_tracers");

static bool is_open(const struct broker *b, size_t i)
{
	return b->open_tracers & (1u << i);
}

bool broker_has_tracer(const struct broker *b, const struct obi_tracer_ops *tracer)
{
	for (size_t i = 0; i < BROKER_TRACERS; i++)
		if (broker_tracers[i] == tracer)
			return is_open(b, i);
	return false;
}

static int open_one(struct broker *b, size_t i)
{
	const struct obi_tracer_ops *tracer = broker_tracers[i];
	int error = tracer->open(b), fd;

	if (error)
		return tracer->optional ? 0 : error;
	b->open_tracers |= 1u << i;
	fd = tracer->events_fd ? tracer->events_fd(b) : -1;
	return fd < 0 ? 0 : broker_watch_fd(b, fd, EPOLLIN);
}

int broker_open_tracers(struct broker *b)
{
	int error = 0;

	for (size_t i = 0; i < BROKER_TRACERS && !error && !broker_stop_is_wanted(b); i++)
		if (broker_tracers[i]->wanted(b->settings))
			error = open_one(b, i);
	return error;
}

void broker_begin_tracers(struct broker *b)
{
	for (size_t i = 0; i < BROKER_TRACERS; i++)
		if (is_open(b, i) && broker_tracers[i]->begin)
			broker_tracers[i]->begin(b);
}

bool broker_tracer_events(struct broker *b, int fd)
{
	for (size_t i = 0; i < BROKER_TRACERS; i++) {
		const struct obi_tracer_ops *tracer = broker_tracers[i];

		if (!is_open(b, i) || !tracer->events_fd || tracer->events_fd(b) != fd)
			continue;
		tracer->take_events(b);
		return true;
	}
	return false;
}

void broker_stop_tracers(struct broker *b)
{
	for (size_t i = 0; i < BROKER_TRACERS; i++)
		if (is_open(b, i))
			broker_tracers[i]->stop(b);
}

void broker_close_tracers(struct broker *b)
{
	for (size_t i = BROKER_TRACERS; i-- > 0;) {
		if (is_open(b, i))
			broker_tracers[i]->close(b);
		b->open_tracers &= ~(1u << i);
	}
}
