// SPDX-License-Identifier: Apache-2.0
/*
 * A frame goes through three states: its header; a small part that is gathered, since its meaning
 * matters (what stands before a payload, or a control frame's own fields); the rest, of which only
 * header blocks are kept. Each call does one step of that.
 */
#include <errno.h>

#include "protocol/http2/frame.h"

enum state {
	IN_PREFACE,
	IN_HEADER,
	IN_SMALL,
	IN_PAYLOAD,
	BROKEN,
};

/* What the next frame is bound to be. */
enum start {
	ANY,
	SETTINGS_FIRST, /* section 3.4 */
	IN_THE_MIDDLE,  /* may be CONTINUATION of a block that began unseen */
};

#define PRIORITY_LEN 5
#define PROMISED_LEN 4
#define SETTING_LEN HTTP2_SETTING_LEN

static uint32_t load_be32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* ---- Frame headers ----------------------------------------------------------------------------
 */

struct http2_frame http2_frame_of(const uint8_t *bytes)
{
	return (struct http2_frame){
		.length = load_be32(bytes) >> 8,
		.type = bytes[3],
		.flags = bytes[4],
		.stream = load_be32(bytes + 5) & 0x7fffffff, /* one bit is reserved */
	};
}

uint32_t http2_frame_prefix(const struct http2_frame *frame)
{
	uint32_t padded = frame->flags & HTTP2_FLAG_PADDED ? 1 : 0;

	switch (frame->type) {
	case HTTP2_FRAME_DATA:
		return padded;
	case HTTP2_FRAME_HEADERS:
		return padded + (frame->flags & HTTP2_FLAG_PRIORITY ? PRIORITY_LEN : 0);
	case HTTP2_FRAME_PUSH_PROMISE:
		return padded + PROMISED_LEN;
	default:
		return 0;
	}
}

bool http2_frame_length_is_valid(const struct http2_frame *frame, uint32_t max_frame)
{
	uint32_t length = frame->length;

	switch (frame->type) {
	case HTTP2_FRAME_DATA:
		return length >= http2_frame_prefix(frame);
	case HTTP2_FRAME_PRIORITY:
		return length == PRIORITY_LEN;
	case HTTP2_FRAME_RST_STREAM:
	case HTTP2_FRAME_WINDOW_UPDATE:
		return length == 4;
	case HTTP2_FRAME_PING:
		return length == 8;
	case HTTP2_FRAME_SETTINGS:
		return length % SETTING_LEN == 0 && length <= max_frame &&
		       (length == 0 || !(frame->flags & HTTP2_FLAG_ACK));
	case HTTP2_FRAME_GOAWAY:
		return length >= 8 && length <= max_frame;
	default:
		return length >= http2_frame_prefix(frame) && length <= max_frame;
	}
}

static bool has_valid_stream(const struct http2_frame *frame, enum http2_side side)
{
	switch (frame->type) {
	case HTTP2_FRAME_DATA:
	case HTTP2_FRAME_HEADERS:
	case HTTP2_FRAME_CONTINUATION:
		/* Only a server opens even ones, and a client sends nothing on them (section 8.4).
		 */
		return frame->stream && (frame->stream & 1 || side != HTTP2_CLIENT);
	case HTTP2_FRAME_PUSH_PROMISE:
		return frame->stream & 1 && side != HTTP2_CLIENT;
	case HTTP2_FRAME_PRIORITY:
	case HTTP2_FRAME_RST_STREAM:
		return frame->stream;
	case HTTP2_FRAME_SETTINGS:
	case HTTP2_FRAME_PING:
	case HTTP2_FRAME_GOAWAY:
		return !frame->stream;
	default:
		return true;
	}
}

bool http2_frame_is_valid(const struct http2_frame *frame, enum http2_side side, uint32_t max_frame)
{
	return http2_frame_length_is_valid(frame, max_frame) && has_valid_stream(frame, side);
}

/* ---- SETTINGS ---------------------------------------------------------------------------------
 */

static const struct http2_settings nothing_said = { HTTP2_UNSAID, HTTP2_UNSAID };

int http2_take_setting(struct http2_settings *settings, const uint8_t *bytes)
{
	uint32_t value = load_be32(bytes + 2);

	switch (bytes[0] << 8 | bytes[1]) {
	case 1:
		settings->header_table_size = value;
		return 0;
	case 2: /* ENABLE_PUSH */
		return value > 1 ? -EPROTO : 0;
	case 4: /* INITIAL_WINDOW_SIZE */
		return value > INT32_MAX ? -EPROTO : 0;
	case 5:
		if (value < HTTP2_FRAME_LEAST || value > HTTP2_FRAME_MOST)
			return -EPROTO;
		settings->max_frame_size = value;
		return 0;
	default:
		return 0;
	}
}

