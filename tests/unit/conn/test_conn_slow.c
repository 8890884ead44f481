// SPDX-License-Identifier: Apache-2.0
/* How long an answer is: to its last byte, however long it pauses. What is known of its end decides
 * how long that is waited for: 100 steps where nothing is, 10,000 where it will be seen. */
#include "base/clock.h"
#include "conn/wire.h"

#define REQUEST "GET /a HTTP/1.1\r\n\r\n"
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define NEXT_IS_A_SPAN_OF_ITS_OWN(w, times)                                                        \
	do {                                                                                       \
		wire_recv(w, "GET /b HTTP/1.1\r\n\r\n");                                           \
		wire_send(w, "HTTP/1.1 204 OK\r\n\r\n");                                           \
		wire_spans(w, "server 204 GET /b 0>0 " times "\n");                                \
	} while (0)

static void chunked_body_that_pauses(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, REQUEST);
	wire_send(w, CHUNKED "5\r\nfirst\r\n");
	wire_tick(w, 2000);
	wire_quiet(w, OBI_SEND, "4\r\nlast\r\n");
	wire_tick(w, 2000);
	wire_spans(w, "");
	wire_quiet(w, OBI_SEND, "0\r\n\r\n");
	wire_tick(w, 50);
	wire_spans(w, "server 200 GET /a 0>24 [1..4004]\n");
	NEXT_IS_A_SPAN_OF_ITS_OWN(w, "[4055..4056]");
	wire_free(w);
}

/* As programs write: size, data and line end one by one. */
static void chunked_body_in_small_writes(void **state)
{
	static const char *const writes[] = { "5\r\n", "hello", "\r\n",  "1\r\n",
					      "!",     "\r\n",  "0\r\n", "\r\n" };
	struct wire *w = wire_new();

	wire_recv(w, REQUEST);
	wire_send(w, CHUNKED);
	for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
		wire_tick(w, 200);
		wire_spans(w, "");
		wire_quiet(w, OBI_SEND, writes[i]);
	}
	wire_tick(w, 50);
	wire_spans(w, "server 200 GET /a 0>21 [1..1610]\n");
	NEXT_IS_A_SPAN_OF_ITS_OWN(w, "[1661..1662]");
	wire_free(w);
}

/* The first chunk of a message is not on the board: the last one is five bytes there. */
static void last_chunk_is_the_second_write(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, REQUEST);
	wire_send(w, CHUNKED "5\r\nhello\r\n");
	wire_quiet(w, OBI_SEND, "0\r\n\r\n");
	w->board[w->at[0].id % OBI_BOARD_SLOTS].tail &= ~0xffffffULL;
	wire_tick(w, 50);
	wire_spans(w, "server 200 GET /a 0>15 [1..3]\n");
	wire_free(w);
}

static void chunked_body_whose_framing_was_lost_pauses(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, REQUEST);
	wire_send(w, CHUNKED);
	wire_quiet(w, OBI_SEND, "1e\r\n0123456789");
	wire_send(w, "HTTP/1.1 404 in a body"); /* looks like a head: it is reported */
	wire_tick(w, 2000);
	wire_spans(w, ""); /* it does not end like a last chunk */
	wire_quiet(w, OBI_SEND, "\r\n0\r\n\r\n");
	wire_tick(w, 50);
	wire_spans(w, "server 200 GET /a 0>43 [1..2005]\n");
	wire_free(w);
}

static void body_that_the_connection_ends_pauses(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "GET /a HTTP/1.0\r\n\r\n");
	wire_send(w, "HTTP/1.0 200 OK\r\n\r\nfirst");
	wire_tick(w, 2000);
	wire_quiet(w, OBI_SEND, "last");
	wire_tick(w, 2000);
	wire_spans(w, "");
	wire_fin(w);
	wire_spans(w, "server 200 GET /a 0>9 [1..2003]\n");
	wire_close(w);
	wire_free(w);
}

static void client_of_a_body_that_the_connection_ends(void **state)
{
	struct wire *w = wire_new();

	w->side = OBI_SIDE_CONNECTED;
	wire_send(w, "GET /a HTTP/1.0\r\n\r\n");
	wire_recv(w, "HTTP/1.0 200 OK\r\n\r\nfirst");
	wire_tick(w, 2000);
	wire_quiet(w, OBI_RECV, "last");
	wire_tick(w, 500);
	wire_spans(w, "");
	wire_close(w);
	wire_spans(w, "client 200 GET /a 0>9 [1..2003]\n");
	wire_free(w);
}

