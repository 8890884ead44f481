// SPDX-License-Identifier: Apache-2.0
/*
 * Which protocol a connection speaks, and where that keeps its state.
 *
 * What the kernel side took for HTTP/1 comes as messages and is believed. All else comes as chunks:
 * each protocol is asked about the first bytes of each direction, or, where it is not the beginning
 * of the connection, about the beginning of each chunk. Bytes too few to tell are kept.
 */
#include <stdlib.h>
#include <string.h>

#include "conn/state.h"

/* Bytes that tell: what is not recognised by then is not. */
#define GUESS_BYTES 512
/* Chunks without a word that anything knows, after which no more is to be seen. */
#define GUESS_CHUNKS 24

/* States and tables of all connections. */
#define MEMORY_MAX ((size_t)16 << 20)

/* In conn.room until there is a protocol. */
struct pending {
	struct partial *partial[2]; /* by direction: beginnings */
	bool failed[2];             /* that was no beginning of anything */
	uint8_t chunks;
};

_Static_assert(sizeof(struct pending) <= CONN_ROOM, "fits into the connection");

static struct pending *pending_of(struct conn *c)
{
	return (struct pending *)c->room;
}

static void pending_drop(struct obi_conns *conns, struct conn *c, uint8_t direction)
{
	struct partial **partial = &pending_of(c)->partial[direction];

	if (*partial)
		partial_free(conns, *partial);
	*partial = NULL;
}

/* ---- Protocols begin and end --------------------------------------------------------------- */

bool conn_begin_protocol(struct obi_conns *conns, struct conn *c,
			 const struct obi_protocol *protocol, bool fresh)
{
	pending_drop(conns, c, OBI_SEND);
	pending_drop(conns, c, OBI_RECV);
	memset(c->room, 0, sizeof(c->room));
	c->state = c->room;
	if (protocol->state_size > sizeof(c->room)) {
		c->state = conn_memory_take(conns, protocol->state_size);
		if (!c->state)
			return false;
	}
	c->protocol = protocol;
	protocol->begin(conns, c, fresh);
	return true;
}

void conn_end_protocol(struct obi_conns *conns, struct conn *c)
{
	if (!c->protocol) {
		pending_drop(conns, c, OBI_SEND);
		pending_drop(conns, c, OBI_RECV);
		return;
	}
	if (c->protocol->release)
		c->protocol->release(conns, c);
	if (c->state != c->room)
		conn_memory_give(conns, c->state, c->protocol->state_size);
	c->state = NULL;
	c->protocol = NULL;
	memset(c->room, 0, sizeof(c->room));
}

void *conn_memory_take(struct obi_conns *conns, size_t size)
{
	void *memory = size <= MEMORY_MAX - conns->memory ? calloc(1, size) : NULL;

	if (memory)
		conns->memory += size;
	return memory;
}

void conn_memory_give(struct obi_conns *conns, void *memory, size_t size)
{
	if (memory)
		conns->memory -= size;
	free(memory);
}

/* What is open of another protocol is no more, and is not counted as its records were lost. */
static void leave(struct obi_conns *conns, struct conn *c)
{
	if (!c->protocol)
		return;
	c->protocol->end(conns, c, CONN_LEFT);
	exchange_drop_waiting(conns, c, OBI_DROP_UNPARSED);
	while (c->first)
		exchange_finish(conns, c->first, c->halves[c->direction].last_ns,
				OBI_SPAN_INCOMPLETE);
	conn_end_protocol(conns, c);
	c->requests = DIRECTION_UNKNOWN;
}

bool conn_take_heads(struct obi_conns *conns, struct conn *c, const struct obi_record *record)
{
	bool first = record->type == OBI_RECORD_MESSAGE && record->message == 1;

	if (c->protocol == conns->heads)
		c->streaming = false;
	if (c->protocol == conns->heads || !conns->heads)
		return c->protocol;
	leave(conns, c);
	c->streaming = false;
	c->message = record->message;
	c->direction = record->direction;
	c->halves[OBI_SEND].at = c->halves[OBI_RECV].at = 0;
	c->halves[c->direction].at = record->before;
	return conn_begin_protocol(conns, c, conns->heads, first);
}

void conn_begin_anew(struct obi_conns *conns, struct conn *c)
{
	leave(conns, c);
	conn_end_protocol(conns, c);
	memset(c->room, 0, sizeof(c->room));
}

/* ---- Recognition --------------------------------------------------------------------------- */

static bool is_asked(const struct obi_conns *conns, const struct obi_protocol *protocol)
{
	return !protocol->carrier || conns->options.carriers;
}

/* Which protocol do the bytes begin? *ret_more: some may, if more came. */
static const struct obi_protocol *ask_all(const struct obi_conns *conns, bool datagrams,
					  struct slice bytes, enum obi_role *ret_role,
					  bool *ret_more)
{
	*ret_more = false;
	for (const struct obi_protocol *const *p = conns->options.protocols; *p; p++) {
		enum obi_guess guess = OBI_GUESS_NO;

		if ((*p)->datagrams == datagrams && is_asked(conns, *p))
			guess = (*p)->guess(bytes, ret_role);
		if (guess == OBI_GUESS_YES)
			return *p;
		*ret_more |= guess == OBI_GUESS_MORE;
	}
	return NULL;
}

static const struct obi_protocol *ask_to_resume(const struct obi_conns *conns, struct slice bytes,
						enum obi_role *ret_role)
{
	for (const struct obi_protocol *const *p = conns->options.protocols; *p; p++)
		if (!(*p)->datagrams && (*p)->resume && is_asked(conns, *p) &&
		    (*p)->resume(bytes, ret_role))
			return *p;
	return NULL;
}

