// SPDX-License-Identifier: Apache-2.0
#include "sender/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wire/wire.h"

void sender_peer_set(struct sender_peer *peer, int fd)
{
	if (peer->fd >= 0)
		(void)close(peer->fd);
	if (fd >= 0)
		(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	peer->fd = fd;
	peer->generation++;
	peer->pending_count = 0;
	peer->flushed_pending = false;
}

static int send_answer(const struct sender_peer *peer, const struct obi_batch_answer *answer)
{
	return obi_wire_send(peer->fd, OBI_BATCH_ANSWER, answer, sizeof(*answer), NULL, 0);
}

static void keep(struct sender_peer *peer, const struct obi_batch_answer *answer)
{
	if (peer->pending_count == peer->pending_room) {
		size_t room = peer->pending_room ? 2 * peer->pending_room : 64;
		struct obi_batch_answer *grown =
			reallocarray(peer->pending, room, sizeof(*peer->pending));

		/* The worker counts it as lost at the end: no worse than dying of it. */
		if (!grown)
			return;
		peer->pending = grown;
		peer->pending_room = room;
	}
	peer->pending[peer->pending_count++] = *answer;
}

void sender_peer_answer(struct sender_peer *peer, const struct obi_batch_answer *answer)
{
	if (peer->fd < 0)
		return;
	if (peer->pending_count || send_answer(peer, answer) == -EAGAIN)
		keep(peer, answer);
}

void sender_peer_flushed(struct sender_peer *peer)
{
	peer->flushed_pending = peer->fd >= 0;
	(void)sender_peer_push(peer);
}

bool sender_peer_push(struct sender_peer *peer)
{
	size_t sent = 0;

	if (peer->fd < 0)
		return false;
	while (sent < peer->pending_count && send_answer(peer, &peer->pending[sent]) != -EAGAIN)
		sent++;
	peer->pending_count -= sent;
	if (sent)
		memmove(peer->pending, peer->pending + sent,
			peer->pending_count * sizeof(*peer->pending));
	if (!peer->pending_count && peer->flushed_pending)
		peer->flushed_pending =
			obi_wire_send(peer->fd, OBI_BATCH_FLUSHED, NULL, 0, NULL, 0) == -EAGAIN;
	return peer->pending_count || peer->flushed_pending;
}
