/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The server's certificate, which TLS 1.3 encrypts: seen as the library decodes or encodes it
 * within a call of a session. The first is meant: of a chain it stands before those that vouch for
 * it, and a client's own comes after the server's (RFC 8446 section 2).
 */
#ifndef OBI_BPF_CERTIFICATE_H
#define OBI_BPF_CERTIFICATE_H

/* The call that the current thread is in, if it is one of a session. */
static __always_inline struct tls_call *session_call(void)
{
	struct tls_call *call = bpf_task_storage_get(&tls_calls, bpf_get_current_task_btf(), 0, 0);

	return call && call->session ? call : NULL;
}

static __noinline int certificate_put(struct tls_session *session, u64 at, u32 bytes)
{
	u32 len = bytes < OBI_HEAD_MAX ? bytes : OBI_HEAD_MAX;
	struct obi_record *r = NULL;
	u64 flags;

	if (ring_open(sizeof(*r) + OBI_HEAD_MAX, session->pid, &flags))
		r = bpf_ringbuf_reserve(&records, sizeof(*r) + OBI_HEAD_MAX, 0);
	if (r) {
		plain_fill(r, session, OBI_SEND);
		r->type = OBI_RECORD_CERTIFICATE;
		r->flags = 0;
		r->conn = session->carrier;
		r->before = 0;
		r->last_ns = 0;
		r->bytes = bytes;
		barrier_var(len);
		if (len > OBI_HEAD_MAX || bpf_probe_read_user(r->head, len, (void *)at))
			len = 0;
		r->head_len = len;
		bpf_ringbuf_submit(r, flags);
	}
	ring_written(r);
	return 0;
}

/* of: the session's address; side: that which a certificate of this direction is not the server's
 * for. */
static __noinline int certificate_seen(u64 of, u64 at, u32 bytes, u8 side)
{
	struct tls_session *session;
	struct tls_key key;

	key.session = of;
	key.pid = current_pid();
	key.hello = 0;
	session = bpf_map_lookup_elem(&tls_sessions, &key);
	if (!session || session->certified || session->side == side ||
	    session->carrier == session->id)
		return 0;
	session->certified = 1;
	return certificate_put(session, at, bytes);
}

static __noinline int certificate_read(struct pt_regs *ctx)
{
	struct tls_call *call = session_call();
	u64 at = 0;

	if (!call || bpf_probe_read_user(&at, sizeof(at), (void *)PT_REGS_PARM2(ctx)))
		return 0;
	return certificate_seen(call->session, at, PT_REGS_PARM3(ctx), OBI_SIDE_ACCEPTED);
}

/* Its length is asked for first, without memory. */
static __noinline int certificate_begin(struct pt_regs *ctx)
{
	struct tls_call *call = session_call();
	u64 at = 0;

	if (!call)
		return 0;
	if (PT_REGS_PARM2(ctx))
		bpf_probe_read_user(&at, sizeof(at), (void *)PT_REGS_PARM2(ctx));
	call->der = at;
	return 0;
}

static __noinline int certificate_written(struct pt_regs *ctx)
{
	struct tls_call *call = session_call();
	s32 bytes = PT_REGS_RC(ctx);
	u64 at;

	if (!call || !call->der)
		return 0;
	at = call->der;
	call->der = 0;
	return bytes > 0 ? certificate_seen(call->session, at, bytes, OBI_SIDE_CONNECTED) : 0;
}

#endif
