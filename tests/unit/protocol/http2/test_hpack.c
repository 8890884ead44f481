// SPDX-License-Identifier: Apache-2.0
/* Header blocks: the bytes, and the fields in them. Blocks end at a guard page, and each is also
 * read from each of its beginnings. */
#include <errno.h>
#include <stdio.h>

#include "protocol/http2/hex.h"
#include "protocol/http2/hpack.h"

static uint32_t memory[HPACK_ROOM(4096) / 4];

/* What of a block was read, a line a field. */
static const char *read_block(struct hpack *hpack, struct slice block, size_t room)
{
	static char lines[8192];
	static uint8_t bytes[4096];
	struct hpack_scratch scratch = { bytes, room };
	struct hpack_field field;
	size_t len = 0;
	int got;

	lines[0] = '\0';
	hpack_begin(hpack);
	while ((got = hpack_next(hpack, &block, &scratch, &field)) > 0) {
		if (field.name == HPACK_UNKNOWN)
			len += (size_t)snprintf(lines + len, sizeof(lines) - len, "?\n");
		else
			len += (size_t)snprintf(lines + len, sizeof(lines) - len,
						SLICE_FMT ": " SLICE_FMT "%s\n",
						SLICE_ARG(field.text), SLICE_ARG(field.value),
						field.flags & HPACK_CUT ? "..." : "");
		assert_true(len < sizeof(lines));
	}
	if (got < 0)
		snprintf(lines + len, sizeof(lines) - len, "%s\n",
			 got == -EAGAIN ? "ends within" : "wrong");
	return lines;
}

static void assert_block(struct hpack *hpack, const char *bytes, const char *fields)
{
	struct hpack before = *hpack;
	struct slice block = hex(bytes);

	/* Insertions of these overwrite memory, but always with the same. */
	for (size_t len = 0; len < block.len; len++) {
		struct hpack part = before;
		struct slice first = slice_first(block, block.len - len);
		const char *got = read_block(&part, first, 4096);
		size_t same =
			strlen(got) - (strstr(got, "ends within") ? strlen("ends within\n") : 0);

		assert_memory_equal(got, fields, same);
		assert_null(strstr(got, "wrong"));
	}
	assert_string_equal(read_block(hpack, block, 4096), fields);
}

/* Appendices C.2, C.3 and C.4. */
static void requests_of_the_rfc(void **state)
{
	static const char *const plain[] = {
		"8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
		"8286 84be 5808 6e6f 2d63 6163 6865",
		"8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
	};
	static const char *const huffman[] = {
		"8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
		"8286 84be 5886 a8eb 1064 9cbf",
		"8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
	};
	static const char *const fields[] = {
		":method: GET\n:scheme: http\n:path: /\n:authority: www.example.com\n",
		":method: GET\n:scheme: http\n:path: /\n:authority: www.example.com\n"
		"cache-control: no-cache\n",
		":method: GET\n:scheme: https\n:path: /index.html\n:authority: www.example.com\n"
		"custom-key: custom-value\n",
	};

	for (int coded = 0; coded < 2; coded++) {
		struct hpack hpack;

		hpack_init(&hpack, memory, sizeof(memory), HPACK_FIRST | HPACK_ALL);
		for (int i = 0; i < 3; i++)
			assert_block(&hpack, coded ? huffman[i] : plain[i], fields[i]);
		assert_int_equal(hpack.held, 3);
	}
}

/* Appendices C.5 and C.6: a table of 256 bytes, in which old entries have no room. */
static void responses_of_the_rfc(void **state)
{
	static const char *const plain[] = {
		"4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 "
		"2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 "
		"6c65 2e63 6f6d",
		"4803 3330 37c1 c0bf",
		"88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d "
		"54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 "
		"5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e "
		"3d31",
	};
	static const char *const huffman[] = {
		"4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 "
		"2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
		"4883 640e ffc1 c0bf",
		"88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab "
		"77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f "
		"9587 3160 65c0 03ed 4ee5 b106 3d50 07",
	};
	static const char *const fields[] = {
		":status: 302\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:21 GMT\n"
		"location: https://www.example.com\n",
		":status: 307\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:21 GMT\n"
		"location: https://www.example.com\n",
		":status: 200\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:22 GMT\n"
		"location: https://www.example.com\ncontent-encoding: gzip\n"
		"set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1\n",
	};

	for (int coded = 0; coded < 2; coded++) {
		struct hpack hpack;

		hpack_init(&hpack, memory, sizeof(memory), HPACK_FIRST | HPACK_ALL);
		for (int i = 0; i < 3; i++)
			assert_block(&hpack, coded ? huffman[i] : plain[i], fields[i]);
	}
}

