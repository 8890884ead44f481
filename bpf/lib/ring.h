/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Records into the ring. While it is half full at most, whoever has one writes it. Beyond that each
 * process may fill a quarter of what is free, counted from when the half was passed: one that
 * writes faster than the worker reads is turned away before the ring is full, and the others get
 * through. It is the fewer the more do so, and none takes the last room (A. Choudhury and E. Hahne,
 * "Dynamic queue length thresholds", 1998).
 */
#ifndef OBI_BPF_RING_H
#define OBI_BPF_RING_H

#define SHARE_OF_FREE 4
#define RECORD_OVERHEAD 8          /* BPF_RINGBUF_HDR_SZ */
#define SAY_AGAIN_NS 5000000000ULL /* of a process that is turned away */

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u32);
	__type(value, struct obi_ring_share);
} ring_shares SEC(".maps");

bool stopped = false; /* set by the loader before it detaches: all hooks at once are deaf */

static __always_inline struct obi_ring_share *ring_share_of(u32 pid)
{
	struct obi_ring_share *share = bpf_map_lookup_elem(&ring_shares, &pid);
	struct obi_ring_share blank = { 0 };

	if (share)
		return share;
	bpf_map_update_elem(&ring_shares, &pid, &blank, BPF_NOEXIST);
	return bpf_map_lookup_elem(&ring_shares, &pid);
}

/* Tells the broker, which tells the operator. */
static __always_inline void ring_say(struct obi_ring_share *share, u32 pid)
{
	struct obi_process_event event = { .type = OBI_PROCESS_PRESSES, .pid = pid };
	u64 now = bpf_ktime_get_ns();

	share->turned_away++;
	if (share->said_ns && now - share->said_ns < SAY_AGAIN_NS)
		return;
	share->said_ns = now;
	if (current_pid() == pid)
		bpf_get_current_comm(event.command, sizeof(event.command));
	process_event_output(&event);
}

/* The ring is more than half full, waiting bytes of it: may this process add so many? */
__noinline int ring_admits(u32 pid, u32 size, u64 waiting)
{
	struct obi_ring_share *share = ring_share_of(pid);
	u64 all = 2 * ring_wake_bytes;

	ring_pressed = true;
	if (!share)
		return 1;
	if (share->period != ring_period) {
		share->period = ring_period;
		share->used = 0;
	}
	if (waiting < all && share->used + size <= (all - waiting) / SHARE_OF_FREE) {
		__sync_fetch_and_add(&share->used, size + RECORD_OVERHEAD);
		return 1;
	}
	ring_say(share, pid);
	count(OBI_APP_RING_SHARE);
	return 0;
}

/*
 * The reader drains on a timer while something comes. Else it sets this, looks once more, and
 * sleeps: who then writes a record clears it and wakes the reader. Each of the two writes first and
 * looks then, so that no record stays unheard of. The map of this section is the reader's to write.
 */
__u32 reader_sleeps SEC(".data.reader") = 0;

__noinline int ring_wake(void)
{
	void *nothing = bpf_ringbuf_reserve(&records, 8, 0);

	reader_sleeps = 0;
	if (nothing)
		bpf_ringbuf_discard(nothing, BPF_RB_FORCE_WAKEUP);
	return 0;
}

/* May so many bytes of the process be written, and with which flags? No record wakes the reader,
 * unless the ring is half full or it sleeps. */
static __always_inline bool ring_open(u32 size, u32 pid, u64 *ret_flags)
{
	u64 waiting = bpf_ringbuf_query(&records, BPF_RB_AVAIL_DATA);

	*ret_flags = BPF_RB_NO_WAKEUP;
	if (waiting > ring_wake_bytes) {
		*ret_flags = BPF_RB_FORCE_WAKEUP;
		return ring_admits(pid, size, waiting);
	}
	if (ring_pressed) {
		ring_pressed = false;
		ring_period++;
	}
	return true;
}

/* After a record was written, or not. */
static __always_inline void ring_written(bool written)
{
	count(written ? OBI_APP_RECORDS : OBI_APP_RING_FULL);
	if (*(volatile __u32 *)&reader_sleeps)
		(void)ring_wake();
}

/* Writes size bytes, of the process. */
static __always_inline void ring_put(void *record, u32 size, u32 pid)
{
	u64 flags;
	bool admitted = ring_open(size, pid, &flags);

	ring_written(admitted && !bpf_ringbuf_output(&records, record, size, flags));
}

#endif
