// SPDX-License-Identifier: Apache-2.0
/* TCP as captures have it: in any order, twice, with holes, begun and ended in any way. */
#include <stdio.h>
#include <stdlib.h>

#include "replay/frames.h"
#include "replay/reassembly.h"

#define CLIENT 0
#define SERVER 1

/* A connection under test: what came out of it, as text: c"..." and s"..." are runs of the two
 * ends, {5} a hole, | a FIN, . a close, ! a reset. */
struct tcp_test {
	struct reassembly *tcp;
	struct reassembly_limits limits;
	uint64_t now;
	char log[16384];
	size_t len;
	int last; /* the end that the log ends in a run of */
	int client;
	uint32_t isn[2];
	uint16_t port;
};

static void say(struct tcp_test *t, const char *text, size_t len)
{
	assert_true(t->len + len < sizeof(t->log));
	if (len)
		memcpy(t->log + t->len, text, len);
	t->len += len;
	t->log[t->len] = 0;
}

static void on_open(void *context, void *state, const struct packet_end ends[2], int client)
{
	struct tcp_test *t = context;

	assert_int_equal(*(uint32_t *)state, 0);
	*(uint32_t *)state = 0x600d;
	t->client = client;
	t->last = -1;
	say(t, "(", 1);
}

static void on_data(void *context, void *state, int from, struct slice bytes, uint64_t len,
		    uint64_t time_ns)
{
	struct tcp_test *t = context;
	char hole[32];

	assert_int_equal(*(uint32_t *)state, 0x600d);
	if (t->last != from)
		say(t, from ? "s" : "c", 1);
	t->last = from;
	say(t, (const char *)bytes.data, bytes.len);
	if (len > bytes.len)
		say(t, hole,
		    (size_t)snprintf(hole, sizeof(hole), "{%llu}",
				     (unsigned long long)(len - bytes.len)));
}

static void on_fin(void *context, void *state, int from, uint64_t time_ns)
{
	struct tcp_test *t = context;

	say(t, from ? "S|" : "C|", 2);
	t->last = -1;
}

static void on_close(void *context, void *state, bool reset, uint64_t time_ns)
{
	struct tcp_test *t = context;

	assert_int_equal(*(uint32_t *)state, 0x600d);
	say(t, reset ? "!" : ".", 1);
	t->last = -1;
}

static void test_begin_with(struct tcp_test *t, size_t connections, size_t held)
{
	struct reassembly_sink sink = {
		.context = t,
		.state_size = sizeof(uint32_t),
		.open = on_open,
		.data = on_data,
		.fin = on_fin,
		.close = on_close,
	};

	memset(t, 0, sizeof(*t));
	t->limits = (struct reassembly_limits){ connections, held };
	t->isn[CLIENT] = 1000;
	t->isn[SERVER] = 0xfffffff0; /* wraps soon */
	t->port = 40000;
	t->tcp = reassembly_new(&t->limits, &sink);
	assert_non_null(t->tcp);
}

static void test_begin(struct tcp_test *t)
{
	test_begin_with(t, 8, 1 << 20);
}

static void assert_log(struct tcp_test *t, const char *want)
{
	t->log[t->len] = 0;
	assert_string_equal(t->log, want);
	t->len = 0;
}

static void test_end(struct tcp_test *t, const char *want)
{
	reassembly_flush(t->tcp);
	assert_log(t, want);
	reassembly_free(t->tcp);
}

/* Positions count from the byte after the SYN; ack < 0: no ACK flag. */
static void segment(struct tcp_test *t, int from, uint8_t flags, uint32_t at, const char *text,
		    uint32_t length, int64_t ack)
{
	struct packet packet = {
		.src = { .addr = { [15] = 1 }, .port = t->port },
		.dst = { .addr = { [15] = 2 }, .port = 80 },
		.seq = t->isn[from] + 1 + at,
		.flags = flags,
		.payload = guarded(slice_cstr(text)),
		.length = length,
	};

	if (from == SERVER) {
		struct packet_end end = packet.src;

		packet.src = packet.dst;
		packet.dst = end;
	}
	if (ack >= 0) {
		packet.flags |= TCP_ACK;
		packet.ack = t->isn[!from] + 1 + (uint32_t)ack;
	}
	reassembly_put(t->tcp, &packet, ++t->now);
}

