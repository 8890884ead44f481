// SPDX-License-Identifier: Apache-2.0
/* The worker's end, against a sender that the test plays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "otlp/outbox.h"
#include "wire/batch.h"
#include "wire/wire.h"

static int sender = -1;
static struct outbox_counts before[OTLP_SIGNALS];

/* The outbox is one for the process: each test looks at what it added. */
static struct outbox_counts counted(enum otlp_signal signal)
{
	struct outbox_counts now = outbox_counts(signal), *was = &before[signal];

	now.put -= was->put;
	now.recovered -= was->recovered;
	now.exported -= was->exported;
	for (int i = 0; i < OUTBOX_DROPS; i++)
		now.dropped[i] -= was->dropped[i];
	return now;
}

static void expect_balance(void)
{
	for (int i = 0; i < OTLP_SIGNALS; i++) {
		struct outbox_counts counts = outbox_counts((enum otlp_signal)i);
		uint64_t gone = counts.exported;

		for (int r = 0; r < OUTBOX_DROPS; r++)
			gone += counts.dropped[r];
		assert_int_equal(counts.put + counts.recovered, gone + counts.queued);
	}
}

static void attach(void)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	outbox_attach(pair[0]);
	sender = pair[1];
}

static int begin(void **state)
{
	outbox_limit(OTLP_TRACES, (struct outbox_limits){ 1000, 1 << 20 });
	outbox_limit(OTLP_METRICS, (struct outbox_limits){ 1000, 1 << 20 });
	attach();
	for (int i = 0; i < OTLP_SIGNALS; i++)
		before[i] = outbox_counts((enum otlp_signal)i);
	return 0;
}

static int end(void **state)
{
	if (sender >= 0)
		(void)close(sender);
	sender = -1;
	outbox_ready();
	assert_int_equal(outbox_fd(), -1);
	expect_balance();
	return 0;
}

static int put(enum otlp_signal signal, const char *text, uint32_t items)
{
	struct buffer body = { .data = (char *)text, .len = strlen(text) };

	return outbox_put(signal, &body, items);
}

/* Takes a batch as the sender would; the descriptor is the caller's. */
static struct obi_batch take(int *ret_fd)
{
	int fds[OBI_WIRE_FDS], fd_count = 0;
	struct obi_batch batch;
	uint32_t id;

	assert_int_equal(obi_wire_receive(sender, &id, &batch, sizeof(batch), fds, &fd_count),
			 sizeof(batch));
	assert_int_equal(id, OBI_BATCH_PUT);
	assert_int_equal(fd_count, 1);
	*ret_fd = fds[0];
	return batch;
}

static struct obi_batch take_closed(void)
{
	struct obi_batch batch;
	int fd;

	batch = take(&fd);
	(void)close(fd);
	return batch;
}

static void answer(uint64_t sequence, enum otlp_signal signal, enum obi_batch_state state,
		   uint64_t exported, uint64_t dropped, uint32_t reason)
{
	struct obi_batch_answer message = {
		.sequence = sequence,
		.exported = exported,
		.dropped = dropped,
		.signal = signal,
		.state = state,
		.reason = reason,
	};

	assert_int_equal(
		obi_wire_send(sender, OBI_BATCH_ANSWER, &message, sizeof(message), NULL, 0), 0);
	outbox_ready();
}

static void a_batch_arrives_framed_and_sealed(void **state)
{
	_cleanup_close_ int fd = -1;
	struct obi_batch batch;
	const uint8_t *map;

	assert_int_equal(put(OTLP_TRACES, "hello", 3), 0);
	batch = take(&fd);
	assert_int_equal(batch.signal, OTLP_TRACES);
	assert_int_equal(batch.items, 3);
	assert_int_equal(batch.bytes, 10);
	assert_int_equal(obi_batch_map(fd, batch.bytes, &map), 0);
	assert_memory_equal(map, "\0\0\0\0\5hello", 10);
	(void)munmap((void *)map, batch.bytes);
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(counted(OTLP_TRACES).queued, 3);
	answer(batch.sequence, OTLP_TRACES, OBI_BATCH_DONE, 2, 1, OUTBOX_REJECTED);
	assert_int_equal(counted(OTLP_TRACES).exported, 2);
	assert_int_equal(counted(OTLP_TRACES).dropped[OUTBOX_REJECTED], 1);
	assert_int_equal(counted(OTLP_TRACES).queued, 0);
	assert_int_equal(counted(OTLP_TRACES).queued_bytes, 0);
}

