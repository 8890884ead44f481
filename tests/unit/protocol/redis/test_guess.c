// SPDX-License-Identifier: Apache-2.0
/* What is taken for Redis, by its first bytes, and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "guard.h"
#include "protocol/redis/resp.h"

static enum obi_guess guess(struct slice in, enum obi_role *ret_role)
{
	*ret_role = OBI_ROLE_UNKNOWN;
	return redis_guess(guarded(in), ret_role);
}

static void whole(struct slice in, enum obi_guess want, enum obi_role want_role)
{
	enum obi_role role;

	if (guess(in, &role) != want || role != want_role)
		fail_msg("'" SLICE_FMT "': guess %d, role %d", SLICE_ARG(in), guess(in, &role),
			 role);
}

/* From each of its beginnings too few bytes to tell. */
static void from(const char *text, size_t enough, enum obi_role want_role)
{
	enum obi_role role;

	for (size_t len = 0; len <= strlen(text); len++)
		if (guess(slice_of(text, len), &role) !=
		    (len < enough ? OBI_GUESS_MORE : OBI_GUESS_YES))
			fail_msg("'%.*s'", (int)len, text);
	assert_int_equal(guess(slice_cstr(text), &role), OBI_GUESS_YES);
	assert_int_equal(role, want_role);
}

static void requests(void **state)
{
	from("*1\r\n$4\r\nPING\r\n", 14, OBI_ROLE_REQUEST);
	from("*2\r\n$3\r\nget\r\n$1\r\nk\r\n", 13, OBI_ROLE_REQUEST);
	from("*3\r\n$5\r\nHELLO\r\n$1\r\n3\r\n", 15, OBI_ROLE_REQUEST);
	from("info\r\n", 6, OBI_ROLE_REQUEST);
	from("DBSIZE\n", 7, OBI_ROLE_REQUEST);
	from("CONFIG GET maxmemory\r\n", 8, OBI_ROLE_REQUEST);
}

static void arrays_with_a_name_that_is_not_known(void **state)
{
	whole(SLICE_LIT("*2\r\n$9\r\nFT.SEARCH\r\n$1\r\ni\r\n"), OBI_GUESS_YES, OBI_ROLE_UNKNOWN);
	whole(SLICE_LIT("*2\r\n$3\r\nfoo\r\n$3\r\nbar\r\n"), OBI_GUESS_YES, OBI_ROLE_UNKNOWN);
}

/* Of CONFIG GET save, SUBSCRIBE and COMMAND DOCS, as a server sends them. */
static void replies_that_begin_with_the_name_of_a_command(void **state)
{
	whole(SLICE_LIT("*2\r\n$4\r\nsave\r\n$0\r\n\r\n"), OBI_GUESS_YES, OBI_ROLE_UNKNOWN);
	whole(SLICE_LIT("*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"), OBI_GUESS_YES,
	      OBI_ROLE_UNKNOWN);
	whole(SLICE_LIT("*482\r\n$6\r\nexpire\r\n*8\r\n"), OBI_GUESS_YES, OBI_ROLE_UNKNOWN);
}

static void replies_are_weak(void **state)
{
	static const struct slice cases[] = {
		SLICE_LIT("+OK\r\n"),
		SLICE_LIT("-NOAUTH Authentication required.\r\n"),
		SLICE_LIT("-ERR x\r\n"),
		SLICE_LIT(":1\r\n"),
		SLICE_LIT("$5\r\nhello\r\n"),
		SLICE_LIT("$-1\r\n"),
		SLICE_LIT("*0\r\n"),
		SLICE_LIT("*2\r\n:1\r\n"),
		SLICE_LIT("*1\r\n$10\r\nhello you!\r\n"),
		SLICE_LIT("*1\r\n$1\r\na\r\n"),
		SLICE_LIT("%1\r\n+a\r\n"),
		SLICE_LIT("_\r\n"),
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		whole(cases[i], OBI_GUESS_MORE, OBI_ROLE_RESPONSE);
	whole(SLICE_LIT("+PONG\r\n"), OBI_GUESS_YES, OBI_ROLE_RESPONSE);
	whole(SLICE_LIT("PING\r\n"), OBI_GUESS_MORE, OBI_ROLE_REQUEST);
}

static void others(void **state)
{
	static const struct slice cases[] = {
		SLICE_LIT("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
		SLICE_LIT("POST /a HTTP/1.1\r\n"),
		SLICE_LIT("HTTP/1.1 200 OK\r\n"),
		SLICE_LIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
		SLICE_LIT("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
		SLICE_LIT("get key\r\n"),
		SLICE_LIT("set key 0 0 5\r\nvalue\r\n"),
		SLICE_LIT("STORED\r\n"),
		SLICE_LIT("VALUE key 0 5\r\n"),
		SLICE_LIT("INFO {\"server_id\":\"N\"}\r\n"),
		SLICE_LIT("CONNECT {\"verbose\":false}\r\n"),
		SLICE_LIT("PONG\r\n"),
		SLICE_LIT("PUB foo 5\r\nhello\r\n"),
		SLICE_LIT("220 mail ESMTP\r\n"),
		SLICE_LIT("EHLO a\r\n"),
		SLICE_LIT("QUIT\r\n"),
		SLICE_LIT("* OK IMAP4rev1\r\n"),
		SLICE_LIT("-bash: x\r\n"),
		SLICE_LIT("+\x01\x02\x03"),
		SLICE_LIT("- item\r\n"),
		SLICE_LIT(":irc.example 001 a :hi\r\n"),
		SLICE_LIT("$GPGGA,1\r\n"),
		SLICE_LIT("%PDF-1.7\r\n"),
		SLICE_LIT("#!/bin/sh\n"),
		SLICE_LIT("INFOS\r\n"),
		SLICE_LIT("PINGS"),
		SLICE_LIT("CONFIGURE\r\n"),
		SLICE_LIT("*01\r\n"),
		SLICE_LIT("\0\0\0\x08\x04\xd2\x16/"),
		SLICE_LIT("SSH-2.0-OpenSSH_9.2\r\n"),
	};
	enum obi_role role;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (guess(cases[i], &role) != OBI_GUESS_NO)
			fail_msg("'" SLICE_FMT "'", SLICE_ARG(cases[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests),
		cmocka_unit_test(arrays_with_a_name_that_is_not_known),
		cmocka_unit_test(replies_that_begin_with_the_name_of_a_command),
		cmocka_unit_test(replies_are_weak),
		cmocka_unit_test(others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
