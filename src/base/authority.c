// SPDX-License-Identifier: Apache-2.0
#include "base/authority.h"

#include <errno.h>

#include "base/address.h"
#include "base/percent.h"

#define HOST_MAX 255 /* of a name in the DNS (RFC 1035 section 2.3.4); addresses are shorter */

/* RFC 3986 section 3.2.2, reg-name: unreserved, pct-encoded, sub-delims. */
static bool is_name(struct slice text)
{
	static const char marks[] = "-._~!$&'()*+,;=";

	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];

		if (percent_byte(text, i) >= 0)
			i += 2;
		else if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
			   memchr(marks, c, sizeof(marks) - 1)))
			return false;
	}
	return text.len > 0 && text.len <= HOST_MAX;
}

/* What stands between brackets: an address, and after % a zone of the sender's own (RFC 6874),
 * which tells nobody else anything. */
static bool take_v6(struct slice text, struct slice *ret_address)
{
	ptrdiff_t percent = slice_find(text, '%');
	struct slice address = slice_first(text, percent < 0 ? text.len : (size_t)percent);

	if (percent >= 0 && !is_name(slice_from(text, (size_t)percent + 1)))
		return false;
	*ret_address = address;
	return slice_find(address, ':') >= 0 && address_text(address);
}

/* ":8080"; "" and ":" are no port. */
static bool take_port(struct slice text, uint16_t *ret_port)
{
	unsigned port = 0;

	if (text.len && text.data[0] != ':')
		return false;
	for (size_t i = 1; i < text.len; i++) {
		uint8_t c = text.data[i];

		if (c < '0' || c > '9')
			return false;
		port = port * 10 + c - '0';
		if (port > UINT16_MAX)
			return false;
	}
	*ret_port = (uint16_t)port;
	return port > 0 || text.len <= 1;
}

int authority_split(struct slice text, struct slice *ret_host, uint16_t *ret_port)
{
	bool v6 = text.len && text.data[0] == '[';
	ptrdiff_t end = slice_find(text, v6 ? ']' : ':');
	struct slice host = slice_first(text, end < 0 ? text.len : (size_t)end), rest;

	if (v6 && end < 0)
		return -EINVAL;
	rest = slice_from(text, host.len + v6);
	host = slice_from(host, v6);
	if (!(v6 ? take_v6(host, &host) : is_name(host)) || !take_port(rest, ret_port))
		return -EINVAL;
	*ret_host = host;
	return 0;
}
