/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The kprobe plane: kprobes on the same functions, for kernels without fentry or without socket
 * storage in tracing programs (before 5.11). State is kept by address of the sock.
 * The caller's memory comes from the iov_iter at entry; the length at return.
 */
#ifndef OBI_BPF_HOOKS_KPROBE_H
#define OBI_BPF_HOOKS_KPROBE_H

struct call {
	struct sock *sk;
	struct user_data data;
	u32 readable;
	u32 peek;
};

/* Thread -> the call it is in. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, struct call);
} calls SEC(".maps");

/* include/linux/uio.h until 5.13: type = ITER_IOVEC | direction */
#define ITER_IOVEC_OLD 4

static __always_inline bool iter_is_iovec(struct iov_iter *iter)
{
	if (bpf_core_field_exists(iter->iter_type))
		return BPF_CORE_READ(iter, iter_type) == 0;
	return (BPF_CORE_READ(iter, type) & ~1u) == ITER_IOVEC_OLD;
}

static __always_inline bool user_data_of_iter(struct msghdr *msg, struct user_data *ret_data)
{
	struct iov_iter *iter = &msg->msg_iter;

	if (!bpf_core_field_exists(iter->iov) || !iter_is_iovec(iter))
		return false;
	ret_data->vec = (const struct user_iovec *)BPF_CORE_READ(iter, iov);
	ret_data->count = BPF_CORE_READ(iter, nr_segs);
	if (ret_data->count == 0 || BPF_CORE_READ(iter, iov_offset) != 0)
		return false;
	/* The kernel's copy of the vector. */
	if (bpf_probe_read_kernel(&ret_data->one, sizeof(ret_data->one), ret_data->vec))
		return false;
	ret_data->vec = NULL; /* the first segment must do: user_data_read() would read a kernel
			       * vector as user memory */
	ret_data->count = 1;
	return true;
}

static __always_inline int kprobe_enter(struct socket *sock, struct msghdr *msg, int flags)
{
	u64 thread = current_thread();
	struct call call = { 0 };

	if (!process_selected(thread >> 32))
		return 0;
	call.sk = BPF_CORE_READ(sock, sk);
	call.peek = flags & MSG_PEEK;
	call.readable = msg && user_data_of_iter(msg, &call.data);
	bpf_map_update_elem(&calls, &thread, &call, BPF_ANY);
	return 0;
}

static __always_inline u32 file_flags(struct sock *sk)
{
	return BPF_CORE_READ(sk, sk_socket, file, f_flags);
}

static __always_inline int kprobe_return(u8 direction, long bytes)
{
	u64 thread = current_thread();
	struct call *call = bpf_map_lookup_elem(&calls, &thread);
	u32 slot = direction == OBI_SEND ? SCRATCH_SEND : SCRATCH_RECV;
	struct scratch *s = bpf_map_lookup_elem(&scratch, &slot);
	struct conn_state *state;

	if (!call || !s)
		return 0;
	if (bytes > 0 && !call->peek) {
		state = conn_of_chunk(call->sk, true);
		s->bytes = bytes;
		s->could_wait = direction == OBI_RECV && !(file_flags(call->sk) & O_NONBLOCK);
		s->data = call->data;
		if (state)
			on_chunk(call->sk, state, s, slot, direction, call->readable);
	}
	bpf_map_delete_elem(&calls, &thread);
	return 0;
}

SEC("kprobe/inet_sendmsg")
int BPF_KPROBE(kprobe_inet_sendmsg, struct socket *sock, struct msghdr *msg)
{
	return kprobe_enter(sock, msg, 0);
}

SEC("kretprobe/inet_sendmsg")
int BPF_KRETPROBE(kretprobe_inet_sendmsg, int ret)
{
	return kprobe_return(OBI_SEND, ret);
}

SEC("kprobe/inet6_sendmsg")
int BPF_KPROBE(kprobe_inet6_sendmsg, struct socket *sock, struct msghdr *msg)
{
	return kprobe_enter(sock, msg, 0);
}

SEC("kretprobe/inet6_sendmsg")
int BPF_KRETPROBE(kretprobe_inet6_sendmsg, int ret)
{
	return kprobe_return(OBI_SEND, ret);
}

SEC("kprobe/inet_recvmsg")
int BPF_KPROBE(kprobe_inet_recvmsg, struct socket *sock, struct msghdr *msg, size_t size, int flags)
{
	return kprobe_enter(sock, msg, flags);
}

SEC("kretprobe/inet_recvmsg")
int BPF_KRETPROBE(kretprobe_inet_recvmsg, int ret)
{
	return kprobe_return(OBI_RECV, ret);
}

SEC("kprobe/inet6_recvmsg")
int BPF_KPROBE(kprobe_inet6_recvmsg, struct socket *sock, struct msghdr *msg, size_t size,
	       int flags)
{
	return kprobe_enter(sock, msg, flags);
}

SEC("kretprobe/inet6_recvmsg")
int BPF_KRETPROBE(kretprobe_inet6_recvmsg, int ret)
{
	return kprobe_return(OBI_RECV, ret);
}

SEC("kprobe/inet_sendpage")
int BPF_KPROBE(kprobe_inet_sendpage, struct socket *sock)
{
	return kprobe_enter(sock, NULL, 0);
}

SEC("kretprobe/inet_sendpage")
int BPF_KRETPROBE(kretprobe_inet_sendpage, ssize_t ret)
{
	return kprobe_return(OBI_SEND, ret);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(tp_inet_sock_set_state_by_addr, struct sock *sk, int old, int new)
{
	on_set_state(sk, old, new, true);
	return 0;
}

#endif
