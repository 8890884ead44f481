/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OTLP/JSON from the protobuf encoding, so that each signal has one encoder only
 * (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding): names in lowerCamelCase,
 * ids in hexadecimal, enumerations as numbers, 64-bit integers as strings.
 */
#ifndef OBI_OTLP_JSON_H
#define OBI_OTLP_JSON_H

#include "base/buffer.h"
#include "otlp/signal.h"

enum otlp_json_layout {
	OTLP_JSON_COMPACT, /* on one line */
	OTLP_JSON_PRETTY,  /* a member a line, for people: the protocol `debug` */
};

/* Appends the request of that signal as one JSON object without a new line at its end. What the
 * table does not know is left out. 0; -EPROTO where the bytes are no such request, -ENOMEM: what
 * was appended is of no use then. */
int otlp_json_put(enum otlp_signal signal, struct slice request, enum otlp_json_layout layout,
		  struct buffer *buf);

#endif
