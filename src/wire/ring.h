/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a BPF ring buffer from its map's descriptor alone: no bpf(2) call, so a process
 * without capabilities can. The consumer's position lives in the map: a later reader
 * goes on where an earlier one stopped.
 */
#ifndef OBI_WIRE_RING_H
#define OBI_WIRE_RING_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct obi_ring {
	unsigned long *consumer; /* position, in a page of its own */
	const unsigned long *producer;
	const uint8_t *data; /* mapped twice in a row, so that no record wraps */
	size_t size;
	size_t page;
};

/* size: max_entries of the map, a power of two. 0 or a negative errno. The descriptor may be closed
 * afterwards (unless it is polled). */
int obi_ring_map(struct obi_ring *ret_ring, int fd, size_t size);
void obi_ring_unmap(struct obi_ring *ring);

/* Hands each waiting record to take(), at most budget of them. The record is gone when take
 * returns. Returns how many. */
size_t obi_ring_drain(struct obi_ring *ring, size_t budget,
		      void (*take)(void *context, const void *record, size_t size), void *context);

/*
 * Sets right where the next consumer begins: a reader that was not to be trusted may have left any
 * position. It stands where whole records, of min to max bytes each, lead from it to the producer's
 * position; else what waits is given up. Returns how many bytes were, 0 = none. A negative errno
 * where the ring cannot be mapped. Nobody may read meanwhile.
 */
ssize_t obi_ring_repair(int fd, size_t size, size_t min, size_t max);

/* Bytes waiting. */
size_t obi_ring_waiting(const struct obi_ring *ring);

#endif
