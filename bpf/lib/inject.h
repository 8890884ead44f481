/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Writes a traceparent header into plaintext HTTP/1 requests of selected processes.
 *
 * Only sockets that a selected process connected enter the sockhash, so no other socket is
 * touched. A message is edited only where it begins right after the connection was opened or
 * the peer answered, its head is complete within SCAN_MAX bytes, and its first line ends in
 * HTTP/1.1 or HTTP/1.0. The edit is all or nothing.
 */
#ifndef OBI_BPF_INJECT_H
#define OBI_BPF_INJECT_H

#define SCAN_MAX 2048
/* "Traceparent: 00-" + 32 + "-" + 16 + "-01\r\n" */
#define HEADER_LEN 70

struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 16384); /* (set) */
	__type(key, u64);
	__type(value, u64);
} inject_sockets SEC(".maps");

bool releasing = false; /* set by the loader before it goes */

/* Has the application read all that came? Bytes hang on the map's state (psock) until then. */
static __always_inline bool all_is_read(struct bpf_sock *sk)
{
	struct sock *full = (struct sock *)bpf_skc_to_tcp_sock(sk);
	struct sk_psock *psock;

	if (!full)
		return false;
	/* The low bits are flags (include/net/sock.h, SK_USER_DATA_PTRMASK). */
	psock = (struct sk_psock *)((u64)BPF_CORE_READ(full, sk_user_data) & ~7ULL);
	return psock && BPF_CORE_READ(psock, ingress_msg.next) == &psock->ingress_msg &&
	       BPF_CORE_READ(psock, ingress_skb.qlen) == 0;
}

/*
 * When the map goes away, what a socket in it has received and its application not yet read goes
 * with it, and the connection is broken, where a verdict program is needed. So before that the
 * sockets leave one by one, here, with the socket locked and nothing waiting.
 */
static __always_inline int release_socket(struct bpf_sock_ops *ops)
{
	struct bpf_sock *sk = ops->sk;
	u64 cookie;

	if (!releasing || !sk || !all_is_read(sk))
		return 1;
	cookie = bpf_get_socket_cookie(ops);
	bpf_map_delete_elem(&inject_sockets, &cookie);
	return 1;
}

/* A connection of a selected process is up: it alone is marked by a state made at connect(2). */
SEC("sockops")
int inject_established(struct bpf_sock_ops *ops)
{
	struct conn_state *state;
	struct bpf_sock *sk;
	u64 cookie;

	if (ops->op == BPF_SOCK_OPS_RTT_CB)
		return release_socket(ops);
	if (ops->op != BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB || releasing)
		return 1;
	sk = ops->sk;
	if (!sk)
		return 1;
	state = bpf_sk_storage_get(&conns, sk, NULL, 0);
	if (!state || state->side != OBI_SIDE_CONNECTED)
		return 1;
	cookie = bpf_get_socket_cookie(ops);
	if (bpf_sock_hash_update(ops, &inject_sockets, &cookie, BPF_NOEXIST))
		return 1;
	if (release_by_ack)
		bpf_sock_ops_cb_flags_set(ops,
					  ops->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_RTT_CB_FLAG);
	return 1;
}

struct scan {
	struct sk_msg_md *msg;
	struct conn_state *state;
};

/* One byte of the head; 1 ends the loop. */
static long scan_byte(u32 i, struct scan *scan)
{
	struct conn_state *state = scan->state;
	const u8 *data = scan->msg->data, *end = scan->msg->data_end;
	const u8 *p;

	if (i >= SCAN_MAX)
		return 1;
	p = data + i;
	if (p + 3 > end)
		return 1;
	if (*p != '\n')
		return 0;
	if (!state->scan_eol)
		state->scan_eol = i;
	if (p[1] == '\n' || (p[1] == '\r' && p[2] == '\n')) {
		state->scan_complete = 1;
		return 1;
	}
	if (p + 1 + TRACEPARENT_NAME_LEN <= end && is_traceparent_name(p + 1))
		state->scan_traced = i + 1;
	return 0;
}

/* Looks through a request's head (bpf_loop, 5.17). Findings go to the state. */
static __always_inline void scan_head(struct sk_msg_md *msg, struct conn_state *state)
{
	struct scan scan = { .msg = msg, .state = state };

	state->scan_eol = 0;
	state->scan_traced = 0;
	state->scan_complete = 0;
	bpf_loop(SCAN_MAX, scan_byte, &scan, 0);
}

/* Is what ends at the first line feed " HTTP/1.1\r", or 1.0, which proxies still speak? */
static __always_inline bool is_http1_line(struct sk_msg_md *msg, u32 eol)
{
	const u8 *data = msg->data, *end = msg->data_end;
	const u8 *p;

	if (eol < 14 || eol >= SCAN_MAX)
		return false;
	eol -= 10;
	barrier_var(eol); /* keep the compiler from moving the subtraction behind the check */
	p = data + (eol & (SCAN_MAX - 1));
	if (p + 10 > end)
		return false;
	return p[0] == ' ' && p[1] == 'H' && p[2] == 'T' && p[3] == 'T' && p[4] == 'P' &&
	       p[5] == '/' && p[6] == '1' && p[7] == '.' && (p[8] | 1) == '1' && p[9] == '\r';
}

static __always_inline void put_hex(u8 *to, const u8 *from, u32 bytes)
{
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < bytes; i++) {
		u32 high = from[i] >> 4, low = from[i] & 15;

		/* 'a' - '0' - 10 = 39, added from 10 on */
		to[2 * i] = '0' + high + 39 * (1 - byte_below(high, 10));
		to[2 * i + 1] = '0' + low + 39 * (1 - byte_below(low, 10));
	}
}

