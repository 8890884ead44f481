/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/2 frames (RFC 9113 section 4) of one direction of a connection, cut anywhere.
 *
 * The reader says what ended: a header block, a DATA frame, a stream, SETTINGS. Of DATA it counts
 * the bytes alone, so that they need not have been seen. Nothing is allocated.
 */
#ifndef OBI_PROTOCOL_HTTP2_FRAME_H
#define OBI_PROTOCOL_HTTP2_FRAME_H

#include <stdbool.h>

#include "base/slice.h"

#define HTTP2_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" /* section 3.4 */
#define HTTP2_PREFACE_LEN 24
#define HTTP2_FRAME_HEADER 9
#define HTTP2_FRAME_LEAST 16384          /* SETTINGS_MAX_FRAME_SIZE at first, and its least */
#define HTTP2_FRAME_MOST ((1 << 24) - 1) /* and its most (section 6.5.2) */

enum http2_side {
	HTTP2_SIDE_UNKNOWN,
	HTTP2_CLIENT,
	HTTP2_SERVER,
};

enum http2_event_type {
	HTTP2_NONE,     /* go on */
	HTTP2_HEADERS,  /* a header block is complete: stream, block, flags */
	HTTP2_PROMISE,  /* the same of PUSH_PROMISE; promised is the stream that it opens */
	HTTP2_DATA,     /* a DATA frame ended: stream, length, flags */
	HTTP2_RESET,    /* RST_STREAM: stream, code */
	HTTP2_SETTINGS, /* settings, flags */
	HTTP2_GOAWAY,   /* stream is the last that is answered; code */
};

/* http2_event.flags */
#define HTTP2_END_STREAM 0x01
#define HTTP2_ACK 0x02
/* A part was not seen, or there was no room for it. Of a block the beginning is there, and whatever
 * it inserted behind that is missed: read it, then hpack_lose(). Of DATA the length may include
 * padding. Code, promised stream and settings are not known. */
#define HTTP2_CUT 0x04

#define HTTP2_UNSAID UINT32_MAX

/* Section 6.5.2; HTTP2_UNSAID where the frame does not say it. */
struct http2_settings {
	uint32_t header_table_size; /* for blocks of the other direction, once that acknowledged */
	uint32_t max_frame_size;    /* for frames of the other direction */
};

struct http2_event {
	enum http2_event_type type;
	unsigned flags;
	uint32_t stream;
	uint32_t promised;
	uint32_t code;      /* section 7 */
	uint32_t length;    /* of DATA without its padding */
	struct slice block; /* in the input, or in the reader's room: until the next call */
	struct http2_settings settings;
};

/* Section 6. */
enum http2_frame_type {
	HTTP2_FRAME_DATA,
	HTTP2_FRAME_HEADERS,
	HTTP2_FRAME_PRIORITY,
	HTTP2_FRAME_RST_STREAM,
	HTTP2_FRAME_SETTINGS,
	HTTP2_FRAME_PUSH_PROMISE,
	HTTP2_FRAME_PING,
	HTTP2_FRAME_GOAWAY,
	HTTP2_FRAME_WINDOW_UPDATE,
	HTTP2_FRAME_CONTINUATION,
};

/* Flags of frames. */
#define HTTP2_FLAG_END_STREAM 0x01 /* DATA, HEADERS */
#define HTTP2_FLAG_ACK 0x01        /* SETTINGS, PING */
#define HTTP2_FLAG_END_HEADERS 0x04
#define HTTP2_FLAG_PADDED 0x08
#define HTTP2_FLAG_PRIORITY 0x20 /* HEADERS */

struct http2_frame {
	uint32_t length; /* of the payload */
	uint32_t stream;
	uint8_t type;
	uint8_t flags;
};

/* bytes has HTTP2_FRAME_HEADER of them. */
struct http2_frame http2_frame_of(const uint8_t *bytes);

/* May a frame be of this type, length and stream (section 6)? Unknown types may be, up to
 * max_frame; DATA may always be as long as can be. */
bool http2_frame_is_valid(const struct http2_frame *frame, enum http2_side side,
			  uint32_t max_frame);
/* The same of type and length alone. */
bool http2_frame_length_is_valid(const struct http2_frame *frame, uint32_t max_frame);

/* Takes one setting of HTTP2_SETTING_LEN bytes; unknown ones are passed over. -EPROTO where its
 * value may not be. */
#define HTTP2_SETTING_LEN 6
int http2_take_setting(struct http2_settings *settings, const uint8_t *bytes);

/* What stands before the payload of its own: the padding's length, priority, the promised stream.
 */
uint32_t http2_frame_prefix(const struct http2_frame *frame);

/* Private to frame.c, but for room, room_len and max_frame. */
struct http2_reader {
	/* Where a block goes that comes in pieces. It may be lent at the first -ENOBUFS, and taken
	 * back where http2_holds_room() is false. A longer block is cut. */
	uint8_t *room;
	uint32_t room_len;
	uint32_t max_frame; /* longer frames than DATA are none: the other side's max_frame_size */

	struct http2_frame frame;
	uint32_t left;   /* of the payload, with its padding */
	uint32_t length; /* of the payload without its padding */
	uint32_t code;
	uint32_t promised;
	struct http2_settings settings;
	uint32_t block_stream;
	uint32_t block_len;  /* in room */
	uint8_t block_type;  /* enum http2_event_type of the open block, or HTTP2_NONE */
	uint8_t block_flags; /* HTTP2_* of the block */
	uint8_t flags;       /* HTTP2_* of the frame */
	uint8_t side, state, start;
	uint8_t pad;
	uint8_t small_len; /* of a header, or of what stands before a payload */
	uint8_t small_want;
	uint8_t small[10];
};

/* from_start: the first bytes are those of the direction, the client's the preface. Else they begin
 * a frame, and any size that was agreed on is taken for right. */
void http2_reader_init(struct http2_reader *reader, enum http2_side side, bool from_start);

/* Reads from the start of in, which is not empty, until something ended.
 *
 * Returns the bytes used, at least 1: call again with the rest, as long as there is some;
 * -ENOBUFS if a block comes in pieces and the reader has no room: nothing was used;
 * -EPROTO if this is not HTTP/2; each later call says the same. */
ptrdiff_t http2_read(struct http2_reader *reader, struct slice in, struct http2_event *ret_event);

/* Passes len bytes, at least 1, that nobody saw. Returns 0 while the place is known: within a
 * payload or at its end, which may be an event; else -EPROTO, as does each later call. */
int http2_skip(struct http2_reader *reader, uint64_t len, struct http2_event *ret_event);

/* The bytes that may be skipped here: what is left of the frame's payload. */
uint32_t http2_payload_left(const struct http2_reader *reader);

/* Are there bytes of an open block in the room? */
bool http2_holds_room(const struct http2_reader *reader);

/* Does in begin a direction of HTTP/2, or frames in its middle? In the middle all of in must be
 * frames, to its end, and one must be hardly anything else; where that is a header block, the last
 * frame may go on behind in.
 *
 * Returns 1, and the side where that can be told. *ret_start: this is the preface, or SETTINGS,
 * with which a server's direction begins, but which may also come in the middle. 0 if this is not
 * HTTP/2; -EAGAIN if a longer input may tell. */
int http2_guess(struct slice in, enum http2_side *ret_side, bool *ret_start);

/* The value of HTTP2-Settings, which asks for h2c (RFC 7540 section 3.2.1). -EPROTO if it is none.
 */
int http2_settings_upgrade(struct slice base64url, struct http2_settings *ret_settings);

#endif
