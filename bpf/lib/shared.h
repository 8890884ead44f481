/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What all objects of the application tracer write to and look into: maps of one object, which the
 * others are given by its loader under the same names. Sizes marked (set) are set from the
 * configuration.
 */
#ifndef OBI_BPF_SHARED_H
#define OBI_BPF_SHARED_H

/* Set before loading. */
const volatile __u64 ring_wake_bytes = 4 << 20; /* bytes waiting that wake the reader */

/* Thread group, as of obi/record.h -> OBI_PROCESS_*. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, u32);
	__type(value, u32);
} processes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20); /* (set) */
} records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 128 << 10);
} process_events SEC(".maps");

/* Plain memory of all objects. */
__u32 ring_period SEC(".data.ring") = 0;
bool ring_pressed SEC(".data.ring") = false; /* in this period it was more than half full */
/* Of process_events, that found it full. The broker looks at it each time it has read them. */
unsigned long long process_events_lost SEC(".data.ring") = 0;

/* What the worker wants to see: it writes this. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, OBI_BOARD_SLOTS);
	__type(key, u32);
	__type(value, struct obi_order_slot);
} orders SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, OBI_APP_COUNTERS);
	__type(key, u32);
	__type(value, u64);
} app_counters SEC(".maps");

static __always_inline void count_add(enum obi_app_counter counter, u64 n)
{
	u32 key = counter;
	u64 *value = bpf_map_lookup_elem(&app_counters, &key);

	if (value)
		*value += n;
}

static __always_inline void count(enum obi_app_counter counter)
{
	count_add(counter, 1);
}

#endif
