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
	__type(value, u8);
} initiators SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} net_records SEC(".maps");

/* Interface index -> observed or not. */
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
#define PACKET_OUTGOING 4
#define BPF_HDR_START_NET 1
#define IPPROTO_UDP 17
#define IPPROTO_UDPLITE 136
#define IPPROTO_SCTP 132
#define IPPROTO_DCCP 33
#define IP_OFFSET_MASK 0x1fff
#define TCP_SYN 0x02
#define TCP_ACK 0x10
#define E_EXIST 17

struct ipv4_header { /* RFC 791 section 3.1 */
	u8 version_ihl, tos;
	u16 length, id, fragment;
	u8 ttl, protocol;
	u16 checksum;
	u32 src, dst;
};

struct ipv6_header { /* RFC 8200 section 3 */
	u32 version_class_label;
	u16 length;
	u8 next_header, hop_limit;
	u8 src[16], dst[16];
};

static __always_inline void count_add(enum obi_net_counter counter, u64 n)
{
	u32 key = counter;
	u64 *value = bpf_map_lookup_elem(&net_counters, &key);

	if (value)
		*value += n;
}

static __always_inline u64 now_ns(void)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_ktime_get_coarse_ns))
		return bpf_ktime_get_coarse_ns();
	return bpf_ktime_get_ns();
}

static __always_inline int load_net(struct __sk_buff *skb, u32 offset, void *to, u32 len)
{
	return bpf_skb_load_bytes_relative(skb, offset, to, len, BPF_HDR_START_NET);
}

static __always_inline void map_ipv4(u8 *addr, u32 ip)
{
	((u64 *)addr)[0] = 0;
	*(u32 *)(addr + 8) = bpf_htonl(0xffff);
	*(u32 *)(addr + 12) = ip;
}

/* IPv6 extension headers (RFC 8200 section 4): all but the fragment header have their length in
 * units of 8 bytes in the second byte. Returns the offset of what follows, or 0. */
static __always_inline u32 skip_extensions(struct __sk_buff *skb, u8 *transport,
					   bool *ret_later_fragment)
{
	u32 offset = sizeof(struct ipv6_header);
	u8 head[8] = {};

	for (u32 i = 0; i < 6; i++) {
		switch (*transport) {
		case 0:   /* hop-by-hop */
		case 43:  /* routing */
		case 60:  /* destination options */
		case 44:  /* fragment */
		case 135: /* mobility */
			break;
		default:
			return offset;
		}
		if (load_net(skb, offset, head, sizeof(head)))
			return 0;
		if (*transport == 44) {
			*ret_later_fragment |= head[2] || (head[3] & 0xf8);
			offset += 8;
		} else {
			offset += 8 + 8 * head[1];
		}
		*transport = head[0];
	}
	return offset;
}

/* Fills in addresses and transport; the offset of the transport header, 0 where it cannot be told.
 */
static __always_inline u32 parse_ip(struct __sk_buff *skb, struct obi_flow_key *key,
				    bool *ret_later_fragment)
{
	union {
		struct ipv4_header v4;
		struct ipv6_header v6;
	} ip = {};

	if (key->eth_protocol == ETH_P_IP) {
		if (load_net(skb, 0, &ip.v4, sizeof(ip.v4)))
			return 0;
		map_ipv4(key->src_addr, ip.v4.src);
		map_ipv4(key->dst_addr, ip.v4.dst);
		key->transport = ip.v4.protocol;
		*ret_later_fragment = (bpf_ntohs(ip.v4.fragment) & IP_OFFSET_MASK) != 0;
		return (ip.v4.version_ihl & 15) * 4;
	}
	if (load_net(skb, 0, &ip.v6, sizeof(ip.v6)))
		return 0;
	__builtin_memcpy(key->src_addr, ip.v6.src, 16);
	__builtin_memcpy(key->dst_addr, ip.v6.dst, 16);
	key->transport = ip.v6.next_header;
	return skip_extensions(skb, &key->transport, ret_later_fragment);
}

static __always_inline bool has_ports(u8 transport)
{
	return transport == IPPROTO_TCP || transport == IPPROTO_UDP || transport == IPPROTO_SCTP ||
	       transport == IPPROTO_DCCP || transport == IPPROTO_UDPLITE;
}