static void the_next_request_ends_a_chunked_body_whose_end_was_not_seen(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, REQUEST);
	wire_send(w, CHUNKED "5\r\nhello\r\n");
	wire_quiet(w, OBI_SEND, "0\r\nTrailer: x\r\n\r\n");
	wire_tick(w, 2000);
	wire_spans(w, "");
	wire_recv(w, "GET /b HTTP/1.1\r\n\r\n");
	wire_spans(w, "server 200 GET /a 0>27 [1..3]\n");
	wire_free(w);
}

/* What is known of the place says that the answer is not whole: the request was sent ahead. */
static void a_request_sent_ahead_ends_no_chunked_body(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, REQUEST);
	wire_send(w, CHUNKED "5\r\nfirst\r\n");
	wire_recv(w, "GET /b HTTP/1.1\r\n\r\n");
	wire_tick(w, 2000);
	wire_spans(w, "");
	wire_send(w, "0\r\n\r\nHTTP/1.1 204 OK\r\n\r\n");
	wire_spans(w, "server 200 GET /a 0>15 [1..2004]\nserver 204 GET /b 0>0 [3..2004]\n");
	wire_free(w);
}

static void nothing_is_held_for_ever(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, REQUEST);
	wire_send(w, CHUNKED "5\r\nfirst\r\n");
	w->conn = 1;
	wire_recv(w, "GET /b HTTP/1.0\r\n\r\n");
	wire_send(w, "HTTP/1.0 200 OK\r\n\r\nfirst");
	wire_tick(w, 9000);
	wire_spans(w, "");
	wire_tick(w, 2000);
	w->spans[w->spans_len] = 0;
	assert_non_null(strstr(w->spans, "server 200 GET /a 0>10 [1..2]\n"));
	assert_non_null(strstr(w->spans, "server 200 GET /b 0>5 [3..4]\n"));
	assert_int_equal(wire_stats(w).pending, 0);
	wire_free(w);
}

static void a_paused_answer_goes_with_its_connection(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, REQUEST);
	wire_send(w, CHUNKED "5\r\nfirst\r\n");
	wire_tick(w, 2000);
	wire_close(w);
	wire_spans(w, "server 200 GET /a 0>10 [1..2] incomplete\n");
	wire_free(w);
}

#define MANY 20000

/* Of 20,000 event streams hardly one is looked at in a tick. */
static void tick_costs_little_for_paused_answers(void **state)
{
	struct wire *w = wire_new();
	uint64_t began;

	obi_conns_free(w->conns);
	w->options.max_connections = MANY;
	w->options.body_idle_ns = 0;
	wire_open(w);
	for (uint64_t i = 0; i < MANY; i++) {
		w->at[0] = (struct wire_conn){ .id = i + 1 };
		wire_recv(w, REQUEST);
		wire_send(w, CHUNKED);
	}
	wire_tick(w, 1000);
	wire_tick(w, 1000);
	began = clock_monotonic_ns();
	for (int i = 0; i < 1000; i++)
		obi_conns_tick(w->conns, ++w->now * STEP_NS);
	assert_true(clock_monotonic_ns() - began < NSEC_PER_SEC / 2);
	assert_int_equal(wire_stats(w).pending, MANY);
	wire_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chunked_body_that_pauses),
		cmocka_unit_test(chunked_body_in_small_writes),
		cmocka_unit_test(last_chunk_is_the_second_write),
		cmocka_unit_test(chunked_body_whose_framing_was_lost_pauses),
		cmocka_unit_test(body_that_the_connection_ends_pauses),
		cmocka_unit_test(client_of_a_body_that_the_connection_ends),
		cmocka_unit_test(the_next_request_ends_a_chunked_body_whose_end_was_not_seen),
		cmocka_unit_test(a_request_sent_ahead_ends_no_chunked_body),
		cmocka_unit_test(nothing_is_held_for_ever),
		cmocka_unit_test(a_paused_answer_goes_with_its_connection),
		cmocka_unit_test(tick_costs_little_for_paused_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
