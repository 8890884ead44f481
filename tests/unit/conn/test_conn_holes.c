// SPDX-License-Identifier: Apache-2.0
/* What is not seen: heads cut at the capture, bodies that only totals and the board tell of. */
#include "conn/wire.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define GIB (1024ULL * 1024 * 1024)

static struct slice repeat(char c, size_t n, const char *before, const char *after)
{
	static char text[8192];
	size_t len = strlen(before);

	memcpy(text, before, len);
	memset(text + len, c, n);
	memcpy(text + len + n, after, strlen(after) + 1);
	return slice_cstr(text);
}

static void pass(struct wire *w, uint8_t direction, struct slice s)
{
	wire_pass(w, direction, s, s.len);
}

static void request_head_cut_at_the_capture(void **state)
{
	struct wire *w = wire_new();

	pass(w, OBI_RECV,
	     repeat('x', 2000, "GET /a?b HTTP/1.1\r\nHost: h\r\nCookie: ", "\r\n\r\n"));
	wire_send(w, OK);
	wire_spans(w, "server 200 GET h/a?b -1>0 [1..2]\n");
	/* and the connection goes on */
	wire_recv(w, "GET /c HTTP/1.1\r\n\r\n");
	wire_send(w, OK);
	wire_spans(w, "server 200 GET /c 0>0 [3..4]\n");
	wire_free(w);
}

static void target_cut_at_the_capture(void **state)
{
	struct wire *w = wire_new();

	w->capture = 40;
	pass(w, OBI_RECV, repeat('x', 2000, "GET /a?", " HTTP/1.1\r\nHost: h\r\n\r\n"));
	wire_send(w, OK);
	wire_spans(w, "server 200 GET /a?xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx -1>0 [1..2]\n");
	wire_free(w);
}

static void head_longer_than_is_put_together(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "POST /a HTTP/1.1\r\nContent-Length: 7\r\n");
	for (int i = 0; i < 8; i++)
		pass(w, OBI_RECV, repeat('x', 1000, "X: ", "\r\n"));
	wire_recv(w, "\r\n1234567");
	wire_send(w, OK);
	wire_spans(w, "server 200 POST /a 7>0 [1..11]\n");
	wire_free(w);
}

static void response_head_cut_ends_with_the_next_request(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "GET /a HTTP/1.1\r\n\r\n");
	pass(w, OBI_SEND, repeat('x', 2000, "HTTP/1.1 200 OK\r\nSet-Cookie: ", "\r\n\r\nhello"));
	wire_spans(w, "");
	wire_recv(w, "GET /b HTTP/1.1\r\n\r\n");
	wire_spans(w, "server 200 GET /a 0>-1 [1..2]\n");
	wire_send(w, OK);
	wire_spans(w, "server 200 GET /b 0>0 [3..4]\n");
	wire_free(w);
}

static void cut_response_of_known_length_ends_with_its_bytes(void **state)
{
	struct wire *w = wire_new();
	struct slice head = repeat(
		'x', 2000, "HTTP/1.1 200 OK\r\nContent-Length: 3000\r\nSet-Cookie: ", "\r\n\r\n");

	wire_recv(w, "GET /a HTTP/1.1\r\n\r\n");
	wire_pass(w, OBI_SEND, head, head.len + 3000);
	wire_spans(w, "server 200 GET /a 0>3000 [1..2]\n");
	wire_recv(w, "GET /b HTTP/1.1\r\n\r\n");
	wire_pass(w, OBI_SEND, head, head.len);
	wire_spans(w, "");
	w->quiet = true;
	wire_pass(w, OBI_SEND, slice_of(NULL, 0), 1000);
	wire_tick(w, 1000); /* its end is known, however long that takes */
	wire_pass(w, OBI_SEND, slice_of(NULL, 0), 2000);
	w->quiet = false;
	wire_tick(w, 1);
	wire_spans(w, "server 200 GET /b 0>3000 [3..1006]\n");
	wire_recv(w, "GET /c HTTP/1.1\r\n\r\n");
	wire_pass(w, OBI_SEND, head, head.len);
	wire_close(w);
	wire_spans(w, "server 200 GET /c 0>-1 [1008..1009] incomplete\n");
	wire_free(w);
}

