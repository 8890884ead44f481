/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The C library resolves names, in a thread of libcurl's for each. To a name server over UDP it
 * listens for some seconds; over TCP, which an answer over UDP can send it to, it reads for as long
 * as the other side likes (resolv/res_send.c, send_vc). libcurl leaves such a thread behind at its
 * own deadline, and the next attempt makes another.
 */
#ifndef OBI_SENDER_RESOLVER_H
#define OBI_SENDER_RESOLVER_H

#include <stdbool.h>

/* Shuts the connections to name servers, so that whoever reads from them ends. is_used: tells that
 * a descriptor is libcurl's own. */
void sender_resolver_end_hung(bool (*is_used)(void *context, int fd), void *context);

#endif
