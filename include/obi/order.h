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
	OBI_ORDER_FRAMES, /* every chunk, but not the payloads of long frames of some types, in
			   * directions whose frames were followed from the first one on; else as
			   * STREAM */
	OBI_ORDER_MUTE,   /* nothing */
};

/* Most bytes of a chunk that are shown. */
#define OBI_ORDER_BYTES_MAX (64 * 1024)

/*
 * How frames are told apart (FRAMES): each has a header, which says how long the payload behind it
 * is. Of frames of these types that are longer than shown_over the payload is not shown.
 */
#define OBI_FRAME_HEADER_MAX 16
#define OBI_FRAME_TYPES 4

struct obi_frame_rule {
	__u8 header;        /* bytes, 1 to OBI_FRAME_HEADER_MAX */
	__u8 length_at;     /* in the header, at most 7 */
	__u8 length_width;  /* bytes, 1 to 4 */
	__u8 little_endian; /* 0: the highest byte comes first */
	__s16 bias;         /* to be added to the length for that of the payload */
	__u16 shown_over;
	__u8 type_at;
	__u8 types_count; /* 0: of any type */
	__u8 types[OBI_FRAME_TYPES];
	__u8 pad[2];
};

/* HTTP/2 (RFC 9113 section 4.1): DATA frames. */
#define OBI_FRAMES_HTTP2                                                                           \
	{                                                                                          \
		.header = 9, .length_width = 3, .shown_over = 256, .type_at = 3, .types_count = 1  \
	}
#define OBI_HTTP2_PREFACE_LEN 24 /* section 3.4: what a client says before its first frame */

struct obi_order {
	__u32 mode;  /* enum obi_order_mode */
	__u32 bytes; /* of a chunk, at most OBI_ORDER_BYTES_MAX */
	struct obi_frame_rule rule;
};

/* Slot = conn % OBI_BOARD_SLOTS, as on the progress board. conn is written last. */
struct obi_order_slot {
	__u64 conn;
	struct obi_order order;
};

_Static_assert(sizeof(struct obi_frame_rule) == 16, "obi_frame_rule layout");
_Static_assert(sizeof(struct obi_order_slot) == 32, "obi_order_slot layout");

#endif