static void data(struct tcp_test *t, int from, uint32_t at, const char *text)
{
	segment(t, from, 0, at, text, (uint32_t)strlen(text), -1);
}

static void ack(struct tcp_test *t, int from, uint32_t upto)
{
	segment(t, from, 0, 0, "", 0, upto);
}

static void handshake(struct tcp_test *t)
{
	segment(t, CLIENT, TCP_SYN, (uint32_t)-1, "", 0, -1);
	segment(t, SERVER, TCP_SYN, (uint32_t)-1, "", 0, 0);
	ack(t, CLIENT, 0);
}

static void whole_connection(void **state)
{
	struct tcp_test t;

	test_begin(&t);
	handshake(&t);
	assert_int_equal(t.client, CLIENT);
	segment(&t, CLIENT, 0, 0, "hello", 5, 0);
	segment(&t, SERVER, 0, 0, "0123456789", 10, 5);
	segment(&t, SERVER, 0, 10, "0123456789", 10, 5); /* wraps in between */
	segment(&t, CLIENT, TCP_FIN, 5, "bye", 3, 20);
	segment(&t, SERVER, TCP_FIN, 20, "", 0, 9);
	ack(&t, CLIENT, 21);
	test_end(&t, "(chellos01234567890123456789cbyeC|S|.");
}

static void segments_out_of_order(void **state)
{
	struct tcp_test t;

	test_begin(&t);
	handshake(&t);
	data(&t, SERVER, 20, "klm");
	data(&t, SERVER, 10, "efg");
	data(&t, SERVER, 13, "hijabcd");
	assert_log(&t, "(");
	data(&t, SERVER, 0, "0123456789");
	test_end(&t, "s0123456789efghijabcdklm");
}

static void segments_sent_again(void **state)
{
	struct reassembly_stats stats;
	struct tcp_test t;

	test_begin(&t);
	handshake(&t);
	data(&t, SERVER, 0, "abc");
	data(&t, SERVER, 0, "abc");
	data(&t, SERVER, 1, "bcde"); /* overlaps */
	data(&t, SERVER, 0, "abcdef");
	data(&t, SERVER, 8, "ij");
	data(&t, SERVER, 7, "hij");
	data(&t, SERVER, 8, "ijk");
	data(&t, SERVER, 2, "cdefghijklm");
	reassembly_stats(t.tcp, &stats);
	assert_int_equal(stats.holes, 0);
	test_end(&t, "(sabcdefghijklm");
}

static void what_was_acknowledged_counts(void **state)
{
	struct tcp_test t;

	test_begin(&t);
	handshake(&t);
	data(&t, CLIENT, 0, "lost");
	data(&t, CLIENT, 0, "came");
	ack(&t, SERVER, 4);
	assert_log(&t, "(ccame");
	data(&t, CLIENT, 0, "late");
	data(&t, CLIENT, 4, " abc");
	data(&t, CLIENT, 8, " def");
	data(&t, CLIENT, 2, "me ABC D"); /* over several, and the first half is known */
	ack(&t, SERVER, 8);
	assert_log(&t, " ABC");
	data(&t, CLIENT, 8, " xyz and more");
	test_end(&t, " xyz and more");
}

static void what_was_acknowledged_counts_without_an_acknowledgement(void **state)
{
	struct tcp_test t;

	test_begin(&t);
	handshake(&t);
	data(&t, CLIENT, 0, "ask");
	data(&t, SERVER, 0, "answer"); /* the capture has no ACK, but this is one */
	data(&t, CLIENT, 0, "ASK");
	data(&t, CLIENT, 3, "again");
	data(&t, SERVER, 0, "ANSWER");
	segment(&t, CLIENT, TCP_FIN, 8, "", 0, -1);
	test_end(&t, "(casksanswercagainC|");
}

