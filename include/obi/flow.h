/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 OR BSD-2-Clause */
/*
 * Network flows, aggregated in the kernel. One flow is one direction of a
 * conversation: source and destination are those of the packets.
 *
 * Ports and counters are in host byte order; addresses as in record.h.
 */
#ifndef OBI_FLOW_H
#define OBI_FLOW_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

enum obi_iface_direction {
	OBI_INGRESS = 0,
	OBI_EGRESS = 1,
	OBI_DIRECTION_UNSET = 255,
};

enum obi_initiator {
	OBI_INITIATOR_UNKNOWN = 0,
	OBI_INITIATOR_SRC = 1, /* the source of this flow opened the connection */
	OBI_INITIATOR_DST = 2,
};

struct obi_flow_key {
	__u8 src_addr[16];
	__u8 dst_addr[16];
	/* Programs write the two and the next three as words of 4 bytes each. */
	__u16 src_port; /* 0 for protocols without ports and for later fragments */
	__u16 dst_port;
	__u16 eth_protocol; /* ETH_P_* in host order */
	__u8 transport;     /* IANA protocol number */
	__u8 direction;     /* enum obi_iface_direction; 255 where deduplicated */
	__u32 ifindex;      /* 0 where deduplicated */
};

struct obi_flow_value {
	__u64 bytes;
	__u64 packets;
	__u32 first_ifindex; /* where the flow was seen first: only that place counts */
	__u8 first_direction;
	__u8 initiator; /* enum obi_initiator */
	__u16 pad;
};

struct obi_flow {
	struct obi_flow_key key;
	struct obi_flow_value value;
};

_Static_assert(sizeof(struct obi_flow_key) == 44, "obi_flow_key layout");
_Static_assert(sizeof(struct obi_flow_value) == 24, "obi_flow_value layout");
_Static_assert(sizeof(struct obi_flow) == 72, "obi_flow layout");

/* What the programs know of an interface, in a byte. */
enum obi_iface_flags {
	OBI_IFACE_OBSERVED = 1,
	OBI_IFACE_ETHERNET = 2, /* its packets begin with 14 bytes of Ethernet header */
	OBI_IFACE_XDP_SAID = 4, /* the broker's note: an XDP program there was warned of */
};

/* Places for those that were told of last, by index. */
#define OBI_IFACE_SLOTS 256
#define OBI_IFACE_SLOT(ifindex) ((ifindex) & (OBI_IFACE_SLOTS - 1))

/* Counters of the network tracer, of each CPU: at the beginning of its value in a per-CPU array.
 * seen = counted in flows + overflow records + lost + filtered + duplicate. */
enum obi_net_counter {
	OBI_NET_PACKETS, /* packets that the hook saw */
	OBI_NET_BYTES,
	OBI_NET_FILTERED,         /* by interface, protocol, direction or sampling */
	OBI_NET_DUPLICATE,        /* seen before at another interface */
	OBI_NET_NOT_IP,           /* ARP and the like */
	OBI_NET_OVERFLOW_PACKETS, /* did not fit the map, sent one by one */
	OBI_NET_OVERFLOW_BYTES,
	OBI_NET_LOST_PACKETS, /* neither map nor ring had room */
	OBI_NET_LOST_BYTES,
	OBI_NET_MALFORMED, /* headers cut off or absurd */
	OBI_NET_FLOWS,     /* flows begun in the map */
	OBI_NET_COUNTERS,
};

/* A record in the network ring: an overflow flow of one packet, or with packets = 0 the notice that
 * the map fills up and should be drained before its time. */

#endif