/* The beginning of the direction so far, with the bytes of this record; NULL: no room. */
static struct partial *keep(struct obi_conns *conns, struct conn *c,
			    const struct obi_record *record)
{
	struct partial **kept = &pending_of(c)->partial[record->direction];
	struct chunk chunk = { .record = record, .time_ns = record->time_ns };
	struct partial *partial = *kept;
	size_t len = record->head_len;

	if (!partial) {
		partial = *kept = partial_new(conns);
		if (!partial)
			return NULL;
		partial->origin = origin_of_chunk(&chunk);
		partial->trace = record->trace;
	}
	if (len > HEAD_MAX - partial->len)
		len = HEAD_MAX - partial->len;
	memcpy(partial->bytes + partial->len, record->head, len);
	partial->len += (uint32_t)len;
	return partial;
}

/* What was kept goes the way of a record, with the time and the thread of its first byte. */
static void feed_kept(struct obi_conns *conns, struct conn *c, uint8_t direction,
		      const struct partial *kept)
{
	struct obi_record record = {
		.type = OBI_RECORD_CHUNK,
		.direction = direction,
		.flags = kept->origin.flags,
		.time_ns = kept->origin.start_ns,
		.pid = kept->origin.pid,
		.tid = kept->origin.tid,
		.opened_ns = kept->origin.opening.ns,
		.opener = kept->origin.opening.tid,
		.trace = kept->trace,
	};
	struct chunk chunk = {
		.record = &record,
		.bytes = slice_of(kept->bytes, kept->len),
		.time_ns = record.time_ns,
	};

	conn_feed(conns, c, direction, &chunk);
}

/* The protocol is known by the beginning of one direction, with role there. */
static void begin_from(struct obi_conns *conns, struct conn *c, const struct obi_protocol *protocol,
		       uint8_t direction, enum obi_role role, bool fresh)
{
	struct pending pending = *pending_of(c);
	uint8_t order[2] = { OBI_SEND, OBI_RECV };

	memset(c->room, 0, sizeof(c->room)); /* its partials are ours now */
	if (role != OBI_ROLE_UNKNOWN)
		conn_set_role(c, direction, role);
	if (!conn_begin_protocol(conns, c, protocol, fresh))
		c->muted = true;
	if (pending.partial[0] && pending.partial[1] &&
	    pending.partial[1]->origin.start_ns < pending.partial[0]->origin.start_ns)
		order[0] = OBI_RECV, order[1] = OBI_SEND;
	for (int i = 0; i < 2; i++) {
		struct partial *partial = pending.partial[order[i]];

		if (partial && !c->muted)
			feed_kept(conns, c, order[i], partial);
		if (partial)
			partial_free(conns, partial);
	}
}

/* Nothing knows the bytes: they are passed over. A connection may still turn out to be HTTP/1. */
static void pass(struct obi_conns *conns, struct conn *c, const struct obi_record *record)
{
	struct obi_order order = { .mode = c->datagrams ? OBI_ORDER_MUTE : OBI_ORDER_STREAM };
	struct pending *pending = pending_of(c);

	pending_drop(conns, c, record->direction);
	pending->failed[record->direction] = true;
	c->halves[record->direction].at = record->before + record->bytes;
	c->halves[record->direction].last_ns = record->time_ns;
	if (++pending->chunks == GUESS_CHUNKS)
		conn_order(conns, c, order);
}

/* Not from the beginning, or after what nothing knew. */
static void recognise_later(struct obi_conns *conns, struct conn *c,
			    const struct obi_record *record)
{
	enum obi_role role = OBI_ROLE_UNKNOWN;
	const struct obi_protocol *protocol =
		ask_to_resume(conns, slice_of(record->head, record->head_len), &role);

	if (!protocol) {
		pass(conns, c, record);
		return;
	}
	c->halves[record->direction].at = record->before;
	begin_from(conns, c, protocol, record->direction, role, false);
	if (!c->muted)
		conn_take_chunk(conns, c, record);
}

void conn_recognise(struct obi_conns *conns, struct conn *c, const struct obi_record *record)
{
	struct pending *pending = pending_of(c);
	const struct half *half = &c->halves[record->direction];
	enum obi_role role = OBI_ROLE_UNKNOWN;
	const struct obi_protocol *protocol;
	struct partial *partial = pending->partial[record->direction];
	bool more, cut = record->head_len < record->bytes;
	struct slice bytes = slice_of(record->head, record->head_len);

	if (pending->failed[record->direction] ||
	    record->before != half->at + (partial ? partial->len : 0)) {
		recognise_later(conns, c, record);
		return;
	}
	if (partial) {
		partial = keep(conns, c, record);
		bytes = slice_of(partial->bytes, partial->len);
	}
	protocol = ask_all(conns, false, bytes, &role, &more);
	if (protocol) {
		begin_from(conns, c, protocol, record->direction, role, c->message == 0);
		if (c->muted)
			return;
		conn_take_chunk(conns, c, record);
	} else if (!more && !partial && c->side == OBI_SIDE_UNKNOWN) {
		recognise_later(conns, c, record); /* others may have passed before */
	} else if (!more || cut || bytes.len >= GUESS_BYTES ||
		   (!partial && !keep(conns, c, record))) {
		pass(conns, c, record);
	}
}

bool conn_recognise_datagram(struct obi_conns *conns, struct conn *c,
			     const struct obi_record *record)
{
	enum obi_role role = OBI_ROLE_UNKNOWN;
	bool more;
	const struct obi_protocol *protocol =
		ask_all(conns, true, slice_of(record->head, record->head_len), &role, &more);

	if (!protocol) {
		pass(conns, c, record);
		return false;
	}
	begin_from(conns, c, protocol, record->direction, role, true);
	return !c->muted;
}
