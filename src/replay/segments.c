// SPDX-License-Identifier: Apache-2.0
#include "replay/segments.h"

#include <stdlib.h>

void segment_free(struct segments_budget *budget, struct segment *segment)
{
	budget->used -= sizeof(*segment) + segment->captured;
	free(segment);
}

struct segment *segment_new(struct segments_budget *budget, struct slice bytes, uint32_t seq,
			    uint32_t length, uint64_t time_ns)
{
	size_t size = sizeof(struct segment) + bytes.len;
	struct segment *segment = budget->used + size > budget->limit ? NULL : malloc(size);

	if (!segment)
		return NULL;
	*segment = (struct segment){
		.time_ns = time_ns, .seq = seq, .length = length, .captured = (uint32_t)bytes.len
	};
	if (bytes.len)
		memcpy(segment->bytes, bytes.data, bytes.len);
	budget->used += size;
	return segment;
}

/* A single byte is none of the connection's, but asks whether it lives (RFC 9293 section 3.8.4). */
void segments_replace(struct segment *first, uint32_t seq, struct slice bytes)
{
	for (struct segment *s = first; s && bytes.len > 1; s = s->next) {
		int32_t ahead = distance(s->seq, seq);
		size_t skip = ahead > 0 ? (uint32_t)ahead : 0;
		size_t at = ahead < 0 ? (uint32_t) - (int64_t)ahead : 0;
		struct slice part = slice_from(bytes, skip);

		if (at < s->captured && part.len)
			memcpy(s->bytes + at, part.data,
			       part.len < s->captured - at ? part.len : s->captured - at);
	}
}