static void cut_upload_hides_no_request(void **state)
{
	struct wire *w = wire_new();
	struct slice head = repeat(
		'x', 2000, "POST /a HTTP/1.1\r\nContent-Length: 100\r\nCookie: ", "\r\n\r\n");

	wire_pass(w, OBI_RECV, head, head.len + 100);
	wire_send(w, OK);
	wire_recv(w, "GET /b HTTP/1.1\r\n\r\n");
	wire_send(w, OK);
	wire_spans(w, "server 200 POST /a 100>0 [1..2]\nserver 200 GET /b 0>0 [3..4]\n");
	wire_free(w);
}

static void response_head_cut_of_bodiless_response_ends_at_once(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "HEAD /a HTTP/1.1\r\n\r\n");
	pass(w, OBI_SEND, repeat('x', 2000, "HTTP/1.1 200 OK\r\nSet-Cookie: ", "\r\n\r\n"));
	wire_spans(w, "server 200 HEAD /a 0>0 [1..2]\n");
	wire_free(w);
}

static void response_of_unknown_length_ends_when_idle(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "GET /a HTTP/1.1\r\n\r\n");
	pass(w, OBI_SEND, repeat('x', 2000, "HTTP/1.1 200 OK\r\nSet-Cookie: ", "\r\n\r\nhello"));
	wire_quiet(w, OBI_SEND, "and more");
	wire_tick(w, 50);
	wire_quiet(w, OBI_SEND, "and more"); /* at 54 */
	wire_tick(w, 90);
	wire_spans(w, "");
	wire_tick(w, 10);
	wire_spans(w, "server 200 GET /a 0>-1 [1..54]\n");
	wire_quiet(w, OBI_SEND, "and too late");
	wire_recv(w, "GET /b HTTP/1.1\r\n\r\n");
	wire_send(w, OK);
	wire_spans(w, "server 200 GET /b 0>0 [156..157]\n");
	wire_free(w);
}

static void body_in_one_chunk_beyond_the_capture(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "GET /a HTTP/1.1\r\n\r\n");
	pass(w, OBI_SEND, repeat('x', 5000, "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", ""));
	wire_spans(w, "server 200 GET /a 0>5000 [1..2]\n");
	wire_free(w);
}

/* A head, then sendfile: the board shows the progress, nobody sees the bytes. */
static void file_sent_without_readable_bytes(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "GET /a HTTP/1.1\r\n\r\n");
	wire_send(w, "HTTP/1.1 200 OK\r\nContent-Length: 3221225472\r\n\r\n");
	w->quiet = true;
	wire_pass(w, OBI_SEND, slice_of(NULL, 0), GIB);
	wire_tick(w, 1);
	wire_pass(w, OBI_SEND, slice_of(NULL, 0), GIB);
	wire_tick(w, 1000);
	wire_spans(w, ""); /* a known length is waited for */
	wire_pass(w, OBI_SEND, slice_of(NULL, 0), GIB);
	wire_tick(w, 10);
	wire_spans(w, "server 200 GET /a 0>3221225472 [1..1006]\n");
	wire_free(w);
}

static void file_sent_and_told_of_by_the_next_record_alone(void **state)
{
	struct wire *w = wire_new();

	obi_conns_free(w->conns);
	free(w->board);
	w->board = NULL;
	wire_open(w);
	for (int i = 0; i < 3; i++) {
		wire_recv(w, "GET /a HTTP/1.1\r\n\r\n");
		wire_send(w, "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n");
		w->quiet = true;
		wire_pass(w, OBI_SEND, slice_of(NULL, 0), GIB);
		w->quiet = false;
		wire_tick(w, 1);
		wire_spans(w, "");
		if (i == 0)
			wire_recv(w, "GET /b HTTP/1.1\r\n\r\n");
		else if (i == 1)
			wire_fin(w);
		else
			wire_close(w);
		wire_spans(w, i == 0   ? "server 200 GET /a 0>1073741824 [1..3]\n"
			      : i == 1 ? "server 200 GET /a 0>1073741824 [7..9]\n"
				       : "server 200 GET /a 0>1073741824 [12..14]\n");
		if (i == 0)
			wire_send(w, OK), w->spans_len = 0;
	}
	wire_free(w);
}

