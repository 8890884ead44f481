// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The network tracer: counts packets into flows, in the kernel, from a packet socket's filter
 * or from tc.
 *
 * There are two flow maps, of which one is in use. The broker turns `active` over, waits until
 * no program still runs on the old map (an RCU grace period), and then reads and clears it:
 * no update is lost between reading and deleting. It does so in time and when the map is half
 * full. A packet that finds the map full goes to the ring as a flow of its own, and where
 * that is full too, it is counted as lost.
 *
 * Packets and bytes are those of the interface's own counters: what the kernel hands over in one
 * piece is one packet of skb->len bytes, also where the card cuts it up or has put it together.
 * The programs of ..._segments count as on the wire: each piece a packet, with headers of its own.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "obi/flow.h"

/* Set before loading. */
const volatile bool first_come = true;         /* count a flow only where it was seen first */
const volatile __u32 sampling = 0;             /* one in that many packets; 0 and 1: all */
const volatile __u32 pressure = 2500;          /* flows in the map that call for a drain */
const volatile bool iface_fallback = true;     /* interfaces that are not in the map are observed */
const volatile bool filter_transports = false; /* the map of transports counts */

__u32 active = 0;
__u32 fill[2] = {};
__u32 pressed = 0; /* the notice was sent */

struct flow_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 5000); /* (set) */
	__type(key, struct obi_flow_key);
	__type(value, struct obi_flow_value);
} flows_0 SEC(".maps"), flows_1 SEC(".maps");

/* Who opened a TCP connection: both ends, the smaller first -> did the smaller? Outlives the flows,
 * so that those of later periods know. */
struct ends {
	u8 addr[2][16];
	u16 port[2];
	u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 10000); /* (set) */
	__type(key, struct ends);
	__type(value, u64);
} initiators SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} net_records SEC(".maps");

/* Interface index -> OBI_IFACE_*. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, u32);
	__type(value, u8);
} interfaces SEC(".maps");

/* IANA protocol number -> observed or not. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, u32);
	__type(value, u8);
} transports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, OBI_NET_COUNTERS);
	__type(key, u32);
	__type(value, u64);
} net_counters SEC(".maps");

#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd
#define ETH_P_8021Q 0x8100
#define ETH_P_8021AD 0x88a8
#define PACKET_OUTGOING 4
#define BPF_HDR_START_MAC 0
#define BPF_HDR_START_NET 1
#define IPPROTO_UDP 17
#define IPPROTO_UDPLITE 136
#define IPPROTO_SCTP 132
#define IPPROTO_DCCP 33
#define IP_OFFSET_MASK 0x1fff
#define TCP_SYN 0x02
#define TCP_ACK 0x10
#define E_EXIST 17
#define JUMBO_LEN 8 /* hop-by-hop header with one option (RFC 2675), as in BIG TCP */
#define MAX_EXTENSIONS 3
#define ETH_HLEN 14
#define VLAN_HLEN 4
#define MAX_TAGS 3 /* in the packet, besides the one that the card or the kernel took out of it */
#define MAX_LINK_HEADER 64 /* Ethernet's with tags, and those of other links */

struct ipv4_header { /* RFC 791 section 3.1 */
	u8 version_ihl, tos;
	u16 length, id, fragment;
	u8 ttl, protocol;
	u16 checksum;
	u32 src, dst;
};

struct ipv6_header {             /* RFC 8200 section 3 */
	u32 version_class_label; /* the version in its first byte */
	u16 length;
	u8 next_header, hop_limit;
	u8 src[16], dst[16];
};

/*
 * Without CAP_PERFMON the verifier of kernels up to 6.1 refuses to write less than 8 bytes to a
 * place of the stack that once held a register. So keys of 4 bytes are written as 8
 * (little-endian), and whatever is larger lives in a map.
 */
typedef u64 stack_key;