static void only_wanted_fields_are_shown(void **state)
{
	struct hpack hpack;

	hpack_init(&hpack, memory, sizeof(memory), HPACK_FIRST);
	/* user-agent into the table, :path, an unknown name, traceparent by a Huffman name */
	assert_block(&hpack, "7a02 6869 44 02 2f61 40 01 78 01 79 40 88 4d83216b1d85a93f 01 7a",
		     ":path: /a\ntraceparent: z\n");
	assert_block(&hpack, "be bf c0 c1 0f2f 01 71",
		     "traceparent: z\n:path: /a\ntraceparent: q\n");
	assert_int_equal(hpack.text_used, strlen("/a") + strlen("z"));
}

static void names_are_found_in_both_codes(void **state)
{
	struct hpack hpack;

	hpack_init(&hpack, NULL, 0, HPACK_ALL);
	assert_block(
		&hpack,
		"00 0a 3a617574686f72697479 01 61 00 88 b83b5339ec327d7f 01 62"
		"00 85 b9495339e4 01 63 00 84 b958d33f 01 64 00 85 b8824e5a4b 01 65"
		"00 85 b8848d36a3 01 66 00 8a 21ea496a4ad416a9933f 01 67"
		"00 89 21ea496a4ac9f5597f 01 68 00 89 9acac8b5254207317f 01 69"
		"00 88 9acac8b21234da8f 01 6a 00 83 9ce84f 01 6b 00 88 4d83216b1d85a93f 01 6c",
		":authority: a\n:authority: b\n:method: c\n:path: d\n:scheme: e\n:status: f\n"
		"content-length: g\ncontent-type: h\ngrpc-message: i\ngrpc-status: j\nhost: k\n"
		"traceparent: l\n");
}

static void late_decoder_learns_from_the_newest_end(void **state)
{
	struct hpack hpack;

	hpack_init(&hpack, memory, sizeof(memory), 0);
	assert_block(&hpack, "82 be 87 c0", ":method: GET\n?\n:scheme: https\n?\n");
	assert_block(&hpack, "44 02 2f61 be bf", ":path: /a\n:path: /a\n?\n");
	/* A new value for a name that was not seen, and one for a name that was. */
	assert_block(&hpack, "7f 80 00 01 78 7f 00 02 2f62 be bf c0 c1",
		     "?\n:path: /b\n:path: /b\n?\n:path: /a\n?\n");
	assert_block(&hpack, "0f 31 02 2f63", ":path: /c\n");
	hpack_lose(&hpack);
	assert_block(&hpack, "be bf c0", "?\n?\n?\n");
}

static void first_decoder_knows_what_is_no_entry(void **state)
{
	struct hpack hpack;

	hpack_init(&hpack, memory, sizeof(memory), HPACK_FIRST);
	assert_string_equal(read_block(&hpack, hex("be"), 4096), "wrong\n");
	hpack_init(&hpack, memory, sizeof(memory), HPACK_FIRST);
	assert_block(&hpack, "44 02 2f61 be", ":path: /a\n:path: /a\n");
	assert_string_equal(read_block(&hpack, hex("be bf"), 4096), ":path: /a\nwrong\n");
	assert_string_equal(read_block(&hpack, hex("be bf"), 4096), "?\n?\n"); /* it lost its way */
}

