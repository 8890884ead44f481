// SPDX-License-Identifier: Apache-2.0
/* Redis on a connection: which reply is whose, and what is not claimed. */
#include "conn/wire.h"

#define GET "*2\r\n$3\r\nGET\r\n$1\r\na\r\n"
#define PING "*1\r\n$4\r\nPING\r\n"
#define SET "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$5\r\nhello\r\n"
#define SELECT(n) "*2\r\n$6\r\nSELECT\r\n$1\r\n" #n "\r\n"
#define OK "+OK\r\n"
#define VALUE "$5\r\nhello\r\n"

static struct wire *redis_server(void)
{
	struct wire *w = wire_new();

	w->stream = true;
	w->side = OBI_SIDE_ACCEPTED;
	return w;
}

static void command_and_reply(void **state)
{
	struct wire *w = redis_server();

	wire_recv(w, GET);
	wire_send(w, VALUE);
	wire_recv(w, "PING\r\n");
	wire_send(w, "+PONG\r\n");
	wire_close(w);
	wire_spans(w, "server GET 0 [1..2]\nserver PING 0 [3..4]\n");
	wire_free(w);
}

static void client_is_seen_from_its_side(void **state)
{
	struct wire *w = redis_server();

	w->side = OBI_SIDE_CONNECTED;
	wire_send(w, SET);
	wire_recv(w, OK);
	wire_close(w);
	wire_spans(w, "client SET 0 [1..2]\n");
	wire_free(w);
}

static void replies_come_in_the_order_of_pipelined_requests(void **state)
{
	struct wire *w = redis_server();

	wire_recv(w, SET GET PING);
	wire_send(w, OK "-WRONGTYPE Operation against a key\r\n");
	wire_send(w, "+PONG\r\n");
	wire_close(w);
	wire_spans(w, "server SET 0 [1..2]\nserver GET 0 WRONGTYPE [1..2]\nserver PING 0 [1..3]\n");
	wire_free(w);
}

static void pipeline_of_a_thousand(void **state)
{
	struct wire *w = redis_server();
	char requests[1000 * 32], replies[1000 * 8];
	size_t asked = 0, answered = 0;

	for (int i = 0; i < 1000; i++) {
		asked += (size_t)sprintf(requests + asked, "%s", PING);
		answered += (size_t)sprintf(replies + answered, "+PONG\r\n");
	}
	wire_recv(w, requests);
	wire_send(w, replies);
	wire_close(w);
	assert_int_equal(wire_stats(w).spans, 1000);
	assert_int_equal(wire_stats(w).requests, 1000);
	wire_free(w);
}

static void more_than_a_pipeline_holds_is_counted(void **state)
{
	struct wire *w = redis_server();

	for (int i = 0; i < 1100; i++)
		wire_recv(w, PING);
	for (int i = 0; i < 1100; i++)
		wire_send(w, "+PONG\r\n");
	w->spans_len = 0;
	wire_recv(w, GET);
	wire_send(w, VALUE);
	wire_close(w);
	wire_spans(w, "server GET 0 [2201..2202]\n");
	assert_int_equal(wire_stats(w).spans, 1025);
	assert_int_equal(wire_stats(w).dropped[OBI_DROP_EVICTED], 76);
	wire_free(w);
}

static void database_is_the_selected_one(void **state)
{
	struct wire *w = redis_server();

	wire_recv(w, SELECT(3) GET);
	wire_send(w, OK VALUE);
	wire_recv(w, GET);
	wire_send(w, VALUE);
	wire_recv(w, SELECT(9));
	wire_send(w, "-ERR DB index is out of range\r\n");
	wire_recv(w, GET);
	wire_send(w, VALUE);
	wire_close(w);
	wire_spans(w, "server SELECT 0 [1..2]\nserver GET 0 [1..2]\nserver GET 3 [3..4]\n"
		      "server SELECT 3 ERR [5..6]\nserver GET 3 [7..8]\n");
	wire_free(w);
}

