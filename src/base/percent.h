/* SPDX-License-Identifier: Apache-2.0 */
/* Percent-encoding (RFC 3986 section 2.1). */
#ifndef OBI_BASE_PERCENT_H
#define OBI_BASE_PERCENT_H

#include <stdint.h>

#include "base/slice.h"

/* Value of a hexadecimal digit, or -1. */
static inline int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that the three from there on stand for; -1 where they are none. */
static inline int percent_byte(struct slice text, size_t at)
{
	int high, low;

	if (at + 2 >= text.len || text.data[at] != '%')
		return -1;
	high = hex_digit(text.data[at + 1]);
	low = hex_digit(text.data[at + 2]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* The value of an attribute without its encoding (OpenTelemetry specification, "Specifying resource
 * information via an environment variable"); as it is, where that is wrong somewhere or says
 * NUL, which no variable can hold. room has value.len bytes. */
struct slice percent_decode(struct slice value, uint8_t *room);

#endif
