/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * From a packet to the key of its flow. Most packets are of IP without options and of TCP or UDP:
 * parse_plain() knows those, reading their headers at once. parse_packet() knows all, piece by
 * piece.
 */
#ifndef OBI_BPF_PACKET_H
#define OBI_BPF_PACKET_H

#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd
#define ETH_P_8021Q 0x8100
#define ETH_P_8021AD 0x88a8
#define BPF_HDR_START_MAC 0
#define BPF_HDR_START_NET 1
#define IPPROTO_UDP 17
#define IPPROTO_UDPLITE 136
#define IPPROTO_SCTP 132
#define IPPROTO_DCCP 33
#define IP_OFFSET_MASK 0x1fff
#define JUMBO_LEN 8 /* hop-by-hop header with one option (RFC 2675), as in BIG TCP */
#define MAX_EXTENSIONS 3
#define ETH_HLEN 14
#define ETH_TYPE 12 /* where it stands in the header */
#define TCP_DATA_OFFSET 12
#define TCP_HEAD 14 /* up to the flags (RFC 9293 section 3.1) */
#define VLAN_HLEN 4
#define MAX_TAGS 3 /* in the packet, besides the one that the card or the kernel took out of it */

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

/* Who opened a TCP connection: both ends, the smaller first. */
struct ends {
	u8 addr[2][16];
	u16 port[2];
	u32 pad;
};

/* The headers of most packets, as they follow each other: without options, extensions, fragments.
 */
struct plain_v4 {
	struct ipv4_header ip;
	u8 transport[TCP_HEAD];
};

struct plain_v6 {
	struct ipv6_header ip;
	u8 transport[TCP_HEAD];
};

#define PLAIN_V4 (sizeof(struct ipv4_header) + TCP_HEAD)
#define PLAIN_V6 (sizeof(struct ipv6_header) + TCP_HEAD)

/* What a CPU needs for the packet that it looks at, and what it has counted: user space reads the
 * counters, which begin it. */
struct net_cpu {
	u64 counters[OBI_NET_COUNTERS];
	struct obi_flow flow;
	struct ends ends;
	u64 smaller_opened;
	u64 number; /* a key of 4 bytes: on the stack it would cost a fence without CAP_PERFMON */
	u64 tcp_flags;
	u64 network_from;  /* where the IP header begins: an offset, ... */
	u64 network_start; /* ... and from where (BPF_HDR_START_*) */
	u64 network_len;   /* by the IP header; where segments count, as the next */
	u64 jumbo_len;   /* of a header that says the length of more than 64 KiB; not on the wire */
	u64 headers_len; /* from the beginning of the IP header to the end of the transport's */
	union {
		struct plain_v4 v4;
		struct plain_v6 v6;
		u8 extension[8];
		u8 transport[16];
	} head;
};

/* One packet at a time is looked at on a CPU: bottom halves are off. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct net_cpu);
} net_cpus SEC(".maps");

static __always_inline struct net_cpu *this_cpu(void)
{
	stack_key zero = 0;

	return bpf_map_lookup_elem(&net_cpus, &zero);
}

static __always_inline void count_add(struct net_cpu *cpu, enum obi_net_counter counter, u64 n)
{
	u64 *value = &cpu->counters[counter];

	/* Else of two branches with a counter each one is made, with a computed offset: the
	 * verifier refuses that without CAP_PERFMON. */
	barrier_var(value);
	*value += n;
}

/* From the beginning of the IP header. */
static __always_inline int load_net(struct __sk_buff *skb, const struct net_cpu *cpu, u32 offset,
				    void *to, u32 len)
{
	return bpf_skb_load_bytes_relative(skb, cpu->network_from + offset, to, len,
					   cpu->network_start);
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
	struct net_cpu *cpu = this_cpu();
	u64 from = ETH_HLEN;

	if (!cpu)
		return 0;
#pragma clang loop unroll(full)
	for (u32 i = 0; i < MAX_TAGS; i++) {
		u64 tagged = is_tag(cpu->flow.key.eth_protocol);

		barrier_var(tagged);
		if (!tagged)
			break;
		if (bpf_skb_load_bytes_relative(skb, from, cpu->head.extension, VLAN_HLEN,
						BPF_HDR_START_MAC))
			return 0;
		cpu->flow.key.eth_protocol = cpu->head.extension[2] << 8 | cpu->head.extension[3];
		from += VLAN_HLEN;
	}
	cpu->network_from = from;
	cpu->network_start = BPF_HDR_START_MAC;
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
	struct net_cpu *cpu = this_cpu();
	u64 offset = sizeof(struct ipv6_header), later_fragment = 0;

	if (!cpu)
		return 0;
#pragma clang loop unroll(full)
	for (u32 i = 0; i < MAX_EXTENSIONS;
	     i++) { /* unrolled: a spilled counter loses its bounds */
		u64 next = cpu->flow.key.transport, fragment;

		if (!is_extension(next))
			break;
		if (load_net(skb, cpu, offset, cpu->head.extension, sizeof(cpu->head.extension)))
			return 0;
		fragment = is_equal(next, 44);
		later_fragment |=
			fragment * (cpu->head.extension[2] | (cpu->head.extension[3] & 0xf8));
		offset += 8 + 8 * (1 - fragment) * cpu->head.extension[1];
		cpu->flow.key.transport = cpu->head.extension[0];
	}
	later_fragment = (0 - later_fragment) >> 63 ? LATER_FRAGMENT : 0;
	return offset | later_fragment;
}

