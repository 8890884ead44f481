/* SPDX-License-Identifier: Apache-2.0 */
/* A lane between a worker and a collector that the test plays, at times that the test sets. */
#ifndef OBI_TESTS_SENDER_LANE_FIXTURE_H
#define OBI_TESTS_SENDER_LANE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "fake_curl.h"
#include "sender/lane.h"
#include "wire/wire.h"

#define ITEMS 10 /* of a batch, unless said otherwise */
#define MS NSEC_PER_MSEC

static struct obi_otlp_options options;
static struct sender_lane lane;
static struct sender_peer peer;
static int worker = -1;
static uint64_t now;
static uint64_t put_items, answered_items; /* that the worker handed over, that it heard of */

static const struct fake_answer taken = { .http = 200 };
static const struct fake_answer refused = { .http = 400 };
static const struct fake_answer unavailable = { .http = 503 };
static const struct fake_answer no_connection = { .code = CURLE_COULDNT_CONNECT };

/* ---- Around the lane ------------------------------------------------------------- */

static void set_peer(void)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	if (worker >= 0)
		(void)close(worker);
	worker = pair[1];
	(void)fcntl(worker, F_SETFL, O_NONBLOCK);
	sender_peer_set(&peer, pair[0]);
}

static void open_lane(enum otlp_signal signal)
{
	lane = (struct sender_lane){ 0 };
	assert_int_equal(sender_lane_open(&lane, &options, signal, &fake_curl, &fake_multi, &peer),
			 0);
}

static int begin(void **state)
{
	options = (struct obi_otlp_options){
		.common = { .endpoint = "http://127.0.0.1:4318", .memory_limit_mib = 64 },
		.traces = { .target = { .endpoint = "", .timeout_ms = 700 },
			    .queue_size = 1000,
			    .backoff_initial_interval = 100 * MS,
			    .backoff_max_interval = 300 * MS,
			    .backoff_max_elapsed_time = 60000 * MS },
		.metrics = { .target = { .endpoint = "", .timeout_ms = 700 } },
	};
	peer = (struct sender_peer){ .fd = -1 };
	now = 1000000 * MS;
	put_items = answered_items = 0;
	fake_refuses = false;
	set_peer();
	open_lane(OTLP_TRACES);
	return 0;
}

/* The next answer; false where there is none. */
static bool next_answer(struct obi_batch_answer *ret_answer)
{
	int fds[OBI_WIRE_FDS], fd_count = 0;
	uint32_t id;
	ssize_t size =
		obi_wire_receive(worker, &id, ret_answer, sizeof(*ret_answer), fds, &fd_count);

	if (size == -EAGAIN)
		return false;
	assert_int_equal(size, sizeof(*ret_answer));
	assert_int_equal(id, OBI_BATCH_ANSWER);
	assert_int_equal(fd_count, 0);
	if (ret_answer->state == OBI_BATCH_DONE || ret_answer->state == OBI_BATCH_SPILLED)
		answered_items += ret_answer->exported + ret_answer->dropped;
	return true;
}

static void expect_answer(uint64_t sequence, enum obi_batch_state state, uint64_t exported,
			  uint64_t dropped, enum outbox_drop reason)
{
	struct obi_batch_answer answer;

	assert_true(next_answer(&answer));
	assert_int_equal(answer.sequence, sequence);
	assert_int_equal(answer.state, state);
	assert_int_equal(answer.exported, exported);
	assert_int_equal(answer.dropped, dropped);
	if (dropped)
		assert_int_equal(answer.reason, reason);
}

static void expect_exported(uint64_t sequence)
{
	expect_answer(sequence, OBI_BATCH_DONE, ITEMS, 0, OUTBOX_DROPS);
}

static void expect_dropped(uint64_t sequence, enum outbox_drop reason)
{
	expect_answer(sequence, OBI_BATCH_DONE, 0, ITEMS, reason);
}

static void expect_no_answer(void)
{
	struct obi_batch_answer answer;

	assert_false(next_answer(&answer));
}

/* Every item of every batch was answered once. */
static int end(void **state)
{
	struct obi_batch_answer answer;

	sender_lane_close(&lane);
	while (next_answer(&answer))
		;
	sender_peer_set(&peer, -1);
	free(peer.pending);
	(void)close(worker);
	worker = -1;
	assert_null(fake_under_way());
	assert_int_equal(answered_items, put_items);
	return 0;
}

/* A batch whose one byte, its message, is its number. */
static void put_batch(uint8_t sequence, uint32_t items, uint32_t bytes)
{
	const struct obi_batch message = { .sequence = sequence, .items = items, .bytes = bytes };
	int fd = obi_batch_seal(&sequence, 1);

	assert_true(fd >= 0);
	put_items += items;
	sender_lane_put(&lane, &message, fd, now);
}

static void put(uint8_t sequence)
{
	put_batch(sequence, ITEMS, OBI_BATCH_FRAME + 1);
}

static void put_all(uint8_t first, uint8_t last)
{
	for (uint8_t i = first; i <= last; i++)
		put(i);
}

static uint64_t pump(void)
{
	return sender_lane_pump(&lane, now);
}

static unsigned count_under_way(void)
{
	unsigned count = 0;

	for (size_t i = 0; i < FAKE_EASIES; i++)
		count += fake_easies[i].added != 0;
	assert_int_equal(count, lane.under_way);
	return count;
}

/* The oldest request under way ends so; it must hold that batch. */
static void end_request(uint8_t sequence, const struct fake_answer *answer)
{
	struct fake_easy *easy = fake_under_way();
	CURLcode code;

	assert_non_null(easy);
	assert_int_equal(easy->body.len, 1);
	assert_int_equal(easy->body.data[0], sequence);
	code = fake_play(easy, answer);
	sender_lane_finished(&lane, easy->private, code, now);
}

/* One batch, one attempt. */
static void attempt(uint8_t sequence, const struct fake_answer *answer)
{
	(void)pump();
	assert_int_equal(count_under_way(), 1);
	end_request(sequence, answer);
}

#endif
