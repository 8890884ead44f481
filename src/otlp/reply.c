// SPDX-License-Identifier: Apache-2.0
#include "otlp/reply.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/proto_read.h"
#include "base/utf8.h"

#define HEADER_MAX 8192u
#define RETRY_INFO "type.googleapis.com/google.rpc.RetryInfo"
/* Longer delays are this one: no caller waits so long. */
#define LONGEST_DELAY_NS (UINT64_C(1000000) * NSEC_PER_SEC)

/* opentelemetry/proto/collector/trace/v1/trace_service.proto */
enum response_field {
	RESPONSE_PARTIAL_SUCCESS = 1,
};

enum partial_success_field {
	PARTIAL_REJECTED = 1,
	PARTIAL_MESSAGE = 2,
};

/* google/rpc/status.proto, error_details.proto; google/protobuf/any.proto, duration.proto */
enum status_field {
	STATUS_CODE = 1,
	STATUS_MESSAGE = 2,
	STATUS_DETAILS = 3,
};

enum any_field {
	ANY_TYPE_URL = 1,
	ANY_VALUE = 2,
};

enum retry_info_field {
	RETRY_INFO_DELAY = 1,
};

enum duration_field {
	DURATION_SECONDS = 1,
	DURATION_NANOS = 2,
};

/* ---- Values ---- */

/* As much of the text as there is room for, whole characters; what is no text, and what could
 * drive a terminal, becomes '?'. */
static void copy_message(struct slice text, char ret_message[OTLP_MESSAGE_MAX])
{
	size_t used = 0;

	while (text.len) {
		size_t len = utf8_length(text);
		bool printable = len && utf8_printable(text);
		size_t size = printable ? len : 1;

		if (used + size >= OTLP_MESSAGE_MAX)
			break;
		if (printable)
			memcpy(ret_message + used, text.data, len);
		else
			ret_message[used] = '?';
		used += size;
		text = slice_from(text, len ? len : 1);
	}
	ret_message[used] = '\0';
}

static uint64_t not_negative(int64_t value)
{
	return value > 0 ? (uint64_t)value : 0;
}

/* A google.protobuf.Duration, not negative. */
static uint64_t delay_of(int64_t seconds, int64_t nanos)
{
	uint64_t whole = not_negative(seconds);

	if (whole >= LONGEST_DELAY_NS / NSEC_PER_SEC)
		return LONGEST_DELAY_NS;
	nanos = nanos < (int64_t)NSEC_PER_SEC ? nanos : (int64_t)NSEC_PER_SEC - 1;
	return whole * NSEC_PER_SEC + not_negative(nanos);
}

/* ---- Protobuf ---- */

/* Calls take with each field. 0, or the first error. */
static int for_each_field(struct slice message,
			  int (*take)(void *context, const struct proto_field *field),
			  void *context)
{
	int error = 0;

	while (message.len && !error) {
		struct proto_field field;

		error = proto_read_field(&message, &field);
		error = error ? error : take(context, &field);
	}
	return error;
}

static int take_partial_success(void *context, const struct proto_field *field)
{
	struct otlp_reply *reply = context;

	if (field->number == PARTIAL_REJECTED && field->type == PROTO_VARINT)
		reply->rejected = not_negative((int64_t)field->value);
	else if (field->number == PARTIAL_MESSAGE && field->type == PROTO_LENGTH)
		copy_message(field->bytes, reply->message);
	return 0;
}

static int take_response(void *context, const struct proto_field *field)
{
	if (field->number != RESPONSE_PARTIAL_SUCCESS || field->type != PROTO_LENGTH)
		return 0;
	return for_each_field(field->bytes, take_partial_success, context);
}

struct duration {
	int64_t seconds, nanos;
};

static int take_duration(void *context, const struct proto_field *field)
{
	struct duration *duration = context;

	if (field->number == DURATION_SECONDS && field->type == PROTO_VARINT)
		duration->seconds = (int64_t)field->value;
	else if (field->number == DURATION_NANOS && field->type == PROTO_VARINT)
		duration->nanos = (int64_t)field->value;
	return 0;
}

static int take_retry_info(void *context, const struct proto_field *field)
{
	if (field->number != RETRY_INFO_DELAY || field->type != PROTO_LENGTH)
		return 0;
	return for_each_field(field->bytes, take_duration, context);
}

struct any {
	struct slice type_url, value;
};

static int take_any(void *context, const struct proto_field *field)
{
	struct any *any = context;

	if (field->number == ANY_TYPE_URL && field->type == PROTO_LENGTH)
		any->type_url = field->bytes;
	else if (field->number == ANY_VALUE && field->type == PROTO_LENGTH)
		any->value = field->bytes;
	return 0;
}

static int take_detail(struct otlp_status *status, struct slice bytes)
{
	struct duration duration = { 0 };
	struct any any = { 0 };
	int error = for_each_field(bytes, take_any, &any);

	if (error || !slice_equal(any.type_url, SLICE_LIT(RETRY_INFO)))
		return error;
	error = for_each_field(any.value, take_retry_info, &duration);
	status->may_retry = true;
	status->retry_delay_ns = delay_of(duration.seconds, duration.nanos);
	return error;
}

