// SPDX-License-Identifier: Apache-2.0
/*
 * Tables say what the fields of a message are. A message is read once to see where each of them is,
 * and then those places: members then stand together and in the tables' order, in whatever order
 * they came.
 */
#include "otlp/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/proto_read.h"
#include "otlp/json_tables.h"

/* Deeper than any request of ours; values may hold values. */
#define DEPTH_MAX 32

/* ---- Writing ---- */

struct writer {
	struct buffer *buf;
	bool pretty;
	int depth;
};

/* For what is rare, or dear by its arrays, and so not to be inline in what is neither. */
#define APART __attribute__((noinline))

static APART void put_break(const struct writer *writer)
{
	buffer_put_char(writer->buf, '\n');
	for (int i = 0; i < writer->depth; i++)
		buffer_put_cstr(writer->buf, "  ");
}

/* Before a member or an element: the bracket, if it is the first. */
static void put_separator(const struct writer *writer, char bracket, bool first)
{
	buffer_put_char(writer->buf, (char)(first ? bracket : ','));
	if (writer->pretty)
		put_break(writer);
}

/* The same with the name of a member, in one piece where they stand on one line. */
static void put_name(const struct writer *writer, const struct json_field *field, bool first)
{
	uint8_t *to;

	if (writer->pretty) {
		put_separator(writer, '{', first);
		buffer_put(writer->buf, field->name + 1, field->name_length - 1u);
		buffer_put_char(writer->buf, ' ');
		return;
	}
	/* A copy of a constant length is worth some bytes more. */
	to = proto_reserve(writer->buf, sizeof(field->name));
	if (!to)
		return;
	memcpy(to, field->name, sizeof(field->name));
	if (first)
		*to = '{';
	writer->buf->len += field->name_length;
}

/* Nothing stands between the brackets of what is empty. */
static void put_end(struct writer *writer, const char brackets[2], bool empty)
{
	writer->depth--;
	if (empty)
		buffer_put_char(writer->buf, brackets[0]);
	else if (writer->pretty)
		put_break(writer);
	buffer_put_char(writer->buf, brackets[1]);
}

static APART void put_base64(struct slice bytes, struct buffer *buf)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t left = bytes.len - i;
		uint32_t word = (uint32_t)bytes.data[i] << 16 |
				(left > 1 ? (uint32_t)bytes.data[i + 1] << 8 : 0) |
				(left > 2 ? bytes.data[i + 2] : 0);

		char group[4] = { digits[word >> 18], digits[word >> 12 & 63], '=', '=' };

		if (left > 1)
			group[2] = digits[word >> 6 & 63];
		if (left > 2)
			group[3] = digits[word & 63];
		buffer_put(buf, group, sizeof(group));
	}
}

/* As few digits as give the same number again; what JSON has no numbers for is a string
 * (https://protobuf.dev/programming-guides/json/). */