/* -1: not a packet that makes a flow. */
static __always_inline int parse_packet(struct __sk_buff *skb, struct obi_flow_key *key,
					u16 *ret_tcp_flags)
{
	bool later_fragment = false;
	u8 head[14] = {}; /* up to the flags of TCP (RFC 9293 section 3.1) */
	u32 offset;

	key->eth_protocol = bpf_ntohs(skb->protocol);
	if (key->eth_protocol != ETH_P_IP && key->eth_protocol != ETH_P_IPV6) {
		count_add(OBI_NET_NOT_IP, 1);
		return -1;
	}
	offset = parse_ip(skb, key, &later_fragment);
	if (offset < sizeof(struct ipv4_header)) {
		count_add(OBI_NET_MALFORMED, 1);
		return -1;
	}
	if (later_fragment || !has_ports(key->transport))
		return 0;
	if (load_net(skb, offset, head, key->transport == IPPROTO_TCP ? 14 : 4)) {
		count_add(OBI_NET_MALFORMED, 1);
		return -1;
	}
	key->src_port = head[0] << 8 | head[1];
	key->dst_port = head[2] << 8 | head[3];
	if (key->transport == IPPROTO_TCP)
		*ret_tcp_flags = head[13];
	return 0;
}

static __always_inline bool src_is_smaller(const struct obi_flow_key *key)
{
	const u64 *src = (const u64 *)key->src_addr, *dst = (const u64 *)key->dst_addr;

	if (src[0] != dst[0])
		return src[0] < dst[0];
	if (src[1] != dst[1])
		return src[1] < dst[1];
	return key->src_port < key->dst_port;
}

/* Once per flow and period. */
static __always_inline u8 find_initiator(const struct obi_flow_key *key, u16 tcp_flags)
{
	bool src_smaller = src_is_smaller(key);
	struct ends ends = {};
	u8 smaller_opened, *known;

	if (key->transport != IPPROTO_TCP)
		return OBI_INITIATOR_UNKNOWN;
	if (src_smaller) {
		__builtin_memcpy(ends.addr[0], key->src_addr, 16);
		__builtin_memcpy(ends.addr[1], key->dst_addr, 16);
		ends.port[0] = key->src_port;
		ends.port[1] = key->dst_port;
	} else {
		__builtin_memcpy(ends.addr[0], key->dst_addr, 16);
		__builtin_memcpy(ends.addr[1], key->src_addr, 16);
		ends.port[0] = key->dst_port;
		ends.port[1] = key->src_port;
	}
	if (tcp_flags & TCP_SYN) {
		/* SYN comes from who opens, SYN ACK from the other. */
		smaller_opened = (tcp_flags & TCP_ACK) ? !src_smaller : src_smaller;
		bpf_map_update_elem(&initiators, &ends, &smaller_opened, BPF_ANY);
		return tcp_flags & TCP_ACK ? OBI_INITIATOR_DST : OBI_INITIATOR_SRC;
	}
	known = bpf_map_lookup_elem(&initiators, &ends);
	if (!known)
		return OBI_INITIATOR_UNKNOWN;
	return *known == src_smaller ? OBI_INITIATOR_SRC : OBI_INITIATOR_DST;
}

static __always_inline void flow_add(struct obi_flow_value *value, u64 bytes, u64 packets, u64 now,
				     u16 tcp_flags)
{
	__sync_fetch_and_add(&value->bytes, bytes);
	__sync_fetch_and_add(&value->packets, packets);
	value->last_ns = now;
	value->tcp_flags |= tcp_flags;
}

/* true where the packet was counted elsewhere */
static __always_inline bool seen_elsewhere(const struct obi_flow_value *value, u32 ifindex,
					   u8 direction, u64 packets)
{
	if (!first_come || (value->first_ifindex == ifindex && value->first_direction == direction))
		return false;
	count_add(OBI_NET_DUPLICATE, packets);
	return true;
}

