/* SPDX-License-Identifier: Apache-2.0 */
/* The sender's end of the pair to the worker of now: answers that are never lost, nor waited for.
 */
#ifndef OBI_SENDER_PEER_H
#define OBI_SENDER_PEER_H

#include <stdbool.h>

#include "wire/batch.h"

struct sender_peer {
	int fd;              /* -1: no worker */
	uint64_t generation; /* counts workers */
	struct obi_batch_answer *pending;
	size_t pending_count, pending_room;
	bool flushed_pending;
};

/* Another worker: what waits for the old one is forgotten. The descriptor is owned. */
void sender_peer_set(struct sender_peer *peer, int fd);

/* Answers, if there is a worker. */
void sender_peer_answer(struct sender_peer *peer, const struct obi_batch_answer *answer);

/* Says that all is answered, after the answers. */
void sender_peer_flushed(struct sender_peer *peer);

/* Sends what did not fit into the socket; true where something is left. */
bool sender_peer_push(struct sender_peer *peer);

#endif
