// SPDX-License-Identifier: Apache-2.0
/* The wall clock is set while requests are under way. Times in spans are steps, less the difference
 * of the clocks at first. */
#include "conn/wire.h"

#define REQUEST "GET /a HTTP/1.1\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define SET_STEPS 1000000 /* a second */

static void set_clock(struct wire *w, int64_t by_steps)
{
	int64_t offset = epoch_clock_offset(&w->epoch, UINT64_MAX);

	assert_true(epoch_clock_follow(&w->epoch, (w->now + 1) * STEP_NS,
				       offset + by_steps * (int64_t)STEP_NS));
}

static void span_follows_a_clock_that_was_set(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, REQUEST);
	wire_send(w, OK);
	wire_spans(w, "server 200 GET /a 0>0 [1..2]\n");
	set_clock(w, SET_STEPS);
	wire_recv(w, REQUEST);
	wire_send(w, OK);
	wire_spans(w, "server 200 GET /a 0>0 [1000003..1000004]\n");
	set_clock(w, -SET_STEPS);
	wire_recv(w, REQUEST);
	wire_send(w, OK);
	wire_spans(w, "server 200 GET /a 0>0 [5..6]\n");
	wire_free(w);
}

/* Set forward it would take a second longer, set back it would end before it began. */
static void span_keeps_the_clock_that_it_began_with(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, REQUEST);
	set_clock(w, SET_STEPS);
	wire_send(w, OK);
	wire_spans(w, "server 200 GET /a 0>0 [1..2]\n");
	wire_recv(w, REQUEST);
	set_clock(w, -SET_STEPS);
	wire_send(w, OK);
	wire_spans(w, "server 200 GET /a 0>0 [1000003..1000004]\n");
	wire_free(w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(span_follows_a_clock_that_was_set),
		cmocka_unit_test(span_keeps_the_clock_that_it_began_with),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
