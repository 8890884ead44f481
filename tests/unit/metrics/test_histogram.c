// SPDX-License-Identifier: Apache-2.0
/* Native histograms and exemplars, and how a Prometheus is told of them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/proto_read.h"
#include "metrics/render.h"
#include "metrics/table.h"

static double bounds[] = { 0, 0.5, 1 };
static const struct obi_floats buckets = { bounds, ARRAY_SIZE(bounds) };

static const struct metric_desc took = { .name = "took",
					 .unit = "s",
					 .help = "how long",
					 .type = METRIC_HISTOGRAM,
					 .scale = NSEC_PER_SEC,
					 .buckets = &buckets };
static const char *const names[] = { "a.b" };
static const struct epoch_clock epoch; /* times are of the epoch already */

struct fixture {
	struct metrics *metrics;
	struct metric_table *table;
	const struct metric *metric;
};

static struct fixture begin(uint32_t most, uint64_t min_reset_ns, enum exemplar_filter exemplars)
{
	const struct metrics_options options = {
		.max_rows = 1000,
		.histograms = { .exemplars = exemplars,
				.limits = { .max_scale = histogram_native_schema(1.1) },
				.native_max = most,
				.native_min_reset_ns = min_reset_ns },
	};
	struct fixture f = { .metrics = metrics_new_with(&options) };

	assert_int_equal(metrics_add_table(f.metrics, &took, 1, names, 1, 0, &f.table), 0);
	f.metric = metric_table_metric(f.table, 0);
	f.metrics->epoch = &epoch;
	return f;
}

static struct metric_row *row_of(struct fixture *f, const char *value, uint64_t now_ns)
{
	struct slice values[] = { slice_cstr(value) };

	return metric_table_row(f->table, values, now_ns);
}

static struct buffer render(struct fixture *f, enum metrics_format format, size_t piece)
{
	struct metrics_rendering rendering;
	struct buffer buf = { 0 };
	bool more = true;

	metrics_render_begin(&rendering, f->metrics, format);
	for (size_t bytes = piece; more; bytes += piece)
		more = metrics_render(&rendering, &buf, bytes);
	metrics_render_end(&rendering);
	return buf;
}

/* ---- Reading the protobuf format ---- */

static struct proto_field next_field(struct slice *in)
{
	struct proto_field field = { 0 };

	assert_int_equal(proto_read_field(in, &field), 0);
	return field;
}

/* The content of the message's only, or first, field of that number; empty where it has none. */
static struct slice message_of(struct slice message, uint32_t number)
{
	while (message.len) {
		struct proto_field field = next_field(&message);

		if (field.number == number)
			return field.bytes;
	}
	return slice_of(NULL, 0);
}

static uint64_t value_of(struct slice message, uint32_t number)
{
	while (message.len) {
		struct proto_field field = next_field(&message);

		if (field.number == number)
			return field.value;
	}
	fail_msg("no field %u", number);
	return 0;
}

