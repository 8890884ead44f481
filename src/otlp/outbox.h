/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker's way to the sender, the process that holds the connections to collectors: one for
 * the process. An encoded batch goes into a sealed memfd, whose descriptor is passed with a small
 * message (wire/batch.h); the sender answers what became of its items. Nothing here blocks but
 * outbox_close().
 *
 * Items are spans, or data points. At any time, for each signal:
 *   put + recovered = exported + sum of dropped + queued
 * where queued counts what waits in the sender's memory and, with a spill directory, on disk.
 * What an earlier worker of this run left in the sender counts as recovered.
 */
#ifndef OBI_OTLP_OUTBOX_H
#define OBI_OTLP_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "otlp/signal.h"

/* Why items did not arrive. */
enum outbox_drop {
	OUTBOX_QUEUE_FULL,  /* the queue's items, or the memory limit */
	OUTBOX_TOO_LARGE,   /* one batch above OUTBOX_BODY_MAX */
	OUTBOX_REFUSED,     /* an answer that is not to be tried again */
	OUTBOX_REJECTED,    /* items that a partial success names */
	OUTBOX_EXPIRED,     /* tried for backoff_max_elapsed_time */
	OUTBOX_SENDER_LOST, /* in its memory when the sender died, or while none runs */
	OUTBOX_SHUTDOWN,    /* left over when the shutdown's time was up */
	OUTBOX_SPILL_LOST,  /* on disk: overwritten, damaged, or not readable */
	OUTBOX_DROPS,
};

struct outbox_counts {
	uint64_t put;       /* handed to outbox_put(), whatever became of them */
	uint64_t recovered; /* left by an earlier run on disk, or by an earlier worker */
	uint64_t exported;
	uint64_t dropped[OUTBOX_DROPS];
	uint64_t queued;       /* items */
	uint64_t queued_bytes; /* of batches in memory */
};

/* Bounds of one signal. */
struct outbox_limits {
	uint64_t items;
	uint64_t bytes;
};

/* Collectors' usual limit of one message is 4 MiB; exporters should end a batch well before. */
#define OUTBOX_BODY_MAX (4u << 20)
#define OUTBOX_BODY_SOFT (2u << 20)

/* Sets the bounds; before the first put. */
void outbox_limit(enum otlp_signal signal, struct outbox_limits limits);

/* A sender runs and fd is our end of the pair: the outbox owns it now. What was in the memory of
 * the one before counts as lost; -1: none runs. */
void outbox_attach(int fd);

/* Hands on one export request: an ExportTraceServiceRequest or ExportMetricsServiceRequest in
 * protobuf, whatever protocol is configured. The body stays the caller's and can be reused at
 * once. items > 0. 0, or a negative errno with the items counted as dropped: -ENOBUFS the queue
 * is full, -EMSGSIZE too large, -ENOTCONN no sender runs, -ENOMEM. */
int outbox_put(enum otlp_signal signal, const struct buffer *body, uint32_t items);

/* Descriptor to poll for reading, -1 where no sender runs. It changes with outbox_attach(). */
int outbox_fd(void);

/* Reads the sender's answers. */
void outbox_ready(void);

struct outbox_counts outbox_counts(enum otlp_signal signal);

/* "queue_full": word of a reason for logs and metrics. */
const char *outbox_drop_name(enum outbox_drop reason);

/* Asks the sender to flush and waits for it, for so long at most; then what is left counts as
 * OUTBOX_SHUTDOWN (what is on disk stays queued: the next run takes it up). */
void outbox_close(uint32_t timeout_ms);

#endif
