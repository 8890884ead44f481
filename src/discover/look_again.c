// SPDX-License-Identifier: Apache-2.0
#include "discover/look_again.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define LOOKS_MAX 16384 /* of a step: exec storms are bounded by this */

static const uint64_t delays[LOOK_STEPS] = {
	100 * NSEC_PER_MSEC,
	1 * NSEC_PER_SEC,
	4 * NSEC_PER_SEC,
};

void look_again_free(struct look_again *looks)
{
	for (int i = 0; i < LOOK_STEPS; i++)
		free(looks->steps[i].items);
	*looks = (struct look_again){ 0 };
}

static bool grow(struct look_queue *queue)
{
	size_t room = queue->room ? queue->room * 2 : 16;
	struct look_due *items = queue->room < LOOKS_MAX ? malloc(room * sizeof(*items)) : NULL;

	if (!items)
		return false;
	for (size_t i = 0; i < queue->count; i++)
		items[i] = queue->items[(queue->first + i) % queue->room];
	free(queue->items);
	*queue = (struct look_queue){ .items = items, .count = queue->count, .room = room };
	return true;
}

bool look_again_put(struct look_again *looks, unsigned step, uint32_t pid, uint32_t program,
		    uint64_t now_ns)
{
	struct look_queue *queue;

	if (step >= LOOK_STEPS)
		return false;
	queue = &looks->steps[step];
	if (queue->count == queue->room && !grow(queue))
		return false;
	queue->items[(queue->first + queue->count++) % queue->room] = (struct look_due){
		.at_ns = now_ns + delays[step],
		.pid = pid,
		.program = program,
	};
	return true;
}

uint64_t look_again_next(const struct look_again *looks)
{
	uint64_t next = 0;

	for (int i = 0; i < LOOK_STEPS; i++) {
		const struct look_queue *queue = &looks->steps[i];

		if (queue->count && (!next || queue->items[queue->first].at_ns < next))
			next = queue->items[queue->first].at_ns;
	}
	return next;
}

bool look_again_take(struct look_again *looks, uint64_t now_ns, struct look_due *ret_look)
{
	for (int i = 0; i < LOOK_STEPS; i++) {
		struct look_queue *queue = &looks->steps[i];

		if (!queue->count || queue->items[queue->first].at_ns > now_ns)
			continue;
		*ret_look = queue->items[queue->first];
		queue->first = (queue->first + 1) % queue->room;
		queue->count--;
		return true;
	}
	return false;
}
