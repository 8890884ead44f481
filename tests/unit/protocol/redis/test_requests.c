// SPDX-License-Identifier: Apache-2.0
/* Redis requests: bytes in, name, arguments and text out. */
#include "protocol/redis/streams.h"

static void arrays_one_after_the_other(void **state)
{
	REQUESTS("*2\r\n$3\r\nGET\r\n$10\r\nkey:000001\r\n"
		 "*3\r\n$3\r\nset\r\n$1\r\nk\r\n$0\r\n\r\n"
		 "*1\r\n$4\r\nPING\r\n",
		 "GET/1\nset/2\nPING/0\n");
}

static void a_request_that_is_not_whole_is_none_yet(void **state)
{
	REQUESTS("*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$3\r\nab", "PING/0\n");
}

static void an_empty_array_is_passed(void **state)
{
	REQUESTS("*0\r\n*1\r\n$4\r\nPING\r\n", "PING/0\n");
}

static void inline_commands(void **state)
{
	REQUESTS("PING\r\n", "PING/0\n");
	REQUESTS("\r\n\n  \r\nset  key\tvalue \nGET key\r\n", "set/2\nGET/1\n");
	REQUESTS("PING\r\n*1\r\n$4\r\nPING\r\nPING\r\n", "PING/0\nPING/0\nPING/0\n");
}

static void inline_quotes(void **state)
{
	TEXTS("SET \"a b\" 'it\\'s' \"\"\r\n", "SET/3 [SET \"a b\" \"it's\" \"\"]\n");
	TEXTS("SET 'a\\\\b' \"x\\ty\\\"\"\n", "SET/2 [SET \"a\\\\\\\\b\" \"x?y\\\"\"]\n");
}

static void what_a_server_refuses_inline(void **state)
{
	REQUESTS("SET \"a b\r\n", "lost\n");
	REQUESTS("SET \"a\"b\r\n", "lost\n");
	REQUESTS("SET 'a\n", "lost\n");
	REQUESTS("SET 'a\\\\' b\n", "lost\n");
	REQUESTS("PI\x01NG\r\n", "lost\n");
	REQUESTS("POST / HTTP/1.1\r\n", "lost\n");
	REQUESTS("host: x\r\n", "lost\n");
}

static void an_inline_command_has_a_bound(void **state)
{
	static char line[REDIS_LINE_MAX + 2];
	struct redis_requests requests = { 0 };
	struct redis_request request;
	struct slice in = slice_of(line, sizeof(line));

	memset(line, 'a', sizeof(line));
	assert_int_equal(redis_read_request(&requests, NULL, in, &request), -EPROTO);
	line[REDIS_LINE_MAX - 1] = '\n';
	requests = (struct redis_requests){ 0 };
	assert_int_equal(redis_read_request(&requests, NULL, in, &request), REDIS_LINE_MAX);
	assert_int_equal(request.name.len, REDIS_NAME_MAX);
}

static void hostile_arrays(void **state)
{
	REQUESTS("*-1\r\n", "lost\n");
	REQUESTS("*1048577\r\n", "lost\n");
	REQUESTS("*1048576\r\n$3\r\nDEL\r\n", "");
	REQUESTS("*01\r\n", "lost\n");
	REQUESTS("*99999999999\r\n", "lost\n");
	REQUESTS("*\r\n", "lost\n");
	REQUESTS("*1\n", "lost\n");
	REQUESTS("*1\r$", "lost\n");
	REQUESTS("*?\r\n", "lost\n");
	REQUESTS("*1\r\n*1\r\n$4\r\nPING\r\n", "lost\n");
	REQUESTS("*1\r\n:4\r\n", "lost\n");
	REQUESTS("*1\r\n$-1\r\n", "lost\n");
	REQUESTS("*1\r\n$04\r\nPING\r\n", "lost\n");
	REQUESTS("*1\r\n$536870913\r\n", "lost\n");
	REQUESTS("*2\r\n$3\r\nGET\r\n$536870912\r\n", "");
	REQUESTS("*1\r\n$4\r\nPINGG\r\n", "lost\n");
	REQUESTS("*1\r\n$4\r\nPING\n", "lost\n");
	REQUESTS("*1\r\n$4\r\nPING\r\r", "lost\n");
}

static void what_is_lost_stays_lost(void **state)
{
	struct redis_requests requests = { 0 };
	struct redis_request request;

	assert_int_equal(redis_read_request(&requests, NULL, SLICE_LIT("*x"), &request), -EPROTO);
	assert_int_equal(redis_read_request(&requests, NULL, SLICE_LIT("PING\r\n"), &request),
			 -EPROTO);
	assert_int_equal(redis_skip_request(&requests, 0), -EPROTO);
	assert_true(redis_request_begun(&requests));
}

