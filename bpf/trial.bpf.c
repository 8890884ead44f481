// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Programs that are only ever loaded to see whether the kernel takes them: one for each rung
 * of the feature ladders, with the helpers that the real ones depend on.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, u64);
} trial_storage SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 2);
	__type(key, u64);
	__type(value, u64);
} trial_sockets SEC(".maps");

static __always_inline int plane(struct sock *sk)
{
	u64 *value = sk ? bpf_sk_storage_get(&trial_storage, sk, NULL, 0) : NULL;

	if (value)
		*value = bpf_task_pt_regs(bpf_get_current_task_btf()) != 0;
	return 0;
}

SEC("fexit/inet_sendmsg")
int BPF_PROG(trial_fentry, struct socket *sock, struct msghdr *msg, size_t size, int ret)
{
	return plane(sock->sk);
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(trial_tracepoint, struct sock *sk, int ret, int flags)
{
	return plane(sk);
}

SEC("kprobe/inet_sendmsg")
int BPF_KPROBE(trial_kprobe, struct socket *sock)
{
	return 0;
}

SEC("sk_msg")
int trial_sk_msg(struct sk_msg_md *msg)
{
	return SK_PASS;
}

SEC("sk_skb/stream_verdict")
int trial_verdict(struct __sk_buff *skb)
{
	return SK_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
