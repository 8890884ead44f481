// SPDX-License-Identifier: Apache-2.0
/*
 * glibc's malloc maps large blocks one by one and unmaps them when they are freed, so that
 * each reading of the same file would fault all of its pages in again.
 */
#include "base/heap.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define PAGE 4096u
/* Defaults of mallopt(3). */
#define MMAP_THRESHOLD (128 << 10)
#define TRIM_THRESHOLD (128 << 10)

static void *prepared;
static size_t prepared_size;

void heap_prepare(size_t size)
{
	void *block;

	(void)mallopt(M_MMAP_THRESHOLD, (int)size + 1);
	(void)mallopt(M_TRIM_THRESHOLD, (int)size + 1);
	block = malloc(size);
	if (!block)
		return;
	prepared = (void *)(((uintptr_t)block + PAGE - 1) & ~(uintptr_t)(PAGE - 1));
	prepared_size = (size - PAGE) & ~(size_t)(PAGE - 1);
	(void)madvise(prepared, prepared_size, MADV_HUGEPAGE);
	free(block);
}

void heap_spare(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD);
}

void heap_release(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD);
	(void)mallopt(M_TRIM_THRESHOLD, TRIM_THRESHOLD);
	if (prepared) /* else small blocks would be gathered into huge pages in time */
		(void)madvise(prepared, prepared_size, MADV_NOHUGEPAGE);
	prepared = NULL;
	(void)malloc_trim(0);
}
