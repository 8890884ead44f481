// SPDX-License-Identifier: Apache-2.0
#include "base/hidden.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define PAGE 4096u
/* glibc's malloc keeps so many freed blocks of each small size as they are, whatever M_PERTURB. */
#define CACHED_BLOCKS 7
#define LARGEST_CACHED 1032u
#define SIZE_STEP 16u

void *hidden_alloc(size_t *size)
{
	size_t pages = (*size + PAGE - 1) & ~(size_t)(PAGE - 1);
	void *memory = aligned_alloc(PAGE, pages);

	if (!memory)
		return NULL;
	(void)madvise(memory, pages, MADV_DONTDUMP);
	memset(memory, 0, pages);
	*size = pages;
	return memory;
}

void hidden_free(void *memory, size_t size)
{
	if (!memory)
		return;
	explicit_bzero(memory, size);
	(void)madvise(memory, size, MADV_DODUMP);
	free(memory);
}

void hide_environment(void)
{
	size_t count = 0, size = sizeof(*environ);
	char **moved, *to;

	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	for (; environ && environ[count]; count++)
		size += sizeof(*environ) + strlen(environ[count]) + 1;
	moved = hidden_alloc(&size); /* for as long as the process lives */
	if (!moved)
		return;
	to = (char *)(moved + count + 1);
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(environ[i]);

		moved[i] = memcpy(to, environ[i], len + 1);
		explicit_bzero(environ[i], len);
		to += len + 1;
	}
	environ = moved;
}

void hidden_begin(void)
{
	(void)mallopt(M_PERTURB, 0x5a);
}

void hidden_end(void)
{
	void *blocks[CACHED_BLOCKS];

	(void)mallopt(M_PERTURB, 0);
	for (size_t size = SIZE_STEP; size <= LARGEST_CACHED; size += SIZE_STEP) {
		for (size_t i = 0; i < CACHED_BLOCKS; i++) {
			blocks[i] = malloc(size);
			if (blocks[i])
				explicit_bzero(blocks[i], size);
		}
		for (size_t i = 0; i < CACHED_BLOCKS; i++)
			free(blocks[i]);
	}
}
