// SPDX-License-Identifier: Apache-2.0
/* Redis replies: of both versions of the protocol, at every split. */
#include "protocol/redis/streams.h"

static void simple_values(void **state)
{
	REPLIES("+OK\r\n:1000\r\n:-42\r\n:+7\r\n$5\r\nhello\r\n$0\r\n\r\n$-1\r\n*-1\r\n+\r\n",
		"value +\nvalue :\nvalue :\nvalue :\nvalue $\nvalue $\nvalue $\nvalue *\nvalue "
		"+\n");
}

static void values_of_version_3(void **state)
{
	REPLIES("_\r\n#t\r\n#f\r\n,1.23\r\n,-inf\r\n,nan\r\n,1e10\r\n"
		"(3492890328409238509324850943850943825024385\r\n(-12\r\n"
		"=15\r\ntxt:Some string\r\n",
		"value _\nvalue #\nvalue #\nvalue ,\nvalue ,\nvalue ,\nvalue ,\n"
		"value (\nvalue (\nvalue =\n");
}

static void aggregates(void **state)
{
	REPLIES("*0\r\n*2\r\n$3\r\nfoo\r\n$-1\r\n*3\r\n:1\r\n*2\r\n+a\r\n-ERR b\r\n*-1\r\n",
		"value *\nvalue *\nvalue *\n");
	REPLIES("%2\r\n+first\r\n:1\r\n+second\r\n~2\r\n#t\r\n_\r\n~0\r\n%0\r\n",
		"value %\nvalue ~\nvalue %\n");
}

static void aggregates_go_as_deep_as_they_like(void **state)
{
	char bytes[1024];
	size_t len = 0;

	for (int i = 0; i < 100; i++, len += 4)
		memcpy(bytes + len, "*1\r\n", 4);
	memcpy(bytes + len, ":1\r\n+OK\r\n", 9);
	stream_is(read_reply, false, slice_of(bytes, len + 9), "value *\nvalue +\n");
}

static void streamed_values(void **state)
{
	REPLIES("$?\r\n;4\r\nHell\r\n;5\r\no wor\r\n;1\r\nd\r\n;0\r\n+OK\r\n",
		"value $\nvalue +\n");
	REPLIES("*?\r\n:1\r\n:2\r\n*2\r\n:3\r\n:4\r\n.\r\n+OK\r\n", "value *\nvalue +\n");
	REPLIES("%?\r\n+a\r\n:1\r\n+b\r\n~?\r\n.\r\n.\r\n*2\r\n*?\r\n.\r\n:1\r\n:2\r\n",
		"value %\nvalue *\nvalue :\n");
	REPLIES("*?\r\n$?\r\n;1\r\na\r\n;0\r\n.\r\n", "value *\n");
}

static void attributes_belong_to_what_follows(void **state)
{
	REPLIES("|1\r\n+key-popularity\r\n%2\r\n$1\r\na\r\n,0.19\r\n$1\r\nb\r\n,0.006\r\n"
		"*2\r\n:2039123\r\n:9543892\r\n",
		"value *\n");
	REPLIES("*3\r\n:1\r\n|1\r\n+ttl\r\n:3600\r\n:2\r\n:3\r\n|0\r\n+OK\r\n",
		"value *\nvalue +\n");
	REPLIES("|1\r\n+a\r\n-ERR no\r\n-NOAUTH yes\r\n", "error - NOAUTH [NOAUTH yes]\n");
	REPLIES("|1\r\n*1\r\n:1\r\n*1\r\n:2\r\n:3\r\n", "value :\n");
}

static void any_word_of_an_error(void **state)
{
	REPLIES("-ERR unknown command 'foobar'\r\n-NOAUTH Authentication required.\r\n"
		"-MOVED 3999 127.0.0.1:6381\r\n-QUEUEFULL\r\n-\r\n- x\r\n",
		"error - ERR [ERR unknown command 'foobar']\n"
		"error - NOAUTH [NOAUTH Authentication required.]\n"
		"error - MOVED [MOVED 3999 127.0.0.1:6381]\n"
		"error - QUEUEFULL [QUEUEFULL]\nerror -  []\nerror -  [ x]\n");
	REPLIES("!21\r\nSYNTAX invalid syntax\r\n!3\r\nOOM\r\n+OK\r\n",
		"error ! SYNTAX [SYNTAX invalid syntax]\nerror ! OOM [OOM]\nvalue +\n");
	REPLIES("!6\r\nA\xff\r\n c\r\n", "error ! A\?\?\? [A\?\?\? c]\n");
}

