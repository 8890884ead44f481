/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 OR BSD-2-Clause */
/*
 * Probes on the calls of TLS libraries. Every library is seen by the same programs: what a site is
 * for travels in its cookie, which comes from the worker, so whatever it says is safe.
 */
#ifndef OBI_TLS_H
#define OBI_TLS_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

/* What a call does. Its first argument is the session; of READ and WRITE the second is the memory
 * of the plain text. */
enum obi_tls_op {
	OBI_TLS_NONE,
	OBI_TLS_READ,
	OBI_TLS_WRITE,
	OBI_TLS_HANDSHAKE, /* moves no plain text */
	OBI_TLS_FREE,      /* the session is over: its address may be that of another one soon */
	/* Of a certificate, within another call: its second argument points to where the address of
	 * its DER stands, which is there before (the third is its length), or which is filled in
	 * meanwhile (its length is returned). Only where handshakes are asked for. */
	OBI_TLS_CERTIFICATE_READ,
	OBI_TLS_CERTIFICATE_WRITTEN,
	OBI_TLS_INSIDE, /* until the next call the thread is inside the session, or in none: 0 */
	OBI_TLS_OPS,
};

/* Does anybody wait for its end? */
#define obi_tls_op_returns(op)                                                                     \
	((op) != OBI_TLS_FREE && (op) != OBI_TLS_CERTIFICATE_READ && (op) != OBI_TLS_INSIDE)

/* Where the number of bytes that were moved is found. */
enum obi_tls_count {
	OBI_TLS_RETURNED, /* the call returns it; 0 and below: none */
	/* The call returns 1, or another number above 0, and it stands, of 64 bits, where the
	 * fourth argument (fifth, sixth) points to. */
	OBI_TLS_AT_ARG3,
	OBI_TLS_AT_ARG4,
	/* It is returned; and the call is also made for files and plain sockets. */
	OBI_TLS_OF_ANY,
	OBI_TLS_COUNTS,
};

/* How a library's file is named: the first bytes of its name, and a mask of those that count. */
struct obi_tls_name {
	union {
		char text[16];
		__u64 word[2];
	};
	__u64 mask[2];
};

#define OBI_TLS_NAMES 27

/*
 * Where a session has the random of its ClientHello: as bytes of its own, or behind a pointer in
 * it. Found by looking at code, and so perhaps wrong: but what stands at a wrong place is the
 * random of no connection. 0: not known.
 */
struct obi_tls_random {
	__u16 at;     /* in the session */
	__u16 via;    /* where the pointer stands, */
	__u16 behind; /* and where in what it points to */
	__u16 pad;
};

/* A ClientHello in its record (RFC 8446 sections 4.1.2 and 5.1): type, version, length; type,
 * length, version, random. Of the random the middle is looked at: the first four bytes may be a
 * clock, and the last eight are the server's to choose in its own. */
#define OBI_TLS_HELLO_MIN 43
#define OBI_TLS_RANDOM_AT 11
#define OBI_TLS_RANDOM_PART 8 /* from there on eight bytes */

/* Cookie of a site. */
#define OBI_TLS_COOKIE(op, count, random)                                                          \
	((__u64)(op) | (__u64)(count) << 4 | (__u64)(random)->at << 16 |                           \
	 (__u64)(random)->via << 32 | (__u64)(random)->behind << 48)
#define OBI_TLS_COOKIE_OP(cookie) ((__u32)(cookie)&0xf)
#define OBI_TLS_COOKIE_COUNT(cookie) ((__u32)(cookie) >> 4 & 0xf)
#define OBI_TLS_COOKIE_AT(cookie) ((__u16)((cookie) >> 16))
#define OBI_TLS_COOKIE_VIA(cookie) ((__u16)((cookie) >> 32))
#define OBI_TLS_COOKIE_BEHIND(cookie) ((__u16)((cookie) >> 48))

#endif
