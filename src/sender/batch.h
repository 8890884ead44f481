/* SPDX-License-Identifier: Apache-2.0 */
/* A batch in the sender's memory, and the queue of a signal: first in, first out. */
#ifndef OBI_SENDER_BATCH_H
#define OBI_SENDER_BATCH_H

#include "base/buffer.h"
#include "sender/spill.h"

struct sender_batch {
	struct sender_batch *next;
	uint64_t order;    /* of arrival: what comes back from a try goes to its old place */
	uint64_t sequence; /* the worker's number */
	uint64_t peer;     /* which worker: to a later one it is something left */
	uint32_t items;
	uint32_t bytes;                  /* of the body with its frame */
	int fd;                          /* sealed memfd, or -1: then */
	struct buffer body;              /* it was read from disk, */
	struct sender_spill_place place; /* from here */
	uint64_t first_try_ns;           /* 0: not tried yet */
};

struct sender_queue {
	struct sender_batch *first;
	size_t batches;
	uint64_t items;
	uint64_t memory;
};

/* A batch whose descriptor is owned from now on; NULL when out of memory (it is closed then). */
struct sender_batch *sender_batch_new(int fd, uint32_t items, uint32_t bytes);

/* Closes and frees all of it. */
void sender_batch_free(struct sender_batch *batch);

/* Was it read from disk? */
static inline bool sender_batch_on_disk(const struct sender_batch *batch)
{
	return batch->fd < 0;
}

/* The body with its frame. It stays valid until sender_batch_unmap(), to be called with it. 0 or a
 * negative errno. */
int sender_batch_map(const struct sender_batch *batch, struct slice *ret_body);
void sender_batch_unmap(const struct sender_batch *batch, struct slice body);

/* Puts it in its place by `order`. */
void sender_queue_put(struct sender_queue *queue, struct sender_batch *batch);

/* Takes the oldest, the caller's now; NULL where there is none. */
struct sender_batch *sender_queue_take(struct sender_queue *queue);

/* The same from the other end. */
struct sender_batch *sender_queue_take_last(struct sender_queue *queue);

#endif
