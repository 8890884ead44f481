// SPDX-License-Identifier: Apache-2.0
/*
 * Chunks in a list, each twice as large as the one before up to a ceiling; a
 * request that does not fit the current chunk gets a new one. What is left of
 * the old chunk is lost, which for strings and small arrays is little.
 */
#include "config/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hidden.h"

#define HEAD 64 /* so that a chunk with what stands before it fills its pages */
#define FIRST_CHUNK (4096 - HEAD)
#define LARGEST_CHUNK (65536 - HEAD)

struct chunk {
	struct chunk *older;
	size_t memory; /* bytes of all of it */
	size_t size;
	size_t used;
	alignas(max_align_t) unsigned char bytes[];
};

_Static_assert(sizeof(struct chunk) <= HEAD, "what stands before a chunk");

struct obi_arena {
	struct chunk *newest;
	size_t total;
	size_t limit;
};

struct obi_arena *obi_arena_new(size_t limit)
{
	struct obi_arena *arena = calloc(1, sizeof(*arena));

	if (arena)
		arena->limit = limit;
	return arena;
}

void obi_arena_wipe(struct obi_arena *arena)
{
	for (struct chunk *chunk = arena->newest; chunk; chunk = chunk->older)
		explicit_bzero(chunk->bytes, chunk->used);
}

void obi_arena_free(struct obi_arena *arena)
{
	struct chunk *older;

	if (!arena)
		return;
	for (struct chunk *chunk = arena->newest; chunk; chunk = older) {
		older = chunk->older;
		hidden_free(chunk, chunk->memory);
	}
	free(arena);
}

static struct chunk *add_chunk(struct obi_arena *arena, size_t need)
{
	size_t size = arena->newest ? arena->newest->size * 2 : FIRST_CHUNK, memory;
	struct chunk *chunk;

	if (size > LARGEST_CHUNK)
		size = LARGEST_CHUNK;
	if (size < need)
		size = need;
	if (size > arena->limit - arena->total)
		size = need;
	if (size > arena->limit - arena->total)
		return NULL;
	memory = sizeof(*chunk) + size;
	chunk = hidden_alloc(&memory);
	if (!chunk)
		return NULL;
	chunk->memory = memory;
	chunk->size = size;
	chunk->older = arena->newest;
	arena->newest = chunk;
	arena->total += size;
	return chunk;
}

void *obi_arena_alloc(struct obi_arena *arena, size_t size)
{
	const size_t align = alignof(max_align_t);
	struct chunk *chunk = arena->newest;
	void *memory;

	if (size > SIZE_MAX - align)
		return NULL;
	size = (size + align - 1) / align * align;
	if (!chunk || chunk->size - chunk->used < size)
		chunk = add_chunk(arena, size);
	if (!chunk)
		return NULL;
	memory = chunk->bytes + chunk->used;
	chunk->used += size;
	return memory;
}

void *obi_arena_array(struct obi_arena *arena, size_t count, size_t size)
{
	if (size && count > SIZE_MAX / size)
		return NULL;
	return obi_arena_alloc(arena, count * size);
}

char *obi_arena_strndup(struct obi_arena *arena, const char *text, size_t len)
{
	char *copy = obi_arena_alloc(arena, len + 1);

	if (copy && len)
		memcpy(copy, text, len);
	return copy;
}

char *obi_arena_strdup(struct obi_arena *arena, const char *text)
{
	return obi_arena_strndup(arena, text, strlen(text));
}

char *obi_arena_printf(struct obi_arena *arena, const char *format, ...)
{
	char *text = NULL;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len >= 0)
		text = obi_arena_alloc(arena, (size_t)len + 1);
	if (!text)
		return NULL;
	va_start(args, format);
	(void)vsnprintf(text, (size_t)len + 1, format, args);
	va_end(args);
	return text;
}

size_t obi_arena_size(const struct obi_arena *arena)
{
	return arena->total;
}
