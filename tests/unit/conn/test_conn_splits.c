// SPDX-License-Identifier: Apache-2.0
/* Heads that the other direction cuts in two: a turn of the direction does not end a head. */
#include "conn/wire.h"

#define HEAD(status) "HTTP/1.1 " #status " X\r\nContent-Length: 0\r\n\r\n"

/* The same conversation at the server's end and at the client's. */
struct step {
	char from; /* 'C' or 'S' */
	const char *text;
};

static void play(struct wire *w, uint8_t requests, const struct step *steps)
{
	for (; steps->from; steps++)
		wire_pass(w, steps->from == 'C' ? requests : !requests, slice_cstr(steps->text),
			  strlen(steps->text));
}

/* Both ends see the same; then the connection goes on with /next, and is closed. */
static void both_ends(const struct step *steps, const char *want)
{
	static const struct step next[] = { { 'C', "GET /next HTTP/1.1\r\n\r\n" },
					    { 'S', HEAD(299) },
					    { 0 } };
	struct wire *w = wire_new();
	char text[4096], *end = text;

	w->side = OBI_SIDE_CONNECTED;
	w->conn = 1;
	play(w, OBI_SEND, steps);
	play(w, OBI_SEND, next);
	wire_close(w);
	for (const char *line = want; *line; line = strchr(line, '\n') + 1)
		end += snprintf(end, sizeof(text), "client%.*s\n",
				(int)(strchr(line, '\n') - line) - 6, line + 6);
	snprintf(end, sizeof(text) / 2, "client 299 GET /next 0>0\n");
	wire_forget_times(w);
	wire_spans(w, text);

	w->side = OBI_SIDE_ACCEPTED;
	w->conn = 0;
	play(w, OBI_RECV, steps);
	play(w, OBI_RECV, next);
	wire_close(w);
	snprintf(text, sizeof(text), "%sserver 299 GET /next 0>0\n", want);
	wire_forget_times(w);
	wire_spans(w, text);
	assert_int_equal(wire_stats(w).requests, wire_stats(w).spans);
	wire_free(w);
}

static void request_line_cut_by_a_response(void **state)
{
	static const struct step steps[] = { { 'C', "GET /a HTTP/1.1\r\n\r\nGE" },
					     { 'S', HEAD(201) },
					     { 'C', "T /b HTTP/1.1\r\n\r\n" },
					     { 'S', HEAD(404) },
					     { 0 } };

	both_ends(steps, "server 201 GET /a 0>0\nserver 404 GET /b 0>0\n");
}

static void request_fields_cut_by_a_response(void **state)
{
	static const struct step steps[] = { { 'C',
					       "GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\nHo" },
					     { 'S', HEAD(201) },
					     { 'C', "st: x\r\n\r\nGET /c HTTP/1.1\r\n\r\n" },
					     { 'S', HEAD(404) HEAD(500) },
					     { 0 } };

	both_ends(steps, "server 201 GET /a 0>0\nserver 404 GET x/b 0>0\nserver 500 GET /c 0>0\n");
}

static void request_head_cut_by_several_responses(void **state)
{
	static const struct step steps[] = {
		{ 'C',
		  "GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\nPUT /c HTTP/1.1\r\nContent-" },
		{ 'S', HEAD(201) },
		{ 'C', "Length" },
		{ 'S', HEAD(202) },
		{ 'C', ": 3\r\n\r\nab" },
		{ 'S', "HTTP/1.1 100 Continue\r\n\r\n" },
		{ 'C', "cGET /d HTTP/1.1\r\n\r" },
		{ 'S', HEAD(203) },
		{ 'C', "\n" },
		{ 'S', HEAD(204) },
		{ 0 }
	};

	both_ends(steps, "server 201 GET /a 0>0\nserver 202 GET /b 0>0\nserver 203 PUT /c 3>0\n"
			 "server 204 GET /d 0>0\n");
}

static void response_head_cut_by_requests(void **state)
{
	static const struct step steps[] = { { 'C', "GET /a HTTP/1.1\r\n\r\n" },
					     { 'S', "HTTP/1.1 201 X\r\nCont" },
					     { 'C', "GET /b HTTP/1.1\r\n\r\n" },
					     { 'S', "ent-Length: 0\r\n\r\n" HEAD(404) },
					     { 'C', "GET /c HTTP/1.1\r\n\r\n" },
					     { 'S', HEAD(500) },
					     { 'C', "GET /d HTTP/1.1\r\n\r\n" },
					     { 'S', HEAD(202) },
					     { 0 } };

	both_ends(steps, "server 201 GET /a 0>0\nserver 404 GET /b 0>0\nserver 500 GET /c 0>0\n"
			 "server 202 GET /d 0>0\n");
}

static void status_line_cut_by_the_rest_of_the_body(void **state)
{
	static const struct step steps[] = {
		{ 'C', "POST /a HTTP/1.1\r\nContent-Length: 10\r\n\r\n01234" },
		{ 'S', "HTTP/1." },
		{ 'C', "56789" },
		{ 'S', "1 413 X\r\nContent-Length: 0\r\n\r\n" },
		{ 0 }
	};

	both_ends(steps, "server 413 POST /a 10>0\n");
}

