// SPDX-License-Identifier: Apache-2.0
/* Queue, and what becomes of a batch's bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "guard.h"
#include "sender/batch.h"
#include "sender/body.h"
#include "wire/batch.h"

static void put(struct sender_queue *queue, uint64_t order, uint32_t items)
{
	struct sender_batch *batch = sender_batch_new(-1, items, 100);

	batch->order = order;
	sender_queue_put(queue, batch);
}

static void expect(struct sender_batch *batch, uint64_t order)
{
	assert_non_null(batch);
	assert_int_equal(batch->order, order);
	sender_batch_free(batch);
}

static void what_comes_back_goes_to_its_old_place(void **state)
{
	struct sender_queue queue = { 0 };
	struct sender_batch *batch;

	for (uint64_t i = 1; i <= 4; i++)
		put(&queue, i, 10);
	assert_int_equal(queue.batches, 4);
	assert_int_equal(queue.items, 40);
	assert_int_equal(queue.memory, 4 * obi_batch_memory(100));
	batch = sender_queue_take(&queue);
	expect(sender_queue_take(&queue), 2);
	sender_queue_put(&queue, batch);
	expect(sender_queue_take_last(&queue), 4);
	expect(sender_queue_take(&queue), 1);
	expect(sender_queue_take_last(&queue), 3);
	assert_null(sender_queue_take(&queue));
	assert_null(sender_queue_take_last(&queue));
	assert_int_equal(queue.batches + queue.items + queue.memory, 0);
}

/* An ExportTraceServiceRequest with one empty ResourceSpans, framed. */
#define REQUEST "\0\0\0\0\2\x0a\0"
static const struct slice framed = SLICE_LIT(REQUEST);

static struct slice make(enum otlp_protocol protocol, enum otlp_compression compression,
			 struct buffer *made)
{
	struct slice body;

	assert_int_equal(sender_body_make(OTLP_TRACES, protocol, compression, framed, made, &body),
			 0);
	return body;
}

static void without_compression_nothing_is_copied(void **state)
{
	struct buffer made = { 0 };

	assert_ptr_equal(make(OTLP_PROTOCOL_GRPC, OTLP_COMPRESSION_NONE, &made).data, framed.data);
	assert_ptr_equal(make(OTLP_PROTOCOL_HTTP_PROTOBUF, OTLP_COMPRESSION_NONE, &made).data,
			 framed.data + OBI_BATCH_FRAME);
	assert_null(made.data);
}

static void expect_gunzip(struct slice packed, const char *text, size_t len)
{
	uint8_t plain[256];
	z_stream stream = { .next_in = (Bytef *)packed.data, .avail_in = (uInt)packed.len };

	stream.next_out = plain;
	stream.avail_out = sizeof(plain);
	assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
	assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
	assert_int_equal(stream.total_out, len);
	assert_memory_equal(plain, text, len);
	assert_int_equal(stream.avail_in, 0);
	(void)inflateEnd(&stream);
}

static void gzip_is_around_the_body_or_inside_the_frame(void **state)
{
	struct buffer made = { 0 };
	struct slice body = make(OTLP_PROTOCOL_HTTP_PROTOBUF, OTLP_COMPRESSION_GZIP, &made);

	expect_gunzip(body, "\x0a\0", 2);
	buffer_free(&made);
	body = make(OTLP_PROTOCOL_GRPC, OTLP_COMPRESSION_GZIP, &made);
	assert_int_equal(body.data[0], 1);
	assert_int_equal(body.data[4], body.len - OBI_BATCH_FRAME);
	expect_gunzip(slice_from(body, OBI_BATCH_FRAME), "\x0a\0", 2);
	buffer_free(&made);
}

static void json_is_made_of_protobuf(void **state)
{
	struct buffer made = { 0 };
	struct slice body = make(OTLP_PROTOCOL_HTTP_JSON, OTLP_COMPRESSION_NONE, &made);
	static const char json[] = "{\"resourceSpans\":[{}]}";

	assert_int_equal(body.len, sizeof(json) - 1);
	assert_memory_equal(body.data, json, body.len);
	buffer_free(&made);
	body = make(OTLP_PROTOCOL_HTTP_JSON, OTLP_COMPRESSION_GZIP, &made);
	expect_gunzip(body, json, sizeof(json) - 1);
	buffer_free(&made);
	assert_int_equal(sender_body_make(OTLP_TRACES, OTLP_PROTOCOL_HTTP_JSON,
					  OTLP_COMPRESSION_NONE, SLICE_LIT("\0\0\0\0\1\xff"), &made,
					  &body),
			 -EPROTO);
	buffer_free(&made);
}

static void expect_message(struct slice reply, struct slice message)
{
	struct slice got = sender_body_unframe(guarded(reply));

	assert_int_equal(got.len, message.len);
	if (message.len)
		assert_memory_equal(got.data, message.data, message.len);
}

static void grpc_answers_are_taken_out_of_their_frame(void **state)
{
	struct slice none = SLICE_LIT("");

	expect_message(SLICE_LIT("\0\0\0\0\2ab"), SLICE_LIT("ab"));
	expect_message(SLICE_LIT("\0\0\0\0\2ab\0\0\0\0\0"), SLICE_LIT("ab"));
	expect_message(SLICE_LIT("\0\0\0\0\0"), none);
	expect_message(none, none);
	expect_message(SLICE_LIT("\0\0\0"), none);
	expect_message(SLICE_LIT("\0\0\0\0\3ab"), none);
	expect_message(SLICE_LIT("\0\xff\xff\xff\xff"
				 "ab"),
		       none);
	/* Compressed: not asked for. */
	expect_message(SLICE_LIT("\1\0\0\0\2ab"), none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_comes_back_goes_to_its_old_place),
		cmocka_unit_test(without_compression_nothing_is_copied),
		cmocka_unit_test(gzip_is_around_the_body_or_inside_the_frame),
		cmocka_unit_test(json_is_made_of_protobuf),
		cmocka_unit_test(grpc_answers_are_taken_out_of_their_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