static void what_waits_for_an_acknowledgement_is_bounded(void **state)
{
	struct tcp_test t;

	test_begin_with(&t, 8, 300);
	handshake(&t);
	for (uint32_t i = 0; i < 100; i++)
		data(&t, CLIENT, i, "x");
	assert_true(t.len >= 98 - 300 / 32);
	test_end(&t, "(cxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		     "xxxxxxx"
		     "xxxxxxxxxxxxxxxxxx");
	test_begin(&t);
	handshake(&t);
	for (uint32_t i = 0; i < 100; i++)
		data(&t, CLIENT, i, "x");
	assert_int_equal(t.len, 2 + 100 - 64);
	reassembly_free(t.tcp);
}

/* All orders of six segments that overlap give the same bytes. */
static void any_order_gives_the_same(void **state)
{
	static const struct {
		uint32_t at;
		const char *text;
	} pieces[] = { { 0, "abcd" }, { 3, "defg" }, { 7, "hi" },
		       { 9, "jklm" }, { 10, "k" },   { 13, "n" } };
	struct tcp_test t;

	for (unsigned order = 0; order < 720; order++) {
		unsigned left = order, used = 0;

		test_begin(&t);
		handshake(&t);
		for (unsigned n = 6; n > 0; n--) {
			unsigned pick = left % n, i = 0;

			left /= n;
			while (used >> i & 1 || pick-- > 0)
				i++;
			used |= 1u << i;
			data(&t, SERVER, pieces[i].at, pieces[i].text);
		}
		test_end(&t, "(sabcdefghijklmn");
	}
}

static void acknowledged_gap_is_a_hole(void **state)
{
	struct tcp_test t;

	test_begin(&t);
	handshake(&t);
	data(&t, SERVER, 0, "abc");
	data(&t, SERVER, 8, "ijk");
	ack(&t, CLIENT, 3);
	assert_log(&t, "(sabc");
	ack(&t, CLIENT, 11);
	assert_log(&t, "{5}ijk");
	data(&t, SERVER, 3, "defgh"); /* too late */
	test_end(&t, "");
}

static void answer_to_what_was_not_captured(void **state)
{
	struct tcp_test t;

	test_begin(&t);
	handshake(&t);
	segment(&t, CLIENT, 0, 0, "one", 3, 0);
	segment(&t, SERVER, 0, 0, "uno", 3, 3);
	segment(&t, SERVER, 0, 3, "dos", 3, 9);
	test_end(&t, "(conesunoc{6}sdos");
}

static void acknowledgement_ahead_of_its_data_is_no_hole(void **state)
{
	struct tcp_test t;

	test_begin(&t);
	handshake(&t);
	ack(&t, SERVER, 5); /* captured before what it acknowledges */
	data(&t, CLIENT, 0, "hello");
	test_end(&t, "(chello");
}

static void bytes_cut_by_the_capture(void **state)
{
	struct tcp_test t;

	test_begin(&t);
	handshake(&t);
	segment(&t, SERVER, 0, 0, "abc", 10, -1);
	segment(&t, SERVER, 0, 20, "xyz", 10, -1);
	segment(&t, SERVER, 0, 5, "fghijklm", 15, -1); /* sent again, from within what was cut */
	test_end(&t, "(sabc{7}klm{7}xyz{7}");
}

static void joined_in_the_middle(void **state)
{
	struct tcp_test t;

	test_begin(&t);
	segment(&t, SERVER, 0, 5000, "body", 4, 100);
	assert_int_equal(t.client, REASSEMBLY_END_UNKNOWN);
	/* The first packet was the server's, so it is end 0 here. */
	segment(&t, CLIENT, 0, 100, "next", 4, 5004);
	segment(&t, CLIENT, 0, 90, "old bytes", 9, 5004);
	test_end(&t, "(cbodysnext");
}

static void rest_of_a_finished_connection_opens_none(void **state)
{
	struct reassembly_stats stats;
	struct tcp_test t;

	test_begin(&t);
	ack(&t, CLIENT, 0);
	segment(&t, SERVER, TCP_FIN, 0, "", 0, 0);
	segment(&t, SERVER, TCP_RST, 0, "", 0, -1);
	reassembly_stats(t.tcp, &stats);
	assert_int_equal(stats.connections, 0);
	test_end(&t, "");
}

