// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Another tool with sock_ops and a sockhash, such as accelerate local connections or watch them: it
 * takes the sockets of connections to PORT, at both ends. Of its programs a test attaches some.
 */
#include <linux/bpf.h>
/* The order of the two matters. */
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#ifndef PORT
#define PORT 18731
#endif
#define OPTION 253 /* for experiments (RFC 4727) */

/* The ends of a connection: its own first. */
struct ends {
	__u32 port, other_port; /* in host order */
};

struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 4096);
	__type(key, struct ends);
	__type(value, __u64);
} other_sockets SEC(".maps");

enum {
	TAKEN,
	REFUSED,
	MESSAGES,
	OPTIONS,
	COUNTERS
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, COUNTERS);
	__type(key, __u32);
	__type(value, __u64);
} other_counts SEC(".maps");

static __always_inline void count(__u32 what)
{
	__u64 *value = bpf_map_lookup_elem(&other_counts, &what);

	if (value)
		__sync_fetch_and_add(value, 1);
}

static __always_inline int is_established(const struct bpf_sock_ops *ops)
{
	return ops->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB ||
	       ops->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB;
}

static __always_inline int is_wanted(const struct bpf_sock_ops *ops)
{
	return bpf_ntohl(ops->remote_port) == PORT || ops->local_port == PORT;
}

SEC("sockops")
int other_take(struct bpf_sock_ops *ops)
{
	struct ends ends = { ops->local_port, bpf_ntohl(ops->remote_port) };

	if (is_established(ops) && is_wanted(ops))
		count(bpf_sock_hash_update(ops, &other_sockets, &ends, BPF_ANY) ? REFUSED : TAKEN);
	return 1;
}

/* An option in each segment that a client sends to PORT. */
SEC("sockops")
int other_options(struct bpf_sock_ops *ops)
{
	__u8 option[4] = { OPTION, 4, 'o', 't' };

	if (bpf_ntohl(ops->remote_port) != PORT)
		return 1;
	if (is_established(ops))
		bpf_sock_ops_cb_flags_set(ops, ops->bpf_sock_ops_cb_flags |
						       BPF_SOCK_OPS_WRITE_HDR_OPT_CB_FLAG);
	else if (ops->op == BPF_SOCK_OPS_HDR_OPT_LEN_CB)
		bpf_reserve_hdr_opt(ops, sizeof(option), 0);
	else if (ops->op == BPF_SOCK_OPS_WRITE_HDR_OPT_CB &&
		 !bpf_store_hdr_opt(ops, option, sizeof(option), 0))
		count(OPTIONS);
	return 1;
}

SEC("sk_msg")
int other_pass(struct sk_msg_md *msg)
{
	count(MESSAGES);
	return SK_PASS;
}

/* Past the network, into the peer's queue. */
SEC("sk_msg")
int other_redirect(struct sk_msg_md *msg)
{
	struct ends peer = { bpf_ntohl(msg->remote_port), msg->local_port };

	count(MESSAGES);
	return bpf_msg_redirect_hash(msg, &other_sockets, &peer, BPF_F_INGRESS);
}

SEC("sk_skb/stream_verdict")
int other_verdict(struct __sk_buff *skb)
{
	return SK_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
