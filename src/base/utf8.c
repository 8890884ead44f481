// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

static size_t announced_length(uint8_t c)
{
	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c < 0xe0)
		return 2;
	if (c >= 0xe0 && c < 0xf0)
		return 3;
	return c >= 0xf0 && c < 0xf5 ? 4 : 0;
}

/* Overlong forms, surrogates, and what lies beyond U+10FFFF (RFC 3629 section 4). */
static bool second_byte_wrong(uint8_t first, uint8_t second)
{
	return (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
	       (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f);
}

size_t utf8_length(struct slice s)
{
	size_t len = announced_length(s.data[0]);

	if (!len || s.len < len)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((s.data[i] & 0xc0) != 0x80)
			return 0;
	}
	return len > 1 && second_byte_wrong(s.data[0], s.data[1]) ? 0 : len;
}

/* U+0080 to U+009F, 061C, 200E and 200F, 2028 to 202E, 2066 to 2069, as bytes. */
static bool is_format(struct slice s, size_t len)
{
	uint8_t first = s.data[0], last = s.data[len - 1];

	if (len == 2)
		return (first == 0xc2 && last < 0xa0) || (first == 0xd8 && last == 0x9c);
	if (len != 3 || first != 0xe2)
		return false;
	if (s.data[1] == 0x80)
		return last == 0x8e || last == 0x8f || (last >= 0xa8 && last <= 0xae);
	return s.data[1] == 0x81 && last >= 0xa6 && last <= 0xa9;
}

size_t utf8_printable(struct slice s)
{
	size_t len;

	if (s.data[0] < 0x80)
		return s.data[0] >= ' ' && s.data[0] != 0x7f;
	len = utf8_length(s);
	return len && is_format(s, len) ? 0 : len;
}

bool utf8_all_printable(struct slice s)
{
	while (s.len) {
		size_t len = utf8_printable(s);

		if (!len)
			return false;
		s = slice_from(s, len);
	}
	return true;
}

static bool is_ascii(struct slice s)
{
	uint64_t word = 0, any = 0;
	size_t i = 0;

	for (; i + 8 <= s.len; i += 8) {
		memcpy(&word, s.data + i, 8);
		any |= word;
	}
	for (; i < s.len; i++)
		any |= s.data[i];
	return (any & 0x8080808080808080) == 0;
}

bool utf8_valid(struct slice s)
{
	if (is_ascii(s))
		return true;
	while (s.len) {
		size_t len = utf8_length(s);

		if (!len)
			return false;
		s = slice_from(s, len);
	}
	return true;
}
