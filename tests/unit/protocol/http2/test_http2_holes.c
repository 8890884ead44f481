// SPDX-License-Identifier: Apache-2.0
/* HTTP/2 on a connection of which not all was seen, and what is none. */
#include "protocol/http2/frames.h"

/* ---- What nobody saw ---------------------------------------------------------------------------
 */

/* A DATA frame of 9000 bytes, of which the first are seen, beside a small one. */
static void holes_in_data_lose_nothing(void **state)
{
	for (size_t seen = 0; seen <= 100; seen += 50) {
		struct h2 *h = server();
		size_t len;

		frames_headers(&h->f, 1, END_STREAM, GET("\x02", "/1"));
		frames_headers(&h->f, 3, END_STREAM, GET("\x02", "/3"));
		asks(h);
		frames_headers(&h->f, 1, 0, ST_200);
		frames_add(&h->f, HTTP2_FRAME_DATA, END_STREAM, 1,
			   slice_of(h->f.bytes + 64 * 1024, 9000));
		len = h->f.len;
		wire_pass(h->w, OBI_SEND, slice_of(h->f.bytes, len - 9000 + seen), len - 7000);
		wire_pass(h->w, OBI_SEND, slice_of(NULL, 0), 7000);
		h->f.len = 0;
		frames_headers(&h->f, 3, END_STREAM, ST_404);
		answers(h);
		assert_int_equal(wire_stats(h->w).unread_bytes, 0);
		ends_with(h, "server 200 GET h/1 0>9000 [3..5]\n"
			     "server 404 GET h/3 0>0 [3..6]\n");
	}
}

/* Insertions of the lost block would be the newest: an index means something else now. */
static void after_lost_headers_no_field_is_a_wrong_one(void **state)
{
	struct h2 *h = server();

	frames_headers(&h->f, 1, END_STREAM, M_GET S_HTTP PATH_KEPT("\x06", "/first"));
	asks(h);
	frames_headers(&h->f, 1, END_STREAM, ST_200);
	answers(h);
	h->w->lose = true;
	frames_headers(&h->f, 3, END_STREAM, M_GET S_HTTP PATH_KEPT("\x07", "/second"));
	asks(h);
	h->w->lose = false;
	frames_headers(&h->f, 5, END_STREAM, M_GET S_HTTP NEWEST);
	frames_headers(&h->f, 7, END_STREAM, M_GET S_HTTP PATH("\x02", "/7"));
	asks(h);
	frames_headers(&h->f, 3, END_STREAM, ST_404);
	frames_headers(&h->f, 7, END_STREAM, ST_204);
	frames_headers(&h->f, 5, END_STREAM, ST_200);
	answers(h);
	assert_int_equal(drops(h, OBI_DROP_NO_REQUEST) + drops(h, OBI_DROP_LOST_RECORD), 1);
	ends_with(h, "server 200 GET /first 0>0 [3..4]\nserver 204 GET /7 0>0 [6..7]\n"
		     "server 200 GET  0>0 [6..7]\n");
}

/* Any of those that are open may have been answered in what was lost. */
static void after_lost_answers_no_status_is_a_wrong_one(void **state)
{
	struct h2 *h = server();

	frames_headers(&h->f, 1, END_STREAM, GET("\x02", "/1"));
	frames_headers(&h->f, 3, END_STREAM, GET("\x02", "/3"));
	asks(h);
	h->w->lose = true;
	frames_headers(&h->f, 1, END_STREAM, ST_404);
	answers(h);
	h->w->lose = false;
	frames_headers(&h->f, 5, END_STREAM, GET("\x02", "/5"));
	asks(h);
	frames_headers(&h->f, 5, END_STREAM, ST_204);
	answers(h);
	frames_headers(&h->f, 7, END_STREAM, GET("\x02", "/7"));
	asks(h);
	frames_headers(&h->f, 7, END_STREAM, ST_200);
	answers(h);
	wire_close(h->w);
	h->w->spans[h->w->spans_len] = 0;
	assert_null(strstr(h->w->spans, "/1"));
	assert_null(strstr(h->w->spans, "200 GET h/3"));
	assert_non_null(strstr(h->w->spans, "server 200 GET h/7"));
	assert_null(strstr(h->w->spans, "incomplete"));
	assert_int_equal(wire_stats(h->w).requests, 4);
	h2_free(h);
}

/* More was sent at once than is shown, and on it goes with DATA for a long while. */
static void taken_up_within_a_long_body(void **state)
{
	struct h2 *h = server();
	struct slice piece;

	frames_headers(&h->f, 1, END_STREAM, GET("\x02", "/1"));
	asks(h);
	frames_headers(&h->f, 1, 0, ST_200);
	answers(h);
	wire_pass(h->w, OBI_SEND, slice_of(NULL, 0), 7000);
	for (int i = 0; i < 50; i++) {
		frames_add(&h->f, HTTP2_FRAME_DATA, 0, 1, slice_of(h->f.bytes + 64 * 1024, 9000));
		piece = slice_of(h->f.bytes, h->f.len);
		h->f.len = 0;
		/* The first is not at a frame's beginning. */
		wire_pass(h->w, OBI_SEND, slice_from(piece, i ? 0 : 100),
			  piece.len - (i ? 0 : 100));
	}
	frames_headers(&h->f, 3, END_STREAM, GET("\x02", "/3"));
	asks(h);
	frames_headers(&h->f, 3, END_STREAM, ST_404);
	answers(h);
	h->w->spans[h->w->spans_len] = 0;
	assert_non_null(strstr(h->w->spans, "server 404 GET h/3"));
	assert_int_equal(wire_stats(h->w).requests, 2);
	wire_close(h->w);
	h2_free(h);
}

