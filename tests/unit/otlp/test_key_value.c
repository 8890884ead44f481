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
#include "otlp/key_value.h"

#define check(buf, bytes) check_bytes(buf, bytes, sizeof(bytes) - 1)

/* What is in buf; empties it. */
static void check_bytes(struct buffer *buf, const char *bytes, size_t len)
{
	assert_false(buf->failed);
	assert_int_equal(buf->len, len);
	assert_memory_equal(buf->data, bytes, len);
	buf->len = 0;
}

static void attributes(void **state)
{
	const struct slice words[] = { SLICE_LIT("a"), SLICE_LIT("b\xc0") };
	struct buffer buf = { 0 };
	struct otlp_faults faults;

	faults = otlp_put_string_attribute(&buf, 9, SLICE_LIT("key"), SLICE_LIT("value"));
	check(&buf, "\x4a\x0e\x0a\x03key\x12\x07\x0a\x05value");
	assert_int_equal(faults.replaced + faults.cut, 0);
	otlp_put_int_attribute(&buf, 9, SLICE_LIT("key"), 200);
	check(&buf, "\x4a\x0a\x0a\x03key\x12\x03\x18\xc8\x01");
	otlp_put_int_attribute(&buf, 9, SLICE_LIT("key"), -1);
	check(&buf, "\x4a\x12\x0a\x03key\x12\x0b\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
	otlp_put_bool_attribute(&buf, 9, SLICE_LIT("key"), false);
	check(&buf, "\x4a\x09\x0a\x03key\x12\x02\x10\x00");
	otlp_put_double_attribute(&buf, 9, SLICE_LIT("key"), 1);
	check(&buf, "\x4a\x10\x0a\x03key\x12\x09\x21\0\0\0\0\0\0\xf0\x3f");
	faults = otlp_put_strings_attribute(&buf, 9, SLICE_LIT("key"), words, 2);
	check(&buf, "\x4a\x16\x0a\x03key\x12\x0f\x2a\x0d\x0a\x03\x0a\x01"
		    "a\x0a\x06\x0a\x04"
		    "b\xef\xbf\xbd");
	assert_int_equal(faults.replaced, 1);
	buffer_free(&buf);
}

static void failed_buffer_stays_harmless(void **state)
{
	struct buffer buf = { .failed = true };

	(void)otlp_put_string_attribute(&buf, 1, SLICE_LIT("k"), SLICE_LIT("\xff"));
	otlp_put_int_attribute(&buf, 1, SLICE_LIT("k"), 1);
	assert_true(buf.failed);
	assert_int_equal(buf.len, 0);
	assert_null(buf.data);
}

static void check_text(const void *text, size_t len, const void *expected, size_t expected_len,
		       uint32_t replaced, uint32_t cut)
{
	struct buffer buf = { 0 }, wanted = { 0 };
	struct otlp_faults faults = otlp_put_text(&buf, 1, slice_of(text, len));

	proto_put_bytes(&wanted, 1, slice_of(expected, expected_len));
	check_bytes(&buf, wanted.data, wanted.len);
	assert_int_equal(faults.replaced, replaced);
	assert_int_equal(faults.cut, cut);
	buffer_free(&buf);
	buffer_free(&wanted);
}

static void invalid_text_is_replaced_and_counted(void **state)
{
	check_text("plain", 5, "plain", 5, 0, 0);
	check_text("gr\xc3\xbc\xc3\x9f", 6, "gr\xc3\xbc\xc3\x9f", 6, 0, 0);
	check_text("\xff", 1, "\xef\xbf\xbd", 3, 1, 0);
	check_text("a\xc3", 2, "a\xef\xbf\xbd", 4, 1, 0); /* cut off */
	check_text("\xed\xa0\x80", 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", 9, 3,
		   0); /* surrogate */
	check_text("\0", 1, "\0", 1, 0, 0);
}

static void long_text_is_cut_after_a_character(void **state)
{
	static const uint8_t euro[] = { 0xe2, 0x82, 0xac }, replacement[] = { 0xef, 0xbf, 0xbd };
	_cleanup_free_ uint8_t *text = malloc(1 << 20), *expected = malloc(1 << 20);

	memset(text, 'x', 1 << 20);
	memset(expected, 'x', 1 << 20);
	check_text(text, OTLP_TEXT_MAX, expected, OTLP_TEXT_MAX, 0, 0);
	check_text(text, OTLP_TEXT_MAX + 1, expected, OTLP_TEXT_MAX, 0, 1);
	check_text(text, 1 << 20, expected, OTLP_TEXT_MAX, 0, 1);
	memcpy(text + OTLP_TEXT_MAX - 2, euro, sizeof(euro)); /* 3 bytes over the border */
	check_text(text, 1 << 20, expected, OTLP_TEXT_MAX - 2, 0, 1);
	text[0] = 0xff; /* grows by two, so that what was inside no longer is */
	memset(text + 1, 'x', OTLP_TEXT_MAX);
	memcpy(expected, replacement, sizeof(replacement));
	check_text(text, OTLP_TEXT_MAX, expected, OTLP_TEXT_MAX, 1, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attributes),
		cmocka_unit_test(failed_buffer_stays_harmless),
		cmocka_unit_test(invalid_text_is_replaced_and_counted),
		cmocka_unit_test(long_text_is_cut_after_a_character),
	};

	return cmocka_run_group_tests_name("otlp/key_value", tests, NULL, NULL);
}
