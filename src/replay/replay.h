/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replay: packets of a capture in, spans out, by the same connections and parsers as live
 * traffic. Spans are those of the servers; times are the capture's.
 */
#ifndef OBI_REPLAY_REPLAY_H
#define OBI_REPLAY_REPLAY_H

#include "conn/conn.h"
#include "replay/capture.h"
#include "replay/packet.h"
#include "replay/reassembly.h"

struct replay;

struct replay_options {
	size_t max_connections;
	const char *service; /* name of every service, or NULL: each is named after its ip:port */
	uint64_t seed;       /* of span and trace ids: the same seed, the same ids */
	struct obi_span_sink sink;
	/* A service was met for the first time; may be NULL. */
	void (*service_met)(void *context, const struct obi_service *service);
	void *context;
};

struct replay_stats {
	uint64_t packets;
	uint64_t kinds[PACKET_KINDS];
	uint64_t messages;
	uint64_t unoriented_bytes; /* passed before it was clear which end is the server */
	struct reassembly_stats tcp;
	struct obi_conns_stats conns;
};

/* NULL when out of memory. */
struct replay *replay_new(const struct replay_options *options);
void replay_free(struct replay *replay);

void replay_packet(struct replay *replay, const struct capture_packet *packet);

/* All packets that are left in the capture. 0, or what capture_next() said. */
int replay_capture(struct replay *replay, struct capture *capture);

/* What is still open becomes spans with what is known. */
void replay_flush(struct replay *replay);

void replay_stats(const struct replay *replay, struct replay_stats *ret_stats);

#endif
