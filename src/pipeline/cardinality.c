// SPDX-License-Identifier: Apache-2.0
/*
 * The tree is one hash table of places. A place is known by a number: the hash of its
 * last segment, seeded with the number of the place above; a service's root is the
 * hash of its name. The text of a route comes from the route itself, so a place needs
 * to remember only how many children it has. Two places with the same number (2^-64)
 * would share one count, no more.
 *
 * Places below a collapsed one are not removed. The table has a fixed size, and each service its
 * share.
 */
#include "pipeline/cardinality.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define TIMES_FREE 8
#define PLACES ((size_t)CARDINALITY_SEGMENTS_MAX + CARDINALITY_SEGMENTS_MAX / TIMES_FREE)
/* Twice what may be in use, so that a free slot is near. */
#define SLOTS (2 * PLACES)

struct place {
	uint64_t id; /* 0 = free */
	uint32_t children : 31;
	uint32_t collapsed : 1;
	uint32_t all; /* of a service's root: places of the service, with itself */
};

struct cardinality {
	uint64_t most;
	size_t used;
	bool limited;
	char limited_name[sizeof(((struct obi_service *)0)->name)];
	char asked[sizeof(((struct obi_service *)0)->name)];
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

/* NULL when the table is full, or the service has its share. root is the service's, NULL where it
 * is what is to be added. */
static struct place *find_or_add(struct cardinality *cardinality, struct place *root, uint64_t id)
{
	struct place *place = find(cardinality, id);
	size_t left = PLACES - cardinality->used;

	if (place->id)
		return place;
	if (!left || (root && root->all >= TIMES_FREE * left)) {
		cardinality->limited = true;
		return NULL;
	}
	cardinality->used++;
	place->id = id;
	if (!root)
		root = place;
	root->all++;
	return place;
}

/* May this segment stand beneath the place above? */
static bool segment_stays(struct cardinality *cardinality, struct place *root, uint64_t above,
			  struct slice segment)
{
	struct place *place = find_or_add(cardinality, root, above);
	uint64_t id = place_id(segment, above);

	if (!place || place->collapsed)
		return false;
	if (find(cardinality, id)->id)
		return true;
	if (place->children == cardinality->most) {
		place->collapsed = 1;
		return false;
	}
	if (!find_or_add(cardinality, root, id))
		return false;
	place->children++;
	return true;
}

static struct slice first_segment(struct slice route)
{
	ptrdiff_t end = slice_find(route, '/');

	return end < 0 ? route : slice_first(route, (size_t)end);
}

/* The first one is kept until somebody asks. */
static void note_limited(struct cardinality *cardinality, const struct obi_service *service)
{
	if (cardinality->limited && !cardinality->limited_name[0])
		(void)snprintf(cardinality->limited_name, sizeof(cardinality->limited_name), "%s",
			       service->name);
	cardinality->limited = false;
}

size_t cardinality_limit(struct cardinality *cardinality, const struct obi_service *service,
			 struct slice route, char *ret_route)
{
	struct slice wildcard = slice_of(&cardinality->wildcard, 1);
	uint64_t above = place_id(slice_cstr(service->name_space), hash_seed());
	struct place *root;
	size_t used = 0;

	above = place_id(slice_cstr(service->name), above);
	root = find_or_add(cardinality, NULL, above);
	for (;;) {
		struct slice segment = first_segment(route);
		bool named = segment.len && !slice_equal(segment, wildcard);

		if (named && (!root || !segment_stays(cardinality, root, above, segment)))
			segment = wildcard;
		memcpy(ret_route + used, segment.data, segment.len);
		used += segment.len;
		if (segment.len)
			above = place_id(segment, above);
		route = slice_from(route, first_segment(route).len);
		if (!route.len)
			break;
		ret_route[used++] = '/';
		route = slice_from(route, 1);
	}
	note_limited(cardinality, service);
	return used;
}

const char *cardinality_limited(struct cardinality *cardinality)
{
	if (!cardinality->limited_name[0])
		return NULL;
	(void)memcpy(cardinality->asked, cardinality->limited_name, sizeof(cardinality->asked));
	cardinality->limited_name[0] = '\0';
	return cardinality->asked;
}
