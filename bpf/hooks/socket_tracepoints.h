/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The plane of the socket layer's own tracepoints (6.3), which hardened kernels keep. They
 * fire once per call in the caller's context, after the bytes moved.
 */
#ifndef OBI_BPF_HOOKS_SOCKET_TRACEPOINTS_H
#define OBI_BPF_HOOKS_SOCKET_TRACEPOINTS_H

/* Of what a system call that is understood did not move. msg: of the call, where the hook has it.
 */
static __always_inline enum obi_unread user_data_of_others(struct sock *sk, struct msghdr *msg,
							   struct scratch *s, u32 slot,
							   enum obi_unread unread)
{
	int found;

	if (unread == OBI_UNREAD_URING)
		s->could_wait = false; /* nobody waits for it in a call */
	if (msg) {
		s->iter = (u64)&msg->msg_iter;
		found = scratch_iter(slot, s->bytes);
		return found == OBI_READ ? OBI_READ : unread;
	}
	if (unread != OBI_UNREAD_URING)
		return unread;
	s->sk = (u64)sk;
	s->socket = (u64)sk->sk_socket;
	return scratch_uring(slot);
}

static __always_inline int plane_chunk(struct sock *sk, struct msghdr *msg, u8 direction, int bytes,
				       int flags)
{
	u32 slot = direction == OBI_SEND ? SCRATCH_SEND : SCRATCH_RECV;
	struct conn_state *state;
	enum obi_unread unread;
	struct scratch *s;

	/* All that most of the host's sockets pay for. */
	if (bytes <= 0 || (!sk->sk_bpf_storage && !process_marked(current_pid())))
		return 0;
	state = conn_of_chunk(sk, direction, bytes, false);
	if (!state)
		return 0;
	if (session_may_join(state))
		(void)session_join(sk, state, slot, bytes);
	if (state->muted)
		return 0;
	s = bpf_map_lookup_elem(&scratch, &slot);
	if (!s)
		return 0;
	s->bytes = bytes;
	s->could_wait = direction == OBI_RECV && !(flags & MSG_DONTWAIT) &&
			!(sk->sk_socket->file->f_flags & O_NONBLOCK);
	unread = user_data_of_syscall(s, slot);
	if (unread == OBI_UNREAD_SEVERAL && direction == OBI_SEND)
		unread = user_data_of_several(state, s);
	if (unread > OBI_UNREAD_MOVED)
		unread = user_data_of_others(sk, msg, s, slot, unread);
	if (direction == OBI_RECV && flags & MSG_TRUNC) /* thrown away */
		unread = OBI_UNREAD_MOVED;
	on_chunk(sk, state, s, slot, direction, unread);
	return 0;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(tp_sock_send_length, struct sock *sk, int ret, int flags)
{
	return plane_chunk(sk, NULL, OBI_SEND, ret, flags);
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(tp_sock_recv_length, struct sock *sk, int ret, int flags)
{
	return flags & MSG_PEEK ? 0 : plane_chunk(sk, NULL, OBI_RECV, ret, flags);
}

/* Shared with the fentry plane. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(tp_inet_sock_set_state, struct sock *sk, int old, int new)
{
	on_set_state(sk, old, new, false);
	return 0;
}

#endif
