// SPDX-License-Identifier: Apache-2.0
/* TLS from records to spans: handshakes, however their bytes are cut, and what goes through them.
 */
#include "../../conn/wire.h"
#include "handshakes.h"

#define FLIGHT(bytes) slice_of(bytes, sizeof(bytes))

#define NEW_12                                                                                     \
	"server TLS 1.2 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 shop.example http/1.1 new dated"
#define NEW_13 "server TLS 1.3 TLS_AES_256_GCM_SHA384 shop.example  new"

static struct wire *listener(void)
{
	struct wire *w = wire_new();

	obi_conns_free(w->conns);
	w->stream = w->unordered = true;
	w->options.carriers = true;
	wire_open(w);
	return w;
}

static void pass(struct wire *w, uint8_t direction, struct slice bytes)
{
	wire_pass(w, direction, bytes, bytes.len);
}

static void shake_12(struct wire *w)
{
	pass(w, OBI_RECV, FLIGHT(client_12_1));
	pass(w, OBI_SEND, FLIGHT(server_12_1));
	pass(w, OBI_RECV, FLIGHT(client_12_2));
	pass(w, OBI_SEND, FLIGHT(server_12_2));
}

static void shake_13(struct wire *w)
{
	pass(w, OBI_RECV, FLIGHT(client_13_1));
	pass(w, OBI_SEND, FLIGHT(server_13_1));
	pass(w, OBI_RECV, FLIGHT(client_13_2));
	pass(w, OBI_SEND, FLIGHT(server_13_2));
}

static void both_versions(void **state)
{
	struct wire *w = listener();

	shake_12(w);
	wire_spans(w, NEW_12 " [1..4]\n");
	w->conn = 1;
	shake_13(w);
	wire_spans(w, NEW_13 " [5..7]\n");
	wire_free(w);
}

static void nobody_asks(void **state)
{
	struct wire *w = listener();

	obi_conns_free(w->conns);
	w->options.carriers = false;
	wire_open(w);
	shake_13(w);
	wire_spans(w, "");
	wire_free(w);
}

/* The same of one's own asking. */
static void a_client(void **state)
{
	struct wire *w = listener();

	w->side = OBI_SIDE_CONNECTED;
	pass(w, OBI_SEND, FLIGHT(client_13_1));
	pass(w, OBI_RECV, FLIGHT(server_13_1));
	pass(w, OBI_SEND, FLIGHT(client_13_2));
	wire_spans(w, "client TLS 1.3 TLS_AES_256_GCM_SHA384 shop.example  new [1..3]\n");
	wire_free(w);
}

static void certify(struct wire *w, struct slice der)
{
	struct obi_record record = wire_record(w, OBI_RECORD_CERTIFICATE, OBI_SEND);

	record.time_ns = ++w->now * STEP_NS;
	record.message = 0;
	record.bytes = der.len;
	wire_put(w, &record, der);
}

/* What 1.3 encrypts comes from a probe; of more than one, or of a connection of something else,
 * nothing is taken. */
static void certificate_of_a_probe(void **state)
{
	static const uint8_t der[] = "\x30\x30\x30\x2e\2\1\1\x30\0\x30\0\x30\x1e"
				     "\x17\x0d"
				     "200101000000Z"
				     "\x17\x0d"
				     "300101000000Z";
	struct wire *w = listener();

	certify(w, FLIGHT(der));
	pass(w, OBI_RECV, FLIGHT(client_13_1));
	certify(w, SLICE_LIT("\x30\x82"));
	certify(w, slice_first(FLIGHT(der), sizeof(der) - 1));
	pass(w, OBI_SEND, FLIGHT(server_13_1));
	pass(w, OBI_RECV, FLIGHT(client_13_2));
	wire_spans(w, NEW_13 " dated [2..6]\n");
	certify(w, FLIGHT(der));
	wire_free(w);
}

/* Byte for byte. */
static void in_single_bytes(void **state)
{
	const struct slice flights[] = { FLIGHT(client_12_1), FLIGHT(server_12_1),
					 FLIGHT(client_12_2), FLIGHT(server_12_2) };
	struct wire *w = listener();
	size_t all = 0;
	char expected[256];

	for (size_t i = 0; i < 4; i++) {
		for (size_t k = 0; k < flights[i].len; k++)
			pass(w, i % 2 ? OBI_SEND : OBI_RECV,
			     slice_first(slice_from(flights[i], k), 1));
		all += flights[i].len;
	}
	/* It ends with the header of the last record, which has 40 bytes. */
	(void)snprintf(expected, sizeof(expected), NEW_12 " [1..%zu]\n", all - 40);
	wire_spans(w, expected);
	wire_free(w);
}

