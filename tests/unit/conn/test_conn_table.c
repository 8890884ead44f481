// SPDX-License-Identifier: Apache-2.0
/* Many connections, many requests, many processes: what is bounded, timed, identified, counted. */
#include <errno.h>

#include "base/clock.h"
#include "conn/wire.h"

#define REQUEST "GET /a HTTP/1.1\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define TRACEPARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"

static void record_that_contradicts_itself_changes_nothing(void **state)
{
	struct wire *w = wire_new();
	struct obi_record good = wire_record(w, OBI_RECORD_MESSAGE, OBI_RECV), bad;
	size_t size = sizeof(good);

	good.message = 1;
	good.bytes = 0;
	bad = good;
	assert_int_equal(obi_conns_put(w->conns, &bad, size - 1), -EINVAL);
	bad.head_len = 1;
	bad.bytes = 1;
	assert_int_equal(obi_conns_put(w->conns, &bad, size), -EINVAL);
	bad = good;
	bad.type = 0;
	assert_int_equal(obi_conns_put(w->conns, &bad, size), -EINVAL);
	bad.type = OBI_RECORD_CERTIFICATE + 1;
	assert_int_equal(obi_conns_put(w->conns, &bad, size), -EINVAL);
	bad = good;
	bad.direction = 2;
	assert_int_equal(obi_conns_put(w->conns, &bad, size), -EINVAL);
	bad = good;
	bad.message = 0;
	assert_int_equal(obi_conns_put(w->conns, &bad, size), -EINVAL);
	bad = good;
	bad.before = 1;
	assert_int_equal(obi_conns_put(w->conns, &bad, size), -EINVAL);
	bad = good;
	bad.total_bytes = UINT64_MAX;
	assert_int_equal(obi_conns_put(w->conns, &bad, size), -EINVAL);
	assert_int_equal(wire_stats(w).records, 0);
	assert_int_equal(wire_stats(w).connections, 0);
	assert_int_equal(obi_conns_put(w->conns, &good, size), 0);
	wire_free(w);
}

static void head_longer_than_the_chunk_is_refused(void **state)
{
	struct wire *w = wire_new();
	struct {
		struct obi_record record;
		uint8_t head[OBI_HEAD_MAX + 8];
	} all = { .record = wire_record(w, OBI_RECORD_MESSAGE, OBI_RECV) };

	all.record.message = 1;
	all.record.head_len = 10;
	all.record.bytes = 9;
	assert_int_equal(obi_conns_put(w->conns, &all.record, sizeof(all)), -EINVAL);
	all.record.head_len = OBI_HEAD_MAX + 1;
	all.record.bytes = 4096;
	assert_int_equal(obi_conns_put(w->conns, &all.record, sizeof(all)), -EINVAL);
	wire_free(w);
}

static void full_table_gives_up_the_longest_idle(void **state)
{
	struct wire *w = wire_new();

	obi_conns_free(w->conns);
	w->options.max_connections = 4;
	wire_open(w);
	for (w->conn = 0; w->conn < 4; w->conn++)
		wire_recv(w, REQUEST);
	w->conn = 4;
	wire_recv(w, REQUEST);
	assert_int_equal(wire_stats(w).dropped[OBI_DROP_EVICTED], 1);
	assert_int_equal(wire_stats(w).connections, 4);
	for (w->conn = 1; w->conn < 5; w->conn++)
		wire_send(w, OK);
	assert_int_equal(wire_stats(w).spans, 4);
	/* One with nothing open costs no span: it is preferred. */
	w->conn = 1;
	wire_recv(w, REQUEST);
	w->conn = 2;
	wire_recv(w, REQUEST);
	w->conn = 5;
	wire_recv(w, REQUEST);
	w->conn = 6;
	wire_recv(w, REQUEST);
	assert_int_equal(wire_stats(w).dropped[OBI_DROP_EVICTED], 1);
	w->conn = 1;
	wire_send(w, OK);
	wire_free(w);
}

static void connections_come_and_go(void **state)
{
	struct wire *w = wire_new();
	uint64_t spans = 0;

	for (int round = 0; round < 50; round++) {
		for (w->conn = 0; w->conn < 64; w->conn++)
			if ((w->conn * 7 + round) % 3)
				wire_recv(w, REQUEST);
		for (w->conn = 63; w->conn >= 0; w->conn--) {
			if (!((w->conn * 7 + round) % 3))
				continue;
			wire_send(w, OK);
			spans++;
			if ((w->conn + round) % 2) {
				wire_close(w);
				w->at[w->conn] =
					(struct wire_conn){ .id = w->at[w->conn].id + 1000 };
			}
		}
		w->spans_len = 0;
	}
	assert_int_equal(wire_stats(w).spans, spans);
	assert_int_equal(wire_stats(w).requests, spans);
	wire_free(w);
}

