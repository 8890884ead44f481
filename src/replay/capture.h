/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capture files, read from front to back: pcap and pcapng as their specifications have them
 * (https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html,
 * https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.html), also gzipped (RFC 1952, by its
 * magic number, whatever its name is). The input may be a pipe.
 */
#ifndef OBI_REPLAY_CAPTURE_H
#define OBI_REPLAY_CAPTURE_H

#include <stdint.h>

#include "base/slice.h"

struct capture;

struct capture_packet {
	uint64_t time_ns;   /* Unix epoch */
	uint32_t link;      /* LINKTYPE_*, https://www.tcpdump.org/linktypes.html */
	uint32_t length;    /* bytes on the wire */
	struct slice bytes; /* those that were captured; valid until the next call */
};

/* Reads from a descriptor, which is borrowed, or from bytes, which are too. Nothing is read
 * before the first capture_next(). NULL when out of memory. */
struct capture *capture_open(int fd);
struct capture *capture_open_bytes(struct slice bytes);
void capture_close(struct capture *capture);

/* Returns 1 and a packet, or 0 at the end of the file. Otherwise a negative errno, and
 * capture_problem() says what it is: -EPROTO if this is no capture or a broken one, -ENODATA if
 * it ends within something, -ENOMEM, or what read(2) said. */
int capture_next(struct capture *capture, struct capture_packet *ret_packet);

/* What was wrong, in words, and where in the file; of a gzip file, in what it holds. */
const char *capture_problem(const struct capture *capture, uint64_t *ret_offset);

#endif
