/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a gzip file (RFC 1952) holds, from front to back: members one after another, and what
 * follows the last of them is passed over, as gzip(1) does. Nothing but a window is kept, so that
 * a small file that grows without end takes time and no memory.
 */
#ifndef OBI_REPLAY_GUNZIP_H
#define OBI_REPLAY_GUNZIP_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/slice.h"

struct gunzip;

/* Does this begin as a gzip file? */
bool gunzip_is_gzip(struct slice begin);

/* The file is `begin`, and then what fd gives, which is borrowed; -1: nothing. buffer of that many
 * bytes takes what is read from fd, and may hold `begin`; gunzip_free() frees it. NULL when out of
 * memory: then it stays the caller's. */
struct gunzip *gunzip_new(struct slice begin, int fd, uint8_t *buffer, size_t buffer_size);
void gunzip_free(struct gunzip *gunzip);

/* Up to room bytes, 0 at the end; otherwise a negative errno: -EPROTO for broken data, -ENODATA
 * where the file ends too early, -ENOMEM, or what read(2) said. */
ssize_t gunzip_read(struct gunzip *gunzip, uint8_t *to, size_t room);

#endif
