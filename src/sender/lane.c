// SPDX-License-Identifier: Apache-2.0
#include "sender/lane.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"

#define SAY_EVERY_NS (10 * NSEC_PER_SEC)
#define FLUSH_FAILURES 3
#define FLUSH_WAIT_NS (500 * NSEC_PER_MSEC)
/* Bodies that are made anew, or read from disk, take memory of their own. */
#define IN_FLIGHT_MADE 2

static const char *name_of(const struct sender_lane *lane)
{
	return otlp_signal_name(lane->target.signal);
}

/* ---- The log --------------------------------------------------------------------- */

/* One line each time something fails, but not more than one in ten seconds: of losses, and of what
 * is tried again. */
static void say_failure(struct sender_lane *lane, enum log_level level,
			const struct sender_outcome *outcome, const char *then, uint64_t now_ns)
{
	const struct log_field fields[] = {
		F("signal", log_str(name_of(lane))),
		F("endpoint", log_str(lane->target.endpoint.shown)),
		F("step", log_str(outcome->step)),
		F("error", log_str(outcome->text)),
		F("then", log_str(then)),
		F("unsaid", log_int((int64_t)lane->unsaid)),
	};
	uint64_t *said_ns = level == LOG_ERROR ? &lane->said_ns : &lane->warned_ns;

	if (*said_ns && now_ns - *said_ns < SAY_EVERY_NS) {
		lane->unsaid++;
		return;
	}
	*said_ns = now_ns;
	lane->recovery_unsaid = lane->failures > 0;
	log_write(level, "cannot export", fields, ARRAY_SIZE(fields));
	lane->unsaid = 0;
}

/* As often as failures are told. */
static void say_recovery(struct sender_lane *lane)
{
	if (!lane->recovery_unsaid)
		return;
	lane->recovery_unsaid = false;
	log_info("the collector takes data again", F("signal", log_str(name_of(lane))),
		 F("endpoint", log_str(lane->target.endpoint.shown)),
		 F("failures", log_int(lane->failures)));
}

/* It took everything, and has something to say. */
static void say_note(struct sender_lane *lane, const struct sender_outcome *outcome,
		     uint64_t now_ns)
{
	if (lane->noted_ns && now_ns - lane->noted_ns < SAY_EVERY_NS)
		return;
	lane->noted_ns = now_ns;
	log_info("the collector notes", F("signal", log_str(name_of(lane))),
		 F("endpoint", log_str(lane->target.endpoint.shown)),
		 F("note", log_str(outcome->text)));
}

static void say_spill_failure(struct sender_lane *lane, int error)
{
	if (lane->spill_said)
		return;
	lane->spill_said = true;
	log_error("cannot write to the spill directory", F("signal", log_str(name_of(lane))),
		  F("error", log_errno(error)));
}

/* ---- Answers --------------------------------------------------------------------- */

static void answer_peer(const struct sender_lane *lane, uint64_t sequence,
			enum obi_batch_state state, uint64_t exported, uint64_t dropped,
			enum outbox_drop reason)
{
	struct obi_batch_answer message = {
		.sequence = sequence,
		.exported = exported,
		.dropped = dropped,
		.signal = (uint32_t)lane->target.signal,
		.state = (uint32_t)state,
		.reason = (uint32_t)reason,
	};

	sender_peer_answer(lane->peer, &message);
}

/* What lies on disk, and what an earlier worker left, is that of whatever worker there is. */
static void answer_left(struct sender_lane *lane, uint64_t exported, uint64_t dropped,
			enum outbox_drop reason)
{
	if (lane->peer->fd < 0) {
		lane->unheard_exported += exported;
		lane->unheard_dropped[reason] += dropped;
	} else if (exported || dropped) {
		answer_peer(lane, 0, OBI_BATCH_LEFT_DONE, exported, dropped, reason);
	}
}

