/* SPDX-License-Identifier: Apache-2.0 */
/* What a header block says of a request, a response, or of trailers. */
#ifndef OBI_PROTOCOL_HTTP2_FIELDS_H
#define OBI_PROTOCOL_HTTP2_FIELDS_H

#include "obi/record.h"
#include "protocol/http2/frame.h"
#include "protocol/http2/hpack.h"

struct http2_fields {
	struct slice method, path, authority, scheme, content_type, grpc_message;
	struct obi_trace trace;
	int status;      /* 0: none */
	int grpc_status; /* -1: none */
	int64_t length;
	bool traced;
	bool unknown; /* there are fields that nobody knows any more */
};

/* Reads the block of an event, HEADERS or PROMISE; where it was cut, the table has lost what is
 * behind. Texts point into the block, the table's constants and the scratch. -EPROTO: it is none,
 * and what was read before is there. */
int http2_read_fields(struct hpack *table, const struct http2_event *event,
		      struct hpack_scratch *scratch, struct http2_fields *ret_fields);

#endif