static __always_inline void notice_pressure(u32 map)
{
	struct obi_flow notice = {};

	if (++fill[map & 1] < pressure || pressed)
		return;
	pressed = 1;
	(void)bpf_ringbuf_output(&net_records, &notice, sizeof(notice), BPF_RB_FORCE_WAKEUP);
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

static __always_inline void flow_begin(void *map, u32 index, struct obi_flow *flow, u32 ifindex,
				       u8 direction, u16 tcp_flags)
{
	struct obi_flow_value *value;
	long error;

	flow->value.first_ns = flow->value.last_ns;
	flow->value.first_ifindex = ifindex;
	flow->value.first_direction = direction;
	flow->value.tcp_flags = tcp_flags;
	flow->value.initiator = find_initiator(&flow->key, tcp_flags);
	error = bpf_map_update_elem(map, &flow->key, &flow->value, BPF_NOEXIST);
	if (!error) {
		count_add(OBI_NET_FLOWS, 1);
		notice_pressure(index);
		return;
	}
	if (error != -E_EXIST) {
		flow_overflow(flow);
		return;
	}
	value = bpf_map_lookup_elem(map, &flow->key); /* another CPU was faster */
	if (!value)
		flow_overflow(flow);
	else if (!seen_elsewhere(value, ifindex, direction, flow->value.packets))
		flow_add(value, flow->value.bytes, flow->value.packets, flow->value.last_ns,
			 tcp_flags);
}

static __always_inline bool observed(u32 ifindex, u8 transport)
{
	u32 key = transport;
	u8 *allowed;

	if (sampling > 1 && bpf_get_prandom_u32() % sampling)
		return false;
	if (filter_transports) {
		allowed = bpf_map_lookup_elem(&transports, &key);
		if (!allowed || !*allowed)
			return false;
	}
	allowed = bpf_map_lookup_elem(&interfaces, &ifindex);
	return allowed ? *allowed : iface_fallback;
}

static __always_inline void count_in(void *map, u32 index, struct obi_flow *flow, u32 ifindex,
				     u8 direction, u16 tcp_flags)
{
	struct obi_flow_value *value = bpf_map_lookup_elem(map, &flow->key);

	if (!value)
		flow_begin(map, index, flow, ifindex, direction, tcp_flags);
	else if (!seen_elsewhere(value, ifindex, direction, flow->value.packets))
		flow_add(value, flow->value.bytes, flow->value.packets, flow->value.last_ns,
			 tcp_flags);
}

static __always_inline void on_packet(struct __sk_buff *skb, u8 direction)
{
	struct obi_flow flow = {};
	u32 ifindex = skb->ifindex;
	u16 tcp_flags = 0;

	/* A packet that segmentation offload will cut up counts as its pieces. */
	flow.value.packets = skb->gso_segs ? skb->gso_segs : 1;
	flow.value.bytes = skb->len;
	count_add(OBI_NET_PACKETS, flow.value.packets);
	count_add(OBI_NET_BYTES, flow.value.bytes);
	if (parse_packet(skb, &flow.key, &tcp_flags))
		return;
	if (!observed(ifindex, flow.key.transport)) {
		count_add(OBI_NET_FILTERED, flow.value.packets);
		return;
	}
	flow.key.direction = first_come ? OBI_DIRECTION_UNSET : direction;
	flow.key.ifindex = first_come ? 0 : ifindex;
	flow.value.last_ns = now_ns();
	if (active)
		count_in(&flows_1, 1, &flow, ifindex, direction, tcp_flags);
	else
		count_in(&flows_0, 0, &flow, ifindex, direction, tcp_flags);
}

/* The packet itself is not wanted: the socket receives nothing. */
SEC("socket")
int socket_flows(struct __sk_buff *skb)
{
	on_packet(skb, skb->pkt_type == PACKET_OUTGOING ? OBI_EGRESS : OBI_INGRESS);
	return 0;
}

#define TC_ACT_UNSPEC (-1) /* the next filter decides; TCX_NEXT is the same */

SEC("tc")
int tc_ingress_flows(struct __sk_buff *skb)
{
	on_packet(skb, OBI_INGRESS);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int tc_egress_flows(struct __sk_buff *skb)
{
	on_packet(skb, OBI_EGRESS);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