static void answer(struct sender_lane *lane, const struct sender_batch *batch,
		   enum obi_batch_state state, uint64_t exported, uint64_t dropped,
		   enum outbox_drop reason)
{
	if (batch->peer == lane->peer->generation)
		answer_peer(lane, batch->sequence, state, exported, dropped, reason);
	else if (state != OBI_BATCH_SPILLED) /* what moves to disk is left as before */
		answer_left(lane, exported, dropped, reason);
}

/* The end of a batch. */
static void settle(struct sender_lane *lane, struct sender_batch *batch, uint64_t dropped,
		   enum outbox_drop reason)
{
	uint64_t items = batch->items;

	dropped = dropped < items ? dropped : items;
	if (!sender_batch_on_disk(batch)) {
		answer(lane, batch, OBI_BATCH_DONE, items - dropped, dropped, reason);
	} else if (sender_spill_done(lane->spill, &batch->place)) {
		answer_left(lane, items - dropped, dropped, reason);
	}
	sender_batch_free(batch);
}

static uint64_t items_left(const struct sender_lane *lane)
{
	uint64_t items = lane->flying_items + lane->unheard_exported;

	for (const struct sender_batch *batch = lane->queue.first; batch; batch = batch->next)
		items += sender_batch_on_disk(batch) ? 0 : batch->items;
	for (int i = 0; i < OUTBOX_DROPS; i++)
		items += lane->unheard_dropped[i];
	return items + (lane->spill ? sender_spill_items(lane->spill) : 0);
}

void sender_lane_tell_left(struct sender_lane *lane)
{
	uint64_t items = items_left(lane);

	if (items || lane->spill) /* nothing may be less than there was on disk */
		answer_peer(lane, 0, OBI_BATCH_LEFT, items, lane->spill_broken, OUTBOX_SPILL_LOST);
	lane->spill_broken = 0;
	answer_left(lane, lane->unheard_exported, 0, OUTBOX_SPILL_LOST);
	lane->unheard_exported = 0;
	for (int i = 0; i < OUTBOX_DROPS; i++) {
		answer_left(lane, 0, lane->unheard_dropped[i], (enum outbox_drop)i);
		lane->unheard_dropped[i] = 0;
	}
}

/* ---- In -------------------------------------------------------------------------- */

/* 0, and the batch is settled; or a negative errno. */
static int spill(struct sender_lane *lane, struct sender_batch *batch, bool first)
{
	uint64_t lost = 0;
	struct slice framed;
	int error = sender_batch_map(batch, &framed);

	if (error)
		return error;
	if (first)
		error = sender_spill_prepend(lane->spill, framed, batch->items);
	else
		error = sender_spill_append(lane->spill, framed, batch->items, &lost);
	sender_batch_unmap(batch, framed);
	answer_left(lane, 0, lost, OUTBOX_SPILL_LOST);
	if (error) {
		say_spill_failure(lane, error);
		return error;
	}
	answer(lane, batch, OBI_BATCH_SPILLED, batch->items, 0, OUTBOX_SPILL_LOST);
	sender_batch_free(batch);
	return 0;
}

static bool over(const struct sender_lane *lane, const struct sender_batch *batch, unsigned part)
{
	uint64_t items = lane->queue.items + lane->flying_items + batch->items;
	uint64_t memory = lane->queue.memory + lane->flying_memory + obi_batch_memory(batch->bytes);

	return items * part > lane->limits.items || memory * part > lane->limits.bytes ||
	       lane->queue.batches * part >= OBI_BATCHES_MAX;
}

/* Does it belong behind what is on disk? */
static bool wants_disk(const struct sender_lane *lane, const struct sender_batch *batch)
{
	return lane->spill &&
	       (lane->failures || sender_spill_unread(lane->spill) || over(lane, batch, 2));
}

