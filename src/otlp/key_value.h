/* SPDX-License-Identifier: Apache-2.0 */
/* The pieces of OTLP that everything consists of: text, KeyValue, AnyValue
 * (opentelemetry/proto/common/v1/common.proto). */
#ifndef OBI_OTLP_KEY_VALUE_H
#define OBI_OTLP_KEY_VALUE_H

#include "base/proto.h"
#include "base/utf8.h"

/* ---- Text from outside ---- */

/* Longest value of an attribute, bytes: more than any name, path or route that means something,
 * and a batch of 4096 spans whose paths are all that long stays within 16 MiB. */
#define OTLP_TEXT_MAX 4096u

/* What had to be done to a text. */
struct otlp_faults {
	uint32_t replaced; /* bytes that are no UTF-8, each now U+FFFD */
	uint32_t cut;      /* texts cut to OTLP_TEXT_MAX */
};

static inline void otlp_faults_add(struct otlp_faults *total, struct otlp_faults more)
{
	total->replaced += more.replaced;
	total->cut += more.cut;
}

/* May text go out as it is? */
static inline bool otlp_text_is_clean(struct slice text)
{
	return text.len <= OTLP_TEXT_MAX && utf8_valid(text);
}

/* Writes it as valid UTF-8 of at most OTLP_TEXT_MAX bytes, which ret_text has room for, ending
 * after a whole character; returns its length. */
static inline size_t otlp_clean_text(struct slice text, uint8_t ret_text[OTLP_TEXT_MAX],
				     struct otlp_faults *faults)
{
	size_t used = 0;

	while (text.len) {
		size_t len = utf8_length(text);
		size_t size = len ? len : 3;

		if (OTLP_TEXT_MAX - used < size) {
			faults->cut++;
			break;
		}
		memcpy(ret_text + used, len ? (const char *)text.data : "\xef\xbf\xbd", size);
		faults->replaced += !len;
		used += size;
		text = slice_from(text, len ? len : 1);
	}
	return used;
}

/* Apart, so that the common way does not carry its stack. */
__attribute__((noinline, unused)) static struct otlp_faults
otlp_put_dirty_text(struct buffer *buf, uint32_t field, struct slice text)
{
	struct otlp_faults faults = { 0 };
	uint8_t clean[OTLP_TEXT_MAX];

	proto_put_bytes(buf, field, slice_of(clean, otlp_clean_text(text, clean, &faults)));
	return faults;
}

/* A string field with text from outside. */
static inline struct otlp_faults otlp_put_text(struct buffer *buf, uint32_t field,
					       struct slice text)
{
	if (!otlp_text_is_clean(text))
		return otlp_put_dirty_text(buf, field, text);
	proto_put_bytes(buf, field, text);
	return (struct otlp_faults){ 0 };
}

/* ---- KeyValue and AnyValue ---- */

enum otlp_key_value_field {
	OTLP_KEY_VALUE_KEY = 1,
	OTLP_KEY_VALUE_VALUE = 2,
};

enum otlp_any_value_field {
	OTLP_ANY_STRING = 1,
	OTLP_ANY_BOOL = 2,
	OTLP_ANY_INT = 3,
	OTLP_ANY_DOUBLE = 4,
	OTLP_ANY_ARRAY = 5,
};

/* Begins a KeyValue with so many bytes of AnyValue; returns where that goes. Keys are our own or
 * clean, and not longer than OTLP_TEXT_MAX. */
static inline uint8_t *otlp_begin_key_value(struct buffer *buf, uint32_t field, struct slice key,
					    size_t value_size)
{
	size_t size = 1 + proto_varint_size(key.len) + key.len + 1 + proto_varint_size(value_size) +
		      value_size;
	uint8_t *to = proto_reserve(buf, PROTO_TAG_MAX + PROTO_VARINT_MAX + size);

	if (!to)
		return NULL;
	to = proto_write_varint(proto_write_tag(to, field, PROTO_LENGTH), size);
	to = proto_write_varint(proto_write_tag(to, OTLP_KEY_VALUE_KEY, PROTO_LENGTH), key.len);
	to = proto_write_bytes(to, key.data, key.len);
	return proto_write_varint(proto_write_tag(to, OTLP_KEY_VALUE_VALUE, PROTO_LENGTH),
				  value_size);
}

