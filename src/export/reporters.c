// SPDX-License-Identifier: Apache-2.0
#include "export/reporters.h"

#include <errno.h>
#include <stdlib.h>

#include "metrics/families/hash_counts.h"
#include "metrics/families/service_hash.h"

struct reporter {
	struct families *families;
	struct buffer resource;
	uint64_t hash;
	uint64_t used_ns;
	size_t place;
	bool alive;
};

struct reporters {
	const struct family_options *options;
	const struct otlp_resource *resource;
	struct reporter **items;
	size_t count;
	size_t turned; /* those in front that had their turn */
	size_t room;
	size_t max;
	struct hash_counts places; /* of each hash, 1 being the first */
};

int reporters_new(const struct family_options *options, const struct otlp_resource *resource,
		  size_t max, struct reporters **ret_reporters)
{
	struct reporters *reporters = calloc(1, sizeof(*reporters));

	if (!reporters)
		return -ENOMEM;
	reporters->options = options;
	reporters->resource = resource;
	reporters->max = max < UINT32_MAX ? max : UINT32_MAX - 1;
	*ret_reporters = reporters;
	return 0;
}

static void free_reporter(struct reporter *reporter)
{
	families_free(reporter->families);
	buffer_free(&reporter->resource);
	free(reporter);
}

void reporters_free(struct reporters *reporters)
{
	if (!reporters)
		return;
	for (size_t i = 0; i < reporters->count; i++)
		free_reporter(reporters->items[i]);
	free(reporters->items);
	hash_counts_free(&reporters->places);
	free(reporters);
}

struct reporter *reporters_find(struct reporters *reporters, const struct obi_service *service,
				uint64_t now_ns)
{
	const uint32_t *place = hash_counts_find(&reporters->places, service_hash(service));

	if (!place || !*place)
		return NULL;
	reporters->items[*place - 1]->used_ns = now_ns;
	return reporters->items[*place - 1];
}

static int reserve(struct reporters *reporters)
{
	size_t room = reporters->room ? 2 * reporters->room : 16;
	struct reporter **items;

	if (reporters->count < reporters->room)
		return 0;
	items = reallocarray(reporters->items, room, sizeof(struct reporter *));
	if (!items)
		return -ENOMEM;
	reporters->items = items;
	reporters->room = room;
	return 0;
}

static struct reporter *new_reporter(const struct reporters *reporters,
				     const struct obi_service *service)
{
	struct reporter *reporter = calloc(1, sizeof(*reporter));

	if (!reporter)
		return NULL;
	(void)otlp_resource_put(reporters->resource, service, &reporter->resource);
	if (reporter->resource.failed ||
	    families_new_with(reporters->options, &reporter->families) != 0) {
		free_reporter(reporter);
		return NULL;
	}
	reporter->hash = service_hash(service);
	return reporter;
}

struct reporter *reporters_make(struct reporters *reporters, const struct obi_service *service,
				uint64_t now_ns)
{
	struct reporter *reporter;
	uint32_t *place;

	if (reporters->count >= reporters->max || reserve(reporters) != 0)
		return NULL;
	reporter = new_reporter(reporters, service);
	if (!reporter)
		return NULL;
	place = hash_counts_make(&reporters->places, reporter->hash, 2 * reporters->max);
	if (!place) {
		free_reporter(reporter);
		return NULL;
	}
	reporter->used_ns = now_ns;
	reporter->place = reporters->count;
	reporters->items[reporters->count++] = reporter;
	*place = (uint32_t)reporters->count;
	return reporter;
}

struct reporter *reporters_to_evict(const struct reporters *reporters)
{
	struct reporter *oldest = NULL;

	if (reporters->count < reporters->max)
		return NULL;
	for (size_t i = 0; i < reporters->count; i++) {
		if (!oldest || reporters->items[i]->used_ns < oldest->used_ns)
			oldest = reporters->items[i];
	}
	return oldest;
}

static void set_place(struct reporters *reporters, uint64_t hash, uint32_t value)
{
	uint32_t *place = hash_counts_find(&reporters->places, hash);

	if (place)
		*place = value;
}

static void move(struct reporters *reporters, size_t from, size_t to)
{
	struct reporter *moved = reporters->items[from];

	if (from == to)
		return;
	reporters->items[to] = moved;
	moved->place = to;
	set_place(reporters, moved->hash, (uint32_t)to + 1);
}

/* The last one takes its place, so that there are no holes; the last one that had its turn, if it
 * had its own: those stay in front. */
void reporters_evict(struct reporters *reporters, struct reporter *reporter)
{
	size_t hole = reporter->place;

	if (hole < reporters->turned) {
		move(reporters, --reporters->turned, hole);
		hole = reporters->turned;
	}
	move(reporters, --reporters->count, hole);
	set_place(reporters, reporter->hash, 0);
	free_reporter(reporter);
}

void reporter_set_alive(struct reporter *reporter, bool alive)
{
	reporter->alive = alive;
}

void reporters_expire(struct reporters *reporters, uint64_t ttl_ns, uint64_t now_ns)
{
	for (size_t i = reporters->count; i-- > 0;) {
		struct reporter *reporter = reporters->items[i];
		uint64_t silent = now_ns > reporter->used_ns ? now_ns - reporter->used_ns : 0;

		if (!reporter->alive && silent > ttl_ns)
			reporters_evict(reporters, reporter);
	}
}

void reporters_rewind(struct reporters *reporters)
{
	reporters->turned = 0;
}

struct reporter *reporters_next(struct reporters *reporters)
{
	return reporters->turned < reporters->count ? reporters->items[reporters->turned++] : NULL;
}

struct families *reporter_families(const struct reporter *reporter)
{
	return reporter->families;
}

const struct buffer *reporter_resource(const struct reporter *reporter)
{
	return &reporter->resource;
}
