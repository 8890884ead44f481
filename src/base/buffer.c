// SPDX-License-Identifier: Apache-2.0
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"

void buffer_free(struct buffer *buf)
{
	free(buf->data);
	*buf = (struct buffer){ 0 };
}

static char *grow(struct buffer *buf, size_t more)
{
	size_t room = buf->room ? buf->room : 256;
	char *data;

	if (buf->failed)
		return NULL;
	while (room - buf->len < more) {
		if (room > SIZE_MAX / 2) {
			buf->failed = true;
			return NULL;
		}
		room *= 2;
	}
	data = realloc(buf->data, room);
	if (!data) {
		buf->failed = true;
		return NULL;
	}
	buf->data = data;
	buf->room = room;
	return buf->data + buf->len;
}

/* The common case, where there is room, is worth being inline in what follows. */
static inline char *reserve(struct buffer *buf, size_t more)
{
	if (buf->room - buf->len >= more && !buf->failed)
		return buf->data + buf->len;
	return grow(buf, more);
}

char *buffer_reserve(struct buffer *buf, size_t more)
{
	return reserve(buf, more);
}

void buffer_put(struct buffer *buf, const void *data, size_t len)
{
	char *to = len ? reserve(buf, len) : NULL;

	if (!to)
		return;
	memcpy(to, data, len);
	buf->len += len;
}

void buffer_put_slice(struct buffer *buf, struct slice s)
{
	buffer_put(buf, s.data, s.len);
}

void buffer_put_cstr(struct buffer *buf, const char *s)
{
	buffer_put(buf, s, strlen(s));
}

static __attribute__((noinline)) void grow_by_char(struct buffer *buf, char c)
{
	char *to = grow(buf, 1);

	if (!to)
		return;
	*to = c;
	buf->len++;
}

void buffer_put_char(struct buffer *buf, char c)
{
	if (buf->len < buf->room && !buf->failed)
		buf->data[buf->len++] = c;
	else
		grow_by_char(buf, c);
}

void buffer_put_u64(struct buffer *buf, uint64_t value)
{
	char digits[20];
	int at = (int)sizeof(digits);

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	buffer_put(buf, digits + at, sizeof(digits) - (size_t)at);
}

void buffer_put_i64(struct buffer *buf, int64_t value)
{
	if (value < 0)
		buffer_put_char(buf, '-');
	buffer_put_u64(buf, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void buffer_put_hex(struct buffer *buf, const uint8_t *bytes, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	char *to = len ? buffer_reserve(buf, 2 * len) : NULL;

	if (!to)
		return;
	for (size_t i = 0; i < len; i++) {
		to[2 * i] = hex[bytes[i] >> 4];
		to[2 * i + 1] = hex[bytes[i] & 15];
	}
	buf->len += 2 * len;
}

void buffer_printf(struct buffer *buf, const char *format, ...)
{
	va_list args, again;
	int len;

	va_start(args, format);
	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, args);
	if (len > 0) {
		char *to = buffer_reserve(buf, (size_t)len + 1);

		if (to) {
			(void)vsnprintf(to, (size_t)len + 1, format, again);
			buf->len += (size_t)len;
		}
	}
	va_end(again);
	va_end(args);
}

void buffer_put_printable(struct buffer *buf, struct slice s)
{
	size_t start = 0, at = 0;

	while (at < s.len) {
		size_t len, bad;

		while (at < s.len && s.data[at] >= 0x20 && s.data[at] < 0x7f)
			at++;
		len = at < s.len ? utf8_printable(slice_from(s, at)) : 0;
		at += len;
		if (len || at == s.len)
			continue;
		buffer_put(buf, s.data + start, at - start);
		bad = utf8_length(slice_from(s, at));
		for (bad = bad ? bad : 1; bad; bad--) {
			buffer_put_cstr(buf, "\\x");
			buffer_put_hex(buf, s.data + at++, 1);
		}
		start = at;
	}
	buffer_put(buf, s.data + start, at - start);
}

#define EACH(byte_) (0x0101010101010101ULL * (byte_))

static bool is_plain(uint8_t c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* The same of eight bytes: what is subtracted from each borrows from its top bit if it is less. */
static bool are_plain(uint64_t c)
{
	uint64_t quote = c ^ EACH('"'), backslash = c ^ EACH('\\');

	return !((c | (c - EACH(0x20)) | (quote - EACH(1)) | (backslash - EACH(1))) & EACH(0x80));
}

static inline bool copy_eight(char *to, const uint8_t *from)
{
	uint64_t c;

	memcpy(&c, from, sizeof(c));
	memcpy(to, &c, sizeof(c));
	return are_plain(c);
}

/* Copies the bytes from the start that stand for themselves, and returns how many; there is room
 * for all of s. */
static size_t copy_plain(char *to, struct slice s)
{
	size_t len = 0;

	while (s.len - len >= 8 && copy_eight(to + len, s.data + len))
		len += 8;
	/* The last eight, of which some are copied. */
	if (len && s.len - len < 8 && copy_eight(to + s.len - 8, s.data + s.len - 8))
		return s.len;
	for (; len < s.len && is_plain(s.data[len]); len++)
		to[len] = (char)s.data[len];
	return len;
}

/* Of one to three bytes. */
static unsigned code_point(struct slice s, size_t len)
{
	if (len == 1)
		return s.data[0];
	if (len == 2)
		return (s.data[0] & 0x1fu) << 6 | (s.data[1] & 0x3fu);
	return (s.data[0] & 0xfu) << 12 | (s.data[1] & 0x3fu) << 6 | (s.data[2] & 0x3fu);
}

/* One character that needs a look; returns its length in s. */
static size_t put_json_character(struct buffer *buf, struct slice s)
{
	uint8_t c = s.data[0];
	size_t len = utf8_length(s);

	if (c == '"' || c == '\\') {
		buffer_put_char(buf, '\\');
		buffer_put_char(buf, (char)c);
	} else if (c == '\n') {
		buffer_put_cstr(buf, "\\n");
	} else if (c == '\t') {
		buffer_put_cstr(buf, "\\t");
	} else if (c == '\r') {
		buffer_put_cstr(buf, "\\r");
	} else if (!len) {
		buffer_put_cstr(buf, "\xef\xbf\xbd");
	} else if (!utf8_printable(s)) {
		buffer_printf(buf, "\\u%04x", code_point(s, len));
	} else {
		buffer_put(buf, s.data, len);
	}
	return len ? len : 1;
}

/* What is left of a string after its plain beginning. */
static void put_json_rest(struct buffer *buf, struct slice s)
{
	while (s.len) {
		char *to;
		size_t plain;

		s = slice_from(s, put_json_character(buf, s));
		to = reserve(buf, s.len);
		if (!to)
			return;
		plain = copy_plain(to, s);
		buf->len += plain;
		s = slice_from(s, plain);
	}
}

void buffer_put_json_string(struct buffer *buf, struct slice s)
{
	char *to = reserve(buf, s.len + 2);
	size_t plain;

	if (!to)
		return;
	*to = '"';
	plain = copy_plain(to + 1, s);
	buf->len += plain + 1;
	if (plain < s.len)
		put_json_rest(buf, slice_from(s, plain));
	buffer_put_char(buf, '"');
}
