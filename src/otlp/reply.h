/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a collector answers: ExportTraceServiceResponse and ExportMetricsServiceResponse, which have
 * the same numbers, and google.rpc.Status where it refuses
 * (https://opentelemetry.io/docs/specs/otlp/). Bytes from outside: whatever they are, at most
 * OTLP_MESSAGE_MAX of their text are kept, fit for a log line.
 */
#ifndef OBI_OTLP_REPLY_H
#define OBI_OTLP_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

#define OTLP_MESSAGE_MAX 256

enum otlp_reply_format {
	OTLP_REPLY_PROTOBUF,
	OTLP_REPLY_JSON,
};

struct otlp_reply {
	uint64_t rejected;              /* spans, or data points: the rest was taken */
	char message[OTLP_MESSAGE_MAX]; /* why, or a warning; "" = none */
};

struct otlp_status {
	int32_t code; /* google.rpc.Code, as in gRPC; 0 = not given */
	char message[OTLP_MESSAGE_MAX];
	bool may_retry;          /* there is a RetryInfo ... */
	uint64_t retry_delay_ns; /* ... which says after what time */
};

/* Reads the answer to a request that was taken. An empty body is one without partial success.
 * 0, or -EPROTO, -ENOMEM. */
int otlp_reply_read(enum otlp_reply_format format, struct slice body, struct otlp_reply *ret_reply);

/* Reads a google.rpc.Status. 0, or -EPROTO, -ENOMEM. */
int otlp_status_read(enum otlp_reply_format format, struct slice body,
		     struct otlp_status *ret_status);

/* The same from the value of gRPC's grpc-status-details-bin: base64, with or without padding; at
 * most 8 KiB, as headers go. */
int otlp_status_read_header(struct slice value, struct otlp_status *ret_status);

#endif
