/* SPDX-License-Identifier: Apache-2.0 */
/* Segments of TCP that are kept for a while, within a budget of bytes. */
#ifndef OBI_REPLAY_SEGMENTS_H
#define OBI_REPLAY_SEGMENTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* An early segment, or one that waits for its acknowledgement. */
struct segment {
	struct segment *next; /* by sequence number */
	uint64_t time_ns;
	uint32_t seq;
	uint32_t length;   /* on the wire */
	uint32_t captured; /* of it in bytes[] */
	uint8_t bytes[];
};

struct segments_budget {
	size_t limit;
	size_t used;
};

/* Signed, as sequence numbers wrap (RFC 9293 section 3.4). */
static inline int32_t distance(uint32_t to, uint32_t from)
{
	return (int32_t)(to - from);
}

/* Copies bytes. NULL where the budget or memory does not suffice. */
struct segment *segment_new(struct segments_budget *budget, struct slice bytes, uint32_t seq,
			    uint32_t length, uint64_t time_ns);
void segment_free(struct segments_budget *budget, struct segment *segment);

/* bytes are sent again that stand in this list, or some of them: these may be others. */
void segments_replace(struct segment *first, uint32_t seq, struct slice bytes);

#endif
