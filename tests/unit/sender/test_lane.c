// SPDX-License-Identifier: Apache-2.0
/* When a lane sends what: order, waits, shutdown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lane_fixture.h"

/* ---- Order ----------------------------------------------------------------------- */

static void the_queue_drains_in_order(void **state)
{
	put_all(1, 9);
	assert_int_equal(pump(), 0);
	assert_int_equal(count_under_way(), SENDER_IN_FLIGHT);
	expect_no_answer();
	for (uint8_t i = 1; i <= 9; i++) {
		end_request(i, &taken);
		(void)pump();
		expect_exported(i);
		assert_int_equal(sender_lane_empty(&lane), i == 9);
	}
}

static void points_of_metrics_go_one_by_one(void **state)
{
	sender_lane_close(&lane);
	open_lane(OTLP_METRICS);
	put_all(1, 3);
	for (uint8_t i = 1; i <= 3; i++) {
		attempt(i, &taken);
		expect_exported(i);
	}
}

static void bodies_that_are_made_are_few(void **state)
{
	options.traces.target.compression = OTLP_COMPRESSION_GZIP;
	put_all(1, 9);
	(void)pump();
	assert_int_equal(count_under_way(), 2);
}

/* All under way fail together: that is one failure, and each comes back to its old place. */
static void after_a_failure_one_tries_and_order_is_kept(void **state)
{
	put_all(1, 6);
	(void)pump();
	for (uint8_t i = 1; i <= 4; i++)
		end_request(i, i % 2 ? &unavailable : &no_connection);
	assert_int_equal(lane.failures, 1);
	expect_no_answer();
	assert_int_equal(pump(), lane.next_try_ns);
	assert_int_equal(count_under_way(), 0);
	now = lane.next_try_ns;
	attempt(1, &taken);
	expect_exported(1);
	assert_int_equal(lane.failures, 0);
	(void)pump();
	assert_int_equal(count_under_way(), SENDER_IN_FLIGHT);
	for (uint8_t i = 2; i <= 6; i++) {
		end_request(i, &taken);
		(void)pump();
		expect_exported(i);
	}
}

/* The first of those under way comes through, and one after it fails. */
static void what_overtakes_is_not_sent_again(void **state)
{
	put_all(1, 3);
	(void)pump();
	end_request(1, &unavailable);
	end_request(2, &taken);
	end_request(3, &unavailable);
	expect_exported(2);
	now = lane.next_try_ns;
	attempt(1, &taken);
	attempt(3, &taken);
	expect_exported(1);
	expect_exported(3);
}

/* ---- Waits ----------------------------------------------------------------------- */

/* The wait after one more failure; the time is its end then. */
static uint64_t fail_once(const struct fake_answer *answer)
{
	uint64_t from = now;

	attempt(1, answer);
	assert_int_equal(pump(), lane.next_try_ns);
	assert_int_equal(count_under_way(), 0);
	now = lane.next_try_ns - 1;
	(void)pump();
	assert_int_equal(count_under_way(), 0);
	now++;
	return now - from;
}

static void waits_grow_within_their_bounds(void **state)
{
	static const uint64_t intervals[] = { 100 * MS, 150 * MS, 225 * MS, 300 * MS, 300 * MS };
	uint64_t low[ARRAY_SIZE(intervals)], high[ARRAY_SIZE(intervals)] = { 0 };

	memset(low, 0xff, sizeof(low));
	for (int round = 0; round < 40; round++) {
		put(1);
		for (size_t i = 0; i < ARRAY_SIZE(intervals); i++) {
			uint64_t wait = fail_once(round % 2 ? &unavailable : &no_connection);

			low[i] = wait < low[i] ? wait : low[i];
			high[i] = wait > high[i] ? wait : high[i];
		}
		/* Success begins anew. */
		attempt(1, &taken);
		expect_exported(1);
	}
	for (size_t i = 0; i < ARRAY_SIZE(intervals); i++) {
		assert_in_range(low[i], intervals[i] / 2, intervals[i] * 3 / 2);
		assert_in_range(high[i], intervals[i] / 2, intervals[i] * 3 / 2);
		/* Forty in one half of the range: once in 10^12. */
		assert_in_range(low[i], 0, intervals[i] - 1);
		assert_in_range(high[i], intervals[i], UINT64_MAX);
	}
}

static void the_collectors_wish_is_kept(void **state)
{
	static const struct fake_answer later = { .http = 429, .headers = "Retry-After: 5\r\n" };
	static const struct fake_answer at_once = { .http = 429, .headers = "Retry-After: 0\r\n" };

	put(1);
	assert_int_equal(fail_once(&later), 5000 * MS);
	/* It may ask for more than our wait, not for less. */
	assert_in_range(fail_once(&at_once), 75 * MS, 225 * MS);
}

