// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The yardstick: what a first attempt at seeing a process's traffic looks like. Every system
 * call of the host passes two hooks; those of one process that send or receive have 256 bytes
 * copied, and wake the reader each time.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "shape.h"

/* Set before loading. */
const volatile __u32 target = 0;
const volatile __u8 kinds[NAIVE_SYSCALLS] = {};

struct call {
	const void *data;
	u64 kind;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u64);
	__type(value, struct call);
} calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
} events SEC(".maps");

__u64 lost = 0;

SEC("raw_tp/sys_enter")
int naive_sys_enter(u64 *args)
{
	struct pt_regs *regs = (struct pt_regs *)args[0];
	u64 thread = bpf_get_current_pid_tgid();
	u64 number = args[1];
	struct call call = {};

	if (thread >> 32 != target || number >= NAIVE_SYSCALLS)
		return 0;
	call.kind = kinds[number & (NAIVE_SYSCALLS - 1)];
	if (call.kind == NAIVE_OTHER)
		return 0;
	call.data = (const void *)PT_REGS_PARM2_CORE_SYSCALL(regs);
	bpf_map_update_elem(&calls, &thread, &call, BPF_ANY);
	return 0;
}

static __always_inline const void *bytes_of(const struct call *call)
{
	const void *data = call->data;

	if (call->kind == NAIVE_MSGHDR)
		bpf_probe_read_user(&data, sizeof(data),
				    &((struct user_msghdr_head *)data)->msg_iov);
	if (call->kind != NAIVE_BUFFER)
		bpf_probe_read_user(&data, sizeof(data), &((struct user_iovec *)data)->iov_base);
	return data;
}

SEC("raw_tp/sys_exit")
int naive_sys_exit(u64 *args)
{
	u64 thread = bpf_get_current_pid_tgid();
	struct naive_event *event;
	struct call *call;

	if (thread >> 32 != target)
		return 0;
	call = bpf_map_lookup_elem(&calls, &thread);
	if (!call)
		return 0;
	if ((s64)args[1] > 0) {
		event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
		if (event) {
			event->time_ns = bpf_ktime_get_ns();
			event->pid = thread >> 32;
			event->result = args[1];
			bpf_probe_read_user(event->bytes, sizeof(event->bytes), bytes_of(call));
			bpf_ringbuf_submit(event, 0);
		} else {
			__sync_fetch_and_add(&lost, 1);
		}
	}
	bpf_map_delete_elem(&calls, &thread);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
