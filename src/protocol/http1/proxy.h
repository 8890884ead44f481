/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PROXY protocol, versions 1 and 2
 * (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt): what a balancer says of its client
 * before the first byte of a connection's own protocol.
 */
#ifndef OBI_PROTOCOL_PROXY_H
#define OBI_PROTOCOL_PROXY_H

#include <stddef.h>

#include "base/slice.h"

/* Bytes by which a header is known, and how long it is: the longest of version 1. */
#define PROXY_HEADER_MAX 107

/* Is this the beginning of a connection that begins with such a header? Returns its length, which
 * may be more than in has; 0 if it is none; -EAGAIN if more bytes may tell. */
ptrdiff_t proxy_header_length(struct slice in);

#endif
