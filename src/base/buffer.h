/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing byte buffer for output. Allocation failure is remembered in `failed`
 * and makes every later call do nothing, so that a writer checks once at the end.
 */
#ifndef OBI_BASE_BUFFER_H
#define OBI_BASE_BUFFER_H

#include "base/slice.h"

struct buffer {
	char *data; /* not terminated */
	size_t len;
	size_t room;
	bool failed;
};

/* Frees the memory; the buffer can be used again. */
void buffer_free(struct buffer *buf);

/* Makes room for more bytes and returns where they go, or NULL. */
char *buffer_reserve(struct buffer *buf, size_t more);

void buffer_put(struct buffer *buf, const void *data, size_t len);
/* For people and their terminals: of what is not printable (base/utf8.h) each byte as \xNN. */
void buffer_put_printable(struct buffer *buf, struct slice s);
void buffer_put_slice(struct buffer *buf, struct slice s);
void buffer_put_cstr(struct buffer *buf, const char *s);
void buffer_put_char(struct buffer *buf, char c);
void buffer_put_u64(struct buffer *buf, uint64_t value);
void buffer_put_i64(struct buffer *buf, int64_t value);
void buffer_put_hex(struct buffer *buf, const uint8_t *bytes, size_t len); /* lower case */
void buffer_printf(struct buffer *buf, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A JSON string with its quotes (RFC 8259 section 7); invalid UTF-8 bytes become U+FFFD. */
void buffer_put_json_string(struct buffer *buf, struct slice s);

#endif
