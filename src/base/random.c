// SPDX-License-Identifier: Apache-2.0
#include "base/random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static char pool[4096];
static size_t left;

/* random(7): a read of more than 256 bytes may be cut short by a signal, and by nothing else once
 * the kernel's generator has started. */
static void fill(void)
{
	while (left < sizeof(pool)) {
		ssize_t n = getrandom(pool + left, sizeof(pool) - left, 0);

		if (n < 0 && errno != EINTR)
			abort(); /* no such system call: ids would repeat */
		left += n > 0 ? (size_t)n : 0;
	}
}

void random_bytes(void *bytes, size_t len)
{
	if (left < len) {
		left = 0;
		fill();
	}
	left -= len;
	memcpy(bytes, pool + left, len);
}