static void file_cut_short(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "GET /a HTTP/1.1\r\n\r\n");
	wire_send(w, "HTTP/1.1 200 OK\r\nContent-Length: 1073741825\r\n\r\n");
	w->quiet = true;
	wire_pass(w, OBI_SEND, slice_of(NULL, 0), GIB);
	wire_close(w);
	wire_spans(w, "server 200 GET /a 0>1073741824 [1..3] incomplete\n");
	wire_free(w);
}

static void upload_beyond_the_capture(void **state)
{
	struct wire *w = wire_new();

	pass(w, OBI_RECV,
	     repeat('x', 1500, "POST /a HTTP/1.1\r\nContent-Length: 4500\r\n\r\n", ""));
	for (int i = 0; i < 2; i++) {
		w->quiet = i;
		pass(w, OBI_RECV, repeat('x', 1500, "", ""));
	}
	w->quiet = false;
	wire_send(w, OK);
	wire_spans(w, "server 200 POST /a 4500>0 [1..4]\n");
	wire_recv(w, "GET /b HTTP/1.1\r\n\r\n");
	wire_send(w, OK);
	wire_spans(w, "server 200 GET /b 0>0 [5..6]\n");
	assert_int_equal(wire_stats(w).unread_bytes, 0);
	wire_free(w);
}

/* MORE records come for chunks that look like a head: within a body they are none. */
static void body_that_looks_like_a_head(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "POST /a HTTP/1.1\r\nContent-Length: 56\r\n\r\n");
	wire_recv(w, "GET /x HTTP/1.1\r\n\r\n");
	wire_recv(w, "GET /y HTTP/1.1\r\n\r\nGET /z HTTP");
	wire_recv(w, "/1.1\r\n\r\n");
	wire_send(w, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2000\r\n");
	wire_quiet(w, OBI_SEND, "HTTP/1.1 ");
	wire_send(w, "HTTP/1.1 404 OK\r\nContent-Length: 0\r\n\r\n");
	wire_close(w);
	wire_spans(w, "server 200 POST /a 56>53 [1..7] incomplete\n");
	wire_free(w);
}

static void chunked_end_seen_on_the_board(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "GET /a HTTP/1.1\r\n\r\n");
	wire_send(w, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	wire_quiet(w, OBI_SEND, "5\r\nhello\r\n");
	wire_tick(w, 1);
	wire_quiet(w, OBI_SEND, "5\r\nworld\r\n");
	wire_quiet(w, OBI_SEND, "0\r\n\r\n");
	wire_spans(w, "");
	wire_tick(w, 10);
	wire_spans(w, "server 200 GET /a 0>25 [1..6]\n");
	wire_recv(w, "GET /b HTTP/1.1\r\n\r\n");
	wire_send(w, OK);
	wire_spans(w, "server 200 GET /b 0>0 [17..18]\n");
	wire_free(w);
}

static void chunked_in_one_chunk_beyond_the_capture(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "GET /a HTTP/1.1\r\n\r\n");
	pass(w, OBI_SEND,
	     repeat('x', 2 + 5 + 2000,
		    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\nabc\r\n"
		    "500\r\n",
		    "\r\n0\r\n\r\n"));
	wire_spans(w, "server 200 GET /a 0>2034 [1..2]\n"); /* by the board's tail */
	assert_int_equal(wire_stats(w).unread_bytes, 0);
	wire_free(w);
}

