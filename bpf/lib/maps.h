/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Maps, knobs and counters of the application tracer. Sizes marked (set) are set by the
 * loader from the configuration.
 */
#ifndef OBI_BPF_MAPS_H
#define OBI_BPF_MAPS_H

/* Set before loading. */
const volatile bool propagate = false;      /* trace identity is made in the kernel */
const volatile bool inject_headers = false; /* HTTP/1 traceparent into requests */
const volatile bool release_by_ack = false; /* see release_socket() in inject.h */
const volatile bool follow_children = true;
const volatile __u64 ring_wake_bytes = 4 << 20; /* bytes waiting that wake the reader */

/* One connection of a selected process. */
struct conn_state {
	u64 id;
	u64 total;         /* bytes of the current message */
	u64 last_ns;       /* its last chunk */
	u64 pending_total; /* the same of the message before, until they are reported */
	u64 pending_last_ns;
	u32 message;     /* number of the last message reported */
	u16 captured[2]; /* bytes of the current head of each direction that were copied */
	u8 direction;
	u8 side;
	u8 protocol; /* enum protocol_guess of the connection */
	u8 muted;
	u8 head_open;    /* bits by direction: its head may go on in the next chunk */
	u8 unrecognised; /* messages in a row that no protocol claimed */
	u8 reported;     /* the current message has a record */
	u8 interim;      /* the last response was 1xx: what follows is a body, not a request */
	u8 stamped;      /* trace is that of the current request */
	u8 injected;
	u8 from_start; /* connect_trace is valid */
	u8 fin_sent;
	u8 http2;          /* chunks of an HTTP/2 client's still to be shown to the worker */
	u32 scan_eol;      /* of the injector, see inject.h: offset of the first line feed, */
	u32 scan_traced;   /* of a traceparent header, 0 = none; */
	u32 scan_complete; /* the blank line was found */
	u32 pid;
	struct obi_tuple tuple;
	struct obi_trace trace;         /* of the current exchange */
	struct obi_trace connect_trace; /* of the thread that called connect() */
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct conn_state);
} conns SEC(".maps");

/* The same where programs cannot use socket storage (kprobes): by address of the sock. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, u64);
	__type(value, struct conn_state);
} conns_by_addr SEC(".maps");

/* Thread group id -> OBI_PROCESS_*. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, u32);
	__type(value, u32);
} processes SEC(".maps");

/* Thread (pid_tgid) -> the server request it is working on. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192); /* (set): 1 without propagation */
	__type(key, u64);
	__type(value, struct obi_trace);
} thread_trace SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20); /* (set) */
} records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 128 << 10);
} process_events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, OBI_BOARD_SLOTS);
	__type(key, u32);
	__type(value, struct obi_board_slot);
} board SEC(".maps");

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

/* Where the bytes of a call lie in user memory. */
struct user_data {
	const struct user_iovec *vec; /* NULL: one holds all */
	u64 count;
	struct user_iovec one;
};

/* A record under construction. One for each hook that builds records: tracing programs never
 * nest on a CPU with themselves, but a send and a receive may. */
struct scratch {
	struct obi_record record;
	u8 head[2 * OBI_HEAD_MAX]; /* twice: lets the verifier bound a read at any offset */
	u64 bytes;                 /* of the chunk */
	u64 tail;                  /* its last 8 */
	struct user_data data;
};

enum scratch_slot {
	SCRATCH_SEND,
	SCRATCH_RECV,
	SCRATCH_STATE,
	SCRATCH_SLOTS,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCRATCH_SLOTS);
	__type(key, u32);
	__type(value, struct scratch);
} scratch SEC(".maps");

/*
 * Which low bits of a number were ever a selected process's: plain memory, where the map costs a
 * call. Set before the map is, never cleared.
 */
#define PROCESS_MARKS 4096

unsigned char process_marks[PROCESS_MARKS];

static __always_inline bool process_marked(u32 tgid)
{
	return process_marks[tgid & (PROCESS_MARKS - 1)];
}

static __always_inline bool process_selected(u32 tgid)
{
	u32 *flags;

	if (!process_marked(tgid))
		return false;
	flags = bpf_map_lookup_elem(&processes, &tgid);
	return flags && (*flags & OBI_PROCESS_SELECTED);
}

#endif
