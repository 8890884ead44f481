/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* News of processes, for the broker. */
#ifndef OBI_BPF_EVENTS_H
#define OBI_BPF_EVENTS_H

static __always_inline void process_event_output(struct obi_process_event *event)
{
	/* These have its name there. */
	if (event->type != OBI_PROCESS_PRESSES && event->type != OBI_PROCESS_UNREAD)
		event->uid = bpf_get_current_uid_gid();
	if (bpf_ringbuf_output(&process_events, event, sizeof(*event), 0))
		__sync_fetch_and_add(&process_events_lost, 1);
}

#endif