static void take_in(struct sender_lane *lane, struct sender_batch *batch)
{
	if (wants_disk(lane, batch) && !spill(lane, batch, false))
		return;
	if (over(lane, batch, 1))
		settle(lane, batch, batch->items, OUTBOX_QUEUE_FULL);
	else
		sender_queue_put(&lane->queue, batch);
}

void sender_lane_put(struct sender_lane *lane, const struct obi_batch *message, int fd,
		     uint64_t now_ns)
{
	struct sender_batch *batch = sender_batch_new(fd, message->items, message->bytes);

	if (!batch) { /* out of memory: its place in the worker's books is free again */
		answer_peer(lane, message->sequence, OBI_BATCH_DONE, 0, message->items,
			    OUTBOX_QUEUE_FULL);
		return;
	}
	batch->sequence = message->sequence;
	batch->peer = lane->peer->generation;
	batch->order = ++lane->order;
	if (!lane->open || lane->broken)
		settle(lane, batch, batch->items, OUTBOX_REFUSED);
	else if (message->bytes > OUTBOX_BODY_MAX + OBI_BATCH_FRAME)
		settle(lane, batch, batch->items, OUTBOX_TOO_LARGE);
	else
		take_in(lane, batch);
}

/* ---- Out ------------------------------------------------------------------------- */

static void count_flying(struct sender_lane *lane, const struct sender_batch *batch, int sign)
{
	lane->under_way += (unsigned)sign;
	/* What lies on disk does not stand in the worker's numbers. */
	if (sender_batch_on_disk(batch))
		return;
	lane->flying_items += (uint64_t)((int64_t)batch->items * sign);
	lane->flying_memory += (uint64_t)((int64_t)obi_batch_memory(batch->bytes) * sign);
}

static struct sender_batch *read_from_disk(struct sender_lane *lane)
{
	struct sender_batch *batch = sender_batch_new(-1, 0, 0);
	uint64_t lost;
	int error;

	if (!batch)
		return NULL;
	error = sender_spill_next(lane->spill, &batch->body, &batch->place, &lost);
	answer_left(lane, 0, lost, OUTBOX_SPILL_LOST);
	if (error) {
		sender_batch_free(batch);
		return NULL;
	}
	batch->items = batch->place.items;
	batch->bytes = (uint32_t)batch->body.len;
	batch->order = ++lane->order;
	return batch;
}

static struct sender_batch *next_batch(struct sender_lane *lane)
{
	struct sender_batch *batch = sender_queue_take(&lane->queue);

	/* Who counts what lies on disk must be there. */
	if (batch || !lane->spill || lane->flushing || lane->under_way >= IN_FLIGHT_MADE ||
	    lane->peer->fd < 0)
		return batch;
	return read_from_disk(lane);
}

static unsigned allowed(const struct sender_lane *lane)
{
	if (lane->failures)
		return 1;
	if (lane->target.endpoint.protocol == OTLP_PROTOCOL_HTTP_JSON ||
	    lane->target.options->compression != OTLP_COMPRESSION_NONE)
		return lane->request_count < IN_FLIGHT_MADE ? lane->request_count : IN_FLIGHT_MADE;
	return lane->request_count;
}

static struct sender_request *idle_request(struct sender_lane *lane)
{
	for (unsigned i = 0; i < lane->request_count; i++)
		if (!lane->requests[i].batch)
			return &lane->requests[i];
	return NULL;
}

static void failed(struct sender_lane *lane, struct sender_batch *batch,
		   const struct sender_outcome *outcome, uint64_t now_ns);

/* One that cannot even be made a request of is not to be tried again; one that libcurl has no
 * memory for is. */
static void begin(struct sender_lane *lane, struct sender_request *request,
		  struct sender_batch *batch, uint64_t now_ns)
{
	const struct sender_outcome outcome = { .step = "libcurl", .text = "out of memory" };
	int error = sender_request_begin(request, &lane->target, batch);

