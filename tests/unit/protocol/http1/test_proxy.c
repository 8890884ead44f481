// SPDX-License-Identifier: Apache-2.0
/* Headers of the PROXY protocol: how long they are, and what is none. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "guard.h"
#include "protocol/http1/proxy.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

static void headers_in_all_forms(void **state)
{
	static const struct {
		struct slice header;
		size_t length;
	} cases[] = {
		{ SLICE_LIT("PROXY TCP4 192.0.2.1 192.0.2.2 4000 80\r\n"), 40 },
		{ SLICE_LIT("PROXY TCP6 2001:db8::1 2001:db8::2 4000 80\r\n"), 44 },
		{ SLICE_LIT("PROXY UNKNOWN\r\n"), 15 },
		{ SLICE_LIT("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n"), 59 },
		{ SLICE_LIT(SIGNATURE "\x20\x00\0\0"), 16 },
		{ SLICE_LIT(SIGNATURE "\x21\x11\0\x0c"), 28 },
		{ SLICE_LIT(SIGNATURE "\x21\x21\x02\x01"), 16 + 513 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(proxy_header_length(guarded(cases[i].header)), cases[i].length);
		for (size_t len = 1; len < cases[i].header.len; len++)
			assert_int_equal(
				proxy_header_length(guarded(slice_first(cases[i].header, len))),
				-EAGAIN);
	}
}

static void what_is_no_header(void **state)
{
	static const struct slice cases[] = {
		SLICE_LIT(""),
		SLICE_LIT("GET / HTTP/1.1\r\n"),
		SLICE_LIT("PROXY /a HTTP/1.1\r\n\r\n"),
		SLICE_LIT("PROXY TCP5 "),
		SLICE_LIT("PROXY TCP4 192.0.2.1 192.0.2.2 4000 80\n"),
		SLICE_LIT("\r\nGET / HTTP/1.1\r\n"),
		SLICE_LIT("\r\n\r\nGET / HTTP/1.1\r\n"),
		SLICE_LIT(SIGNATURE "\x11\x11\0\x0c"),
		SLICE_LIT("PROXY TCP4 "
			  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
			  "xxxxx"
			  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n"),
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(proxy_header_length(guarded(cases[i])), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_in_all_forms),
		cmocka_unit_test(what_is_no_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
