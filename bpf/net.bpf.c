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

#include "lib/packet.h"

/* Set before loading. */
const volatile bool first_come = true;         /* count a flow only where it was seen first */
const volatile __u32 sampling = 0;             /* one in that many packets; 0 and 1: all */
const volatile __u32 pressure = 2500;          /* flows in the map that call for a drain */
const volatile bool iface_fallback = true;     /* interfaces that are not known are observed */
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

/* Who opened a TCP connection: both ends -> did the smaller? Outlives the flows, so that those of
 * later periods know. */
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

/* Interface index -> IFACE_* of enum obi_iface_flags. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u32);
	__type(value, u8);
} interfaces SEC(".maps");

/* The same, for what was told of last at each place: OBI_IFACE_SLOT(index), flags << 32 | index. */
__u64 recent_interfaces[OBI_IFACE_SLOTS] = {};

/* IANA protocol number -> observed or not. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, u32);
	__type(value, u8);
} transports SEC(".maps");

#define PACKET_OUTGOING 4
#define TCP_SYN 0x02
#define TCP_ACK 0x10
#define E_EXIST 17
#define MAX_LINK_HEADER 64 /* Ethernet's with tags, and those of other links */

static __always_inline bool src_is_smaller(const struct obi_flow_key *key)
{
	const u64 *src = (const u64 *)key->src_addr, *dst = (const u64 *)key->dst_addr;

	if (src[0] != dst[0])
		return src[0] < dst[0];
	if (src[1] != dst[1])
		return src[1] < dst[1];
	return key->src_port < key->dst_port;
}

/* mask: all ones where the source goes first, else 0. By arithmetic: of two branches the compiler
 * makes one with a computed offset, which the verifier refuses without CAP_PERFMON. */
static __always_inline void put_ends(struct ends *ends, const struct obi_flow_key *key, u64 mask)
{
	const u64 *src = (const u64 *)key->src_addr, *dst = (const u64 *)key->dst_addr;
	u64 *first = (u64 *)ends->addr[0], *second = (u64 *)ends->addr[1];

	barrier_var(mask);
	first[0] = (src[0] & mask) | (dst[0] & ~mask);
	first[1] = (src[1] & mask) | (dst[1] & ~mask);
	second[0] = (dst[0] & mask) | (src[0] & ~mask);
	second[1] = (dst[1] & mask) | (src[1] & ~mask);
	ends->port[0] = (key->src_port & mask) | (key->dst_port & ~mask);
	ends->port[1] = (key->dst_port & mask) | (key->src_port & ~mask);
}

/* Once per flow and period. */
static __always_inline u8 find_initiator(struct net_cpu *cpu)
{
	const struct obi_flow_key *key = &cpu->flow.key;
	bool src_smaller = src_is_smaller(key);
	struct ends *ends = &cpu->ends;
	u64 *known;

	if (key->transport != IPPROTO_TCP)
		return OBI_INITIATOR_UNKNOWN;
	put_ends(ends, key, -(u64)src_smaller);
	if (cpu->tcp_flags & TCP_SYN) {
		/* SYN comes from who opens, SYN ACK from the other. */
		cpu->smaller_opened = (cpu->tcp_flags & TCP_ACK) ? !src_smaller : src_smaller;
		bpf_map_update_elem(&initiators, ends, &cpu->smaller_opened, BPF_ANY);
		return cpu->tcp_flags & TCP_ACK ? OBI_INITIATOR_DST : OBI_INITIATOR_SRC;
	}
	known = bpf_map_lookup_elem(&initiators, ends);
	if (!known)
		return OBI_INITIATOR_UNKNOWN;
	return *known == src_smaller ? OBI_INITIATOR_SRC : OBI_INITIATOR_DST;
}

/* Adds the packet to its flow, unless it was counted at another place. */
static __always_inline void flow_add(struct net_cpu *cpu, struct obi_flow_value *value)
{
	const struct obi_flow_value *packet = &cpu->flow.value;

	if (first_come && (value->first_ifindex != packet->first_ifindex ||
			   value->first_direction != packet->first_direction)) {
		count_add(cpu, OBI_NET_DUPLICATE, packet->packets);
		return;
	}
	__sync_fetch_and_add(&value->bytes, packet->bytes);
	__sync_fetch_and_add(&value->packets, packet->packets);
}

/* The flow is in the map: its place serves for the notice. */
static __always_inline void notice_pressure(struct net_cpu *cpu, u32 map)
{
	if (++fill[map & 1] < pressure || pressed)
		return;
	pressed = 1;
	cpu->flow.value.packets = 0;
	(void)bpf_ringbuf_output(&net_records, &cpu->flow, sizeof(cpu->flow), BPF_RB_FORCE_WAKEUP);
}

static __always_inline void flow_overflow(struct net_cpu *cpu)
{
	const struct obi_flow_value *packet = &cpu->flow.value;

	if (bpf_ringbuf_output(&net_records, &cpu->flow, sizeof(cpu->flow), 0)) {
		count_add(cpu, OBI_NET_LOST_PACKETS, packet->packets);
		count_add(cpu, OBI_NET_LOST_BYTES, packet->bytes);
	} else {
		count_add(cpu, OBI_NET_OVERFLOW_PACKETS, packet->packets);
		count_add(cpu, OBI_NET_OVERFLOW_BYTES, packet->bytes);
	}
}

