/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches on disk, one queue a signal: first in, first out, within a limit of bytes.
 *
 * A queue is a row of segment files PREFIX-NUMBER.spill, oldest number first. A segment is a row of
 * records: a header of fixed size with a checksum of its own, then the body. A record that was
 * taken care of is marked in place; a segment without any other is removed. Where the limit is
 * reached the oldest segment goes, whatever it holds.
 *
 * Nothing read is trusted: a record with a broken body is passed over, and after a broken header
 * (a torn write at the end, most often) the rest of its segment is. Only regular files that no
 * other user owns, links to or writes are read and written. Checksums: CRC-32 of zlib.
 * Written data is not forced to the disk: it survives the end of any process, and what a power cut
 * takes is noticed.
 */
#ifndef OBI_SENDER_SPILL_H
#define OBI_SENDER_SPILL_H

#include <stdint.h>

#include "base/buffer.h"

struct sender_spill;

/* What the open found besides batches. */
struct sender_spill_found {
	uint64_t broken_items; /* lost; where it cannot be told how many there were, one counts */
	uint64_t broken_bytes;
	uint64_t foreign; /* files of our names that are not ours: left alone */
};

/* Where a record lies: for sender_spill_done(). */
struct sender_spill_place {
	uint64_t segment;
	uint32_t offset;
	uint32_t items;
};

/* Opens the queue `prefix` in a directory, whose descriptor stays the caller's and open. ret_items:
 * how many items were found. 0 or a negative errno. */
int sender_spill_open(int directory, const char *prefix, uint64_t limit_bytes,
		      struct sender_spill **ret_spill, uint64_t *ret_items);

/* Nothing is lost: the next open finds what is left. */
void sender_spill_close(struct sender_spill *spill);

/* Appends a batch. ret_lost: items that had to make room for it, or were found to be broken. 0, or
 * a negative errno (-EMSGSIZE: larger than a segment may be): the batch stays the caller's. */
int sender_spill_append(struct sender_spill *spill, struct slice body, uint32_t items,
			uint64_t *ret_lost);

/* The same, before everything that is there: for what was in memory longer, newest first. Nothing
 * makes room for it: -ENOSPC. Read no more after it: what was read comes again. */
int sender_spill_prepend(struct sender_spill *spill, struct slice body, uint32_t items);

/* Reads the next batch that was not read yet, oldest first, into body (appended). ret_lost: items
 * that cannot be read any more. 0, -ENOENT where there is none, -ENOMEM. */
int sender_spill_next(struct sender_spill *spill, struct buffer *body,
		      struct sender_spill_place *ret_place, uint64_t *ret_lost);

/* A batch that was read is taken care of: it will not be found again. Returns its items, 0 where
 * its segment had to make room meanwhile: then they were counted as lost. */
uint32_t sender_spill_done(struct sender_spill *spill, const struct sender_spill_place *place);

/* Items that are not taken care of, read or not. */
uint64_t sender_spill_items(const struct sender_spill *spill);

/* Batches that were not read yet. */
uint64_t sender_spill_unread(const struct sender_spill *spill);

struct sender_spill_found sender_spill_found(const struct sender_spill *spill);

/* What a segment's file of so many bytes holds. Calls take() for each record that is whole and not
 * marked, with the size of its body; what is broken is added to found. */
void sender_spill_scan(int fd, uint64_t size,
		       void (*take)(void *context, uint32_t offset, uint32_t items, uint32_t bytes),
		       void *context, struct sender_spill_found *found);

#endif
