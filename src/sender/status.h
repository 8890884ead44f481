/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a collector's answer means. Sources: OTLP specification 1.10 ("OTLP/gRPC Response",
 * "OTLP/HTTP Response"), gRPC's PROTOCOL-HTTP2.md and http-grpc-status-mapping.md,
 * google.rpc.Status and RetryInfo (rpc/status.proto, rpc/error_details.proto), RFC 9110
 * section 10.2.3 (Retry-After). All input comes from outside; nothing here keeps a reference to it.
 */
#ifndef OBI_SENDER_STATUS_H
#define OBI_SENDER_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum sender_verdict {
	SENDER_EXPORTED, /* all of it, or a part: the body tells */
	SENDER_RETRY,    /* the same bytes again, later */
	SENDER_REFUSED,  /* never again */
};

#define SENDER_NO_STATUS (-1)
#define SENDER_MESSAGE_MAX 200

struct sender_status {
	int http;         /* 0: no answer */
	int grpc;         /* SENDER_NO_STATUS: none came */
	bool retry_after; /* the collector said when to come again: in wait_ns */
	bool retry_info;  /* it said so by RetryInfo, which RESOURCE_EXHAUSTED needs */
	uint64_t wait_ns;
	char message[SENDER_MESSAGE_MAX]; /* grpc-message, printable */
};

/* One header or trailer line, "name: value" with or without its end. now_s: seconds since the
 * epoch, for dates. Unknown ones change nothing. */
void sender_status_header(struct sender_status *status, struct slice line, int64_t now_s);

/* The verdict on a complete answer. */
enum sender_verdict sender_status_verdict(const struct sender_status *status, bool grpc);

/* "UNAVAILABLE"; "code 99" is "?". */
const char *sender_status_name(int grpc);

#endif
