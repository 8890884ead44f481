/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connections: takes the kernel's (or replay's) records, keeps one small state
 * per connection, feeds the parsers and hands on finished spans.
 *
 * Memory is bounded by `max_connections`; when it is reached the connection that
 * was idle longest is given up and counted. Nothing is allocated per message.
 */
#ifndef OBI_CONN_CONN_H
#define OBI_CONN_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "obi/order.h"
#include "obi/record.h"
#include "span/span.h"

struct obi_conns;
struct obi_protocol;

/* Why something that was seen did not become a span. */
enum obi_conn_drop {
	OBI_DROP_EVICTED,     /* connection table or list of open requests full */
	OBI_DROP_LOST_RECORD, /* a record of the exchange is missing (see obi_record.message) */
	OBI_DROP_NO_REQUEST,  /* answer to what was not recognised as a request, or not seen */
	OBI_DROP_UNPARSED,    /* bytes that should have been a head but were not, or were cut off */
	OBI_DROP_NO_SERVICE,  /* process unknown by now */
	OBI_DROP_REASONS,
};

const char *obi_conn_drop_name(enum obi_conn_drop reason); /* snake_case, for labels */

struct obi_conns_stats {
	uint64_t records;
	/* Exchanges seen: heads of requests, and what stood in the place of one (a response without
	 * its request, bytes that are no head). requests = spans + pending + all of dropped. */
	uint64_t requests;
	uint64_t spans;   /* handed to the sink */
	uint64_t pending; /* requests still open */
	uint64_t dropped[OBI_DROP_REASONS];
	uint64_t connections; /* now in the table */
	/* Bytes that nobody saw in the place of a head: requests, or answers, may be among them. */
	uint64_t unread_bytes;
	/* Client requests beside which requests were open in their process, none of them known to
	 * be the parent: they begin traces of their own. */
	uint64_t unclear_parents;
};

/* How long a request may wait for its answer is set for each of: */
enum obi_timeout {
	OBI_TIMEOUT_REQUEST, /* HTTP, and what has no other */
	OBI_TIMEOUT_LOOKUP,  /* DNS */
	OBI_TIMEOUTS,
};

struct obi_conns_options {
	size_t max_connections;
	/* From the records' clock to that of spans; NULL where they are one. */
	const struct epoch_clock *epoch;
	/* A response has ended with its last byte once nothing came for so long: idle_ns where its
	 * end cannot be seen (a head cut off, framing lost), body_idle_ns where it will be (a last
	 * chunk, the connection's end), but the program seems to have forgotten the connection.
	 * Where the length is known all of it is waited for, while the connection is in the table.
	 * 0 = never. */
	uint64_t idle_ns;
	uint64_t body_idle_ns;
	uint64_t timeout_ns[OBI_TIMEOUTS]; /* of unanswered requests; 0 = never */
	/* The process behind a record, or NULL. Borrowed until the next call. */
	const struct obi_service *(*service)(void *context, uint32_t pid);
	/* Progress board slot for a connection, or NULL where there is no board. */
	const struct obi_board_slot *board; /* OBI_BOARD_SLOTS slots, or NULL */
	/* Where the kernel side looks for orders: as many slots, or NULL. */
	struct obi_order_slot *orders;
	/* Those that are known, NULL-terminated; one of them has OBI_ORDER_HEADS. */
	const struct obi_protocol *const *protocols;
	void *context;
	struct obi_span_sink sink;
	bool query_text; /* somebody wants db.query.text */
	bool carriers;   /* and TLS handshakes */
	/* Is a trace of this process sampled? NULL: all are. */
	bool (*sampled)(void *context, uint32_t pid, const struct obi_trace *trace);
	/* Fills len random bytes (span and trace ids where the kernel made none). */
	void (*random)(void *context, void *bytes, size_t len);
};

/* Returns NULL when out of memory. */
struct obi_conns *obi_conns_new(const struct obi_conns_options *options);
void obi_conns_free(struct obi_conns *conns);

/* Takes one record; record and head are borrowed for the call. size is the record's whole
 * size including head; a record that contradicts it is -EINVAL and changes nothing. */
int obi_conns_put(struct obi_conns *conns, const struct obi_record *record, size_t size);

/* Call now and then (every 10 ms to 1 s) with the time in the records' clock: ends responses
 * whose last byte the board shows, times out the rest. */
void obi_conns_tick(struct obi_conns *conns, uint64_t now_ns);

/* Everything still open becomes a span with what is known (at shutdown, end of a capture). */
void obi_conns_flush(struct obi_conns *conns);

void obi_conns_stats(const struct obi_conns *conns, struct obi_conns_stats *ret_stats);

#endif
