// SPDX-License-Identifier: Apache-2.0
/* A list in order of use, and the place of each by its hash. */
#include "metrics/families/service_cache.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "metrics/families/hash_counts.h"
#include "metrics/families/service_hash.h"

#define NONE UINT32_MAX

struct item {
	struct obi_service service;
	uint64_t hash;
	uint32_t newer, older;
};

struct service_cache {
	struct item *items;
	uint32_t count, room, max;
	uint32_t newest, oldest;
	struct hash_counts places; /* of each hash, 1 being the first */
};

struct service_cache *service_cache_new(size_t max)
{
	struct service_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return NULL;
	cache->max = max < INT32_MAX ? (uint32_t)max : INT32_MAX;
	cache->newest = cache->oldest = NONE;
	return cache;
}

void service_cache_free(struct service_cache *cache)
{
	if (!cache)
		return;
	free(cache->items);
	hash_counts_free(&cache->places);
	free(cache);
}

/* ---- The list ---- */

static uint32_t find(const struct service_cache *cache, uint64_t hash)
{
	const uint32_t *place = hash_counts_find(&cache->places, hash);

	return place && *place ? *place - 1 : NONE;
}

static void set_newer(struct service_cache *cache, uint32_t i, uint32_t newer)
{
	if (i == NONE)
		cache->oldest = newer;
	else
		cache->items[i].newer = newer;
}

static void set_older(struct service_cache *cache, uint32_t i, uint32_t older)
{
	if (i == NONE)
		cache->newest = older;
	else
		cache->items[i].older = older;
}

static void unlink_item(struct service_cache *cache, uint32_t i)
{
	const struct item *item = &cache->items[i];

	set_newer(cache, item->older, item->newer);
	set_older(cache, item->newer, item->older);
}

static void link_newest(struct service_cache *cache, uint32_t i)
{
	cache->items[i].newer = NONE;
	cache->items[i].older = cache->newest;
	set_newer(cache, cache->newest, i);
	cache->newest = i;
}

static void set_place(struct service_cache *cache, uint64_t hash, uint32_t place)
{
	uint32_t *known = hash_counts_find(&cache->places, hash);

	if (known)
		*known = place;
}

/* The last one takes its place. */
static void drop(struct service_cache *cache, uint32_t i)
{
	uint32_t last = cache->count - 1;

	unlink_item(cache, i);
	set_place(cache, cache->items[i].hash, 0);
	if (i != last) {
		cache->items[i] = cache->items[last];
		set_newer(cache, cache->items[i].older, i);
		set_older(cache, cache->items[i].newer, i);
		set_place(cache, cache->items[i].hash, i + 1);
	}
	cache->count--;
}

static int reserve(struct service_cache *cache)
{
	uint32_t room = cache->room ? 2 * cache->room : 16;
	struct item *items;

	if (cache->count < cache->room)
		return 0;
	items = reallocarray(cache->items, room, sizeof(*items));
	if (!items)
		return -ENOMEM;
	cache->items = items;
	cache->room = room;
	return 0;
}

/* ---- Use ---- */

bool service_cache_use(struct service_cache *cache, const struct obi_service *service)
{
	uint32_t i = find(cache, service_hash(service));

	if (i == NONE)
		return false;
	if (i != cache->newest) {
		unlink_item(cache, i);
		link_newest(cache, i);
	}
	return true;
}

int service_cache_put(struct service_cache *cache, const struct obi_service *service,
		      struct obi_service *ret_forgotten)
{
	uint64_t hash = service_hash(service);
	uint32_t *place;
	int forgot = 0;

	if (service_cache_use(cache, service)) {
		cache->items[cache->newest].service = *service;
		return 0;
	}
	if (reserve(cache) != 0)
		return -ENOMEM;
	place = hash_counts_make(&cache->places, hash, 2 * (size_t)cache->max);
	if (!place)
		return -ENOMEM;
	if (cache->count == cache->max) {
		*ret_forgotten = cache->items[cache->oldest].service;
		drop(cache, cache->oldest);
		forgot = 1;
	}
	cache->items[cache->count] = (struct item){ .service = *service, .hash = hash };
	link_newest(cache, cache->count++);
	*place = cache->count;
	return forgot;
}

void service_cache_drop(struct service_cache *cache, const struct obi_service *service)
{
	uint32_t i = find(cache, service_hash(service));

	if (i != NONE)
		drop(cache, i);
}
