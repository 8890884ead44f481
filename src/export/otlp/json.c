// SPDX-License-Identifier: Apache-2.0
/*
 * Tables say what the fields of a message are. A message is read once to see which are there, and
 * once for each of those: members then stand together and in the tables' order, in whatever order
 * they came.
 */
#include "export/otlp/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "export/otlp/json_tables.h"
#include "export/otlp/proto_read.h"

/* Deeper than any request of ours; values may hold values. */
#define DEPTH_MAX 32

/* ---- Writing ---- */

struct writer {
	struct buffer *buf;
	bool pretty;
	int depth;
};

static void put_break(const struct writer *writer)
{
	if (!writer->pretty)
		return;
	buffer_put_char(writer->buf, '\n');
	for (int i = 0; i < writer->depth; i++)
		buffer_put_cstr(writer->buf, "  ");
}

static void put_open(struct writer *writer, char bracket)
{
	buffer_put_char(writer->buf, bracket);
	writer->depth++;
}

/* Nothing stands between the brackets of what is empty. */
static void put_close(struct writer *writer, char bracket, bool empty)
{
	writer->depth--;
	if (!empty)
		put_break(writer);
	buffer_put_char(writer->buf, bracket);
}

static void put_base64(struct slice bytes, struct buffer *buf)
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
static void put_double(double value, struct buffer *buf)
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

static void put_number(enum json_kind kind, uint64_t value, struct buffer *buf)
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

static void put_bytes(enum json_kind kind, struct slice bytes, struct buffer *buf)
{
	if (kind == JSON_STRING) {
		buffer_put_json_string(buf, bytes);
		return;
	}
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

static enum proto_type wire_type(enum json_kind kind)
{
	switch (kind) {
	case JSON_FIXED32:
		return PROTO_FIXED32;
	case JSON_FIXED64:
	case JSON_SFIXED64:
	case JSON_DOUBLE:
		return PROTO_FIXED64;
	case JSON_MESSAGE:
	case JSON_STRING:
	case JSON_BYTES:
	case JSON_ID:
		return PROTO_LENGTH;
	default:
		return PROTO_VARINT;
	}
}

static int put_value(struct writer *writer, const struct json_field *field,
		     const struct proto_field *value)
{
	if (value->type != wire_type(field->kind))
		return -EPROTO;
	if (field->kind == JSON_MESSAGE)
		return put_message(writer, field->message, value->bytes);
	if (value->type == PROTO_LENGTH)
		put_bytes(field->kind, value->bytes, writer->buf);
	else
		put_number(field->kind, value->value, writer->buf);
	return 0;
}

/* An element of a list; first says whether it is the first, and no longer is. */
static int put_element(struct writer *writer, const struct json_field *field,
		       const struct proto_field *value, bool *first)
{
	if (!*first)
		buffer_put_char(writer->buf, ',');
	*first = false;
	put_break(writer);
	return put_value(writer, field, value);
}

/* The numbers of a packed list. */
static int put_packed(struct writer *writer, const struct json_field *field, struct slice bytes,
		      bool *first)
{
	struct proto_field value = { .type = wire_type(field->kind) };
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

static int put_list(struct writer *writer, const struct json_field *field, struct slice bytes)
{
	bool first = true;
	int error = 0;

	put_open(writer, '[');
	while (bytes.len && !error) {
		struct proto_field value;

		error = proto_read_field(&bytes, &value);
		if (error || value.number != field->number)
			continue;
		if (value.type == PROTO_LENGTH && wire_type(field->kind) != PROTO_LENGTH)
			error = put_packed(writer, field, value.bytes, &first);
		else
			error = put_element(writer, field, &value, &first);
	}
	put_close(writer, ']', first);
	return error;
}

/* The last one counts. */
static int put_single(struct writer *writer, const struct json_field *field, struct slice bytes)
{
	struct proto_field value = { 0 };

	while (bytes.len) {
		struct proto_field next;
		int error = proto_read_field(&bytes, &next);

		if (error)
			return error;
		if (next.number == field->number)
			value = next;
	}
	return put_value(writer, field, &value);
}

/* Bits of the fields that are there. */
static int get_present(struct slice bytes, uint32_t *ret_present)
{
	uint32_t present = 0;

	while (bytes.len) {
		struct proto_field field;
		int error = proto_read_field(&bytes, &field);

		if (error)
			return error;
		present |= field.number < 32 ? 1u << field.number : 0;
	}
	*ret_present = present;
	return 0;
}

static int put_message(struct writer *writer, const struct json_message *message,
		       struct slice bytes)
{
	uint32_t present = 0;
	bool empty = true;
	int error = writer->depth > DEPTH_MAX ? -EPROTO : get_present(bytes, &present);

	put_open(writer, '{');
	for (size_t i = 0; i < message->count && !error; i++) {
		const struct json_field *field = &message->fields[i];

		if (!(present & 1u << field->number))
			continue;
		if (!empty)
			buffer_put_char(writer->buf, ',');
		empty = false;
		put_break(writer);
		buffer_put_char(writer->buf, '"');
		buffer_put_cstr(writer->buf, field->name);
		buffer_put_cstr(writer->buf, writer->pretty ? "\": " : "\":");
		error = field->repeated ? put_list(writer, field, bytes)
					: put_single(writer, field, bytes);
	}
	put_close(writer, '}', empty);
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
