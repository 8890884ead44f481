// SPDX-License-Identifier: Apache-2.0
/* Expected bytes are from https://protobuf.dev/programming-guides/encoding/ or worked out by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/proto.h"

#define check(buf, bytes) check_bytes(buf, bytes, sizeof(bytes) - 1)

/* What is in buf; empties it. */
static void check_bytes(struct buffer *buf, const char *bytes, size_t len)
{
	assert_false(buf->failed);
	assert_int_equal(buf->len, len);
	assert_memory_equal(buf->data, bytes, len);
	buf->len = 0;
}

static void scalars(void **state)
{
	struct buffer buf = { 0 };

	proto_put_varint(&buf, 1, 150);
	check(&buf, "\x08\x96\x01");
	proto_put_varint(&buf, 1, 0);
	check(&buf, "\x08\x00");
	proto_put_varint(&buf, 3, (uint64_t)-2);
	check(&buf, "\x18\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01");
	proto_put_varint(&buf, 16, 127);
	check(&buf, "\x80\x01\x7f");
	proto_put_bool(&buf, 2, true);
	check(&buf, "\x10\x01");
	proto_put_sint32(&buf, 1, -1);
	proto_put_sint32(&buf, 1, 1);
	proto_put_sint32(&buf, 1, INT32_MIN);
	proto_put_sint32(&buf, 1, INT32_MAX);
	check(&buf, "\x08\x01\x08\x02\x08\xff\xff\xff\xff\x0f\x08\xfe\xff\xff\xff\x0f");
	proto_put_fixed64(&buf, 7, 0x0102030405060708);
	check(&buf, "\x39\x08\x07\x06\x05\x04\x03\x02\x01");
	proto_put_fixed32(&buf, 16, 0x01020304);
	check(&buf, "\x85\x01\x04\x03\x02\x01");
	proto_put_double(&buf, 1, -1.5);
	check(&buf, "\x09\x00\x00\x00\x00\x00\x00\xf8\xbf");
	proto_put_bytes(&buf, 2, SLICE_LIT("testing"));
	check(&buf, "\x12\x07testing");
	proto_put_bytes(&buf, 2, slice_of(NULL, 0));
	check(&buf, "\x12\x00");
	buffer_free(&buf);
}

static void varint_sizes_are_those_written(void **state)
{
	uint8_t bytes[PROTO_VARINT_MAX];

	for (unsigned bit = 0; bit < 64; bit++) {
		const uint64_t power = 1ull << bit;
		const uint64_t values[] = { power - 1, power, power + 1, ~power, -power };

		for (size_t i = 0; i < ARRAY_SIZE(values); i++)
			assert_int_equal(proto_varint_size(values[i]),
					 proto_write_varint(bytes, values[i]) - bytes);
	}
}

static void packed_lists(void **state)
{
	const uint64_t numbers[] = { 3, 270, 86942 };
	const double doubles[] = { 0, 1 };
	struct buffer buf = { 0 };

	proto_put_packed_uint64(&buf, 6, numbers, 3);
	check(&buf, "\x32\x06\x03\x8e\x02\x9e\xa7\x05");
	proto_put_packed_fixed64(&buf, 6, numbers, 2);
	check(&buf, "\x32\x10\x03\0\0\0\0\0\0\0\x0e\x01\0\0\0\0\0\0");
	proto_put_packed_double(&buf, 7, doubles, 2);
	check(&buf, "\x3a\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xf0\x3f");
	proto_put_packed_uint64(&buf, 6, NULL, 0);
	proto_put_packed_fixed64(&buf, 6, NULL, 0);
	proto_put_packed_double(&buf, 7, NULL, 0);
	assert_int_equal(buf.len, 0);
	buffer_free(&buf);
}

/* Content of so many bytes in a message: the length is as short as it can be and the content
 * whole, whatever was guessed. */
static void check_message(size_t len, enum proto_guess guess)
{
	_cleanup_free_ uint8_t *content = malloc(len + 1);
	struct buffer buf = { 0 }, expected = { 0 }, whole = { 0 };
	size_t outer, inner;

	for (size_t i = 0; i < len; i++)
		content[i] = (uint8_t)(i * 7);
	proto_put_bytes(&expected, 5, slice_of(content, len));
	proto_put_varint(&expected, 6, 1);

	outer = proto_begin(&buf, 1);
	inner = proto_begin_guess(&buf, 5, guess);
	buffer_put(&buf, content, len);
	proto_end(&buf, inner);
	proto_put_varint(&buf, 6, 1);
	proto_end(&buf, outer);

	proto_put_bytes(&whole, 1, slice_of(expected.data, expected.len));
	check_bytes(&buf, whole.data, whole.len);
	buffer_free(&whole);
	buffer_free(&buf);
	buffer_free(&expected);
}

static void messages_of_any_length(void **state)
{
	static const size_t lengths[] = { 0,     1,     127,     128,     129,     16383,
					  16384, 16385, 2097151, 2097152, 2097153, 5000000 };

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		for (int guess = PROTO_SMALL; guess <= PROTO_LARGE; guess++)
			check_message(lengths[i], (enum proto_guess)guess);
	}
}

static void messages_nest(void **state)
{
	struct buffer buf = { 0 };
	size_t outer = proto_begin(&buf, 3), inner;

	inner = proto_begin_guess(&buf, 4, PROTO_MIDDLE);
	proto_put_varint(&buf, 1, 150);
	proto_end(&buf, inner);
	inner = proto_begin(&buf, 4);
	proto_end(&buf, inner);
	proto_end(&buf, outer);
	check(&buf, "\x1a\x07\x22\x03\x08\x96\x01\x22\x00");
	buffer_free(&buf);
}

static void failed_buffer_stays_harmless(void **state)
{
	struct buffer buf = { .failed = true };
	size_t mark = proto_begin(&buf, 1);

	proto_put_varint(&buf, 1, 1);
	proto_put_fixed64(&buf, 1, 1);
	proto_put_bytes(&buf, 1, SLICE_LIT("x"));
	proto_end(&buf, mark);
	assert_true(buf.failed);
	assert_int_equal(buf.len, 0);
	assert_null(buf.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scalars),       cmocka_unit_test(varint_sizes_are_those_written),
		cmocka_unit_test(packed_lists),  cmocka_unit_test(messages_of_any_length),
		cmocka_unit_test(messages_nest), cmocka_unit_test(failed_buffer_stays_harmless),
	};

	return cmocka_run_group_tests_name("base/proto", tests, NULL, NULL);
}
