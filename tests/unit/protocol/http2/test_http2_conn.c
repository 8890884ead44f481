// SPDX-License-Identifier: Apache-2.0
/* HTTP/2 and gRPC on a connection: which stream is whose, and what is not claimed. */
#include "protocol/http2/frames.h"

/* ---- What is said ------------------------------------------------------------------------------
 */

static void request_and_response(void **state)
{
	struct h2 *h = server();

	frames_headers(&h->f, 1, END_STREAM, GET("\x06", "/a?x=1"));
	asks(h);
	frames_headers(&h->f, 1, 0, ST_200);
	frames_data(&h->f, 1, END_STREAM, "hello");
	answers(h);
	frames_headers(&h->f, 3, 0, M_POST S_HTTP PATH("\x02", "/b"));
	frames_data(&h->f, 3, END_STREAM, "123");
	asks(h);
	frames_headers(&h->f, 3, END_STREAM, ST_404);
	answers(h);
	ends_with(h, "server 200 GET h/a?x=1 0>5 [3..4]\nserver 404 POST /b 3>0 [5..6]\n");
}

static void client_is_seen_from_its_side(void **state)
{
	struct h2 *h = h2_new(OBI_SIDE_CONNECTED);

	frames_begin(&h->f, h->w, h->requests);
	frames_headers(&h->f, 1, END_STREAM, GET("\x02", "/a"));
	asks(h);
	frames_headers(&h->f, 1, END_STREAM, ST_204);
	answers(h);
	ends_with(h, "client 204 GET h/a 0>0 [3..4]\n");
}

static void streams_are_interleaved(void **state)
{
	struct h2 *h = server();

	frames_headers(&h->f, 1, END_STREAM, GET("\x02", "/1"));
	asks(h);
	frames_headers(&h->f, 3, END_STREAM, GET("\x02", "/3"));
	asks(h);
	frames_headers(&h->f, 3, 0, ST_404);
	frames_headers(&h->f, 1, 0, ST_200);
	frames_data(&h->f, 1, 0, "one");
	frames_data(&h->f, 3, END_STREAM, "three");
	answers(h);
	frames_data(&h->f, 1, END_STREAM, "one");
	answers(h);
	ends_with(h, "server 404 GET h/3 0>5 [4..5]\nserver 200 GET h/1 0>6 [3..6]\n");
}

static void frames_about_the_connection_change_nothing(void **state)
{
	struct h2 *h = server();

	frames_add(&h->f, HTTP2_FRAME_WINDOW_UPDATE, 0, 0, SLICE_LIT("\0\1\0\0"));
	frames_headers(&h->f, 1, END_STREAM, GET("\x02", "/a"));
	frames_add(&h->f, HTTP2_FRAME_PRIORITY, 0, 1, SLICE_LIT("\0\0\0\0\x0f"));
	frames_add(&h->f, 0xee, 0xff, 1, SLICE_LIT("of no type that is known"));
	asks(h);
	frames_add(&h->f, HTTP2_FRAME_SETTINGS, HTTP2_FLAG_ACK, 0, SLICE_LIT(""));
	frames_add(&h->f, HTTP2_FRAME_PING, 0, 0, SLICE_LIT("12345678"));
	frames_headers(&h->f, 1, 0, ST_200);
	frames_add(&h->f, HTTP2_FRAME_GOAWAY, 0, 0, SLICE_LIT("\0\0\0\1\0\0\0\0"));
	frames_data(&h->f, 1, END_STREAM, "");
	answers(h);
	assert_int_equal(wire_stats(h->w).requests, 1);
	ends_with(h, "server 200 GET h/a 0>0 [3..4]\n");
}

static void interim_responses_are_no_answer(void **state)
{
	struct h2 *h = server();

	frames_headers(&h->f, 1, END_STREAM, GET("\x02", "/a"));
	asks(h);
	frames_headers(&h->f, 1, 0, STATUS("103"));
	answers(h);
	frames_headers(&h->f, 1, END_STREAM, STATUS("503"));
	answers(h);
	ends_with(h, "server 503 GET h/a 0>0 [3..5]\n");
}

