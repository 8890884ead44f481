// SPDX-License-Identifier: Apache-2.0
/* Heads against the rules that were understood all the same, and what is not taken for one. */
#include "protocol/http1/http1_heads.h"

static void request_versions_as_devices_send_them(void **state)
{
	static const struct {
		const char *version;
		int minor;
	} cases[] = {
		{ "HTTP/1.0", 0 },     { "HTTP/1.1", 1 },     { "HTTP/1.0.8", 0 },
		{ "HTTP/1.1.2", 1 },   { "HTTP/1.", 1 },      { "HTTP/1.10", 1 },
		{ "HTTP/1.01", 1 },    { "HTTP/1.1 ", 1 },    { "HTTP/1.0 ", 0 },
		{ "HTTP/1.1 \t ", 1 }, { "HTTP/1.0.8  ", 0 }, { "HTTP/1.9", 9 },
	};
	struct http1_head head;
	char text[128];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int lf = 0; lf < 2; lf++) {
			snprintf(text, sizeof(text), "POST /a %s%s\nContent-Length: 3\r\n\r\n",
				 cases[i].version, lf ? "" : "\r");
			head = request(text);
			assert_slice(head.method, "POST");
			assert_slice(head.path, "/a");
			assert_int_equal(head.minor, cases[i].minor);
			assert_int_equal(head.content_length, 3);
		}
	}
}

static void versions_of_other_things_are_none(void **state)
{
	static const char *const bad[] = {
		"GET / HTTP/1.1 x\r\n\r\n", "GET / HTTP/1.1.x\r\n\r\n",
		"GET / HTTP/1\r\n\r\n",     "GET / HTTP/1.11111111111111111\r\n\r\n",
		"GET / HTTP/3.0\r\n\r\n",   "GET / HTTP/1.1\r\r\n\r\n",
		"GET / HTTP/1.-1\r\n\r\n",
	};
	struct http1_head head;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(http1_parse_request(guarded(slice_cstr(bad[i])), &head), -EPROTO);
}

static void status_lines_against_the_rules(void **state)
{
	static const struct {
		const char *line;
		int status;
	} cases[] = {
		{ "HTTP/1.1  200 OK", 200 },
		{ "HTTP/1.1\t404 No", 404 },
		{ "HTTP/1.1   206", 206 },
		{ "HTTP/2 200 OK", 200 },
		{ "HTTP/2.0 200 OK", 200 },
		{ "HTTP/1.0.8 201 X", 201 },
		{ "HTTP/1. 202 X", 202 },
		{ "HTTP/1.10 203 X", 203 },
		{ "HTTP/1 500 X", 500 },
		{ "HTTP/0.9 200 X", 200 },
		{ "HTTP/ 200 X", 200 },
		{ "HTTP/1.1 200\r-", 200 },
		{ "HTTP/1.1 200OK", 200 },
		{ "HTTP/1.1 20 OK", 0 },
		{ "HTTP/1.1 2000 OK", 0 },
		{ "HTTP/1.1 099 OK", 0 },
		{ "HTTP/1.1 OK 200", 0 },
		{ "HTTP/1.1 -20 X", 0 },
		{ "HTTP/1.1 20", 0 },
		{ "HTTP/1.1 \x01\x02\x03 X", 0 },
		{ "HTTP/x", 0 },
	};
	struct http1_head head;
	char text[128];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(text, sizeof(text), "%s\r\nContent-Length: 5\r\n\r\n", cases[i].line);
		head = response(text);
		assert_int_equal(head.status, cases[i].status);
		assert_int_equal(head.flags, HTTP1_ODD_STATUS);
		assert_int_equal(head.content_length, 5);
		assert_int_equal(http1_response_body(&head, SLICE_LIT("GET")), HTTP1_BODY_LENGTH);
	}
}

static void a_status_line_may_be_shorter_than_a_status(void **state)
{
	struct http1_head head;

	assert_int_equal(http1_parse_response(guarded(SLICE_LIT("HTTP/1.1\n\n")), &head), 10);
	assert_int_equal(http1_parse_response(guarded(SLICE_LIT("HTTP/1.1n\n\n0 OK")), &head), 11);
	assert_int_equal(head.status, 0);
}

static void nul_in_a_response_is_read_over(void **state)
{
	static const struct slice texts[] = {
		SLICE_LIT("HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 5\r\n\r\n"),
		SLICE_LIT("HTTP/1.1 200 O\0K\r\nContent-Length: 5\r\n\r\n"),
		SLICE_LIT("HTTP/1.1 200 OK\r\n\0: a\r\nContent-Length: 5\r\n\r\n"),
	};
	struct http1_head head;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(http1_parse_response(guarded(texts[i]), &head), texts[i].len);
		assert_int_equal(head.status, 200);
		assert_int_equal(head.content_length, 5);
		for (size_t len = 0; len < texts[i].len; len++)
			assert_int_equal(
				http1_parse_response(guarded(slice_first(texts[i], len)), &head),
				-EAGAIN);
	}
}

static void only_a_clear_request_line_resumes(void **state)
{
	static const struct {
		const char *text;
		bool yes;
	} cases[] = {
		{ "GET / HTTP/1.1\r\n", true },
		{ "GET /a?b HTTP/1.0\nHost", true },
		{ "OPTIONS * HTTP/1.1\r\n", true },
		{ "VERSION-CONTROL http://a/ HTTP/1.1\r\n", true },
		{ "CONNECT a:1 HTTP/1.1\r\n", true },
		{ "GET /", false },
		{ "GET / HTTP/1.1", false },
		{ "GET a HTTP/1.1\r\n", false },
		{ "T /b HTTP/1.1\r\n", false },
		{ "IONS /b HTTP/1.1\r\n", false },
		{ "ns /b HTTP/1.1\r\n", false },
		{ "get /b HTTP/1.1\r\n", false },
		{ "xx yy HTTP/1.1\r\n", false },
		{ "\r\nGET / HTTP/1.1\r\n", false },
	};
	enum obi_role role;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		role = OBI_ROLE_UNKNOWN;
		assert_int_equal(http1_resume(guarded(slice_cstr(cases[i].text)), &role),
				 cases[i].yes);
		assert_int_equal(role, cases[i].yes ? OBI_ROLE_REQUEST : OBI_ROLE_UNKNOWN);
	}
	assert_true(http1_resume(guarded(SLICE_LIT("HTTP/1.1 200 OK\r\n")), &role));
	assert_int_equal(role, OBI_ROLE_RESPONSE);
	assert_false(http1_resume(guarded(SLICE_LIT("HTTP/1.1 2")), &role));
	assert_false(http1_resume(guarded(SLICE_LIT("HTTP/2 200 OK\r\n")), &role));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_versions_as_devices_send_them),
		cmocka_unit_test(versions_of_other_things_are_none),
		cmocka_unit_test(status_lines_against_the_rules),
		cmocka_unit_test(a_status_line_may_be_shorter_than_a_status),
		cmocka_unit_test(nul_in_a_response_is_read_over),
		cmocka_unit_test(only_a_clear_request_line_resumes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
