// SPDX-License-Identifier: Apache-2.0
#include "broker/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wire/wire.h"

struct obi_queued {
	struct obi_queued *next;
	uint32_t id;
	int fds[OBI_WIRE_FDS];
	int fd_count;
	size_t size;
	unsigned char body[];
};

static void drop(struct obi_queued *message)
{
	while (message->fd_count)
		(void)close(message->fds[--message->fd_count]);
	free(message);
}

static struct obi_queued *copy(uint32_t id, const void *body, size_t size, const int *fds,
			       int fd_count)
{
	struct obi_queued *message = malloc(sizeof(*message) + size);

	if (!message)
		return NULL;
	*message = (struct obi_queued){ .id = id, .size = size };
	if (size)
		memcpy(message->body, body, size);
	while (message->fd_count < fd_count) {
		int fd = fcntl(fds[message->fd_count], F_DUPFD_CLOEXEC, 0);

		if (fd < 0) {
			drop(message);
			return NULL;
		}
		message->fds[message->fd_count++] = fd;
	}
	return message;
}

static void account(struct obi_queue *queue, const struct obi_queued *message, int sign)
{
	queue->bytes += (size_t)sign * (sizeof(*message) + message->size);
	queue->descriptors += (size_t)sign * (size_t)message->fd_count;
}

static int put(struct obi_queue *queue, uint32_t id, const void *body, size_t size, const int *fds,
	       int fd_count)
{
	struct obi_queued *message;

	if (queue->bytes + size > OBI_QUEUE_BYTES || fd_count > OBI_WIRE_FDS ||
	    queue->descriptors + (size_t)fd_count > OBI_QUEUE_DESCRIPTORS)
		return -EAGAIN;
	message = copy(id, body, size, fds, fd_count);
	if (!message)
		return -EAGAIN;
	if (!queue->first)
		queue->last = &queue->first;
	*queue->last = message;
	queue->last = &message->next;
	account(queue, message, 1);
	return 0;
}

int obi_queue_send(struct obi_queue *queue, int sock, uint32_t id, const void *body, size_t size,
		   const int *fds, int fd_count)
{
	int error = -EAGAIN;

	if (!queue->first)
		error = obi_wire_send(sock, id, body, size, fds, fd_count);
	return error == -EAGAIN ? put(queue, id, body, size, fds, fd_count) : error;
}

bool obi_queue_flush(struct obi_queue *queue, int sock)
{
	bool sent = false;

	while (queue->first) {
		struct obi_queued *message = queue->first;
		int error = obi_wire_send(sock, message->id, message->body, message->size,
					  message->fds, message->fd_count);

		if (error == -EAGAIN)
			break;
		/* Any other error is the child's end, which is noticed elsewhere. */
		sent |= !error;
		queue->first = message->next;
		account(queue, message, -1);
		drop(message);
	}
	return sent;
}

bool obi_queue_waits(const struct obi_queue *queue)
{
	return queue->first != NULL;
}

void obi_queue_clear(struct obi_queue *queue)
{
	struct obi_queued *next;

	for (struct obi_queued *message = queue->first; message; message = next) {
		next = message->next;
		drop(message);
	}
	*queue = (struct obi_queue){ 0 };
}
