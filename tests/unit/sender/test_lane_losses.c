// SPDX-License-Identifier: Apache-2.0
/* What a lane drops, and why; what goes to disk instead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lane_fixture.h"

static char directory[] = "/tmp/obi-lane.XXXXXX";

/* ---- What is dropped, and why ---------------------------------------------------- */

static void a_refused_batch_holds_up_nothing(void **state)
{
	put_all(1, 2);
	(void)pump();
	end_request(1, &refused);
	expect_dropped(1, OUTBOX_REFUSED);
	assert_int_equal(lane.failures, 0);
	end_request(2, &taken);
	expect_exported(2);
}

static void what_a_partial_success_rejects_is_counted(void **state)
{
	static const struct fake_answer three = { .http = 200,
						  .body = SLICE_LIT("\x0a\x02\x08\x03") };
	static const struct fake_answer too_many = { .http = 200,
						     .body = SLICE_LIT("\x0a\x02\x08\x7f") };
	/* -1, as a varint */
	static const struct fake_answer negative = {
		.http = 200,
		.body = SLICE_LIT("\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")
	};
	struct obi_batch_answer answer;

	put_all(1, 3);
	(void)pump();
	end_request(1, &three);
	expect_answer(1, OBI_BATCH_DONE, ITEMS - 3, 3, OUTBOX_REJECTED);
	end_request(2, &too_many);
	expect_dropped(2, OUTBOX_REJECTED);
	end_request(3, &negative);
	assert_true(next_answer(&answer));
	assert_int_equal(answer.exported + answer.dropped, ITEMS);
	assert_int_equal(lane.failures, 0);
}

static void a_full_queue_drops_what_comes(void **state)
{
	put_batch(1, 600, OBI_BATCH_FRAME + 1);
	(void)pump(); /* under way it counts still */
	put_batch(2, 400, OBI_BATCH_FRAME + 1);
	expect_no_answer();
	put_batch(3, 1, OBI_BATCH_FRAME + 1);
	expect_answer(3, OBI_BATCH_DONE, 0, 1, OUTBOX_QUEUE_FULL);
	end_request(1, &taken);
	expect_answer(1, OBI_BATCH_DONE, 600, 0, OUTBOX_DROPS);
	put_batch(4, 600, OBI_BATCH_FRAME + 1);
	expect_no_answer();
}

static void a_batch_above_the_limit_is_dropped(void **state)
{
	put_batch(1, ITEMS, OUTBOX_BODY_MAX + OBI_BATCH_FRAME + 1);
	expect_dropped(1, OUTBOX_TOO_LARGE);
}

/* The worker says another size than the descriptor has. */
static void what_is_no_batch_is_refused(void **state)
{
	put_batch(1, ITEMS, 4000);
	put(2);
	(void)pump();
	expect_dropped(1, OUTBOX_REFUSED);
	end_request(2, &taken);
	expect_exported(2);
}

static void a_lane_that_cannot_send_refuses(void **state)
{
	lane.broken = "a file is missing";
	put(1);
	expect_dropped(1, OUTBOX_REFUSED);
	lane.broken = NULL;
	lane.open = false;
	put(2);
	expect_dropped(2, OUTBOX_REFUSED);
	assert_int_equal(pump(), 0);
}

static void without_memory_for_a_transfer_it_is_tried_again(void **state)
{
	uint64_t again;

	put(1);
	fake_refuses = true;
	again = pump();
	assert_int_equal(again, lane.next_try_ns);
	assert_int_equal(count_under_way(), 0);
	assert_in_range(lane.next_try_ns - now, 50 * MS, 150 * MS);
	expect_no_answer();
	fake_refuses = false;
	now = lane.next_try_ns;
	attempt(1, &taken);
	expect_exported(1);
}

/* To a later worker batches of the one before are something left: it hears of their end. */
static void a_later_worker_takes_over_what_is_left(void **state)
{
	put_all(1, 2);
	(void)pump();
	set_peer();
	sender_lane_tell_left(&lane);
	expect_answer(0, OBI_BATCH_LEFT, 2UL * ITEMS, 0, OUTBOX_DROPS);
	put(3);
	end_request(1, &taken);
	expect_answer(0, OBI_BATCH_LEFT_DONE, ITEMS, 0, OUTBOX_DROPS);
	end_request(2, &refused);
	expect_answer(0, OBI_BATCH_LEFT_DONE, 0, ITEMS, OUTBOX_REFUSED);
	attempt(3, &taken);
	expect_exported(3);
	put_items -= 2UL * ITEMS;
}

/* What ends while there is none is told to the next. */
static void what_nobody_heard_is_told_later(void **state)
{
	put_all(1, 3);
	(void)pump();
	sender_peer_set(&peer, -1);
	end_request(1, &taken);
	end_request(2, &refused);
	set_peer();
	sender_lane_tell_left(&lane);
	expect_answer(0, OBI_BATCH_LEFT, 3UL * ITEMS, 0, OUTBOX_DROPS);
	expect_answer(0, OBI_BATCH_LEFT_DONE, ITEMS, 0, OUTBOX_DROPS);
	expect_answer(0, OBI_BATCH_LEFT_DONE, 0, ITEMS, OUTBOX_REFUSED);
	end_request(3, &taken);
	expect_answer(0, OBI_BATCH_LEFT_DONE, ITEMS, 0, OUTBOX_DROPS);
	set_peer();
	sender_lane_tell_left(&lane);
	expect_no_answer();
	put_items -= 3UL * ITEMS;
}

