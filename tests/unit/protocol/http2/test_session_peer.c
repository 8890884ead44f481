// SPDX-License-Identifier: Apache-2.0
/*
 * A whole connection between two sessions of nghttp2, in memory: requests side by side, trailers,
 * padding, blocks of several frames. Both directions are read in pieces of each size, with bodies
 * seen or skipped, and say what the sessions were told.
 */
#include <errno.h>
#include <stdio.h>

#include <nghttp2/nghttp2.h>

#include "protocol/http2/frame.h"
#include "protocol/http2/hex.h"
#include "protocol/http2/hpack.h"

#define REQUESTS 20
#define BODY 40000
#define LONG_VALUE 30000

struct pipe {
	uint8_t bytes[1 << 21];
	size_t len;
};

static struct pipe to_server, to_client;
static char long_value[LONG_VALUE + 1];

/* ---- The sessions -------------------------------------------------------------------------------
 */

static ssize_t send_to(nghttp2_session *session, const uint8_t *data, size_t len, int flags,
		       void *to)
{
	struct pipe *pipe = to;

	assert_true(pipe->len + len <= sizeof(pipe->bytes));
	memcpy(pipe->bytes + pipe->len, data, len);
	pipe->len += len;
	return (ssize_t)len;
}

static ssize_t pad(nghttp2_session *session, const nghttp2_frame *frame, size_t most, void *to)
{
	size_t len = frame->hd.length + (size_t)frame->hd.stream_id % 9;

	return (ssize_t)(len < most ? len : most);
}

static nghttp2_nv nv(const char *name, const char *value)
{
	return (nghttp2_nv){
		.name = (uint8_t *)(uintptr_t)name,
		.value = (uint8_t *)(uintptr_t)value,
		.namelen = strlen(name),
		.valuelen = strlen(value),
	};
}

static ssize_t read_body(nghttp2_session *session, int32_t stream, uint8_t *room, size_t len,
			 uint32_t *flags, nghttp2_data_source *source, void *to)
{
	nghttp2_nv trailers[] = { nv("grpc-status", "5"), nv("grpc-message", "none%20of%20it") };
	size_t *left = source->ptr;

	len = len < *left ? len : *left;
	memset(room, 'x', len);
	*left -= len;
	if (*left == 0) {
		*flags = NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
		assert_int_equal(nghttp2_submit_trailer(session, stream, trailers, 2), 0);
	}
	return (ssize_t)len;
}

static int answer(nghttp2_session *session, const nghttp2_frame *frame, void *to)
{
	static size_t left[REQUESTS * 2 + 2];
	int32_t stream = frame->hd.stream_id;
	nghttp2_nv fields[] = { nv(":status", "200"), nv("content-type", "application/grpc"),
				nv("x-long", stream % 4 == 1 ? long_value : "short") };
	nghttp2_data_provider body = { .source.ptr = &left[stream], .read_callback = read_body };

	if (frame->hd.type != NGHTTP2_HEADERS)
		return 0;
	left[stream] = BODY;
	return nghttp2_submit_response(session, stream, fields, 3, &body);
}

static nghttp2_session *session_of(bool server, struct pipe *to)
{
	nghttp2_settings_entry settings[] = { { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 20 },
					      { NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, 2000 } };
	nghttp2_session_callbacks *callbacks;
	nghttp2_session *session;

	assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
	nghttp2_session_callbacks_set_send_callback(callbacks, send_to);
	nghttp2_session_callbacks_set_select_padding_callback(callbacks, pad);
	if (server)
		nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, answer);
	assert_int_equal((server ? nghttp2_session_server_new
				 : nghttp2_session_client_new)(&session, callbacks, to),
			 0);
	nghttp2_session_callbacks_del(callbacks);
	assert_int_equal(nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, 2), 0);
	return session;
}

static void submit_request(nghttp2_session *client, int number)
{
	char path[64] = "";
	nghttp2_nv fields[] = { nv(":method", "POST"),
				nv(":scheme", "http"),
				nv(":path", path),
				nv(":authority", "shop:80"),
				nv("x-long", number % 3 ? "short" : long_value),
				nv("traceparent",
				   "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01") };

	snprintf(path, sizeof(path), "/shop.Cart/Get%d", number);
	fields[2].valuelen = strlen(path);
	assert_true(nghttp2_submit_request(client, NULL, fields, 6, NULL, NULL) > 0);
}

static void pass(nghttp2_session *from, nghttp2_session *to, struct pipe *pipe, size_t *passed)
{
	assert_int_equal(nghttp2_session_send(from), 0);
	assert_int_equal(nghttp2_session_mem_recv(to, pipe->bytes + *passed, pipe->len - *passed),
			 pipe->len - *passed);
	*passed = pipe->len;
}

static int run_connection(void **state)
{
	nghttp2_session *client = session_of(false, &to_server);
	nghttp2_session *server = session_of(true, &to_client);
	size_t at_server = 0, at_client = 0;

	memset(long_value, 'y', LONG_VALUE);
	for (int i = 0; i < REQUESTS; i++) {
		submit_request(client, i);
		if (i % 5)
			continue;
		pass(client, server, &to_server, &at_server);
		pass(server, client, &to_client, &at_client);
	}
	while (nghttp2_session_want_write(client) || nghttp2_session_want_write(server)) {
		pass(client, server, &to_server, &at_server);
		pass(server, client, &to_client, &at_client);
	}
	nghttp2_session_del(client);
	nghttp2_session_del(server);
	return 0;
}

