/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guesses the route behind a path: segments that look like identifiers become one
 * wildcard, the rest stays: of /users/4711/orders/new only 4711 varies.
 */
#ifndef OBI_PIPELINE_CLUSTER_H
#define OBI_PIPELINE_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

/* Segments of a guessed route: the rest of a deeper path is cut off. */
#define CLUSTER_SEGMENTS_MAX 10

/* Writes the route of path (which may end in a query) and returns its length, never more than
 * path.len; ret_route has room for as much. */
size_t cluster_path(struct slice path, char wildcard, char *ret_route);

/* Is this run of ASCII letters unlike a word of any language we know? */
bool cluster_word_is_gibberish(struct slice word);

#endif