static void what_is_pushed_answers_nothing(void **state)
{
	struct wire *w = redis_server();

	wire_recv(w, "*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\nc\r\n");
	wire_send(w, "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n");
	wire_send(w, "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n");
	wire_recv(w, PING);
	wire_send(w, ">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n"
		     "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
	wire_close(w);
	wire_spans(w, "server SUBSCRIBE 0 [1..2]\nserver PING 0 [4..5]\n");
	assert_int_equal(wire_stats(w).dropped[OBI_DROP_NO_REQUEST], 0);
	wire_free(w);
}

static void what_is_not_answered_waits_for_nothing(void **state)
{
	struct wire *w = redis_server();

	wire_recv(w, "*3\r\n$6\r\nCLIENT\r\n$5\r\nREPLY\r\n$4\r\nSKIP\r\n" SET GET);
	wire_send(w, VALUE);
	wire_close(w);
	wire_spans(w, "server CLIENT 0 [1..1]\nserver SET 0 [1..1]\nserver GET 0 [1..2]\n");
	wire_free(w);
}

static void long_values_need_not_be_seen(void **state)
{
	struct wire *w = redis_server();

	wire_pass(w, OBI_RECV, SLICE_LIT("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$4000\r\nxxxx"), 3000);
	wire_pass(w, OBI_RECV, SLICE_LIT(""), 1027);
	wire_recv(w, "\r\n");
	wire_send(w, OK);
	wire_recv(w, PING);
	wire_send(w, "+PONG\r\n");
	wire_close(w);
	wire_spans(w, "server SET 0 [1..4]\nserver PING 0 [5..6]\n");
	wire_free(w);
}

/* The line's end behind a long string is in the same chunk, mostly. */
static void long_values_need_not_be_seen_to_their_end(void **state)
{
	for (int behind = 0; behind <= 2; behind++) {
		struct wire *w = redis_server();

		wire_pass(w, OBI_RECV, SLICE_LIT("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$4000\r\nxxxx"),
			  27 + 4000 + (uint64_t)behind);
		if (behind < 2)
			wire_recv(w, "\r\n" + behind);
		wire_send(w, OK);
		wire_recv(w, GET);
		wire_pass(w, OBI_SEND, SLICE_LIT("$4000\r\nxx"), 7 + 4000 + (uint64_t)behind);
		if (behind < 2)
			wire_send(w, "\r\n" + behind);
		wire_recv(w, PING);
		wire_send(w, "+PONG\r\n");
		assert_int_equal(wire_stats(w).unread_bytes, 0);
		wire_close(w);
		wire_forget_times(w);
		wire_spans(w, "server SET 0\nserver GET 0\nserver PING 0\n");
		wire_free(w);
	}
}

/* Requests that nobody saw may be answered by what comes next. */
static void after_a_loss_nothing_is_paired_at_once(void **state)
{
	struct wire *w = redis_server();

	wire_recv(w, PING);
	wire_send(w, "+PONG\r\n");
	w->spans_len = 0;
	w->lose = true;
	wire_recv(w, GET);
	w->lose = false;
	wire_recv(w, SET);
	wire_send(w, VALUE);
	wire_recv(w, GET);
	wire_send(w, OK);
	wire_close(w);
	wire_spans(w, "");
	assert_int_equal(wire_stats(w).dropped[OBI_DROP_LOST_RECORD], 2);
	wire_free(w);
}

static void after_many_turns_it_is_paired_again(void **state)
{
	struct wire *w = redis_server();

	wire_recv(w, PING);
	w->lose = true;
	wire_send(w, "+PONG\r\n");
	w->lose = false;
	for (int i = 0; i < 40; i++) {
		wire_recv(w, PING);
		wire_send(w, "+PONG\r\n");
	}
	w->spans_len = 0;
	wire_recv(w, GET);
	wire_send(w, "-NOAUTH Authentication required.\r\n");
	wire_close(w);
	wire_spans(w, "server GET  NOAUTH [83..84]\n");
	wire_free(w);
}

static void open_since_before_our_time(void **state)
{
	struct wire *w = redis_server();

	w->side = OBI_SIDE_UNKNOWN;
	wire_send(w, VALUE);
	wire_recv(w, GET);
	wire_send(w, OK);
	wire_close(w);
	wire_spans(w, "");
	wire_free(w);
}

static void unanswered_at_the_end(void **state)
{
	struct wire *w = redis_server();

	wire_recv(w, GET);
	wire_close(w);
	wire_spans(w, "server GET 0 disconnected [1..2] incomplete\n");
	wire_free(w);
}

static void a_blocking_command_may_wait(void **state)
{
	struct wire *w = redis_server();

	w->options.timeout_ns[OBI_TIMEOUT_REQUEST] = 10 * STEP_NS;
	obi_conns_free(w->conns);
	wire_open(w);
	wire_recv(w, "*3\r\n$5\r\nBLPOP\r\n$1\r\nq\r\n$1\r\n0\r\n");
	wire_tick(w, 100);
	wire_send(w, "*-1\r\n");
	wire_close(w);
	wire_spans(w, "server BLPOP 0 [1..102]\n");
	wire_free(w);
}

static void query_text_only_where_it_is_wanted(void **state)
{
	struct wire *w = redis_server();

	obi_conns_free(w->conns);
	w->options.query_text = true;
	wire_open(w);
	wire_recv(w, "*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n" SET);
	wire_send(w, OK OK);
	wire_close(w);
	wire_spans(w, "server AUTH 0 AUTH ? [1..2]\nserver SET 0 SET a hello [1..2]\n");
	wire_free(w);
}

/* Every split into two chunks, of a conversation at both ends. */
static void any_split_gives_the_same(void **state)
{
	static const char *const says[] = { SET GET SELECT(2), OK "$-1\r\n" OK, "GET a\r\n" PING,
					    "-OOM command not allowed\r\n+PONG\r\n" };
	const char *want = "server SET 0\nserver GET 0\nserver SELECT 0\nserver GET 2 OOM\n"
			   "server PING 2\n";

	for (size_t i = 0; i < 4; i++) {
		for (size_t cut = 1; cut < strlen(says[i]); cut++) {
			struct wire *w = redis_server();

			for (size_t k = 0; k < 4; k++) {
				struct slice all = slice_cstr(says[k]);

				if (k == i)
					wire_pass(w, k & 1 ? OBI_SEND : OBI_RECV,
						  slice_first(all, cut), cut);
				all = slice_from(all, k == i ? cut : 0);
				wire_pass(w, k & 1 ? OBI_SEND : OBI_RECV, all, all.len);
			}
			wire_close(w);
			wire_forget_times(w);
			wire_spans(w, want);
			assert_int_equal(wire_stats(w).requests, wire_stats(w).spans);
			wire_free(w);
		}
	}
}

static void bytes_of_nothing_are_let_go(void **state)
{
	struct wire *w = redis_server();
	struct obi_order_slot *orders = calloc(OBI_BOARD_SLOTS, sizeof(*orders));

	obi_conns_free(w->conns);
	w->options.orders = orders;
	wire_open(w);
	w->unordered = true;
	for (int i = 0; i < 100; i++)
		wire_recv(w, "\x01\x02\x03\x04 nothing that is known");
	wire_spans(w, "");
	assert_int_equal(wire_stats(w).requests, 0);
	assert_int_equal(orders[w->at[0].id % OBI_BOARD_SLOTS].conn, w->at[0].id);
	assert_int_equal(orders[w->at[0].id % OBI_BOARD_SLOTS].order.bytes, 0);
	wire_close(w);
	assert_int_equal(wire_stats(w).connections, 0);
	wire_free(w);
	free(orders);
}

static void what_is_recognised_is_ordered(void **state)
{
	struct wire *w = redis_server();
	struct obi_order_slot *orders = calloc(OBI_BOARD_SLOTS, sizeof(*orders));
	const struct obi_order_slot *slot = &orders[w->at[0].id % OBI_BOARD_SLOTS];

	obi_conns_free(w->conns);
	w->options.orders = orders;
	wire_open(w);
	w->unordered = true;
	wire_recv(w, PING);
	assert_int_equal(slot->conn, w->at[0].id);
	assert_int_equal(slot->order.mode, OBI_ORDER_STREAM);
	wire_recv(w, "*1\r\n$4\r\nSYNC\r\n");
	assert_int_equal(slot->order.mode, OBI_ORDER_MUTE);
	wire_free(w);
	free(orders);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(command_and_reply),
		cmocka_unit_test(client_is_seen_from_its_side),
		cmocka_unit_test(replies_come_in_the_order_of_pipelined_requests),
		cmocka_unit_test(pipeline_of_a_thousand),
		cmocka_unit_test(more_than_a_pipeline_holds_is_counted),
		cmocka_unit_test(database_is_the_selected_one),
		cmocka_unit_test(what_is_pushed_answers_nothing),
		cmocka_unit_test(what_is_not_answered_waits_for_nothing),
		cmocka_unit_test(long_values_need_not_be_seen),
		cmocka_unit_test(long_values_need_not_be_seen_to_their_end),
		cmocka_unit_test(after_a_loss_nothing_is_paired_at_once),
		cmocka_unit_test(after_many_turns_it_is_paired_again),
		cmocka_unit_test(open_since_before_our_time),
		cmocka_unit_test(unanswered_at_the_end),
		cmocka_unit_test(a_blocking_command_may_wait),
		cmocka_unit_test(query_text_only_where_it_is_wanted),
		cmocka_unit_test(any_split_gives_the_same),
		cmocka_unit_test(bytes_of_nothing_are_let_go),
		cmocka_unit_test(what_is_recognised_is_ordered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
