/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 OR BSD-2-Clause */
/*
 * Process events: from the kernel side to the broker, which decides what is
 * instrumented.
 */
#ifndef OBI_PROCESS_H
#define OBI_PROCESS_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

enum obi_process_event_type {
	OBI_PROCESS_EXEC = 1,
	OBI_PROCESS_FORK = 2,    /* only children of selected processes */
	OBI_PROCESS_EXIT = 3,    /* only selected processes */
	OBI_PROCESS_LISTEN = 4,  /* any process began to listen on a TCP port */
	OBI_PROCESS_ORPHAN = 5,  /* its parent ends before it, and it is not selected */
	OBI_PROCESS_PRESSES = 6, /* it writes more records than its share of the ring */
	OBI_PROCESS_TAKEN = 7,   /* another program's sockhash has a connection of it; told once */
	OBI_PROCESS_UNREAD = 8,  /* it moves bytes by a call that cannot be read */
	OBI_PROCESS_MAPPED = 9,  /* it maps a TLS library: a struct obi_process_mapped */
};

/* Why the bytes of a chunk are not known. */
enum obi_unread {
	OBI_READ,           /* they are, or may be */
	OBI_UNREAD_MOVED,   /* the kernel moved them itself (sendfile, splice): a body in general */
	OBI_UNREAD_COMPAT,  /* a 32-bit process's call, where these are not understood */
	OBI_UNREAD_URING,   /* io_uring: the request that it was cannot be told for sure */
	OBI_UNREAD_SEVERAL, /* sendmmsg or recvmmsg: which of the messages it was is not known */
	OBI_UNREAD_OTHER,   /* another system call */
	OBI_UNREADS,
};

struct obi_process_event {
	__u16 type;   /* enum obi_process_event_type */
	__u16 unread; /* UNREAD: enum obi_unread */
	__u32 pid;    /* thread group, as of obi/record.h */
	union {
		struct {
			__u32 parent; /* FORK, ORPHAN */
			__u32 port;   /* LISTEN, host order */
			__u32 netns;  /* LISTEN: inode of the network namespace */
			__u32 uid;    /* whose doing it is */
		};
		char command[16]; /* PRESSES, UNREAD: its name, "" not known */
	};
};

_Static_assert(sizeof(struct obi_process_event) == 24, "obi_process_event layout");

/* Which file, and where, as /proc/PID/maps has it. */
struct obi_process_mapped {
	__u16 type; /* OBI_PROCESS_MAPPED */
	__u16 pad;
	__u32 pid;
	__u32 major, minor;
	__u64 inode;
	__u64 start, end;
};

_Static_assert(sizeof(struct obi_process_mapped) == 40, "obi_process_mapped layout");

/* What a process wrote while the ring was more than half full, see bpf/lib/ring.h. */
struct obi_ring_share {
	__u32 period;      /* which time that was */
	__u32 used;        /* bytes */
	__u64 turned_away; /* records, ever */
	__u64 said_ns;
};

/* Of the entries of discovery.selected that match a process, the last one, and the last ones that
 * say something of these. Counted from 1; 0 = none. */
struct obi_entries {
	__u16 last;
	__u16 exports;
	__u16 sampler;
	__u16 routes;
};

/* Value of the processes map (key: thread group, as of obi/record.h), which holds the selected ones
 * alone. */
#define OBI_PROCESS_SELECTED 0x01 /* its connections are observed */
#define OBI_PROCESS_SAMPLER                                                                        \
	16 /* from this bit on: the entry whose sampler is its, 0 = the common one */

#endif
