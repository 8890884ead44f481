/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that are compressed while they are made (gzip, RFC 1952). zlib is linked: nothing is opened
 * or loaded for it, as the worker may not.
 */
#ifndef OBI_EXPORT_GZIP_H
#define OBI_EXPORT_GZIP_H

#include <stdbool.h>

#include "base/slice.h"

/* What one holds, in bytes, about: window, chains, hashes and symbols that wait. */
#define GZIP_BYTES ((size_t)64 * 1024)

struct gzip;

/* NULL when out of memory. */
struct gzip *gzip_new(void);
void gzip_free(struct gzip *gzip);

/* Compresses what stands in from, which becomes the rest that does not fit, into room bytes;
 * returns how many were written. When from is empty and fewer than room were, nothing is kept back:
 * what was given can be read. last: nothing comes after this; call until 0 is returned. */
size_t gzip_put(struct gzip *gzip, struct slice *from, bool last, void *to, size_t room);

#endif