static void a_batch_that_could_change_is_not_mapped(void **state)
{
	_cleanup_close_ int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	const uint8_t *map;

	assert_int_equal(write(fd, "0123456789", 10), 10);
	assert_int_equal(obi_batch_map(fd, 10, &map), -EPROTO);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), 0);
	assert_int_equal(obi_batch_map(fd, 11, &map), -EPROTO);
	assert_int_equal(obi_batch_map(fd, 10, &map), 0);
	(void)munmap((void *)map, 10);
	assert_true(obi_batch_map(STDIN_FILENO, 10, &map) < 0);
}

static void bounds_hold(void **state)
{
	struct buffer large = { .len = OUTBOX_BODY_MAX + 1 };
	struct obi_batch batch;

	large.data = calloc(1, large.len);
	assert_int_equal(outbox_put(OTLP_TRACES, &large, 5), -EMSGSIZE);
	assert_int_equal(counted(OTLP_TRACES).dropped[OUTBOX_TOO_LARGE], 5);
	large.len = 1 << 20; /* a page and more above the bytes */
	assert_int_equal(outbox_put(OTLP_TRACES, &large, 5), -ENOBUFS);
	free(large.data);
	assert_int_equal(put(OTLP_TRACES, "a", 1000), 0);
	assert_int_equal(put(OTLP_TRACES, "a", 1), -ENOBUFS);
	assert_int_equal(put(OTLP_METRICS, "a", 1), 0);
	assert_int_equal(counted(OTLP_TRACES).dropped[OUTBOX_QUEUE_FULL], 6);
	batch = take_closed();
	answer(batch.sequence, OTLP_TRACES, OBI_BATCH_DONE, 1000, 0, 0);
	assert_int_equal(put(OTLP_TRACES, "a", 1), 0);
	expect_balance();
}

static void the_number_of_batches_is_bounded(void **state)
{
	int error = 0, count = 0;

	outbox_limit(OTLP_TRACES, (struct outbox_limits){ 1 << 20, 1 << 30 });
	while (!error && count <= OBI_BATCHES_MAX) {
		error = put(OTLP_TRACES, "a", 1);
		count += !error;
	}
	assert_int_equal(error, -ENOBUFS);
	assert_in_range(count, 100, OBI_BATCHES_MAX);
}

static void without_a_sender_batches_are_counted(void **state)
{
	assert_int_equal(put(OTLP_TRACES, "a", 4), 0);
	(void)close(sender);
	sender = -1;
	assert_int_equal(put(OTLP_TRACES, "b", 5), -ENOTCONN);
	assert_int_equal(counted(OTLP_TRACES).dropped[OUTBOX_SENDER_LOST], 9);
	expect_balance();
}

static void answers_of_a_dead_sender_still_count(void **state)
{
	struct obi_batch first, second;

	assert_int_equal(put(OTLP_TRACES, "a", 4), 0);
	assert_int_equal(put(OTLP_TRACES, "b", 5), 0);
	first = take_closed();
	second = take_closed();
	assert_int_not_equal(first.sequence, second.sequence);
	{
		struct obi_batch_answer message = { .sequence = second.sequence, .exported = 5 };

		assert_int_equal(
			obi_wire_send(sender, OBI_BATCH_ANSWER, &message, sizeof(message), NULL, 0),
			0);
	}
	(void)close(sender);
	attach();
	assert_int_equal(counted(OTLP_TRACES).exported, 5);
	assert_int_equal(counted(OTLP_TRACES).dropped[OUTBOX_SENDER_LOST], 4);
	assert_int_equal(put(OTLP_TRACES, "c", 1), 0);
	/* The dead one's numbers mean nothing to the new one. */
	answer(first.sequence, OTLP_TRACES, OBI_BATCH_DONE, 4, 0, 0);
	assert_int_equal(counted(OTLP_TRACES).exported, 5);
	expect_balance();
}

static void answers_that_make_no_sense_are_ignored(void **state)
{
	struct obi_batch batch;

	assert_int_equal(put(OTLP_TRACES, "a", 10), 0);
	batch = take_closed();
	answer(batch.sequence, OTLP_TRACES, OBI_BATCH_DONE, 11, 0, 0);
	answer(batch.sequence, OTLP_TRACES, OBI_BATCH_DONE, 3, 3, 0);
	answer(batch.sequence, OTLP_TRACES, OBI_BATCH_DONE, UINT64_MAX, 11, 0);
	answer(batch.sequence, OTLP_METRICS, OBI_BATCH_DONE, 10, 0, 0);
	answer(batch.sequence, (enum otlp_signal)7, OBI_BATCH_DONE, 10, 0, 0);
	answer(batch.sequence, OTLP_TRACES, OBI_BATCH_DONE, 9, 1, OUTBOX_DROPS);
	answer(batch.sequence + 1, OTLP_TRACES, OBI_BATCH_DONE, 10, 0, 0);
	answer(0, OTLP_TRACES, OBI_BATCH_LEFT_DONE, 10, 0, 0);
	answer(0, OTLP_TRACES, OBI_BATCH_LEFT_DONE, UINT64_MAX, 1, 0);
	assert_int_equal(counted(OTLP_TRACES).exported, 0);
	assert_int_equal(counted(OTLP_TRACES).queued, 10);
	expect_balance();
}

