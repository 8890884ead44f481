// SPDX-License-Identifier: Apache-2.0
/* Heads of HTTP/1 messages: the bytes, and what is read from them. Every head is also read from
 * each of its beginnings, and every input ends at a guard page. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "protocol/http1/http1_heads.h"

#define TRACEPARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static void request_with_everything(void **state)
{
	struct http1_head head = request("POST /cart/7?item=3&x HTTP/1.1\r\n"
					 "Host: shop.example:8080\r\n"
					 "User-Agent: test\r\n"
					 "traceparent: " TRACEPARENT "\r\n"
					 "Expect: 100-continue\r\n"
					 "Upgrade: h2c\r\n"
					 "Connection: Upgrade, close\r\n"
					 "Content-Length: 12\r\n"
					 "\r\n");

	assert_slice(head.method, "POST");
	assert_slice(head.target, "/cart/7?item=3&x");
	assert_slice(head.path, "/cart/7");
	assert_slice(head.query, "item=3&x");
	assert_slice(head.host, "shop.example:8080");
	assert_slice(head.scheme, "");
	assert_int_equal(head.minor, 1);
	assert_int_equal(head.content_length, 12);
	assert_int_equal(head.flags, HTTP1_TRACED | HTTP1_TRACEPARENT);
	assert_int_equal(head.trace.trace_id[0], 0x4b);
	assert_int_equal(head.trace.span_id[7], 0xb7);
}

static void response_with_everything(void **state)
{
	struct http1_head head = response("HTTP/1.1 404 Not Found\r\n"
					  "Server: nginx\r\n"
					  "Content-Length: 153\r\n"
					  "Connection: keep-alive\r\n"
					  "\r\n");

	assert_int_equal(head.status, 404);
	assert_int_equal(head.minor, 1);
	assert_int_equal(head.content_length, 153);
	assert_int_equal(head.flags, 0);
}

static void reason_may_be_missing(void **state)
{
	assert_int_equal(response("HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\n").content_length, 1);
	assert_int_equal(response("HTTP/1.1 200\r\nContent-Length: 1\r\n\r\n").content_length, 1);
	assert_int_equal(response("HTTP/1.1 200\nContent-Length: 1\n\n").content_length, 1);
	assert_int_equal(response("HTTP/1.0 204\r\n\r\n").status, 204);
}

static void any_token_is_a_method(void **state)
{
	assert_slice(request("M-SEARCH * HTTP/1.1\r\n\r\n").method, "M-SEARCH");
	assert_slice(request("brew!#$%&'*+-.^_`|~19 /pot HTTP/1.0\r\n\r\n").method,
		     "brew!#$%&'*+-.^_`|~19");
}

static void targets_in_all_forms(void **state)
{
	struct http1_head head =
		request("GET http://user:pw@[::1]:8080/a/b?c=d HTTP/1.1\r\nHost: other\r\n\r\n");

	assert_slice(head.scheme, "http");
	assert_slice(head.host, "[::1]:8080"); /* wins over Host: RFC 9112 section 3.2.2 */
	assert_slice(head.path, "/a/b");
	assert_slice(head.query, "c=d");

	head = request("GET https://shop?x=/@ HTTP/1.1\r\n\r\n");
	assert_slice(head.scheme, "https");
	assert_slice(head.host, "shop");
	assert_slice(head.path, "/");
	assert_slice(head.query, "x=/@");

	head = request("CONNECT db.example:443 HTTP/1.1\r\nHost: proxy\r\n\r\n");
	assert_slice(head.host, "db.example:443");
	assert_slice(head.path, "");

	head = request("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_slice(head.path, "*");
	assert_slice(head.host, "a");

	head = request("GET /a?b?c://d HTTP/1.1\r\n\r\n");
	assert_slice(head.path, "/a");
	assert_slice(head.query, "b?c://d");

	head = request("GET /? HTTP/1.1\r\n\r\n");
	assert_slice(head.path, "/");
	assert_slice(head.query, "");

	head = request("GET /a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p?q=r/s/t/u/v/w/x/y/z/0/1/2/3 "
		       "HTTP/1.1\r\n\r\n");
	assert_slice(head.path, "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p");
	assert_slice(head.query, "q=r/s/t/u/v/w/x/y/z/0/1/2/3");
}

