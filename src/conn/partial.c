// SPDX-License-Identifier: Apache-2.0
/* The beginnings of heads whose ends have not passed, in a pool that all connections share. */
#include <stdlib.h>

#include "conn/state.h"

struct partial *partial_new(struct obi_conns *conns)
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
	partial->turn = partial->answered = false;
	return partial;
}

void partial_free(struct obi_conns *conns, struct partial *partial)
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
