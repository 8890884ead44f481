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
const char *span_type_word(enum obi_span_kind type);

/* "SPAN_KIND_SERVER", "SPAN_KIND_CLIENT". */
const char *span_kind_word(enum obi_span_kind type);

/* No answer, or a status that is an error to this side: from 500 on to a server, from 400 on to
 * a client. */
enum span_status span_http_status(const struct obi_span *span);

/* "STATUS_CODE_UNSET", "STATUS_CODE_ERROR". */
const char *span_status_word(enum span_status status);

/* The method if it is one of the known ones, else "_OTHER" (http.request.method). */
struct slice span_known_method(struct slice method);

/* The name, or what stands instead of one that is an address (`attributes.rename_unresolved_*`):
 * each peer would be a series of its own. */
struct slice peer_named(struct slice name, const char *instead);

/* From accept or the start of the queue to the end, ns. */
static inline uint64_t span_duration(const struct obi_span *span)
{
	return span->end_ns > span->request_start_ns ? span->end_ns - span->request_start_ns : 0;
}

/* The service as Prometheus names it: namespace/name, or the name alone, also where size bytes of
 * text do not suffice to put them together. */
struct slice service_job(const struct obi_service *service, char *text, size_t size);

/* The part of its instance host:PID before the colon. */
struct slice service_host(const struct obi_service *service);

/* Appends the span's name: "GET /users/{id}", or the method alone where there is no route. */
void span_put_name(const struct obi_span *span, struct buffer *buf);

/* http.request.body.size and http.response.body.size: an unknown length counts as 0. */
static inline uint64_t span_body_size(int64_t length)
{
	return length > 0 ? (uint64_t)length : 0;
}

#endif