static void heads_of_both_directions_cut_each_other(void **state)
{
	static const struct step steps[] = { { 'C', "GET /a HTTP/1.1\r\n\r\nGE" },
					     { 'S', "HT" },
					     { 'C', "T /b HT" },
					     { 'S', "TP/1.1 201 X\r\nContent-Length: 1\r\n" },
					     { 'C', "TP/1.1\r\n" },
					     { 'S', "\r" },
					     { 'C', "\r" },
					     { 'S', "\nxHTTP/1.1 40" },
					     { 'C', "\n" },
					     { 'S', "4 X\r\nContent-Length: 0\r\n\r\n" },
					     { 0 } };

	both_ends(steps, "server 201 GET /a 0>1\nserver 404 GET /b 0>0\n");
}

/* An answer to a head that is not whole is its answer; what remains of the head is still one. */
static void answered_before_the_last_line_feed(void **state)
{
	static const struct step steps[] = {
		{ 'C', "GET /a HTTP/1.1\r\n\r" },   { 'S', HEAD(408) }, { 'C', "\n" },
		{ 'C', "GET /b HTTP/1.1\r\n\r\n" }, { 'S', HEAD(202) }, { 0 }
	};

	both_ends(steps, "server 408 GET /a -1>0\nserver 202 GET /b 0>0\n");
}

static void answered_before_the_fields_were_whole(void **state)
{
	static const struct step steps[] = {
		{ 'C', "POST /a HTTP/1.1\r\nContent-Le" },
		{ 'S', HEAD(431) },
		{ 'C', "ngth: 24\r\n\r\nGET /no HTTP/1.1\r\n\r\n....GET /b HTTP/1.1\r\n\r\n" },
		{ 'S', HEAD(202) },
		{ 0 }
	};

	both_ends(steps, "server 431 POST /a -1>0\nserver 202 GET /b 0>0\n");
}

static void answered_after_an_interim_answer_to_half_a_head(void **state)
{
	static const struct step steps[] = { { 'C', "GET /a HTTP/1.1\r\n" },
					     { 'S', "HTTP/1.1 102 Processing\r\n\r\n" },
					     { 'C', "\r\n" },
					     { 'S', HEAD(200) },
					     { 0 } };

	both_ends(steps, "server 200 GET /a 0>0\n");
}

/* Whose answer it is cannot be told while the target is not there. */
static void answered_before_the_target_is_counted(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "GET /a HTTP/1.1\r\n\r\nGE");
	wire_send(w, HEAD(201) HEAD(408));
	wire_recv(w, "T /b HTTP/1.1\r\n\r\n");
	wire_recv(w, "GET /c HTTP/1.1\r\n\r\n");
	wire_send(w, HEAD(203));
	wire_spans(w, "server 201 GET /a 0>0 [1..2]\nserver 203 GET /c 0>0 [4..5]\n");
	assert_int_equal(wire_stats(w).requests, 3);
	assert_int_equal(wire_stats(w).dropped[OBI_DROP_UNPARSED], 1);
	wire_free(w);
}

static void closed_with_both_heads_cut(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "GET /a HTTP/1.1\r\n\r\n");
	wire_send(w, "HTTP/1.1 201 X\r\nContent-Le");
	wire_recv(w, "GET /b HTTP/1.1\r\nHo");
	wire_close(w);
	wire_spans(w, "server 201 GET /a 0>-1 [1..2]\n");
	assert_int_equal(wire_stats(w).dropped[OBI_DROP_UNPARSED], 1);
	wire_free(w);
}

static void a_request_is_timed_from_its_first_byte(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "GET /a HTTP/1.1\r\n\r\nGE");
	wire_send(w, HEAD(201));
	wire_recv(w, "T /b HTTP/1.1\r\n\r\n");
	wire_send(w, HEAD(404));
	wire_spans(w, "server 201 GET /a 0>0 [1..2]\nserver 404 GET /b 0>0 [1..4]\n");
	wire_free(w);
}

/* A request that was under way before the response began does not end the response. */
static void the_rest_of_a_head_ends_no_response(void **state)
{
	struct wire *w = wire_new();

	wire_recv(w, "GET /a HTTP/1.1\r\n\r\n");
	wire_recv(w, "GE");
	wire_send(w, "HTTP/1.1 201 X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01");
	wire_recv(w, "T /b HTTP/1.1\r\n\r\n");
	wire_spans(w, "");
	wire_send(w, "234\r\n0\r\n\r\n" HEAD(404));
	wire_spans(w, "server 201 GET /a 0>15 [1..5]\nserver 404 GET /b 0>0 [2..5]\n");
	wire_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_line_cut_by_a_response),
		cmocka_unit_test(request_fields_cut_by_a_response),
		cmocka_unit_test(request_head_cut_by_several_responses),
		cmocka_unit_test(response_head_cut_by_requests),
		cmocka_unit_test(status_line_cut_by_the_rest_of_the_body),
		cmocka_unit_test(heads_of_both_directions_cut_each_other),
		cmocka_unit_test(answered_before_the_last_line_feed),
		cmocka_unit_test(answered_before_the_fields_were_whole),
		cmocka_unit_test(answered_after_an_interim_answer_to_half_a_head),
		cmocka_unit_test(answered_before_the_target_is_counted),
		cmocka_unit_test(closed_with_both_heads_cut),
		cmocka_unit_test(a_request_is_timed_from_its_first_byte),
		cmocka_unit_test(the_rest_of_a_head_ends_no_response),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