static void lenient_where_the_rfc_allows(void **state)
{
	struct http1_head head =
		request("\r\n\n\r\nGET  /a   HTTP/1.1\nhOST:\tx \t\ncontent-LENGTH:3\n\n");

	assert_slice(head.path, "/a");
	assert_slice(head.host, "x");
	assert_int_equal(head.content_length, 3);

	head = request(
		"GET / HTTP/1.1\r\nContent-Length:\r\n 5\r\nHost: a\r\n\t\r\nX: y\r\n z\r\n\r\n");
	assert_int_equal(head.content_length, 5);
	assert_slice(head.host, "a");
}

/* As nginx 1.22 or Python 3.11 takes them. */
static void lenient_as_servers_are(void **state)
{
	char long_method[280], long_text[320];
	struct http1_head head;

	head = request("GET\t/a\x1cHTTP/1.1\x0b\r\n\r\n");
	assert_slice(head.method, "GET");
	assert_slice(head.path, "/a");
	head = request("GET /a\x01\x1b[31m\x7f?b\x02=c?\x03 HTTP/1.1\r\n\r\n");
	assert_slice(head.path, "/a\x01\x1b[31m\x7f");
	assert_slice(head.query, "b\x02=c?\x03");
	head = request("GET a HTTP/1.1\r\n\r\n");
	assert_slice(head.path, "a");
	memset(long_method, 'A', sizeof(long_method));
	long_method[256] = '\0';
	(void)snprintf(long_text, sizeof(long_text), "%s / HTTP/1.1\r\n\r\n", long_method);
	assert_int_equal(request(long_text).method.len, 256);
	(void)snprintf(long_text, sizeof(long_text), "A%s / HTTP/1.1\r\n\r\n", long_method);
	assert_int_equal(http1_parse_request(slice_cstr(long_text), &head), -EPROTO);
}

static void what_is_not_http1(void **state)
{
	static const struct slice bad[] = {
		SLICE_LIT(" GET / HTTP/1.1\r\n\r\n"),
		SLICE_LIT("GET /\r\n"), /* HTTP/0.9 */
		SLICE_LIT("GET / HTTP/2.0\r\n\r\n"),
		SLICE_LIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
		SLICE_LIT("GET / HTTP/1.x\r\n\r\n"),
		SLICE_LIT("GET / b HTTP/1.1\r\n\r\n"),
		SLICE_LIT("GET  \r\n"),
		SLICE_LIT("GE(T / HTTP/1.1\r\n\r\n"),
		SLICE_LIT("GET\t\r/ HTTP/1.1\r\n\r\n"),
		SLICE_LIT("GET /\x01 HTTP/2.1\r\n\r\n"),
		SLICE_LIT("GET /\0 HTTP/1.1\r\n\r\n"),
		SLICE_LIT("GET / HTTP/1.1\r\nA: b\0c\r\n\r\n"),
		SLICE_LIT("GET / HTTP/1.1\r\nA: b\0c"),
		SLICE_LIT("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
		SLICE_LIT(
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
	};
	static const struct slice bad_responses[] = {
		SLICE_LIT("ICY 200 OK\r\n\r\n"),      SLICE_LIT(" HTTP/1.1 200 OK\r\n\r\n"),
		SLICE_LIT("SSH-2.0-OpenSSH_9\r\n"),   SLICE_LIT("HTTP 200 OK\r\n\r\n"),
		SLICE_LIT("http/1.1 200 OK\r\n\r\n"), SLICE_LIT("HTTPS/1.1 200 OK\r\n\r\n"),
	};
	struct http1_head head;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(http1_parse_request(guarded(bad[i]), &head), -EPROTO);
	for (size_t i = 0; i < sizeof(bad_responses) / sizeof(bad_responses[0]); i++)
		assert_int_equal(http1_parse_response(guarded(bad_responses[i]), &head), -EPROTO);
}

static void nul_is_rejected_anywhere_in_a_head(void **state)
{
	static const char text[] = "GET /index.html HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n"
				   "Connection: keep-alive\r\nAccept-Encoding: gzip, deflate\r\n"
				   "User-Agent: something rather long\r\nX: y\r\n\r\n";
	char copy[sizeof(text) + 8];
	struct http1_head head;

	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		memcpy(copy, text, sizeof(text));
		copy[i] = 0;
		assert_int_equal(
			http1_parse_request(guarded(slice_of(copy, sizeof(text) - 1)), &head),
			-EPROTO);
	}
	/* Behind the head it is a body. */
	memset(copy, 0, sizeof(copy));
	memcpy(copy, text, sizeof(text));
	assert_int_equal(http1_parse_request(guarded(slice_of(copy, sizeof(copy))), &head),
			 sizeof(text) - 1);
}

static int64_t length_of(const char *fields, bool *ret_bad)
{
	char text[512];
	struct http1_head head;

	snprintf(text, sizeof(text), "POST / HTTP/1.1\r\n%s\r\n", fields);
	head = request(text);
	*ret_bad = head.flags & HTTP1_BAD_LENGTH;
	return head.content_length;
}

static void content_length_by_the_rules(void **state)
{
	static const struct {
		const char *fields;
		int64_t length;
		bool bad;
	} cases[] = {
		{ "", -1, false },
		{ "Content-Length: 0\r\n", 0, false },
		{ "Content-Length: 00042\r\n", 42, false },
		{ "Content-Length: 5\r\nContent-Length: 5\r\n", 5, false },
		{ "Content-Length: 5, 5\r\n", 5, false },
		{ "Content-Length: 5, 6\r\n", -1, true },
		{ "Content-Length: 5\r\nContent-Length: 6\r\n", -1, true },
		{ "Content-Length: 5\r\nContent-Length: 6\r\nContent-Length: 6\r\n", -1, true },
		{ "Content-Length: x\r\nContent-Length: 6\r\n", -1, true },
		{ "Content-Length: -1\r\n", -1, true },
		{ "Content-Length: +1\r\n", -1, true },
		{ "Content-Length: 1 2\r\n", -1, true },
		{ "Content-Length:\r\n", -1, true },
		{ "Content-Length: 0x10\r\n", -1, true },
		{ "Content-Length: 999999999999999999\r\n", 999999999999999999, false },
		{ "Content-Length: 18446744073709551621\r\n", -1, true },
		{ "Content-Length : 7\r\n", -1, false }, /* no such field name */
		{ "X-Content-Length: 7\r\n", -1, false },
	};
	bool bad;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(length_of(cases[i].fields, &bad), cases[i].length);
		assert_int_equal(bad, cases[i].bad);
	}
}

