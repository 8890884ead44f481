// SPDX-License-Identifier: Apache-2.0
/*
 * Taking up a stream that lost its place: records were lost, a head was cut, a body had no end that
 * could be seen, or the connection is older than we are.
 *
 * What comes then may be the rest of a head or any byte of a body, and much of that looks like a
 * head. A request taken from it would get a response that is another's. So a request is taken only
 * where the direction just turned, from a whole request line with a method that is known (see
 * obi_protocol.resume); what is like one and is not that is counted, and costs the requests until
 * the next one that is clear.
 */
#include "protocol/http1/state.h"

/* Could this chunk begin a head? */
static bool head_is_due(const struct conn *c, uint8_t direction, const struct chunk *chunk)
{
	const struct exchange *x = stream_of(c, direction)->exchange;

	if (c->requests == DIRECTION_UNKNOWN)
		return chunk->turn;
	if (conn_is_request_stream(c, direction)) {
		/* Bytes of its own body, unless something was answered in between. */
		if (x && !x->answered && http1_of(c)->interim)
			return false;
		return chunk->turn;
	}
	return exchange_waiting(c) || (chunk->turn && !x);
}

/* Bytes like a request, of which nobody knows whether they are one. */
static void on_doubtful(struct obi_conns *conns, struct conn *c, uint8_t direction,
			const struct chunk *chunk)
{
	enum obi_role role = OBI_ROLE_UNKNOWN;

	if (!conn_is_request_stream(c, direction) || stream_of(c, direction)->exchange ||
	    http1_guess(chunk->bytes, &role) != OBI_GUESS_YES || role != OBI_ROLE_REQUEST)
		return;
	exchange_count_drop(conns, OBI_DROP_UNPARSED);
	http1_of(c)->hidden = true;
}

/* The answer to a request that passed unseen: that one was not alone. */
static void on_hidden_answer(struct obi_conns *conns, struct conn *c, uint8_t direction,
			     const struct chunk *chunk)
{
	enum obi_role role = OBI_ROLE_UNKNOWN;

	if (c->requests == DIRECTION_UNKNOWN || conn_is_request_stream(c, direction) ||
	    !http1_of(c)->hidden || stream_of(c, direction)->exchange)
		return;
	if (http1_resume(chunk->bytes, &role) && role == OBI_ROLE_RESPONSE)
		exchange_count_drop(conns, OBI_DROP_NO_REQUEST);
}

/* A response is seen again. With several requests waiting, and bytes passed that may have been the
 * responses of some, nobody can say whose it is. */
static void drop_unclear(struct obi_conns *conns, struct conn *c)
{
	const struct exchange *x = exchange_waiting(c);

	if (http1_of(c)->unclear && x && (x->next || http1_of(c)->hidden)) {
		exchange_drop_waiting(conns, c, OBI_DROP_UNPARSED);
		http1_of(c)->hidden = true;
	}
	http1_of(c)->unclear = false;
}

void stream_resume(struct obi_conns *conns, struct conn *c, uint8_t direction,
		   const struct chunk *chunk)
{
	enum obi_role role = OBI_ROLE_UNKNOWN;

	if (!head_is_due(c, direction, chunk)) {
		on_hidden_answer(conns, c, direction, chunk);
		return;
	}
	if (!http1_resume(chunk->bytes, &role)) {
		on_doubtful(conns, c, direction, chunk);
		return;
	}
	if (c->requests == DIRECTION_UNKNOWN)
		conn_set_role(c, direction, role);
	if ((role == OBI_ROLE_REQUEST) != conn_is_request_stream(c, direction))
		return;
	if (role == OBI_ROLE_RESPONSE)
		drop_unclear(conns, c);
	stream_end_body(conns, c, direction, c->halves[direction].last_ns);
}