static void what_is_pushed_was_not_asked_for(void **state)
{
	struct h2 *h = server();

	frames_headers(&h->f, 1, END_STREAM, GET("\x02", "/a"));
	asks(h);
	frames_add(&h->f, HTTP2_FRAME_PUSH_PROMISE, END_HEADERS, 1,
		   SLICE_LIT("\0\0\0\2" GET("\x02", "/p")));
	frames_headers(&h->f, 2, END_STREAM, ST_200);
	frames_headers(&h->f, 1, END_STREAM, ST_204);
	answers(h);
	assert_int_equal(wire_stats(h->w).requests, 1);
	ends_with(h, "server 204 GET h/a 0>0 [3..4]\n");
}

static void padding_is_no_body(void **state)
{
	struct h2 *h = server();

	frames_add(&h->f, HTTP2_FRAME_HEADERS,
		   END_HEADERS | END_STREAM | HTTP2_FLAG_PADDED | HTTP2_FLAG_PRIORITY, 1,
		   SLICE_LIT("\x03\0\0\0\0\x10" GET("\x02", "/a") "\0\0\0"));
	asks(h);
	frames_headers(&h->f, 1, 0, ST_200);
	frames_add(&h->f, HTTP2_FRAME_DATA, HTTP2_FLAG_PADDED, 1, SLICE_LIT("\x04hello\0\0\0\0"));
	frames_add(&h->f, HTTP2_FRAME_DATA, HTTP2_FLAG_PADDED | END_STREAM, 1, SLICE_LIT("\0"));
	answers(h);
	ends_with(h, "server 200 GET h/a 0>5 [3..4]\n");
}

static void blocks_go_on_in_continuations(void **state)
{
	struct h2 *h = server();

	frames_add(&h->f, HTTP2_FRAME_HEADERS, END_STREAM, 1, SLICE_LIT(M_GET S_HTTP "\x04\x04/l"));
	frames_add(&h->f, HTTP2_FRAME_CONTINUATION, 0, 1, SLICE_LIT(""));
	asks(h);
	frames_add(&h->f, HTTP2_FRAME_CONTINUATION, END_HEADERS, 1,
		   SLICE_LIT("ng" AUTHORITY("\x01", "h")));
	asks(h);
	frames_headers(&h->f, 1, END_STREAM, ST_200);
	answers(h);
	ends_with(h, "server 200 GET h/lng 0>0 [3..5]\n");
}

static void trailers_of_a_request_begin_no_other(void **state)
{
	struct h2 *h = server();

	frames_headers(&h->f, 1, 0, M_POST S_HTTP PATH("\x02", "/a"));
	frames_data(&h->f, 1, 0, "123");
	frames_headers(&h->f, 1, END_STREAM, "\x00\x01x\x01y");
	asks(h);
	frames_headers(&h->f, 1, END_STREAM, ST_200);
	answers(h);
	/* This one is answered before it ends. */
	frames_headers(&h->f, 3, 0, M_POST S_HTTP PATH("\x02", "/b"));
	asks(h);
	frames_headers(&h->f, 3, END_STREAM, STATUS("413"));
	answers(h);
	frames_headers(&h->f, 3, END_STREAM, "\x00\x01x\x01y");
	asks(h);
	assert_int_equal(wire_stats(h->w).requests, 2);
	ends_with(h, "server 200 POST /a 3>0 [3..4]\nserver 413 POST /b 0>0 [5..6]\n");
}

/* ---- gRPC --------------------------------------------------------------------------------------
 */

static void grpc_status_comes_in_trailers(void **state)
{
	struct h2 *h = server();

	frames_headers(&h->f, 1, 0, CALL("\x06", "/p.S/M"));
	frames_data(&h->f, 1, END_STREAM, "\0\0\0\0\0");
	asks(h);
	frames_headers(&h->f, 1, 0, ST_200 CT_GRPC);
	frames_data(&h->f, 1, 0, "\0\0\0\0\0");
	answers(h);
	frames_headers(&h->f, 1, END_STREAM, GRPC_STATUS("3") GRPC_MESSAGE("\x08", "no%20way"));
	answers(h);
	ends_with(h, "server 3 p.S/M \"no way\" [3..5]\n");
}