	if (error) {
		log_error("cannot make a request of a batch", F("signal", log_str(name_of(lane))),
			  F("error", log_errno(error)));
		settle(lane, batch, batch->items, OUTBOX_REFUSED);
		return;
	}
	if (!batch->first_try_ns)
		batch->first_try_ns = now_ns;
	if (lane->curl->multi_add_handle(lane->multi, request->easy) == CURLM_OK)
		count_flying(lane, batch, 1);
	else
		failed(lane, sender_request_cancel(request), &outcome, now_ns);
}

uint64_t sender_lane_pump(struct sender_lane *lane, uint64_t now_ns)
{
	while (lane->open && !lane->broken && lane->under_way < allowed(lane)) {
		struct sender_request *request = idle_request(lane);
		struct sender_batch *batch;

		if (now_ns < lane->next_try_ns)
			return lane->next_try_ns;
		batch = request ? next_batch(lane) : NULL;
		if (!batch)
			return 0;
		begin(lane, request, batch, now_ns);
	}
	return 0;
}

/* ---- What came of it ------------------------------------------------------------- */

static void came_through(struct sender_lane *lane, struct sender_batch *batch,
			 const struct sender_outcome *outcome, uint64_t now_ns)
{
	if (lane->failures)
		say_recovery(lane);
	lane->failures = 0;
	lane->next_try_ns = 0;
	sender_backoff_reset(&lane->backoff);
	if (outcome->rejected)
		say_failure(lane, LOG_ERROR, outcome, "a part is dropped", now_ns);
	else if (outcome->text[0])
		say_note(lane, outcome, now_ns);
	settle(lane, batch, outcome->rejected, OUTBOX_REJECTED);
}

/* The first failure of those that were under way together sets the time; a wish for more of any
 * of them counts, up to half the time that a batch has: a collector may say when to come again
 * (OTLP specification, "OTLP/HTTP Throttling"), not that nobody comes again. */
static void set_next_try(struct sender_lane *lane, const struct sender_outcome *outcome,
			 uint64_t now_ns)
{
	uint64_t wish = outcome->wait_given ? outcome->wait_ns : 0, wait;
	uint32_t random;

	wish = wish < lane->max_elapsed_ns / 2 ? wish : lane->max_elapsed_ns / 2;
	if (now_ns >= lane->next_try_ns) {
		random_bytes(&random, sizeof(random));
		wait = sender_backoff_next(&lane->backoff, random);
		if (lane->flushing)
			wait = wait < FLUSH_WAIT_NS ? wait : FLUSH_WAIT_NS;
		lane->next_try_ns = lane->own_try_ns = now_ns + wait;
		lane->failures++;
		lane->flush_failures += lane->flushing;
	}
	if (now_ns + wish > lane->next_try_ns)
		lane->next_try_ns = now_ns + wish;
}

/* The collector's wish alone ends no batch: there is a try after it. */
static bool expired(const struct sender_lane *lane, const struct sender_batch *batch)
{
	return !lane->spill && lane->own_try_ns - batch->first_try_ns > lane->max_elapsed_ns;
}

static void failed(struct sender_lane *lane, struct sender_batch *batch,
		   const struct sender_outcome *outcome, uint64_t now_ns)
{
	set_next_try(lane, outcome, now_ns);
	if (expired(lane, batch)) {
		say_failure(lane, LOG_ERROR, outcome, "dropped: tried for too long", now_ns);
		settle(lane, batch, batch->items, OUTBOX_EXPIRED);
		return;
	}
	say_failure(lane, LOG_WARN, outcome, "tried again", now_ns);
	sender_queue_put(&lane->queue, batch);
	if (lane->flushing && lane->flush_failures >= FLUSH_FAILURES)
		sender_lane_abandon(lane);
}