/* Whatever comes back, each item is answered once: end() counts. */
static void any_answers_keep_the_balance(void **state)
{
	static const struct fake_answer *const answers[] = { &taken, &refused, &unavailable,
							     &no_connection, &taken };
	uint32_t random = 1;
	uint8_t sequence = 0;

	lane.max_elapsed_ns = 500 * MS;
	for (int i = 0; i < 3000; i++) {
		struct fake_easy *easy = fake_under_way();
		struct obi_batch_answer answer;

		random = random * 1664525 + 1013904223;
		now += (random >> 8) % (40 * MS);
		if (random >> 30 == 0)
			put_batch(++sequence, 1 + (random >> 20) % 100, OBI_BATCH_FRAME + 1);
		else if (easy)
			end_request(easy->body.data[0],
				    answers[(random >> 16) % ARRAY_SIZE(answers)]);
		(void)pump();
		assert_in_range(count_under_way(), 0, lane.failures ? 3 : SENDER_IN_FLIGHT);
		while (next_answer(&answer))
			;
	}
}

/* ---- Disk ------------------------------------------------------------------------ */

static int begin_on_disk(void **state)
{
	uint64_t found;
	int fd, error;

	assert_int_equal(begin(state), 0);
	(void)strcpy(directory, "/tmp/obi-lane.XXXXXX");
	assert_non_null(mkdtemp(directory));
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	error = sender_spill_open(fd, "traces", 8 << 20, &lane.spill, &found);
	assert_int_equal(error, 0);
	assert_int_equal(found, 0);
	*state = (void *)(intptr_t)fd;
	return 0;
}

static int end_on_disk(void **state)
{
	char path[64];

	assert_int_equal(sender_spill_items(lane.spill), 0);
	assert_int_equal(end(state), 0);
	(void)close((int)(intptr_t)*state);
	(void)snprintf(path, sizeof(path), "%s/traces-00000001.spill", directory);
	(void)unlink(path);
	return rmdir(directory);
}

static void expect_spilled(uint64_t sequence)
{
	expect_answer(sequence, OBI_BATCH_SPILLED, ITEMS, 0, OUTBOX_DROPS);
}

/* What was tried is in memory, what came meanwhile on disk, and all goes out in order. */
static void an_outage_is_waited_out_on_disk(void **state)
{
	put(1);
	attempt(1, &unavailable);
	put_all(2, 4);
	for (uint8_t i = 2; i <= 4; i++)
		expect_spilled(i);
	expect_no_answer();
	/* However long it takes. */
	now += 1000 * lane.max_elapsed_ns;
	attempt(1, &unavailable);
	expect_no_answer();
	now = lane.next_try_ns;
	attempt(1, &taken);
	expect_exported(1);
	/* While there is something on disk, all goes through there. */
	put(5);
	expect_spilled(5);
	for (uint8_t i = 2; i <= 5; i++) {
		(void)pump();
		end_request(i, &taken);
		expect_answer(0, OBI_BATCH_LEFT_DONE, ITEMS, 0, OUTBOX_DROPS);
	}
	assert_true(sender_lane_empty(&lane));
	put(6);
	attempt(6, &taken);
	expect_exported(6);
}

static void what_was_on_disk_is_refused_from_there(void **state)
{
	put(1);
	attempt(1, &unavailable);
	put(2);
	expect_spilled(2);
	now = lane.next_try_ns;
	attempt(1, &taken);
	expect_exported(1);
	attempt(2, &refused);
	expect_answer(0, OBI_BATCH_LEFT_DONE, 0, ITEMS, OUTBOX_REFUSED);
}

/* At the end memory goes to disk before what is there, and the next run has all in order. */
static void a_shutdown_leaves_its_rest_on_disk_in_order(void **state)
{
	put_all(1, 2);
	(void)pump();
	end_request(1, &unavailable);
	end_request(2, &unavailable);
	put(3);
	expect_spilled(3);
	sender_lane_flush(&lane, now);
	sender_lane_abandon(&lane);
	expect_spilled(2);
	expect_spilled(1);
	assert_int_equal(sender_spill_items(lane.spill), 3UL * ITEMS);
	set_peer();
	lane.flushing = false;
	sender_lane_tell_left(&lane);
	expect_answer(0, OBI_BATCH_LEFT, 3UL * ITEMS, 0, OUTBOX_DROPS);
	now = lane.next_try_ns;
	for (uint8_t i = 1; i <= 3; i++) {
		(void)pump();
		end_request(i, &taken);
		expect_answer(0, OBI_BATCH_LEFT_DONE, ITEMS, 0, OUTBOX_DROPS);
	}
}

int main(void)
{
#define T(test_) cmocka_unit_test_setup_teardown(test_, begin, end)
#define D(test_) cmocka_unit_test_setup_teardown(test_, begin_on_disk, end_on_disk)
	const struct CMUnitTest tests[] = {
		T(a_refused_batch_holds_up_nothing),
		T(what_a_partial_success_rejects_is_counted),
		T(a_full_queue_drops_what_comes),
		T(a_batch_above_the_limit_is_dropped),
		T(what_is_no_batch_is_refused),
		T(a_lane_that_cannot_send_refuses),
		T(without_memory_for_a_transfer_it_is_tried_again),
		T(a_later_worker_takes_over_what_is_left),
		T(what_nobody_heard_is_told_later),
		T(any_answers_keep_the_balance),
		D(an_outage_is_waited_out_on_disk),
		D(what_was_on_disk_is_refused_from_there),
		D(a_shutdown_leaves_its_rest_on_disk_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
