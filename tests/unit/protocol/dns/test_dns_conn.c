// SPDX-License-Identifier: Apache-2.0
/* DNS in datagrams, from records to spans: pairs, retries, what is not answered, what is no DNS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "../../conn/wire.h"

#define QUESTION(id, flags, answers) id flags "\0\1\0" answers "\0\0\0\0\7example\3com\0\0\1\0\1"
#define ASKED(id) SLICE_LIT(QUESTION(id, "\1\0", "\0"))
#define ANSWERED(id)                                                                               \
	SLICE_LIT(QUESTION(id, "\x81\x80", "\1") "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1")
#define NOT_THERE(id) SLICE_LIT(QUESTION(id, "\x81\x83", "\0"))

static struct wire *resolver(void)
{
	struct wire *w = wire_new();

	obi_conns_free(w->conns);
	w->options.idle_ns = 1000 * STEP_NS;
	w->options.timeout_ns[OBI_TIMEOUT_LOOKUP] = 100 * STEP_NS;
	w->stream = w->datagrams = true;
	wire_open(w);
	return w;
}

static void pass(struct wire *w, uint8_t direction, struct slice bytes)
{
	wire_pass(w, direction, bytes, bytes.len);
}

static void question_and_answer(void **state)
{
	struct wire *w = resolver();

	pass(w, OBI_SEND, ASKED("aa"));
	pass(w, OBI_SEND, ASKED("bb"));
	pass(w, OBI_RECV, NOT_THERE("bb"));
	pass(w, OBI_RECV, ANSWERED("aa"));
	wire_spans(w, "A example.com NXDomain [2..3]\n"
		      "A example.com 192.0.2.1 [1..4]\n");
	wire_free(w);
}

/* It is asked for once, however often it is sent. */
static void a_question_sent_again(void **state)
{
	struct wire *w = resolver();

	pass(w, OBI_SEND, ASKED("aa"));
	wire_tick(w, 50);
	pass(w, OBI_SEND, ASKED("aa"));
	pass(w, OBI_RECV, ANSWERED("aa"));
	pass(w, OBI_RECV, ANSWERED("aa"));
	wire_spans(w, "A example.com 192.0.2.1 [1..53]\n");
	wire_free(w);
}

/* After its time it is forgotten: nothing comes of an answer then, and the room is free. */
static void a_question_without_an_answer(void **state)
{
	struct wire *w = resolver();

	pass(w, OBI_SEND, ASKED("aa"));
	wire_tick(w, 99);
	wire_spans(w, "");
	wire_tick(w, 1);
	wire_spans(w, "A example.com timeout [1..101]\n");
	pass(w, OBI_RECV, ANSWERED("aa"));
	assert_int_equal(wire_stats(w).requests, 1);
	for (int i = 0; i < 5000; i++) {
		const uint8_t id[2] = { (uint8_t)(i >> 8), (uint8_t)i };
		uint8_t bytes[64];
		struct slice asked = ASKED("aa");

		memcpy(bytes, asked.data, asked.len);
		memcpy(bytes, id, sizeof(id));
		pass(w, OBI_SEND, slice_of(bytes, asked.len));
		wire_tick(w, 1);
		w->spans_len = 0;
	}
	wire_tick(w, 100);
	assert_int_equal(wire_stats(w).spans, 5001);
	assert_int_equal(wire_stats(w).pending, 0);
	w->spans_len = 0;
	wire_free(w);
}

/* That of HTTP is another. */
static void its_time_is_its_own(void **state)
{
	struct wire *w = resolver();

	obi_conns_free(w->conns);
	w->options.timeout_ns[OBI_TIMEOUT_REQUEST] = 10 * STEP_NS;
	wire_open(w);
	pass(w, OBI_SEND, ASKED("aa"));
	w->conn = 1;
	w->stream = w->datagrams = false;
	wire_recv(w, "GET /a HTTP/1.1\r\n\r\n");
	wire_tick(w, 10);
	wire_spans(w, "server 408 GET /a 0>-1 [2..12]\n");
	wire_tick(w, 90);
	wire_spans(w, "A example.com timeout [1..102]\n");
	wire_free(w);
}

static void datagrams_of_nothing_are_muted(void **state)
{
	struct wire *w = resolver();
	struct obi_order_slot *orders = calloc(OBI_BOARD_SLOTS, sizeof(*orders));

	obi_conns_free(w->conns);
	w->options.orders = orders;
	wire_open(w);
	w->unordered = true;
	for (int i = 0; i < 100; i++)
		wire_recv(w, "\x01\x02\x03\x04 nothing that is known");
	assert_int_equal(orders[w->at[0].id % OBI_BOARD_SLOTS].conn, w->at[0].id);
	assert_int_equal(orders[w->at[0].id % OBI_BOARD_SLOTS].order.mode, OBI_ORDER_MUTE);
	wire_free(w);
	free(orders);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(question_and_answer),
		cmocka_unit_test(a_question_sent_again),
		cmocka_unit_test(a_question_without_an_answer),
		cmocka_unit_test(its_time_is_its_own),
		cmocka_unit_test(datagrams_of_nothing_are_muted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
