/* SPDX-License-Identifier: Apache-2.0 */
/* What the semantic conventions, and the existing program, call the things of a span
 * (https://opentelemetry.io/docs/specs/semconv/http/), besides what differs from family to
 * family (span/family.h). */
#ifndef OBI_SPAN_SEMCONV_H
#define OBI_SPAN_SEMCONV_H

#include "span/family.h"
#include "span/instrumentation.h"

/* "STATUS_CODE_UNSET", "STATUS_CODE_ERROR". */
const char *span_status_word(enum span_status status);

/* The method if it is one of the known ones, else "_OTHER" (http.request.method). */
struct slice span_known_method(struct slice method);

/* The name, or what stands instead of one that is an address (`attributes.rename_unresolved_*`):
 * each peer would be a series of its own. */
struct slice peer_named(struct slice name, const char *instead);

/* The bit of `instrumentations` that switches the system (enum obi_instrumentation); 0: none does.
 */
uint32_t system_instrumentation(const struct obi_system *system);

static inline uint32_t span_instrumentation(const struct obi_span *span)
{
	return span->system == &obi_system_http ? OBI_INSTRUMENT_HTTP
						: system_instrumentation(span->system);
}

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

/* http.request.body.size and http.response.body.size: an unknown length counts as 0. */
static inline uint64_t span_body_size(int64_t length)
{
	return length > 0 ? (uint64_t)length : 0;
}

/* The same of a span of any family: others than HTTP know of none. */
static inline uint64_t span_request_size(const struct obi_span *span)
{
	return span->system->family == OBI_FAMILY_HTTP
		       ? span_body_size(span->op.http.request_length)
		       : 0;
}

static inline uint64_t span_response_size(const struct obi_span *span)
{
	return span->system->family == OBI_FAMILY_HTTP
		       ? span_body_size(span->op.http.response_length)
		       : 0;
}

#endif