static void grpc_trailers_only(void **state)
{
	struct h2 *h = server();

	frames_headers(&h->f, 1, END_STREAM, CALL("\x06", "/p.S/M"));
	asks(h);
	frames_headers(&h->f, 1, END_STREAM,
		       ST_200 CT_GRPC GRPC_STATUS("5") GRPC_MESSAGE("\x04", "none"));
	answers(h);
	frames_headers(&h->f, 3, END_STREAM, CALL("\x06", "/p.S/N"));
	asks(h);
	frames_headers(&h->f, 3, END_STREAM, ST_200 CT_GRPC GRPC_STATUS("0"));
	answers(h);
	ends_with(h, "server 5 p.S/M \"none\" [3..4]\nserver 0 p.S/N \"\" [5..6]\n");
}

/* By what a caller of the method sees. */
static void grpc_without_a_status(void **state)
{
	struct h2 *h = server();

	frames_headers(&h->f, 1, END_STREAM, CALL("\x06", "/p.S/M"));
	asks(h);
	frames_headers(&h->f, 1, END_STREAM, STATUS("503"));
	answers(h);
	frames_headers(&h->f, 3, END_STREAM, CALL("\x06", "/p.S/M"));
	asks(h);
	frames_reset(&h->f, 3, 0x8);
	asks(h);
	ends_with(h, "server 14 p.S/M \"\" [3..4]\nserver 1 p.S/M \"\" [5..6]\n");
}

/* ---- Ends --------------------------------------------------------------------------------------
 */

static void streams_are_reset(void **state)
{
	struct h2 *h = server();

	frames_headers(&h->f, 1, END_STREAM, GET("\x02", "/1"));
	frames_headers(&h->f, 3, END_STREAM, GET("\x02", "/3"));
	asks(h);
	frames_headers(&h->f, 3, 0, ST_200);
	frames_data(&h->f, 3, 0, "some");
	frames_reset(&h->f, 3, 0x2);
	answers(h);
	frames_reset(&h->f, 1, 0x8);
	asks(h);
	ends_with(h, "server 200 GET h/3 0>4 [3..4] incomplete\nserver 0 GET h/1 0>0 [3..5]\n");
}

static void connection_ends_before_its_streams(void **state)
{
	struct h2 *h = server();

	frames_headers(&h->f, 1, END_STREAM, GET("\x02", "/1"));
	frames_headers(&h->f, 3, END_STREAM, GET("\x02", "/3"));
	asks(h);
	frames_headers(&h->f, 3, 0, ST_200);
	answers(h);
	ends_with(h, "server 0 GET h/1 0>0 [3..5] incomplete\n"
		     "server 200 GET h/3 0>0 [3..5] incomplete\n");
}

static void more_streams_than_are_kept_are_counted(void **state)
{
	struct h2 *h = server();

	for (uint32_t i = 0; i < 1100; i++) {
		frames_headers(&h->f, 2 * i + 1, END_STREAM, GET("\x02", "/a"));
		asks(h);
	}
	for (uint32_t i = 0; i < 1100; i++) {
		frames_headers(&h->f, 2 * i + 1, END_STREAM, ST_200);
		answers(h);
	}
	assert_int_equal(wire_stats(h->w).spans, 1024);
	assert_int_equal(wire_stats(h->w).requests, 1100);
	assert_int_equal(drops(h, OBI_DROP_EVICTED), 76);
	h2_free(h);
}

/* ---- Pieces ------------------------------------------------------------------------------------
 */