/* Each record by itself; of those that are no hello only the header. */
static void pass_headers(struct wire *w, uint8_t direction, struct slice flight)
{
	while (flight.len) {
		size_t len = 5 + ((size_t)flight.data[3] << 8) + flight.data[4];

		wire_pass(w, direction, slice_first(flight, flight.data[0] == 22 ? len : 5), len);
		flight = slice_from(flight, len);
	}
}

/* What is not shown of a record changes nothing of what is found behind it. */
static void cut_records(void **state)
{
	struct wire *w = listener();

	pass(w, OBI_RECV, FLIGHT(client_13_1));
	pass_headers(w, OBI_SEND, FLIGHT(server_13_1));
	pass_headers(w, OBI_RECV, FLIGHT(client_13_2));
	wire_spans(w, NEW_13 " [1..9]\n");
	wire_free(w);
}

/* Where a record may have begun unseen, nothing is claimed. */
static void lost_place(void **state)
{
	struct obi_conns_stats stats;
	struct wire *w = listener();

	pass(w, OBI_RECV, FLIGHT(client_13_1));
	wire_pass(w, OBI_SEND, slice_first(FLIGHT(server_13_1), 100), sizeof(server_13_1));
	pass(w, OBI_RECV, FLIGHT(client_13_2));
	wire_spans(w, "");
	obi_conns_stats(w->conns, &stats);
	assert_int_equal(1, stats.dropped[OBI_DROP_LOST_RECORD]);
	wire_free(w);
}

static void alerts(void **state)
{
	struct wire *w = listener();

	pass(w, OBI_RECV, FLIGHT(client_13_1));
	pass(w, OBI_SEND, SLICE_LIT("\x15\3\3\0\2\2\x28"));
	wire_spans(w, "server TLS   shop.example  handshake_failure [1..2]\n");
	w->conn = 1;
	pass(w, OBI_RECV, FLIGHT(client_13_1));
	pass(w, OBI_SEND, SLICE_LIT("\x15\3\3\0\2\1\x70")); /* a warning */
	pass(w, OBI_SEND, FLIGHT(server_13_1));
	pass(w, OBI_RECV,
	     SLICE_LIT("\x17\3\3\0\x13"
		       "0123456789012345678"));
	wire_spans(w, NEW_13 " _OTHER [3..6]\n");
	w->conn = 2;
	pass(w, OBI_RECV, FLIGHT(client_13_1));
	wire_close(w);
	wire_spans(w, "server TLS   shop.example  _OTHER [7..8] incomplete\n");
	wire_free(w);
}

static void what_is_none(void **state)
{
	struct wire *w = listener();

	pass(w, OBI_RECV, FLIGHT(client_13_1));
	pass(w, OBI_SEND, SLICE_LIT("HTTP/1.1 400 Bad Request\r\n\r\n"));
	wire_spans(w, "");
	wire_free(w);
}

/* A record of an alert in the midst of a message that fills its room. */
static void interleaved(void **state)
{
	static const uint8_t zeros[4096];
	struct wire *w = listener();

	pass(w, OBI_RECV, FLIGHT(client_13_1));
	pass(w, OBI_SEND, SLICE_LIT("\x16\3\3\x10\4\1\xff\xff\xff"));
	pass(w, OBI_SEND, slice_of(zeros, sizeof(zeros)));
	for (int i = 0; i < 3; i++)
		pass(w, OBI_SEND, SLICE_LIT("\x15\3\3\0\2\1\x70"));
	pass(w, OBI_SEND, SLICE_LIT("\x15\3\3\0\2\2\x28"));
	wire_spans(w, "server TLS   shop.example  handshake_failure [1..7]\n");
	wire_free(w);
}

/* ---- What goes through it ------------------------------------------------------------------ */

static struct slice seen_version; /* of the last span of HTTP */

static void keep_version(void *context, struct obi_span *span)
{
	if (span->system->family == OBI_FAMILY_HTTP)
		seen_version = slice_cstr(span->tls ? span->tls->version : "none");
	wire_span(context, span);
}

static void plain(struct wire *w, uint64_t carrier, uint8_t direction, const char *text)
{
	struct obi_record record = wire_record(w, OBI_RECORD_CHUNK, direction);
	uint64_t *offset = &w->at[w->conn].offset[direction];

	record.time_ns = ++w->now * STEP_NS;
	record.message = 0;
	record.flags |= OBI_RECORD_TLS;
	record.last_ns = carrier;
	record.before = *offset;
	record.bytes = strlen(text);
	*offset += record.bytes;
	wire_put(w, &record, slice_cstr(text));
}

