/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Writes a traceparent header into plaintext HTTP/1 requests of selected processes.
 *
 * A socket in a sockhash receives by another function of the kernel (net/ipv4/tcp_bpf.c), which
 * takes any wake-up without data for the end of a blocking wait, and answers EAGAIN. So only
 * sockets enter that cannot wait: those that are non-blocking when they connect. One that was made
 * blocking since leaves within its next send, before it can wait for the answer, and its process's
 * sockets do not enter again; so does one that is first written by splice(2), which could not read
 * what a verdict program has taken. No socket enters that a selected process did not connect.
 *
 * A message is edited only where it begins right after the connection was opened or
 * the peer answered, its head is complete within SCAN_MAX bytes, and its first line ends in
 * HTTP/1.1 or HTTP/1.0. The edit is all or nothing.
 */
#ifndef OBI_BPF_INJECT_H
#define OBI_BPF_INJECT_H

#define SCAN_MAX 8192 /* power of two */
#define E_BUSY 16
/* "Traceparent: 00-" + 32 + "-" + 16 + "-01\r\n" */
#define HEADER_LEN 70

struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 16384); /* (set) */
	__type(key, u64);
	__type(value, u64);
} inject_sockets SEC(".maps");

bool releasing = false;  /* set by the loader before it goes */
bool leaving = false;    /* a socket in the map has to leave it */
bool taken_said = false; /* that another program has a socket */

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

/* May a receive on this socket wait? Also where that cannot be told. */
static __always_inline bool sock_blocks(struct bpf_sock *sk)
{
	struct sock *full = (struct sock *)bpf_skc_to_tcp_sock(sk);
	struct socket *socket = full ? full->sk_socket : NULL;
	struct file *file = socket ? socket->file : NULL;

	return !file || !(file->f_flags & O_NONBLOCK);
}

/*
 * A segment is about to be built, which is within a send, too: a socket that has to leave does so,
 * with itself locked and nothing waiting.
 *
 * When the map goes away, what a socket in it has received and its application not yet read goes
 * with it, and the connection is broken, where a verdict program is needed. So before that all
 * sockets leave one by one. The flag that calls this stays: another program may have set it, too,
 * and write options of its own.
 */
static __always_inline void on_segment(struct bpf_sock_ops *ops)
{
	struct bpf_sock *sk = ops->sk;
	struct conn_state *state;
	u64 cookie;

	if ((!releasing && !leaving) || !sk)
		return;
	if (!releasing) {
		state = bpf_sk_storage_get(&conns, sk, NULL, 0);
		if (!state || !state->leaves)
			return;
	}
	if (!all_is_read(sk))
		return;
	cookie = bpf_get_socket_cookie(ops);
	bpf_map_delete_elem(&inject_sockets, &cookie);
}

/* A socket has one sk_msg program: who comes first has it. */
static __always_inline void on_refused(long error, u32 pid)
{
	struct obi_process_event event = { .type = OBI_PROCESS_TAKEN, .pid = pid };

	if (error != -E_BUSY) {
		count(OBI_APP_INJECT_FAILED);
		return;
	}
	count(OBI_APP_INJECT_TAKEN);
	if (taken_said)
		return;
	taken_said = true;
	process_event_output(&event);
}

/* A connection of a selected process is up: it alone is marked by a state made at connect(2). */
static __always_inline void on_established(struct bpf_sock_ops *ops)
{
	struct process_kin *kin;
	struct bpf_sock *sk = ops->sk;
	struct conn_state *state;
	u64 cookie;
	long error;

	if (releasing || !sk)
		return;
	state = bpf_sk_storage_get(&conns, sk, NULL, 0);
	if (!state || state->side != OBI_SIDE_CONNECTED)
		return;
	kin = bpf_map_lookup_elem(&process_kins, &state->pid);
	if ((kin && kin->habits & (OBI_HABIT_BLOCKS | OBI_HABIT_SPLICES)) || sock_blocks(sk)) {
		count(OBI_APP_NOT_INJECTED);
		return;
	}
	cookie = bpf_get_socket_cookie(ops);
	error = bpf_sock_hash_update(ops, &inject_sockets, &cookie, BPF_NOEXIST);
	if (error) {
		on_refused(error, state->pid);
		return;
	}
	bpf_sock_ops_cb_flags_set(ops,
				  ops->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_WRITE_HDR_OPT_CB_FLAG);
}

