// SPDX-License-Identifier: Apache-2.0
/* HPACK's Huffman code: examples of RFC 7541 Appendix C, and what section 5.2 forbids. That each
 * byte is decoded shows in test_hpack_peer.c. */
#include <errno.h>

#include "protocol/http2/hex.h"
#include "protocol/http2/huffman.h"

static void examples_of_the_rfc(void **state)
{
	static const struct {
		const char *coded;
		const char *text;
	} cases[] = {
		{ "f1e3 c2e5 f23a 6ba0 ab90 f4ff", "www.example.com" },
		{ "a8eb 1064 9cbf", "no-cache" },
		{ "25a8 49e9 5ba9 7d7f", "custom-key" },
		{ "25a8 49e9 5bb8 e8b4 bf", "custom-value" },
		{ "6402", "302" },
		{ "640e ff", "307" },
		{ "aec3 771a 4b", "private" },
		{ "d07a be94 1054 d444 a820 0595 040b 8166 e082 a62d 1bff",
		  "Mon, 21 Oct 2013 20:13:21 GMT" },
		{ "9d29 ad17 1863 c78f 0b97 c8e9 ae82 ae43 d3", "https://www.example.com" },
		{ "94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 "
		  "3160 65c0 03ed 4ee5 b106 3d50 07",
		  "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1" },
		{ "4d83 21f4 ffff ff3f", "tracoN\x07" }, /* a long code across the register's end */
		{ "", "" },
	};
	uint8_t room[128];
	bool cut;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slice in = hex(cases[i].coded);
		size_t len = strlen(cases[i].text);

		assert_int_equal(huffman_decode(in, room, sizeof(room), &cut), len);
		assert_slice(slice_of(room, len), cases[i].text);
		assert_false(cut);
		for (size_t less = 0; less <= len; less++) {
			memset(room, '!', sizeof(room));
			assert_int_equal(huffman_decode(in, room, less, &cut), less);
			assert_memory_equal(room, cases[i].text, less);
			assert_int_equal(cut, less < len);
			assert_int_equal(room[less], '!');
		}
	}
}

static void forbidden(void **state)
{
	static const char *const bad[] = {
		"00 00 00 00 00 ff ff ff ff", /* zeros, then EOS */
		"ff ff ff fc",                /* EOS alone */
		"ff ff ff ff",                /* the same, padded */
		"ff",                         /* 8 bits of padding */
		"1f ff",                      /* 'a' and 11 bits of padding */
		"18",                         /* 'a' and padding that is not ones */
		"1e",
		"ff ff ff", /* 24 bits of a longer code */
		"00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 02",
	};
	uint8_t room[128];
	bool cut;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(huffman_decode(hex(bad[i]), room, sizeof(room), &cut), -EPROTO);
	assert_int_equal(huffman_decode(hex("1f"), room, sizeof(room), &cut),
			 1); /* as it should be */
	assert_int_equal(room[0], 'a');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(examples_of_the_rfc),
		cmocka_unit_test(forbidden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
