// SPDX-License-Identifier: Apache-2.0
/* Frames: the bytes, and what ended in them. Every input is cut into two everywhere, and read byte
 * by byte; pieces end at a guard page. */
#include <errno.h>
#include <stdio.h>

#include "protocol/http2/frame.h"
#include "protocol/http2/hex.h"

#define PREFACE "505249202a20485454502f322e300d0a0d0a534d0d0a0d0a"
#define SETTINGS "000000 04 00 00000000"
#define ALL SIZE_MAX

static uint8_t input[HEX_ROOM], room[64];
static char lines[8192];

static void append(char *to, size_t room_of_to, const char *text)
{
	size_t len = strlen(to), more = strlen(text) + 1;

	assert_true(len + more <= room_of_to);
	memcpy(to + len, text, more);
}

static void put(const char *text)
{
	append(lines, sizeof(lines), text);
}

static void put_number(const char *name, uint32_t number)
{
	char text[64];

	if (number == HTTP2_UNSAID)
		snprintf(text, sizeof(text), " %s ?", name);
	else
		snprintf(text, sizeof(text), " %s %u", name, number);
	put(text);
}

static void put_block(struct slice block)
{
	char text[4];

	put(" ");
	for (size_t i = 0; i < block.len; i++) {
		snprintf(text, sizeof(text), "%02x", block.data[i]);
		put(text);
	}
}

static void put_event(const struct http2_event *event)
{
	static const char *const types[] = { "",      "headers",  "promise", "data",
					     "reset", "settings", "goaway" };

	if (event->type == HTTP2_NONE)
		return;
	put(types[event->type]);
	if (event->type != HTTP2_SETTINGS)
		put_number("on", event->stream);
	if (event->type == HTTP2_PROMISE)
		put_number("of", event->promised);
	if (event->type == HTTP2_HEADERS || event->type == HTTP2_PROMISE)
		put_block(event->block);
	if (event->type == HTTP2_DATA)
		put_number("length", event->length);
	if (event->type == HTTP2_RESET || event->type == HTTP2_GOAWAY)
		put_number("code", event->code);
	if (event->type == HTTP2_SETTINGS) {
		put_number("table", event->settings.header_table_size);
		put_number("frame", event->settings.max_frame_size);
	}
	put(event->flags & HTTP2_END_STREAM ? " end" : "");
	put(event->flags & HTTP2_ACK ? " ack" : "");
	put(event->flags & HTTP2_CUT ? " cut\n" : "\n");
}

static void read_piece(struct http2_reader *reader, struct slice in)
{
	struct http2_event event;
	ptrdiff_t used;

	for (in = guarded(in); in.len; in = slice_from(in, (size_t)used)) {
		used = http2_read(reader, in, &event);
		if (used == -ENOBUFS) {
			assert_null(reader->room);
			reader->room = room;
			reader->room_len = sizeof(room);
			used = 0;
			continue;
		}
		if (used < 0) {
			if (!strstr(lines, "wrong"))
				put("wrong\n");
			return;
		}
		assert_true(used > 0 && (size_t)used <= in.len);
		put_event(&event);
	}
}

static const char *read_cut(struct http2_reader reader, struct slice in, size_t first, size_t step)
{
	lines[0] = '\0';
	for (size_t at = 0, len = first; at < in.len; at += len, len = step)
		read_piece(&reader, slice_first(slice_from(in, at), len));
	return lines;
}

static struct slice bytes_of(const char *text)
{
	struct slice in = hex(text);

	memcpy(input, in.data, in.len);
	return slice_of(input, in.len);
}

static void assert_read(struct http2_reader reader, const char *text, const char *events)
{
	struct slice in = bytes_of(text);

	for (size_t first = 1; first <= in.len; first++)
		assert_string_equal(read_cut(reader, in, first, ALL - first), events);
	assert_string_equal(read_cut(reader, in, 1, 1), events);
}

static struct http2_reader reader_of(enum http2_side side, bool from_start)
{
	struct http2_reader reader;

	http2_reader_init(&reader, side, from_start);
	return reader;
}

static void assert_client(const char *text, const char *events)
{
	assert_read(reader_of(HTTP2_CLIENT, false), text, events);
}

static void assert_server(const char *text, const char *events)
{
	assert_read(reader_of(HTTP2_SERVER, false), text, events);
}

