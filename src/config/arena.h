/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An arena: many small allocations that live and die together. A configuration
 * is one arena, so freeing it is one call and nothing in it has an owner of its
 * own. Not for hot paths, not for threads.
 */
#ifndef OBI_CONFIG_ARENA_H
#define OBI_CONFIG_ARENA_H

#include <stddef.h>

struct obi_arena;

/* limit: most bytes it may hold, so that hostile input cannot fill the memory.
 * NULL when out of memory. */
struct obi_arena *obi_arena_new(size_t limit);
/* What it held is not left in free memory: there may be secrets. */
void obi_arena_free(struct obi_arena *arena);

/* What it holds is not to be read any more, by anybody. */
void obi_arena_wipe(struct obi_arena *arena);

/* Zeroed, aligned for anything; NULL when out of memory or over the limit. */
void *obi_arena_alloc(struct obi_arena *arena, size_t size);
void *obi_arena_array(struct obi_arena *arena, size_t count, size_t size);

/* A terminated copy. */
char *obi_arena_strndup(struct obi_arena *arena, const char *text, size_t len);
char *obi_arena_strdup(struct obi_arena *arena, const char *text);
char *obi_arena_printf(struct obi_arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Bytes taken from the system. */
size_t obi_arena_size(const struct obi_arena *arena);

#endif
