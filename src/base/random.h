/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes for ids: from the kernel, fetched by the page, since a system call for each id
 * costs more than all else that is done with it. Not for secrets. One thread only. */
#ifndef OBI_BASE_RANDOM_H
#define OBI_BASE_RANDOM_H

#include <stddef.h>

/* Fills in len bytes, at most 256. */
void random_bytes(void *bytes, size_t len);

#endif
