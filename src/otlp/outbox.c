// SPDX-License-Identifier: Apache-2.0
/*
 * What waits for an answer stands in a small table, so that an answer is believed only for a
 * batch that was handed on, and only for as many items as it had: the sender talks to the network.
 */
#include "otlp/outbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "wire/batch.h"
#include "wire/wire.h"

_Static_assert(OTLP_SIGNALS == OBI_BATCH_SIGNALS, "one numbering");

struct waiting {
	uint64_t sequence;
	uint64_t memory;
	uint32_t signal;
	uint32_t items;
};

struct state {
	struct outbox_limits limits;
	struct outbox_counts counts;
	uint64_t memory_items;
	uint64_t disk_items;
	uint64_t
		disk_unsure; /* on disk when the last sender died: the next one says what is left */
};

static struct {
	int fd; /* + 1, so that zero is none */
	bool flushed;
	uint64_t sequence;
	struct state states[OTLP_SIGNALS];
	struct waiting waiting[OBI_BATCHES_MAX];
	size_t waiting_count;
} outbox;

static const char *const names[OUTBOX_DROPS] = {
	[OUTBOX_QUEUE_FULL] = "queue_full", [OUTBOX_TOO_LARGE] = "too_large",
	[OUTBOX_REFUSED] = "refused",       [OUTBOX_REJECTED] = "rejected",
	[OUTBOX_EXPIRED] = "expired",       [OUTBOX_SENDER_LOST] = "sender_lost",
	[OUTBOX_SHUTDOWN] = "shutdown",     [OUTBOX_SPILL_LOST] = "spill_lost",
};

const char *outbox_drop_name(enum outbox_drop reason)
{
	return names[reason];
}

void outbox_limit(enum otlp_signal signal, struct outbox_limits limits)
{
	outbox.states[signal].limits = limits;
}

int outbox_fd(void)
{
	return outbox.fd - 1;
}

struct outbox_counts outbox_counts(enum otlp_signal signal)
{
	const struct state *state = &outbox.states[signal];
	struct outbox_counts counts = state->counts;

	counts.queued = state->memory_items + state->disk_items;
	return counts;
}

/* ---- Answers --------------------------------------------------------------------- */

/* Takes a batch out of the table; its numbers leave memory. */
static void forget(size_t i)
{
	const struct waiting *waiting = &outbox.waiting[i];
	struct state *state = &outbox.states[waiting->signal];

	state->memory_items -= waiting->items;
	state->counts.queued_bytes -= waiting->memory;
	outbox.waiting[i] = outbox.waiting[--outbox.waiting_count];
}

static void lose_all(enum outbox_drop reason)
{
	while (outbox.waiting_count) {
		const struct waiting *waiting = &outbox.waiting[0];

		outbox.states[waiting->signal].counts.dropped[reason] += waiting->items;
		forget(0);
	}
}

static bool find(const struct obi_batch_answer *answer, size_t *ret_index)
{
	for (size_t i = 0; i < outbox.waiting_count; i++) {
		const struct waiting *waiting = &outbox.waiting[i];

		if (waiting->sequence != answer->sequence || waiting->signal != answer->signal)
			continue;
		*ret_index = i;
		return answer->exported <= waiting->items &&
		       answer->dropped == waiting->items - answer->exported;
	}
	return false;
}

static void take_left_done(struct state *state, const struct obi_batch_answer *answer)
{
	if (answer->exported > state->disk_items ||
	    answer->dropped > state->disk_items - answer->exported)
		return;
	state->disk_items -= answer->exported + answer->dropped;
	state->counts.exported += answer->exported;
	state->counts.dropped[answer->reason] += answer->dropped;
}

/* What a sender finds is what the last one left on disk, or an earlier run or worker; what it found
 * damaged may be a part of what is missing. */
static void take_left(struct state *state, uint64_t items, uint64_t broken)
{
	uint64_t missing = items < state->disk_unsure ? state->disk_unsure - items : 0;

	if (!missing)
		state->counts.recovered += items - state->disk_unsure;
	state->counts.dropped[OUTBOX_SPILL_LOST] += broken > missing ? broken : missing;
	state->disk_items += items - state->disk_unsure;
	state->disk_unsure = 0;
}

static void take_answer(const struct obi_batch_answer *answer)
{
	struct state *state;
	size_t i;

	if (answer->signal >= OTLP_SIGNALS || answer->reason >= OUTBOX_DROPS)
		return;
	state = &outbox.states[answer->signal];
	if (answer->state == OBI_BATCH_LEFT_DONE) {
		take_left_done(state, answer);
	} else if (answer->state == OBI_BATCH_LEFT) {
		take_left(state, answer->exported, answer->dropped);
	} else if (find(answer, &i)) {
		forget(i);
		state->counts.dropped[answer->reason] += answer->dropped;
		if (answer->state == OBI_BATCH_SPILLED)
			state->disk_items += answer->exported;
		else
			state->counts.exported += answer->exported;
	}
}