SEC("sockops")
int inject_established(struct bpf_sock_ops *ops)
{
	if (ops->op == BPF_SOCK_OPS_HDR_OPT_LEN_CB)
		on_segment(ops);
	else if (ops->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB)
		on_established(ops);
	return 1;
}

/* What a request's head holds: offsets, 0 where there is none. */
struct scan {
	struct sk_msg_md *msg;
	u32 at;       /* how far it was looked through */
	u32 eol;      /* the first line feed */
	u32 traced;   /* a traceparent field */
	u32 complete; /* the blank line was found */
};

/* A line feed: 1 where the head ends. */
static __always_inline long scan_line(struct scan *scan, const u8 *p, const u8 *end, u32 at)
{
	if (p + 3 > end)
		return 1;
	if (!scan->eol)
		scan->eol = at;
	if (p[1] == '\n' || (p[1] == '\r' && p[2] == '\n')) {
		scan->complete = 1;
		return 1;
	}
	if ((p[1] | 0x20) == 't' && p + 1 + TRACEPARENT_NAME_LEN <= end &&
	    is_traceparent_name(p + 1))
		scan->traced = at + 1;
	return 0;
}

/* Eight bytes of the head, or where there are fewer one; 1 ends the loop. */
static long scan_word(u32 i, struct scan *scan)
{
	const u8 *data = scan->msg->data, *end = scan->msg->data_end;
	u32 at = scan->at;
	const u8 *p;
	u64 feeds;

	if (at >= SCAN_MAX)
		return 1;
	p = data + at;
	if (p + 8 > end) {
		if (p + 1 > end)
			return 1;
		scan->at = at + 1;
		return *p == '\n' ? scan_line(scan, p, end, at) : 0;
	}
	feeds = line_feeds(*(const u64 *)p);
	if (!feeds) {
		scan->at = at + 8;
		return 0;
	}
	at += first_byte(feeds);
	if (at >= SCAN_MAX)
		return 1;
	scan->at = at + 1;
	return scan_line(scan, data + at, end, at);
}