/* An attribute with text that is clean already: our own words, or seen before. */
static inline void otlp_put_clean_attribute(struct buffer *buf, uint32_t field, struct slice key,
					    struct slice value)
{
	uint8_t *to =
		otlp_begin_key_value(buf, field, key, 1 + proto_varint_size(value.len) + value.len);

	if (!to)
		return;
	to = proto_write_varint(proto_write_tag(to, OTLP_ANY_STRING, PROTO_LENGTH), value.len);
	proto_written(buf, proto_write_bytes(to, value.data, value.len));
}

__attribute__((noinline, unused)) static struct otlp_faults
otlp_put_dirty_attribute(struct buffer *buf, uint32_t field, struct slice key, struct slice value)
{
	struct otlp_faults faults = { 0 };
	uint8_t clean[OTLP_TEXT_MAX];

	otlp_put_clean_attribute(buf, field, key,
				 slice_of(clean, otlp_clean_text(value, clean, &faults)));
	return faults;
}

/* An attribute with text from outside. */
static inline struct otlp_faults otlp_put_string_attribute(struct buffer *buf, uint32_t field,
							   struct slice key, struct slice value)
{
	if (!otlp_text_is_clean(value))
		return otlp_put_dirty_attribute(buf, field, key, value);
	otlp_put_clean_attribute(buf, field, key, value);
	return (struct otlp_faults){ 0 };
}

static inline void otlp_put_int_attribute(struct buffer *buf, uint32_t field, struct slice key,
					  int64_t value)
{
	uint8_t *to = otlp_begin_key_value(buf, field, key, 1 + proto_varint_size((uint64_t)value));

	if (to)
		proto_written(buf,
			      proto_write_varint(proto_write_tag(to, OTLP_ANY_INT, PROTO_VARINT),
						 (uint64_t)value));
}

static inline void otlp_put_bool_attribute(struct buffer *buf, uint32_t field, struct slice key,
					   bool value)
{
	uint8_t *to = otlp_begin_key_value(buf, field, key, 2);

	if (to)
		proto_written(buf,
			      proto_write_varint(proto_write_tag(to, OTLP_ANY_BOOL, PROTO_VARINT),
						 value));
}

static inline void otlp_put_double_attribute(struct buffer *buf, uint32_t field, struct slice key,
					     double value)
{
	uint8_t *to = otlp_begin_key_value(buf, field, key, 9);
	uint64_t bits;

	if (!to)
		return;
	memcpy(&bits, &value, sizeof(bits));
	bits = htole64(bits);
	to = proto_write_tag(to, OTLP_ANY_DOUBLE, PROTO_FIXED64);
	proto_written(buf, proto_write_bytes(to, &bits, sizeof(bits)));
}

/* An array of strings from outside. */
static inline struct otlp_faults otlp_put_strings_attribute(struct buffer *buf, uint32_t field,
							    struct slice key,
							    const struct slice *values,
							    size_t count)
{
	size_t attribute = proto_begin(buf, field), value, array;
	struct otlp_faults faults = { 0 };

	proto_put_bytes(buf, OTLP_KEY_VALUE_KEY, key);
	value = proto_begin(buf, OTLP_KEY_VALUE_VALUE);
	array = proto_begin(buf, OTLP_ANY_ARRAY);
	for (size_t i = 0; i < count; i++) {
		size_t item = proto_begin(buf, 1);

		otlp_faults_add(&faults, otlp_put_text(buf, OTLP_ANY_STRING, values[i]));
		proto_end(buf, item);
	}
	proto_end(buf, array);
	proto_end(buf, value);
	proto_end(buf, attribute);
	return faults;
}

#endif