static void chunked_data_that_looks_like_an_end(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "GET /a HTTP/1.1\r\n\r\n");
	wire_send(w, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100\r\n");
	wire_quiet(w, OBI_SEND, "data\r\n0\r\n\r\n");
	wire_tick(w, 1);
	wire_spans(w, "");
	wire_free(w);
}

static void chunked_with_trailers_ends_with_the_next_request(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "GET /a HTTP/1.1\r\n\r\n");
	wire_send(w, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	wire_quiet(w, OBI_SEND, "5\r\nhello\r\n0\r\nX: y\r\n\r\n");
	wire_tick(w, 5);
	wire_spans(w, "");
	wire_recv(w, "GET /b HTTP/1.1\r\n\r\n");
	wire_spans(w, "server 200 GET /a 0>21 [1..3]\n");
	wire_send(w, OK);
	wire_spans(w, "server 200 GET /b 0>0 [9..10]\n");
	wire_free(w);
}

static void pipelined_requests_beyond_the_capture(void **state)
{
	struct wire *w = wire_new();

	w->capture = 60; /* two of three, and a piece */
	wire_recv(w,
		  "GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\nGET /c HTTP/1.1\r\nHost: h\r\n\r\n"
		  "GET /d HTTP/1.1\r\n\r\n");
	w->capture = 1024;
	wire_send(w, "HTTP/1.1 201 OK\r\nContent-Length: 0\r\n\r\n"
		     "HTTP/1.1 202 OK\r\nContent-Length: 0\r\n\r\n"
		     "HTTP/1.1 203 OK\r\nContent-Length: 0\r\n\r\n"
		     "HTTP/1.1 204 OK\r\nContent-Length: 0\r\n\r\n");
	wire_spans(w, "server 201 GET /a 0>0 [1..2]\nserver 202 GET /b 0>0 [1..2]\n"
		      "server 203 GET /c -1>0 [1..2]\n");
	wire_recv(w, "GET /e HTTP/1.1\r\n\r\n");
	wire_send(w, OK);
	wire_spans(w, "server 200 GET /e 0>0 [3..4]\n");
	assert_int_equal(wire_stats(w).dropped[OBI_DROP_NO_REQUEST], 1);
	assert_int_equal(wire_stats(w).unread_bytes, 3 * 19 + 28 - 60);
	wire_free(w);
}

static void hidden_requests_never_lend_their_response(void **state)
{
	struct wire *w = wire_new();

	w->capture = 19; /* one of three, cut at its end */
	wire_recv(w, "GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\nGET /c HTTP/1.1\r\n\r\n");
	w->capture = 1024;
	wire_send(w, "HTTP/1.1 201 OK\r\nContent-Length: 1\r\n\r\n");
	wire_recv(w, "GET /d HTTP/1.1\r\n\r\n"); /* in between: whose is the next response? */
	wire_send(w, "xHTTP/1.1 202 OK\r\nContent-Length: 0\r\n\r\n");
	wire_send(w, "HTTP/1.1 203 OK\r\nContent-Length: 0\r\n\r\n");
	wire_send(w, "HTTP/1.1 204 OK\r\nContent-Length: 0\r\n\r\n");
	wire_spans(w, "server 201 GET /a 0>1 [1..4]\n");
	wire_recv(w, "GET /e HTTP/1.1\r\n\r\n");
	wire_send(w, OK);
	wire_spans(w, "server 200 GET /e 0>0 [7..8]\n");
	assert_int_equal(wire_stats(w).unread_bytes, 2 * 19);
	wire_free(w);
}

static void hidden_responses_drop_what_waited_for_them(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\nGET /c HTTP/1.1\r\n\r\n");
	w->capture = 38;
	wire_send(w, OK OK OK);
	w->capture = 1024;
	wire_spans(w, "server 200 GET /a 0>0 [1..2]\n");
	assert_int_equal(wire_stats(w).dropped[OBI_DROP_UNPARSED], 2);
	wire_recv(w, "GET /d HTTP/1.1\r\n\r\n");
	wire_send(w, OK);
	wire_spans(w, "server 200 GET /d 0>0 [3..4]\n");
	wire_free(w);
}