static void commands_that_change_what_answers(void **state)
{
	static const struct {
		const char *name;
		enum redis_command command;
	} cases[] = {
		{ "SELECT", REDIS_SELECT },
		{ "multi", REDIS_MULTI },
		{ "Exec", REDIS_EXEC },
		{ "DISCARD", REDIS_DISCARD },
		{ "QUIT", REDIS_QUIT },
		{ "RESET", REDIS_RESET },
		{ "HELLO", REDIS_HELLO },
		{ "AUTH", REDIS_AUTH },
		{ "MONITOR", REDIS_MONITOR },
		{ "SUBSCRIBE", REDIS_SUBSCRIBE },
		{ "psubscribe", REDIS_PSUBSCRIBE },
		{ "SSUBSCRIBE", REDIS_SSUBSCRIBE },
		{ "UNSUBSCRIBE", REDIS_UNSUBSCRIBE },
		{ "PUNSUBSCRIBE", REDIS_PUNSUBSCRIBE },
		{ "SUNSUBSCRIBE", REDIS_SUNSUBSCRIBE },
		{ "SYNC", REDIS_SYNC },
		{ "PSYNC", REDIS_PSYNC },
		{ "CLIENT", REDIS_CLIENT },
		{ "CONFIG", REDIS_CONFIG },
		{ "ACL", REDIS_ACL },
		{ "MIGRATE", REDIS_MIGRATE },
		{ "MODULE", REDIS_MODULE },
		{ "SENTINEL", REDIS_SENTINEL },
		{ "", REDIS_OTHER },
		{ "GET", REDIS_OTHER },
		{ "SELECTS", REDIS_OTHER },
		{ "SUNSUBSCRIBED", REDIS_OTHER },
		{ "A", REDIS_OTHER },
		{ "EXEK", REDIS_OTHER },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(redis_command_of(slice_cstr(cases[i].name)), cases[i].command);
}

static void select_names_a_database(void **state)
{
	REQUESTS("*2\r\n$6\r\nSELECT\r\n$2\r\n15\r\n", "SELECT/1 command 1 database 15\n");
	REQUESTS("select 3\r\nSELECT\r\nSELECT x\r\nSELECT 1 2\r\n",
		 "select/1 command 1 database 3\nSELECT/0 command 1\nSELECT/1 command 1\n"
		 "SELECT/2 command 1\n");
	REQUESTS("SELECT 1234567890\r\nGET 1\r\n", "SELECT/1 command 1\nGET/1\n");
}

static void client_reply_says_what_is_answered(void **state)
{
	char want[256];

	snprintf(want, sizeof(want),
		 "CLIENT/2 command %d\nCLIENT/2 command %d\nclient/2 command %d\n"
		 "CLIENT/2 command %d\nCLIENT/3 command %d\nCLIENT/1 command %d\n",
		 REDIS_CLIENT_REPLY_ON, REDIS_CLIENT_REPLY_OFF, REDIS_CLIENT_REPLY_SKIP,
		 REDIS_CLIENT, REDIS_CLIENT, REDIS_CLIENT);
	REQUESTS("*3\r\n$6\r\nCLIENT\r\n$5\r\nREPLY\r\n$2\r\nON\r\n"
		 "CLIENT REPLY OFF\r\n"
		 "*3\r\n$6\r\nclient\r\n$5\r\nreply\r\n$4\r\nskip\r\n"
		 "CLIENT SETNAME off\r\n"
		 "CLIENT REPLY OFF x\r\n"
		 "CLIENT REPLY\r\n",
		 want);
}

static void text_is_what_redis_cli_takes(void **state)
{
	TEXTS("*4\r\n$5\r\nHMSET\r\n$6\r\nmyhash\r\n$6\r\nfield1\r\n$11\r\nHello World\r\n",
	      "HMSET/3 [HMSET myhash field1 \"Hello World\"]\n");
	TEXTS("*3\r\n$3\r\nSET\r\n$0\r\n\r\n$5\r\na\"b\\c\r\n",
	      "SET/2 [SET \"\" \"a\\\"b\\\\c\"]\n");
	TEXTS("*3\r\n$3\r\nSET\r\n$4\r\n\x00\xff\r\n\r\n$5\r\nk\xc3\xa4se\r\n",
	      "SET/2 [SET \"????\" k\xc3\xa4se]\n");
}

static void text_has_a_bound(void **state)
{
	char bytes[2048], want[1024], key[301];
	int len;

	memset(key, 'k', 300);
	key[300] = 0;
	len = snprintf(bytes, sizeof(bytes),
		       "*4\r\n$3\r\nSET\r\n$300\r\n%s\r\n$3\r\na b\r\n$0\r\n\r\n", key);
	snprintf(want, sizeof(want), "SET/3 [SET %.252s]\n", key);
	stream_is(read_request, true, slice_of(bytes, (size_t)len), want);
	/* A quote goes in front of what fills all but one byte. */
	key[251] = ' ';
	len = snprintf(bytes, sizeof(bytes), "*2\r\n$3\r\nSET\r\n$300\r\n%s\r\n", key);
	snprintf(want, sizeof(want), "SET/1 [SET \"%.251s]\n", key);
	stream_is(read_request, true, slice_of(bytes, (size_t)len), want);
}

static void credentials_are_hidden(void **state)
{
	TEXTS("AUTH secret\r\n", "AUTH/1 command 8 [AUTH ?]\n");
	TEXTS("*3\r\n$4\r\nauth\r\n$4\r\nuser\r\n$6\r\nsecret\r\n",
	      "auth/2 command 8 [auth ? ?]\n");
	TEXTS("HELLO 3 AUTH default secret\r\n", "HELLO/4 command 7 [HELLO 3 ? ? ?]\n");
}

static void credentials_of_other_commands_are_hidden(void **state)
{
	static const char *const commands[] = {
		"CONFIG SET requirepass secret",
		"config set maxmemory 1 masterauth secret",
		"ACL SETUSER alice on >secret",
		"MIGRATE host 6379 key 0 5000 AUTH secret",
		"MIGRATE host 6379 key 0 5000 COPY AUTH2 user secret",
		"SENTINEL SET master auth-pass secret",
		"MODULE LOAD /m.so secret",
	};

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct redis_requests requests = { 0 };
		struct redis_text text = { 0 };
		struct redis_request request;
		char line[128];
		int len = snprintf(line, sizeof(line), "%s\r\n", commands[i]);

		assert_int_equal(
			redis_read_request(&requests, &text, slice_of(line, (size_t)len), &request),
			len);
		snprintf(line, sizeof(line), SLICE_FMT, SLICE_ARG(request.text));
		assert_null(strstr(line, "secret"));
		assert_non_null(strstr(line, " ?"));
	}
}

