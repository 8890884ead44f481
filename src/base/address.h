/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses as text. An address is 16 bytes, IPv4 as ::ffff:a.b.c.d (obi/record.h). */
#ifndef OBI_BASE_ADDRESS_H
#define OBI_BASE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* Longest text with its terminating zero. */
#define ADDRESS_TEXT_MAX 48

/* Writes "10.0.0.1" or "2001:db8::1" (RFC 5952) and a terminating zero; ret_text has room for
 * ADDRESS_TEXT_MAX bytes. Returns the length. */
size_t address_format(const uint8_t address[16], char *ret_text);

/* Is the address IPv4 (RFC 4291 section 2.5.5.2)? */
bool address_is_v4(const uint8_t address[16]);

/* Is this the text of an IPv4 or IPv6 address? */
bool address_text(struct slice text);

#endif
