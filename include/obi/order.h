/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 OR BSD-2-Clause */
/*
 * Orders: what the worker wants to see of a connection. It writes them into an mmapable array that
 * the kernel side looks into: no system call, no privilege. The array is written by the process
 * that parses hostile bytes, so whatever stands in it is safe: a mode that is not known means
 * nothing, and lengths are bounded where they are used.
 */
#ifndef OBI_ORDER_H
#define OBI_ORDER_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

enum obi_order_mode {
	OBI_ORDER_NONE,   /* none was given yet */
	OBI_ORDER_HEADS,  /* the beginnings of messages; totals on the board: HTTP/1 */
	OBI_ORDER_STREAM, /* the first bytes of every chunk */
	OBI_ORDER_FRAMES, /* every chunk, but not the payloads of long frames of some types */
	OBI_ORDER_MUTE,   /* nothing */
};

/* Most bytes of a chunk that are shown. */
#define OBI_ORDER_BYTES_MAX (64 * 1024)

struct obi_order {
	__u32 mode;  /* enum obi_order_mode */
	__u32 bytes; /* of a chunk, at most OBI_ORDER_BYTES_MAX */
};

/* Slot = conn % OBI_BOARD_SLOTS, as on the progress board. conn is written last. */
struct obi_order_slot {
	__u64 conn;
	struct obi_order order;
};

_Static_assert(sizeof(struct obi_order_slot) == 16, "obi_order_slot layout");

#endif
