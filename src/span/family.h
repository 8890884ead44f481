/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the families of spans do each in their own way, and all who export ask for: whether the
 * operation failed and why, and what the span is called
 * (https://opentelemetry.io/docs/specs/semconv/). A row a family.
 */
#ifndef OBI_SPAN_FAMILY_H
#define OBI_SPAN_FAMILY_H

#include "base/buffer.h"
#include "span/span.h"

enum span_status {
	SPAN_STATUS_UNSET, /* success is never said: that is the application's to say */
	SPAN_STATUS_ERROR,
};

/* Room for a value that is a number made text. */
#define SPAN_TEXT 24

struct obi_family {
	enum span_status (*status)(const struct obi_span *span);
	/* Of one whose status is ERROR. The slice lies in the span, in text, or is a constant. */
	struct slice (*error_type)(const struct obi_span *span, char text[SPAN_TEXT]);
	struct slice (*message)(const struct obi_span *span);
	void (*put_name)(const struct obi_span *span, struct buffer *buf);
};

extern const struct obi_family obi_families[OBI_FAMILIES];

/* The row of the span's family. */
static inline const struct obi_family *span_family(const struct obi_span *span)
{
	return &obi_families[span->system->family];
}

/* HTTP: no answer, or a status that is an error to this side: from 500 on to a server, from 400 on
 * to a client. RPC: no status, to a client any but OK, to a server those that are its own fault
 * (https://opentelemetry.io/docs/specs/semconv/rpc/grpc/). Databases and DNS: the answer says so.
 * Messages never fail. */
static inline enum span_status span_status(const struct obi_span *span)
{
	return span_family(span)->status(span);
}

/* error.type: what went wrong, of few words: a status, the name of a code, "_OTHER" where there was
 * no answer; "" where nothing did. */
struct slice span_error_type(const struct obi_span *span, char text[SPAN_TEXT]);

/* Status.message: what the other end says of an error; "" where it is none or says nothing. */
struct slice span_status_message(const struct obi_span *span);

/* Appends the span's name: "GET /users/{id}", "shop.Cart/Add", "SELECT orders", "GET", "publish
 * orders", "AAAA example.org"; the system's fallback where nothing else is known (of HTTP,
 * nothing). */
void span_put_name(const struct obi_span *span, struct buffer *buf);

/* "HTTP", "HTTPClient", "RedisServer", "DNS": the word of the trace printer. */
const char *span_type_word(const struct obi_span *span);

/* "SPAN_KIND_SERVER", "SPAN_KIND_CLIENT", ... */
const char *span_kind_word(enum obi_span_kind kind);

/* Name of a gRPC status code ("OK", "CANCELLED"), "" of what is none
 * (https://grpc.io/docs/guides/status-codes/). */
struct slice span_rpc_status_name(int status);

#endif