static int take_status(void *context, const struct proto_field *field)
{
	struct otlp_status *status = context;

	if (field->number == STATUS_CODE && field->type == PROTO_VARINT)
		status->code = (int32_t)field->value;
	else if (field->number == STATUS_MESSAGE && field->type == PROTO_LENGTH)
		copy_message(field->bytes, status->message);
	else if (field->number == STATUS_DETAILS && field->type == PROTO_LENGTH)
		return take_detail(status, field->bytes);
	return 0;
}

/* ---- JSON ---- */

static void cleanup_json(json_t **root)
{
	json_decref(*root);
}

/* NULL where it is no object. */
static json_t *load_object(struct slice body)
{
	json_t *root = json_loadb((const char *)body.data, body.len, JSON_ALLOW_NUL, NULL);

	if (json_is_object(root))
		return root;
	json_decref(root);
	return NULL;
}

static struct slice text_of(const json_t *value)
{
	const char *text = json_string_value(value);

	return text ? slice_of(text, json_string_length(value)) : slice_of(NULL, 0);
}

/* An int64, which may be a string or a number (https://protobuf.dev/programming-guides/json/). */
static int64_t integer_of(const json_t *value)
{
	if (json_is_string(value))
		return strtoll(json_string_value(value), NULL, 10);
	return json_integer_value(value);
}

/* One of two members: parsers take names in lowerCamelCase and as in the definition. */
static const json_t *member(const json_t *object, const char *name, const char *other)
{
	const json_t *value = json_object_get(object, name);

	return value ? value : json_object_get(object, other);
}

static int read_json_reply(struct slice body, struct otlp_reply *reply)
{
	__attribute__((cleanup(cleanup_json))) json_t *root = load_object(body);
	const json_t *partial = member(root, "partialSuccess", "partial_success");
	const json_t *rejected = member(partial, "rejectedSpans", "rejected_spans");

	if (!root)
		return -EPROTO;
	if (!rejected)
		rejected = member(partial, "rejectedDataPoints", "rejected_data_points");
	reply->rejected = not_negative(integer_of(rejected));
	copy_message(text_of(member(partial, "errorMessage", "error_message")), reply->message);
	return 0;
}

/* "1.5s" */
static uint64_t parse_delay(const json_t *value)
{
	const char *text = json_string_value(value);
	int64_t seconds, nanos = 0, scale = NSEC_PER_SEC / 10;
	char *end;

	if (!text)
		return 0;
	seconds = strtoll(text, &end, 10);
	if (*end == '.') {
		for (end++; *end >= '0' && *end <= '9'; end++, scale /= 10)
			nanos += (*end - '0') * scale;
	}
	return text[0] == '-' ? 0 : delay_of(seconds, nanos);
}

static int read_json_status(struct slice body, struct otlp_status *status)
{
	__attribute__((cleanup(cleanup_json))) json_t *root = load_object(body);
	const json_t *details = json_object_get(root, "details"), *detail;
	size_t i;

	if (!root)
		return -EPROTO;
	status->code = (int32_t)json_integer_value(json_object_get(root, "code"));
	copy_message(text_of(json_object_get(root, "message")), status->message);
	json_array_foreach(details, i, detail)
	{
		if (!slice_equal(text_of(json_object_get(detail, "@type")), SLICE_LIT(RETRY_INFO)))
			continue;
		status->may_retry = true;
		status->retry_delay_ns = parse_delay(member(detail, "retryDelay", "retry_delay"));
	}
	return 0;
}

/* ---- The whole ---- */

int otlp_reply_read(enum otlp_reply_format format, struct slice body, struct otlp_reply *ret_reply)
{
	struct otlp_reply reply = { 0 };
	int error = 0;

	if (format == OTLP_REPLY_PROTOBUF)
		error = for_each_field(body, take_response, &reply);
	else if (body.len)
		error = read_json_reply(body, &reply);
	if (!error)
		*ret_reply = reply;
	return error;
}

int otlp_status_read(enum otlp_reply_format format, struct slice body,
		     struct otlp_status *ret_status)
{
	struct otlp_status status = { 0 };
	int error = format == OTLP_REPLY_PROTOBUF ? for_each_field(body, take_status, &status)
						  : read_json_status(body, &status);

	if (!error)
		*ret_status = status;
	return error;
}

static int base64_digit(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int otlp_status_read_header(struct slice value, struct otlp_status *ret_status)
{
	uint8_t bytes[HEADER_MAX / 4 * 3];
	uint32_t word = 0;
	size_t len = 0;

	while (value.len && value.data[value.len - 1] == '=')
		value.len--;
	if (value.len > HEADER_MAX || value.len % 4 == 1)
		return -EPROTO;
	for (size_t i = 0; i < value.len; i++) {
		int digit = base64_digit(value.data[i]);

		if (digit < 0)
			return -EPROTO;
		word = word << 6 | (uint32_t)digit;
		if (i % 4)
			bytes[len++] = (uint8_t)(word >> (6 - 2 * (i % 4)));
	}
	return otlp_status_read(OTLP_REPLY_PROTOBUF, slice_of(bytes, len), ret_status);
}
