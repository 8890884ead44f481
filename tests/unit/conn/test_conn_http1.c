// SPDX-License-Identifier: Apache-2.0
/* Exchanges over HTTP/1: what goes through a socket, and the spans that come of it. */
#include "conn/wire.h"

static void server_span_of_a_received_request(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "GET /a/b?c=d HTTP/1.1\r\nHost: shop:8080\r\n\r\n");
	wire_spans(w, "");
	wire_send(w, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
	wire_spans(w, "server 200 GET shop:8080/a/b?c=d 0>5 [1..2]\n");
	wire_free(w);
}

static void client_span_of_a_sent_request(void **state)
{
	struct wire *w = wire_new();

	w->side = OBI_SIDE_CONNECTED;
	wire_send(w, "POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc");
	wire_recv(w, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
	wire_spans(w, "client 404 POST /a 3>0 [1..2]\n");
	wire_free(w);
}

static void request_decides_the_role_not_the_side(void **state)
{
	struct wire *w = wire_new();

	w->side = OBI_SIDE_UNKNOWN;
	wire_recv(w, "GET /a HTTP/1.1\r\n\r\n");
	wire_send(w, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	w->side = OBI_SIDE_CONNECTED; /* the other end speaks first */
	w->conn = 1;
	wire_recv(w, "GET /b HTTP/1.1\r\n\r\n");
	wire_send(w, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	wire_spans(w, "server 200 GET /a 0>0 [1..2]\nserver 200 GET /b 0>0 [3..4]\n");
	wire_free(w);
}

struct ends {
	struct obi_span span;
};

static void keep_ends(void *context, struct obi_span *span)
{
	((struct ends *)context)->span = *span;
}

static void peer_is_the_client_and_host_the_server(void **state)
{
	struct wire *w = wire_new();
	struct ends ends;

	obi_conns_free(w->conns);
	wire_open(w);
	obi_conns_free(w->conns);
	w->options.sink = (struct obi_span_sink){ .put = keep_ends, .context = &ends };
	w->conns = obi_conns_new(&w->options);
	wire_recv(w, "GET http://h/ HTTP/1.1\r\n\r\n");
	wire_send(w, "HTTP/1.1 204 No Content\r\n\r\n");
	assert_int_equal(ends.span.peer_addr[15], 2);
	assert_int_equal(ends.span.peer_port, 40000);
	assert_int_equal(ends.span.host_addr[15], 1);
	assert_int_equal(ends.span.host_port, 8080);
	assert_true(slice_equal(ends.span.op.http.scheme, SLICE_LIT("http")));
	w->conn = 1;
	wire_send(w, "GET https://h/ HTTP/1.1\r\n\r\n");
	wire_recv(w, "HTTP/1.1 204 No Content\r\n\r\n");
	assert_int_equal(ends.span.peer_addr[15], 1);
	assert_int_equal(ends.span.peer_port, 8080);
	assert_int_equal(ends.span.host_port, 40000);
	wire_free(w);
}

static void keep_alive(void **state)
{
	struct wire *w = wire_new();

	for (int i = 0; i < 3; i++) {
		wire_recv(w, "GET /a HTTP/1.1\r\n\r\n");
		wire_send(w, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
	}
	wire_close(w);
	wire_spans(w, "server 200 GET /a 0>1 [1..2]\n"
		      "server 200 GET /a 0>1 [3..4]\n"
		      "server 200 GET /a 0>1 [5..6]\n");
	assert_int_equal(wire_stats(w).connections, 0);
	wire_free(w);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "GET /a HTTP/1.1\r\n\r\nPOST /b HTTP/1.1\r\nContent-Length: 2\r\n\r\nxy"
		     "GET /c HTTP/1.1\r\n\r\n");
	assert_int_equal(wire_stats(w).pending, 3);
	wire_send(w, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
	wire_spans(w, "server 200 GET /a 0>1 [1..2]\n");
	wire_send(w, "HTTP/1.1 201 OK\r\nContent-Length: 0\r\n\r\n"
		     "HTTP/1.1 404 OK\r\nContent-Length: 3\r\n\r\nabc");
	wire_spans(w, "server 201 POST /b 2>0 [1..3]\nserver 404 GET /c 0>3 [1..3]\n");
	wire_free(w);
}

static void pipelined_while_the_first_answer_is_under_way(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "GET /a HTTP/1.1\r\n\r\n");
	wire_send(w, "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nHTTP");
	wire_recv(w, "GET /b HTTP/1.1\r\n\r\n");
	wire_send(w, "/1.1HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n");
	wire_spans(w, "server 200 GET /a 0>8 [1..4]\nserver 500 GET /b 0>0 [3..4]\n");
	wire_free(w);
}

static void responses_without_body(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "HEAD /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\nGET /c HTTP/1.1\r\n\r\n");
	wire_send(w, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
		     "HTTP/1.1 304 OK\r\nContent-Length: 100\r\n\r\n"
		     "HTTP/1.1 204 OK\r\n\r\n");
	wire_spans(w, "server 200 HEAD /a 0>0 [1..2]\n"
		      "server 304 GET /b 0>0 [1..2]\n"
		      "server 204 GET /c 0>0 [1..2]\n");
	wire_free(w);
}

static void continue_is_no_answer(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "PUT /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 20\r\n\r\n");
	wire_send(w, "HTTP/1.1 100 Continue\r\n\r\n");
	wire_recv(w, "GET /b HTTP/1.1\r\n\r\n-"); /* a body, whatever it looks like */
	wire_send(w, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
	wire_spans(w, "server 201 PUT /a 20>0 [1..4]\n");
	wire_recv(w, "GET /c HTTP/1.1\r\n\r\n");
	wire_send(w,
		  "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	wire_spans(w, "server 200 GET /c 0>0 [5..6]\n");
	wire_free(w);
}

static void upgraded_connection_is_left_alone(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
	wire_send(w, "HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x05hello");
	wire_spans(w, "server 101 GET /ws 0>0 [1..2]\n");
	wire_recv(w, "GET /not HTTP/1.1\r\n\r\n");
	wire_send(w, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	wire_close(w);
	wire_spans(w, "");
	assert_int_equal(wire_stats(w).requests, 1);
	wire_free(w);
}

static void connect_opens_a_tunnel(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "CONNECT db:443 HTTP/1.1\r\nHost: db:443\r\n\r\n");
	wire_send(w, "HTTP/1.1 407 Who\r\nContent-Length: 2\r\n\r\nno");
	wire_recv(w, "CONNECT db:443 HTTP/1.1\r\nHost: db:443\r\n\r\n");
	wire_send(w, "HTTP/1.1 200 Connected\r\n\r\n");
	wire_recv(w, "\x16\x03\x01");
	wire_send(w, "\x16\x03\x03");
	wire_close(w);
	wire_spans(w,
		   "server 407 CONNECT db:443 0>2 [1..2]\nserver 200 CONNECT db:443 0>0 [3..4]\n");
	wire_free(w);
}

static void chunked_both_ways(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
	wire_recv(w, "10\r\nGET / HTTP/1.1\r\n\r\n0\r\n\r\nGET /b HTTP/1.1\r\n\r\n");
	wire_send(w, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nT: "
		     "x\r\n\r\n"
		     "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	wire_spans(w, "server 200 POST /a 35>21 [1..3]\nserver 200 GET /b 0>0 [2..3]\n");
	wire_free(w);
}

static void http_1_0_ends_with_the_connection(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "GET /a HTTP/1.0\r\n\r\n");
	wire_send(w, "HTTP/1.0 200 OK\r\n\r\nhello");
	wire_send(w, "HTTP/1.0 500 no, this is the body\r\n\r\n");
	wire_spans(w, "");
	wire_fin(w);
	wire_spans(w, "server 200 GET /a 0>42 [1..3]\n");
	wire_close(w);
	wire_spans(w, "");
	wire_free(w);
}

static void response_before_the_whole_request(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "POST /a HTTP/1.1\r\nContent-Length: 30\r\n\r\n0123456789");
	wire_send(w, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
	wire_spans(w, "server 413 POST /a 30>0 [1..2]\n");
	wire_recv(w, "GET /no HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n");
	wire_send(w, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	wire_spans(w, "server 200 GET /b 0>0 [3..4]\n");
	wire_free(w);
}

static void half_closed_client_still_gets_its_answer(void **state)
{
	struct wire *w = wire_new();

	wire_send(w, "GET /a HTTP/1.0\r\n\r\n");
	wire_fin(w);
	wire_recv(w, "HTTP/1.0 200 OK\r\n\r\nhello");
	wire_spans(w, "");
	wire_close(w);
	wire_spans(w, "client 200 GET /a 0>5 [1..3]\n");
	wire_free(w);
}

static void reset_leaves_incomplete_spans(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n");
	wire_send(w, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhel");
	wire_reset(w);
	wire_spans(w, "server 200 GET /a 0>3 [1..2] incomplete\n"
		      "server 0 GET /b 0>-1 [1..3] incomplete\n");
	w->conn = 1;
	wire_recv(w, "GET /c HTTP/1.0\r\n\r\n");
	wire_send(w, "HTTP/1.0 200 OK\r\n\r\nhel");
	wire_reset(w); /* who knows whether that was all */
	wire_spans(w, "server 200 GET /c 0>3 [4..5] incomplete\n");
	wire_free(w);
}

static void closed_before_the_request_was_whole(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "GET /a HTTP/1.1\r\nHost");
	wire_close(w);
	wire_spans(w, "");
	assert_int_equal(wire_stats(w).dropped[OBI_DROP_UNPARSED], 1);
	wire_free(w);
}

static void answered_before_the_request_was_whole(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "GET /a HTTP/1.1\r\nHost: ");
	wire_send(w, "HTTP/1.1 408 Slow\r\nContent-Length: 0\r\n\r\n");
	wire_spans(w, "server 408 GET /a -1>0 [1..2]\n");
	wire_free(w);
}

static void empty_lines_between_requests(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "POST /a HTTP/1.1\r\nContent-Length: 1\r\n\r\nx\r\n");
	wire_recv(w, "\r");
	wire_recv(w, "\n");
	wire_send(w, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	wire_recv(w, "\r\n");
	wire_recv(w, "GET /b HTTP/1.1\r\n\r\n");
	wire_send(w, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	wire_spans(w, "server 200 POST /a 1>0 [1..4]\nserver 200 GET /b 0>0 [6..7]\n");
	wire_free(w);
}

/* ---- Split at every byte --------------------------------------------------------------------- */

struct step {
	uint8_t direction;
	const char *text;
};

static const struct step scenario[] = {
	{ OBI_RECV,
	  "\r\nGET /a?q HTTP/1.1\r\nHost: h\r\n\r\nM-POST /b HTTP/1.1\r\nContent-Length: 4\r\n"
	  "Host: GET\r\n\r\nGET HEAD /c HTTP/1.1\r\nhost:i\n\n" },
	{ OBI_SEND, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n"
		    "HTTP/1.1 500HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n"
		    "4\r\n\r\n0\r\r\n0\r\n\r\nHTTP/1.1 200\r\nContent-Length: 7\r\n\r\n" },
	{ OBI_RECV,
	  "POST /d HTTP/1.1\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n" },
	{ OBI_SEND, "HTTP/1.1 100 Continue\r\n\r\n" },
	{ OBI_RECV, "a;x\r\n0123456789\r\n0\r\n\r\n" },
	{ OBI_SEND, "HTTP/1.1 503 Oh\r\nConnection: close\r\n\r\nHTTP/1.1 200 OK\r\n\r\n" },
};

#define SCENARIO_SPANS(times)                                                                      \
	"server 200 GET h/a?q 0>12" times "server 201 M-POST GET/b 4>14" times                     \
	"server 200 HEAD i/c 0>0" times "server 503 POST /d 22>19" times

/* Plays the scenario; the message of step `split` is cut at the given bytes. */
static void play(uint8_t requests, size_t split, size_t first, size_t second)
{
	struct wire *w = wire_new();

	for (size_t i = 0; i < sizeof(scenario) / sizeof(scenario[0]); i++) {
		uint8_t direction = scenario[i].direction ^ requests ^ OBI_RECV;
		struct slice text = slice_cstr(scenario[i].text);
		size_t cuts[3] = { text.len, text.len, text.len }, at = 0;

		if (i == split) {
			cuts[0] = first;
			cuts[1] = second;
		}
		for (int k = 0; k < 3; k++) {
			if (cuts[k] > at)
				wire_pass(w, direction, slice_of(text.data + at, cuts[k] - at),
					  cuts[k] - at);
			at = cuts[k];
		}
	}
	wire_close(w);
	wire_forget_times(w);
	if (requests == OBI_RECV)
		wire_spans(w, SCENARIO_SPANS("\n"));
	else
		assert_int_equal(wire_stats(w).spans, 4);
	assert_int_equal(wire_stats(w).requests, 4);
	wire_free(w);
}

static void any_message_split_at_any_byte(void **state)
{
	for (uint8_t requests = 0; requests < 2; requests++)
		for (size_t step = 0; step < sizeof(scenario) / sizeof(scenario[0]); step++)
			for (size_t at = 1; at < strlen(scenario[step].text); at++) {
				play(requests, step, at, strlen(scenario[step].text));
				play(requests, step, at, at + 1);
			}
}

static void all_messages_byte_by_byte(void **state)
{
	struct wire *w = wire_new();

	for (size_t i = 0; i < sizeof(scenario) / sizeof(scenario[0]); i++)
		for (const char *p = scenario[i].text; *p; p++)
			wire_pass(w, scenario[i].direction, slice_of(p, 1), 1);
	wire_close(w);
	wire_forget_times(w);
	wire_spans(w, SCENARIO_SPANS("\n"));
	wire_free(w);
}

static void split_head_starts_with_its_first_byte(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "GET /a");
	wire_recv(w, " HTTP/1.1\r\n");
	wire_recv(w, "\r\n");
	wire_send(w, "HTTP/1.1 200 OK\r\n");
	wire_send(w, "Content-Length: 3\r\n\r\nab");
	wire_spans(w, "");
	wire_send(w, "c");
	wire_spans(w, "server 200 GET /a 0>3 [1..6]\n");
	wire_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(server_span_of_a_received_request),
		cmocka_unit_test(client_span_of_a_sent_request),
		cmocka_unit_test(request_decides_the_role_not_the_side),
		cmocka_unit_test(peer_is_the_client_and_host_the_server),
		cmocka_unit_test(keep_alive),
		cmocka_unit_test(pipelined_requests_are_answered_in_order),
		cmocka_unit_test(pipelined_while_the_first_answer_is_under_way),
		cmocka_unit_test(responses_without_body),
		cmocka_unit_test(continue_is_no_answer),
		cmocka_unit_test(upgraded_connection_is_left_alone),
		cmocka_unit_test(connect_opens_a_tunnel),
		cmocka_unit_test(chunked_both_ways),
		cmocka_unit_test(http_1_0_ends_with_the_connection),
		cmocka_unit_test(response_before_the_whole_request),
		cmocka_unit_test(half_closed_client_still_gets_its_answer),
		cmocka_unit_test(reset_leaves_incomplete_spans),
		cmocka_unit_test(closed_before_the_request_was_whole),
		cmocka_unit_test(answered_before_the_request_was_whole),
		cmocka_unit_test(empty_lines_between_requests),
		cmocka_unit_test(any_message_split_at_any_byte),
		cmocka_unit_test(all_messages_byte_by_byte),
		cmocka_unit_test(split_head_starts_with_its_first_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