static struct wire *with_plain_text(void)
{
	struct wire *w = listener();

	obi_conns_free(w->conns);
	w->options.sink.put = keep_version;
	w->options.context = w;
	w->options.service = wire_service;
	w->options.random = wire_random;
	w->options.sink.context = w;
	w->options.protocols = obi_protocols;
	w->conns = obi_conns_new(&w->options);
	assert_non_null(w->conns);
	seen_version = SLICE_LIT("");
	return w;
}

#define ASKED "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"

static void its_requests_know_it(void **state)
{
	struct wire *w = with_plain_text();
	uint64_t carrier = w->at[0].id;

	shake_13(w);
	w->conn = 1;
	plain(w, carrier, OBI_RECV, ASKED);
	plain(w, carrier, OBI_SEND, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	wire_spans(w, NEW_13 " [1..3]\nserver 200 GET https://h/a 0>0 [5..6]\n");
	assert_true(slice_equal(seen_version, SLICE_LIT("1.3")));
	wire_free(w);
}

/* The socket's end is that of the plain text, too; a request that is open knows its session still.
 */
static void they_end_with_it(void **state)
{
	struct wire *w = with_plain_text();
	uint64_t carrier = w->at[0].id;

	shake_13(w);
	w->conn = 1;
	plain(w, carrier, OBI_RECV, ASKED);
	w->conn = 0;
	wire_close(w);
	wire_spans(w, NEW_13 " [1..3]\nserver 0 GET https://h/a 0>-1 [5..6] incomplete\n");
	assert_true(slice_equal(seen_version, SLICE_LIT("1.3")));
	assert_int_equal(0, wire_stats(w).connections);
	wire_free(w);
}

/* Another session through the same socket ends the one before. */
static void another_session(void **state)
{
	struct wire *w = with_plain_text();
	uint64_t carrier = w->at[0].id;

	shake_13(w);
	for (w->conn = 1; w->conn < 4; w->conn++)
		plain(w, carrier, OBI_RECV, ASKED);
	assert_int_equal(2, wire_stats(w).connections);
	assert_int_equal(1, wire_stats(w).pending);
	wire_free(w);
}

/* Whatever records claim: what ends takes along what it carries, and nothing else. */
static void one_behind_another(void **state)
{
	struct wire *w = with_plain_text();
	uint64_t ids[3] = { w->at[0].id, w->at[1].id, w->at[2].id };

	shake_13(w);
	for (int i = 0; i < 3; i++) { /* 1 behind 0, 2 behind 1, 0 behind 2 */
		w->conn = (i + 1) % 3;
		plain(w, ids[i], OBI_RECV, ASKED);
	}
	assert_int_equal(3, wire_stats(w).connections);
	wire_close(w);
	assert_int_equal(2, wire_stats(w).connections);
	wire_free(w);
}

/* A connection is not behind two: that which it left does not end it. */
static void behind_another(void **state)
{
	struct wire *w = with_plain_text();
	uint64_t carrier = w->at[0].id;

	shake_13(w);
	w->conn = 1;
	plain(w, carrier, OBI_RECV, ASKED);
	plain(w, 0xdead, OBI_SEND, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	w->conn = 2;
	plain(w, carrier, OBI_RECV, ASKED);
	assert_int_equal(3, wire_stats(w).connections);
	wire_free(w);
}

/* A carrier that is not known (any more) is missed by nobody. */
static void without_it(void **state)
{
	struct wire *w = with_plain_text();

	w->conn = 1;
	plain(w, 0xdead, OBI_RECV, ASKED);
	plain(w, 0xdead, OBI_SEND, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	wire_spans(w, "server 200 GET https://h/a 0>0 [1..2]\n");
	assert_true(slice_equal(seen_version, SLICE_LIT("none")));
	wire_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_versions),
		cmocka_unit_test(nobody_asks),
		cmocka_unit_test(a_client),
		cmocka_unit_test(certificate_of_a_probe),
		cmocka_unit_test(in_single_bytes),
		cmocka_unit_test(cut_records),
		cmocka_unit_test(lost_place),
		cmocka_unit_test(alerts),
		cmocka_unit_test(what_is_none),
		cmocka_unit_test(interleaved),
		cmocka_unit_test(its_requests_know_it),
		cmocka_unit_test(they_end_with_it),
		cmocka_unit_test(another_session),
		cmocka_unit_test(one_behind_another),
		cmocka_unit_test(behind_another),
		cmocka_unit_test(without_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
