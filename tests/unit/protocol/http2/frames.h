/* SPDX-License-Identifier: Apache-2.0 */
/* Frames and header blocks of HTTP/2, written by hand, and both ends of a connection of them. */
#ifndef OBI_TESTS_PROTOCOL_HTTP2_FRAMES_H
#define OBI_TESTS_PROTOCOL_HTTP2_FRAMES_H

#include "conn/wire.h"
#include "protocol/http2/frame.h"

/* Fields by the static table (RFC 7541 appendix A); texts as literals that go into no table. */
#define M_GET "\x82"
#define M_POST "\x83"
#define S_HTTP "\x86"
#define PATH(len, text) "\x04" len text
#define AUTHORITY(len, text) "\x01" len text
#define ST_200 "\x88"
#define ST_204 "\x89"
#define ST_404 "\x8d"
#define STATUS(text) "\x08\x03" text
#define CT_GRPC                                                                                    \
	"\x0f\x10\x10"                                                                             \
	"application/grpc"
#define GRPC_STATUS(text)                                                                          \
	"\x00\x0b"                                                                                 \
	"grpc-status"                                                                              \
	"\x01" text
#define GRPC_MESSAGE(len, text)                                                                    \
	"\x00\x0c"                                                                                 \
	"grpc-message" len text
/* The same, which go into the dynamic table, and the newest two entries of it. */
#define PATH_KEPT(len, text) "\x44" len text
#define METHOD_KEPT(len, text) "\x42" len text
#define NEWEST "\xbe"
#define SECOND "\xbf"

#define GET(len, path) M_GET S_HTTP PATH(len, path) AUTHORITY("\x01", "h")
#define CALL(len, path) M_POST S_HTTP PATH(len, path) CT_GRPC

#define END_STREAM HTTP2_FLAG_END_STREAM
#define END_HEADERS HTTP2_FLAG_END_HEADERS

struct frames {
	uint8_t bytes[128 * 1024];
	size_t len;
};

static inline void frames_text(struct frames *f, struct slice text)
{
	assert_true(text.len <= sizeof(f->bytes) - f->len);
	if (text.len)
		memcpy(f->bytes + f->len, text.data, text.len);
	f->len += text.len;
}

static inline void frames_add(struct frames *f, uint8_t type, uint8_t flags, uint32_t stream,
			      struct slice payload)
{
	uint8_t header[HTTP2_FRAME_HEADER] = {
		(uint8_t)(payload.len >> 16),
		(uint8_t)(payload.len >> 8),
		(uint8_t)payload.len,
		type,
		flags,
		(uint8_t)(stream >> 24),
		(uint8_t)(stream >> 16),
		(uint8_t)(stream >> 8),
		(uint8_t)stream,
	};

	frames_text(f, slice_of(header, sizeof(header)));
	frames_text(f, payload);
}

/* A whole block in one frame. */
#define frames_headers(f, stream, flags, block)                                                    \
	frames_add(f, HTTP2_FRAME_HEADERS, END_HEADERS | (flags), stream, SLICE_LIT(block))
#define frames_data(f, stream, flags, text)                                                        \
	frames_add(f, HTTP2_FRAME_DATA, flags, stream, SLICE_LIT(text))

static inline void frames_reset(struct frames *f, uint32_t stream, uint8_t code)
{
	frames_add(f, HTTP2_FRAME_RST_STREAM, 0, stream, slice_of((uint8_t[]){ 0, 0, 0, code }, 4));
}

/* What was added passes in one chunk, and f is empty again. */
static inline void frames_pass(struct frames *f, struct wire *w, uint8_t direction)
{
	wire_pass(w, direction, slice_of(f->bytes, f->len), f->len);
	f->len = 0;
}

/* What both ends say first: two steps. */
static inline void frames_begin(struct frames *f, struct wire *w, uint8_t requests)
{
	frames_text(f, SLICE_LIT(HTTP2_PREFACE));
	frames_add(f, HTTP2_FRAME_SETTINGS, 0, 0, SLICE_LIT(""));
	frames_pass(f, w, requests);
	frames_add(f, HTTP2_FRAME_SETTINGS, 0, 0, SLICE_LIT("\0\3\0\0\0\x64"));
	frames_pass(f, w, !requests);
}

struct h2 {
	struct wire *w;
	struct frames f;
	uint8_t requests; /* the direction of them */
};

static inline struct h2 *h2_new(uint8_t side)
{
	struct h2 *h = calloc(1, sizeof(*h));

	h->w = wire_new();
	h->w->stream = true;
	h->w->side = side;
	h->requests = side == OBI_SIDE_CONNECTED ? OBI_SEND : OBI_RECV;
	return h;
}

static inline struct h2 *server(void)
{
	struct h2 *h = h2_new(OBI_SIDE_ACCEPTED);

	frames_begin(&h->f, h->w, h->requests);
	return h;
}

static inline void h2_free(struct h2 *h)
{
	wire_free(h->w);
	free(h);
}

static inline void asks(struct h2 *h)
{
	frames_pass(&h->f, h->w, h->requests);
}

static inline void answers(struct h2 *h)
{
	frames_pass(&h->f, h->w, !h->requests);
}

/* Closed, with exactly these spans. */
static inline void ends_with(struct h2 *h, const char *spans)
{
	wire_close(h->w);
	wire_spans(h->w, spans);
	assert_int_equal(wire_stats(h->w).connections, 0);
	assert_int_equal(wire_stats(h->w).pending, 0);
	h2_free(h);
}

static inline uint64_t drops(const struct h2 *h, enum obi_conn_drop reason)
{
	return wire_stats(h->w).dropped[reason];
}

#endif