struct scratch {
	struct obi_flow flow;
	u32 pad;
	struct ends ends;
	u64 smaller_opened;
	u64 network_from;  /* where the IP header begins: an offset, ... */
	u64 network_start; /* ... and from where (BPF_HDR_START_*) */
	u64 network_len;   /* by the IP header; where segments count, as the next */
	u64 jumbo_len;   /* of a header that says the length of more than 64 KiB; not on the wire */
	u64 headers_len; /* from the beginning of the IP header to the end of the transport's */
	union {
		struct ipv4_header v4;
		struct ipv6_header v6;
		u8 extension[8];
		u8 transport[16];
	} head;
};

/* One packet at a time is looked at on a CPU: bottom halves are off. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct scratch);
} net_scratch SEC(".maps");

static __always_inline void count_add(enum obi_net_counter counter, u64 n)
{
	stack_key key = counter;
	u64 *value = bpf_map_lookup_elem(&net_counters, &key);

	if (value)
		*value += n;
}

/* From the beginning of the IP header. */
static __always_inline int load_net(struct __sk_buff *skb, const struct scratch *s, u32 offset,
				    void *to, u32 len)
{
	return bpf_skb_load_bytes_relative(skb, s->network_from + offset, to, len,
					   s->network_start);
}

static __always_inline void map_ipv4(u8 *addr, u32 ip)
{
	((u64 *)addr)[0] = 0;
	*(u32 *)(addr + 8) = bpf_htonl(0xffff);
	*(u32 *)(addr + 12) = ip;
}

#define LATER_FRAGMENT (1u << 16)

/* Small numbers compared by arithmetic: without CAP_PERFMON the verifier also follows the wrong way
 * of each branch, and gives up when there are too many. */
static __always_inline u64 is_equal(u64 a, u64 b)
{
	u64 differs = a ^ b;

	barrier_var(differs);
	return (differs - 1) >> 63;
}

static __always_inline u64 is_tag(u64 protocol)
{
	return is_equal(protocol, ETH_P_8021Q) | is_equal(protocol, ETH_P_8021AD);
}

/*
 * Goes over the VLAN tags that stand in the packet (IEEE 802.1Q, also several): the network header
 * that the kernel knows begins with the first of them on the way in, and behind all on the way out.
 * Leaves the protocol behind them in the flow's key.
 */
__noinline int skip_tags(struct __sk_buff *skb)
{
	stack_key zero = 0;
	struct scratch *s = bpf_map_lookup_elem(&net_scratch, &zero);
	u64 from = ETH_HLEN;

	if (!s)
		return 0;
#pragma clang loop unroll(full)
	for (u32 i = 0; i < MAX_TAGS; i++) {
		u64 tagged = is_tag(s->flow.key.eth_protocol);

		barrier_var(tagged);
		if (!tagged)
			break;
		if (bpf_skb_load_bytes_relative(skb, from, s->head.extension, VLAN_HLEN,
						BPF_HDR_START_MAC))
			return 0;
		s->flow.key.eth_protocol = s->head.extension[2] << 8 | s->head.extension[3];
		from += VLAN_HLEN;
	}
	s->network_from = from;
	s->network_start = BPF_HDR_START_MAC;
	return 0;
}

/* hop-by-hop, routing, fragment, destination options, mobility */
static __always_inline bool is_extension(u64 next)
{
	u64 yes = is_equal(next, 0) | is_equal(next, 43) | is_equal(next, 44) | is_equal(next, 60) |
		  is_equal(next, 135);

	barrier_var(yes);
	return yes;
}

/*
 * IPv6 extension headers (RFC 8200 section 4): all but the fragment header have their length in
 * units of 8 bytes in the second byte. Returns the offset of what follows, 0 where it cannot be
 * told, with LATER_FRAGMENT. A global function: looked at by itself, not once for each way to it.
 */