/* Looks through a request's head (bpf_loop, 5.17): words, lines, and the bytes of the last word. */
static __always_inline void scan_head(struct scan *scan)
{
	bpf_loop(SCAN_MAX / 8 + 512, scan_word, scan, 0);
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

/* Four bytes as eight digits. */
static __always_inline u64 hex_digits(u32 bytes)
{
	u64 x = bytes;

	x = (x | x << 16) & 0x0000ffff0000ffff;
	x = (x | x << 8) & 0x00ff00ff00ff00ff;
	x = (x >> 4 & 0x000f000f000f000f) | (x & 0x000f000f000f000f) << 8;
	/* From 10 on 'a' - '0' - 10 = 39 more. */
	return x + 0x3030303030303030 + ((x + 0x0606060606060606) >> 4 & 0x0101010101010101) * 39;
}

/* bytes: 8 or 16 */
static __always_inline void put_hex(u8 *to, const u8 *from, u32 bytes)
{
#pragma clang loop unroll(full)
	for (u32 i = 0; i < bytes; i += 4) {
		u64 digits = hex_digits(*(const u32 *)(from + i));

		__builtin_memcpy(to + 2 * i, &digits, sizeof(digits));
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
	__builtin_memcpy(to->name, "Traceparent: 00-", sizeof(to->name));
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
static __always_inline void rewrite_header(struct sk_msg_md *msg, struct conn_state *state,
					   const struct obi_trace *server, u32 traced)
{
	u32 at = traced + TRACEPARENT_NAME_LEN;
	u8 *data = msg->data, *end = msg->data_end, *value;
	struct obi_trace found;

	if (at >= SCAN_MAX || !server)
		return;
	value = data + at;
	if (value + 1 > end)
		return;
	if (*value == ' ')
		value++;
	if (value + TRACEPARENT_VALUE_LEN + 1 > end || !read_traceparent(value, &found))
		return;
	*(u64 *)found.span_id = *(u64 *)found.parent_id;
	if (!obi_handed_on(server, &found))
		return;
	request_is_child(state, server);
	put_hex(value + 36, state->trace.span_id, 8);
	state->injected = 1;
	count(OBI_APP_INJECTED);
}

/* The header becomes an element of its own behind the request line, and all of them are made one:
 * apart they would go out as a segment each, and Nagle's algorithm would hold the second back. */
static __always_inline int insert_header(struct sk_msg_md *msg, struct conn_state *state, u32 eol)
{
	u32 at = eol + 1;
	u8 *data, *to;

	if (at >= SCAN_MAX || bpf_msg_push_data(msg, at, HEADER_LEN, 0)) {
		count(OBI_APP_INJECT_FAILED);
		return SK_PASS;
	}
	if (!bpf_msg_pull_data(msg, 0, at + HEADER_LEN + 1, 0)) {
		data = msg->data;
		to = data + (at & (SCAN_MAX - 1));
		if (to + HEADER_LEN <= (u8 *)msg->data_end) {
			write_header((struct header *)to, &state->trace);
			state->injected = 1;
			count(OBI_APP_INJECTED);
			return SK_PASS;
		}
	}
	count(OBI_APP_INJECT_FAILED);
	/* Bytes that nobody wrote must not go out: take them back, or drop the message, which the
	 * application sees as an error of its send. */
	return bpf_msg_pop_data(msg, at, HEADER_LEN, 0) ? SK_DROP : SK_PASS;
}

/* Is this a socket that has to leave the map? It does so before this send returns. */
static __always_inline bool has_to_leave(struct bpf_sock *sk, struct conn_state *state)
{
	u32 habit = 0;

	if (sock_blocks(sk))
		habit = OBI_HABIT_BLOCKS;
	else if (state->message == 0 && syscall_is_splice())
		habit = OBI_HABIT_SPLICES;
	if (!habit)
		return false;
	kin_habit(state->pid, habit);
	state->leaves = 1;
	leaving = true;
	count(OBI_APP_NOT_INJECTED);
	return true;
}

static __always_inline bool begins_request(const u8 *data)
{
	u64 word = *(const u64 *)data;

	if (is_common_request(word))
		return true;
	return guess_request(data, GUESS_BYTES) == GUESS_HTTP_REQUEST;
}

SEC("sk_msg")
int inject_msg(struct sk_msg_md *msg)
{
	struct scan scan = { .msg = msg };
	const struct obi_trace *server;
	struct bpf_sock *sk = msg->sk;
	struct conn_state *state;
	u32 size = msg->size;
	const u8 *data;

	if (!sk)
		return SK_PASS;
	state = bpf_sk_storage_get(&conns, sk, NULL, 0);
	/* Within a message nothing is edited, nor is a body that follows an interim answer. */
	if (!state || state->leaves || (state->total && state->direction == OBI_SEND))
		return SK_PASS;
	if (has_to_leave(sk, state) || state->muted || state->interim || size < 16)
		return SK_PASS;
	if (msg->data + 16 > msg->data_end && bpf_msg_pull_data(msg, 0, 16, 0))
		return SK_PASS;
	data = msg->data;
	if (data + 16 > (const u8 *)msg->data_end || !begins_request(data))
		return SK_PASS;
	if (size > SCAN_MAX)
		size = SCAN_MAX;
	if (msg->data + size > msg->data_end && bpf_msg_pull_data(msg, 0, size, 0))
		return SK_PASS;
	state->stamped = 0;
	scan_head(&scan);
	if (!scan.complete || !is_http1_line(msg, scan.eol)) {
		count(OBI_APP_INJECT_FAILED);
		return SK_PASS;
	}
	server = request_parent(state, obi_line_key(state->pid, msg->data, msg->data_end));
	if (scan.traced) {
		rewrite_header(msg, state, server, scan.traced);
		return SK_PASS;
	}
	request_is_child(state, server);
	return insert_header(msg, state, scan.eol);
}

/* Makes the kernel keep received bytes where FIONREAD counts them: see the ladder. */
SEC("sk_skb/stream_verdict")
int inject_verdict(struct __sk_buff *skb)
{
	return SK_PASS;
}

#endif