/* Fills in addresses and transport; the offset of the transport header, 0 where it cannot be told.
 */
static __always_inline u64 parse_ip(struct __sk_buff *skb, struct net_cpu *cpu,
				    u64 *ret_later_fragment)
{
	struct obi_flow_key *key = &cpu->flow.key;
	u64 offset;

	if (key->eth_protocol == ETH_P_IP) {
		struct ipv4_header *ip = &cpu->head.v4.ip;

		if (load_net(skb, cpu, 0, ip, sizeof(*ip)) || ip->version_ihl >> 4 != 4)
			return 0;
		map_ipv4(key->src_addr, ip->src);
		map_ipv4(key->dst_addr, ip->dst);
		key->transport = ip->protocol;
		cpu->network_len = bpf_ntohs(ip->length);
		*ret_later_fragment = (bpf_ntohs(ip->fragment) & IP_OFFSET_MASK) != 0;
		return (ip->version_ihl & 15) * 4;
	}
	if (load_net(skb, cpu, 0, &cpu->head.v6.ip, sizeof(cpu->head.v6.ip)) ||
	    (cpu->head.v6.ip.version_class_label & 0xf0) != 0x60)
		return 0;
	__builtin_memcpy(key->src_addr, cpu->head.v6.ip.src, 16);
	__builtin_memcpy(key->dst_addr, cpu->head.v6.ip.dst, 16);
	key->transport = cpu->head.v6.ip.next_header;
	cpu->network_len = sizeof(cpu->head.v6.ip) + bpf_ntohs(cpu->head.v6.ip.length);
	cpu->jumbo_len = JUMBO_LEN * is_equal(cpu->head.v6.ip.length, 0) *
			 is_equal(cpu->head.v6.ip.next_header, 0);
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

/* Any packet, whatever stands in the flow's key. -1: not one that makes a flow, and counted as
 * such. */
__noinline int parse_packet(struct __sk_buff *skb)
{
	struct net_cpu *cpu = this_cpu();
	struct obi_flow_key *key;
	u64 later_fragment = 0;
	u64 offset;
	u8 *head;

	if (!cpu)
		return -1;
	key = &cpu->flow.key;
	head = cpu->head.transport;
	__builtin_memset(key, 0, sizeof(*key));
	key->eth_protocol = bpf_ntohs(skb->protocol);
	cpu->network_from = 0;
	cpu->network_start = BPF_HDR_START_NET;
	cpu->tcp_flags = 0;
	cpu->jumbo_len = 0;
	if (is_tag(key->eth_protocol))
		(void)skip_tags(skb);
	if (key->eth_protocol != ETH_P_IP && key->eth_protocol != ETH_P_IPV6) {
		count_add(cpu, OBI_NET_NOT_IP, 1);
		return -1;
	}
	offset = parse_ip(skb, cpu, &later_fragment);
	if (offset < sizeof(struct ipv4_header)) {
		count_add(cpu, OBI_NET_MALFORMED, 1);
		return -1;
	}
	cpu->headers_len = offset;
	if (later_fragment || !has_ports(key->transport))
		return 0;
	if (load_net(skb, cpu, offset, head, key->transport == IPPROTO_TCP ? TCP_HEAD : 4)) {
		count_add(cpu, OBI_NET_MALFORMED, 1);
		return -1;
	}
	key->src_port = head[0] << 8 | head[1];
	key->dst_port = head[2] << 8 | head[3];
	if (key->transport == IPPROTO_TCP)
		cpu->tcp_flags = head[TCP_HEAD - 1];
	cpu->headers_len += transport_header_len(key->transport, head[12]);
	return 0;
}

/* ---- Plain packets ---- */

static __always_inline u64 is_plain(u64 transport)
{
	u64 yes = is_equal(transport, IPPROTO_TCP) | is_equal(transport, IPPROTO_UDP);

	barrier_var(yes);
	return yes;
}

/*
 * What the map hashes is written in words of 4 bytes, as it is read: a load of what was written in
 * smaller pieces has to wait for them.
 */
static __always_inline void take_transport(struct net_cpu *cpu, u16 eth_protocol, u64 transport,
					   const u8 *head)
{
	struct obi_flow_key *key = &cpu->flow.key;
	u32 ports = bpf_ntohl(*(const u32 *)head);

	*(u32 *)&key->src_port = ports >> 16 | ports << 16;
	*(u32 *)&key->eth_protocol = eth_protocol | transport << 16;
	cpu->tcp_flags = head[TCP_HEAD - 1]; /* read where it is TCP */
}

/* Where segments count. */
static __always_inline void take_lengths(struct net_cpu *cpu, u64 network_len, u64 ip_len,
					 u64 transport, u64 data_offset)
{
	cpu->network_len = network_len;
	cpu->jumbo_len = 0;
	cpu->headers_len = ip_len + transport_header_len(transport, data_offset);
}

static __always_inline bool take_v4(struct net_cpu *cpu, const struct plain_v4 *head, bool lengths)
{
	struct obi_flow_key *key = &cpu->flow.key;

	if (head->ip.version_ihl != 0x45 || head->ip.fragment & bpf_htons(IP_OFFSET_MASK) ||
	    !is_plain(head->ip.protocol))
		return false;
	map_ipv4(key->src_addr, head->ip.src);
	map_ipv4(key->dst_addr, head->ip.dst);
	take_transport(cpu, ETH_P_IP, head->ip.protocol, head->transport);
	if (lengths)
		take_lengths(cpu, bpf_ntohs(head->ip.length), sizeof(head->ip), head->ip.protocol,
			     head->transport[TCP_DATA_OFFSET]);
	return true;
}

static __always_inline bool take_v6(struct net_cpu *cpu, const struct plain_v6 *head, bool lengths)
{
	struct obi_flow_key *key = &cpu->flow.key;

	if ((head->ip.version_class_label & 0xf0) != 0x60 || !is_plain(head->ip.next_header))
		return false;
	__builtin_memcpy(key->src_addr, head->ip.src, 16);
	__builtin_memcpy(key->dst_addr, head->ip.dst, 16);
	take_transport(cpu, ETH_P_IPV6, head->ip.next_header, head->transport);
	if (lengths)
		take_lengths(cpu, sizeof(head->ip) + bpf_ntohs(head->ip.length), sizeof(head->ip),
			     head->ip.next_header, head->transport[TCP_DATA_OFFSET]);
	return true;
}

/* By a copy of the headers. False: parse_packet() has to look. lengths: for counting segments. */
static __always_inline bool parse_plain(struct __sk_buff *skb, struct net_cpu *cpu, bool lengths)
{
	if (skb->protocol == bpf_htons(ETH_P_IP))
		return !bpf_skb_load_bytes_relative(skb, 0, &cpu->head.v4, PLAIN_V4,
						    BPF_HDR_START_NET) &&
		       take_v4(cpu, &cpu->head.v4, lengths);
	if (skb->protocol == bpf_htons(ETH_P_IPV6))
		return !bpf_skb_load_bytes_relative(skb, 0, &cpu->head.v6, PLAIN_V6,
						    BPF_HDR_START_NET) &&
		       take_v6(cpu, &cpu->head.v6, lengths);
	return false;
}

/* The same where they stand, of an interface whose link header is Ethernet's. tc alone may. */
static __always_inline bool parse_plain_directly(struct __sk_buff *skb, struct net_cpu *cpu,
						 bool lengths)
{
	const u8 *data = (const void *)(long)skb->data, *end = (const void *)(long)skb->data_end;
	const u8 *network = data + ETH_HLEN;

	if (skb->protocol == bpf_htons(ETH_P_IP))
		return network + PLAIN_V4 <= end &&
		       *(const u16 *)(data + ETH_TYPE) == bpf_htons(ETH_P_IP) &&
		       take_v4(cpu, (const void *)network, lengths);
	if (skb->protocol == bpf_htons(ETH_P_IPV6))
		return network + PLAIN_V6 <= end &&
		       *(const u16 *)(data + ETH_TYPE) == bpf_htons(ETH_P_IPV6) &&
		       take_v6(cpu, (const void *)network, lengths);
	return false;
}

#endif