__noinline int skip_extensions(struct __sk_buff *skb)
{
	stack_key zero = 0;
	struct scratch *s = bpf_map_lookup_elem(&net_scratch, &zero);
	u64 offset = sizeof(struct ipv6_header), later_fragment = 0;

	if (!s)
		return 0;
#pragma clang loop unroll(full)
	for (u32 i = 0; i < MAX_EXTENSIONS;
	     i++) { /* unrolled: a spilled counter loses its bounds */
		u64 next = s->flow.key.transport, fragment;

		if (!is_extension(next))
			break;
		if (load_net(skb, s, offset, s->head.extension, sizeof(s->head.extension)))
			return 0;
		fragment = is_equal(next, 44);
		later_fragment |= fragment * (s->head.extension[2] | (s->head.extension[3] & 0xf8));
		offset += 8 + 8 * (1 - fragment) * s->head.extension[1];
		s->flow.key.transport = s->head.extension[0];
	}
	later_fragment = (0 - later_fragment) >> 63 ? LATER_FRAGMENT : 0;
	return offset | later_fragment;
}

/* Fills in addresses and transport; the offset of the transport header, 0 where it cannot be told.
 */
static __always_inline u64 parse_ip(struct __sk_buff *skb, struct scratch *s, bool segments,
				    u64 *ret_later_fragment)
{
	struct obi_flow_key *key = &s->flow.key;
	u64 offset;

	if (key->eth_protocol == ETH_P_IP) {
		struct ipv4_header *ip = &s->head.v4;

		if (load_net(skb, s, 0, ip, sizeof(*ip)) || ip->version_ihl >> 4 != 4)
			return 0;
		map_ipv4(key->src_addr, ip->src);
		map_ipv4(key->dst_addr, ip->dst);
		key->transport = ip->protocol;
		if (segments)
			s->network_len = bpf_ntohs(ip->length);
		*ret_later_fragment = (bpf_ntohs(ip->fragment) & IP_OFFSET_MASK) != 0;
		return (ip->version_ihl & 15) * 4;
	}
	if (load_net(skb, s, 0, &s->head.v6, sizeof(s->head.v6)) ||
	    (s->head.v6.version_class_label & 0xf0) != 0x60)
		return 0;
	__builtin_memcpy(key->src_addr, s->head.v6.src, 16);
	__builtin_memcpy(key->dst_addr, s->head.v6.dst, 16);
	key->transport = s->head.v6.next_header;
	if (segments) {
		s->network_len = sizeof(s->head.v6) + bpf_ntohs(s->head.v6.length);
		s->jumbo_len = JUMBO_LEN * is_equal(s->head.v6.length, 0) *
			       is_equal(s->head.v6.next_header, 0);
	}
	offset = skip_extensions(skb);
	*ret_later_fragment = offset & LATER_FRAGMENT;
	return offset & 0xffff;
}

static __always_inline bool has_ports(u64 transport)
{
	u64 yes = is_equal(transport, IPPROTO_TCP) | is_equal(transport, IPPROTO_UDP) |
		  is_equal(transport, IPPROTO_SCTP) | is_equal(transport, IPPROTO_DCCP) |
		  is_equal(transport, IPPROTO_UDPLITE);

	barrier_var(yes);
	return yes;
}

/* The protocols that segmentation offload knows. data_offset: byte 12 of a TCP header. */
static __always_inline u64 transport_header_len(u64 transport, u64 data_offset)
{
	if (transport == IPPROTO_TCP)
		return data_offset >> 4 << 2;
	return transport == IPPROTO_SCTP ? 12 : 8;
}

