// SPDX-License-Identifier: Apache-2.0
/* What stands before the first request costs no request: headers of the PROXY protocol, greetings
 * of other protocols, empty lines. */
#include "conn/wire.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define REQUEST "GET /a HTTP/1.1\r\n\r\n"
#define V1 "PROXY TCP4 192.0.2.1 192.0.2.2 4000 80\r\n"
#define V2 "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\x0f\xa0\0\x50"
#define V2_TLV                                                                                     \
	"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x13\xc0\0\x02\x01\xc0\0\x02\x02\x0f\xa0\0\x50\x04\0\x04GE" \
	"T "

static const struct slice prefaces[] = { SLICE_LIT(V1),         SLICE_LIT(V2),
					 SLICE_LIT(V2_TLV),     SLICE_LIT("PROXY UNKNOWN\r\n"),
					 SLICE_LIT("\r\n\r\n"), SLICE_LIT("\n") };

/* The preface and the request behind it pass, cut at two places. */
static void pass_cut(struct wire *w, uint8_t direction, struct slice preface, size_t first,
		     size_t second)
{
	char text[512];
	size_t len = preface.len + strlen(REQUEST);
	size_t cuts[] = { first, second, len }, at = 0;

	memcpy(text, preface.data, preface.len);
	memcpy(text + preface.len, REQUEST, strlen(REQUEST));
	for (int i = 0; i < 3; i++) {
		if (cuts[i] > at)
			wire_pass(w, direction, slice_of(text + at, cuts[i] - at), cuts[i] - at);
		at = cuts[i] > at ? cuts[i] : at;
	}
}

static void one(uint8_t side, struct slice preface, size_t first, size_t second)
{
	struct wire *w = wire_new();
	uint8_t direction = side == OBI_SIDE_CONNECTED ? OBI_SEND : OBI_RECV;

	w->side = side;
	pass_cut(w, direction, preface, first, second);
	wire_pass(w, !direction, SLICE_LIT(OK), strlen(OK));
	wire_pass(w, direction, SLICE_LIT("GET /b HTTP/1.1\r\n\r\n"), 19);
	wire_pass(w, !direction, SLICE_LIT(OK), strlen(OK));
	wire_close(w);
	wire_forget_times(w);
	wire_spans(w, side == OBI_SIDE_CONNECTED
			      ? "client 200 GET /a 0>0\nclient 200 GET /b 0>0\n"
			      : "server 200 GET /a 0>0\nserver 200 GET /b 0>0\n");
	assert_int_equal(wire_stats(w).requests, 2);
	wire_free(w);
}

static void a_preface_costs_no_request_however_it_is_cut(void **state)
{
	static const uint8_t sides[] = { OBI_SIDE_ACCEPTED, OBI_SIDE_UNKNOWN, OBI_SIDE_CONNECTED };

	for (size_t p = 0; p < sizeof(prefaces) / sizeof(prefaces[0]); p++)
		for (size_t s = 0; s < sizeof(sides); s++)
			for (size_t at = 1; at < prefaces[p].len + strlen(REQUEST); at++) {
				one(sides[s], prefaces[p], at, at);
				one(sides[s], prefaces[p], at, at + 1);
				one(sides[s], prefaces[p], at, prefaces[p].len);
			}
}

static void the_request_is_timed_without_its_preface(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, V1);
	wire_recv(w, REQUEST);
	wire_send(w, OK);
	wire_spans(w, "server 200 GET /a 0>0 [2..3]\n");
	wire_free(w);
}

static void a_long_preface_is_passed_over(void **state)
{
	static char text[3000] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\x07\xd0";
	struct wire *w = wire_new();

	/* 2000 bytes of it, of which the first 1024 are seen; then all in one chunk */
	wire_pass(w, OBI_RECV, slice_of(text, 2016), 2016);
	wire_recv(w, REQUEST);
	wire_send(w, OK);
	w->conn = 1;
	for (size_t at = 0; at < 2016; at += 1008)
		wire_pass(w, OBI_RECV, slice_of(text + at, 1008), 1008);
	wire_recv(w, REQUEST);
	wire_send(w, OK);
	wire_spans(w, "server 200 GET /a 0>0 [2..3]\nserver 200 GET /a 0>0 [6..7]\n");
	wire_free(w);
}

static void a_preface_in_the_middle_is_none(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, REQUEST);
	wire_send(w, OK);
	wire_recv(w, V1 "GET /b HTTP/1.1\r\n\r\n");
	wire_send(w, "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n");
	wire_spans(w, "server 200 GET /a 0>0 [1..2]\n");
	assert_int_equal(wire_stats(w).dropped[OBI_DROP_UNPARSED], 1);
	wire_free(w);
}

static void a_method_named_proxy_is_a_method(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "PROXY /a HTTP/1.1\r\n\r\n");
	wire_send(w, OK);
	wire_spans(w, "server 200 PROXY /a 0>0 [1..2]\n");
	wire_free(w);
}

/* RFC 1928: the client asks for a way, then for a place, and then speaks HTTP. */
static void a_greeting_of_another_protocol_costs_no_request(void **state)
{
	struct wire *w = wire_new();

	w->side = OBI_SIDE_UNKNOWN;
	wire_pass(w, OBI_RECV, SLICE_LIT("\x05\x01\0"), 3);
	wire_pass(w, OBI_SEND, SLICE_LIT("\x05\0"), 2);
	wire_pass(w, OBI_RECV, SLICE_LIT("\x05\x01\0\x01\x7f\0\0\x01\0\x50"), 10);
	wire_pass(w, OBI_SEND, SLICE_LIT("\x05\0\0\x01\0\0\0\0\0\0"), 10);
	wire_recv(w, REQUEST);
	wire_send(w, OK);
	wire_recv(w, "GET /b HTTP/1.1\r\n\r\n");
	wire_send(w, OK);
	wire_spans(w, "server 200 GET /a 0>0 [5..6]\nserver 200 GET /b 0>0 [7..8]\n");
	wire_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_preface_costs_no_request_however_it_is_cut),
		cmocka_unit_test(the_request_is_timed_without_its_preface),
		cmocka_unit_test(a_long_preface_is_passed_over),
		cmocka_unit_test(a_preface_in_the_middle_is_none),
		cmocka_unit_test(a_method_named_proxy_is_a_method),
		cmocka_unit_test(a_greeting_of_another_protocol_costs_no_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