static void say(struct frames *f, int turn)
{
	switch (turn) {
	case 0:
		frames_text(f, SLICE_LIT(HTTP2_PREFACE));
		frames_add(f, HTTP2_FRAME_SETTINGS, 0, 0, SLICE_LIT("\0\3\0\0\0\x64"));
		frames_headers(f, 1, 0,
			       M_POST S_HTTP PATH_KEPT("\x02", "/a") AUTHORITY("\x01", "h"));
		frames_add(f, HTTP2_FRAME_DATA, HTTP2_FLAG_PADDED, 1, SLICE_LIT("\x02hey\0\0"));
		frames_data(f, 1, END_STREAM, "");
		break;
	case 1:
		frames_add(f, HTTP2_FRAME_SETTINGS, 0, 0, SLICE_LIT(""));
		frames_headers(f, 1, 0, ST_200);
		frames_data(f, 1, END_STREAM, "hello");
		break;
	case 2:
		frames_headers(f, 3, END_STREAM, M_GET S_HTTP NEWEST);
		frames_add(f, HTTP2_FRAME_HEADERS, END_STREAM, 5, SLICE_LIT(M_POST S_HTTP CT_GRPC));
		frames_add(f, HTTP2_FRAME_CONTINUATION, END_HEADERS, 5,
			   SLICE_LIT(PATH("\x04", "/S/M")));
		break;
	default:
		frames_headers(f, 5, 0, ST_200 CT_GRPC);
		frames_headers(f, 3, END_STREAM, ST_404);
		frames_headers(f, 5, END_STREAM, GRPC_STATUS("7"));
		break;
	}
}

/* Says all of a turn in two chunks, the first with cut bytes. */
static void say_in_two(struct h2 *h, int turn, size_t cut)
{
	struct slice all;
	uint8_t direction = turn & 1 ? OBI_SEND : OBI_RECV;

	say(&h->f, turn);
	all = slice_of(h->f.bytes, h->f.len);
	if (cut)
		wire_pass(h->w, direction, slice_first(all, cut), cut);
	all = slice_from(all, cut);
	wire_pass(h->w, direction, all, all.len);
	h->f.len = 0;
}

static void check_split(int turn, size_t cut)
{
	struct h2 *h = h2_new(OBI_SIDE_ACCEPTED);

	for (int i = 0; i < 4; i++)
		say_in_two(h, i, i == turn ? cut : 0);
	assert_int_equal(wire_stats(h->w).requests, 3);
	wire_forget_times(h->w);
	ends_with(h, "server 200 POST h/a 3>5\nserver 404 GET /a 0>0\nserver 7 S/M \"\"\n");
}

static void any_split_gives_the_same(void **state)
{
	for (int turn = 0; turn < 4; turn++) {
		struct frames f = { .len = 0 };

		say(&f, turn);
		for (size_t cut = 0; cut < f.len; cut++)
			check_split(turn, cut);
	}
}

static void a_byte_at_a_time_gives_the_same(void **state)
{
	struct h2 *h = h2_new(OBI_SIDE_ACCEPTED);

	for (int turn = 0; turn < 4; turn++) {
		h->f.len = 0;
		say(&h->f, turn);
		for (size_t i = 0; i < h->f.len; i++)
			wire_pass(h->w, turn & 1 ? OBI_SEND : OBI_RECV, slice_of(h->f.bytes + i, 1),
				  1);
	}
	wire_forget_times(h->w);
	ends_with(h, "server 200 POST h/a 3>5\nserver 404 GET /a 0>0\nserver 7 S/M \"\"\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_and_response),
		cmocka_unit_test(client_is_seen_from_its_side),
		cmocka_unit_test(streams_are_interleaved),
		cmocka_unit_test(frames_about_the_connection_change_nothing),
		cmocka_unit_test(interim_responses_are_no_answer),
		cmocka_unit_test(what_is_pushed_was_not_asked_for),
		cmocka_unit_test(padding_is_no_body),
		cmocka_unit_test(blocks_go_on_in_continuations),
		cmocka_unit_test(trailers_of_a_request_begin_no_other),
		cmocka_unit_test(grpc_status_comes_in_trailers),
		cmocka_unit_test(grpc_trailers_only),
		cmocka_unit_test(grpc_without_a_status),
		cmocka_unit_test(streams_are_reset),
		cmocka_unit_test(connection_ends_before_its_streams),
		cmocka_unit_test(more_streams_than_are_kept_are_counted),
		cmocka_unit_test(any_split_gives_the_same),
		cmocka_unit_test(a_byte_at_a_time_gives_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
