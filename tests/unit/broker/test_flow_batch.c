// SPDX-License-Identifier: Apache-2.0
/* Flows on their way to a worker that takes them, or does not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "broker/flow_batch.h"

struct worker {
	int error;
	size_t messages;
	size_t last_size;
	uint32_t last_count;
	uint64_t next; /* bytes of the flow that is due */
};

static int take(void *context, const struct obi_wire_flows *flows, size_t size)
{
	struct worker *w = context;

	w->messages++;
	w->last_size = size;
	w->last_count = flows->count;
	for (uint32_t i = 0; !w->error && i < flows->count; i++)
		assert_int_equal(flows->flows[i].value.bytes, w->next++);
	return w->error;
}

/* The bytes of each flow are its number. */
static void put(struct obi_flow_batch *batch, uint64_t first, size_t count)
{
	for (uint64_t i = first; i < first + count; i++)
		obi_flow_batch_put(batch,
				   &(struct obi_flow){ .value = { .bytes = i, .packets = 2 } });
}

static void nothing_is_no_message(void **state)
{
	struct worker w = { 0 };
	struct obi_flow_batch batch;

	obi_flow_batch_init(&batch, take, &w);
	obi_flow_batch_flush(&batch);
	assert_int_equal(w.messages, 0);
	assert_null(batch.message);
	obi_flow_batch_free(&batch);
}

static void full_message_goes_at_once_and_the_rest_when_flushed(void **state)
{
	struct worker w = { 0 };
	struct obi_flow_batch batch;

	obi_flow_batch_init(&batch, take, &w);
	put(&batch, 0, OBI_WIRE_FLOWS_MAX - 1);
	assert_int_equal(w.messages, 0);
	put(&batch, OBI_WIRE_FLOWS_MAX - 1, 1);
	assert_int_equal(w.messages, 1);
	assert_int_equal(w.last_size, sizeof(struct obi_wire_flows));
	put(&batch, OBI_WIRE_FLOWS_MAX, 3);
	assert_int_equal(w.messages, 1);
	obi_flow_batch_flush(&batch);
	assert_int_equal(w.messages, 2);
	assert_int_equal(w.last_count, 3);
	assert_int_equal(w.last_size,
			 offsetof(struct obi_wire_flows, flows) + 3 * sizeof(struct obi_flow));
	obi_flow_batch_flush(&batch); /* nothing is sent twice */
	assert_int_equal(w.messages, 2);
	assert_int_equal(w.next, OBI_WIRE_FLOWS_MAX + 3);
	assert_int_equal(batch.sent, OBI_WIRE_FLOWS_MAX + 3);
	assert_int_equal(batch.dropped, 0);
	obi_flow_batch_free(&batch);
}

static void what_the_worker_does_not_take_is_counted(void **state)
{
	struct worker w = { .error = -EAGAIN };
	struct obi_flow_batch batch;

	obi_flow_batch_init(&batch, take, &w);
	put(&batch, 10, 3);
	obi_flow_batch_flush(&batch);
	assert_int_equal(batch.sent, 0);
	assert_int_equal(batch.dropped, 3);
	assert_int_equal(batch.dropped_bytes, 10 + 11 + 12);
	assert_int_equal(batch.dropped_packets, 6);
	/* Those of the next time are not lost with them. */
	w.error = 0;
	w.next = 13;
	put(&batch, 13, 2);
	obi_flow_batch_flush(&batch);
	assert_int_equal(w.last_count, 2);
	assert_int_equal(batch.sent, 2);
	assert_int_equal(batch.dropped, 3);
	obi_flow_batch_free(&batch);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_no_message),
		cmocka_unit_test(full_message_goes_at_once_and_the_rest_when_flushed),
		cmocka_unit_test(what_the_worker_does_not_take_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
