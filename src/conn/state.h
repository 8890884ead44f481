/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all connections share. Private to this room.
 *
 *   conn.c      records in, connections found, turned, ended; the board
 *   recognise.c which protocol a connection speaks
 *   exchange.c  a request and its response: paired, timed, handed on
 *   identity.c  which span an exchange is, in which trace
 *   kin.c       which requests are open where, and whose child a client request is
 *   partial.c   beginnings of heads
 *   table.c     connections by id
 *
 * What a protocol may use of it stands in protocol.h.
 */
#ifndef OBI_CONN_STATE_H
#define OBI_CONN_STATE_H

#include <stdbool.h>

#include "conn/protocol.h"
#include "obi/parent.h"

_Static_assert(sizeof(struct conn) <= 256, "an idle connection costs at most 256 bytes");

struct obi_conns {
	struct obi_conns_options options;
	struct obi_conns_stats stats;
	uint64_t now_ns; /* the latest time of a record or tick */

	struct conn *slots;
	uint64_t *index; /* by cookie: tag and slot */
	uint32_t index_bits;
	uint32_t slots_used; /* those beyond were never touched */
	uint32_t free_slot;
	uint32_t sweep; /* where the search for something to evict goes on */
	uint32_t await_first[AWAITS];
	uint64_t quiet_ns; /* when those of AWAIT_QUIET were looked at last */

	const struct obi_protocol *heads; /* whose messages the kernel recognises by itself */
	struct waiting {
		struct exchange *oldest;
		struct exchange *newest;
	} waiting[OBI_TIMEOUTS];
	struct exchange **keyed; /* chains of those with a key */
	struct exchange *free_exchanges[2];
	size_t exchanges_made;
	struct partial *free_partials;
	size_t partials_made;
	struct slab *slabs;
	size_t memory;    /* taken by protocols */
	uint32_t idle_at; /* where the search for idle ones goes on */
	struct kins *kins;
};

/* ---- table.c --------------------------------------------------------------------------- */

int table_init(struct obi_conns *conns);
void table_free(struct obi_conns *conns);
struct conn *table_find(struct obi_conns *conns, uint64_t id);
/* A blank connection, or NULL when the table is full. */
struct conn *table_add(struct obi_conns *conns, uint64_t id);
void table_remove(struct obi_conns *conns, struct conn *c);
/* Which connection of a full table to give up: of a handful one that was idle longest, if
 * possible one without open exchanges. */
struct conn *table_victim(struct obi_conns *conns);
void table_await(struct obi_conns *conns, struct conn *c, enum await await);

/* ---- conn.c ---------------------------------------------------------------------------- */

/* A record's bytes go to the protocol. */
void conn_take_chunk(struct obi_conns *conns, struct conn *c, const struct obi_record *record);

/* ---- recognise.c ----------------------------------------------------------------------- */

/* The connection speaks protocol from now on; false where there is no room for its state. */
bool conn_begin_protocol(struct obi_conns *conns, struct conn *c,
			 const struct obi_protocol *protocol, bool fresh);
/* A record of a kind that the kernel side shows of HTTP/1 alone: it is that from now on. false:
 * there is no room. */
bool conn_take_heads(struct obi_conns *conns, struct conn *c, const struct obi_record *record);
/* What comes from now on is another stream: nothing of what was known counts. */
void conn_begin_anew(struct obi_conns *conns, struct conn *c);
/* Asks the protocols about a chunk of a connection that has none yet; it is taken. */
void conn_recognise(struct obi_conns *conns, struct conn *c, const struct obi_record *record);
/* The same of a datagram, which is left to the caller: does it have a protocol now? */
bool conn_recognise_datagram(struct obi_conns *conns, struct conn *c,
			     const struct obi_record *record);
/* Gives the state back; the protocol was told before. */
void conn_end_protocol(struct obi_conns *conns, struct conn *c);

/* ---- exchange.c ------------------------------------------------------------------------ */

/* Hands the span on as timed out; without a key the exchange stays for the sake of the order. */
void exchange_time_out(struct obi_conns *conns, struct exchange *x);
int exchanges_init(struct obi_conns *conns);
void exchanges_free(struct obi_conns *conns);

/* ---- partial.c ------------------------------------------------------------------------- */

void partials_free(struct obi_conns *conns);

/* ---- kin.c ------------------------------------------------------------------------------- */

int kins_init(struct obi_conns *conns);
void kins_free(struct obi_conns *conns);
/* A server request with its identity begins, is answered by a thread, and ends. */
void kin_begin(struct obi_conns *conns, struct exchange *x);
void kin_answer(struct obi_conns *conns, const struct exchange *x, uint32_t tid);
void kin_end(struct obi_conns *conns, struct exchange *x);
/* The identity of a client request's parent, or NULL. */
const struct obi_trace *kin_parent(struct obi_conns *conns, const struct exchange *x,
				   const struct opening *opening);

#endif
