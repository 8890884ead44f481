// SPDX-License-Identifier: Apache-2.0
/* Plain text of TLS sessions: chunks of which the kernel side shows what bpf/lib/plain.h says. */
#include "conn/wire.h"
#include "obi/order.h"

#define PLAIN_HEAD (16 * 1024)
#define PLAIN_BODY 256
#define UNORDERED (64 * 1024)

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define OK5 "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define LAST "0\r\n\r\n"

/* struct tls_session */
struct session {
	struct wire *w;
	bool ordered;
	uint32_t limit;
	uint8_t heads;
	uint64_t offset[2];
};

static void session_begin(struct session *s, struct wire *w)
{
	*s = (struct session){ .w = w, .limit = UNORDERED };
}

static bool begins_head(struct slice bytes)
{
	for (size_t i = 0; i < 3; i++)
		if (bytes.len <= i || bytes.data[i] < 'A' || bytes.data[i] > 'Z')
			return false;
	return true;
}

static size_t heads_share(struct session *s, struct slice bytes, uint8_t direction)
{
	uint8_t bit = (uint8_t)(1u << direction);

	if (begins_head(bytes)) {
		s->heads |= bit;
		return PLAIN_HEAD;
	}
	if (s->heads & bit) {
		s->heads &= (uint8_t)~bit;
		return PLAIN_HEAD;
	}
	return PLAIN_BODY;
}

static size_t share_of(struct session *s, struct slice bytes, uint8_t direction)
{
	size_t share = heads_share(s, bytes, direction);

	if (s->ordered || s->limit == 0)
		return share;
	if (share < s->limit)
		share = s->limit;
	s->limit -= bytes.len < s->limit ? (uint32_t)bytes.len : s->limit;
	return share;
}

/* The very last in the highest byte. */
static uint64_t last_bytes(struct slice bytes)
{
	uint64_t tail = 0;

	for (size_t i = 0; i < bytes.len; i++)
		tail = tail >> 8 | (uint64_t)bytes.data[i] << 56;
	return tail;
}

/* One call of the library. */
static void plain(struct session *s, uint8_t direction, struct slice bytes)
{
	size_t share = share_of(s, bytes, direction);

	if (share > bytes.len)
		share = bytes.len;
	s->w->now++;
	do {
		struct obi_record record = wire_record(s->w, OBI_RECORD_CHUNK, direction);
		struct slice head = slice_first(bytes, share < OBI_HEAD_MAX ? share : OBI_HEAD_MAX);

		share -= head.len;
		record.message = 0;
		record.flags |= OBI_RECORD_TLS | (s->ordered ? 0 : OBI_RECORD_UNORDERED);
		record.before = s->offset[direction];
		record.bytes = share ? head.len : bytes.len;
		if (head.len < record.bytes)
			record.total_bytes = last_bytes(bytes);
		s->offset[direction] += record.bytes;
		bytes = slice_from(bytes, record.bytes);
		wire_put(s->w, &record, head);
	} while (bytes.len);
}

static void plain_recv(struct session *s, const char *text)
{
	plain(s, OBI_RECV, slice_cstr(text));
}

static void plain_send(struct session *s, const char *text)
{
	plain(s, OBI_SEND, slice_cstr(text));
}

/* Chunks of a body in one call: each of so many bytes. */
static void plain_send_chunks(struct session *s, size_t count, size_t size, const char *behind)
{
	static char text[128 * 1024];
	size_t len = 0;

	for (size_t i = 0; i < count; i++) {
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%zx\r\n", size);
		memset(text + len, 'a', size);
		len += size;
		memcpy(text + len, "\r\n", 2);
		len += 2;
	}
	memcpy(text + len, behind, strlen(behind));
	len += strlen(behind);
	plain(s, OBI_SEND, slice_of(text, len));
}

/* ---- Requests in turn ---- */

static void requests_on_one_connection_are_https(void **state)
{
	for (int ordered = 0; ordered < 2; ordered++) {
		struct wire *w = wire_new();
		struct session s;

		session_begin(&s, w);
		s.ordered = ordered;
		plain_recv(&s, "GET /a?b=c HTTP/1.1\r\nHost: h\r\n\r\n");
		plain_send(&s, OK5);
		plain_recv(&s, "POST /b HTTP/1.1\r\nContent-Length: 3\r\n\r\n123");
		plain_send(&s, OK);
		wire_spans(w, "server 200 GET https://h/a?b=c 0>5 [1..2]\n"
			      "server 200 POST https:///b 3>0 [3..4]\n");
		wire_close(w);
		wire_spans(w, "");
		wire_free(w);
	}
}

