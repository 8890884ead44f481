// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "protocol/http2/frame.h"
#include "protocol/http2/hpack.h"

#define LONGEST_DATA (4 << 20) /* what gRPC's implementations agree on at most */
#define LAST_SETTING 0x10      /* of the registry at IANA */
#define GRPC_SETTING 0xfe03    /* GRPC_ALLOW_TRUE_BINARY_METADATA, of gRPC's C core */
#define LAST_CODE 0x0d         /* section 7 */

/* What a frame tells. */
enum evidence {
	NOT_HTTP2,
	WEAK,   /* other bytes may look like it */
	STRONG, /* if no other frame is against it */
	SURE,
};

static const uint8_t allowed_flags[] = {
	[HTTP2_FRAME_DATA] = HTTP2_FLAG_END_STREAM | HTTP2_FLAG_PADDED,
	[HTTP2_FRAME_HEADERS] = HTTP2_FLAG_END_STREAM | HTTP2_FLAG_END_HEADERS | HTTP2_FLAG_PADDED |
				HTTP2_FLAG_PRIORITY,
	[HTTP2_FRAME_PRIORITY] = 0,
	[HTTP2_FRAME_RST_STREAM] = 0,
	[HTTP2_FRAME_SETTINGS] = HTTP2_FLAG_ACK,
	[HTTP2_FRAME_PUSH_PROMISE] = HTTP2_FLAG_END_HEADERS | HTTP2_FLAG_PADDED,
	[HTTP2_FRAME_PING] = HTTP2_FLAG_ACK,
	[HTTP2_FRAME_GOAWAY] = 0,
	[HTTP2_FRAME_WINDOW_UPDATE] = 0,
	[HTTP2_FRAME_CONTINUATION] = HTTP2_FLAG_END_HEADERS,
};

static uint32_t load_be32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* in may end within the frame's header: then what is there of it. */
static bool is_frame(struct slice in, struct http2_frame *ret_frame)
{
	uint8_t header[HTTP2_FRAME_HEADER] = { 0 };
	struct slice there = slice_first(in, HTTP2_FRAME_HEADER);

	if (there.len < 4)
		return true;
	memcpy(header, there.data, there.len);
	*ret_frame = http2_frame_of(header);
	if (ret_frame->type > HTTP2_FRAME_CONTINUATION || ret_frame->length > LONGEST_DATA ||
	    ret_frame->flags & ~allowed_flags[ret_frame->type] || header[5] & 0x80)
		return false;
	if (there.len < HTTP2_FRAME_HEADER)
		return http2_frame_length_is_valid(ret_frame, HTTP2_FRAME_LEAST);
	return http2_frame_is_valid(ret_frame, HTTP2_SIDE_UNKNOWN, HTTP2_FRAME_LEAST);
}

/* Reads a whole block: one that begins a message has a pseudo-header field first (RFC 9113 section
 * 8.3), which encoders say by the static table. */
static enum evidence of_block(struct slice block, enum http2_side *side)
{
	uint8_t bytes[512];
	struct hpack_scratch scratch = { bytes, sizeof(bytes) };
	struct hpack_field field;
	enum hpack_name first = HPACK_UNKNOWN;
	struct hpack hpack;
	int got, count = 0;

	hpack_init(&hpack, NULL, 0, HPACK_ALL);
	hpack_begin(&hpack);
	while ((got = hpack_next(&hpack, &block, &scratch, &field)) > 0) {
		if (count++ == 0)
			first = field.name;
	}
	if (got < 0 || count == 0)
		return NOT_HTTP2;
	switch (first) {
	case HPACK_STATUS:
		*side = HTTP2_SERVER;
		return SURE;
	case HPACK_METHOD:
	case HPACK_SCHEME:
	case HPACK_PATH:
	case HPACK_AUTHORITY:
		*side = HTTP2_CLIENT;
		return SURE;
	default:
		return WEAK;
	}
}

static enum evidence of_headers(const struct http2_frame *frame, struct slice payload,
				enum http2_side *side)
{
	uint32_t pad = frame->flags & HTTP2_FLAG_PADDED ? payload.data[0] : 0;

	payload = slice_from(payload, http2_frame_prefix(frame));
	if (pad > payload.len)
		return NOT_HTTP2;
	payload.len -= pad;
	if (!(frame->flags & HTTP2_FLAG_END_HEADERS) || !(frame->stream & 1))
		return WEAK;
	return of_block(payload, side);
}

static enum evidence of_settings(const struct http2_frame *frame, struct slice payload)
{
	struct http2_settings settings;

	for (size_t at = 0; at < payload.len; at += HTTP2_SETTING_LEN) {
		const uint8_t *setting = payload.data + at;
		unsigned id = (unsigned)setting[0] << 8 | setting[1];

		if (!id || (id > LAST_SETTING && id != GRPC_SETTING) ||
		    http2_take_setting(&settings, setting) < 0)
			return NOT_HTTP2;
	}
	return payload.len || frame->flags & HTTP2_FLAG_ACK ? STRONG : WEAK;
}

/* payload is whole. */
static enum evidence of_frame(const struct http2_frame *frame, struct slice payload,
			      enum http2_side *side)
{
	switch (frame->type) {
	case HTTP2_FRAME_HEADERS:
		return of_headers(frame, payload, side);
	case HTTP2_FRAME_SETTINGS:
		return of_settings(frame, payload);
	case HTTP2_FRAME_RST_STREAM:
		return load_be32(payload.data) <= LAST_CODE ? STRONG : NOT_HTTP2;
	case HTTP2_FRAME_GOAWAY:
		return load_be32(payload.data + 4) <= LAST_CODE ? STRONG : NOT_HTTP2;
	case HTTP2_FRAME_WINDOW_UPDATE:
		return load_be32(payload.data) - 1 < INT32_MAX ? STRONG : NOT_HTTP2;
	case HTTP2_FRAME_PING:
		return STRONG;
	default:
		return WEAK;
	}
}

static int guess_frames(struct slice in, enum http2_side *side)
{
	enum evidence best = NOT_HTTP2;
	struct http2_frame frame;
	bool cut = false;

	while (in.len) {
		struct slice payload = slice_from(in, HTTP2_FRAME_HEADER);
		enum evidence evidence;

		if (!is_frame(in, &frame))
			return 0;
		cut = in.len < HTTP2_FRAME_HEADER || payload.len < frame.length;
		if (cut)
			break;
		evidence = of_frame(&frame, slice_first(payload, frame.length), side);
		if (evidence == NOT_HTTP2)
			return 0;
		if (evidence > best)
			best = evidence;
		in = slice_from(payload, frame.length);
	}
	return best >= (cut ? SURE : STRONG) ? 1 : -EAGAIN;
}

int http2_guess(struct slice in, enum http2_side *ret_side, bool *ret_start)
{
	struct slice preface = slice_first(SLICE_LIT(HTTP2_PREFACE), in.len);
	enum http2_side side = HTTP2_SIDE_UNKNOWN;
	bool settings = in.len > 4 && in.data[3] == HTTP2_FRAME_SETTINGS && !in.data[4];
	int guess;

	if (slice_has_prefix(in, preface)) {
		if (in.len < HTTP2_PREFACE_LEN)
			return -EAGAIN;
		*ret_side = HTTP2_CLIENT;
		*ret_start = true;
		return 1;
	}
	guess = guess_frames(in, &side);
	if (guess == 1) {
		*ret_side = side == HTTP2_SIDE_UNKNOWN && settings ? HTTP2_SERVER : side;
		*ret_start = settings;
	}
	return guess;
}
