/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The socket's side of TLS sessions, see session.h. */
#ifndef OBI_BPF_TLS_SOCKET_H
#define OBI_BPF_TLS_SOCKET_H

/* change_cipher_spec to heartbeat, of any version (RFC 8446 section 5.1). */
static __always_inline bool begins_tls_record(u32 head)
{
	u8 type = head, major = head >> 8, minor = head >> 16;

	return type >= 20 && type <= 24 && major == 3 && minor <= 4;
}

#define TLS_DATA 23

/* What does the current call's memory begin with? A record's type, or 0. */
static __always_inline u8 moved_tls_record(struct scratch *s, u32 slot, u64 bytes)
{
	struct user_data *data = &s->data;
	u32 head = 0;

	if (bytes < 3 || user_data_of_syscall(s, slot) != OBI_READ)
		return 0;
	if (data->vec && piece_read(data, 0, &data->one))
		return 0;
	if (data->one.iov_len < 3 || bpf_probe_read_user(&head, 3, data->one.iov_base))
		return 0;
	return begins_tls_record(head) ? head : 0;
}

/* What was shown of the socket, and ordered, is of another stream than the session's. */
static __always_inline void socket_stream_ends(struct conn_state *state, struct scratch *s)
{
	if (state->streaming || state->message) {
		record_fill(s, state, OBI_RECORD_CLOSE, state->direction, bpf_ktime_get_ns());
		s->record.bytes = s->record.before = 0;
		s->record.total_bytes = state->reported ? state->total : state->pending_total;
		s->record.last_ns = state->reported ? state->last_ns : state->pending_last_ns;
		record_output(s, 0);
	}
	state->id = conn_new_id();
}

/* Of the memory looked at last: does it begin as a ClientHello? A part of its random, or 0. */
static __noinline u64 hello_random(struct scratch *s)
{
	const u8 *at = s->data.one.iov_base;
	u64 head = 0, random = 0;

	if (s->data.one.iov_len < OBI_TLS_HELLO_MIN || bpf_probe_read_user(&head, 6, at))
		return 0;
	if ((u8)head != 22 || (u8)(head >> 40) != 1)
		return 0;
	bpf_probe_read_user(&random, sizeof(random), at + OBI_TLS_RANDOM_AT + OBI_TLS_RANDOM_PART);
	return random;
}

enum session_before {
	SESSION_GONE,  /* another one may be joined */
	SESSION_MOVED, /* the same, in a child: it goes on there */
	SESSION_KEPT,
};

/* What becomes of the session that the connection id was joined with, now that at moves its
 * records? One that waits for a random may have been begun by a call that has no probe. who: the
 * process, and above it whether tls is of a random. Global and of scalars, so that the verifier
 * walks through it once. */
__noinline int session_leave(u64 at, u64 tls, u64 id, u64 who)
{
	struct tls_key key = { .session = tls, .pid = who, .hello = who >> 32 };
	struct tls_session *session = bpf_map_lookup_elem(&tls_sessions, &key);
	struct tls_key here = { .session = at, .pid = current_pid() };

	if (!session || session->carrier != id)
		return SESSION_GONE;
	if (key.hello && session->taken_by && session->taken_by != TLS_UNCLEAR)
		return SESSION_KEPT;
	if (!key.hello && tls == at)
		bpf_map_update_elem(&tls_sessions, &here, session, BPF_ANY);
	bpf_map_delete_elem(&tls_sessions, &key);
	return !key.hello && tls == at ? SESSION_MOVED : SESSION_GONE;
}

/* Joins the socket and the session of the call that the thread is in; if it is in none, leaves word
 * for a session to come. */
static __noinline int session_join(struct sock *sk, struct conn_state *state, u32 slot, u64 bytes)
{
	struct tls_call *call = bpf_task_storage_get(&tls_calls, bpf_get_current_task_btf(), 0, 0);
	struct scratch *s = bpf_map_lookup_elem(&scratch, &slot);
	struct tls_key key = { .pid = current_pid() };
	struct tls_session *session;
	u32 blank = SCRATCH_STATE;
	struct scratch *zero = bpf_map_lookup_elem(&scratch, &blank);
	bool goes_on = tls_handshakes && state->hello;
	int before = SESSION_GONE;
	long refused;
	u8 type;

	if (state->tls && (!call || !call->session))
		return 0;
	if (!s || !zero)
		return 0;
	type = moved_tls_record(s, slot, bytes);
	if (!type)
		return 0;
	if (call && call->session) {
		key.session = call->session;
		if (state->tls)
			before = session_leave(key.session, state->tls, state->id,
					       (u64)state->hello << 32 | state->tls_pid);
		if (before == SESSION_MOVED)
			state->tls_pid = key.pid;
		if (before != SESSION_GONE)
			return 1;
	} else {
		key.session = hello_random(s);
		key.hello = 1;
		if (!key.session)
			return 0;
	}
	/* head[] of this slot is never written: it stays zero. */
	refused = bpf_map_update_elem(&tls_sessions, &key, zero->head,
				      key.hello ? BPF_NOEXIST : BPF_ANY);
	session = bpf_map_lookup_elem(&tls_sessions, &key);
	if (!session) {
		count(OBI_APP_STATE_FULL);
		return 0;
	}
	if (refused && key.hello) {
		session->taken_by = TLS_UNCLEAR;
		return 0;
	}
	if (type == TLS_DATA && !state->tls)
		count(OBI_APP_TLS_LATE);
	/* Of a handshake that is shown already the stream goes on. */
	if (!goes_on)
		socket_stream_ends(state, s);
	session->opened_ns = state->opened_ns;
	session->opener = state->opener;
	session->pid = state->pid;
	session->limit = TLS_UNORDERED;
	session->side = state->side;
	tuple_of_sock(sk, &session->tuple);
	session->carrier = session->id = state->id;
	state->tls = key.session;
	state->tls_pid = key.pid;
	state->hello = key.hello;
	if (goes_on || (tls_handshakes && !state->muted)) {
		session->id = conn_new_id();
		if (!goes_on)
			stream_begin(state);
		return 1;
	}
	state->muted = 1;
	state->streaming = 1; /* as its records will be: its end is reported */
	return 1;
}

/* May this be a connection of which nobody knows yet that TLS goes through it? */
static __always_inline bool session_may_join(const struct conn_state *state)
{
	return tls_probes && (!state->tls || state->hello || state->tls_pid != current_pid()) &&
	       (state->muted ||
		(state->protocol == GUESS_NONE && (!state->ordered || tls_handshakes))) &&
	       !state->datagrams && !state->closed;
}

static __always_inline void session_end(struct tls_key *key, u64 id)
{
	struct tls_session *session = bpf_map_lookup_elem(&tls_sessions, key);

	if (session && session->carrier == id)
		bpf_map_delete_elem(&tls_sessions, key);
}

/* The connection is over: the session may live on, but not through it. */
static __always_inline void session_part(const struct conn_state *state)
{
	struct tls_key key = { .session = state->tls,
			       .pid = state->tls_pid,
			       .hello = state->hello };
	struct tls_session *session;

	if (!tls_probes || !state->tls)
		return;
	if (state->hello) {
		session = bpf_map_lookup_elem(&tls_sessions, &key);
		if (!session || session->carrier != state->id)
			return;
		bpf_map_delete_elem(&tls_sessions, &key);
		key.session = session->taken_by;
		key.hello = 0;
	}
	session_end(&key, state->id);
}

#endif
