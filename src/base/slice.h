/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A slice is a borrowed run of bytes: not terminated, never owned. All code that
 * reads bytes from outside reads them through these functions, so that the bounds
 * check stands in one place.
 */
#ifndef OBI_BASE_SLICE_H
#define OBI_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const uint8_t *data;
	size_t len;
};

#define SLICE_FMT "%.*s"
#define SLICE_ARG(s) (int)(s).len, (const char *)(s).data

static inline struct slice slice_of(const void *data, size_t len)
{
	return (struct slice){ .data = data, .len = len };
}

static inline struct slice slice_cstr(const char *s)
{
	return slice_of(s, s ? strlen(s) : 0);
}

#define SLICE_LIT(lit) ((struct slice){ .data = (const uint8_t *)(lit), .len = sizeof(lit) - 1 })

static inline bool slice_equal(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool slice_has_prefix(struct slice s, struct slice prefix)
{
	return s.len >= prefix.len && memcmp(s.data, prefix.data, prefix.len) == 0;
}

static inline bool bytes_are_zero(const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	uint8_t any = 0;

	for (size_t i = 0; i < len; i++)
		any |= at[i];
	return any == 0;
}

/* What follows the last slash: a file's name of a path. */
static inline struct slice slice_base_name(struct slice path)
{
	size_t at = path.len;

	while (at > 0 && path.data[at - 1] != '/')
		at--;
	return slice_of(path.data + at, path.len - at);
}

/* The part of s from offset on; empty where offset is past the end. */
static inline struct slice slice_from(struct slice s, size_t offset)
{
	if (offset > s.len)
		offset = s.len;
	return slice_of(offset ? s.data + offset : s.data, s.len - offset); /* data may be NULL */
}

/* At most len bytes from the start. */
static inline struct slice slice_first(struct slice s, size_t len)
{
	return slice_of(s.data, len < s.len ? len : s.len);
}

/* Index of the first byte c, or -1. */
static inline ptrdiff_t slice_find(struct slice s, uint8_t c)
{
	const uint8_t *p = s.len ? memchr(s.data, c, s.len) : NULL;

	return p ? p - s.data : -1;
}

/* ASCII case-insensitive comparison (header names, RFC 9110 section 5.1). */
bool slice_equal_nocase(struct slice a, struct slice b);

/* Without leading and trailing blanks and tabs. */
struct slice slice_trim(struct slice s);

#endif