/* -1: not a packet that makes a flow. */
static __always_inline int parse_packet(struct __sk_buff *skb, struct scratch *s, bool segments)
{
	struct obi_flow_key *key = &s->flow.key;
	u8 *head = s->head.transport;
	u64 later_fragment = 0;
	u64 offset;

	key->eth_protocol = bpf_ntohs(skb->protocol);
	s->network_from = 0;
	s->network_start = BPF_HDR_START_NET;
	if (segments)
		s->jumbo_len = 0;
	if (is_tag(key->eth_protocol))
		(void)skip_tags(skb);
	if (key->eth_protocol != ETH_P_IP && key->eth_protocol != ETH_P_IPV6) {
		count_add(OBI_NET_NOT_IP, 1);
		return -1;
	}
	offset = parse_ip(skb, s, segments, &later_fragment);
	if (offset < sizeof(struct ipv4_header)) {
		count_add(OBI_NET_MALFORMED, 1);
		return -1;
	}
	if (segments)
		s->headers_len = offset;
	if (later_fragment || !has_ports(key->transport))
		return 0;
	/* Up to the flags of TCP (RFC 9293 section 3.1). */
	if (load_net(skb, s, offset, head, key->transport == IPPROTO_TCP ? 14 : 4)) {
		count_add(OBI_NET_MALFORMED, 1);
		return -1;
	}
	key->src_port = head[0] << 8 | head[1];
	key->dst_port = head[2] << 8 | head[3];
	if (key->transport == IPPROTO_TCP)
		s->flow.value.tcp_flags = head[13];
	if (segments)
		s->headers_len += transport_header_len(key->transport, head[12]);
	return 0;
}

#include "lib/initiator.h"

/* Adds the packet to its flow, unless it was counted at another place. */
static __always_inline void flow_add(struct obi_flow_value *value, const struct obi_flow *packet)
{
	if (first_come && (value->first_ifindex != packet->value.first_ifindex ||
			   value->first_direction != packet->value.first_direction)) {
		count_add(OBI_NET_DUPLICATE, packet->value.packets);
		return;
	}
	__sync_fetch_and_add(&value->bytes, packet->value.bytes);
	__sync_fetch_and_add(&value->packets, packet->value.packets);
	value->last_ns = packet->value.last_ns;
	value->tcp_flags |= packet->value.tcp_flags;
}

/* The flow is in the map: its scratch serves for the notice. */
static __always_inline void notice_pressure(struct scratch *s, u32 map)
{
	if (++fill[map & 1] < pressure || pressed)
		return;
	pressed = 1;
	s->flow.value.packets = 0;
	(void)bpf_ringbuf_output(&net_records, &s->flow, sizeof(s->flow), BPF_RB_FORCE_WAKEUP);
}

static __always_inline void flow_overflow(const struct obi_flow *flow)
{
	if (bpf_ringbuf_output(&net_records, (void *)flow, sizeof(*flow), 0)) {
		count_add(OBI_NET_LOST_PACKETS, flow->value.packets);
		count_add(OBI_NET_LOST_BYTES, flow->value.bytes);
	} else {
		count_add(OBI_NET_OVERFLOW_PACKETS, flow->value.packets);
		count_add(OBI_NET_OVERFLOW_BYTES, flow->value.bytes);
	}
}

static __always_inline void flow_begin(void *map, u32 index, struct scratch *s)
{
	struct obi_flow *flow = &s->flow;
	struct obi_flow_value *value;
	long error;

	flow->value.first_ns = flow->value.last_ns;
	flow->value.initiator = find_initiator(s);
	error = bpf_map_update_elem(map, &flow->key, &flow->value, BPF_NOEXIST);
	if (!error) {
		count_add(OBI_NET_FLOWS, 1);
		notice_pressure(s, index);
		return;
	}
	if (error != -E_EXIST) {
		flow_overflow(flow);
		return;
	}
	value = bpf_map_lookup_elem(map, &flow->key); /* another CPU was faster */
	if (value)
		flow_add(value, flow);
	else
		flow_overflow(flow);
}

static __always_inline bool observed(u32 ifindex, u8 transport)
{
	stack_key iface = ifindex, number = transport;
	u8 *allowed;

	if (sampling > 1 && bpf_get_prandom_u32() % sampling)
		return false;
	if (filter_transports) {
		allowed = bpf_map_lookup_elem(&transports, &number);
		if (!allowed || !*allowed)
			return false;
	}
	allowed = bpf_map_lookup_elem(&interfaces, &iface);
	return allowed ? *allowed & OBI_IFACE_OBSERVED : iface_fallback;
}

