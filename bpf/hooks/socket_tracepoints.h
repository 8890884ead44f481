/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The plane of the socket layer's own tracepoints (6.3), which hardened kernels keep. They
 * fire once per call in the caller's context, after the bytes moved.
 */
#ifndef OBI_BPF_HOOKS_SOCKET_TRACEPOINTS_H
#define OBI_BPF_HOOKS_SOCKET_TRACEPOINTS_H

static __always_inline int plane_chunk(struct sock *sk, u8 direction, int bytes)
{
	u32 slot = direction == OBI_SEND ? SCRATCH_SEND : SCRATCH_RECV;
	struct conn_state *state;
	struct scratch *s;

	/* All that most of the host's sockets pay for. */
	if (bytes <= 0 || (!sk->sk_bpf_storage && !process_marked(current_pid())))
		return 0;
	state = conn_of_chunk(sk, false);
	if (!state)
		return 0;
	s = bpf_map_lookup_elem(&scratch, &slot);
	if (!s)
		return 0;
	s->bytes = bytes;
	s->could_wait = direction == OBI_RECV && !(sk->sk_socket->file->f_flags & O_NONBLOCK);
	on_chunk(sk, state, s, slot, direction, user_data_of_syscall(&s->data));
	return 0;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(tp_sock_send_length, struct sock *sk, int ret, int flags)
{
	return plane_chunk(sk, OBI_SEND, ret);
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(tp_sock_recv_length, struct sock *sk, int ret, int flags)
{
	return flags & MSG_PEEK ? 0 : plane_chunk(sk, OBI_RECV, ret);
}

/* Shared with the fentry plane. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(tp_inet_sock_set_state, struct sock *sk, int old, int new)
{
	on_set_state(sk, old, new, false);
	return 0;
}

#endif
