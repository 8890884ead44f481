/* SPDX-License-Identifier: Apache-2.0 */
/* A record of a segment's file: a header of fixed size, then the body. Nothing in it is believed.
 */
#ifndef OBI_SENDER_SPILL_RECORD_H
#define OBI_SENDER_SPILL_RECORD_H

#include <stdbool.h>

#include "base/buffer.h"
#include "otlp/outbox.h"
#include "sender/spill.h"
#include "wire/batch.h"

#define SPILL_SEGMENT_MAX (64u << 20)
#define SPILL_BODY_MAX (OUTBOX_BODY_MAX + OBI_BATCH_FRAME)
/* No file of ours is longer: the last record is put while there is room for it. */
#define SPILL_FILE_MAX (SPILL_SEGMENT_MAX + sizeof(struct spill_record) + SPILL_BODY_MAX)

/* Native byte order: a directory does not move between machines. */
struct spill_record {
	uint32_t magic;
	uint32_t size; /* of the body */
	uint32_t items;
	uint32_t body_crc;
	uint32_t header_crc; /* of the above */
	uint32_t done;       /* the mark: changes after the record was written */
};

_Static_assert(sizeof(struct spill_record) == 24, "no holes");

struct spill_record spill_record_make(struct slice body, uint32_t items);

/* Where the body of the record at `at` begins. */
static inline uint64_t spill_record_body(uint64_t at)
{
	return at + sizeof(struct spill_record);
}

/* Reads the header at `at` of a file of so many bytes; false where there is none, or a broken one.
 */
bool spill_record_read(int fd, uint64_t at, uint64_t size, struct spill_record *ret_record);

/* Appends the body; false where it is not whole, and nothing was put. */
bool spill_record_read_body(int fd, const struct spill_record *record, uint64_t at, uint64_t size,
			    struct buffer *body);

#endif
