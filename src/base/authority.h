/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a request is for, as a Host field says it (RFC 9110 section 7.2). */
#ifndef OBI_BASE_AUTHORITY_H
#define OBI_BASE_AUTHORITY_H

#include <stdint.h>

#include "base/slice.h"

/* Splits host[:port] (RFC 3986 section 3.2): ret_host is a part of text, an IPv6 address without
 * its brackets and zone; ret_port is 0 where there is none. -EINVAL for anything else: it comes
 * from outside, and no byte that a host name cannot have gets into ret_host. */
int authority_split(struct slice text, struct slice *ret_host, uint16_t *ret_port);

#endif
