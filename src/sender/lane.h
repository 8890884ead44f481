/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lane is the way of one signal: a queue in memory, one on disk if there is a spill directory,
 * and the requests under way. Every batch that enters is answered once for each of its items:
 * exported, dropped with a reason, or moved to disk.
 *
 * While the collector does not take what it gets (retryable failures) the lane makes one attempt
 * after each wait; with a directory everything that comes meanwhile goes to disk, and comes back
 * oldest first. Without one the queue in memory fills up, and what does not fit is dropped.
 */
#ifndef OBI_SENDER_LANE_H
#define OBI_SENDER_LANE_H

#include "otlp/options.h"
#include "otlp/outbox.h"
#include "sender/backoff.h"
#include "sender/peer.h"
#include "sender/request.h"

#define SENDER_IN_FLIGHT 4

struct sender_lane {
	bool open;          /* the signal is configured */
	const char *broken; /* why nothing of it can be sent; NULL: it can */
	struct sender_target target;
	const struct obi_curl *curl;
	CURLM *multi;
	struct sender_peer *peer;
	struct outbox_limits limits;
	struct sender_queue queue;
	struct sender_spill *spill; /* NULL: none */
	struct sender_request requests[SENDER_IN_FLIGHT];
	unsigned request_count; /* that are used */
	unsigned under_way;
	uint64_t flying_items, flying_memory; /* of batches under way */
	uint64_t order;
	uint64_t max_elapsed_ns;
	struct sender_backoff backoff;
	unsigned failures; /* in a row; 0: the collector takes what it gets */
	uint64_t next_try_ns;
	uint64_t own_try_ns; /* as it were without the collector's wish */
	bool flushing;
	unsigned flush_failures;
	uint64_t warned_ns, noted_ns;
	uint64_t said_ns; /* of the last line in the log about a failure */
	uint64_t unsaid;
	/* Settled while there was no worker to hear it. */
	uint64_t unheard_exported, unheard_dropped[OUTBOX_DROPS];
	uint64_t spill_broken; /* items found damaged, which no worker has heard of */
	bool recovery_unsaid;
	bool spill_said;
};

/* Fills in all but target.headers, the certificates and the spill. 0; -ENOENT where the signal is
 * not configured: the lane stays closed, and drops what comes; -ENOMEM. */
int sender_lane_open(struct sender_lane *lane, const struct obi_otlp_options *options,
		     enum otlp_signal signal, const struct obi_curl *curl, CURLM *multi,
		     struct sender_peer *peer);

/* A batch of the peer of now; the descriptor is owned. */
void sender_lane_put(struct sender_lane *lane, const struct obi_batch *message, int fd,
		     uint64_t now_ns);

/* Starts what may be started. Returns the time at which to call again, 0: when something happens.
 */
uint64_t sender_lane_pump(struct sender_lane *lane, uint64_t now_ns);

/* A transfer of this lane ended. */
void sender_lane_finished(struct sender_lane *lane, struct sender_request *request, CURLcode code,
			  uint64_t now_ns);

/* From now on only what is in memory counts: it goes out at once or not at all. */
void sender_lane_flush(struct sender_lane *lane, uint64_t now_ns);

/* Nothing of it is in memory any more. */
bool sender_lane_empty(const struct sender_lane *lane);

/* Gives up what is in memory: to disk, or dropped. */
void sender_lane_abandon(struct sender_lane *lane);

/* Tells a new peer what is left of others: on disk, in memory, and what nobody has heard of. */
void sender_lane_tell_left(struct sender_lane *lane);

void sender_lane_close(struct sender_lane *lane);

#endif