static void more_pipelined_requests_than_are_kept(void **state)
{
	struct wire *w = wire_new();

	for (int i = 0; i < 134; i++)
		wire_recv(w, REQUEST);
	assert_int_equal(wire_stats(w).pending, 128);
	assert_int_equal(wire_stats(w).dropped[OBI_DROP_EVICTED], 1);
	for (int i = 0; i < 134; i++)
		wire_send(w, OK);
	assert_int_equal(wire_stats(w).spans, 128);
	w->spans_len = 0;
	wire_recv(w, "GET /b HTTP/1.1\r\n\r\n");
	wire_send(w, OK);
	wire_spans(w, "server 200 GET /b 0>0 [269..270]\n");
	wire_free(w);
}

static void unanswered_request_times_out(void **state)
{
	struct wire *w = wire_new();

	obi_conns_free(w->conns);
	w->options.timeout_ns[OBI_TIMEOUT_REQUEST] = 100 * STEP_NS;
	wire_open(w);
	wire_recv(w, REQUEST);
	w->conn = 1;
	wire_tick(w, 49);
	wire_recv(w, "GET /b HTTP/1.1\r\n\r\n");
	wire_tick(w, 49);
	wire_spans(w, "");
	wire_tick(w, 1);
	wire_spans(w, "server 408 GET /a 0>-1 [1..101]\n");
	/* The late response is not taken for that of the next request. */
	w->conn = 0;
	wire_recv(w, "GET /c HTTP/1.1\r\n\r\n");
	wire_send(w, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	wire_spans(w, "");
	wire_send(w, "HTTP/1.1 201 OK\r\nContent-Length: 0\r\n\r\n");
	wire_spans(w, "server 201 GET /c 0>0 [102..104]\n");
	wire_tick(w, 1000);
	wire_spans(w, "server 408 GET /b 0>-1 [51..1104]\n");
	w->conn = 1;
	wire_close(w);
	wire_spans(w, "");
	wire_free(w);
}

static void unknown_process_is_counted(void **state)
{
	struct wire *w = wire_new();

	w->no_service = true;
	wire_recv(w, REQUEST);
	wire_send(w, OK);
	assert_int_equal(wire_stats(w).dropped[OBI_DROP_NO_SERVICE], 1);
	wire_spans(w, "");
	wire_free(w);
}

static void flush_ends_everything(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, REQUEST);
	wire_send(w, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
	w->conn = 1;
	wire_recv(w, "GET /b HTTP/1.1\r\n\r\n");
	w->conn = 2;
	wire_recv(w, "GET /c HTT");
	obi_conns_flush(w->conns);
	wire_spans(w, "server 200 GET /a 0>3 [1..2] incomplete\n"
		      "server 0 GET /b 0>-1 [3..4] incomplete\n");
	assert_int_equal(wire_stats(w).connections, 0);
	assert_int_equal(wire_stats(w).pending, 0);
	wire_free(w);
}

/* ---- Identity ------------------------------------------------------------------------------ */

static void server_adopts_the_callers_trace(void **state)
{
	struct wire *w = wire_new();
	struct obi_trace caller;

	assert_int_equal(trace_parse_traceparent(SLICE_LIT(TRACEPARENT), &caller), 0);
	wire_recv(w, "GET /a HTTP/1.1\r\ntraceparent: " TRACEPARENT "\r\n\r\n");
	wire_send(w, OK);
	assert_memory_equal(w->last_trace.trace_id, caller.trace_id, 16);
	assert_memory_equal(w->last_trace.parent_id, caller.span_id, 8);
	assert_memory_not_equal(w->last_trace.span_id, caller.span_id, 8);
	assert_int_equal(w->last_trace.trace_flags, 0);
	wire_free(w);
}

static void server_without_caller_is_a_new_root(void **state)
{
	static const uint8_t none[8];
	struct wire *w = wire_new();

	wire_recv(w, REQUEST);
	wire_send(w, OK);
	assert_true(trace_is_set(&w->last_trace));
	assert_memory_not_equal(w->last_trace.span_id, none, 8);
	assert_memory_equal(w->last_trace.parent_id, none, 8);
	assert_int_equal(w->last_trace.trace_flags, 1);
	wire_free(w);
}

static void client_is_a_child_of_its_threads_request(void **state)
{
	struct wire *w = wire_new();
	struct obi_trace child;

	wire_recv(w, "GET /in HTTP/1.1\r\ntraceparent: " TRACEPARENT "\r\n\r\n");
	w->conn = 1;
	w->side = OBI_SIDE_CONNECTED;
	wire_send(w, "GET /out HTTP/1.1\r\n\r\n");
	wire_recv(w, OK);
	child = w->last_trace;
	w->conn = 0;
	wire_send(w, OK);
	wire_spans(w, "client 200 GET /out 0>0 [2..3]\nserver 200 GET /in 0>0 [1..4]\n");
	assert_memory_equal(child.trace_id, w->last_trace.trace_id, 16);
	assert_memory_equal(child.parent_id, w->last_trace.span_id, 8);
	assert_memory_not_equal(child.span_id, w->last_trace.span_id, 8);
	/* Once it is answered, the thread works for nobody. */
	w->conn = 1;
	wire_send(w, "GET /out HTTP/1.1\r\n\r\n");
	wire_recv(w, OK);
	assert_memory_not_equal(child.trace_id, w->last_trace.trace_id, 16);
	wire_free(w);
}

static void client_of_another_thread_is_no_child(void **state)
{
	struct wire *w = wire_new();
	struct obi_trace child;

	wire_recv(w, "GET /in HTTP/1.1\r\n\r\n");
	w->conn = 1;
	w->tid++;
	wire_send(w, "GET /out HTTP/1.1\r\n\r\n");
	wire_recv(w, OK);
	child = w->last_trace;
	w->conn = 0;
	wire_send(w, OK);
	assert_memory_not_equal(child.trace_id, w->last_trace.trace_id, 16);
	wire_free(w);
}

static void client_is_a_child_of_the_identity_it_sends(void **state)
{
	struct wire *w = wire_new();
	struct obi_trace sent;

	assert_int_equal(trace_parse_traceparent(SLICE_LIT(TRACEPARENT), &sent), 0);
	wire_send(w, "GET /a HTTP/1.1\r\ntraceparent: " TRACEPARENT "\r\n\r\n");
	wire_recv(w, OK);
	assert_memory_equal(w->last_trace.trace_id, sent.trace_id, 16);
	assert_memory_equal(w->last_trace.parent_id, sent.span_id, 8);
	assert_memory_not_equal(w->last_trace.span_id, sent.span_id, 8);
	wire_free(w);
}

/* A proxy hands the header on as it is: then its server span is the parent. */
static void client_of_a_header_handed_on_is_a_child_of_its_request(void **state)
{
	struct wire *w = wire_new();
	struct obi_trace child;

	wire_recv(w, "GET /a HTTP/1.1\r\ntraceparent: " TRACEPARENT "\r\n\r\n");
	w->conn = 1;
	w->side = OBI_SIDE_CONNECTED;
	wire_send(w, "GET /a HTTP/1.1\r\ntraceparent: " TRACEPARENT "\r\n\r\n");
	wire_recv(w, OK);
	child = w->last_trace;
	w->conn = 0;
	wire_send(w, OK);
	assert_memory_equal(child.trace_id, w->last_trace.trace_id, 16);
	assert_memory_equal(child.parent_id, w->last_trace.span_id, 8);
	assert_memory_not_equal(child.span_id, w->last_trace.span_id, 8);
	assert_memory_not_equal(child.span_id, w->last_trace.parent_id, 8);
	wire_free(w);
}

static void identity_of_the_kernel_wins(void **state)
{
	struct obi_trace kernel = {
		.trace_id = { 1 }, .span_id = { 2 }, .parent_id = { 3 }, .trace_flags = 1
	};
	struct wire *w = wire_new();

	w->trace = &kernel;
	wire_recv(w, "GET /a HTTP/1.1\r\ntraceparent: " TRACEPARENT "\r\n\r\n");
	wire_send(w, OK);
	assert_memory_equal(&w->last_trace, &kernel, sizeof(kernel));
	wire_free(w);
}

static void identity_may_come_with_a_later_piece_of_the_head(void **state)
{
	struct obi_trace kernel = { .trace_id = { 1 }, .span_id = { 2 }, .trace_flags = 1 };
	struct wire *w = wire_new();

	w->trace = &kernel;
	wire_recv(w, "GET /a HTTP/1.1\r\n");
	kernel.trace_id[0] = 7;
	kernel.parent_id[0] = 3;
	wire_recv(w, "Host: a\r\n\r\n");
	wire_send(w, OK);
	assert_memory_equal(&w->last_trace, &kernel, sizeof(kernel));
	wire_free(w);
}

static void identity_of_the_kernel_yields_to_a_header_that_went_out(void **state)
{
	struct obi_trace kernel = { .trace_id = { 1 }, .span_id = { 2 }, .trace_flags = 1 }, sent;
	struct wire *w = wire_new();

	assert_int_equal(trace_parse_traceparent(SLICE_LIT(TRACEPARENT), &sent), 0);
	w->trace = &kernel;
	wire_send(w, "GET /a HTTP/1.1\r\ntraceparent: " TRACEPARENT "\r\n\r\n");
	wire_recv(w, OK);
	assert_memory_equal(w->last_trace.trace_id, sent.trace_id, 16);
	/* ... unless it was replaced on its way. */
	kernel.span_id[0] = 9;
	w->injected = true;
	wire_send(w, "GET /a HTTP/1.1\r\ntraceparent: " TRACEPARENT "\r\n\r\n");
	wire_recv(w, OK);
	assert_memory_equal(&w->last_trace, &kernel, sizeof(kernel));
	wire_free(w);
}

static void identity_of_the_kernel_is_used_once(void **state)
{
	struct obi_trace kernel = { .trace_id = { 1 }, .span_id = { 2 }, .trace_flags = 1 };
	struct wire *w = wire_new();

	w->trace = &kernel;
	wire_recv(w, REQUEST);
	wire_recv(w, "GET /b HTTP/1.1\r\n\r\n"); /* pipelined: the kernel made no new one */
	wire_send(w, OK);
	assert_memory_equal(&w->last_trace, &kernel, sizeof(kernel));
	wire_send(w, OK);
	assert_memory_not_equal(w->last_trace.span_id, kernel.span_id, 8);
	wire_free(w);
}

static void identity_of_a_split_head_is_that_of_its_beginning(void **state)
{
	struct obi_trace kernel = { .trace_id = { 1 }, .span_id = { 2 }, .trace_flags = 1 };
	struct wire *w = wire_new();

	w->trace = &kernel;
	wire_recv(w, "GET /a HTTP/1.1\r\n");
	w->trace = NULL;
	wire_recv(w, "\r\n");
	wire_send(w, OK);
	assert_memory_equal(&w->last_trace, &kernel, sizeof(kernel));
	wire_free(w);
}

/* ---- Many ---------------------------------------------------------------------------------- */

#define MANY 20000

static void tick_costs_nothing_for_idle_connections(void **state)
{
	struct wire *w = wire_new();
	uint64_t began;

	obi_conns_free(w->conns);
	w->options.max_connections = MANY;
	wire_open(w);
	w->capture = OBI_HEAD_MAX;
	for (uint64_t i = 0; i < MANY; i++) {
		w->at[0] = (struct wire_conn){ .id = i + 1 };
		wire_recv(w, REQUEST);
		wire_send(w, OK);
		w->spans_len = 0;
	}
	assert_int_equal(wire_stats(w).connections, MANY);
	began = clock_monotonic_ns();
	for (int i = 0; i < 10000; i++)
		obi_conns_tick(w->conns, w->now * STEP_NS);
	/* 10,000 scans of 20,000 connections would take a second at the very least. */
	assert_true(clock_monotonic_ns() - began < NSEC_PER_SEC / 4);
	wire_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(record_that_contradicts_itself_changes_nothing),
		cmocka_unit_test(head_longer_than_the_chunk_is_refused),
		cmocka_unit_test(full_table_gives_up_the_longest_idle),
		cmocka_unit_test(connections_come_and_go),
		cmocka_unit_test(more_pipelined_requests_than_are_kept),
		cmocka_unit_test(unanswered_request_times_out),
		cmocka_unit_test(unknown_process_is_counted),
		cmocka_unit_test(flush_ends_everything),
		cmocka_unit_test(server_adopts_the_callers_trace),
		cmocka_unit_test(server_without_caller_is_a_new_root),
		cmocka_unit_test(client_is_a_child_of_its_threads_request),
		cmocka_unit_test(client_of_another_thread_is_no_child),
		cmocka_unit_test(client_is_a_child_of_the_identity_it_sends),
		cmocka_unit_test(client_of_a_header_handed_on_is_a_child_of_its_request),
		cmocka_unit_test(identity_of_the_kernel_wins),
		cmocka_unit_test(identity_may_come_with_a_later_piece_of_the_head),
		cmocka_unit_test(identity_of_the_kernel_yields_to_a_header_that_went_out),
		cmocka_unit_test(identity_of_the_kernel_is_used_once),
		cmocka_unit_test(identity_of_a_split_head_is_that_of_its_beginning),
		cmocka_unit_test(tick_costs_nothing_for_idle_connections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
