/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Who opened a TCP connection: told by its SYN, and remembered for both of its flows. For
 * net.bpf.c, which has the map and the scratch. */
#ifndef OBI_BPF_INITIATOR_H
#define OBI_BPF_INITIATOR_H

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
static __always_inline u8 find_initiator(struct scratch *s)
{
	const struct obi_flow_key *key = &s->flow.key;
	bool src_smaller = src_is_smaller(key);
	u16 tcp_flags = s->flow.value.tcp_flags;
	struct ends *ends = &s->ends;
	u64 *known;

	if (key->transport != IPPROTO_TCP)
		return OBI_INITIATOR_UNKNOWN;
	put_ends(ends, key, -(u64)src_smaller);
	if (tcp_flags & TCP_SYN) {
		/* SYN comes from who opens, SYN ACK from the other. */
		s->smaller_opened = (tcp_flags & TCP_ACK) ? !src_smaller : src_smaller;
		bpf_map_update_elem(&initiators, ends, &s->smaller_opened, BPF_ANY);
		return tcp_flags & TCP_ACK ? OBI_INITIATOR_DST : OBI_INITIATOR_SRC;
	}
	known = bpf_map_lookup_elem(&initiators, ends);
	if (!known)
		return OBI_INITIATOR_UNKNOWN;
	return *known == src_smaller ? OBI_INITIATOR_SRC : OBI_INITIATOR_DST;
}

#endif
