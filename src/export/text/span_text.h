/* SPDX-License-Identifier: Apache-2.0 */
/* A span as one line of text and as a JSON object: what `trace_printer` prints. */
#ifndef OBI_EXPORT_TEXT_SPAN_TEXT_H
#define OBI_EXPORT_TEXT_SPAN_TEXT_H

#include "base/buffer.h"
#include "span/span.h"

/* Local time of the second that was asked for last: spans come close together. */
struct local_second {
	uint64_t second;
	char text[32]; /* "2026-11-24 15:29:36", "" at first */
};

/* Appends the line without '\n'. Bytes that could drive a terminal appear as \x1b. */
void span_put_text(const struct obi_span *span, struct local_second *second, struct buffer *buf);

/* Appends the object. indent: blanks before the closing brace, one more before the members;
 * negative: all on one line. */
void span_put_json(const struct obi_span *span, int indent, struct buffer *buf);

#endif