static void what_is_not_hpack(void **state)
{
	static const char *const bad[] = {
		"80",                /* index 0 */
		"82 20",             /* a size update behind a field */
		"ff 80 80 80 80 10", /* beyond 32 bits */
		"ff 80 80 80 80 80 00",
		"04 84 ffffffff", /* EOS */
		"04 81 1e",       /* padding */
	};
	struct hpack hpack;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		hpack_init(&hpack, memory, sizeof(memory), HPACK_FIRST);
		assert_non_null(strstr(read_block(&hpack, hex(bad[i]), 4096), "wrong"));
		assert_int_equal(hpack.held, 0);
	}
}

static void size_updates_come_first(void **state)
{
	struct hpack hpack;

	hpack_init(&hpack, memory, sizeof(memory), HPACK_FIRST);
	assert_block(&hpack, "20 3f e1 1f 82", ":method: GET\n");
	assert_block(&hpack, "20 82", ":method: GET\n");
}

static void block_that_ends_within_a_field(void **state)
{
	struct hpack hpack;

	hpack_init(&hpack, memory, sizeof(memory), HPACK_FIRST);
	assert_string_equal(read_block(&hpack, hex("44 02 2f61 44 04 2f61"), 4096),
			    ":path: /a\nends within\n");
	assert_string_equal(read_block(&hpack, hex("be"), 4096), "?\n");
}

static void text_is_cut_where_there_is_no_room(void **state)
{
	struct hpack hpack;

	hpack_init(&hpack, memory, sizeof(memory), HPACK_FIRST);
	assert_string_equal(read_block(&hpack, hex("41 8c f1e3 c2e5 f23a 6ba0 ab90 f4ff"), 7),
			    ":authority: www.exa...\n");
	assert_string_equal(read_block(&hpack, hex("be"), 4096), ":authority: www.exa...\n");
	assert_string_equal(read_block(&hpack, hex("be"), 3), ":authority: www...\n");
	/* The same of the decoder's own memory, which has 32 bytes for text. */
	hpack_init(&hpack, memory, HPACK_ENTRY_SIZE + HPACK_ENTRY_LEAST, HPACK_FIRST);
	assert_string_equal(read_block(&hpack,
				       hex("44 21 2f 3031323334353637 3031323334353637"
					   "3031323334353637 3031323334353637 be"),
				       4096),
			    ":path: /01234567012345670123456701234567\n"
			    ":path: /0123456701234567012345670123456...\n");
}

static void name_that_does_not_fit_is_unknown(void **state)
{
	struct hpack hpack;

	hpack_init(&hpack, memory, sizeof(memory), HPACK_FIRST | HPACK_ALL);
	assert_string_equal(read_block(&hpack, hex("40 88 25a8 49e9 5ba9 7d7f 01 61 be"), 4),
			    "?\n?\n");
}

static void little_memory_forgets_the_oldest(void **state)
{
	struct hpack hpack;

	hpack_init(&hpack, memory, (size_t)2 * (HPACK_ENTRY_SIZE + HPACK_ENTRY_LEAST), HPACK_FIRST);
	assert_block(&hpack, "44 02 2f61 44 02 2f62 be bf",
		     ":path: /a\n:path: /b\n:path: /b\n:path: /a\n");
	assert_string_equal(read_block(&hpack, hex("44 02 2f63 be bf c0"), 4096),
			    ":path: /c\n:path: /c\n:path: /b\n?\n");
	hpack_init(&hpack, NULL, 0, HPACK_FIRST);
	assert_block(&hpack, "44 02 2f63 be 82", ":path: /c\n?\n:method: GET\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_of_the_rfc),
		cmocka_unit_test(responses_of_the_rfc),
		cmocka_unit_test(only_wanted_fields_are_shown),
		cmocka_unit_test(names_are_found_in_both_codes),
		cmocka_unit_test(late_decoder_learns_from_the_newest_end),
		cmocka_unit_test(first_decoder_knows_what_is_no_entry),
		cmocka_unit_test(what_is_not_hpack),
		cmocka_unit_test(size_updates_come_first),
		cmocka_unit_test(block_that_ends_within_a_field),
		cmocka_unit_test(text_is_cut_where_there_is_no_room),
		cmocka_unit_test(name_that_does_not_fit_is_unknown),
		cmocka_unit_test(little_memory_forgets_the_oldest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