static void what_lies_on_disk_is_queued_across_senders(void **state)
{
	struct obi_batch batch;

	answer(0, OTLP_TRACES, OBI_BATCH_LEFT, 100, 0, 0);
	assert_int_equal(put(OTLP_TRACES, "a", 10), 0);
	batch = take_closed();
	answer(batch.sequence, OTLP_TRACES, OBI_BATCH_SPILLED, 10, 0, 0);
	assert_int_equal(counted(OTLP_TRACES).queued, 110);
	assert_int_equal(counted(OTLP_TRACES).queued_bytes, 0);
	answer(0, OTLP_TRACES, OBI_BATCH_LEFT_DONE, 30, 5, OUTBOX_SPILL_LOST);
	assert_int_equal(counted(OTLP_TRACES).queued, 75);
	(void)close(sender);
	attach();
	assert_int_equal(counted(OTLP_TRACES).queued, 75);
	/* A torn tail. */
	answer(0, OTLP_TRACES, OBI_BATCH_LEFT, 70, 0, 0);
	assert_int_equal(counted(OTLP_TRACES).recovered, 100);
	assert_int_equal(counted(OTLP_TRACES).dropped[OUTBOX_SPILL_LOST], 10);
	answer(0, OTLP_TRACES, OBI_BATCH_LEFT_DONE, 70, 0, 0);
	assert_int_equal(counted(OTLP_TRACES).queued, 0);
	assert_int_equal(counted(OTLP_TRACES).exported, 100);
	expect_balance();
}

/* ---- The end ---- */

static void *play_flush(void *context)
{
	struct obi_batch batch = take_closed();
	struct obi_batch_answer message = { .sequence = batch.sequence, .exported = batch.items };
	int fds[OBI_WIRE_FDS], fd_count = 0;
	struct obi_batch_flush flush;
	uint32_t id = 0;

	(void)obi_wire_receive(sender, &id, &flush, sizeof(flush), fds, &fd_count);
	if (id != OBI_BATCH_FLUSH || flush.timeout_ns >= 5 * NSEC_PER_SEC)
		return (void *)"no flush, or not in time";
	(void)obi_wire_send(sender, OBI_BATCH_ANSWER, &message, sizeof(message), NULL, 0);
	(void)obi_wire_send(sender, OBI_BATCH_FLUSHED, NULL, 0, NULL, 0);
	return NULL;
}

static void closing_waits_for_the_last_answer(void **state)
{
	uint64_t start = clock_monotonic_ns();
	pthread_t thread;
	void *wrong;

	assert_int_equal(put(OTLP_TRACES, "a", 7), 0);
	assert_int_equal(pthread_create(&thread, NULL, play_flush, NULL), 0);
	outbox_close(5000);
	assert_int_equal(pthread_join(thread, &wrong), 0);
	assert_null(wrong);
	assert_int_equal(counted(OTLP_TRACES).exported, 7);
	assert_true(clock_monotonic_ns() - start < 4 * NSEC_PER_SEC);
}

static void closing_does_not_wait_for_ever(void **state)
{
	assert_int_equal(put(OTLP_METRICS, "a", 7), 0);
	outbox_close(50);
	assert_int_equal(counted(OTLP_METRICS).dropped[OUTBOX_SHUTDOWN], 7);
	assert_int_equal(counted(OTLP_METRICS).queued, 0);
}

static void reasons_have_names(void **state)
{
	for (int i = 0; i < OUTBOX_DROPS; i++)
		assert_non_null(outbox_drop_name((enum outbox_drop)i));
}

#define OUTBOX_TEST(name_) cmocka_unit_test_setup_teardown(name_, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OUTBOX_TEST(a_batch_arrives_framed_and_sealed),
		OUTBOX_TEST(a_batch_that_could_change_is_not_mapped),
		OUTBOX_TEST(bounds_hold),
		OUTBOX_TEST(the_number_of_batches_is_bounded),
		OUTBOX_TEST(without_a_sender_batches_are_counted),
		OUTBOX_TEST(answers_of_a_dead_sender_still_count),
		OUTBOX_TEST(answers_that_make_no_sense_are_ignored),
		OUTBOX_TEST(closing_waits_for_the_last_answer),
		OUTBOX_TEST(closing_does_not_wait_for_ever),
		OUTBOX_TEST(what_lies_on_disk_is_queued_across_senders),
		cmocka_unit_test(reasons_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
