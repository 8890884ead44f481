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
	u32 unread; /* enum obi_unread */
	u32 flags;  /* MSG_* of a receive */
};

/* Thread -> the call it is in. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, struct call);
} calls SEC(".maps");

static __always_inline int kprobe_enter(struct socket *sock, struct msghdr *msg, u32 slot,
					int flags)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch, &slot);
	u64 thread = current_thread();
	struct call call = { 0 };

	if (!process_selected(thread >> 32) || !s)
		return 0;
	call.sk = BPF_CORE_READ(sock, sk);
	call.flags = flags;
	call.unread = OBI_UNREAD_MOVED;
	if (msg && !(flags & MSG_TRUNC)) { /* which throws away what it receives */
		s->iter = (u64)&msg->msg_iter;
		call.unread = scratch_iter(slot, 0);
		call.data = s->data;
	}
	bpf_map_update_elem(&calls, &thread, &call, BPF_ANY);
	return 0;
}

static __always_inline u32 file_flags(struct sock *sk)
{
	return BPF_CORE_READ(sk, sk_socket, file, f_flags);
}

/* Could the receive wait, and does who waited for it go on with what it got? */
static __always_inline bool call_could_wait(const struct call *call)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	return !(call->flags & MSG_DONTWAIT) && !(file_flags(call->sk) & O_NONBLOCK) &&
	       !(BPF_CORE_READ(task, flags) & PF_IO_WORKER);
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
	if (bytes > 0 && !(call->flags & MSG_PEEK)) {
		state = conn_of_chunk(call->sk, direction, bytes, true);
		s->bytes = bytes;
		s->could_wait = direction == OBI_RECV && call_could_wait(call);
		s->data = call->data;
		if (state)
			on_chunk(call->sk, state, s, slot, direction, call->unread);
	}
	bpf_map_delete_elem(&calls, &thread);
	return 0;
}

SEC("kprobe/inet_sendmsg")
int BPF_KPROBE(kprobe_inet_sendmsg, struct socket *sock, struct msghdr *msg)
{
	return kprobe_enter(sock, msg, SCRATCH_SEND, 0);
}

SEC("kretprobe/inet_sendmsg")
int BPF_KRETPROBE(kretprobe_inet_sendmsg, int ret)
{
	return kprobe_return(OBI_SEND, ret);
}

SEC("kprobe/inet6_sendmsg")
int BPF_KPROBE(kprobe_inet6_sendmsg, struct socket *sock, struct msghdr *msg)
{
	return kprobe_enter(sock, msg, SCRATCH_SEND, 0);
}

SEC("kretprobe/inet6_sendmsg")
int BPF_KRETPROBE(kretprobe_inet6_sendmsg, int ret)
{
	return kprobe_return(OBI_SEND, ret);
}

SEC("kprobe/inet_recvmsg")
int BPF_KPROBE(kprobe_inet_recvmsg, struct socket *sock, struct msghdr *msg, size_t size, int flags)
{
	return kprobe_enter(sock, msg, SCRATCH_RECV, flags);
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
	return kprobe_enter(sock, msg, SCRATCH_RECV, flags);
}

SEC("kretprobe/inet6_recvmsg")
int BPF_KRETPROBE(kretprobe_inet6_recvmsg, int ret)
{
	return kprobe_return(OBI_RECV, ret);
}

SEC("kprobe/inet_sendpage")
int BPF_KPROBE(kprobe_inet_sendpage, struct socket *sock)
{
	return kprobe_enter(sock, NULL, SCRATCH_SEND, 0);
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