/* What is said of a stream after a hole is of that stream, since no number is used again. */
static void streams_live_on_behind_a_hole(void **state)
{
	struct h2 *h = server();

	frames_headers(&h->f, 1, END_STREAM, GET("\x02", "/1"));
	frames_headers(&h->f, 3, END_STREAM, GET("\x02", "/3"));
	frames_headers(&h->f, 5, END_STREAM, GET("\x02", "/5"));
	frames_headers(&h->f, 7, END_STREAM, CALL("\x04", "/S/M"));
	asks(h);
	frames_headers(&h->f, 1, 0, ST_200);
	answers(h);
	wire_pass(h->w, OBI_SEND, slice_of(NULL, 0), 300);
	frames_data(&h->f, 1, END_STREAM, "end");
	frames_data(&h->f, 3, END_STREAM, "of an answer that began in the hole");
	frames_headers(&h->f, 5, END_STREAM, ST_404);
	frames_headers(&h->f, 7, END_STREAM, GRPC_STATUS("5"));
	answers(h);
	assert_int_equal(drops(h, OBI_DROP_LOST_RECORD), 1);
	ends_with(h, "server 200 GET h/1 0>-1 [3..6]\nserver 404 GET h/5 0>-1 [3..6]\n"
		     "server 5 S/M \"\" [3..6]\n");
}

static void what_ended_in_a_hole_is_let_go(void **state)
{
	struct h2 *h = server();

	frames_headers(&h->f, 1, END_STREAM, GET("\x02", "/1"));
	asks(h);
	for (int i = 0; i < 20; i++) {
		wire_pass(h->w, OBI_SEND, slice_of(NULL, 0), 300);
		frames_add(&h->f, HTTP2_FRAME_PING, 0, 0, SLICE_LIT("12345678"));
		answers(h);
	}
	assert_int_equal(wire_stats(h->w).pending, 0);
	assert_int_equal(drops(h, OBI_DROP_LOST_RECORD), 1);
	ends_with(h, "");
}

/* Only what was said is a status: not what follows from that there was none. */
static void unknown_trailers_have_no_status(void **state)
{
	struct h2 *h = h2_new(OBI_SIDE_UNKNOWN);

	frames_headers(&h->f, 101, END_STREAM, CALL("\x06", "/p.S/M"));
	asks(h);
	frames_headers(&h->f, 101, 0, ST_200 CT_GRPC);
	frames_headers(&h->f, 101, END_STREAM, NEWEST);
	answers(h);
	ends_with(h, "server -1 p.S/M \"\" [1..2]\n");
}

static void seen_from_its_middle(void **state)
{
	struct h2 *h = h2_new(OBI_SIDE_UNKNOWN);

	/* The rest of something, and then a request by entries that nobody saw. */
	wire_send(h->w, "the end of a body that is long gone");
	frames_headers(&h->f, 101, END_STREAM, M_GET S_HTTP NEWEST SECOND);
	asks(h);
	frames_headers(&h->f, 101, END_STREAM, ST_200);
	answers(h);
	frames_headers(&h->f, 103, END_STREAM, GET("\x04", "/103"));
	asks(h);
	frames_headers(&h->f, 103, END_STREAM, ST_404);
	answers(h);
	ends_with(h, "server 200 GET  0>0 [2..3]\nserver 404 GET h/103 0>0 [4..5]\n");
}

/* As gRPC's C core does, which has a setting of its own. */
static void server_speaks_first(void **state)
{
	static const char *const settings[] = { "\x00\x03\0\0\0\x64\xfe\x03\0\0\0\1",
						"\x7f\x7f\0\0\0\x64\xfe\x03\0\0\0\1" };

	for (size_t i = 0; i < 2; i++) {
		struct h2 *h = h2_new(OBI_SIDE_ACCEPTED);

		frames_add(&h->f, HTTP2_FRAME_SETTINGS, 0, 0, slice_of(settings[i], 12));
		answers(h);
		frames_text(&h->f, SLICE_LIT(HTTP2_PREFACE));
		frames_add(&h->f, HTTP2_FRAME_SETTINGS, 0, 0, SLICE_LIT(""));
		frames_headers(&h->f, 1, END_STREAM, GET("\x02", "/a"));
		asks(h);
		frames_add(&h->f, HTTP2_FRAME_SETTINGS, HTTP2_FLAG_ACK, 0, SLICE_LIT(""));
		answers(h);
		frames_headers(&h->f, 1, END_STREAM, ST_200);
		answers(h);
		assert_int_equal(wire_stats(h->w).requests, 1);
		ends_with(h, "server 200 GET h/a 0>0 [2..4]\n");
	}
}

