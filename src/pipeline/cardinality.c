// SPDX-License-Identifier: Apache-2.0
/*
 * The tree is one hash table of places. A place is known by a number: the hash of its
 * last segment, seeded with the number of the place above; a service's root is the
 * hash of its name. The text of a route comes from the route itself, so a place needs
 * to remember only how many children it has. Two places with the same number (2^-64)
 * would share one count, no more.
 *
 * Places below a collapsed one are not removed. The table has a fixed size.
 */
#include "pipeline/cardinality.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/hash.h"

/* Twice what may be in use, so that a free slot is near. */
#define SLOTS ((size_t)2 * CARDINALITY_SEGMENTS_MAX)

struct place {
	uint64_t id; /* 0 = free */
	uint64_t children : 63;
	uint64_t collapsed : 1;
};

struct cardinality {
	uint64_t most;
	size_t used;
	char wildcard;
	struct place slots[SLOTS];
};

struct cardinality *cardinality_new(uint64_t most, char wildcard)
{
	struct cardinality *cardinality = calloc(1, sizeof(*cardinality));

	if (!cardinality)
		return NULL;
	cardinality->most = most;
	cardinality->wildcard = wildcard;
	return cardinality;
}

void cardinality_free(struct cardinality *cardinality)
{
	free(cardinality);
}

static uint64_t place_id(struct slice text, uint64_t above)
{
	uint64_t id = hash_bytes(text.data, text.len, above);

	return id ? id : 1;
}

/* The slot of a place, or the free one where it would go. */
static struct place *find(struct cardinality *cardinality, uint64_t id)
{
	size_t slot = id % SLOTS;

	while (cardinality->slots[slot].id && cardinality->slots[slot].id != id)
		slot = (slot + 1) % SLOTS;
	return &cardinality->slots[slot];
}

/* NULL when the table is full. */
static struct place *find_or_add(struct cardinality *cardinality, uint64_t id)
{
	struct place *place = find(cardinality, id);

	if (place->id)
		return place;
	if (cardinality->used == CARDINALITY_SEGMENTS_MAX)
		return NULL;
	cardinality->used++;
	place->id = id;
	return place;
}

/* May this segment stand beneath the place above? */
static bool segment_stays(struct cardinality *cardinality, uint64_t above, struct slice segment)
{
	struct place *place = find_or_add(cardinality, above);
	uint64_t id = place_id(segment, above);

	if (!place || place->collapsed)
		return false;
	if (find(cardinality, id)->id)
		return true;
	if (place->children == cardinality->most) {
		place->collapsed = 1;
		return false;
	}
	if (!find_or_add(cardinality, id))
		return false;
	place->children++;
	return true;
}

static struct slice first_segment(struct slice route)
{
	ptrdiff_t end = slice_find(route, '/');

	return end < 0 ? route : slice_first(route, (size_t)end);
}

size_t cardinality_limit(struct cardinality *cardinality, const struct obi_service *service,
			 struct slice route, char *ret_route)
{
	struct slice wildcard = slice_of(&cardinality->wildcard, 1);
	uint64_t above = place_id(slice_cstr(service->name_space), hash_seed());
	size_t used = 0;

	above = place_id(slice_cstr(service->name), above);
	for (;;) {
		struct slice segment = first_segment(route);
		bool named = segment.len && !slice_equal(segment, wildcard);

		if (named && !segment_stays(cardinality, above, segment))
			segment = wildcard;
		memcpy(ret_route + used, segment.data, segment.len);
		used += segment.len;
		if (segment.len)
			above = place_id(segment, above);
		route = slice_from(route, first_segment(route).len);
		if (!route.len)
			return used;
		ret_route[used++] = '/';
		route = slice_from(route, 1);
	}
}