static enum http1_body request_body(const char *fields, int minor)
{
	char text[512];
	struct http1_head head;

	snprintf(text, sizeof(text), "POST / HTTP/1.%d\r\n%s\r\n", minor, fields);
	head = request(text);
	return http1_request_body(&head);
}

static void bodies_of_requests(void **state)
{
	assert_int_equal(request_body("", 1), HTTP1_BODY_NONE);
	assert_int_equal(request_body("Content-Length: 0\r\n", 1), HTTP1_BODY_NONE);
	assert_int_equal(request_body("Content-Length: 1\r\n", 0), HTTP1_BODY_LENGTH);
	assert_int_equal(request_body("Content-Length: 1, 2\r\n", 1), HTTP1_BODY_UNKNOWN);
	assert_int_equal(request_body("Transfer-Encoding: Chunked\r\n", 1), HTTP1_BODY_CHUNKED);
	assert_int_equal(request_body("Transfer-Encoding: gzip, chunked\r\n", 1),
			 HTTP1_BODY_CHUNKED);
	assert_int_equal(
		request_body("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", 1),
		HTTP1_BODY_CHUNKED);
	assert_int_equal(request_body("Transfer-Encoding: chunked, gzip\r\n", 1),
			 HTTP1_BODY_UNKNOWN);
	assert_int_equal(request_body("Transfer-Encoding: chunkedx\r\n", 1), HTTP1_BODY_UNKNOWN);
	assert_int_equal(request_body("Transfer-Encoding: chunked\r\n", 0), HTTP1_BODY_UNKNOWN);
	/* Transfer-Encoding wins: RFC 9112 section 6.3, item 3. */
	assert_int_equal(request_body("Content-Length: 9\r\nTransfer-Encoding: chunked\r\n", 1),
			 HTTP1_BODY_CHUNKED);
}

static enum http1_body response_body(const char *text, const char *method)
{
	struct http1_head head = response(text);

	return http1_response_body(&head, slice_cstr(method));
}

