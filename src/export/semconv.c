// SPDX-License-Identifier: Apache-2.0
#include "export/semconv.h"

#include "base/cleanup.h"

static const struct {
	const char *type;
	const char *kind;
	int first_error; /* status */
} words[OBI_SPAN_TYPES] = {
	[OBI_SPAN_HTTP_SERVER] = { "HTTP", "SPAN_KIND_SERVER", 500 },
	[OBI_SPAN_HTTP_CLIENT] = { "HTTPClient", "SPAN_KIND_CLIENT", 400 },
};

const char *span_type_word(enum obi_span_type type)
{
	return words[type].type;
}

const char *span_kind_word(enum obi_span_type type)
{
	return words[type].kind;
}

enum span_status span_http_status(const struct obi_span *span)
{
	return span->status == 0 || span->status >= words[span->type].first_error
		       ? SPAN_STATUS_ERROR
		       : SPAN_STATUS_UNSET;
}

struct slice span_known_method(struct slice method)
{
	/* RFC 9110 section 9, RFC 5789; the commonest first. */
	static const struct slice known[] = {
		{ (const uint8_t *)"GET", 3 },     { (const uint8_t *)"POST", 4 },
		{ (const uint8_t *)"PUT", 3 },     { (const uint8_t *)"HEAD", 4 },
		{ (const uint8_t *)"DELETE", 6 },  { (const uint8_t *)"PATCH", 5 },
		{ (const uint8_t *)"OPTIONS", 7 }, { (const uint8_t *)"CONNECT", 7 },
		{ (const uint8_t *)"TRACE", 5 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (slice_equal(method, known[i]))
			return known[i];
	}
	return SLICE_LIT("_OTHER");
}

void span_put_name(const struct obi_span *span, struct buffer *buf)
{
	buffer_put_slice(buf, span->method);
	if (!span->route.len)
		return;
	buffer_put_char(buf, ' ');
	buffer_put_slice(buf, span->route);
}
