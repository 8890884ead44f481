/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* A TCP socket changes its state: connect, listen, shutdown, close. */
#ifndef OBI_BPF_STATE_H
#define OBI_BPF_STATE_H

static __always_inline void on_listen(struct sock *sk)
{
	struct obi_process_event event = {
		.type = OBI_PROCESS_LISTEN,
		.pid = current_pid(),
		.port = BPF_CORE_READ(sk, __sk_common.skc_num),
		.netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum),
	};

	if (event.pid)
		process_event_output(&event);
}

/* Runs in the context of the caller of connect(2). */
static __always_inline void on_connect(struct sock *sk, bool by_addr)
{
	u64 thread = current_thread();
	struct conn_state *state;

	if (!process_selected(thread >> 32) || !sock_is_tcp(sk))
		return;
	state = conn_get(sk, by_addr);
	if (state) /* connects again after a failure or connect(AF_UNSPEC) */
		__builtin_memset(state, 0, sizeof(*state));
	state = conn_create(sk, thread >> 32, OBI_SIDE_CONNECTED, by_addr);
	if (!state)
		return;
	state->opener = thread;
	state->opened_ns = bpf_ktime_get_ns();
	if (propagate)
		kin_asks(thread >> 32, state->opened_ns);
}

static __always_inline void on_set_state(struct sock *sk, int old, int new, bool by_addr)
{
	struct conn_state *state;

	if (new == TCP_LISTEN) {
		on_listen(sk);
		return;
	}
	if (new == TCP_SYN_SENT) {
		on_connect(sk, by_addr);
		return;
	}
	if (new != TCP_FIN_WAIT1 &&new != TCP_LAST_ACK &&new != TCP_CLOSE)
		return;
	state = conn_get(sk, by_addr);
	if (!state || state->closed)
		return;
	if (propagate)
		request_end(state);
	if (new == TCP_CLOSE) {
		on_end(sk, state, OBI_RECORD_CLOSE);
		session_part(state);
		/* A reset comes while a chunk is looked at on another CPU: what that reads of the
		 * state stays as it is, until the socket is freed or connects again. */
		state->closed = 1;
		state->muted = 1;
		if (by_addr)
			conn_forget(sk, by_addr);
	} else if (!state->fin_sent) {
		state->fin_sent = 1;
		if (state->direction == OBI_SEND)
			on_end(sk, state, OBI_RECORD_FIN);
	}
}

#endif