static void bodies_of_responses(void **state)
{
	assert_int_equal(response_body("HTTP/1.1 200 OK\r\n\r\n", "GET"), HTTP1_BODY_CLOSE);
	assert_int_equal(response_body("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n", "GET"),
			 HTTP1_BODY_LENGTH);
	assert_int_equal(response_body("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "GET"),
			 HTTP1_BODY_NONE);
	assert_int_equal(response_body("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n", "HEAD"),
			 HTTP1_BODY_NONE);
	assert_int_equal(response_body("HTTP/1.1 304 X\r\nContent-Length: 4\r\n\r\n", "GET"),
			 HTTP1_BODY_NONE);
	assert_int_equal(
		response_body("HTTP/1.1 204 X\r\nTransfer-Encoding: chunked\r\n\r\n", "GET"),
		HTTP1_BODY_NONE);
	assert_int_equal(response_body("HTTP/1.1 100 Continue\r\n\r\n", "GET"), HTTP1_BODY_NONE);
	assert_int_equal(
		response_body("HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n", "GET"),
		HTTP1_BODY_CHUNKED);
	assert_int_equal(response_body("HTTP/1.1 200 X\r\nTransfer-Encoding: gzip\r\n\r\n", "GET"),
			 HTTP1_BODY_CLOSE);
	assert_int_equal(response_body("HTTP/1.1 200 X\r\nContent-Length: 4,5\r\n\r\n", "GET"),
			 HTTP1_BODY_UNKNOWN);
	assert_true(http1_is_tunnel(101, SLICE_LIT("GET")));
	assert_true(http1_is_tunnel(200, SLICE_LIT("CONNECT")));
	assert_false(http1_is_tunnel(407, SLICE_LIT("CONNECT")));
	assert_false(http1_is_tunnel(200, SLICE_LIT("GET")));
}

static void traceparent_counts_once(void **state)
{
	struct http1_head head;

	head = request("GET / HTTP/1.1\r\nTraceParent:" TRACEPARENT "\r\n\r\n");
	assert_true(head.flags & HTTP1_TRACED);
	head = request("GET / HTTP/1.1\r\ntraceparent: " TRACEPARENT "\r\ntraceparent: " TRACEPARENT
		       "\r\n\r\n");
	assert_false(head.flags & HTTP1_TRACED);
	head = request("GET / HTTP/1.1\r\ntraceparent: x\r\ntraceparent: " TRACEPARENT "\r\n\r\n");
	assert_false(head.flags & HTTP1_TRACED);
}

static void cut_head_says_what_it_can(void **state)
{
	static const char text[] = "GET /a?b HTTP/1.1\r\nContent-Length: 12\r\nHost: example.c\r\n"
				   "traceparent: " TRACEPARENT "\r\nContent-Length: 12";
	struct http1_head head;

	assert_int_equal(http1_parse_request(guarded(slice_of(text, 7)), &head), -EAGAIN);
	assert_slice(head.path, "/a");
	assert_slice(head.query, "");
	assert_int_equal(http1_parse_request(guarded(slice_of(text, 37)), &head), -EAGAIN);
	assert_int_equal(head.content_length, -1); /* "Content-Length: 1" may go on */
	assert_int_equal(http1_parse_request(guarded(slice_of(text, 53)), &head), -EAGAIN);
	assert_int_equal(head.content_length, 12);
	assert_slice(head.host, "example.");
	/* whole but for its line end: a whole identity */
	assert_int_equal(http1_parse_request(guarded(slice_of(text, 56 + 13 + 55)), &head),
			 -EAGAIN);
	assert_true(head.flags & HTTP1_TRACED);
	assert_int_equal(http1_parse_request(guarded(slice_of(text, 56 + 13 + 54)), &head),
			 -EAGAIN);
	assert_false(head.flags & HTTP1_TRACED);

	assert_int_equal(http1_parse_response(guarded(SLICE_LIT("HTTP/1.1 503 Serv")), &head),
			 -EAGAIN);
	assert_int_equal(head.status, 503);
}

/* What the existing agent reads from a request line that may be cut off anywhere. */
static void request_lines_as_before(void **state)
{
	static const char *const cases[][3] = {
		{ "GET /path?query=1234 HTTP/1.1", "GET", "/path?query=1234" },
		{ "GET /path HTTP/1.1", "GET", "/path" },
		{ "GET /test ", "GET", "/test" },
		{ "GET /test\r\n", "GET", "/test" },
		{ "GET /test\r", "GET", "/test" },
		{ "GET /test\n", "GET", "/test" },
		{ "GET /test", "GET", "/test" },
		{ "GET ", "GET", "" },
		{ "", "", "" },
		{ "POST", "", "" },
	};
	struct http1_head head;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(http1_parse_request(guarded(slice_cstr(cases[i][0])), &head) < 0);
		assert_slice(head.method, cases[i][1]);
		assert_slice(head.target, cases[i][2]);
	}
}

