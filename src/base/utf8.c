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
