// SPDX-License-Identifier: Apache-2.0
#include "sender/batch.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "wire/batch.h"

struct sender_batch *sender_batch_new(int fd, uint32_t items, uint32_t bytes)
{
	struct sender_batch *batch = calloc(1, sizeof(*batch));

	if (!batch) {
		if (fd >= 0)
			(void)close(fd);
		return NULL;
	}
	batch->fd = fd;
	batch->items = items;
	batch->bytes = bytes;
	return batch;
}

void sender_batch_free(struct sender_batch *batch)
{
	if (!batch)
		return;
	if (batch->fd >= 0)
		(void)close(batch->fd);
	buffer_free(&batch->body);
	free(batch);
}

int sender_batch_map(const struct sender_batch *batch, struct slice *ret_body)
{
	const uint8_t *map;
	int error;

	if (sender_batch_on_disk(batch)) {
		*ret_body = slice_of(batch->body.data, batch->body.len);
		return 0;
	}
	error = obi_batch_map(batch->fd, batch->bytes, &map);
	if (!error)
		*ret_body = slice_of(map, batch->bytes);
	return error;
}

void sender_batch_unmap(const struct sender_batch *batch, struct slice body)
{
	if (!sender_batch_on_disk(batch) && body.data)
		(void)munmap((void *)body.data, body.len);
}

static void count(struct sender_queue *queue, const struct sender_batch *batch, int sign)
{
	queue->batches += (size_t)sign;
	queue->items += (uint64_t)((int64_t)batch->items * sign);
	queue->memory += (uint64_t)((int64_t)obi_batch_memory(batch->bytes) * sign);
}

/* Mostly it is the last, or, after a try, the first: the walk is short, or a queue is long and
 * something else is the matter. */
void sender_queue_put(struct sender_queue *queue, struct sender_batch *batch)
{
	struct sender_batch **at = &queue->first;

	while (*at && (*at)->order < batch->order)
		at = &(*at)->next;
	batch->next = *at;
	*at = batch;
	count(queue, batch, 1);
}

static struct sender_batch *take_at(struct sender_queue *queue, struct sender_batch **at)
{
	struct sender_batch *batch = *at;

	if (!batch)
		return NULL;
	*at = batch->next;
	batch->next = NULL;
	count(queue, batch, -1);
	return batch;
}

struct sender_batch *sender_queue_take(struct sender_queue *queue)
{
	return take_at(queue, &queue->first);
}

struct sender_batch *sender_queue_take_last(struct sender_queue *queue)
{
	struct sender_batch **at = &queue->first;

	while (*at && (*at)->next)
		at = &(*at)->next;
	return take_at(queue, at);
}