static void names_are_made_printable_and_cut(void **state)
{
	REQUESTS("*1\r\n$4\r\nA\xff \x01\r\n*1\r\n$0\r\n\r\n", "A\?\?\?/0\n/0\n");
	REQUESTS("*1\r\n$70\r\n0123456789012345678901234567890123456789"
		 "012345678901234567890123456789\r\n",
		 "0123456789012345678901234567890123456789012345678901234567890123/0\n");
}

static void bytes_of_a_value_need_not_be_seen(void **state)
{
	struct stream stream = { .use_text = &stream.text };

	stream_feed(&stream, read_request,
		    SLICE_LIT("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000\r\nab"));
	assert_int_equal(redis_skip_request(&stream.requests, 99990), 0);
	stream_feed(&stream, read_request, SLICE_LIT("12345678\r\nPING\r\n"));
	stream_check(&stream, "SET/2 [SET k ab12345678]\nPING/0 [PING]\n", 0);
}

static void a_database_that_was_not_seen_is_none(void **state)
{
	struct stream stream = { 0 };

	stream_feed(&stream, read_request, SLICE_LIT("*2\r\n$6\r\nSELECT\r\n$2\r\n1"));
	assert_int_equal(redis_skip_request(&stream.requests, 1), 0);
	stream_feed(&stream, read_request, SLICE_LIT("\r\n"));
	stream_check(&stream, "SELECT/1 command 1\n", 0);
}

static void where_the_place_is_lost(void **state)
{
	static const struct {
		struct slice seen;
		uint64_t unseen;
	} cases[] = {
		{ SLICE_LIT(""), 1 },
		{ SLICE_LIT("PIN"), 1 },
		{ SLICE_LIT("*1\r\n$4\r\nP"), 2 },
		{ SLICE_LIT("*2\r\n$3\r\nGET\r\n$5\r\nab"), 4 },
		{ SLICE_LIT("*2\r\n$3\r\nGET\r\n$"), 1 },
		{ SLICE_LIT("*2\r\n$3\r\nGET\r\n"), 1 },
		{ SLICE_LIT("*2\r\n$3\r\nGET\r\n$5\r\nabcde"), 1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct stream stream = { 0 };

		stream_feed(&stream, read_request, cases[i].seen);
		assert_int_equal(redis_skip_request(&stream.requests, 0), 0);
		assert_int_equal(redis_skip_request(&stream.requests, cases[i].unseen), -EPROTO);
		stream_feed(&stream, read_request, SLICE_LIT("PING\r\n"));
		stream_check(&stream, "lost\n", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arrays_one_after_the_other),
		cmocka_unit_test(a_request_that_is_not_whole_is_none_yet),
		cmocka_unit_test(an_empty_array_is_passed),
		cmocka_unit_test(inline_commands),
		cmocka_unit_test(inline_quotes),
		cmocka_unit_test(what_a_server_refuses_inline),
		cmocka_unit_test(an_inline_command_has_a_bound),
		cmocka_unit_test(hostile_arrays),
		cmocka_unit_test(what_is_lost_stays_lost),
		cmocka_unit_test(commands_that_change_what_answers),
		cmocka_unit_test(select_names_a_database),
		cmocka_unit_test(client_reply_says_what_is_answered),
		cmocka_unit_test(text_is_what_redis_cli_takes),
		cmocka_unit_test(text_has_a_bound),
		cmocka_unit_test(credentials_are_hidden),
		cmocka_unit_test(credentials_of_other_commands_are_hidden),
		cmocka_unit_test(names_are_made_printable_and_cut),
		cmocka_unit_test(bytes_of_a_value_need_not_be_seen),
		cmocka_unit_test(a_database_that_was_not_seen_is_none),
		cmocka_unit_test(where_the_place_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