void sender_lane_finished(struct sender_lane *lane, struct sender_request *request, CURLcode code,
			  uint64_t now_ns)
{
	struct sender_outcome outcome;
	struct sender_batch *batch;

	(void)lane->curl->multi_remove_handle(lane->multi, request->easy);
	if (code == CURLE_OK && sender_request_redirects(request, &lane->target)) {
		if (lane->curl->multi_add_handle(lane->multi, request->easy) == CURLM_OK)
			return;
		code = CURLE_OUT_OF_MEMORY;
	}
	batch = sender_request_finish(request, &lane->target, code, &outcome);
	count_flying(lane, batch, -1);
	switch (outcome.verdict) {
	case SENDER_EXPORTED:
		came_through(lane, batch, &outcome, now_ns);
		break;
	case SENDER_REFUSED:
		say_failure(lane, LOG_ERROR, &outcome, "dropped", now_ns);
		settle(lane, batch, batch->items, OUTBOX_REFUSED);
		break;
	case SENDER_RETRY:
		failed(lane, batch, &outcome, now_ns);
		break;
	}
}

/* ---- End ------------------------------------------------------------------------- */

void sender_lane_flush(struct sender_lane *lane, uint64_t now_ns)
{
	lane->flushing = true;
	lane->flush_failures = 0;
	lane->next_try_ns = now_ns;
}

bool sender_lane_empty(const struct sender_lane *lane)
{
	return !lane->under_way && !lane->queue.first;
}

static void take_back(struct sender_lane *lane)
{
	for (unsigned i = 0; i < lane->request_count; i++) {
		struct sender_request *request = &lane->requests[i];
		struct sender_batch *batch;

		if (!request->batch)
			continue;
		(void)lane->curl->multi_remove_handle(lane->multi, request->easy);
		batch = sender_request_cancel(request);
		count_flying(lane, batch, -1);
		sender_queue_put(&lane->queue, batch);
	}
}

void sender_lane_abandon(struct sender_lane *lane)
{
	struct sender_batch *batch;

	take_back(lane);
	/* Newest first, each before the one before it. */
	while ((batch = sender_queue_take_last(&lane->queue))) {
		if (sender_batch_on_disk(batch))
			sender_batch_free(batch);
		else if (!lane->spill || spill(lane, batch, true))
			settle(lane, batch, batch->items, OUTBOX_SHUTDOWN);
	}
}

void sender_lane_close(struct sender_lane *lane)
{
	sender_lane_abandon(lane);
	for (unsigned i = 0; i < lane->request_count; i++)
		sender_request_close(&lane->requests[i]);
	sender_headers_free(&lane->target.headers);
	buffer_free(&lane->target.certificate);
	buffer_free(&lane->target.client_certificate);
	buffer_free(&lane->target.client_key);
	sender_spill_close(lane->spill);
}

int sender_lane_open(struct sender_lane *lane, const struct obi_otlp_options *options,
		     enum otlp_signal signal, const struct obi_curl *curl, CURLM *multi,
		     struct sender_peer *peer)
{
	const struct obi_otlp_traces_options *traces = &options->traces;
	int error;

	lane->curl = curl;
	lane->multi = multi;
	lane->peer = peer;
	lane->target.signal = signal;
	lane->target.options = obi_otlp_target(options, signal);
	error = otlp_endpoint_of(options, signal, &lane->target.endpoint);
	if (error)
		return error;
	lane->limits.items = signal == OTLP_TRACES ? (uint64_t)traces->queue_size : UINT64_MAX / 4;
	lane->limits.bytes = obi_otlp_queue_bytes(options, signal);
	lane->max_elapsed_ns = traces->backoff_max_elapsed_time;
	lane->backoff = (struct sender_backoff){ .initial_ns = traces->backoff_initial_interval,
						 .max_ns = traces->backoff_max_interval };
	/* Points of one series must arrive in their order. */
	lane->request_count = signal == OTLP_METRICS ? 1 : SENDER_IN_FLIGHT;
	for (unsigned i = 0; i < lane->request_count && !error; i++)
		error = sender_request_open(&lane->requests[i], curl);
	lane->open = !error;
	return error;
}
