/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Numbers of processes: those of the PID namespace that /proc shows to the agent, which are the
 * only ones that it can do anything with (include/obi/record.h). In the initial namespace the
 * kernel's own are these, and nothing of what follows is left in the programs.
 *
 * A process has a number in its own namespace and in each one above it (struct pid). It is read
 * from there: bpf_get_ns_current_pid_tgid() fails for processes in namespaces below the given one,
 * and programs on sockets have it from 6.10 on.
 */
#ifndef OBI_BPF_PID_H
#define OBI_BPF_PID_H

#define PID_NAMESPACE_DEPTH 32 /* MAX_PID_NS_LEVEL, linux/pid_namespace.h */

/* Set before loading: its inode (/proc/self/ns/pid); 0 = the initial one. */
const volatile __u32 pid_namespace = 0;

/* The process's number; 0 where it is in no namespace of the agent's: it is nobody's business. */
static __noinline u32 pid_in_namespace(const struct task_struct *task)
{
	const struct pid *pid = BPF_CORE_READ(task, group_leader, thread_pid);
	u32 level = BPF_CORE_READ(pid, level);
	struct upid upid;

#pragma clang loop unroll(disable)
	for (u32 i = 0; i < PID_NAMESPACE_DEPTH && i < level;
	     i++) { /* level 0 is the initial one */
		if (bpf_core_read(&upid, sizeof(upid), &pid->numbers[level - i]))
			return 0;
		if (BPF_CORE_READ(upid.ns, ns.inum) == pid_namespace)
			return upid.nr;
	}
	return 0;
}

static __always_inline u32 pid_of(const struct task_struct *task)
{
	return pid_namespace ? pid_in_namespace(task) : BPF_CORE_READ(task, tgid);
}

static __always_inline u32 current_pid(void)
{
	if (pid_namespace)
		return pid_in_namespace((void *)bpf_get_current_task());
	return bpf_get_current_pid_tgid() >> 32;
}

/* The key of a thread: its process's number, and below it the thread's own, which is of the initial
 * namespace and names it to nobody outside. */
static __always_inline u64 current_thread(void)
{
	u64 thread = bpf_get_current_pid_tgid();

	return pid_namespace ? (u64)current_pid() << 32 | (u32)thread : thread;
}

#endif
