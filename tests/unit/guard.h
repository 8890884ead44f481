/* SPDX-License-Identifier: Apache-2.0 */
/* Test input that ends at a page nobody may touch: a read past its end is a crash. */
#ifndef OBI_TESTS_GUARD_H
#define OBI_TESTS_GUARD_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/slice.h"

#define GUARD_ROOM (1 << 20)

/* A copy of s that ends at the guard page. Valid until the next call. */
static inline struct slice guarded(struct slice s)
{
	static uint8_t *end;

	if (!end) {
		size_t page = (size_t)sysconf(_SC_PAGESIZE);
		uint8_t *map = mmap(NULL, GUARD_ROOM + page, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (map == MAP_FAILED || mprotect(map + GUARD_ROOM, page, PROT_NONE))
			abort();
		end = map + GUARD_ROOM;
	}
	if (s.len > GUARD_ROOM)
		abort();
	if (s.len)
		memcpy(end - s.len, s.data, s.len);
	return slice_of(end - s.len, s.len);
}

#endif
