/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* State of a connection: found, made, filled in. */
#ifndef OBI_BPF_CONN_H
#define OBI_BPF_CONN_H

#define DATAGRAMS_UNORDERED (256 * 1024) /* bytes shown of a socket until an order comes */

/* Where the state is kept: by_addr is a constant of the plane (see hooks/). */
static __always_inline struct conn_state *conn_get(struct sock *sk, bool by_addr)
{
	u64 addr = (u64)sk;

	if (by_addr)
		return bpf_map_lookup_elem(&conns_by_addr, &addr);
	return bpf_sk_storage_get(&conns, sk, NULL, 0);
}

static __always_inline void conn_forget(struct sock *sk, bool by_addr)
{
	u64 addr = (u64)sk;

	if (by_addr)
		bpf_map_delete_elem(&conns_by_addr, &addr);
	else
		bpf_sk_storage_delete(&conns, sk);
}

static __always_inline void map_ipv4(u8 *addr, __be32 ip)
{
	__builtin_memset(addr, 0, 10);
	addr[10] = 0xff;
	addr[11] = 0xff;
	__builtin_memcpy(addr + 12, &ip, sizeof(ip));
}

static __always_inline void tuple_of_sock(struct sock *sk, struct obi_tuple *ret_tuple)
{
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

	ret_tuple->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	if (family == AF_UNIX) /* it has no addresses */
		return;
	if (family == AF_INET) {
		map_ipv4(ret_tuple->local_addr, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
		map_ipv4(ret_tuple->remote_addr, BPF_CORE_READ(sk, __sk_common.skc_daddr));
	} else {
		BPF_CORE_READ_INTO(&ret_tuple->local_addr, sk,
				   __sk_common.skc_v6_rcv_saddr.in6_u.u6_addr8);
		BPF_CORE_READ_INTO(&ret_tuple->remote_addr, sk,
				   __sk_common.skc_v6_daddr.in6_u.u6_addr8);
	}
	ret_tuple->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	ret_tuple->remote_port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
}

static __always_inline bool sock_is_inet(struct sock *sk)
{
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

	return family == AF_INET || family == AF_INET6;
}

/* sk_protocol was a bit field in a 32 bit word until 5.6, so 5.10 has it plain. */
static __always_inline bool sock_is_tcp(struct sock *sk)
{
	return sock_is_inet(sk) && BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP;
}

static __noinline bool sock_is_udp(struct sock *sk)
{
	return sock_is_inet(sk) && BPF_CORE_READ(sk, sk_protocol) == IPPROTO_UDP;
}

static __noinline bool sock_is_unix_stream(struct sock *sk)
{
	return BPF_CORE_READ(sk, __sk_common.skc_family) == AF_UNIX &&
	       BPF_CORE_READ(sk, sk_type) == SOCK_STREAM;
}

/* Unique while the kernel runs: no CPU makes two in a nanosecond. The low bits spread over the
 * board's slots. */
static __always_inline u64 conn_new_id(void)
{
	return ((u64)bpf_get_smp_processor_id() << 56) ^ bpf_ktime_get_ns();
}

/* Makes the state of a connection of a selected process. The tuple of a connecting socket is
 * not known yet: it is filled in with the first message. */
static __always_inline struct conn_state *conn_create(struct sock *sk, u32 pid, u8 side,
						      bool by_addr)
{
	u64 addr = (u64)sk;
	struct conn_state *state;

	if (by_addr) {
		u32 slot = SCRATCH_STATE;
		struct scratch *blank = bpf_map_lookup_elem(&scratch, &slot);

		if (!blank)
			return NULL;
		/* head[] of this slot is never written: it stays zero. */
		bpf_map_update_elem(&conns_by_addr, &addr, (struct conn_state *)blank->head,
				    BPF_ANY);
		state = bpf_map_lookup_elem(&conns_by_addr, &addr);
	} else {
		state = bpf_sk_storage_get(&conns, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	}
	if (!state) {
		count(OBI_APP_STATE_FULL);
		return NULL;
	}
	state->id = conn_new_id();
	state->side = side;
	state->pid = pid;
	return state;
}

/* Did no bytes pass but these? Then a socket that did not connect was accepted, and all of it is
 * seen. Bytes received are read up to copied_seq (tcp(4), RFC 4898). */
static __noinline bool conn_is_fresh(struct sock *sk, u8 direction, u64 bytes)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	u64 got = BPF_CORE_READ(tp, bytes_received) -
		  (u32)(BPF_CORE_READ(tp, rcv_nxt) - BPF_CORE_READ(tp, copied_seq));
	u64 sent = BPF_CORE_READ(tp, bytes_acked) +
		   (u32)(BPF_CORE_READ(tp, write_seq) - BPF_CORE_READ(tp, snd_una));

	if (direction == OBI_RECV)
		return got == bytes && sent == 0;
	return got == 0 && sent == bytes;
}

/* Datagrams, and streams within the host. Kept by address no end would be seen of them. */
static __always_inline struct conn_state *conn_of_other(struct sock *sk, u32 pid, bool by_addr)
{
	struct conn_state *state;
	bool udp = sock_is_udp(sk);

	if (by_addr || (!udp && !sock_is_unix_stream(sk)))
		return NULL;
	state = conn_create(sk, pid, OBI_SIDE_UNKNOWN, by_addr);
	if (state && udp) {
		state->datagrams = 1;
		state->streaming = 1;
		state->limit = DATAGRAMS_UNORDERED;
	}
	return state;
}

/* The state of a socket on which a process just moved bytes, or NULL where it is not observed. It
 * may be muted. */
static __always_inline struct conn_state *conn_of_chunk(struct sock *sk, u8 direction, u64 bytes,
							bool by_addr)
{
	struct conn_state *state = conn_get(sk, by_addr);
	u32 tgid;

	if (state)
		return state;
	tgid = current_pid();
	if (!process_selected(tgid))
		return NULL;
	if (!sock_is_tcp(sk))
		return conn_of_other(sk, tgid, by_addr);
	/* Sockets that connected under our eyes have a state already. This one was accepted, or it
	 * is older than we are. */
	return conn_create(sk, tgid,
			   conn_is_fresh(sk, direction, bytes) ? OBI_SIDE_ACCEPTED
							       : OBI_SIDE_UNKNOWN,
			   by_addr);
}

#endif
