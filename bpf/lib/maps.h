/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Maps, knobs and counters of the application tracer. Sizes marked (set) are set by the
 * loader from the configuration.
 */
#ifndef OBI_BPF_MAPS_H
#define OBI_BPF_MAPS_H

/* Set before loading. */
const volatile bool propagate = false; /* trace identity is made in the kernel */
const volatile bool sampling = false;  /* not all is sampled: see samplers */
const volatile bool follow_children = true;

/* Of a head's piece: a traceparent field that is cut by its end begins within so many bytes. */
#define EDGE_LEN 68

/* Where the frames of a direction stand, see frames.h. */
struct frame_walk {
	u8 header[OBI_FRAME_HEADER_MAX] __attribute__((aligned(8)));
	u32 left; /* bytes of the payload to come */
	u8 skips; /* it is not shown */
	u8 have;  /* bytes of the header so far */
};

/* One connection of a selected process. */
struct conn_state {
	u64 id;
	u64 total;         /* bytes of the current message */
	u64 last_ns;       /* its last chunk */
	u64 pending_total; /* the same of the message before, until they are reported */
	u64 pending_last_ns;
	u32 message;     /* number of the last message reported */
	u32 captured[2]; /* bytes of the current head of each direction that were copied */
	u8 direction;
	u8 side;
	u8 protocol; /* enum protocol_guess of the connection */
	u8 muted;
	u8 head_open;    /* bits by direction: its head may go on in the next chunk */
	u8 in_head;      /* a request's blank line did not pass yet: 1 + its direction */
	u8 head_edge;    /* enum head_edge: what it ended in so far */
	u8 role;         /* who asks: ROLE_* */
	u8 adopted;      /* SCAN_*: the traceparent fields of the current request */
	u8 unrecognised; /* messages in a row that no protocol claimed */
	u8 reported;     /* the current message has a record */
	u8 interim;      /* the last response was 1xx: what follows is a body, not a request */
	u8 stamped;      /* trace is that of the current request */
	u8 injected;
	u8 serving;   /* a server request is open */
	u8 unlined;   /* it has no slot for its line */
	u8 answering; /* its answer began */
	u8 to_head;   /* it is a HEAD request: its answer has no body */
	u8 tunnels;   /* the current request is CONNECT: a 2xx answer ends all that is known */
	u8 fin_sent;
	u8 crowded;   /* requests came together, or before their answers */
	u8 closed;    /* the last record of it is out */
	u8 leaves;    /* no header is written any more, see inject.h */
	u8 streaming; /* chunks are shown as they come, see stream.h: */
	u8 ordered;   /* as the worker ordered */
	u8 walks;     /* bits by direction: its frames are followed, see frames.h */
	u8 datagrams; /* each chunk is a message, with a peer of its own */
	u8 hello;     /* tls is the random of its ClientHello */
	u8 several;   /* messages of the last call of several that were seen */
	u32 limit;    /* bytes of a chunk; while nothing was ordered, bytes still to be shown */
	struct obi_frame_rule rule;
	struct frame_walk frames[2]; /* of directions with a bit in walks */
	u64 tls;                     /* the session whose ciphertext it carries, see session.h */
	u64 several_at;              /* the call of several datagrams that was seen last */
	u64 offset[2];               /* bytes of each direction since streaming began */
	u32 pid;
	u32 tls_pid; /* whose session it is: what one process opened another may use */
	struct obi_tuple tuple;
	u32 opener;    /* thread that called connect(2), */
	u64 opened_ns; /* and when; 0 once a request was sent */
	/* Of the server request under way, see kin.h: */
	u64 owner;              /* the thread that read it */
	u64 line;               /* key of its request line's slot, or 0 */
	u64 answer_end;         /* offset in the message at which the answer ends; 0 unknown */
	struct obi_trace trace; /* of the current exchange */
	u8 edge[EDGE_LEN + 4] __attribute__((aligned(8))); /* the end of the head so far */
};

