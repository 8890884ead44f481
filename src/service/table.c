// SPDX-License-Identifier: Apache-2.0
/*
 * Entries stand in one array and are given out from its start, so that only as much of it is ever
 * touched as there were processes at once. An index of twice the size, open addressing with linear
 * probing, leads from pid to entry; a removal moves the following ones back (Knuth, TAOCP 3, 6.4,
 * algorithm R) and leaves no marks behind. Entries in their grace stand in a queue, oldest first.
 */
#include "service/table.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define NONE UINT32_MAX

struct entry {
	struct obi_service service;
	uint64_t gone_ns;
	uint32_t previous, next; /* in the queue of those gone, or next free one */
	bool gone;
};

_Static_assert(sizeof(struct entry) + 4 * sizeof(uint32_t) < 1024, "less than 1 KiB a process");

struct obi_services {
	size_t max, count;
	uint64_t grace_ns, refused;
	struct entry *entries;
	uint32_t used;           /* entries given out at least once */
	uint32_t free;           /* head of those given back */
	uint32_t oldest, newest; /* queue of those gone */
	uint32_t *index, mask;   /* entry number, NONE = empty */
};

static uint32_t home_of(const struct obi_services *services, uint32_t pid)
{
	/* Fibonacci hashing: pids come in runs. */
	return (uint32_t)((pid * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & services->mask;
}

struct obi_services *obi_services_new(size_t max, uint64_t grace_ns)
{
	struct obi_services *services;
	uint32_t size = 4;

	if (max < 1 || max > 65536)
		return NULL;
	while (size < max * 2)
		size *= 2;
	services = calloc(1, sizeof(*services));
	if (!services)
		return NULL;
	services->max = max;
	services->grace_ns = grace_ns;
	services->free = services->oldest = services->newest = NONE;
	services->mask = size - 1;
	services->entries = calloc(max, sizeof(*services->entries));
	services->index = malloc(size * sizeof(*services->index));
	if (!services->entries || !services->index) {
		obi_services_free(services);
		return NULL;
	}
	memset(services->index, 0xFF, size * sizeof(*services->index));
	return services;
}

void obi_services_free(struct obi_services *services)
{
	if (!services)
		return;
	free(services->entries);
	free(services->index);
	free(services);
}

/* ---- Index ------------------------------------------------------------------------------------
 */

/* The place of pid in the index: where it is, or the empty one where it would be. */
static uint32_t place_of(const struct obi_services *services, uint32_t pid)
{
	uint32_t place = home_of(services, pid);

	while (services->index[place] != NONE &&
	       services->entries[services->index[place]].service.pid != pid)
		place = (place + 1) & services->mask;
	return place;
}

static void clear_place(struct obi_services *services, uint32_t place)
{
	uint32_t hole = place;

	for (;;) {
		uint32_t home;

		place = (place + 1) & services->mask;
		if (services->index[place] == NONE)
			break;
		home = home_of(services, services->entries[services->index[place]].service.pid);
		/* It stays where its home lies between the hole and itself, in ring order. */
		if (((place - home) & services->mask) < ((place - hole) & services->mask))
			continue;
		services->index[hole] = services->index[place];
		hole = place;
	}
	services->index[hole] = NONE;
}

/* ---- Queue of those gone ----------------------------------------------------------------------
 */

static void enqueue(struct obi_services *services, uint32_t number, uint64_t now_ns)
{
	struct entry *entry = &services->entries[number];

	entry->gone = true;
	entry->gone_ns = now_ns;
	entry->previous = services->newest;
	entry->next = NONE;
	if (services->newest == NONE)
		services->oldest = number;
	else
		services->entries[services->newest].next = number;
	services->newest = number;
}

static void dequeue(struct obi_services *services, uint32_t number)
{
	struct entry *entry = &services->entries[number];

	entry->gone = false;
	if (entry->previous == NONE)
		services->oldest = entry->next;
	else
		services->entries[entry->previous].next = entry->next;
	if (entry->next == NONE)
		services->newest = entry->previous;
	else
		services->entries[entry->next].previous = entry->previous;
}

static void forget(struct obi_services *services, uint32_t number)
{
	struct entry *entry = &services->entries[number];

	dequeue(services, number);
	clear_place(services, place_of(services, entry->service.pid));
	entry->next = services->free;
	services->free = number;
	services->count--;
}

/* ---- Entries ----------------------------------------------------------------------------------
 */

static uint32_t take_entry(struct obi_services *services)
{
	uint32_t number = services->free;

	if (number == NONE && services->used < services->max)
		return services->used++;
	if (number == NONE && services->oldest != NONE) {
		forget(services, services->oldest);
		number = services->free;
	}
	if (number != NONE)
		services->free = services->entries[number].next;
	return number;
}

int obi_services_put(struct obi_services *services, const struct obi_service *service)
{
	uint32_t number = services->index[place_of(services, service->pid)];

	if (number != NONE) {
		if (services->entries[number].gone)
			dequeue(services, number);
		services->entries[number].service = *service;
		return 0;
	}
	number = take_entry(services);
	if (number == NONE) {
		services->refused++;
		return -ENOSPC;
	}
	services->entries[number].service = *service;
	services->entries[number].gone = false;
	/* Looked up again: taking an entry may have moved the index. */
	services->index[place_of(services, service->pid)] = number;
	services->count++;
	return 0;
}

const struct obi_service *obi_services_find(const struct obi_services *services, uint32_t pid)
{
	uint32_t number = services->index[place_of(services, pid)];

	return number == NONE ? NULL : &services->entries[number].service;
}

const struct obi_service *obi_services_alive(const struct obi_services *services, uint32_t pid)
{
	uint32_t number = services->index[place_of(services, pid)];

	return number == NONE || services->entries[number].gone
		       ? NULL
		       : &services->entries[number].service;
}

void obi_services_gone(struct obi_services *services, uint32_t pid, uint64_t now_ns)
{
	uint32_t number = services->index[place_of(services, pid)];

	if (number != NONE && !services->entries[number].gone)
		enqueue(services, number, now_ns);
}

void obi_services_tick(struct obi_services *services, uint64_t now_ns)
{
	while (services->oldest != NONE &&
	       now_ns >= services->entries[services->oldest].gone_ns + services->grace_ns)
		forget(services, services->oldest);
}

size_t obi_services_count(const struct obi_services *services)
{
	return services->count;
}

uint64_t obi_services_refused(const struct obi_services *services)
{
	return services->refused;
}
