// SPDX-License-Identifier: Apache-2.0
/*
 * What a path becomes depends on nothing but the path, so it is worked out once and
 * kept: a cache of fixed size, one entry a slot, the last one stays. Only the limit on
 * a service's routes is applied after the cache.
 */
#include "pipeline/route.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "pipeline/cardinality.h"
#include "pipeline/cluster.h"
#include "pipeline/pattern.h"

/* Longer paths are cut before their route is guessed. */
#define PATH_MAX_BYTES 1024
#define CACHE_SLOTS 1024
#define CACHE_TEXT 168

struct cached {
	uint64_t hash;
	const char *pattern; /* the route; NULL: it stands in text, after the path */
	uint16_t path_len;   /* 0 = free */
	uint16_t route_len;
	bool ignored;
	char text[CACHE_TEXT];
};

struct route_stage {
	const struct obi_routes_options *options;
	struct patterns *patterns;
	struct patterns *ignored;
	struct cardinality *cardinality; /* NULL: no limit */
	uint64_t seed;
	char guessed[PATH_MAX_BYTES];
	char limited[PATH_MAX_BYTES];
	struct cached cache[CACHE_SLOTS];
};

struct outcome {
	struct slice route;
	const char *pattern; /* where the route is one */
	bool ignored;
};

static bool wants_limit(const struct obi_routes_options *options)
{
	return options->unmatched == OBI_UNMATCHED_LOW_CARDINALITY &&
	       options->max_path_segment_cardinality > 0;
}

int route_stage_new(const struct obi_routes_options *options, struct route_stage **ret_stage)
{
	struct route_stage *stage = calloc(1, sizeof(*stage));

	if (!stage)
		return -ENOMEM;
	stage->options = options;
	stage->seed = hash_seed();
	if (wants_limit(options))
		stage->cardinality = cardinality_new(
			(uint64_t)options->max_path_segment_cardinality, options->wildcard_char[0]);
	if (patterns_new(&options->patterns, &stage->patterns) != 0 ||
	    patterns_new(&options->ignored_patterns, &stage->ignored) != 0 ||
	    (wants_limit(options) && !stage->cardinality)) {
		route_stage_free(stage);
		return -ENOMEM;
	}
	*ret_stage = stage;
	return 0;
}

void route_stage_free(struct route_stage *stage)
{
	if (!stage)
		return;
	patterns_free(stage->patterns);
	patterns_free(stage->ignored);
	cardinality_free(stage->cardinality);
	free(stage);
}

static struct slice route_of_unmatched(struct route_stage *stage, struct slice path)
{
	switch (stage->options->unmatched) {
	case OBI_UNMATCHED_PATH:
		return path;
	case OBI_UNMATCHED_WILDCARD:
		return SLICE_LIT("/**");
	case OBI_UNMATCHED_HEURISTIC:
	case OBI_UNMATCHED_LOW_CARDINALITY:
		path = slice_first(path, sizeof(stage->guessed));
		return slice_of(stage->guessed, cluster_path(path, stage->options->wildcard_char[0],
							     stage->guessed));
	default:
		return SLICE_LIT("");
	}
}

static struct outcome work_out(struct route_stage *stage, struct slice path)
{
	struct outcome outcome = {
		.pattern = patterns_find(stage->patterns, path),
		.ignored = patterns_find(stage->ignored, path) != NULL,
	};

	if (outcome.pattern)
		outcome.route = slice_cstr(outcome.pattern);
	else
		outcome.route = route_of_unmatched(stage, path);
	return outcome;
}

static void remember(struct cached *slot, uint64_t hash, struct slice path, struct outcome outcome)
{
	size_t route_len = outcome.pattern ? 0 : outcome.route.len;

	if (path.len == 0 || path.len + route_len > sizeof(slot->text))
		return;
	slot->hash = hash;
	slot->pattern = outcome.pattern;
	slot->ignored = outcome.ignored;
	slot->path_len = (uint16_t)path.len;
	slot->route_len = (uint16_t)outcome.route.len;
	memcpy(slot->text, path.data, path.len);
	memcpy(slot->text + path.len, outcome.route.data, route_len);
}

static struct outcome look_up(struct route_stage *stage, struct slice path)
{
	uint64_t hash = hash_bytes(path.data, path.len, stage->seed);
	struct cached *slot = &stage->cache[hash % CACHE_SLOTS];
	struct outcome outcome;

	if (slot->hash == hash && slot->path_len &&
	    slice_equal(path, slice_of(slot->text, slot->path_len)))
		return (struct outcome){
			.route = slice_of(slot->pattern ? slot->pattern
							: slot->text + slot->path_len,
					  slot->route_len),
			.pattern = slot->pattern,
			.ignored = slot->ignored,
		};
	outcome = work_out(stage, path);
	remember(slot, hash, path, outcome);
	return outcome;
}

static unsigned ignore_flags(int mode)
{
	return (mode & OBI_IGNORE_METRICS ? OBI_SPAN_IGNORE_METRICS : 0) |
	       (mode & OBI_IGNORE_TRACES ? OBI_SPAN_IGNORE_TRACES : 0);
}

void route_stage_apply(struct route_stage *stage, const struct patterns *own, struct obi_span *span)
{
	struct outcome outcome = look_up(stage, span->op.http.path);

	if (outcome.ignored)
		span->flags |= ignore_flags(stage->options->ignore_mode);
	if (span->op.http.route.len)
		return;
	if (own && !outcome.pattern)
		outcome.pattern = patterns_find(own, span->op.http.path);
	if (outcome.pattern)
		outcome.route = slice_cstr(outcome.pattern);
	else if (stage->cardinality)
		outcome.route = slice_of(stage->limited,
					 cardinality_limit(stage->cardinality, span->service,
							   outcome.route, stage->limited));
	span->op.http.route = outcome.route;
}

const char *route_stage_limited(struct route_stage *stage)
{
	return stage->cardinality ? cardinality_limited(stage->cardinality) : NULL;
}