static void seen_from_an_answer_on(void **state)
{
	struct h2 *h = h2_new(OBI_SIDE_UNKNOWN);

	frames_headers(&h->f, 101, END_STREAM, ST_200);
	answers(h);
	frames_headers(&h->f, 103, END_STREAM, GET("\x04", "/103"));
	asks(h);
	frames_headers(&h->f, 103, END_STREAM, ST_404);
	answers(h);
	ends_with(h, "server 404 GET h/103 0>0 [2..3]\n");
}

/* The preface passed before anybody looked. */
static void seen_from_settings_on(void **state)
{
	struct h2 *h = h2_new(OBI_SIDE_UNKNOWN);

	frames_add(&h->f, HTTP2_FRAME_SETTINGS, 0, 0, SLICE_LIT("\0\3\0\0\0\x64"));
	frames_add(&h->f, HTTP2_FRAME_SETTINGS, HTTP2_FLAG_ACK, 0, SLICE_LIT(""));
	answers(h);
	frames_add(&h->f, HTTP2_FRAME_SETTINGS, HTTP2_FLAG_ACK, 0, SLICE_LIT(""));
	asks(h);
	frames_headers(&h->f, 1, END_STREAM, GET("\x02", "/1"));
	asks(h);
	frames_headers(&h->f, 1, END_STREAM, ST_404);
	answers(h);
	assert_int_equal(wire_stats(h->w).requests, 1);
	ends_with(h, "server 404 GET h/1 0>0 [3..4]\n");
}

/* ---- What is none ------------------------------------------------------------------------------
 */

static void hostile_bytes_are_let_go(void **state)
{
	struct h2 *h = server();
	struct obi_conns_stats stats;

	frames_headers(&h->f, 1, END_STREAM, GET("\x02", "/1"));
	asks(h);
	for (int i = 0; i < 100; i++) {
		wire_recv(h->w, "\xff\xff\xff these are no frames at all");
		wire_send(h->w, "\xff\xff\xff these are no frames at all");
	}
	stats = wire_stats(h->w);
	assert_true(stats.requests < 10);
	assert_int_equal(stats.spans, 0);
	wire_close(h->w);
	wire_spans(h->w, "");
	assert_int_equal(wire_stats(h->w).pending, 0);
	h2_free(h);
}

static void blocks_without_end_are_bounded(void **state)
{
	struct h2 *h = server();

	frames_add(&h->f, HTTP2_FRAME_HEADERS, END_STREAM, 1, SLICE_LIT(GET("\x02", "/1")));
	asks(h);
	for (int i = 0; i < 100; i++) {
		frames_add(&h->f, HTTP2_FRAME_CONTINUATION, 0, 1,
			   slice_of(h->f.bytes + 64 * 1024, 1000));
		asks(h);
	}
	frames_add(&h->f, HTTP2_FRAME_CONTINUATION, END_HEADERS, 1, SLICE_LIT("x"));
	asks(h);
	assert_true(wire_stats(h->w).requests <= 1);
	wire_close(h->w);
	assert_int_equal(wire_stats(h->w).pending, 0);
	h2_free(h);
}

/* Blocks under way on more connections than there are rooms for. */
static void rooms_run_out(void **state)
{
	struct h2 *h = h2_new(OBI_SIDE_ACCEPTED);

	for (int i = 0; i < 64; i++) {
		h->w->conn = i;
		frames_begin(&h->f, h->w, h->requests);
		frames_add(&h->f, HTTP2_FRAME_HEADERS, END_STREAM, 1, SLICE_LIT(M_GET S_HTTP));
		asks(h);
	}
	for (int i = 0; i < 64; i++) {
		h->w->conn = i;
		frames_add(&h->f, HTTP2_FRAME_CONTINUATION, END_HEADERS, 1,
			   SLICE_LIT(PATH("\x02", "/a")));
		asks(h);
		frames_headers(&h->f, 1, END_STREAM, ST_200);
		answers(h);
		wire_close(h->w);
	}
	assert_int_equal(wire_stats(h->w).spans, 64);
	h2_free(h);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(holes_in_data_lose_nothing),
		cmocka_unit_test(after_lost_headers_no_field_is_a_wrong_one),
		cmocka_unit_test(after_lost_answers_no_status_is_a_wrong_one),
		cmocka_unit_test(taken_up_within_a_long_body),
		cmocka_unit_test(streams_live_on_behind_a_hole),
		cmocka_unit_test(what_ended_in_a_hole_is_let_go),
		cmocka_unit_test(unknown_trailers_have_no_status),
		cmocka_unit_test(seen_from_its_middle),
		cmocka_unit_test(server_speaks_first),
		cmocka_unit_test(seen_from_an_answer_on),
		cmocka_unit_test(seen_from_settings_on),
		cmocka_unit_test(hostile_bytes_are_let_go),
		cmocka_unit_test(blocks_without_end_are_bounded),
		cmocka_unit_test(rooms_run_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
