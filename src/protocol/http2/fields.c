// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "protocol/http2/fields.h"
#include "protocol/http2/grpc.h"
#include "span/trace.h"

static int64_t decimal(struct slice text, int64_t most)
{
	int64_t value = 0;

	if (text.len == 0)
		return -1;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9' || value > most)
			return -1;
		value = 10 * value + text.data[i] - '0';
	}
	return value <= most ? value : -1;
}

static void take_trace(struct http2_fields *fields, struct slice value)
{
	fields->traced = trace_parse_traceparent(value, &fields->trace) == 0;
}

static void take_field(struct http2_fields *fields, const struct hpack_field *field)
{
	int64_t number;

	switch (field->name) {
	case HPACK_METHOD:
		fields->method = field->value;
		break;
	case HPACK_PATH:
		fields->path = field->value;
		break;
	case HPACK_AUTHORITY:
		fields->authority = field->value;
		break;
	case HPACK_HOST:
		if (!fields->authority.len)
			fields->authority = field->value;
		break;
	case HPACK_SCHEME:
		fields->scheme = field->value;
		break;
	case HPACK_STATUS:
		number = decimal(field->value, 999);
		fields->status = number > 0 ? (int)number : 0;
		break;
	case HPACK_CONTENT_TYPE:
		fields->content_type = field->value;
		break;
	case HPACK_CONTENT_LENGTH:
		fields->length = decimal(field->value, INT64_MAX / 16);
		break;
	case HPACK_GRPC_STATUS:
		number = grpc_read_status(field->value);
		fields->grpc_status = number < 0 ? GRPC_UNKNOWN : (int)number;
		break;
	case HPACK_GRPC_MESSAGE:
		fields->grpc_message = field->value;
		break;
	case HPACK_TRACEPARENT:
		take_trace(fields, field->value);
		break;
	case HPACK_UNKNOWN:
		fields->unknown = true;
		break;
	default:
		break;
	}
}

int http2_read_fields(struct hpack *table, const struct http2_event *event,
		      struct hpack_scratch *scratch, struct http2_fields *ret_fields)
{
	struct slice block = event->block;
	struct hpack_field field;
	int found;

	*ret_fields = (struct http2_fields){ .grpc_status = -1, .length = -1 };
	hpack_begin(table);
	while ((found = hpack_next(table, &block, scratch, &field)) > 0)
		take_field(ret_fields, &field);
	if (event->flags & HTTP2_CUT)
		hpack_lose(table);
	return found == -EPROTO ? -EPROTO : 0;
}
