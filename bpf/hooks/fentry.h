/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The fentry plane: fexit on the protocol's entry points below the socket layer. These are
 * called for every TCP socket, also for one in a sockhash, whose tcp_sendmsg is
 * another function.
 */
#ifndef OBI_BPF_HOOKS_FENTRY_H
#define OBI_BPF_HOOKS_FENTRY_H

static __always_inline int fexit_chunk(struct socket *sock, struct msghdr *msg, u8 direction,
				       int bytes, int flags)
{
	struct sock *sk = sock->sk;

	return sk ? plane_chunk(sk, msg, direction, bytes, flags) : 0;
}

SEC("fexit/inet_sendmsg")
int BPF_PROG(fexit_inet_sendmsg, struct socket *sock, struct msghdr *msg, size_t size, int ret)
{
	return fexit_chunk(sock, msg, OBI_SEND, ret, 0);
}

SEC("fexit/inet6_sendmsg")
int BPF_PROG(fexit_inet6_sendmsg, struct socket *sock, struct msghdr *msg, size_t size, int ret)
{
	return fexit_chunk(sock, msg, OBI_SEND, ret, 0);
}

SEC("fexit/inet_recvmsg")
int BPF_PROG(fexit_inet_recvmsg, struct socket *sock, struct msghdr *msg, size_t size, int flags,
	     int ret)
{
	return flags & MSG_PEEK ? 0 : fexit_chunk(sock, msg, OBI_RECV, ret, flags);
}

SEC("fexit/inet6_recvmsg")
int BPF_PROG(fexit_inet6_recvmsg, struct socket *sock, struct msghdr *msg, size_t size, int flags,
	     int ret)
{
	return flags & MSG_PEEK ? 0 : fexit_chunk(sock, msg, OBI_RECV, ret, flags);
}

/* sendfile and splice until 6.5 */
SEC("fexit/inet_sendpage")
int BPF_PROG(fexit_inet_sendpage, struct socket *sock, void *page, int offset, size_t size,
	     int flags, ssize_t ret)
{
	return fexit_chunk(sock, NULL, OBI_SEND, ret, 0);
}

#endif
