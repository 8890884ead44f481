// SPDX-License-Identifier: Apache-2.0
/* Connections joined in the middle, and records that were lost on the way. */
#include "conn/wire.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

static void joined_in_the_middle_of_a_response(void **state)
{
	struct wire *w = wire_new();

	w->side = OBI_SIDE_UNKNOWN;
	wire_send(w, "the rest of some body");
	wire_recv(w, "GET /a HTTP/1.1\r\n\r\n");
	wire_send(w, OK);
	wire_spans(w, "server 200 GET /a 0>0 [2..3]\n");
	assert_int_equal(wire_stats(w).requests, 1);
	wire_free(w);
}

static void joined_between_request_and_response(void **state)
{
	struct wire *w = wire_new();

	w->side = OBI_SIDE_UNKNOWN;
	wire_recv(w, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc");
	wire_send(w, "GET /a HTTP/1.1\r\n\r\n");
	wire_recv(w, OK);
	wire_spans(w, "client 200 GET /a 0>0 [2..3]\n");
	assert_int_equal(wire_stats(w).dropped[OBI_DROP_NO_REQUEST], 1);
	wire_free(w);
}

static void joined_at_a_later_message(void **state)
{
	struct wire *w = wire_new();

	w->at[0].message = 7;
	w->at[0].direction = OBI_SEND;
	wire_recv(w, "GET /a HTTP/1.1\r\n\r\n");
	wire_send(w, OK);
	wire_spans(w, "server 200 GET /a 0>0 [1..2]\n");
	wire_free(w);
}

/* ---- Lost records -------------------------------------------------------------------------- */

static void lost_response(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "GET /a HTTP/1.1\r\n\r\n");
	w->lose = true;
	wire_send(w, OK);
	w->lose = false;
	wire_recv(w, "GET /b HTTP/1.1\r\n\r\n");
	wire_send(w, "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n");
	wire_spans(w, "server 500 GET /b 0>0 [3..4]\n");
	assert_int_equal(wire_stats(w).dropped[OBI_DROP_LOST_RECORD], 1);
	wire_free(w);
}

static void lost_response_and_request(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "GET /a HTTP/1.1\r\n\r\n");
	w->lose = true;
	wire_send(w, OK);
	wire_recv(w, "GET /b HTTP/1.1\r\n\r\n");
	w->lose = false;
	wire_send(w, "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n");
	wire_spans(w, ""); /* /a never gets the response of /b */
	assert_int_equal(wire_stats(w).dropped[OBI_DROP_LOST_RECORD], 2);
	wire_recv(w, "GET /c HTTP/1.1\r\n\r\n");
	wire_send(w, OK);
	wire_spans(w, "server 200 GET /c 0>0 [5..6]\n");
	wire_free(w);
}

static void lost_request(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "GET /a HTTP/1.1\r\n\r\n");
	wire_send(w, OK);
	w->lose = true;
	wire_recv(w, "GET /b HTTP/1.1\r\n\r\n");
	w->lose = false;
	wire_send(w, OK);
	wire_spans(w, "server 200 GET /a 0>0 [1..2]\n");
	assert_int_equal(wire_stats(w).dropped[OBI_DROP_LOST_RECORD], 1);
	wire_free(w);
}

static void lost_while_a_response_is_under_way(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n");
	wire_send(w, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
	w->lose = true;
	wire_recv(w, "GET /c HTTP/1.1\r\n\r\n");
	wire_send(w, "0123456789" OK);
	w->lose = false;
	wire_recv(w, "GET /d HTTP/1.1\r\n\r\n");
	wire_spans(w, "server 200 GET /a 0>10 [1..2]\n"); /* it was answered, that much is known */
	wire_send(w, OK);
	wire_spans(w, "server 200 GET /d 0>0 [5..6]\n");
	assert_int_equal(wire_stats(w).dropped[OBI_DROP_LOST_RECORD], 1);
	wire_free(w);
}

static void lost_chunk_of_a_head(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "GET /a HTTP/1.1\r\nHost:");
	w->lose = true;
	wire_recv(w, " h\r\n");
	w->lose = false;
	wire_recv(w, "X: y\r\n\r\n");
	wire_send(w, OK);
	wire_spans(w, "server 200 GET /a -1>0 [1..4]\n");
	wire_free(w);
}

static void lost_then_closed(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "GET /a HTTP/1.1\r\n\r\n");
	w->lose = true;
	wire_send(w, OK);
	w->lose = false;
	wire_close(w);
	wire_spans(w, "");
	assert_int_equal(wire_stats(w).dropped[OBI_DROP_LOST_RECORD], 1);
	wire_free(w);
}

/* ---- What is taken for a head, where one may or may not begin ------------------------------- */

/* A connection that lost a record: what it was in the middle of is not known. */
static struct wire *lost_wire(void)
{
	struct wire *w = wire_new();

	wire_recv(w, "GET /a HTTP/1.1\r\n\r\n");
	wire_send(w, OK);
	w->lose = true;
	wire_recv(w, "POST /lost HTTP/1.1\r\n\r\nOPTIO");
	w->lose = false;
	wire_send(w, OK);
	wire_spans(w, "server 200 GET /a 0>0 [1..2]\n");
	return w;
}

