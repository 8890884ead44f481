// SPDX-License-Identifier: Apache-2.0
/* Which protocol a connection speaks, and where that keeps its state. */
#include <stdlib.h>

#include "conn/state.h"

bool conn_begin_protocol(struct obi_conns *conns, struct conn *c,
			 const struct obi_protocol *protocol, bool fresh)
{
	if (protocol->state_size > sizeof(c->room)) {
		c->state = calloc(1, protocol->state_size);
		if (!c->state)
			return false;
	} else {
		memset(c->room, 0, sizeof(c->room));
		c->state = c->room;
	}
	c->protocol = protocol;
	protocol->begin(conns, c, fresh);
	return true;
}

void conn_end_protocol(struct obi_conns *conns, struct conn *c)
{
	if (c->state != c->room)
		free(c->state);
	c->state = NULL;
	c->protocol = NULL;
}