static int base64url_digit(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

int http2_settings_upgrade(struct slice base64url, struct http2_settings *ret_settings)
{
	struct http2_settings settings = nothing_said;
	uint8_t setting[SETTING_LEN];
	uint32_t word = 0;
	size_t len = 0;

	while (base64url.len && base64url.data[base64url.len - 1] == '=')
		base64url.len--;
	if (base64url.len % (SETTING_LEN * 4 / 3) != 0)
		return -EPROTO;
	for (size_t i = 0; i < base64url.len; i++) {
		int digit = base64url_digit(base64url.data[i]);

		if (digit < 0)
			return -EPROTO;
		word = word << 6 | (uint32_t)digit;
		if (i % 4 != 3)
			continue;
		for (int shift = 16; shift >= 0; shift -= 8)
			setting[len++] = (uint8_t)(word >> shift);
		if (len == SETTING_LEN && http2_take_setting(&settings, setting) < 0)
			return -EPROTO;
		len %= SETTING_LEN;
	}
	*ret_settings = settings;
	return 0;
}

/* ---- The end of a frame -------------------------------------------------------------------------
 */

static void end_block(struct http2_reader *reader, struct slice block, struct http2_event *event)
{
	event->type = (enum http2_event_type)reader->block_type;
	event->stream = reader->block_stream;
	event->flags = reader->block_flags;
	event->promised = reader->promised;
	event->block = block;
	reader->block_type = HTTP2_NONE;
	reader->block_len = 0;
}

static void end_frame(struct http2_reader *reader, struct http2_event *event)
{
	const struct http2_frame *frame = &reader->frame;

	reader->state = IN_HEADER;
	reader->small_len = 0;
	event->stream = frame->stream;
	event->flags = reader->flags;
	switch (frame->type) {
	case HTTP2_FRAME_DATA:
		event->type = HTTP2_DATA;
		event->length = reader->length;
		break;
	case HTTP2_FRAME_RST_STREAM:
		event->type = HTTP2_RESET;
		event->code = reader->code;
		break;
	case HTTP2_FRAME_GOAWAY:
		event->type = HTTP2_GOAWAY;
		event->stream = reader->promised;
		event->code = reader->code;
		break;
	case HTTP2_FRAME_SETTINGS:
		event->type = HTTP2_SETTINGS;
		event->settings = reader->flags & HTTP2_CUT ? nothing_said : reader->settings;
		break;
	case HTTP2_FRAME_HEADERS:
	case HTTP2_FRAME_PUSH_PROMISE:
	case HTTP2_FRAME_CONTINUATION:
		if (frame->flags & HTTP2_FLAG_END_HEADERS)
			end_block(reader, slice_of(reader->room, reader->block_len), event);
		break;
	default:
		break;
	}
}

/* ---- The start of a frame -----------------------------------------------------------------------
 */

static bool holds_block(const struct http2_frame *frame)
{
	return frame->type == HTTP2_FRAME_HEADERS || frame->type == HTTP2_FRAME_PUSH_PROMISE ||
	       frame->type == HTTP2_FRAME_CONTINUATION;
}

static void begin_block(struct http2_reader *reader, enum http2_event_type type, unsigned flags)
{
	reader->block_type = (uint8_t)type;
	reader->block_flags = (uint8_t)flags;
	reader->block_stream = reader->frame.stream;
	reader->block_len = 0;
}

/* A block is in frames that nothing comes between (section 4.3). */
static bool is_in_turn(struct http2_reader *reader, enum start start)
{
	const struct http2_frame *frame = &reader->frame;

	if (start == SETTINGS_FIRST &&
	    (frame->type != HTTP2_FRAME_SETTINGS || frame->flags & HTTP2_FLAG_ACK))
		return false;
	if (reader->block_type != HTTP2_NONE)
		return frame->type == HTTP2_FRAME_CONTINUATION &&
		       frame->stream == reader->block_stream;
	if (frame->type == HTTP2_FRAME_CONTINUATION) {
		if (start != IN_THE_MIDDLE)
			return false;
		begin_block(reader, HTTP2_HEADERS, HTTP2_CUT);
	}
	return true;
}

/* How much of the payload is gathered before the rest. */
static uint32_t small_part(const struct http2_frame *frame)
{
	switch (frame->type) {
	case HTTP2_FRAME_SETTINGS:
		return frame->length ? SETTING_LEN : 0;
	case HTTP2_FRAME_RST_STREAM:
		return 4;
	case HTTP2_FRAME_GOAWAY:
		return 8;
	default:
		return http2_frame_prefix(frame);
	}
}

static unsigned event_flags(const struct http2_frame *frame)
{
	bool ends = frame->type == HTTP2_FRAME_DATA || frame->type == HTTP2_FRAME_HEADERS;

	if (ends && frame->flags & HTTP2_FLAG_END_STREAM)
		return HTTP2_END_STREAM;
	if (frame->type == HTTP2_FRAME_SETTINGS && frame->flags & HTTP2_FLAG_ACK)
		return HTTP2_ACK;
	return 0;
}

static int begin_frame(struct http2_reader *reader, const uint8_t *header,
		       struct http2_event *event)
{
	struct http2_frame *frame = &reader->frame;
	enum start start = (enum start)reader->start;

	*frame = http2_frame_of(header);
	if (!http2_frame_is_valid(frame, (enum http2_side)reader->side, reader->max_frame) ||
	    !is_in_turn(reader, start))
		return -EPROTO;
	reader->start = ANY;
	reader->left = reader->length = frame->length;
	reader->flags = (uint8_t)event_flags(frame);
	reader->code = HTTP2_UNSAID;
	reader->settings = nothing_said;
	reader->pad = 0;
	if (reader->block_type == HTTP2_NONE)
		reader->promised = HTTP2_UNSAID;
	reader->small_len = 0;
	reader->small_want = (uint8_t)small_part(frame);
	if (frame->type == HTTP2_FRAME_HEADERS)
		begin_block(reader, HTTP2_HEADERS, reader->flags);
	else if (frame->type == HTTP2_FRAME_PUSH_PROMISE)
		begin_block(reader, HTTP2_PROMISE, 0);
	reader->state = reader->small_want ? IN_SMALL : IN_PAYLOAD;
	if (reader->left == 0)
		end_frame(reader, event);
	return 0;
}

/* ---- Steps --------------------------------------------------------------------------------------
 */

static int take_prefix(struct http2_reader *reader)
{
	const struct http2_frame *frame = &reader->frame;

	if (frame->type == HTTP2_FRAME_PUSH_PROMISE)
		reader->promised =
			load_be32(reader->small + reader->small_len - PROMISED_LEN) & 0x7fffffff;
	if (!(frame->flags & HTTP2_FLAG_PADDED))
		return 0;
	reader->pad = reader->small[0];
	if (reader->pad > reader->left)
		return -EPROTO;
	reader->length -= 1u + reader->pad;
	return 0;
}

static int take_small(struct http2_reader *reader)
{
	switch (reader->frame.type) {
	case HTTP2_FRAME_SETTINGS:
		return http2_take_setting(&reader->settings, reader->small);
	case HTTP2_FRAME_RST_STREAM:
		reader->code = load_be32(reader->small);
		return 0;
	case HTTP2_FRAME_GOAWAY:
		reader->promised = load_be32(reader->small) & 0x7fffffff;
		reader->code = load_be32(reader->small + 4);
		return 0;
	default:
		return take_prefix(reader);
	}
}

/* Moves bytes to small until it has want. Returns those used. */
static size_t gather(struct http2_reader *reader, struct slice in, size_t want)
{
	struct slice part = slice_first(in, want - reader->small_len);

	memcpy(reader->small + reader->small_len, part.data, part.len);
	reader->small_len += (uint8_t)part.len;
	return part.len;
}

static ptrdiff_t step_preface(struct http2_reader *reader, struct slice in)
{
	struct slice part = slice_first(in, HTTP2_PREFACE_LEN - reader->small_len);

	if (memcmp(&HTTP2_PREFACE[reader->small_len], part.data, part.len) != 0)
		return -EPROTO;
	reader->small_len += (uint8_t)part.len;
	if (reader->small_len == HTTP2_PREFACE_LEN) {
		reader->small_len = 0;
		reader->state = IN_HEADER;
	}
	return (ptrdiff_t)part.len;
}

static ptrdiff_t step_header(struct http2_reader *reader, struct slice in,
			     struct http2_event *event)
{
	size_t used = HTTP2_FRAME_HEADER;
	const uint8_t *header = in.data;
	int err;

	if (reader->small_len || in.len < HTTP2_FRAME_HEADER) {
		used = gather(reader, in, HTTP2_FRAME_HEADER);
		if (reader->small_len < HTTP2_FRAME_HEADER)
			return (ptrdiff_t)used;
		header = reader->small;
	}
	err = begin_frame(reader, header, event);
	return err < 0 ? err : (ptrdiff_t)used;
}

static ptrdiff_t step_small(struct http2_reader *reader, struct slice in, struct http2_event *event)
{
	size_t used = gather(reader, in, reader->small_want);
	int err;

	reader->left -= (uint32_t)used;
	if (reader->small_len < reader->small_want)
		return (ptrdiff_t)used;
	err = take_small(reader);
	if (err < 0)
		return err;
	reader->small_len = 0;
	if (reader->frame.type != HTTP2_FRAME_SETTINGS)
		reader->state = IN_PAYLOAD;
	if (reader->left == 0)
		end_frame(reader, event);
	return (ptrdiff_t)used;
}

/* Keeps a piece of a block, or its beginning. */
static void keep(struct http2_reader *reader, struct slice piece)
{
	size_t room = reader->room_len - reader->block_len;

	if (reader->block_flags & HTTP2_CUT)
		return;
	if (piece.len > room) {
		piece.len = room;
		reader->block_flags |= HTTP2_CUT;
	}
	if (piece.len)
		memcpy(reader->room + reader->block_len, piece.data, piece.len);
	reader->block_len += (uint32_t)piece.len;
}

/* A piece of a block, with or without padding behind it. */
static int step_block(struct http2_reader *reader, struct slice in, struct http2_event *event)
{
	struct slice piece = slice_first(in, reader->left - reader->pad);
	bool whole = in.len >= reader->left && reader->block_len == 0 &&
		     reader->frame.flags & HTTP2_FLAG_END_HEADERS;

	if (whole && !(reader->block_flags & HTTP2_CUT)) {
		reader->state = IN_HEADER;
		end_block(reader, piece, event);
		return 0;
	}
	if (!reader->room && piece.len && !(reader->block_flags & HTTP2_CUT))
		return -ENOBUFS;
	keep(reader, piece);
	return 0;
}

static ptrdiff_t step_payload(struct http2_reader *reader, struct slice in,
			      struct http2_event *event)
{
	size_t used = slice_first(in, reader->left).len;

	if (holds_block(&reader->frame) && reader->left > reader->pad) {
		int err = step_block(reader, in, event);

		if (err < 0)
			return err;
	}
	reader->left -= (uint32_t)used;
	if (reader->left == 0 && event->type == HTTP2_NONE)
		end_frame(reader, event);
	return (ptrdiff_t)used;
}

void http2_reader_init(struct http2_reader *reader, enum http2_side side, bool from_start)
{
	*reader = (struct http2_reader){
		.max_frame = from_start ? HTTP2_FRAME_LEAST : HTTP2_FRAME_MOST,
		.side = (uint8_t)side,
		.state = from_start && side == HTTP2_CLIENT ? IN_PREFACE : IN_HEADER,
		.start = from_start ? SETTINGS_FIRST : IN_THE_MIDDLE,
	};
}

ptrdiff_t http2_read(struct http2_reader *reader, struct slice in, struct http2_event *ret_event)
{
	struct http2_event event = { .type = HTTP2_NONE };
	ptrdiff_t used = -EPROTO;

	switch ((enum state)reader->state) {
	case IN_PREFACE:
		used = step_preface(reader, in);
		break;
	case IN_HEADER:
		used = step_header(reader, in, &event);
		break;
	case IN_SMALL:
		used = step_small(reader, in, &event);
		break;
	case IN_PAYLOAD:
		used = step_payload(reader, in, &event);
		break;
	case BROKEN:
		break;
	}
	if (used == -EPROTO)
		reader->state = BROKEN;
	if (used >= 0)
		*ret_event = event;
	return used;
}

/* What is not known where a part of the payload was not seen. */
static void mark_unseen(struct http2_reader *reader)
{
	if (reader->state == IN_SMALL) {
		reader->flags |= HTTP2_CUT;
		reader->state = IN_PAYLOAD;
	}
	if (holds_block(&reader->frame) && reader->left > reader->pad)
		reader->block_flags |= HTTP2_CUT;
}

int http2_skip(struct http2_reader *reader, uint64_t len, struct http2_event *ret_event)
{
	struct http2_event event = { .type = HTTP2_NONE };

	if (len > http2_payload_left(reader)) {
		reader->state = BROKEN;
		return -EPROTO;
	}
	if (len) {
		mark_unseen(reader);
		reader->left -= (uint32_t)len;
		if (reader->left == 0)
			end_frame(reader, &event);
	}
	*ret_event = event;
	return 0;
}

uint32_t http2_payload_left(const struct http2_reader *reader)
{
	bool within = reader->state == IN_SMALL || reader->state == IN_PAYLOAD;

	return within ? reader->left : 0;
}

bool http2_holds_room(const struct http2_reader *reader)
{
	return reader->block_type != HTTP2_NONE && reader->block_len;
}