static void what_looks_like_a_request_line_is_not_taken(void **state)
{
	static const char *const texts[] = {
		"NS /b HTTP/1.1\r\n\r\n",          "T /b HTTP/1.1\r\n\r\n",
		"ns /b HTTP/1.1\r\n\r\n",          "xx yy HTTP/1.1\r\n\r\n",
		"GET yy HTTP/1.1\r\n\r\n",         "GET /b HTTP/1.1",
		"\x01\x02 GET / HTTP/1.1\r\n\r\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct wire *w = lost_wire();
		struct obi_conns_stats before = wire_stats(w);

		wire_recv(w, texts[i]);
		wire_send(w, "HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n");
		wire_spans(w, "");
		assert_true(wire_stats(w).requests > before.requests);
		wire_recv(w, "GET /c HTTP/1.1\r\n\r\n");
		wire_send(w, "HTTP/1.1 202 X\r\nContent-Length: 0\r\n\r\n");
		wire_spans(w, "server 202 GET /c 0>0 [7..8]\n");
		wire_free(w);
	}
}

static void nothing_is_taken_within_a_message(void **state)
{
	struct wire *w = lost_wire();

	wire_recv(w, "the rest of something");
	wire_recv(w, "GET /b HTTP/1.1\r\n\r\n"); /* it may be a line of that */
	wire_send(w, "HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n");
	wire_spans(w, "");
	wire_recv(w, "GET /c HTTP/1.1\r\n\r\n");
	wire_send(w, "HTTP/1.1 202 X\r\nContent-Length: 0\r\n\r\n");
	wire_spans(w, "server 202 GET /c 0>0 [8..9]\n");
	wire_free(w);
}

/* ---- Odd but answered ---------------------------------------------------------------------- */

static void odd_requests_are_spans(void **state)
{
	static const char *const requests[] = {
		"GET /a HTTP/1.0.8\r\n\r\n",
		"GET /a HTTP/1.\r\n\r\n",
		"GET /a HTTP/1.10\r\n\r\n",
		"GET /a HTTP/1.1 \r\n\r\n",
	};

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		struct wire *w = wire_new();

		wire_recv(w, requests[i]);
		wire_send(w, OK);
		wire_recv(w, requests[i]);
		wire_send(w, OK);
		wire_spans(w, "server 200 GET /a 0>0 [1..2]\nserver 200 GET /a 0>0 [3..4]\n");
		wire_free(w);
	}
}

static void any_token_is_a_method(void **state)
{
	static const char *const methods[] = { "get",
					       "Patch",
					       "x",
					       "M-SEARCH",
					       "brew!#$%&'*+.^_`|~9",
					       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ" };

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		struct wire *w = wire_new();
		char text[128];

		snprintf(text, sizeof(text), "%s /a HTTP/1.1\r\n\r\n", methods[i]);
		wire_recv(w, text);
		wire_send(w, OK);
		snprintf(text, sizeof(text), "server 200 %s /a 0>0 [1..2]\n", methods[i]);
		wire_spans(w, text);
		wire_free(w);
	}
}

static void odd_responses_end_their_exchange(void **state)
{
	static const struct {
		const char *response, *span;
	} cases[] = {
		{ "HTTP/1.1  201 X\r\nContent-Length: 2\r\n\r\nab",
		  "server 201 GET /a 0>2 [1..2]\n" },
		{ "HTTP/2 202 X\r\nContent-Length: 2\r\n\r\nab", "server 202 GET /a 0>2 [1..2]\n" },
		{ "\r\nHTTP/1.1 203 X\r\nContent-Length: 2\r\n\r\nab",
		  "server 203 GET /a 0>2 [1..2]\n" },
		{ "HTTP/1.1 OK\r\nContent-Length: 2\r\n\r\nab", "server 0 GET /a 0>2 [1..2]\n" },
		{ "HTTP/1.1 2000 X\r\nContent-Length: 2\r\n\r\nab",
		  "server 0 GET /a 0>2 [1..2]\n" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wire *w = wire_new();

		wire_recv(w, "GET /a HTTP/1.1\r\n\r\n");
		wire_send(w, cases[i].response);
		wire_spans(w, cases[i].span);
		wire_recv(w, "GET /b HTTP/1.1\r\n\r\n");
		wire_send(w, OK);
		wire_spans(w, "server 200 GET /b 0>0 [3..4]\n");
		wire_free(w);
	}
}

static void nul_in_a_response_costs_no_span(void **state)
{
	struct slice response = SLICE_LIT("HTTP/1.1 204 X\r\nX: a\0b\r\n\r\n");
	struct wire *w = wire_new();

	wire_recv(w, "GET /a HTTP/1.1\r\n\r\n");
	wire_pass(w, OBI_SEND, response, response.len);
	wire_spans(w, "server 204 GET /a 0>0 [1..2]\n");
	wire_free(w);
}

static void odd_status_line_cut_at_the_capture(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "GET /a HTTP/1.1\r\n\r\n");
	w->capture = 20;
	wire_send(w, "HTTP/1.1 OK\r\nContent-Length: 2\r\n\r\nab");
	wire_close(w);
	wire_spans(w, "server 0 GET /a 0>-1 [1..2]\n");
	wire_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(joined_in_the_middle_of_a_response),
		cmocka_unit_test(joined_between_request_and_response),
		cmocka_unit_test(joined_at_a_later_message),
		cmocka_unit_test(lost_response),
		cmocka_unit_test(lost_response_and_request),
		cmocka_unit_test(lost_request),
		cmocka_unit_test(lost_while_a_response_is_under_way),
		cmocka_unit_test(lost_chunk_of_a_head),
		cmocka_unit_test(lost_then_closed),
		cmocka_unit_test(what_looks_like_a_request_line_is_not_taken),
		cmocka_unit_test(nothing_is_taken_within_a_message),
		cmocka_unit_test(odd_requests_are_spans),
		cmocka_unit_test(any_token_is_a_method),
		cmocka_unit_test(odd_responses_end_their_exchange),
		cmocka_unit_test(nul_in_a_response_costs_no_span),
		cmocka_unit_test(odd_status_line_cut_at_the_capture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
