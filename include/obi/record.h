/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 OR BSD-2-Clause */
/*
 * Records that the kernel side writes into the ring buffer for the worker.
 *
 * A *message* is everything that flows in one direction of a connection until
 * the direction turns or the connection ends. Its first chunk is one
 * OBI_RECORD_MESSAGE; the totals of the message before it (the other
 * direction) travel in the same record, so that a request/response exchange
 * costs two records whatever the size of its bodies.
 *
 * obi replay builds the same records from captured packets.
 *
 * Processes have the numbers by which /proc shows them to the agent: those of its own PID
 * namespace, or of the initial one where it runs there (bpf/lib/pid.h). That holds for every
 * process that is named across the border, in records, in events and as key of a map; what has no
 * such number is not reported. Threads are always told by their numbers in the initial namespace,
 * as keys that mean nothing else: they are no more than equal or not.
 *
 * All integers are in host byte order, ports too. Addresses are 16 bytes,
 * IPv4 as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2).
 */
#ifndef OBI_RECORD_H
#define OBI_RECORD_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

/* Most bytes of a chunk that one record carries. */
#define OBI_HEAD_MAX 1024

enum obi_record_type {
	OBI_RECORD_MESSAGE = 1,     /* first chunk of a message; head = its first bytes */
	OBI_RECORD_MORE = 2,        /* a later chunk that may begin or continue a head */
	OBI_RECORD_FIN = 3,         /* our side sends no more; no head */
	OBI_RECORD_CLOSE = 4,       /* the connection is over; no head */
	OBI_RECORD_CHUNK = 5,       /* a chunk as it came, where the kernel side tells no messages:
				       before = bytes of this direction before it */
	OBI_RECORD_CERTIFICATE = 6, /* the first certificate of the TLS session whose ciphertext
				       goes through it, the server's; head = its DER, perhaps cut */
};

enum obi_direction {
	OBI_SEND = 0,
	OBI_RECV = 1,
};

/* How the local socket came to be. */
enum obi_side {
	OBI_SIDE_UNKNOWN = 0,   /* already open when we came */
	OBI_SIDE_CONNECTED = 1, /* by connect(2) */
	OBI_SIDE_ACCEPTED = 2,  /* by accept(2), and no byte passed before we came */
};

/* obi_record.flags */
#define OBI_RECORD_UNREADABLE 0x01 /* bytes passed, but their memory could not be read */
#define OBI_RECORD_TRACED 0x02     /* trace is filled in */
#define OBI_RECORD_INJECTED 0x04   /* a traceparent header went out with this request */
#define OBI_RECORD_RESET 0x08      /* CLOSE: by RST or error, not by FIN */
#define OBI_RECORD_DATAGRAM 0x40   /* CHUNK: all of a datagram, or its beginning */
#define OBI_RECORD_UNORDERED                                                                       \
	0x20                       /* CHUNK: the worker did not say what it wants, see obi/order.h \
				    */
#define OBI_RECORD_TLS 0x80        /* CHUNK: plain text of a TLS session, see below */
#define OBI_RECORD_COULD_WAIT 0x10 /* received on a socket that is not non-blocking */

struct obi_tuple {
	__u8 local_addr[16];
	__u8 remote_addr[16];
	__u16 local_port;
	__u16 remote_port;
	__u32 netns; /* inode of the network namespace */
};

/* W3C trace context (https://www.w3.org/TR/trace-context/); all zero = none. */
struct obi_trace {
	__u8 trace_id[16];
	__u8 span_id[8];
	__u8 parent_id[8];
	__u8 trace_flags;
	__u8 pad[7];
} __attribute__((aligned(8))); /* copied by words on the kernel side */