static APART void put_double(double value, struct buffer *buf)
{
	char text[32];

	if (isnan(value) || isinf(value)) {
		buffer_put_cstr(buf, isnan(value) ? "\"NaN\""
				     : value > 0  ? "\"Infinity\""
						  : "\"-Infinity\"");
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		(void)snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	buffer_put_cstr(buf, text);
}

static void put_quoted(struct buffer *buf, bool is_signed, uint64_t value)
{
	buffer_put_char(buf, '"');
	if (is_signed)
		buffer_put_i64(buf, (int64_t)value);
	else
		buffer_put_u64(buf, value);
	buffer_put_char(buf, '"');
}

static APART void put_number(enum json_kind kind, uint64_t value, struct buffer *buf)
{
	double number;

	switch (kind) {
	case JSON_BOOL:
		buffer_put_cstr(buf, value ? "true" : "false");
		break;
	case JSON_SINT32:
		buffer_put_i64(buf, (int32_t)((uint32_t)value >> 1 ^ -((uint32_t)value & 1)));
		break;
	case JSON_INT64:
	case JSON_SFIXED64:
		put_quoted(buf, true, value);
		break;
	case JSON_UINT64:
	case JSON_FIXED64:
		put_quoted(buf, false, value);
		break;
	case JSON_DOUBLE:
		memcpy(&number, &value, sizeof(number));
		put_double(number, buf);
		break;
	default:
		buffer_put_u64(buf, (uint32_t)value);
	}
}

static APART void put_bytes(enum json_kind kind, struct slice bytes, struct buffer *buf)
{
	buffer_put_char(buf, '"');
	if (kind == JSON_ID)
		buffer_put_hex(buf, bytes.data, bytes.len);
	else
		put_base64(bytes, buf);
	buffer_put_char(buf, '"');
}

/* ---- Reading ---- */

static int put_message(struct writer *writer, const struct json_message *message,
		       struct slice bytes);

static const uint8_t wire_types[] = {
	[JSON_MESSAGE] = PROTO_LENGTH,  [JSON_STRING] = PROTO_LENGTH,
	[JSON_BYTES] = PROTO_LENGTH,    [JSON_ID] = PROTO_LENGTH,
	[JSON_BOOL] = PROTO_VARINT,     [JSON_UINT32] = PROTO_VARINT,
	[JSON_SINT32] = PROTO_VARINT,   [JSON_FIXED32] = PROTO_FIXED32,
	[JSON_INT64] = PROTO_VARINT,    [JSON_UINT64] = PROTO_VARINT,
	[JSON_FIXED64] = PROTO_FIXED64, [JSON_SFIXED64] = PROTO_FIXED64,
	[JSON_DOUBLE] = PROTO_FIXED64,
};

static int put_value(struct writer *writer, const struct json_field *field,
		     const struct proto_field *value)
{
	if (value->type != wire_types[field->kind])
		return -EPROTO;
	if (field->kind == JSON_MESSAGE)
		return put_message(writer, field->message, value->bytes);
	if (field->kind == JSON_STRING)
		buffer_put_json_string(writer->buf, value->bytes);
	else if (value->type == PROTO_LENGTH)
		put_bytes(field->kind, value->bytes, writer->buf);
	else
		put_number(field->kind, value->value, writer->buf);
	return 0;
}

/* An element of a list; first says whether it is the first, and no longer is. */
static int put_element(struct writer *writer, const struct json_field *field,
		       const struct proto_field *value, bool *first)
{
	put_separator(writer, '[', *first);
	*first = false;
	return put_value(writer, field, value);
}

/* The numbers of a packed list. */
static int put_packed(struct writer *writer, const struct json_field *field, struct slice bytes,
		      bool *first)
{
	struct proto_field value = { .type = wire_types[field->kind] };
	int error = 0;

	while (bytes.len && !error) {
		if (value.type == PROTO_FIXED64)
			error = proto_read_fixed64(&bytes, &value.value);
		else if (value.type == PROTO_FIXED32)
			error = proto_read_fixed32(&bytes, &value.value);
		else
			error = proto_read_varint(&bytes, &value.value);
		error = error ? error : put_element(writer, field, &value, first);
	}
	return error;
}

/* Others may stand between its elements. */
static int put_list(struct writer *writer, const struct json_field *field, struct slice bytes)
{
	bool first = true;
	int error = 0;

	writer->depth++;
	while (bytes.len && !error) {
		struct proto_field value;

		error = proto_read_field(&bytes, &value);
		if (error || value.number != field->number)
			continue;
		if (value.type == PROTO_LENGTH && wire_types[field->kind] != PROTO_LENGTH)
			error = put_packed(writer, field, value.bytes, &first);
		else
			error = put_element(writer, field, &value, &first);
	}
	put_end(writer, "[]", first);
	return error;
}

/* The fields of one number: the last of them, and from where to where they are. */
struct found {
	struct proto_field last;
	const uint8_t *from, *to;
};

/* Bits of the numbers that are there, and what was found of each. */
static int find_fields(struct slice bytes, struct found found[JSON_NUMBERS], uint32_t *ret_present)
{
	uint32_t present = 0;

	while (bytes.len) {
		const uint8_t *from = bytes.data;
		struct proto_field field;
		struct found *f;
		int error = proto_read_field(&bytes, &field);

		if (error)
			return error;
		if (field.number >= JSON_NUMBERS)
			continue;
		f = &found[field.number];
		if (!(present & 1u << field.number))
			f->from = from;
		f->to = bytes.data;
		f->last = field;
		present |= 1u << field.number;
	}
	*ret_present = present;
	return 0;
}

static int put_member(struct writer *writer, const struct json_field *field,
		      const struct found *found)
{
	if (field->repeated)
		return put_list(writer, field,
				slice_of(found->from, (size_t)(found->to - found->from)));
	return put_value(writer, field, &found->last);
}

static int put_message(struct writer *writer, const struct json_message *message,
		       struct slice bytes)
{
	struct found found[JSON_NUMBERS];
	uint32_t left = 0;
	bool empty = true;
	int error = writer->depth > DEPTH_MAX ? -EPROTO : find_fields(bytes, found, &left);

	writer->depth++;
	for (const struct json_field *field = message->fields, *end = field + message->count;
	     field < end && left && !error; field++) {
		if (!(left & 1u << field->number))
			continue;
		left &= ~(1u << field->number);
		put_name(writer, field, empty);
		empty = false;
		error = put_member(writer, field, &found[field->number]);
	}
	put_end(writer, "{}", empty);
	return error;
}

int otlp_json_put(enum otlp_signal signal, struct slice request, enum otlp_json_layout layout,
		  struct buffer *buf)
{
	struct writer writer = { .buf = buf, .pretty = layout == OTLP_JSON_PRETTY };
	int error = put_message(&writer,
				signal == OTLP_TRACES ? &json_trace_request : &json_metrics_request,
				request);

	if (error)
		return error;
	return buf->failed ? -ENOMEM : 0;
}
