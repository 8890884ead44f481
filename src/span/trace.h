/* SPDX-License-Identifier: Apache-2.0 */
/* Trace identity as text: the traceparent field (https://www.w3.org/TR/trace-context/). */
#ifndef OBI_SPAN_TRACE_H
#define OBI_SPAN_TRACE_H

#include <stdbool.h>

#include "base/slice.h"
#include "obi/record.h"

/* "00-" trace id "-" span id "-" flags, without a terminating zero. */
#define TRACEPARENT_LEN 55

/* Reads the value of a traceparent field. The sender's span becomes ret_trace->span_id;
 * parent_id is zero. Versions above 00 are read as far as version 00 goes (section 3.2.2.2).
 * Returns 0, or -EPROTO where the field must be ignored. */
int trace_parse_traceparent(struct slice value, struct obi_trace *ret_trace);

/* Writes TRACEPARENT_LEN bytes: version 00, the trace's own span as the sender. */
void trace_format_traceparent(const struct obi_trace *trace, char *ret_text);

/* Is there an identity at all? */
bool trace_is_set(const struct obi_trace *trace);

#endif
