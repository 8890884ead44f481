// SPDX-License-Identifier: Apache-2.0
/*
 * Frames of one direction: whole, byte by byte and in pieces the same ends; DATA that is skipped
 * ends as DATA that is read. Each beginning of what is taken for HTTP/2 may be so. And what stands
 * in gRPC's fields. Input: which side and from where, then bytes.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/hash.h"
#include "protocol/http2/frame.h"
#include "protocol/http2/grpc.h"
#include "protocol/http2/huffman.h"

#define ROOM 256
#define GUESSED 300

struct reading {
	struct http2_reader reader;
	uint8_t room[ROOM];
	uint64_t hash; /* of all events */
	uint64_t passed;
};

static void note(struct reading *reading, const struct http2_event *event)
{
	uint32_t fields[] = { event->type,
			      event->flags,
			      event->stream,
			      event->promised,
			      event->code,
			      event->length,
			      event->settings.header_table_size,
			      event->settings.max_frame_size };

	if (event->type == HTTP2_NONE)
		return;
	/* A block is cut by the room only where it comes in pieces. */
	if (event->block.len > ROOM || (event->block.len == ROOM && event->flags & HTTP2_CUT))
		fields[1] |= HTTP2_CUT;
	reading->hash = hash_bytes(fields, sizeof(fields), reading->hash);
	reading->hash =
		hash_bytes(event->block.data, slice_first(event->block, ROOM).len, reading->hash);
}

/* Returns false at the end of all reading. */
static bool read_piece(struct reading *reading, struct slice in)
{
	while (in.len) {
		struct http2_event event = { 0 };
		ptrdiff_t used = http2_read(&reading->reader, in, &event);

		if (used == -EPROTO)
			return false;
		if (used == -ENOBUFS) {
			if (reading->reader.room)
				abort();
			reading->reader.room = reading->room;
			reading->reader.room_len = ROOM;
			continue;
		}
		if (used <= 0 || (size_t)used > in.len)
			abort();
		note(reading, &event);
		reading->passed += (uint64_t)used;
		in = slice_from(in, (size_t)used);
	}
	return true;
}

static struct reading start(uint8_t how)
{
	struct reading reading = { .hash = 1 };

	http2_reader_init(&reading.reader, how & 1 ? HTTP2_CLIENT : HTTP2_SERVER, how & 2);
	return reading;
}

static uint64_t read_all(uint8_t how, struct slice in, size_t step)
{
	struct reading reading = start(how);

	for (; in.len; in = slice_from(in, step)) {
		if (!read_piece(&reading, slice_first(in, step)))
			return hash_bytes("wrong", 5, reading.hash);
	}
	return reading.hash;
}

/* As read_all, but payloads of DATA behind its padding's length are not read. */
static uint64_t read_skipping(uint8_t how, struct slice in)
{
	struct reading reading = start(how);
	struct http2_event event;

	while (in.len) {
		const struct http2_reader *reader = &reading.reader;
		uint32_t left = http2_payload_left(reader);
		bool skips = left && left <= in.len && reader->frame.type == HTTP2_FRAME_DATA &&
			     !reader->small_want;

		if (!skips && !read_piece(&reading, slice_first(in, 1)))
			return hash_bytes("wrong", 5, reading.hash);
		if (skips && http2_skip(&reading.reader, left, &event) < 0)
			abort();
		if (skips)
			note(&reading, &event);
		in = slice_from(in, skips ? left : 1);
	}
	return reading.hash;
}

static void check_reading(uint8_t how, struct slice in)
{
	uint64_t whole = read_all(how, in, in.len ? in.len : 1);

	if (read_all(how, in, 1) != whole || read_all(how, in, 7) != whole ||
	    read_all(how, in, 1 + how) != whole || read_skipping(how, in) != whole)
		abort();
}

/* Holes anywhere: no more is asked than that all goes on or is given up. */
static void check_holes(uint8_t how, struct slice in)
{
	struct reading reading = start(how);
	struct http2_event event;

	for (size_t i = 0; i + 2 < in.len; i += 2u + how % 5) {
		if (!read_piece(&reading, slice_first(slice_from(in, i), 2)))
			return;
		if (http2_skip(&reading.reader, how % 5, &event) < 0)
			return;
	}
}

static void check_guess(struct slice in)
{
	enum http2_side side;
	bool begins;

	if (http2_guess(in, &side, &begins) != 1)
		return;
	for (size_t len = 0; len < in.len && len < GUESSED; len++) {
		if (http2_guess(slice_first(in, len), &side, &begins) == 0)
			abort();
	}
}

static void check_texts(struct slice in)
{
	uint8_t whole[8192], part[16];
	struct http2_settings settings;
	struct grpc_path path;
	bool cut;
	ptrdiff_t len;

	(void)http2_settings_upgrade(in, &settings);
	(void)grpc_is_content_type(in);
	if (grpc_read_status(in) > GRPC_STATUS_LAST)
		abort();
	if (grpc_decode_message(in, part, sizeof(part), &cut) > in.len)
		abort();
	if (grpc_read_path(in, &path) == 0 &&
	    path.service.len + path.method.len + 1 != path.full.len)
		abort();
	len = huffman_decode(in, whole, sizeof(whole), &cut);
	if (len < 0)
		return;
	if ((size_t)len > in.len * 8 / 5)
		abort();
	if (huffman_decode(in, part, sizeof(part), &cut) !=
		    (len < (ptrdiff_t)sizeof(part) ? len : (ptrdiff_t)sizeof(part)) ||
	    memcmp(whole, part, (size_t)(len < (ptrdiff_t)sizeof(part) ? len : 16)) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of its own, so that the sanitizer sees every read past the end. */
	uint8_t *copy;
	struct slice in;

	if (size < 1 || size > 4096 || !(copy = malloc(size - 1 ? size - 1 : 1)))
		return 0;
	memcpy(copy, data + 1, size - 1);
	in = slice_of(copy, size - 1);
	check_reading(data[0], in);
	check_holes(data[0], in);
	check_guess(in);
	check_texts(in);
	free(copy);
	return 0;
}
