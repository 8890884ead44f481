/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * TLS sessions and the sockets that carry them. A thread inside a call of a TLS library says so in
 * its storage (tls.bpf.c); what it sends or receives meanwhile, if it begins as a TLS record does,
 * goes through the session's socket. From then on the socket's own bytes are ciphertext to nobody's
 * interest, and the session has the connection's name and addresses.
 *
 * A program may move the bytes between its library and the socket itself (memory BIOs). Then the
 * socket waits under the random of the ClientHello that passed it, until a session is seen to have
 * the same: it was made for this handshake alone. Where the process has both ends of the connection
 * two of its sockets do, and neither is joined.
 */
#ifndef OBI_BPF_SESSION_H
#define OBI_BPF_SESSION_H

/* Set before loading: are there probes on TLS libraries? */
const volatile bool tls_probes = false;

/* As of other connections (stream.h): so many bytes are shown until an order comes; from so many on
 * none while the ring is more than half full; each so many of them wake the worker, which gives it.
 */
#define TLS_UNORDERED (1024 * 1024)
#define TLS_PRESSED (64 * 1024)
#define TLS_ASKS (8 * 1024)

/* The call that a thread is in; session 0: none. */
struct tls_call {
	u64 session;
	u64 buf;
	u64 count_at;
	u64 cookie;
	u64 der; /* of a certificate that is being written, or 0 */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct tls_call);
} tls_calls SEC(".maps");

struct tls_key {
	u64 session; /* address in the process; or a part of a random */
	u32 pid;     /* thread group */
	u32 hello;   /* it is of a random */
};

/* Of a chunk of plain text: the piece that goes into a record. */
struct plain_piece {
	u64 at;    /* in user memory */
	u32 len;   /* bytes shown */
	u32 bytes; /* that it stands for */
	u32 share; /* of the chunk from here on: bytes to be shown, */
	u32 rest;  /* and all */
};

/* A session whose socket is known. One thread at a time reads, and one writes. */
struct tls_session {
	u64 id;        /* of the connection that its plain text is */
	u64 carrier;   /* of its socket's: the same, unless the ciphertext is shown, too */
	u64 offset[2]; /* bytes of plain text by direction */
	u64 opened_ns;
	u32 opener;
	u32 pid;
	u32 limit; /* while nothing was ordered, bytes still to be shown; else of a chunk */
	u8 side;
	u8 ordered; /* enum obi_order_mode */
	u8 muted;
	u8 heads;     /* bits by direction: the chunk before began a head, which may go on */
	u8 certified; /* its first certificate was told */
	u8 pad[3];
	struct obi_tuple tuple;
	struct plain_piece pieces[2]; /* under way, by direction */
	u64 taken_by;                 /* of a random: the session that has it, or TLS_UNCLEAR */
};

#define TLS_UNCLEAR (~0ULL) /* it is of two sockets */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 32768); /* (set): 1 without probes */
	__type(key, struct tls_key);
	__type(value, struct tls_session);
} tls_sessions SEC(".maps");

#endif