static void unreadable_response_is_counted(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "GET /a HTTP/1.1\r\n\r\n");
	wire_pass(w, OBI_SEND, slice_of(NULL, 0), 100);
	wire_recv(w, "GET /b HTTP/1.1\r\n\r\n");
	wire_send(w, OK);
	wire_spans(w, "server 200 GET /b 0>0 [3..4]\n");
	assert_int_equal(wire_stats(w).dropped[OBI_DROP_UNPARSED], 1);
	wire_free(w);
}

static void unreadable_request_takes_no_other_response(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "GET /a HTTP/1.1\r\n\r\n");
	wire_send(w, OK);
	wire_pass(w, OBI_RECV, slice_of(NULL, 0), 100);
	wire_send(w, OK);
	wire_recv(w, "GET /c HTTP/1.1\r\n\r\n");
	wire_send(w, OK);
	wire_spans(w, "server 200 GET /a 0>0 [1..2]\nserver 200 GET /c 0>0 [5..6]\n");
	assert_int_equal(wire_stats(w).dropped[OBI_DROP_NO_REQUEST], 1);
	assert_int_equal(wire_stats(w).unread_bytes, 100);
	wire_free(w);
}

static void response_that_is_none(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "GET /a HTTP/1.1\r\n\r\n");
	wire_send(w, "SSH-2.0-OpenSSH\r\n");
	wire_close(w);
	wire_spans(w, "");
	assert_int_equal(wire_stats(w).dropped[OBI_DROP_UNPARSED], 1);
	wire_free(w);
}

static void request_that_is_none(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "EHLO mail\r\n");
	wire_send(w, "250 hello\r\n");
	wire_recv(w, "QUIT\r\n");
	wire_close(w);
	wire_spans(w, "");
	assert_int_equal(wire_stats(w).requests, 1);
	assert_int_equal(wire_stats(w).dropped[OBI_DROP_UNPARSED], 1);
	wire_free(w);
}

static void http2_is_not_ours(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	wire_send(w, "HTTP/2 frames");
	wire_close(w);
	wire_spans(w, "");
	assert_int_equal(wire_stats(w).requests, 1);
	assert_int_equal(wire_stats(w).dropped[OBI_DROP_UNPARSED], 1);
	wire_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_head_cut_at_the_capture),
		cmocka_unit_test(target_cut_at_the_capture),
		cmocka_unit_test(head_longer_than_is_put_together),
		cmocka_unit_test(response_head_cut_ends_with_the_next_request),
		cmocka_unit_test(cut_response_of_known_length_ends_with_its_bytes),
		cmocka_unit_test(cut_upload_hides_no_request),
		cmocka_unit_test(response_head_cut_of_bodiless_response_ends_at_once),
		cmocka_unit_test(response_of_unknown_length_ends_when_idle),
		cmocka_unit_test(body_in_one_chunk_beyond_the_capture),
		cmocka_unit_test(file_sent_without_readable_bytes),
		cmocka_unit_test(file_sent_and_told_of_by_the_next_record_alone),
		cmocka_unit_test(file_cut_short),
		cmocka_unit_test(upload_beyond_the_capture),
		cmocka_unit_test(body_that_looks_like_a_head),
		cmocka_unit_test(chunked_end_seen_on_the_board),
		cmocka_unit_test(chunked_in_one_chunk_beyond_the_capture),
		cmocka_unit_test(chunked_data_that_looks_like_an_end),
		cmocka_unit_test(chunked_with_trailers_ends_with_the_next_request),
		cmocka_unit_test(pipelined_requests_beyond_the_capture),
		cmocka_unit_test(hidden_requests_never_lend_their_response),
		cmocka_unit_test(hidden_responses_drop_what_waited_for_them),
		cmocka_unit_test(unreadable_response_is_counted),
		cmocka_unit_test(unreadable_request_takes_no_other_response),
		cmocka_unit_test(response_that_is_none),
		cmocka_unit_test(request_that_is_none),
		cmocka_unit_test(http2_is_not_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