static void opened_by_what_the_server_answers(void **state)
{
	struct tcp_test t;

	test_begin(&t);
	segment(&t, SERVER, TCP_SYN, (uint32_t)-1, "", 0, 0);
	assert_int_equal(t.client, 1); /* the other end than that of the first packet */
	segment(&t, CLIENT, 0, 0, "hello", 5, 0);
	test_end(&t, "(shello");
}

static void opened_by_both_at_once(void **state)
{
	struct tcp_test t;

	test_begin(&t);
	segment(&t, CLIENT, TCP_SYN, (uint32_t)-1, "", 0, -1);
	segment(&t, SERVER, TCP_SYN, (uint32_t)-1, "", 0, -1);
	segment(&t, CLIENT, TCP_SYN, (uint32_t)-1, "", 0, 0);
	segment(&t, SERVER, TCP_SYN, (uint32_t)-1, "", 0, 0);
	data(&t, CLIENT, 0, "hello");
	data(&t, SERVER, 0, "world");
	test_end(&t, "(chellosworld");
}

static void data_with_the_syn(void **state)
{
	struct tcp_test t;

	test_begin(&t);
	segment(&t, CLIENT, TCP_SYN, (uint32_t)-1, "hello", 5, -1);
	segment(&t, SERVER, TCP_SYN, (uint32_t)-1, "", 0, 0); /* not taken ... */
	segment(&t, CLIENT, 0, 0, "hello", 5, 0);             /* ... so sent again */
	segment(&t, CLIENT, 0, 5, " all", 4, 0);
	test_end(&t, "(chello all");
}

static void probes_that_keep_alive(void **state)
{
	struct tcp_test t;

	test_begin(&t);
	handshake(&t);
	data(&t, CLIENT, 0, "abc");
	segment(&t, CLIENT, 0, 2, "", 0, 0);
	segment(&t, CLIENT, 0, 2, "?", 1, 0);
	data(&t, CLIENT, 3, "def");
	test_end(&t, "(cabcdef");
}

static void reset_hands_on_what_is_held(void **state)
{
	struct tcp_test t;

	test_begin(&t);
	handshake(&t);
	data(&t, SERVER, 4, "efg");
	segment(&t, CLIENT, TCP_RST, 0, "", 0, -1);
	data(&t, SERVER, 7, "late");
	test_end(&t, "(s{4}efg!");
}

static void fin_waits_for_the_bytes_before_it(void **state)
{
	struct tcp_test t;

	test_begin(&t);
	handshake(&t);
	segment(&t, SERVER, TCP_FIN, 3, "def", 3, 0);
	assert_log(&t, "(");
	data(&t, SERVER, 0, "abc");
	assert_log(&t, "sabcdefS|");
	segment(&t, SERVER, TCP_FIN, 3, "def", 3, 0); /* again */
	data(&t, CLIENT, 0, "still here");
	test_end(&t, "cstill here");
}

static void fin_behind_an_acknowledged_hole(void **state)
{
	struct tcp_test t;

	test_begin(&t);
	handshake(&t);
	segment(&t, SERVER, TCP_FIN, 3, "def", 3, 0);
	segment(&t, CLIENT, TCP_FIN, 0, "", 0, 7);
	test_end(&t, "(s{3}defC|S|.");
}

static void ends_used_again(void **state)
{
	struct reassembly_stats stats;
	struct tcp_test t;

	test_begin(&t);
	handshake(&t);
	handshake(&t); /* the same SYNs again */
	data(&t, CLIENT, 0, "one");
	segment(&t, CLIENT, TCP_FIN, 3, "", 0, 0);
	segment(&t, SERVER, TCP_FIN, 0, "", 0, 4);
	data(&t, CLIENT, 0, "one"); /* a late copy */
	t.isn[CLIENT] += 100000;
	handshake(&t);
	data(&t, CLIENT, 0, "two");
	t.isn[CLIENT] += 100000; /* without an end in between */
	t.isn[SERVER] += 100000;
	handshake(&t);
	data(&t, CLIENT, 0, "three");
	reassembly_stats(t.tcp, &stats);
	assert_int_equal(stats.connections, 3);
	test_end(&t, "(coneC|S|.(ctwo.(cthree");
}

