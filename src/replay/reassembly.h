/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP connections of a capture: segments in, runs of bytes in order out.
 *
 * Segments that come early are kept until the gap before them is filled, until the receiver
 * acknowledges bytes that the capture does not have, or until there are too many of them; then
 * the gap becomes bytes that nobody saw. What was handed on is never handed on again. Of bytes that
 * were sent twice and differ, those count whose acknowledgement came first.
 */
#ifndef OBI_REPLAY_REASSEMBLY_H
#define OBI_REPLAY_REASSEMBLY_H

#include <stdbool.h>
#include <stdint.h>

#include "replay/packet.h"

struct reassembly;

/* Which end of a connection: 0 is the source of the first packet that was seen of it. */
#define REASSEMBLY_END_UNKNOWN 2

/* What happens to a connection. state is zeroed memory of state_size bytes that belongs to it. */
struct reassembly_sink {
	void *context;
	size_t state_size;
	/* client: the end that opened the connection, or REASSEMBLY_END_UNKNOWN. */
	void (*open)(void *context, void *state, const struct packet_end ends[2], int client);
	/* len bytes from this end, of which the first bytes.len were seen. */
	void (*data)(void *context, void *state, int from, struct slice bytes, uint64_t len,
		     uint64_t time_ns);
	/* No more data from this end. */
	void (*fin)(void *context, void *state, int from, uint64_t time_ns);
	/* The connection is over; nothing follows. */
	void (*close)(void *context, void *state, bool reset, uint64_t time_ns);
};

struct reassembly_limits {
	size_t connections; /* in the table at a time, closed ones included */
	size_t held_bytes;  /* of early segments, over all connections */
};

struct reassembly_stats {
	uint64_t connections;
	uint64_t evicted;       /* given up because the table was full */
	uint64_t retransmitted; /* segments without a new byte */
	uint64_t early;         /* segments that came before their turn */
	uint64_t holes;         /* runs of bytes that are missing in the capture ... */
	uint64_t hole_bytes;    /* ... and how many bytes */
};

/* NULL when out of memory. */
struct reassembly *reassembly_new(const struct reassembly_limits *limits,
				  const struct reassembly_sink *sink);
void reassembly_free(struct reassembly *tcp);

void reassembly_put(struct reassembly *tcp, const struct packet *packet, uint64_t time_ns);

/* Hands on what is held. The connections stay open: the capture ends, not they. */
void reassembly_flush(struct reassembly *tcp);

void reassembly_stats(const struct reassembly *tcp, struct reassembly_stats *ret_stats);

#endif
