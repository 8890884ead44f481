/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Protocol Buffers written straight into a buffer: no tree, no second pass
 * (https://protobuf.dev/programming-guides/encoding/). Where memory runs out the buffer remembers
 * it (base/buffer.h); its content is of no use then.
 *
 * A value is written even where it is the default: members of a oneof and optional fields need
 * that. What may be left out is left out by the caller.
 */
#ifndef OBI_BASE_PROTO_H
#define OBI_BASE_PROTO_H

#include <endian.h>

#include "base/buffer.h"

/* The wire's types of fields. */
enum proto_type {
	PROTO_VARINT = 0,
	PROTO_FIXED64 = 1,
	PROTO_LENGTH = 2,
	PROTO_FIXED32 = 5,
};

#define PROTO_VARINT_MAX 10u /* bytes of a value */
#define PROTO_TAG_MAX 5u     /* bytes of a field's number and type */

/* ---- Raw: into memory that has room ---- */

static inline uint8_t *proto_write_varint(uint8_t *to, uint64_t value)
{
	while (value >= 0x80) {
		*to++ = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	*to++ = (uint8_t)value;
	return to;
}

static inline uint8_t *proto_write_tag(uint8_t *to, uint32_t field, enum proto_type type)
{
	return proto_write_varint(to, (uint64_t)field << 3 | type);
}

static inline uint8_t *proto_write_bytes(uint8_t *to, const void *data, size_t len)
{
	if (len)
		memcpy(to, data, len);
	return to + len;
}

static inline size_t proto_varint_size(uint64_t value)
{
	/* 7 bits a byte: ceil(bits / 7). */
	return ((70u - (unsigned)__builtin_clzll(value | 1)) * 37u) >> 8;
}

/* Room for so many bytes, or NULL; what was written there is kept by proto_written. */
static inline uint8_t *proto_reserve(struct buffer *buf, size_t more)
{
	if (!buf->failed && buf->room - buf->len >= more)
		return (uint8_t *)buf->data + buf->len;
	return (uint8_t *)buffer_reserve(buf, more);
}

static inline void proto_written(struct buffer *buf, const uint8_t *end)
{
	buf->len = (size_t)(end - (const uint8_t *)buf->data);
}

/* ---- Scalars ---- */

static inline void proto_put_varint(struct buffer *buf, uint32_t field, uint64_t value)
{
	uint8_t *to = proto_reserve(buf, PROTO_TAG_MAX + PROTO_VARINT_MAX);

	if (to)
		proto_written(buf,
			      proto_write_varint(proto_write_tag(to, field, PROTO_VARINT), value));
}

static inline void proto_put_bool(struct buffer *buf, uint32_t field, bool value)
{
	proto_put_varint(buf, field, value);
}

/* sint32, sint64: small numbers of either sign are short. */
static inline void proto_put_sint64(struct buffer *buf, uint32_t field, int64_t value)
{
	proto_put_varint(buf, field, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

static inline void proto_put_sint32(struct buffer *buf, uint32_t field, int32_t value)
{
	proto_put_sint64(buf, field, value);
}

static inline void proto_put_fixed64(struct buffer *buf, uint32_t field, uint64_t value)
{
	uint8_t *to = proto_reserve(buf, PROTO_TAG_MAX + sizeof(value));
	const uint64_t little = htole64(value);

	if (to)
		proto_written(buf, proto_write_bytes(proto_write_tag(to, field, PROTO_FIXED64),
						     &little, sizeof(little)));
}

static inline void proto_put_fixed32(struct buffer *buf, uint32_t field, uint32_t value)
{
	uint8_t *to = proto_reserve(buf, PROTO_TAG_MAX + sizeof(value));
	const uint32_t little = htole32(value);

	if (to)
		proto_written(buf, proto_write_bytes(proto_write_tag(to, field, PROTO_FIXED32),
						     &little, sizeof(little)));
}

static inline void proto_put_double(struct buffer *buf, uint32_t field, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	proto_put_fixed64(buf, field, bits);
}

/* bytes; a string too, if it is known to be valid UTF-8; a message that is encoded already. */
static inline void proto_put_bytes(struct buffer *buf, uint32_t field, struct slice value)
{
	uint8_t *to = proto_reserve(buf, PROTO_TAG_MAX + PROTO_VARINT_MAX + value.len);

	if (!to)
		return;
	to = proto_write_varint(proto_write_tag(to, field, PROTO_LENGTH), value.len);
	proto_written(buf, proto_write_bytes(to, value.data, value.len));
}

/* ---- Messages ---- */

/* How many bytes the length of a message takes: 1 up to 127 bytes of content, 2 up to 16383, 3 up
 * to 2 MiB. A wrong guess costs a move of the content, nothing else. */
enum proto_guess {
	PROTO_SMALL = 1,
	PROTO_MIDDLE = 2,
	PROTO_LARGE = 3,
};

/* Begins a message; what is put until proto_end with the returned mark is its content. Messages
 * nest; inner ones end first. The guess stands in the last byte before the content till then. */
static inline size_t proto_begin_guess(struct buffer *buf, uint32_t field, enum proto_guess guess)
{
	uint8_t *to = proto_reserve(buf, PROTO_TAG_MAX + PROTO_VARINT_MAX);

	if (!to)
		return 0;
	to = proto_write_tag(to, field, PROTO_LENGTH) + guess;
	to[-1] = (uint8_t)guess;
	proto_written(buf, to);
	return buf->len;
}

static inline size_t proto_begin(struct buffer *buf, uint32_t field)
{
	return proto_begin_guess(buf, field, PROTO_SMALL);
}

static inline void proto_end(struct buffer *buf, size_t mark)
{
	size_t len, guess, size;
	uint8_t *content;

	if (buf->failed || !mark)
		return;
	len = buf->len - mark;
	guess = (uint8_t)buf->data[mark - 1];
	size = proto_varint_size(len);
	if (size > guess && !proto_reserve(buf, size - guess))
		return;
	content = (uint8_t *)buf->data + mark;
	if (size != guess) {
		memmove(content + size - guess, content, len);
		buf->len = buf->len + size - guess;
	}
	(void)proto_write_varint(content - guess, len);
}

/* ---- Packed lists: fixed64, double, uint64 ---- */

static inline void proto_put_packed_fixed64(struct buffer *buf, uint32_t field,
					    const uint64_t *values, size_t count)
{
	uint8_t *to = proto_reserve(buf, PROTO_TAG_MAX + PROTO_VARINT_MAX + 8 * count);

	if (!to || !count)
		return;
	to = proto_write_varint(proto_write_tag(to, field, PROTO_LENGTH), 8 * count);
	for (size_t i = 0; i < count; i++) {
		const uint64_t little = htole64(values[i]);

		to = proto_write_bytes(to, &little, sizeof(little));
	}
	proto_written(buf, to);
}

static inline void proto_put_packed_double(struct buffer *buf, uint32_t field, const double *values,
					   size_t count)
{
	uint8_t *to = proto_reserve(buf, PROTO_TAG_MAX + PROTO_VARINT_MAX + 8 * count);

	if (!to || !count)
		return;
	to = proto_write_varint(proto_write_tag(to, field, PROTO_LENGTH), 8 * count);
	for (size_t i = 0; i < count; i++) {
		uint64_t bits;

		memcpy(&bits, &values[i], sizeof(bits));
		bits = htole64(bits);
		to = proto_write_bytes(to, &bits, sizeof(bits));
	}
	proto_written(buf, to);
}

static inline void proto_put_packed_uint64(struct buffer *buf, uint32_t field,
					   const uint64_t *values, size_t count)
{
	size_t size = 0;
	uint8_t *to;

	for (size_t i = 0; i < count; i++)
		size += proto_varint_size(values[i]);
	to = proto_reserve(buf, PROTO_TAG_MAX + PROTO_VARINT_MAX + size);
	if (!to || !count)
		return;
	to = proto_write_varint(proto_write_tag(to, field, PROTO_LENGTH), size);
	for (size_t i = 0; i < count; i++)
		to = proto_write_varint(to, values[i]);
	proto_written(buf, to);
}

#endif