static void client_begins_with_preface_and_settings(void **state)
{
	struct http2_reader client = reader_of(HTTP2_CLIENT, true);

	assert_read(client,
		    PREFACE "00000c 04 00 00000000 0001 00002000 0005 00008000"
			    "000004 08 00 00000000 0000ffff"
			    "000003 01 05 00000001 828684",
		    "settings table 8192 frame 32768\nheaders on 1 828684 end\n");
	assert_read(client, PREFACE "000003 01 05 00000001 828684", "wrong\n");
	assert_read(client, "505249202a20485454502f312e31", "wrong\n");
	assert_read(client, PREFACE "000000 04 01 00000000", "wrong\n");
}

static void server_begins_with_settings(void **state)
{
	struct http2_reader server = reader_of(HTTP2_SERVER, true);

	assert_read(server, SETTINGS "000000 04 01 00000000 000001 01 04 00000001 88",
		    "settings table ? frame ?\nsettings table ? frame ? ack\n"
		    "headers on 1 88\n");
	assert_read(server, "000001 01 04 00000001 88", "wrong\n");
}

static void padding_and_priority_are_no_part_of_a_block(void **state)
{
	assert_client("000006 01 0c 00000003 02 828684 0000", "headers on 3 828684\n");
	assert_client("000008 01 24 00000003 80000000 ff 828684", "headers on 3 828684\n");
	assert_client("00000a 01 2d 00000003 01 00000000 10 828684 00",
		      "headers on 3 828684 end\n");
	assert_client("000002 01 0c 00000003 01 00", "headers on 3 \n");
	assert_server("000008 05 0c 00000003 02 00000004 82 0000", "promise on 3 of 4 82\n");
}

static void blocks_go_on_in_continuation(void **state)
{
	assert_client("000001 01 01 00000005 82 000000 09 00 00000005 000002 09 04 00000005 8684"
		      "000001 00 01 00000007 61",
		      "headers on 5 828684 end\ndata on 7 length 1 end\n");
	assert_client("000002 01 08 00000005 01 00 000001 09 04 00000005 86", "headers on 5 86\n");
	assert_server("000005 05 00 00000005 00000002 82 000001 09 04 00000005 86",
		      "promise on 5 of 2 8286\n");
	assert_client("000001 01 00 00000005 82 000001 09 04 00000007 86", "wrong\n");
	assert_client("000001 01 00 00000005 82 000000 00 00 00000005", "wrong\n");
}

static void continuation_of_what_began_unseen(void **state)
{
	assert_client("000001 09 00 00000005 82 000001 09 04 00000005 82 000001 01 05 00000007 82",
		      "headers on 5  cut\nheaders on 7 82 end\n");
	assert_client("000001 01 05 00000007 82 000001 09 04 00000007 82",
		      "headers on 7 82 end\nwrong\n");
}

static void block_longer_than_the_room_is_cut(void **state)
{
	char text[1024] = "000030 01 00 00000001", want[1024] = "headers on 1 ";

	for (int i = 0; i < 0x30; i++)
		append(text, sizeof(text), "82");
	append(text, sizeof(text), "000030 09 04 00000001");
	for (int i = 0; i < 0x30; i++)
		append(text, sizeof(text), "83");
	for (int i = 0; i < 64; i++)
		append(want, sizeof(want), i < 0x30 ? "82" : "83");
	append(want, sizeof(want), " cut\ndata on 1 length 0\n");
	append(text, sizeof(text), "000000 00 00 00000001");
	assert_client(text, want);
}

static void data_is_counted(void **state)
{
	assert_client("000005 00 00 00000001 68656c6c6f 000000 00 01 00000001",
		      "data on 1 length 5\ndata on 1 length 0 end\n");
	assert_client("000008 00 09 00000001 02 68656c6c6f 0000", "data on 1 length 5 end\n");
	assert_client("000003 00 08 00000001 02 0000", "data on 1 length 0\n");
}

static void control_frames(void **state)
{
	assert_server("000004 03 00 00000001 00000008 00000a 07 00 00000000 0000000b 00000002 6f6b"
		      "000008 06 00 00000000 0102030405060708 000005 02 00 00000009 0000000000",
		      "reset on 1 code 8\ngoaway on 11 code 2\n");
	/* Unknown types, and the reserved bit. */
	assert_server("000003 0a 00 00000000 000000 000004 03 00 80000001 00000008",
		      "reset on 1 code 8\n");
}