enum role {
	ROLE_UNKNOWN,
	ROLE_SERVER, /* requests are received */
	ROLE_CLIENT,
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

/* Most servers ask nobody: after so many requests their lines have no slots until they do. */
#define LINES_AT_FIRST 256

/* What a selected process was seen to do, and the server requests it has open. */
struct process_kin {
	u32 habits;        /* OBI_HABIT_* */
	u32 kept;          /* answers from the thread that read, see parent.h */
	u32 served;        /* requests, up to LINES_AT_FIRST */
	u32 unlined;       /* open ones without a slot for their line */
	u64 asks_since_ns; /* its first connect(2) or client request */
	struct obi_slot slot;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192); /* (set): 1 without propagation */
	__type(key, u32);
	__type(value, struct process_kin);
} process_kins SEC(".maps");

/* Threads and request lines (keys: parent.h) -> the server requests open there. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768); /* (set): 1 without propagation */
	__type(key, u64);
	__type(value, struct obi_slot);
} slots SEC(".maps");

/* By number of the entry that a process has its sampler from; 0: the common one. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* (set) */
	__type(key, u32);
	__type(value, struct obi_sampler);
} samplers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, OBI_BOARD_SLOTS);
	__type(key, u32);
	__type(value, struct obi_board_slot);
} board SEC(".maps");

/* Whose layout a vector has, and where it is itself. */
enum vec_kind {
	VEC_USER,
	VEC_COMPAT, /* of a 32-bit process */
	VEC_KERNEL, /* the kernel's copy */
};

/* Where the bytes of a call lie in user memory. */
struct user_data {
	const struct user_iovec *vec; /* NULL: one holds all */
	u64 count;
	u64 skip; /* bytes of the first piece before the chunk */
	u64 kind; /* enum vec_kind */
	struct user_iovec one;
	u64 peer; /* where the address stands to which the call sends; 0 = nowhere */
};

/* How far a vector was walked through, see pieces.h. */
struct walk {
	u64 before; /* bytes of the chunk before piece */
	u64 from;
	u32 piece;
	u32 want;
	u32 have;
	u32 to;
};

#define HEAD_PIECES 16  /* of OBI_HEAD_MAX bytes each: the longest request head that is shown */
#define CROWD_PIECES 64 /* the most of a chunk: several requests, or the answers to them */
#define SCRATCH_HEAD (2 * OBI_HEAD_MAX) /* twice: lets the verifier bound a read at any offset */

/* A record under construction. One for each kind of hook that builds records: a tracing program
 * does not nest on a CPU with itself, but a send and a receive may. Nothing guards the hooks that
 * share one (sends over IPv4 and IPv6 on the fentry plane) from each other on a kernel that
 * preempts them. */
struct scratch {
	struct obi_record record;
	u8 head[SCRATCH_HEAD];
	u64 bytes; /* of the chunk, or of a piece of it */
	u64 skip;  /* bytes of the chunk before the piece */
	u64 tail;  /* its last 8 */
	struct user_data data;
	struct walk walk;
	/* Addresses. What was a typed pointer comes back as a number. */
	u64 sk;
	u64 socket;     /* its */
	u64 iter;       /* an iov_iter */
	u32 could_wait; /* a receive on this socket */
	/* Of head.h: */
	u32 cursor;
	u32 scanned; /* SCAN_* */
	u32 value_at;
	u32 pieces;
	u32 preface;
	u32 head_edge;
	u32 next;     /* the byte behind the head; 0 nothing, NEXT_UNREAD not known */
	u32 crowd;    /* another request follows there, ... */
	u64 head_end; /* ... at this offset of the chunk */
	u8 edge[EDGE_LEN + 4] __attribute__((aligned(8)));
	struct obi_frame_rule rule; /* of frames.h, which looks through head */
	struct frame_walk frames;
	u32 run;
	u32 window;
	u32 forgotten; /* see forget() of message.h */
	u32 pad;
	u64 pos; /* in a chunk of all bytes, before which so many came */
	u64 all;
	u64 before;
	u64 line;
	u64 answer_end;
	struct obi_trace found;
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
