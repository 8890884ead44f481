/* SPDX-License-Identifier: Apache-2.0 */
/* What the semantic conventions, and the existing program, call the things of a span
 * (https://opentelemetry.io/docs/specs/semconv/http/). */
#ifndef OBI_EXPORT_SEMCONV_H
#define OBI_EXPORT_SEMCONV_H

#include "base/buffer.h"
#include "span/span.h"

enum span_status {
	SPAN_STATUS_UNSET,
	SPAN_STATUS_ERROR,
};

/* "HTTP", "HTTPClient": the word of the trace printer. */
const char *span_type_word(enum obi_span_type type);

/* "SPAN_KIND_SERVER", "SPAN_KIND_CLIENT". */
const char *span_kind_word(enum obi_span_type type);

/* No answer, or a status that is an error to this side: from 500 on to a server, from 400 on to
 * a client. */
enum span_status span_http_status(const struct obi_span *span);

/* The method if it is one of the known ones, else "_OTHER" (http.request.method). */
struct slice span_known_method(struct slice method);

/* Appends the span's name: "GET /users/{id}", or the method alone where there is no route. */
void span_put_name(const struct obi_span *span, struct buffer *buf);

/* http.request.body.size and http.response.body.size: an unknown length counts as 0. */
static inline uint64_t span_body_size(int64_t length)
{
	return length > 0 ? (uint64_t)length : 0;
}

#endif