static double double_of(struct slice message, uint32_t number)
{
	uint64_t bits = value_of(message, number);
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static int64_t zigzag(uint64_t value)
{
	return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

/* The first histogram of the first family. */
static struct slice histogram_of(const struct buffer *buf)
{
	struct slice in = slice_of(buf->data, buf->len), family = in, metric;

	assert_int_equal(proto_read_length(&in, &family), 0);
	assert_true(slice_equal(message_of(family, 1), SLICE_LIT("took_seconds")));
	assert_int_equal(value_of(family, 3), 4);
	metric = message_of(family, 4);
	return message_of(metric, 7);
}

/* What the native buckets count, as Prometheus puts spans and deltas together, with the zero
 * bucket; ret_counts by number. */
static uint64_t read_native(struct slice histogram, int32_t first, uint64_t *ret_counts,
			    size_t size)
{
	int32_t offsets[64] = { 0 }, number = 0;
	uint32_t lengths[64] = { 0 }, spans = 0, span = 0, in_span = 0;
	uint64_t total = value_of(histogram, 7), count = 0;

	memset(ret_counts, 0, size * sizeof(*ret_counts));
	while (histogram.len) {
		struct proto_field field = next_field(&histogram);

		if (field.number == 12) {
			offsets[spans] = (int32_t)zigzag(value_of(field.bytes, 1));
			lengths[spans++] = (uint32_t)value_of(field.bytes, 2);
		} else if (field.number == 13) {
			if (in_span == 0)
				number += offsets[span];
			count += (uint64_t)zigzag(field.value);
			assert_true(number >= first && number - first < (int32_t)size);
			ret_counts[number - first] = count;
			total += count;
			number++;
			if (++in_span == lengths[span]) {
				span++;
				in_span = 0;
			}
		}
	}
	assert_int_equal(span, spans);
	return total;
}

static void schemas_are_those_of_the_factors(void **state)
{
	assert_int_equal(histogram_native_schema(1.1), 3);
	assert_int_equal(histogram_native_schema(2), 0);
	assert_int_equal(histogram_native_schema(4), -1);
	assert_int_equal(histogram_native_schema(1e9), -4);
	assert_int_equal(histogram_native_schema(1.0001), 8);
}

static void native_buckets_count_what_the_explicit_ones_do(void **state)
{
	struct fixture f = begin(100, NSEC_PER_SEC, EXEMPLARS_OFF);
	struct buffer buf = render(&f, METRICS_PROTOBUF, SIZE_MAX);
	struct metric_row *row = row_of(&f, "x", 5);
	struct slice histogram;
	uint64_t counts[200];

	assert_int_equal(buf.len, 0);
	metric_observe(f.metric, row, 0);
	for (int i = 0; i < 3; i++)
		metric_observe(f.metric, row, NSEC_PER_SEC);
	metric_observe(f.metric, row, NSEC_PER_SEC + 1);
	metric_observe(f.metric, row, 100 * NSEC_PER_SEC);
	buffer_free(&buf);
	buf = render(&f, METRICS_PROTOBUF, SIZE_MAX);
	histogram = histogram_of(&buf);
	assert_int_equal(value_of(histogram, 1), 6);
	assert_true(double_of(histogram, 2) == 104.000000001);
	assert_int_equal(zigzag(value_of(histogram, 5)), 3);
	assert_true(double_of(histogram, 6) == 0x1p-128);
	assert_int_equal(value_of(histogram, 7), 1);
	assert_int_equal(read_native(histogram, -10, counts, ARRAY_SIZE(counts)), 6);
	assert_int_equal(counts[10], 3);      /* bucket 0 ends with 1 */
	assert_int_equal(counts[11], 1);      /* 1 to 1.09 */
	assert_int_equal(counts[10 + 54], 1); /* 2^(53/8) < 100 <= 2^(54/8) */
	buffer_free(&buf);
	metrics_free(f.metrics);
}

/* What was counted before anybody asked is there, and what comes later stands where it belongs. */
static void what_was_counted_before_is_not_lost(void **state)
{
	struct fixture f = begin(100, NSEC_PER_SEC, EXEMPLARS_OFF);
	struct metric_row *row = row_of(&f, "x", 5);
	uint64_t counts[200];
	struct buffer buf;

	metric_observe(f.metric, row, 0);
	metric_observe(f.metric, row, 100000000);
	metric_observe(f.metric, row, 70 * NSEC_PER_SEC);
	assert_null(histogram_extras(f.metric, row));
	buf = render(&f, METRICS_PROTOBUF, SIZE_MAX);
	assert_int_equal(read_native(histogram_of(&buf), -100, counts, ARRAY_SIZE(counts)), 3);
	assert_int_equal(counts[100 - 8], 1); /* at 0.5 */
	assert_int_equal(counts[100 + 8], 1); /* at 2 */
	buffer_free(&buf);
	metric_observe(f.metric, row, 100000000);
	buf = render(&f, METRICS_PROTOBUF, SIZE_MAX);
	assert_int_equal(read_native(histogram_of(&buf), -100, counts, ARRAY_SIZE(counts)), 4);
	assert_int_equal(counts[100 - 26], 1); /* 2^(-27/8) < 0.1 <= 2^(-26/8) */
	buffer_free(&buf);
	metrics_free(f.metrics);
}

static void too_many_buckets_begin_anew_or_become_coarser(void **state)
{
	struct fixture f = begin(4, 1000, EXEMPLARS_OFF);
	struct metric_row *row = row_of(&f, "x", 10);
	struct histogram_extras *extras;
	uint64_t counts[200];
	struct buffer buf = render(&f, METRICS_PROTOBUF, SIZE_MAX);

	buffer_free(&buf);
	for (uint64_t i = 0; i < 6; i++)
		metric_observe(f.metric, row_of(&f, "x", 10 + i), NSEC_PER_SEC << i);
	extras = histogram_extras(f.metric, row);
	assert_true(extras->exponential->filled <= 4);
	assert_int_equal(extras->exponential->scale, -1);
	buf = render(&f, METRICS_PROTOBUF, SIZE_MAX);
	assert_int_equal(read_native(histogram_of(&buf), -10, counts, ARRAY_SIZE(counts)), 6);
	assert_int_equal(value_of(message_of(histogram_of(&buf), 15), 2), 10); /* created */
	buffer_free(&buf);
	/* 2000 ns later the fifth bucket makes all values begin anew. */
	for (uint64_t i = 10; i < 20; i += 2)
		metric_observe(f.metric, row_of(&f, "x", 2010), NSEC_PER_SEC << i);
	buf = render(&f, METRICS_PROTOBUF, SIZE_MAX);
	assert_true(value_of(histogram_of(&buf), 1) < 6);
	assert_int_equal(read_native(histogram_of(&buf), -10, counts, ARRAY_SIZE(counts)),
			 value_of(histogram_of(&buf), 1));
	assert_int_equal(value_of(message_of(histogram_of(&buf), 15), 2), 2010);
	buffer_free(&buf);
	metrics_free(f.metrics);
}

/* Random values, in pieces of any size: every message is whole, and native counts equal explicit.
 */
static void every_message_is_whole(void **state)
{
	struct fixture f = begin(100, NSEC_PER_SEC, EXEMPLARS_OFF);
	struct buffer buf = render(&f, METRICS_PROTOBUF, SIZE_MAX);
	uint64_t random = 5, counts[1024];
	char value[16];

	buffer_free(&buf);
	for (int i = 0; i < 20000; i++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		(void)snprintf(value, sizeof(value), "v%d", i % 50);
		metric_observe(f.metric, row_of(&f, value, 1), (random >> 33) << (random & 7));
	}
	for (size_t piece = 100; piece < 100000; piece *= 7) {
		struct slice in, family = slice_of(NULL, 0);
		size_t rows = 0;

		buf = render(&f, METRICS_PROTOBUF, piece);
		in = slice_of(buf.data, buf.len);
		while (in.len) {
			assert_int_equal(proto_read_length(&in, &family), 0);
			while (family.len) {
				struct proto_field field = next_field(&family);
				struct slice histogram;

				if (field.number != 4)
					continue;
				histogram = message_of(field.bytes, 7);
				assert_int_equal(value_of(histogram, 1), 400);
				assert_int_equal(
					read_native(histogram, -512, counts, ARRAY_SIZE(counts)),
					400);
				rows++;
			}
		}
		assert_int_equal(rows, 50);
		buffer_free(&buf);
	}
	metrics_free(f.metrics);
}

static void exemplars_stand_at_their_bucket(void **state)
{
	const struct metric_origin origin = {
		.trace_id = (const uint8_t *)"0123456789abcdef",
		.span_id = (const uint8_t *)"01234567",
		.time_ns = 1500000000,
	};
	struct fixture f = begin(100, NSEC_PER_SEC, EXEMPLARS_ON);
	struct slice histogram, bucket = slice_of(NULL, 0), exemplar;
	struct metric_row *row = row_of(&f, "x", 5);
	struct buffer buf;

	metric_observe_from(f.metric, row, 250000000, &origin);
	metric_observe(f.metric, row, 3 * NSEC_PER_SEC);
	buf = render(&f, METRICS_OPENMETRICS, SIZE_MAX);
	buffer_put_char(&buf, '\0');
	assert_non_null(strstr(buf.data,
			       "took_seconds_bucket{a_b=\"x\",le=\"0.5\"} 1 # {traceID="
			       "\"30313233343536373839616263646566\",spanID=\"3031323334353637\"} "
			       "0.25 1.5\ntook_seconds_bucket{a_b=\"x\",le=\"1.0\"} 1\n"));
	buffer_free(&buf);
	buf = render(&f, METRICS_TEXT, SIZE_MAX);
	buffer_put_char(&buf, '\0');
	assert_null(strstr(buf.data, "traceID"));
	buffer_free(&buf);

	buf = render(&f, METRICS_PROTOBUF, SIZE_MAX);
	histogram = histogram_of(&buf);
	for (int seen = 0; seen < 2;) {
		struct proto_field field = next_field(&histogram);

		seen += field.number == 3;
		bucket = field.bytes;
	}
	exemplar = message_of(bucket, 3);
	assert_true(double_of(exemplar, 2) == 0.25);
	assert_true(slice_equal(message_of(message_of(exemplar, 1), 1), SLICE_LIT("traceID")));
	assert_int_equal(value_of(message_of(exemplar, 3), 1), 1);
	buffer_free(&buf);
	metrics_free(f.metrics);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schemas_are_those_of_the_factors),
		cmocka_unit_test(native_buckets_count_what_the_explicit_ones_do),
		cmocka_unit_test(what_was_counted_before_is_not_lost),
		cmocka_unit_test(too_many_buckets_begin_anew_or_become_coarser),
		cmocka_unit_test(every_message_is_whole),
		cmocka_unit_test(exemplars_stand_at_their_bucket),
	};

	return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}