struct obi_record {
	__u8 type;      /* enum obi_record_type */
	__u8 direction; /* enum obi_direction */
	__u8 side;      /* enum obi_side */
	__u8 flags;     /* OBI_RECORD_* */
	__u32 message;  /* number of the message in its connection, from 1; CHUNK: of the last */
	__u64 conn;     /* never used twice while the kernel runs */
	__u64 time_ns;  /* CLOCK_MONOTONIC, when the call with this chunk returned */
	__u64 bytes;    /* length of this chunk on the wire of the application */
	__u64 before;   /* bytes of the same message before this chunk */
	/* MESSAGE: total and last time of message number - 1.
	 * FIN, CLOSE: total and last time of message number.
	 * CHUNK with OBI_RECORD_TLS: total_bytes are the last 8 bytes of the chunk, the very last
	 * in the highest byte; 0 not known; last_ns is the connection of the ciphertext, where that
	 * is shown, else 0. */
	__u64 total_bytes;
	__u64 last_ns;
	__u32 pid; /* thread group */
	__u32 tid; /* opaque */
	struct obi_tuple tuple;
	struct obi_trace trace;
	__u64 opened_ns; /* when connect(2) was called, until a request was sent; 0 = not seen */
	__u32 opener;    /* and by which thread of pid */
	__u32 head_len;  /* bytes in head[], at most OBI_HEAD_MAX and bytes */
	__u8 head[];
};

_Static_assert(sizeof(struct obi_tuple) == 40, "obi_tuple layout");
_Static_assert(sizeof(struct obi_trace) == 40, "obi_trace layout");
_Static_assert(sizeof(struct obi_record) == 160, "obi_record layout");

/* Bytes of the longest. */
#define OBI_RECORD_MAX (sizeof(struct obi_record) + OBI_HEAD_MAX)

/*
 * The progress board: an mmapable array that lets the worker follow messages of
 * more than one chunk without an event for each. Slot = conn % OBI_BOARD_SLOTS;
 * the last writer owns the slot, and the exact totals always come with the next
 * MESSAGE, FIN or CLOSE record, so a lost slot only delays a span.
 */
#define OBI_BOARD_SLOTS 8192

struct obi_board_slot {
	__u64 conn;
	__u32 message;
	__u32 pad;
	__u64 total_bytes;
	__u64 last_ns;
	__u64 tail; /* last 8 bytes of the message, the very last in the highest byte */
};

_Static_assert(sizeof(struct obi_board_slot) == 40, "obi_board_slot layout");

/* Counters of the application tracer: one per-CPU array, summed by the reader. */
enum obi_app_counter {
	OBI_APP_RECORDS,       /* records written to the ring */
	OBI_APP_RING_FULL,     /* records that found the ring full, or the share of their process */
	OBI_APP_RING_SHARE,    /* of these the latter */
	OBI_APP_UNREADABLE,    /* chunks whose memory could not be read */
	OBI_APP_UNREAD_CALLS,  /* of these: by a call that cannot be read, see enum obi_unread */
	OBI_APP_STATE_FULL,    /* sockets for which no state could be kept */
	OBI_APP_MUTED,         /* connections given up: no protocol recognised */
	OBI_APP_UNRECOGNISED,  /* messages that no protocol claimed */
	OBI_APP_INJECTED,      /* traceparent headers written */
	OBI_APP_INJECT_FAILED, /* requests left alone because the edit failed */
	OBI_APP_INJECT_TAKEN,  /* connections left alone because another program's sockhash has them
				*/
	OBI_APP_NOT_INJECTED,  /* connections left alone because their receives could wait */
	OBI_APP_UNCLEAR_PARENT, /* client requests beside which requests were open, none of them
				   known to be the parent */
	OBI_APP_TLS_LATE,       /* TLS sessions of which the first data may not have been seen */
	OBI_APP_TLS_UNJOINED,   /* plain text of TLS sessions whose sockets are not known */
	OBI_APP_MISSED,      /* hook calls that the kernel skipped: added by the broker from program
				statistics */
	OBI_APP_EVENTS_LOST, /* news of processes that found their ring full: one may be missed */
	OBI_APP_COUNTERS,
};

#endif
