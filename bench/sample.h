/* SPDX-License-Identifier: Apache-2.0 */
/* A typical service, and typical spans of an HTTP server. */
#ifndef OBI_BENCH_SAMPLE_H
#define OBI_BENCH_SAMPLE_H

#include <stdio.h>

#include "span/span.h"

#define SAMPLE_PATH 64

static const struct obi_service sample_service = {
	.pid = 1000,
	.name = "checkout",
	.name_space = "shop",
	.language = "go",
	.instance = "node-17.example.org:1000",
};

/* The i-th request; path holds a text of the span. */
static inline struct obi_span sample_span(uint64_t i, char path[SAMPLE_PATH])
{
	int len = snprintf(path, SAMPLE_PATH, "/api/v1/customers/%llu/orders",
			   (unsigned long long)(100000 + i % 100000));
	struct obi_span span = {
		.system = &obi_system_http,
		.kind = OBI_KIND_SERVER,
		.request_start_ns = 1795534176432936000 + i * 1000,
		.start_ns = 1795534176432936000 + i * 1000,
		.end_ns = 1795534176432936000 + i * 1000 + 1500000,
		.op.http.status = 200,
		.op.http.response_length = 1843,
		.op.http.method = SLICE_LIT("GET"),
		.op.http.path = slice_of(path, (size_t)len),
		.op.http.query = SLICE_LIT("page=2&size=50"),
		.op.http.route = SLICE_LIT("/api/v1/customers/:id/orders"),
		.op.http.scheme = SLICE_LIT("http"),
		.host_port = 8080,
		.peer_port = 40000,
		.peer_name = SLICE_LIT("10.42.17.203"),
		.host_name = SLICE_LIT("checkout"),
		.trace.trace_flags = 1,
		.service = &sample_service,
	};

	memset(span.trace.trace_id, (int)(i | 1), sizeof(span.trace.trace_id));
	memset(span.trace.span_id, (int)(i | 1), sizeof(span.trace.span_id));
	memset(span.trace.parent_id, 7, sizeof(span.trace.parent_id));
	return span;
}

#endif