static void an_error_is_cut(void **state)
{
	char bytes[512], want[512], word[201];
	int len;

	memset(word, 'W', 200);
	word[200] = 0;
	len = snprintf(bytes, sizeof(bytes), "-%s tail\r\n", word);
	snprintf(want, sizeof(want), "error - %.32s [%.128s]\n", word, word);
	stream_is(read_reply, true, slice_of(bytes, (size_t)len), want);
}

static void without_text_an_error_has_its_word(void **state)
{
	stream_is(read_reply, false, SLICE_LIT("-WRONGTYPE Operation\r\n"),
		  "error - WRONGTYPE []\n");
}

static void pushes_and_subscriptions(void **state)
{
	REPLIES(">3\r\n$7\r\nmessage\r\n$3\r\nfoo\r\n$2\r\nhi\r\n"
		">2\r\n$10\r\ninvalidate\r\n*1\r\n$3\r\nfoo\r\n"
		">3\r\n$9\r\nsubscribe\r\n$3\r\nfoo\r\n:1\r\n",
		"push >\npush >\nsubscribed > 1\n");
	REPLIES("*3\r\n$9\r\nsubscribe\r\n$3\r\nfoo\r\n:1\r\n"
		"*3\r\n$10\r\npsubscribe\r\n$2\r\nf*\r\n:2\r\n"
		"*3\r\n$7\r\nmessage\r\n$3\r\nfoo\r\n$2\r\nhi\r\n"
		"*4\r\n$8\r\npmessage\r\n$2\r\nf*\r\n$3\r\nfoo\r\n$2\r\nhi\r\n"
		"*3\r\n$8\r\nsmessage\r\n$3\r\nfoo\r\n$2\r\nhi\r\n"
		"*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n",
		"subscribed * 1\nsubscribed * 2\nmessage *\nmessage *\nmessage *\nsubscribed * "
		"0\n");
	REPLIES("*2\r\n$7\r\nmessage\r\n:1\r\n*3\r\n$8\r\nmessages\r\n:1\r\n:2\r\n"
		"*1\r\n*3\r\n$7\r\nmessage\r\n:1\r\n:2\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n",
		"value *\nvalue *\nvalue *\nvalue *\n");
}