static __always_inline void count_in(void *map, u32 index, struct scratch *s)
{
	struct obi_flow_value *value = bpf_map_lookup_elem(map, &s->flow.key);

	if (value)
		flow_add(value, &s->flow);
	else
		flow_begin(map, index, s);
}

/*
 * What segmentation offload cuts up becomes as many packets, and each but the first adds a copy of
 * the headers to what is there. Of a tunnel's packets the outer headers are known, no others.
 */
static __always_inline void count_segments(struct __sk_buff *skb, struct scratch *s)
{
	u64 size = skb->gso_size, segments = skb->gso_segs, len = skb->len;
	u64 headers = s->headers_len;

	if (!size)
		return;
	/* The IP header gives no length to what is longer than 64 KiB. */
	headers += len - s->network_len <= MAX_LINK_HEADER ? len - s->network_len : ETH_HLEN;
	if (!segments && len > headers) /* from a virtual machine: not counted yet */
		segments = (len - headers + size - 1) / size;
	if (segments < 2)
		return;
	headers -= s->jumbo_len;
	s->flow.value.packets = segments;
	s->flow.value.bytes += (segments - 1) * headers - s->jumbo_len;
}

static __always_inline void on_packet(struct __sk_buff *skb, u8 direction, bool segments)
{
	stack_key zero = 0;
	struct scratch *s = bpf_map_lookup_elem(&net_scratch, &zero);
	struct obi_flow *flow;
	int none;

	if (!s)
		return;
	flow = &s->flow;
	__builtin_memset(flow, 0, sizeof(*flow));
	flow->value.packets = 1;
	flow->value.bytes = skb->len;
	none = parse_packet(skb, s, segments);
	if (segments && !none)
		count_segments(skb, s);
	count_add(OBI_NET_PACKETS, flow->value.packets);
	count_add(OBI_NET_BYTES, flow->value.bytes);
	if (none)
		return;
	if (!observed(skb->ifindex, flow->key.transport)) {
		count_add(OBI_NET_FILTERED, flow->value.packets);
		return;
	}
	flow->value.first_ifindex = skb->ifindex;
	flow->value.first_direction = direction;
	flow->value.last_ns = bpf_ktime_get_ns();
	flow->key.direction = first_come ? OBI_DIRECTION_UNSET : direction;
	flow->key.ifindex = first_come ? 0 : skb->ifindex;
	if (active)
		count_in(&flows_1, 1, s);
	else
		count_in(&flows_0, 0, s);
}

static __always_inline void on_socket_packet(struct __sk_buff *skb, bool segments)
{
	on_packet(skb, skb->pkt_type == PACKET_OUTGOING ? OBI_EGRESS : OBI_INGRESS, segments);
}

/* The packet itself is not wanted: the socket receives nothing. */
SEC("socket")
int socket_flows(struct __sk_buff *skb)
{
	on_socket_packet(skb, false);
	return 0;
}

SEC("socket")
int socket_segments(struct __sk_buff *skb)
{
	on_socket_packet(skb, true);
	return 0;
}

#define TC_ACT_UNSPEC (-1) /* the next filter decides; TCX_NEXT is the same */

SEC("tc")
int tc_ingress_flows(struct __sk_buff *skb)
{
	on_packet(skb, OBI_INGRESS, false);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int tc_ingress_segments(struct __sk_buff *skb)
{
	on_packet(skb, OBI_INGRESS, true);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int tc_egress_flows(struct __sk_buff *skb)
{
	on_packet(skb, OBI_EGRESS, false);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int tc_egress_segments(struct __sk_buff *skb)
{
	on_packet(skb, OBI_EGRESS, true);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