static void the_longest_wish_of_many_counts(void **state)
{
	static const struct fake_answer later = { .http = 503, .headers = "Retry-After: 9\r\n" };
	static const struct fake_answer sooner = { .http = 503, .headers = "Retry-After: 2\r\n" };

	put_all(1, 3);
	(void)pump();
	end_request(1, &unavailable);
	end_request(2, &later);
	end_request(3, &sooner);
	assert_int_equal(lane.next_try_ns - now, 9000 * MS);
}

static void grpc_may_ask_for_time_too(void **state)
{
	/* Status{8, "full", [Any{RetryInfo{Duration{2 s, 500 ms}}}]} */
	static const struct fake_answer exhausted = {
		.http = 200,
		.headers = "grpc-status: 8\r\n"
			   "grpc-status-details-bin: CAgSBGZ1bGwaNgoodHlwZS5nb29nbGVhcGlzLmNvbS9n"
			   "b29nbGUucnBjLlJldHJ5SW5mbxIKCggIAhCAyrXuAQ\r\n",
	};
	struct fake_easy *easy;

	sender_lane_close(&lane);
	options.traces.target.protocol = OTLP_PROTOCOL_GRPC;
	open_lane(OTLP_TRACES);
	put(1);
	(void)pump();
	easy = fake_under_way();
	sender_lane_finished(&lane, easy->private, fake_play(easy, &exhausted), now);
	expect_no_answer();
	assert_int_equal(lane.next_try_ns - now, 2500 * MS);
}

static void at_last_a_batch_is_given_up(void **state)
{
	uint64_t from = now, last = 0;

	put_all(1, 2);
	options.traces.backoff_max_elapsed_time = lane.max_elapsed_ns = 2000 * MS;
	lane.request_count = 1;
	for (int i = 0; i < 100; i++) {
		struct obi_batch_answer answer;

		last = now;
		attempt(1, &unavailable);
		if (next_answer(&answer)) {
			assert_int_equal(answer.sequence, 1);
			assert_int_equal(answer.dropped, ITEMS);
			assert_int_equal(answer.reason, OUTBOX_EXPIRED);
			break;
		}
		now = lane.next_try_ns;
	}
	/* The next attempt would have come after its time, and no other did. */
	assert_in_range(last - from, 2000 * MS - 450 * MS, 2000 * MS);
	assert_in_range(lane.next_try_ns - from, 2000 * MS + 1, 2000 * MS + 450 * MS);
	/* Its time runs for each batch from its own first attempt. */
	now = lane.next_try_ns;
	attempt(2, &unavailable);
	expect_no_answer();
	now = lane.next_try_ns;
	attempt(2, &taken);
	expect_exported(2);
}

/* ---- Shutdown -------------------------------------------------------------------- */

static void a_flush_does_not_wait_for_the_next_try(void **state)
{
	static const struct fake_answer later = { .http = 503, .headers = "Retry-After: 50\r\n" };

	put_all(1, 2);
	lane.request_count = 1;
	attempt(1, &later);
	sender_lane_flush(&lane, now);
	attempt(1, &taken);
	attempt(2, &taken);
	expect_exported(1);
	expect_exported(2);
	assert_true(sender_lane_empty(&lane));
}

static void a_flush_gives_up_after_three_failures(void **state)
{
	lane.backoff.initial_ns = lane.backoff.max_ns = 60000 * MS;
	put_all(1, 3);
	lane.request_count = 1;
	sender_lane_flush(&lane, now);
	for (int i = 0; i < 3; i++) {
		uint64_t from = now;

		assert_false(sender_lane_empty(&lane));
		expect_no_answer();
		attempt(1, &no_connection);
		now = lane.next_try_ns;
		assert_in_range(now - from, 0, 500 * MS);
	}
	assert_true(sender_lane_empty(&lane));
	for (uint8_t i = 3; i >= 1; i--)
		expect_dropped(i, OUTBOX_SHUTDOWN);
}

static void what_is_abandoned_is_answered(void **state)
{
	put_all(1, 6);
	(void)pump();
	assert_int_equal(count_under_way(), 4);
	sender_lane_abandon(&lane);
	assert_int_equal(count_under_way(), 0);
	assert_true(sender_lane_empty(&lane));
	assert_int_equal(lane.flying_items + lane.flying_memory, 0);
	for (uint8_t i = 6; i >= 1; i--)
		expect_dropped(i, OUTBOX_SHUTDOWN);
}

int main(void)
{
#define T(test_) cmocka_unit_test_setup_teardown(test_, begin, end)
	const struct CMUnitTest tests[] = {
		T(the_queue_drains_in_order),
		T(points_of_metrics_go_one_by_one),
		T(bodies_that_are_made_are_few),
		T(after_a_failure_one_tries_and_order_is_kept),
		T(what_overtakes_is_not_sent_again),
		T(waits_grow_within_their_bounds),
		T(the_collectors_wish_is_kept),
		T(the_longest_wish_of_many_counts),
		T(grpc_may_ask_for_time_too),
		T(at_last_a_batch_is_given_up),
		T(a_flush_does_not_wait_for_the_next_try),
		T(a_flush_gives_up_after_three_failures),
		T(what_is_abandoned_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
