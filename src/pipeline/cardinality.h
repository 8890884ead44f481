/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps the number of routes of a service low: at each place of its tree of segments
 * so many different ones may stand; when one more comes, all that stand there become
 * one wildcard, from then on.
 */
#ifndef OBI_PIPELINE_CARDINALITY_H
#define OBI_PIPELINE_CARDINALITY_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "span/span.h"

/* Segments remembered of one service; beyond them everything new varies. Of all together there is
 * room for an eighth more, and each may have eight times what is free: one that comes late finds
 * room. */
#define CARDINALITY_SEGMENTS_MAX 32768

struct cardinality;

/* most is at least 1. NULL when out of memory. */
struct cardinality *cardinality_new(uint64_t most, char wildcard);
void cardinality_free(struct cardinality *cardinality);

/* Writes what is left of route and returns its length, never more than route.len. */
size_t cardinality_limit(struct cardinality *cardinality, const struct obi_service *service,
			 struct slice route, char *ret_route);

/* The name of a service that had no more room since this was asked last, or NULL. */
const char *cardinality_limited(struct cardinality *cardinality);

#endif
