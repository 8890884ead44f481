// SPDX-License-Identifier: Apache-2.0
/* The beginnings of heads whose ends have not passed, in a pool that all connections share. */
#include <stdlib.h>

#include "conn/state.h"

static struct partial *partial_new(struct obi_conns *conns)
{
	struct partial *partial = conns->free_partials;

	if (partial) {
		conns->free_partials = partial->next_free;
	} else {
		if (conns->partials_made == PARTIALS_MAX)
			return NULL;
		partial = malloc(sizeof(*partial));
		if (!partial)
			return NULL;
		conns->partials_made++;
	}
	partial->len = 0;
	partial->record_flags = 0;
	return partial;
}

static void partial_free(struct obi_conns *conns, struct partial *partial)
{
	partial->next_free = conns->free_partials;
	conns->free_partials = partial;
}

void partials_free(struct obi_conns *conns)
{
	while (conns->free_partials) {
		struct partial *next = conns->free_partials->next_free;

		free(conns->free_partials);
		conns->free_partials = next;
	}
}

void stream_drop_partial(struct obi_conns *conns, struct stream *s)
{
	if (!s->partial)
		return;
	partial_free(conns, s->partial);
	s->partial = NULL;
}

bool stream_keep_partial(struct obi_conns *conns, struct stream *s, const struct chunk *chunk,
			 struct slice bytes)
{
	struct partial *partial;

	if (s->partial)
		return s->partial->len < HEAD_MAX; /* bytes are in it already */
	if (bytes.len >= HEAD_MAX)
		return false;
	partial = partial_new(conns);
	if (!partial)
		return false;
	memcpy(partial->bytes, bytes.data, bytes.len);
	partial->len = (uint32_t)bytes.len;
	partial->start_ns = chunk->time_ns;
	partial->pid = chunk->record->pid;
	partial->tid = chunk->record->tid;
	partial->turn = chunk->turn;
	partial->answered = false;
	partial->record_flags = chunk->record->flags;
	partial->trace = chunk->record->trace;
	partial->opening = (struct opening){ chunk->record->opened_ns, chunk->record->opener };
	s->partial = partial;
	s->state = STREAM_PARTIAL;
	return true;
}