static void a_client_sends_them(void **state)
{
	struct wire *w = wire_new();
	struct session s;

	session_begin(&s, w);
	w->side = OBI_SIDE_CONNECTED;
	plain_send(&s, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
	plain_recv(&s, OK5);
	plain_send(&s, "GET /b HTTP/1.1\r\nHost: h\r\n\r\n");
	plain_recv(&s, OK);
	wire_spans(w, "client 200 GET https://h/a 0>5 [1..2]\n"
		      "client 200 GET https://h/b 0>0 [3..4]\n");
	wire_free(w);
}

/* As libraries do that ask for more than there is: a head, its rest, its body. */
static void a_message_may_come_in_several_calls(void **state)
{
	struct wire *w = wire_new();
	struct session s;

	session_begin(&s, w);
	s.ordered = true;
	plain_recv(&s, "POST /a HTTP/1.1\r\nHost: h\r\n");
	plain_recv(&s, "Content-Length: 5\r\n\r\n");
	plain_recv(&s, "hello");
	plain_send(&s, "HTTP/1.1 201 Created\r\n");
	plain_send(&s, "Content-Length: 2\r\n\r\n");
	plain_send(&s, "ok");
	wire_spans(w, "server 201 POST https://h/a 5>2 [1..6]\n");
	wire_free(w);
}

static void a_long_head_has_several_records(void **state)
{
	static char text[6000];
	struct wire *w = wire_new();
	struct session s;

	session_begin(&s, w);
	s.ordered = true;
	(void)snprintf(text, sizeof(text), "GET /a HTTP/1.1\r\nX: %04999d\r\nHost: h\r\n\r\n", 0);
	plain_recv(&s, text);
	plain_send(&s, OK);
	wire_spans(w, "server 200 GET https://h/a 0>0 [1..2]\n");
	wire_free(w);
}

static void a_body_of_known_length_is_not_seen(void **state)
{
	static char body[40000];
	struct wire *w = wire_new();
	struct session s;

	session_begin(&s, w);
	s.ordered = true;
	memset(body, 'a', sizeof(body));
	plain_recv(&s, "GET /a HTTP/1.1\r\n\r\n");
	plain_send(&s, "HTTP/1.1 200 OK\r\nContent-Length: 80000\r\n\r\n");
	plain(&s, OBI_SEND, slice_of(body, sizeof(body)));
	wire_spans(w, "");
	plain(&s, OBI_SEND, slice_of(body, sizeof(body)));
	wire_spans(w, "server 200 GET https:///a 0>80000 [1..4]\n");
	plain_recv(&s, "GET /b HTTP/1.1\r\n\r\n");
	plain_send(&s, OK);
	wire_spans(w, "server 200 GET https:///b 0>0 [5..6]\n");
	wire_free(w);
}

/* ---- Chunked responses ---- */

/* The next request shows that nothing was mistaken. */
static void another(struct session *s)
{
	char want[64];
	unsigned long long now = s->w->now;

	plain_recv(s, "GET /next HTTP/1.1\r\n\r\n");
	plain_send(s, OK);
	(void)snprintf(want, sizeof(want), "server 200 GET https:///next 0>0 [%llu..%llu]\n",
		       now + 1, now + 2);
	wire_spans(s->w, want);
}

static void a_chunked_response_ends_with_its_last_chunk(void **state)
{
	struct wire *w = wire_new();
	struct session s;

	session_begin(&s, w);
	s.ordered = true;
	plain_recv(&s, "GET /a HTTP/1.1\r\n\r\n");
	plain_send(&s, CHUNKED);
	for (int i = 0; i < 5; i++)
		plain_send_chunks(&s, 1, 4000, "");
	wire_spans(w, "");
	plain_send(&s, LAST);
	/* 5 * (3 + 2 + 4000 + 2) + 5 */
	wire_spans(w, "server 200 GET https:///a 0>20040 [1..8]\n");
	another(&s);
	wire_free(w);
}

static void its_last_chunk_may_come_with_data(void **state)
{
	struct wire *w = wire_new();
	struct session s;

	session_begin(&s, w);
	s.ordered = true;
	plain_recv(&s, "GET /a HTTP/1.1\r\n\r\n");
	plain_send(&s, CHUNKED);
	plain_send_chunks(&s, 1, 4000, "");
	plain_send_chunks(&s, 1, 4000, LAST);
	wire_spans(w, "server 200 GET https:///a 0>8019 [1..4]\n");
	another(&s);
	wire_free(w);
}

/* Where chunks begin in what is not shown, the place is lost; the end is not. */
static void several_chunks_in_one_call_end_where_they_end(void **state)
{
	for (int apart = 0; apart < 2; apart++) {
		struct wire *w = wire_new();
		struct session s;

		session_begin(&s, w);
		s.ordered = true;
		plain_recv(&s, "GET /a HTTP/1.1\r\n\r\n");
		plain_send(&s, CHUNKED);
		plain_send_chunks(&s, 3, 500, "");
		plain_send_chunks(&s, 3, 500, "");
		plain_send_chunks(&s, 3, 500, "");
		wire_spans(w, "");
		if (apart) {
			plain_send(&s, LAST);
			wire_spans(w, "server 200 GET https:///a 0>4568 [1..6]\n");
		} else {
			plain_send_chunks(&s, 3, 500, LAST);
			wire_spans(w, "server 200 GET https:///a 0>6089 [1..6]\n");
		}
		another(&s);
		wire_free(w);
	}
}

static void a_last_chunk_in_data_is_data(void **state)
{
	static char text[3000];
	struct wire *w = wire_new();
	struct session s;

	session_begin(&s, w);
	s.ordered = true;
	plain_recv(&s, "GET /a HTTP/1.1\r\n\r\n");
	plain_send(&s, CHUNKED);
	plain_send_chunks(&s, 1, 10, "");
	/* 9000 bytes in three calls, of which two end as a body does. */
	memset(text, 'a', sizeof(text));
	memcpy(text + sizeof(text) - 7, "\r\n" LAST, 7);
	plain_send(&s, "2328\r\n");
	plain(&s, OBI_SEND, slice_of(text, sizeof(text)));
	plain(&s, OBI_SEND, slice_of(text, sizeof(text)));
	memset(text, 'a', sizeof(text));
	plain(&s, OBI_SEND, slice_of(text, sizeof(text)));
	wire_spans(w, "");
	plain_send(&s, "\r\n" LAST);
	wire_spans(w, "server 200 GET https:///a 0>9028 [1..8]\n");
	another(&s);
	wire_free(w);
}

/* ---- What came before, and losses ---- */

/* Plain text of another kind passes, in messages or in chunks, as STARTTLS and CONNECT have it. */
static void what_came_before_is_another_count(void **state)
{
	for (int messages = 0; messages < 2; messages++) {
		struct wire *w = wire_new();
		struct session s;

		session_begin(&s, w);
		w->stream = !messages;
		w->unordered = true;
		if (messages) {
			wire_recv(w, "CONNECT h:443 HTTP/1.1\r\n\r\n");
			wire_send(w, "HTTP/1.1 200 OK\r\n\r\n");
			wire_spans(w, "server 200 CONNECT h:443 0>0 [1..2]\n");
		} else {
			wire_send(w, "220 ready\r\n");
			wire_recv(w, "EHLO a\r\n");
		}
		plain_recv(&s, "GET /a HTTP/1.1\r\n\r\n");
		plain_send(&s, OK5);
		wire_spans(w, "server 200 GET https:///a 0>5 [3..4]\n");
		another(&s);
		wire_free(w);
	}
}

/* Of a handshake that was seen, nothing is held against the session: its first bytes are its first,
 * however few come at a time. */
static void a_session_begins_anew_after_its_handshake(void **state)
{
	struct wire *w = wire_new();
	struct session s;

	session_begin(&s, w);
	w->stream = w->unordered = true;
	wire_recv(w, "\x16\x03\x01 hello");
	wire_send(w, "\x16\x03\x03 hello, too");
	wire_recv(w, "\x16\x03\x03"); /* too little to tell */
	plain_recv(&s, "G");
	plain_recv(&s, "ET /a HTTP/1.1\r\n\r\n");
	plain_send(&s, OK);
	wire_spans(w, "server 200 GET https:///a 0>0 [4..6]\n");
	wire_free(w);
}

/* Ten requests, of which the record of one, or of an answer, is lost: the others go on. */
static void a_lost_record_costs_no_later_request(void **state)
{
	for (int lost = 0; lost < 2; lost++) {
		struct wire *w = wire_new();
		struct session s;
		size_t spans;

		session_begin(&s, w);
		s.ordered = true;
		for (int i = 0; i < 10; i++) {
			w->lose = i == 3 && lost == 0;
			plain_recv(&s, "GET /a HTTP/1.1\r\n\r\n");
			w->lose = i == 3 && lost == 1;
			plain_send(&s, OK);
			w->lose = false;
		}
		wire_close(w);
		spans = wire_stats(w).spans;
		assert_in_range(spans, 8, 9);
		wire_forget_times(w);
		w->spans_len = 0;
		wire_free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_on_one_connection_are_https),
		cmocka_unit_test(a_client_sends_them),
		cmocka_unit_test(a_message_may_come_in_several_calls),
		cmocka_unit_test(a_long_head_has_several_records),
		cmocka_unit_test(a_body_of_known_length_is_not_seen),
		cmocka_unit_test(a_chunked_response_ends_with_its_last_chunk),
		cmocka_unit_test(its_last_chunk_may_come_with_data),
		cmocka_unit_test(several_chunks_in_one_call_end_where_they_end),
		cmocka_unit_test(a_last_chunk_in_data_is_data),
		cmocka_unit_test(what_came_before_is_another_count),
		cmocka_unit_test(a_session_begins_anew_after_its_handshake),
		cmocka_unit_test(a_lost_record_costs_no_later_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
