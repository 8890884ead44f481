/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages to a child that does not take them at once. Sending never waits: what the socket has no
 * room for waits here, in order, within bounds.
 */
#ifndef OBI_BROKER_QUEUE_H
#define OBI_BROKER_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of what waits: a period of 100,000 flows takes some 8 MB. */
#define OBI_QUEUE_BYTES ((size_t)16 << 20)
#define OBI_QUEUE_DESCRIPTORS 256

struct obi_queued;

struct obi_queue {
	struct obi_queued *first, **last;
	size_t bytes;
	size_t descriptors;
};

/* Sends, or puts at the end. Descriptors stay the caller's. 0; -EAGAIN where there is no room; else
 * the negative errno of sending. */
int obi_queue_send(struct obi_queue *queue, int sock, uint32_t id, const void *body, size_t size,
		   const int *fds, int fd_count);

/* Sends what waits, as far as there is room. True where something was sent. */
bool obi_queue_flush(struct obi_queue *queue, int sock);

bool obi_queue_waits(const struct obi_queue *queue);

/* Forgets what waits. */
void obi_queue_clear(struct obi_queue *queue);

#endif