static void what_is_no_reply(void **state)
{
	static const struct slice cases[] = {
		SLICE_LIT("x"),
		SLICE_LIT("\r"),
		SLICE_LIT(":\r\n"),
		SLICE_LIT(":-\r\n"),
		SLICE_LIT(":1a"),
		SLICE_LIT(":12345678901234567890"),
		SLICE_LIT(":9223372036854775808\r\n"),
		SLICE_LIT("#x"),
		SLICE_LIT("#\r\n"),
		SLICE_LIT("#tt"),
		SLICE_LIT("_x"),
		SLICE_LIT(",\r\n"),
		SLICE_LIT(", "),
		SLICE_LIT("(\r\n"),
		SLICE_LIT("(-\r\n"),
		SLICE_LIT("(1-"),
		SLICE_LIT("+OK\n"),
		SLICE_LIT("+OK\rx"),
		SLICE_LIT("-ERR\n"),
		SLICE_LIT("$-2\r\n"),
		SLICE_LIT("$-0\r\n"),
		SLICE_LIT("$536870913\r\n"),
		SLICE_LIT("$01\r\n"),
		SLICE_LIT("$3\r\nfooo"),
		SLICE_LIT("$3\r\nfoo\rx"),
		SLICE_LIT("!-1\r\n"),
		SLICE_LIT("!?\r\n"),
		SLICE_LIT("=3\r\n"),
		SLICE_LIT("%-1\r\n"),
		SLICE_LIT("|?\r\n"),
		SLICE_LIT(">?\r\n"),
		SLICE_LIT("*1\r\n>0\r\n"),
		SLICE_LIT(".\r\n"),
		SLICE_LIT("*1\r\n.\r\n"),
		SLICE_LIT("*?\r\n*1\r\n.\r\n"),
		SLICE_LIT(";1\r\n"),
		SLICE_LIT("$?\r\n$"),
		SLICE_LIT("*?\r\n*?\r\n*?\r\n*?\r\n*?\r\n"),
		SLICE_LIT("HTTP/1.1 200 OK\r\n"),
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		stream_is(read_reply, true, cases[i], "lost\n");
}

static void an_aggregate_of_too_much_is_none(void **state)
{
	struct redis_replies replies = { 0 };
	struct redis_reply reply;
	ptrdiff_t err = -EAGAIN;
	int i;

	for (i = 0; i < 100000 && err == -EAGAIN; i++)
		err = redis_read_reply(&replies, NULL, SLICE_LIT("*9999999999\r\n"), &reply);
	assert_int_equal(err, -EPROTO);
	assert_in_range(i, 28000, 29000);
}

static void the_smallest_integer_is_one(void **state)
{
	REPLIES(":-9223372036854775808\r\n:9223372036854775807\r\n", "value :\nvalue :\n");
}

static void bytes_of_a_string_need_not_be_seen(void **state)
{
	struct stream stream = { .use_text = &stream.text };

	stream_feed(&stream, read_reply, SLICE_LIT("*2\r\n$1000000\r\nab"));
	assert_int_equal(redis_skip_reply(&stream.replies, 999998), 0);
	stream_feed(&stream, read_reply, SLICE_LIT("\r\n:1\r\n!12\r\nOOM "));
	assert_int_equal(redis_skip_reply(&stream.replies, 4), 0);
	stream_feed(&stream, read_reply, SLICE_LIT("wxyz\r\n*3\r\n$9\r\nsub"));
	assert_int_equal(redis_skip_reply(&stream.replies, 2), 0);
	stream_feed(&stream, read_reply, SLICE_LIT("ribe\r\n:1\r\n:1\r\n"));
	stream_check(&stream, "value *\nerror ! OOM [OOM ]\nvalue *\n", 0);
}

static void where_the_place_is_lost(void **state)
{
	static const struct {
		struct slice seen;
		uint64_t unseen;
	} cases[] = {
		{ SLICE_LIT(""), 1 },
		{ SLICE_LIT("+O"), 1 },
		{ SLICE_LIT("$"), 1 },
		{ SLICE_LIT("$5\r\nab"), 4 },
		{ SLICE_LIT("*2\r\n"), 1 },
		{ SLICE_LIT("$5\r\nabcde"), 1 },
		{ SLICE_LIT("$5\r\nabcde\r"), 1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct stream stream = { 0 };

		stream_feed(&stream, read_reply, cases[i].seen);
		assert_int_equal(redis_skip_reply(&stream.replies, 0), 0);
		assert_int_equal(redis_skip_reply(&stream.replies, cases[i].unseen), -EPROTO);
		stream_feed(&stream, read_reply, SLICE_LIT("+OK\r\n"));
		stream_check(&stream, "lost\n", i);
	}
}

static void state_is_small(void **state)
{
	assert_true(sizeof(struct redis_requests) - REDIS_NAME_MAX <= 96);
	assert_true(sizeof(struct redis_replies) - REDIS_WORD_MAX <= 104);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(simple_values),
		cmocka_unit_test(values_of_version_3),
		cmocka_unit_test(aggregates),
		cmocka_unit_test(aggregates_go_as_deep_as_they_like),
		cmocka_unit_test(streamed_values),
		cmocka_unit_test(attributes_belong_to_what_follows),
		cmocka_unit_test(any_word_of_an_error),
		cmocka_unit_test(an_error_is_cut),
		cmocka_unit_test(without_text_an_error_has_its_word),
		cmocka_unit_test(pushes_and_subscriptions),
		cmocka_unit_test(what_is_no_reply),
		cmocka_unit_test(an_aggregate_of_too_much_is_none),
		cmocka_unit_test(the_smallest_integer_is_one),
		cmocka_unit_test(bytes_of_a_string_need_not_be_seen),
		cmocka_unit_test(where_the_place_is_lost),
		cmocka_unit_test(state_is_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
