// SPDX-License-Identifier: Apache-2.0
/*
 * IPv4 is written by hand, because a span needs the text of an address or two and
 * inet_ntop() goes through printf there.
 */
#include "base/address.h"

#include <arpa/inet.h>
#include <string.h>

static const uint8_t v4_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

bool address_is_v4(const uint8_t address[16])
{
	return memcmp(address, v4_prefix, sizeof(v4_prefix)) == 0;
}

static char *put_octet(char *to, unsigned octet)
{
	if (octet >= 100)
		*to++ = (char)('0' + octet / 100);
	if (octet >= 10)
		*to++ = (char)('0' + octet / 10 % 10);
	*to++ = (char)('0' + octet % 10);
	return to;
}

size_t address_format(const uint8_t address[16], char *ret_text)
{
	char *to = ret_text;

	if (!address_is_v4(address)) {
		(void)inet_ntop(AF_INET6, address, ret_text, ADDRESS_TEXT_MAX);
		return strlen(ret_text);
	}
	for (int i = 12; i < 16; i++) {
		to = put_octet(to, address[i]);
		*to++ = i < 15 ? '.' : '\0';
	}
	return (size_t)(to - ret_text - 1);
}

/* Four numbers up to 255 between points, without leading zeros. */
static bool v4_text(struct slice text)
{
	unsigned number = 0, digits = 0, points = 0;

	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];

		if (c == '.' && digits && points < 3) {
			points++;
			number = digits = 0;
			continue;
		}
		if (c < '0' || c > '9' || (digits && !number))
			return false;
		number = 10 * number + c - '0';
		if (++digits > 3 || number > 255)
			return false;
	}
	return points == 3 && digits;
}

bool address_text(struct slice text)
{
	char copy[ADDRESS_TEXT_MAX];
	uint8_t bytes[16];

	if (slice_find(text, ':') < 0)
		return v4_text(text);
	if (text.len >= sizeof(copy))
		return false;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	return inet_pton(AF_INET6, copy, bytes) == 1;
}