/* ---- What is read -------------------------------------------------------------------------------
 */

struct reading {
	struct http2_reader reader;
	struct hpack hpack;
	uint32_t memory[HPACK_ROOM(4096) / 4];
	uint8_t room[HTTP2_FRAME_LEAST * 3];
	int requests, responses, trailers, ends, acks, cut;
	uint64_t body;
};

static void check_field(struct reading *reading, uint32_t stream, const struct hpack_field *field)
{
	char path[64];

	snprintf(path, sizeof(path), "/shop.Cart/Get%u", stream / 2);
	if (field->name == HPACK_PATH)
		assert_slice(field->value, path);
	if (field->name == HPACK_STATUS)
		assert_slice(field->value, "200");
	if (field->name == HPACK_GRPC_MESSAGE)
		assert_slice(field->value, "none%20of%20it");
	reading->requests += field->name == HPACK_PATH;
	reading->responses += field->name == HPACK_STATUS;
	reading->trailers += field->name == HPACK_GRPC_STATUS;
	assert_int_not_equal(field->name, HPACK_UNKNOWN);
}

static void take_event(struct reading *reading, const struct http2_event *event)
{
	static uint8_t bytes[4096];
	struct hpack_scratch scratch = { bytes, sizeof(bytes) };
	struct slice block = event->block;
	struct hpack_field field;
	int got;

	reading->ends += event->type != HTTP2_NONE && event->flags & HTTP2_END_STREAM;
	reading->cut += event->type != HTTP2_NONE && event->flags & HTTP2_CUT;
	reading->acks += event->type == HTTP2_SETTINGS && event->flags & HTTP2_ACK;
	if (event->type == HTTP2_DATA)
		reading->body += event->length;
	if (event->type != HTTP2_HEADERS)
		return;
	hpack_begin(&reading->hpack);
	while ((got = hpack_next(&reading->hpack, &block, &scratch, &field)) > 0)
		check_field(reading, event->stream, &field);
	assert_int_equal(got, 0);
}

static size_t skip_body(struct reading *reading, size_t most)
{
	const struct http2_reader *reader = &reading->reader;
	size_t left = http2_payload_left(reader);
	struct http2_event event;

	/* Without the first byte it is not known how much is padding. */
	if (reader->frame.type != HTTP2_FRAME_DATA || left < 1000 ||
	    (reader->small_want && left == reader->frame.length))
		return 0;
	left = left - 500 < most ? left - 500 : most;
	assert_int_equal(http2_skip(&reading->reader, left, &event), 0);
	take_event(reading, &event);
	return left;
}

static void read_direction(struct reading *reading, enum http2_side side, const struct pipe *pipe,
			   size_t step, bool skips)
{
	struct slice in = slice_of(pipe->bytes, pipe->len), piece;

	memset(reading, 0, sizeof(*reading));
	http2_reader_init(&reading->reader, side, true);
	reading->reader.room = reading->room;
	reading->reader.room_len = sizeof(reading->room);
	hpack_init(&reading->hpack, reading->memory, sizeof(reading->memory), HPACK_FIRST);
	while (in.len) {
		struct http2_event event;
		size_t skipped = skips ? skip_body(reading, in.len) : 0;
		ptrdiff_t used;

		in = slice_from(in, skipped);
		piece = slice_first(in, step);
		for (; piece.len; piece = slice_from(piece, (size_t)used)) {
			used = http2_read(&reading->reader, piece, &event);
			assert_true(used > 0);
			take_event(reading, &event);
		}
		in = slice_from(in, step);
	}
	assert_int_equal(reading->cut, 0);
	assert_int_equal(reading->acks, 1);
	assert_int_equal(reading->ends, REQUESTS);
}

static void both_directions_are_read(void **state)
{
	static const size_t steps[] = { 1, 2, 3, 7, 100, 1448, 16384, 65536, SIZE_MAX };
	static struct reading reading;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) * 2; i++) {
		read_direction(&reading, HTTP2_CLIENT, &to_server, steps[i / 2], i % 2);
		assert_int_equal(reading.requests, REQUESTS);
		read_direction(&reading, HTTP2_SERVER, &to_client, steps[i / 2], i % 2);
		assert_int_equal(reading.responses, REQUESTS);
		assert_int_equal(reading.trailers, REQUESTS);
		assert_int_equal(reading.body, REQUESTS * (uint64_t)BODY);
	}
}

/* At each frame of it, where nothing was seen before. */
static void the_middle_is_guessed(void **state)
{
	struct slice in = slice_of(to_client.bytes, to_client.len);
	int sure = 0;

	while (in.len) {
		struct http2_frame frame = http2_frame_of(in.data);
		enum http2_side side;
		bool begins;
		int got = http2_guess(in, &side, &begins);

		assert_int_not_equal(got, 0);
		if (got == 1 && side == HTTP2_SERVER)
			sure++;
		in = slice_from(in, HTTP2_FRAME_HEADER + (size_t)frame.length);
	}
	assert_true(sure > REQUESTS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_directions_are_read),
		cmocka_unit_test(the_middle_is_guessed),
	};

	return cmocka_run_group_tests(tests, run_connection, NULL);
}
