/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the transcoder to JSON: what the fields of OTLP's messages are
 * (https://github.com/open-telemetry/opentelemetry-proto). */
#ifndef OBI_OTLP_JSON_TABLES_H
#define OBI_OTLP_JSON_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum json_kind {
	JSON_MESSAGE,
	JSON_STRING,
	JSON_BYTES, /* base64 */
	JSON_ID,    /* hexadecimal */
	JSON_BOOL,
	JSON_UINT32, /* an enumeration too */
	JSON_SINT32,
	JSON_FIXED32,
	JSON_INT64,
	JSON_UINT64,
	JSON_FIXED64,
	JSON_SFIXED64,
	JSON_DOUBLE,
};

struct json_message;

#define JSON_NUMBERS 32

#define JSON_NAME_ROOM 28

struct json_field {
	char name[JSON_NAME_ROOM]; /* as it is written: ,"name": */
	uint8_t name_length;
	uint8_t number; /* below JSON_NUMBERS */
	uint8_t kind;   /* enum json_kind */
	bool repeated;
	const struct json_message *message;
};

struct json_message {
	const struct json_field *fields;
	size_t count;
};

extern const struct json_message json_trace_request;
extern const struct json_message json_metrics_request;

#endif
