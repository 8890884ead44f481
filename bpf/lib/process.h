/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Processes come and go. Children of a selected process are selected at once, here. */
#ifndef OBI_BPF_PROCESS_H
#define OBI_BPF_PROCESS_H

static __always_inline void process_event(u32 type, u32 pid, u32 parent)
{
	struct obi_process_event event = { .type = type, .pid = pid, .parent = parent };

	if (pid)
		process_event_output(&event);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *task)
{
	process_event(OBI_PROCESS_EXEC, current_pid(), 0);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *parent, struct task_struct *child)
{
	u32 from, to, *flags, child_flags;

	if (BPF_CORE_READ(parent, tgid) == BPF_CORE_READ(child, tgid)) /* a thread */
		return 0;
	from = pid_of(parent);
	if (!process_marked(from))
		return 0;
	flags = bpf_map_lookup_elem(&processes, &from);
	if (!flags || !(*flags & OBI_PROCESS_SELECTED) || !follow_children)
		return 0;
	to = pid_of(child);
	if (!to)
		return 0;
	child_flags = *flags;
	process_marks[to & (PROCESS_MARKS - 1)] = 1;
	if (bpf_map_update_elem(&processes, &to, &child_flags, BPF_ANY))
		count(OBI_APP_STATE_FULL);
	process_event(OBI_PROCESS_FORK, to, from);
	return 0;
}

/* do_exit() has counted this thread out already: 0 means it was the last. */
static __always_inline bool is_last_thread(const struct task_struct *task)
{
	return BPF_CORE_READ(task, signal, live.counter) <= 0;
}

#define ORPHANS_MAX 4 /* told of, of one process */

static __always_inline bool is_marked(u32 tgid)
{
	return process_marked(tgid) && bpf_map_lookup_elem(&processes, &tgid);
}

/* Who goes into the background forks and ends: often before it is known what it was. */
static __always_inline void tell_orphans(const struct task_struct *task, u32 tgid)
{
	const struct list_head *head = &task->children, *at = BPF_CORE_READ(head, next);

	if (at == head || !is_last_thread(task))
		return;
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < ORPHANS_MAX && at && at != head; i++) {
		const void *child =
			(const void *)at - bpf_core_field_offset(struct task_struct, sibling);
		u32 pid = pid_of(child);

		if (!is_marked(pid))
			process_event(OBI_PROCESS_ORPHAN, pid, tgid);
		at = BPF_CORE_READ(at, next);
	}
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task)
{
	u32 tgid = pid_of(task);

	tell_orphans(task, tgid);
	if (!is_marked(tgid))
		return 0;
	if (propagate)
		kin_forget_thread();
	if (!is_last_thread(task))
		return 0;
	bpf_map_delete_elem(&processes, &tgid);
	bpf_map_delete_elem(&unread_told, &tgid);
	if (propagate)
		bpf_map_delete_elem(&process_kins, &tgid);
	process_event(OBI_PROCESS_EXIT, tgid, 0);
	return 0;
}

#endif