static __always_inline void flow_begin_in(void *map, u32 index, struct net_cpu *cpu)
{
	struct obi_flow *flow = &cpu->flow;
	struct obi_flow_value *value;
	long error = bpf_map_update_elem(map, &flow->key, &flow->value, BPF_NOEXIST);

	if (!error) {
		count_add(cpu, OBI_NET_FLOWS, 1);
		notice_pressure(cpu, index);
		return;
	}
	value = error == -E_EXIST ? bpf_map_lookup_elem(map, &flow->key) : NULL;
	if (value) /* another CPU was faster */
		flow_add(cpu, value);
	else
		flow_overflow(cpu);
}

/* Once per flow and period: a function of its own, so that what each packet needs stays short. */
__noinline int flow_begin(u32 map)
{
	struct net_cpu *cpu = this_cpu();

	if (!cpu)
		return 0;
	cpu->flow.value.initiator = find_initiator(cpu);
	if (map)
		flow_begin_in(&flows_1, 1, cpu);
	else
		flow_begin_in(&flows_0, 0, cpu);
	return 0;
}

/* OBI_IFACE_* */
static __always_inline u64 iface_flags(struct net_cpu *cpu, u32 ifindex)
{
	u64 recent = recent_interfaces[OBI_IFACE_SLOT(ifindex)];
	u8 *flags;

	if ((u32)recent == ifindex)
		return recent >> 32;
	cpu->number = ifindex;
	flags = bpf_map_lookup_elem(&interfaces, &cpu->number);
	if (flags)
		return *flags;
	return iface_fallback ? OBI_IFACE_OBSERVED : 0;
}

static __always_inline bool is_wanted(struct net_cpu *cpu)
{
	u8 *wanted;

	if (sampling > 1 && bpf_get_prandom_u32() % sampling)
		return false;
	if (!filter_transports)
		return true;
	cpu->number = cpu->flow.key.transport;
	wanted = bpf_map_lookup_elem(&transports, &cpu->number);
	return wanted && *wanted;
}

/*
 * What segmentation offload cuts up becomes as many packets, and each but the first adds a copy of
 * the headers to what is there. Of a tunnel's packets the outer headers are known, no others.
 */
static __always_inline void count_segments(struct __sk_buff *skb, struct net_cpu *cpu)
{
	u64 size = skb->gso_size, segments = skb->gso_segs, len = skb->len;
	u64 headers = cpu->headers_len;

	if (!size)
		return;
	/* The IP header gives no length to what is longer than 64 KiB. */
	headers += len - cpu->network_len <= MAX_LINK_HEADER ? len - cpu->network_len : ETH_HLEN;
	if (!segments && len > headers) /* from a virtual machine: not counted yet */
		segments = (len - headers + size - 1) / size;
	if (segments < 2)
		return;
	headers -= cpu->jumbo_len;
	cpu->flow.value.packets = segments;
	cpu->flow.value.bytes += (segments - 1) * headers - cpu->jumbo_len;
}

static __always_inline void count_in(struct net_cpu *cpu)
{
	const struct obi_flow_key *key = &cpu->flow.key;
	u32 map = active;
	struct obi_flow_value *value;

	if (map)
		value = bpf_map_lookup_elem(&flows_1, key);
	else
		value = bpf_map_lookup_elem(&flows_0, key);
	if (value)
		flow_add(cpu, value);
	else
		(void)flow_begin(map);
}

static __always_inline void on_packet(struct __sk_buff *skb, u8 direction, bool segments, bool tc)
{
	struct net_cpu *cpu = this_cpu();
	struct obi_flow *flow;
	bool plain, none;
	u64 iface;

	if (!cpu)
		return;
	flow = &cpu->flow;
	flow->value.packets = 1;
	flow->value.bytes = skb->len;
	flow->value.first_ifindex = skb->ifindex;
	flow->value.first_direction = direction;
	iface = iface_flags(cpu, skb->ifindex);
	if (tc && iface & OBI_IFACE_ETHERNET)
		plain = parse_plain_directly(skb, cpu, segments);
	else
		plain = parse_plain(skb, cpu, segments);
	none = !plain && parse_packet(skb);
	if (segments && !none)
		count_segments(skb, cpu);
	count_add(cpu, OBI_NET_PACKETS, flow->value.packets);
	count_add(cpu, OBI_NET_BYTES, flow->value.bytes);
	if (none)
		return;
	if (!(iface & OBI_IFACE_OBSERVED) || !is_wanted(cpu)) {
		count_add(cpu, OBI_NET_FILTERED, flow->value.packets);
		return;
	}
	flow->key.direction = first_come ? OBI_DIRECTION_UNSET : flow->value.first_direction;
	flow->key.ifindex = first_come ? 0 : flow->value.first_ifindex;
	count_in(cpu);
}

static __always_inline void on_socket_packet(struct __sk_buff *skb, bool segments)
{
	on_packet(skb, skb->pkt_type == PACKET_OUTGOING ? OBI_EGRESS : OBI_INGRESS, segments,
		  false);
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
	on_packet(skb, OBI_INGRESS, false, true);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int tc_ingress_segments(struct __sk_buff *skb)
{
	on_packet(skb, OBI_INGRESS, true, true);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int tc_egress_flows(struct __sk_buff *skb)
{
	on_packet(skb, OBI_EGRESS, false, true);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int tc_egress_segments(struct __sk_buff *skb)
{
	on_packet(skb, OBI_EGRESS, true, true);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
