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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