struct header {
	u8 name[16];
	u8 trace_id[32];
	u8 dash;
	u8 span_id[16];
	u8 flags[5];
};

_Static_assert(sizeof(struct header) == HEADER_LEN, "header length");

static __always_inline void write_header(struct header *to, const struct obi_trace *trace)
{
	const u8 name[] = "Traceparent: 00-";

	for (u32 i = 0; i < sizeof(to->name); i++)
		to->name[i] = name[i];
	put_hex(to->trace_id, trace->trace_id, 16);
	to->dash = '-';
	put_hex(to->span_id, trace->span_id, 8);
	to->flags[0] = '-';
	to->flags[1] = '0';
	to->flags[2] = '0' + (trace->trace_flags & 1);
	to->flags[3] = '\r';
	to->flags[4] = '\n';
}

/* A proxy hands on the header of the request it serves: then the span in it is that request's
 * parent, and ours takes its place. Any other header is the application's own and stays. */
static __always_inline void rewrite_header(struct sk_msg_md *msg, struct conn_state *state)
{
	u32 at = state->scan_traced + TRACEPARENT_NAME_LEN;
	u64 thread = bpf_get_current_pid_tgid();
	struct obi_trace *server = bpf_map_lookup_elem(&thread_trace, &thread);
	u8 *data = msg->data, *end = msg->data_end, *value;
	struct obi_trace found;

	if (at >= SCAN_MAX || !server)
		return;
	value = data + at;
	if (value + 1 > end)
		return;
	if (*value == ' ')
		value++;
	if (value + TRACEPARENT_VALUE_LEN > end)
		return;
	if (!hex_decode(value + 3, found.trace_id, 16) ||
	    !hex_decode(value + 36, found.parent_id, 8))
		return;
	if (*(u64 *)found.trace_id != *(u64 *)server->trace_id ||
	    *(u64 *)(found.trace_id + 8) != *(u64 *)(server->trace_id + 8) ||
	    *(u64 *)found.parent_id != *(u64 *)server->parent_id)
		return;
	put_hex(value + 36, state->trace.span_id, 8);
	state->injected = 1;
	count(OBI_APP_INJECTED);
}

/* The element before the header, it and what follows go out as a segment each, and Nagle's
 * algorithm holds the second back: made one element, they are one segment. Where memory is short
 * they stay what they are. */
static __always_inline void join_elements(struct sk_msg_md *msg, u32 at)
{
	(void)bpf_msg_pull_data(msg, 0, at + HEADER_LEN + 1, 0);
}

static __always_inline int insert_header(struct sk_msg_md *msg, struct conn_state *state)
{
	u32 at = state->scan_eol + 1;
	void *data, *end;

	if (at >= SCAN_MAX || bpf_msg_push_data(msg, at, HEADER_LEN, 0)) {
		count(OBI_APP_INJECT_FAILED);
		return SK_PASS;
	}
	/* The new bytes are an element of their own, so this only moves the window to them. */
	if (!bpf_msg_pull_data(msg, at, at + HEADER_LEN, 0)) {
		data = msg->data;
		end = msg->data_end;
		if (data + HEADER_LEN <= end) {
			write_header(data, &state->trace);
			state->injected = 1;
			count(OBI_APP_INJECTED);
			join_elements(msg, at);
			return SK_PASS;
		}
	}
	count(OBI_APP_INJECT_FAILED);
	/* Bytes that nobody wrote must not go out: take them back, or drop the message, which the
	 * application sees as an error of its send. */
	return bpf_msg_pop_data(msg, at, HEADER_LEN, 0) ? SK_DROP : SK_PASS;
}

SEC("sk_msg")
int inject_msg(struct sk_msg_md *msg)
{
	struct bpf_sock *sk = msg->sk;
	struct conn_state *state;
	u32 size = msg->size;
	const u8 *data;

	if (!sk)
		return SK_PASS;
	state = bpf_sk_storage_get(&conns, sk, NULL, 0);
	/* Within a message nothing is edited, nor is a body that follows an interim answer. */
	if (!state || state->muted || state->interim ||
	    (state->total && state->direction == OBI_SEND) || size < 16)
		return SK_PASS;
	if (msg->data + 16 > msg->data_end && bpf_msg_pull_data(msg, 0, 16, 0))
		return SK_PASS;
	data = msg->data;
	if (data + 16 > (const u8 *)msg->data_end ||
	    guess_request(data, GUESS_BYTES) != GUESS_HTTP_REQUEST)
		return SK_PASS;
	if (size > SCAN_MAX)
		size = SCAN_MAX;
	if (msg->data + size > msg->data_end && bpf_msg_pull_data(msg, 0, size, 0))
		return SK_PASS;
	state->stamped = 0;
	trace_begin_client(state);
	scan_head(msg, state);
	if (!state->scan_complete || !is_http1_line(msg, state->scan_eol)) {
		count(OBI_APP_INJECT_FAILED);
		return SK_PASS;
	}
	if (state->scan_traced) {
		rewrite_header(msg, state);
		return SK_PASS;
	}
	return insert_header(msg, state);
}

/* Makes the kernel keep received bytes where FIONREAD counts them: see the ladder. */
SEC("sk_skb/stream_verdict")
int inject_verdict(struct __sk_buff *skb)
{
	return SK_PASS;
}

#endif
