/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Bytes went by a call that cannot be read: counted, and told once a process. */
#ifndef OBI_BPF_UNREAD_H
#define OBI_BPF_UNREAD_H

/* Thread group id -> reasons told, bits by enum obi_unread. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u32);
	__type(value, u32);
} unread_told SEC(".maps");

static __always_inline void unread_tell(u32 pid, enum obi_unread why)
{
	struct obi_process_event event = { .type = OBI_PROCESS_UNREAD, .pid = pid, .unread = why };
	u32 *told = bpf_map_lookup_elem(&unread_told, &pid);
	u32 bit = 1 << (why & 31), all = bit;

	if (told) {
		if (*told & bit)
			return;
		all |= *told;
	}
	bpf_map_update_elem(&unread_told, &pid, &all, BPF_ANY);
	if (current_pid() == pid)
		bpf_get_current_comm(event.command, sizeof(event.command));
	process_event_output(&event);
}

/* A chunk of the process's connection. What the kernel moves itself is a body, in general. */
static __always_inline void unread_chunk(u32 pid, enum obi_unread why)
{
	count(OBI_APP_UNREADABLE);
	if (why == OBI_READ || why == OBI_UNREAD_MOVED)
		return;
	count(OBI_APP_UNREAD_CALLS);
	unread_tell(pid, why);
}

#endif
