// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Probes on the calls of TLS libraries: plain text, as chunks of the connection that the session's
 * socket is, in the order in which the process sees it.
 *
 * A program at a probe in user space can be preempted, and another one of its kind run on the same
 * CPU meanwhile. So nothing lies in memory of a CPU: what a call was begun with is kept in its
 * thread's storage, records are written where they will be read, and no function has a stack that
 * the kernel would give it a private one for (64 bytes, BPF_PRIV_STACK_MIN_SIZE of 6.13: two
 * programs that preempt each other would share it).
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

#include "obi/order.h"
#include "obi/process.h"
#include "obi/record.h"
#include "obi/tls.h"

#include "lib/shared.h"
#include "lib/pid.h"
#include "lib/events.h"
#include "lib/ring.h"
#include "lib/session.h"
#include "lib/plain.h"
#include "lib/certificate.h"
#include "lib/mapped.h"

static __always_inline bool process_is_selected(u32 pid)
{
	u32 *flags = bpf_map_lookup_elem(&processes, &pid);

	return flags && (*flags & OBI_PROCESS_SELECTED);
}

static __noinline int session_free(struct pt_regs *ctx)
{
	struct tls_key key;

	key.session = PT_REGS_PARM1(ctx);
	key.pid = current_pid();
	key.hello = 0;
	bpf_map_delete_elem(&tls_sessions, &key);
	return 0;
}

SEC("uprobe")
int tls_enter(struct pt_regs *ctx)
{
	u64 cookie = bpf_get_attach_cookie(ctx);
	u64 arg3 = PT_REGS_PARM4(ctx), arg4 = PT_REGS_PARM5(ctx);
	u32 count = OBI_TLS_COOKIE_COUNT(cookie);
	struct tls_call *call;

	/* Loaded here: the loads would be merged in a way that the verifier refuses. */
	barrier_var(arg3);
	barrier_var(arg4);

	if (!process_is_selected(current_pid()))
		return 0;
	if (OBI_TLS_COOKIE_OP(cookie) == OBI_TLS_FREE)
		return session_free(ctx);
	if (OBI_TLS_COOKIE_OP(cookie) == OBI_TLS_CERTIFICATE_READ)
		return certificate_read(ctx);
	if (OBI_TLS_COOKIE_OP(cookie) == OBI_TLS_CERTIFICATE_WRITTEN)
		return certificate_begin(ctx);
	call = bpf_task_storage_get(&tls_calls, bpf_get_current_task_btf(), 0,
				    BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!call)
		return 0;
	/* The first read or write of a session may begin with its handshake. */
	if (OBI_TLS_COOKIE_OP(cookie) == OBI_TLS_HANDSHAKE && call->session == PT_REGS_PARM1(ctx))
		return 0;
	call->cookie = cookie;
	call->buf = PT_REGS_PARM2(ctx);
	call->count_at = count == OBI_TLS_AT_ARG3 ? arg3 : count == OBI_TLS_AT_ARG4 ? arg4 : 0;
	call->session = PT_REGS_PARM1(ctx);
	return 0;
}

/* How many bytes did the call move? */
static __always_inline u64 bytes_moved(const struct tls_call *call, s32 returned)
{
	u64 bytes = returned;

	if (returned <= 0)
		return 0;
	if (call->count_at && bpf_probe_read_user(&bytes, sizeof(bytes), (void *)call->count_at))
		return 0;
	return bytes <= 0x7fffffff ? bytes : 0;
}

/* Has a connection of this process the random that stands there? Then it is the session's. */
static __noinline int session_has_random(u64 session, u64 at)
{
	struct tls_key key;
	struct tls_session *hello;

	key.session = 0;
	bpf_probe_read_user(&key.session, sizeof(key.session), (void *)at);
	if (!key.session)
		return 0;
	key.pid = current_pid();
	key.hello = 1;
	hello = bpf_map_lookup_elem(&tls_sessions, &key);
	if (!hello || (hello->taken_by && hello->taken_by != session))
		return 0;
	hello->taken_by = session;
	key.session = session;
	key.hello = 0;
	/* Another thread may do the same. */
	bpf_map_update_elem(&tls_sessions, &key, hello, BPF_NOEXIST);
	return 1;
}

/* Joins a session whose library was never seen to move its bytes. */
static __noinline int session_by_random(const struct tls_call *call, u64 session)
{
	u64 cookie = call->cookie, object;
	u16 at = OBI_TLS_COOKIE_AT(cookie), via = OBI_TLS_COOKIE_VIA(cookie);

	if (at && session_has_random(session, session + at + OBI_TLS_RANDOM_PART))
		return 1;
	if (!via || bpf_probe_read_user(&object, sizeof(object), (void *)(session + via)))
		return 0;
	return session_has_random(session,
				  object + OBI_TLS_COOKIE_BEHIND(cookie) + OBI_TLS_RANDOM_PART);
}

SEC("uretprobe")
int tls_return(struct pt_regs *ctx)
{
	struct tls_call *call = bpf_task_storage_get(&tls_calls, bpf_get_current_task_btf(), 0, 0);
	u64 cookie = bpf_get_attach_cookie(ctx);
	struct tls_session *session;
	struct tls_key key;
	u64 bytes;
	u32 op;

	if (OBI_TLS_COOKIE_OP(cookie) == OBI_TLS_CERTIFICATE_WRITTEN)
		return certificate_written(ctx);
	/* A call within a call ends both, for us; but not one that was passed over at its entry. */
	if (!call || !call->session || call->cookie != cookie)
		return 0;
	key.session = call->session;
	key.pid = current_pid();
	key.hello = 0;
	call->session = 0;
	op = OBI_TLS_COOKIE_OP(call->cookie);
	if (op != OBI_TLS_READ && op != OBI_TLS_WRITE)
		return 0;
	bytes = bytes_moved(call, PT_REGS_RC(ctx));
	if (!bytes)
		return 0;
	session = bpf_map_lookup_elem(&tls_sessions, &key);
	if (!session && session_by_random(call, key.session))
		session = bpf_map_lookup_elem(&tls_sessions, &key);
	if (session)
		plain_chunk(session, call->buf, bytes, op == OBI_TLS_WRITE ? OBI_SEND : OBI_RECV);
	else if (OBI_TLS_COOKIE_COUNT(call->cookie) != OBI_TLS_OF_ANY)
		count(OBI_APP_TLS_UNJOINED);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
