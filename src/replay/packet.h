/* SPDX-License-Identifier: Apache-2.0 */
/* Captured frames: from the link layer to the payload of a TCP segment. */
#ifndef OBI_REPLAY_PACKET_H
#define OBI_REPLAY_PACKET_H

#include <stdint.h>

#include "base/slice.h"

/* What a frame turned out to be; all but the first carry nothing for us. */
enum packet_kind {
	PACKET_TCP,
	PACKET_LINK_UNKNOWN, /* a link layer that is not read */
	PACKET_NOT_IP,
	PACKET_NOT_TCP,
	PACKET_FRAGMENT,  /* of IP: not put together */
	PACKET_MALFORMED, /* headers that contradict themselves */
	PACKET_CUT,       /* headers cut off by the capture */
	PACKET_KINDS,
};

const char *packet_kind_name(enum packet_kind kind); /* snake_case */

/* TCP flags, RFC 9293 section 3.1 */
#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

/* One end of a connection. Addresses as in obi/record.h, ports in host order. */
struct packet_end {
	uint8_t addr[16];
	uint16_t port;
};

struct packet {
	struct packet_end src;
	struct packet_end dst;
	uint32_t seq;
	uint32_t ack;
	uint8_t flags;
	struct slice payload; /* as far as it was captured */
	uint32_t length;      /* of the payload on the wire */
};

/* Takes a frame of wire_length bytes apart. ret_packet is filled in for PACKET_TCP only. */
enum packet_kind packet_decode(uint32_t link, struct slice frame, uint32_t wire_length,
			       struct packet *ret_packet);

#endif