static void server_that_opens_again_changes_ends(void **state)
{
	struct tcp_test t;

	test_begin(&t);
	handshake(&t);
	segment(&t, CLIENT, TCP_RST, 0, "", 0, -1);
	t.isn[SERVER] += 5000;
	segment(&t, SERVER, TCP_SYN, (uint32_t)-1, "", 0, -1); /* the other way round */
	assert_int_equal(t.client, 0);
	data(&t, SERVER, 0, "hello");
	test_end(&t, "(!(chello");
}

static void too_many_early_segments(void **state)
{
	struct reassembly_stats stats;
	struct tcp_test t;

	test_begin(&t);
	handshake(&t);
	for (uint32_t i = 0; i < 2000; i++)
		data(&t, SERVER, 10 + 2 * i, "x");
	reassembly_stats(t.tcp, &stats);
	assert_true(stats.holes > 1400 && stats.holes < 1500);
	reassembly_free(t.tcp);
}

static void too_many_early_bytes(void **state)
{
	struct tcp_test t;

	test_begin_with(&t, 8, 110);
	handshake(&t);
	data(&t, SERVER, 10, "abc");
	data(&t, SERVER, 20, "def");
	data(&t, SERVER, 30, "ghi");
	data(&t, SERVER, 40, "jkl"); /* no room: the first gap is given up */
	t.port = 40001;
	handshake(&t);
	data(&t, SERVER, 5, "xyz"); /* the other holds it all */
	test_end(&t, "(s{10}abc(s{5}xyz{7}def{7}ghi{7}jkl");
}

static void full_table_gives_up_the_longest_idle(void **state)
{
	struct reassembly_stats stats;
	struct tcp_test t;

	test_begin_with(&t, 4, 1 << 20);
	for (int i = 0; i < 4; i++) {
		t.port = (uint16_t)(40000 + i);
		handshake(&t);
	}
	t.port = 40000;
	data(&t, CLIENT, 0, "a");
	ack(&t, SERVER, 1);
	t.port = 40004;
	handshake(&t);
	t.port = 40001;
	data(&t, CLIENT, 0, "b"); /* was given up: begins in the middle, and 40002 makes room */
	ack(&t, SERVER, 1);
	reassembly_stats(t.tcp, &stats);
	assert_int_equal(stats.evicted, 2);
	t.port = 40003;
	segment(&t, CLIENT, TCP_RST, 0, "", 0, -1);
	t.port = 40005;
	handshake(&t); /* takes the place of the closed one */
	reassembly_stats(t.tcp, &stats);
	assert_int_equal(stats.evicted, 2);
	test_end(&t, "((((ca.(.(cb!(");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_connection),
		cmocka_unit_test(segments_out_of_order),
		cmocka_unit_test(segments_sent_again),
		cmocka_unit_test(what_was_acknowledged_counts),
		cmocka_unit_test(what_was_acknowledged_counts_without_an_acknowledgement),
		cmocka_unit_test(what_waits_for_an_acknowledgement_is_bounded),
		cmocka_unit_test(any_order_gives_the_same),
		cmocka_unit_test(acknowledged_gap_is_a_hole),
		cmocka_unit_test(answer_to_what_was_not_captured),
		cmocka_unit_test(acknowledgement_ahead_of_its_data_is_no_hole),
		cmocka_unit_test(bytes_cut_by_the_capture),
		cmocka_unit_test(joined_in_the_middle),
		cmocka_unit_test(rest_of_a_finished_connection_opens_none),
		cmocka_unit_test(opened_by_what_the_server_answers),
		cmocka_unit_test(opened_by_both_at_once),
		cmocka_unit_test(data_with_the_syn),
		cmocka_unit_test(probes_that_keep_alive),
		cmocka_unit_test(reset_hands_on_what_is_held),
		cmocka_unit_test(fin_waits_for_the_bytes_before_it),
		cmocka_unit_test(fin_behind_an_acknowledged_hole),
		cmocka_unit_test(ends_used_again),
		cmocka_unit_test(server_that_opens_again_changes_ends),
		cmocka_unit_test(too_many_early_segments),
		cmocka_unit_test(too_many_early_bytes),
		cmocka_unit_test(full_table_gives_up_the_longest_idle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
