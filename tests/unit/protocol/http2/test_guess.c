// SPDX-License-Identifier: Apache-2.0
/* First bytes, and whether they are taken for HTTP/2. */
#include <errno.h>

#include "protocol/http2/frame.h"
#include "protocol/http2/hex.h"

#define PREFACE "505249202a20485454502f322e300d0a0d0a534d0d0a0d0a"
#define SETTINGS_OF_NGHTTPD "000006 04 00 00000000 0003 00000064"

struct verdict {
	int guess;
	enum http2_side side;
	bool start;
};

static struct verdict guess(struct slice in)
{
	struct verdict got = { 0 };

	got.guess = http2_guess(guarded(in), &got.side, &got.start);
	return got;
}

static void assert_guess(const char *bytes, int want, enum http2_side side, bool start)
{
	struct verdict got = guess(hex(bytes));

	assert_int_equal(got.guess, want);
	if (want != 1)
		return;
	assert_int_equal(got.side, side);
	assert_int_equal(got.start, start);
}

static void assert_never(const char *bytes)
{
	assert_guess(bytes, 0, HTTP2_SIDE_UNKNOWN, false);
}

static void assert_more(const char *bytes)
{
	assert_guess(bytes, -EAGAIN, HTTP2_SIDE_UNKNOWN, false);
}

static void starts(void **state)
{
	struct slice preface = SLICE_LIT(HTTP2_PREFACE);

	for (size_t len = 0; len < preface.len; len++)
		assert_int_equal(guess(slice_first(preface, len)).guess, -EAGAIN);
	assert_guess(PREFACE, 1, HTTP2_CLIENT, true);
	assert_guess(PREFACE "ffffff", 1, HTTP2_CLIENT, true);
	assert_guess(SETTINGS_OF_NGHTTPD, 1, HTTP2_SERVER, true);
	assert_guess("000000 04 00 00000000 000000 04 01 00000000", 1, HTTP2_SERVER, true);
	assert_more("000000 04 00 00000000"); /* too like others */
	assert_more("000006 04 00 00000000 0003");
}

static void frames_in_the_middle(void **state)
{
	assert_guess("000003 01 05 00000007 828684", 1, HTTP2_CLIENT, false);
	assert_guess("000001 01 04 00000007 88 000002 00 01 00000007 6f6b", 1, HTTP2_SERVER, false);
	assert_guess("000002 00 01 00000007 6f6b 000001 01 04 00000009 8d", 1, HTTP2_SERVER, false);
	assert_guess("000004 08 00 00000000 00000400", 1, HTTP2_SIDE_UNKNOWN, false);
	assert_guess("000008 06 01 00000000 0102030405060708", 1, HTTP2_SIDE_UNKNOWN, false);
	assert_guess("000004 03 00 00000005 00000008", 1, HTTP2_SIDE_UNKNOWN, false);
	/* The last goes on: enough only behind a block. */
	assert_guess("000001 01 04 00000007 88 000002 00 01 00000007 6f", 1, HTTP2_SERVER, false);
	assert_guess("000001 01 04 00000007 88 000002", 1, HTTP2_SERVER, false);
	assert_more("000004 08 00 00000000 00000400 000002 00");
	/* Other bytes look like DATA, or like a block that does not begin a message. */
	assert_more("000002 00 01 00000007 6f6b");
	assert_more("000001 01 05 00000007 be");
	assert_more("000003 01");
}

static void other_bytes(void **state)
{
	assert_never("474554202f20485454502f312e31"); /* GET / HTTP/1.1 */
	assert_never("2a310d0a24340d0a50494e470d0a"); /* Redis */
	assert_never("1603010200010001fc0303");       /* TLS */
	assert_never("0000 0008 04d2 162f");          /* PostgreSQL's SSLRequest */
	assert_never("4a0000000a382e302e3336000b00"); /* MySQL's greeting */
	assert_never("000000 04 00 80000000");        /* the reserved bit */
	assert_never("000000 04 02 00000000");        /* a flag that SETTINGS has not */
	assert_never("000006 04 00 00000000 0103 00000064");
	assert_never("000004 08 00 00000000 00000000"); /* an increment of 0 */
	assert_never("000004 03 00 00000005 00000108");
	assert_never("000001 01 04 00000007 80");
	assert_never("000000 01 04 00000007");
	assert_never("000003 01 0c 00000007 03 8286");
	assert_never("000001 01 04 00000007 88 160301020001000000");
	assert_never("000001 0a 00 00000007 88"); /* an extension: none in a guess */
	assert_never("400001 00 00 00000007");
}

/* A connection that is cut behind its first bytes is never turned down. */
static void each_beginning_may_go_on(void **state)
{
	static const char all[] = SETTINGS_OF_NGHTTPD "000000 04 01 00000000"
						      "000004 08 00 00000000 00000400"
						      "000001 01 04 00000007 88"
						      "000002 00 01 00000007 6f6b"
						      "000008 06 00 00000000 0102030405060708";
	uint8_t bytes[256];
	struct slice in = hex(all);

	memcpy(bytes, in.data, in.len);
	for (size_t len = 0; len <= in.len; len++)
		assert_int_not_equal(guess(slice_of(bytes, len)).guess, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts),
		cmocka_unit_test(frames_in_the_middle),
		cmocka_unit_test(other_bytes),
		cmocka_unit_test(each_beginning_may_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