static void detach(void)
{
	(void)close(outbox_fd());
	outbox.fd = 0;
	lose_all(OUTBOX_SENDER_LOST);
	for (size_t i = 0; i < OTLP_SIGNALS; i++)
		outbox.states[i].disk_unsure = outbox.states[i].disk_items;
}

/* Reads what is there; -EPIPE where the sender is gone. */
static int read_answers(void)
{
	struct obi_batch_answer answer;
	int fds[OBI_WIRE_FDS], fd_count;
	ssize_t size;
	uint32_t id;

	for (;;) {
		fd_count = 0;
		size = obi_wire_receive(outbox_fd(), &id, &answer, sizeof(answer), fds, &fd_count);
		if (size == -EINTR)
			continue;
		if (size < 0)
			return (int)size;
		while (fd_count)
			(void)close(fds[--fd_count]);
		if (id == OBI_BATCH_FLUSHED)
			outbox.flushed = true;
		else if (id == OBI_BATCH_ANSWER && size == (ssize_t)sizeof(answer))
			take_answer(&answer);
	}
}

void outbox_ready(void)
{
	if (outbox.fd && read_answers() != -EAGAIN)
		detach();
}

void outbox_attach(int fd)
{
	if (outbox.fd) {
		(void)read_answers();
		detach();
	}
	if (fd >= 0)
		(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	outbox.fd = fd + 1;
}

/* ---- Batches --------------------------------------------------------------------- */

static int hand_on(enum otlp_signal signal, const struct buffer *body, uint32_t items)
{
	struct obi_batch batch = {
		.sequence = ++outbox.sequence,
		.signal = (uint32_t)signal,
		.items = items,
		.bytes = (uint32_t)(body->len + OBI_BATCH_FRAME),
	};
	_cleanup_close_ int fd = obi_batch_seal(body->data, body->len);
	int error;

	if (fd < 0)
		return fd;
	error = obi_wire_send(outbox_fd(), OBI_BATCH_PUT, &batch, sizeof(batch), &fd, 1);
	if (error)
		return error;
	outbox.waiting[outbox.waiting_count++] = (struct waiting){
		.sequence = batch.sequence,
		.memory = obi_batch_memory(batch.bytes),
		.signal = batch.signal,
		.items = items,
	};
	return 0;
}

static bool has_room(const struct state *state, size_t bytes, uint32_t items)
{
	return outbox.waiting_count < OBI_BATCHES_MAX &&
	       state->memory_items + items <= state->limits.items &&
	       state->counts.queued_bytes + obi_batch_memory(bytes) <= state->limits.bytes;
}

static int try_put(struct state *state, enum otlp_signal signal, const struct buffer *body,
		   uint32_t items)
{
	if (body->failed)
		return -ENOMEM;
	if (body->len > OUTBOX_BODY_MAX)
		return -EMSGSIZE;
	/* An answer that waits may make room, and tells whether the sender lives. */
	outbox_ready();
	if (!outbox.fd)
		return -ENOTCONN;
	if (!has_room(state, body->len + OBI_BATCH_FRAME, items))
		return -ENOBUFS;
	return hand_on(signal, body, items);
}

int outbox_put(enum otlp_signal signal, const struct buffer *body, uint32_t items)
{
	struct state *state = &outbox.states[signal];
	int error = try_put(state, signal, body, items);
	enum outbox_drop reason = OUTBOX_QUEUE_FULL;

	state->counts.put += items;
	if (!error) {
		state->memory_items += items;
		state->counts.queued_bytes += outbox.waiting[outbox.waiting_count - 1].memory;
		return 0;
	}
	if (error == -EMSGSIZE)
		reason = OUTBOX_TOO_LARGE;
	else if (error == -ENOTCONN || error == -EPIPE)
		reason = OUTBOX_SENDER_LOST;
	state->counts.dropped[reason] += items;
	return error == -EAGAIN ? -ENOBUFS : error;
}

/* ---- End ------------------------------------------------------------------------- */

static void await_flush(uint64_t deadline)
{
	while (outbox.fd && !outbox.flushed) {
		struct pollfd poll_fd = { .fd = outbox_fd(), .events = POLLIN };
		uint64_t now = clock_monotonic_ns();

		if (now >= deadline)
			return;
		(void)poll(&poll_fd, 1, (int)((deadline - now) / NSEC_PER_MSEC) + 1);
		outbox_ready();
	}
}

void outbox_close(uint32_t timeout_ms)
{
	struct obi_batch_flush flush = { .timeout_ns = timeout_ms * NSEC_PER_MSEC };

	/* The sender gives up a little earlier than we do, so that its last answers count. */
	flush.timeout_ns -= flush.timeout_ns / 16;
	outbox.flushed = false;
	if (outbox.fd &&
	    !obi_wire_send(outbox_fd(), OBI_BATCH_FLUSH, &flush, sizeof(flush), NULL, 0))
		await_flush(clock_monotonic_ns() + timeout_ms * NSEC_PER_MSEC);
	lose_all(OUTBOX_SHUTDOWN);
	if (outbox.fd)
		detach();
}