static void what_is_no_frame(void **state)
{
	static const char *const bad[] = {
		"000005 03 00 00000001 0000000000", /* lengths */
		"000007 06 00 00000000 00000000000000",
		"000005 04 00 00000000 0000000000",
		"000006 04 01 00000000 000000000000",
		"000003 08 00 00000000 000000",
		"000004 02 00 00000001 00000000",
		"000007 07 00 00000000 00000000000000",
		"000003 05 04 00000001 000000",
		"000000 00 08 00000001",
		"000004 01 24 00000001 00000000",
		"000004 03 00 00000000 00000000", /* streams */
		"000001 00 00 00000000 00",
		"000000 01 04 00000000",
		"000000 04 00 00000001",
		"000008 06 00 00000001 0000000000000000",
		"000008 07 00 00000001 0000000000000000",
		"000004 05 04 00000002 00000004",
		"000003 00 08 00000001 03 0000", /* padding */
		"000003 01 0c 00000001 03 0000",
		"000006 04 00 00000000 0002 00000002", /* settings */
		"000006 04 00 00000000 0004 80000000",
		"000006 04 00 00000000 0005 00003fff",
		"000006 04 00 00000000 0005 01000000",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_server(bad[i], "wrong\n");
	/* What a client does not do. */
	assert_client("000005 05 04 00000001 00000002 82", "wrong\n");
	assert_client("000001 01 04 00000002 82", "wrong\n");
	assert_client("000001 00 00 00000002 82", "wrong\n");
}

static void long_frames(void **state)
{
	struct http2_reader reader = reader_of(HTTP2_SERVER, true);
	struct http2_event event;

	read_piece(&reader, bytes_of(SETTINGS));
	lines[0] = '\0';
	read_piece(&reader, bytes_of("ffffff 00 01 00000001"));
	assert_int_equal(http2_payload_left(&reader), HTTP2_FRAME_MOST);
	assert_int_equal(http2_skip(&reader, HTTP2_FRAME_MOST, &event), 0);
	assert_int_equal(event.type, HTTP2_DATA);
	assert_int_equal(event.length, HTTP2_FRAME_MOST);
	assert_int_equal(event.flags, HTTP2_END_STREAM);
	assert_string_equal(lines, "");
	reader.max_frame = 0x8000;
	read_piece(&reader, bytes_of("008000 01 04 00000001"));
	assert_string_equal(lines, "");
	assert_int_equal(http2_skip(&reader, 0x8000, &event), 0);
	read_piece(&reader, bytes_of("008001 01 04 00000001"));
	assert_string_equal(lines, "wrong\n");
}

/* Reads text with len bytes from at on unseen. */
static const char *read_with_hole(enum http2_side side, const char *text, size_t at, size_t len)
{
	struct http2_reader reader = reader_of(side, false);
	struct slice in = bytes_of(text);
	struct http2_event event;

	lines[0] = '\0';
	read_piece(&reader, slice_first(in, at));
	if (http2_skip(&reader, len, &event) < 0) {
		put("lost\n");
		assert_int_equal(http2_read(&reader, in, &event), -EPROTO);
		return lines;
	}
	put_event(&event);
	read_piece(&reader, slice_from(in, at + len));
	return lines;
}

static void holes_in_payloads(void **state)
{
	static const char data[] = "000008 00 09 00000001 02 68656c6c6f 0000 000000 00 00 00000003";
	static const char headers[] = "000006 01 0c 00000003 02 828684 0000 000000 00 00 00000003";

	assert_string_equal(read_with_hole(HTTP2_CLIENT, data, 10, 3),
			    "data on 1 length 5 end\ndata on 3 length 0\n");
	assert_string_equal(read_with_hole(HTTP2_CLIENT, data, 10, 7),
			    "data on 1 length 5 end\ndata on 3 length 0\n");
	assert_string_equal(read_with_hole(HTTP2_CLIENT, data, 9, 3),
			    "data on 1 length 8 end cut\ndata on 3 length 0\n");
	assert_string_equal(read_with_hole(HTTP2_CLIENT, data, 9, 9), "lost\n");
	assert_string_equal(read_with_hole(HTTP2_CLIENT, data, 3, 1), "lost\n");
	assert_string_equal(read_with_hole(HTTP2_CLIENT, data, 17, 1),
			    "data on 1 length 5 end\nlost\n");
	assert_string_equal(read_with_hole(HTTP2_CLIENT, headers, 11, 1),
			    "headers on 3 82 cut\ndata on 3 length 0\n");
	assert_string_equal(read_with_hole(HTTP2_CLIENT, headers, 12, 3),
			    "headers on 3 8286 cut\ndata on 3 length 0\n");
	assert_string_equal(read_with_hole(HTTP2_CLIENT, headers, 13, 2),
			    "headers on 3 828684\ndata on 3 length 0\n");
	assert_string_equal(read_with_hole(HTTP2_CLIENT, headers, 9, 1),
			    "headers on 3  cut\ndata on 3 length 0\n");
}

static void holes_in_control_frames(void **state)
{
	assert_string_equal(read_with_hole(HTTP2_SERVER, "000004 03 00 00000001 00000008", 9, 4),
			    "reset on 1 code ? cut\n");
	assert_string_equal(read_with_hole(HTTP2_SERVER,
					   "00000c 04 00 00000000 000100000001 000100000002", 15,
					   2),
			    "settings table ? frame ? cut\n");
	assert_string_equal(
		read_with_hole(HTTP2_SERVER, "00000a 07 00 00000000 0000000b 00000002 6f6b", 17, 2),
		"goaway on 11 code 2\n");
	assert_string_equal(
		read_with_hole(HTTP2_SERVER, "00000a 07 00 00000000 0000000b 00000002 6f6b", 12, 2),
		"goaway on ? code ? cut\n");
}

static void room_is_lent_when_it_is_needed(void **state)
{
	struct http2_reader reader = reader_of(HTTP2_CLIENT, false);
	struct slice in = bytes_of("000003 01 04 00000001 828684 000002 01 04 00000003 8286");
	struct http2_event event;

	assert_int_equal(http2_read(&reader, in, &event), 9);
	assert_int_equal(http2_read(&reader, slice_from(in, 9), &event), 3);
	assert_int_equal(event.type, HTTP2_HEADERS);
	assert_ptr_equal(event.block.data, in.data + 9); /* not copied */
	assert_int_equal(http2_read(&reader, slice_from(in, 12), &event), 9);
	assert_int_equal(http2_read(&reader, slice_of(in.data + 21, 1), &event), -ENOBUFS);
	assert_false(http2_holds_room(&reader));
	reader.room = room;
	reader.room_len = sizeof(room);
	assert_int_equal(http2_read(&reader, slice_of(in.data + 21, 1), &event), 1);
	assert_true(http2_holds_room(&reader));
	assert_int_equal(http2_read(&reader, slice_from(in, 22), &event), 1);
	assert_slice(event.block, "\x82\x86");
	assert_false(http2_holds_room(&reader));
}

static void settings_in_an_upgrade(void **state)
{
	struct http2_settings settings = { 0, 0 };

	/* curl 7.88: MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, ENABLE_PUSH */
	assert_int_equal(http2_settings_upgrade(SLICE_LIT("AAMAAABkAAQCAAAAAAIAAAAA"), &settings),
			 0);
	assert_int_equal(settings.header_table_size, HTTP2_UNSAID);
	assert_int_equal(http2_settings_upgrade(SLICE_LIT("AAEAABAAAAUA____"), &settings), 0);
	assert_int_equal(settings.header_table_size, 4096);
	assert_int_equal(settings.max_frame_size, HTTP2_FRAME_MOST);
	assert_int_equal(http2_settings_upgrade(SLICE_LIT(""), &settings), 0);
	assert_int_equal(settings.header_table_size, HTTP2_UNSAID);
	assert_int_equal(http2_settings_upgrade(SLICE_LIT("AAMAAABk="), &settings), 0);
	assert_int_equal(http2_settings_upgrade(SLICE_LIT("AAMAAAB"), &settings), -EPROTO);
	assert_int_equal(http2_settings_upgrade(SLICE_LIT("AAMAAAB+"), &settings), -EPROTO);
	assert_int_equal(http2_settings_upgrade(SLICE_LIT("AAIAAAAC"), &settings), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(client_begins_with_preface_and_settings),
		cmocka_unit_test(server_begins_with_settings),
		cmocka_unit_test(padding_and_priority_are_no_part_of_a_block),
		cmocka_unit_test(blocks_go_on_in_continuation),
		cmocka_unit_test(continuation_of_what_began_unseen),
		cmocka_unit_test(block_longer_than_the_room_is_cut),
		cmocka_unit_test(data_is_counted),
		cmocka_unit_test(control_frames),
		cmocka_unit_test(what_is_no_frame),
		cmocka_unit_test(long_frames),
		cmocka_unit_test(holes_in_payloads),
		cmocka_unit_test(holes_in_control_frames),
		cmocka_unit_test(room_is_lent_when_it_is_needed),
		cmocka_unit_test(settings_in_an_upgrade),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