static void span_paths_as_before(void **state)
{
	struct http1_head head;

	(void)http1_parse_request(guarded(SLICE_LIT("GET /users")), &head);
	assert_slice(head.path, "/users");
	(void)http1_parse_request(guarded(SLICE_LIT("GET ")), &head);
	assert_slice(head.path, "");
	(void)http1_parse_request(guarded(SLICE_LIT("GET /users?query=1234")), &head);
	assert_slice(head.path, "/users");
}

static void guess_by_first_bytes(void **state)
{
	static const struct {
		const char *text;
		enum obi_guess guess;
		enum obi_role role;
	} cases[] = {
		{ "", OBI_GUESS_MORE, OBI_ROLE_UNKNOWN },
		{ "H", OBI_GUESS_MORE, OBI_ROLE_UNKNOWN },
		{ "HTTP", OBI_GUESS_MORE, OBI_ROLE_UNKNOWN },
		{ "HTTP/1.1 20", OBI_GUESS_MORE, OBI_ROLE_UNKNOWN },
		{ "HTTP/1.1 200", OBI_GUESS_YES, OBI_ROLE_RESPONSE },
		{ "HTTP/1.1 200 OK\r\n", OBI_GUESS_YES, OBI_ROLE_RESPONSE },
		{ "HTTP/1.1 OKAY", OBI_GUESS_NO, OBI_ROLE_UNKNOWN },
		{ "HTTP/2.0 200 OK\r\n", OBI_GUESS_NO, OBI_ROLE_UNKNOWN },
		{ "HEAD", OBI_GUESS_MORE, OBI_ROLE_UNKNOWN },
		{ "HEAD /", OBI_GUESS_YES, OBI_ROLE_REQUEST },
		{ "GET /a HTTP/1.1\r\n", OBI_GUESS_YES, OBI_ROLE_REQUEST },
		{ "GET /a\r\n", OBI_GUESS_NO, OBI_ROLE_UNKNOWN },
		{ "VERSION-CONTROL http://a/", OBI_GUESS_YES, OBI_ROLE_REQUEST },
		{ "CONNECT a:1", OBI_GUESS_YES, OBI_ROLE_REQUEST },
		{ "get key", OBI_GUESS_MORE, OBI_ROLE_UNKNOWN },
		{ "get key\r\n", OBI_GUESS_NO, OBI_ROLE_UNKNOWN },
		{ "get key HTTP/1.1\r\n", OBI_GUESS_YES, OBI_ROLE_REQUEST },
		{ "PRI * HTTP/2.0\r\n", OBI_GUESS_NO, OBI_ROLE_UNKNOWN },
		{ "SELECT 1", OBI_GUESS_MORE, OBI_ROLE_UNKNOWN },
		{ "*1\r\n$4\r\nPING\r\n", OBI_GUESS_NO, OBI_ROLE_UNKNOWN },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum obi_role role = OBI_ROLE_UNKNOWN;

		assert_int_equal(http1_guess(guarded(slice_cstr(cases[i].text)), &role),
				 cases[i].guess);
		assert_int_equal(role, cases[i].role);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_with_everything),
		cmocka_unit_test(response_with_everything),
		cmocka_unit_test(reason_may_be_missing),
		cmocka_unit_test(any_token_is_a_method),
		cmocka_unit_test(targets_in_all_forms),
		cmocka_unit_test(lenient_where_the_rfc_allows),
		cmocka_unit_test(lenient_as_servers_are),
		cmocka_unit_test(what_is_not_http1),
		cmocka_unit_test(nul_is_rejected_anywhere_in_a_head),
		cmocka_unit_test(content_length_by_the_rules),
		cmocka_unit_test(bodies_of_requests),
		cmocka_unit_test(bodies_of_responses),
		cmocka_unit_test(traceparent_counts_once),
		cmocka_unit_test(cut_head_says_what_it_can),
		cmocka_unit_test(request_lines_as_before),
		cmocka_unit_test(span_paths_as_before),
		cmocka_unit_test(guess_by_first_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
