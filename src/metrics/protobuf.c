// SPDX-License-Identifier: Apache-2.0
#include "metrics/protobuf.h"

#include <math.h>

#include "base/clock.h"
#include "base/proto.h"
#include "metrics/table.h"

enum field {
	FAMILY_NAME = 1,
	FAMILY_HELP = 2,
	FAMILY_TYPE = 3,
	FAMILY_METRIC = 4,
	METRIC_LABEL = 1,
	METRIC_FIELD_GAUGE = 2,
	METRIC_FIELD_COUNTER = 3,
	METRIC_FIELD_HISTOGRAM = 7,
	LABEL_NAME = 1,
	LABEL_VALUE = 2,
	NUMBER_VALUE = 1, /* of counters and gauges */
	COUNTER_CREATED = 3,
	HISTOGRAM_COUNT = 1,
	HISTOGRAM_SUM = 2,
	HISTOGRAM_BUCKET = 3,
	HISTOGRAM_SCHEMA = 5,
	HISTOGRAM_ZERO_THRESHOLD = 6,
	HISTOGRAM_ZERO_COUNT = 7,
	HISTOGRAM_POSITIVE_SPAN = 12,
	HISTOGRAM_POSITIVE_DELTA = 13,
	HISTOGRAM_CREATED = 15,
	BUCKET_COUNT = 1,
	BUCKET_BOUND = 2,
	BUCKET_EXEMPLAR = 3,
	SPAN_OFFSET = 1,
	SPAN_LENGTH = 2,
	EXEMPLAR_LABEL = 1,
	EXEMPLAR_VALUE = 2,
	EXEMPLAR_TIME = 3,
	TIMESTAMP_SECONDS = 1,
	TIMESTAMP_NANOS = 2,
};

enum type {
	TYPE_COUNTER = 0,
	TYPE_GAUGE = 1,
	TYPE_HISTOGRAM = 4,
};

/* client_golang's DefNativeHistogramZeroThreshold. */
#define ZERO_THRESHOLD 0x1p-128

/* As many empty buckets between two others cost no more than a new span. */
#define GAP_MAX 2

/* ---- Pieces ---- */

static void put_label(struct buffer *buf, uint32_t field, struct slice name, struct slice value)
{
	size_t mark = proto_begin(buf, field);

	proto_put_bytes(buf, LABEL_NAME, name);
	proto_put_bytes(buf, LABEL_VALUE, value);
	proto_end(buf, mark);
}

static void put_labels(const struct metric_table *table, const struct metric_row *row,
		       struct buffer *buf)
{
	const uint8_t *key = metric_row_key(table, row);

	if (row->overflow) {
		put_label(buf, METRIC_LABEL, SLICE_LIT(METRICS_OVERFLOW_LABEL), SLICE_LIT("true"));
		return;
	}
	for (size_t i = 0; i < table->labels_count; i++) {
		put_label(buf, METRIC_LABEL, slice_cstr(table->labels[i]),
			  slice_of(key + 1, key[0]));
		key += 1 + key[0];
	}
}

static void put_timestamp(struct buffer *buf, uint32_t field, uint64_t ns)
{
	size_t mark = proto_begin(buf, field);

	proto_put_varint(buf, TIMESTAMP_SECONDS, ns / NSEC_PER_SEC);
	proto_put_varint(buf, TIMESTAMP_NANOS, ns % NSEC_PER_SEC);
	proto_end(buf, mark);
}

static void put_exemplar(const struct metric *metric, const struct exemplar *exemplar,
			 struct buffer *buf)
{
	struct exemplar_text text = exemplar_text(exemplar);
	size_t mark = proto_begin(buf, BUCKET_EXEMPLAR);

	put_label(buf, EXEMPLAR_LABEL, SLICE_LIT("traceID"),
		  slice_of(text.trace_id, sizeof(text.trace_id)));
	put_label(buf, EXEMPLAR_LABEL, SLICE_LIT("spanID"),
		  slice_of(text.span_id, sizeof(text.span_id)));
	proto_put_double(buf, EXEMPLAR_VALUE, histogram_shown(metric, exemplar->value));
	put_timestamp(buf, EXEMPLAR_TIME, exemplar->time_ns);
	proto_end(buf, mark);
}

/* ---- Histograms ---- */

static void put_buckets(const struct metric_family *family, const struct metric_row *row,
			struct buffer *buf)
{
	const struct metric *metric = &family->metric;
	uint64_t count = 0;

	for (uint32_t i = 0; i <= metric->bounds_count; i++) {
		const struct exemplar *exemplar = histogram_exemplar(metric, row, i);
		size_t mark = proto_begin(buf, HISTOGRAM_BUCKET);

		count += row->cells[metric->cell + 1 + i];
		proto_put_varint(buf, BUCKET_COUNT, count);
		proto_put_double(buf, BUCKET_BOUND,
				 i < metric->bounds_count ? family->shown[i] : HUGE_VAL);
		if (exemplar)
			put_exemplar(metric, exemplar, buf);
		proto_end(buf, mark);
	}
}

static void put_span(struct buffer *buf, int32_t offset, uint32_t length)
{
	size_t mark = proto_begin(buf, HISTOGRAM_POSITIVE_SPAN);

	proto_put_sint32(buf, SPAN_OFFSET, offset);
	proto_put_varint(buf, SPAN_LENGTH, length);
	proto_end(buf, mark);
}

/* How many of the buckets from i on make one span; 0 at the end. */
static uint32_t span_length(const struct exponential *histogram, uint32_t from)
{
	uint32_t last = from;

	for (uint32_t i = from + 1; i < histogram->len && i - last <= GAP_MAX + 1; i++) {
		if (histogram->counts[i])
			last = i;
	}
	return last - from + 1;
}

/* Spans of buckets, and what each has more than the one before it. */
static void put_native(const struct exponential *histogram, struct buffer *buf)
{
	uint64_t before = 0;
	uint32_t done = 0;

	proto_put_sint32(buf, HISTOGRAM_SCHEMA, histogram->scale);
	proto_put_double(buf, HISTOGRAM_ZERO_THRESHOLD, ZERO_THRESHOLD);
	proto_put_varint(buf, HISTOGRAM_ZERO_COUNT, histogram->zeros);
	for (uint32_t i = 0; i < histogram->len; i++) {
		uint32_t length;
		/* The first offset is a bucket's number, the others are distances. */
		int32_t offset = done ? (int32_t)(i - done) : histogram->first + 1 + (int32_t)i;

		if (!histogram->counts[i])
			continue;
		length = span_length(histogram, i);
		put_span(buf, offset, length);
		for (uint32_t end = i + length; i < end; i++) {
			proto_put_sint64(buf, HISTOGRAM_POSITIVE_DELTA,
					 (int64_t)(histogram->counts[i] - before));
			before = histogram->counts[i];
		}
		done = i;
		i--;
	}
}

static void put_histogram(const struct metric_family *family, struct metric_row *row,
			  struct buffer *buf)
{
	const struct histogram_extras *extras = histogram_native(&family->metric, row);
	const struct metric *metric = &family->metric;
	uint64_t count = 0;
	size_t mark;

	for (uint32_t i = 0; i <= metric->bounds_count; i++)
		count += row->cells[metric->cell + 1 + i];
	mark = proto_begin_guess(buf, METRIC_FIELD_HISTOGRAM, PROTO_MIDDLE);
	proto_put_varint(buf, HISTOGRAM_COUNT, count);
	proto_put_double(buf, HISTOGRAM_SUM,
			 (double)row->cells[metric->cell] / (double)family->scale);
	put_buckets(family, row, buf);
	if (extras && extras->exponential)
		put_native(extras->exponential, buf);
	put_timestamp(buf, HISTOGRAM_CREATED, metric_row_start_ns(family, row));
	proto_end(buf, mark);
}

/* ---- Families ---- */

static void put_number(const struct metric_family *family, const struct metric_row *row,
		       struct buffer *buf)
{
	bool counter = family->type == METRIC_COUNTER;
	size_t mark = proto_begin(buf, counter ? METRIC_FIELD_COUNTER : METRIC_FIELD_GAUGE);

	proto_put_double(buf, NUMBER_VALUE,
			 (double)row->cells[family->metric.cell] / (double)family->scale);
	if (counter)
		put_timestamp(buf, COUNTER_CREATED, metric_row_start_ns(family, row));
	proto_end(buf, mark);
}

static void put_row(const struct metric_family *family, struct metric_row *row, struct buffer *buf)
{
	size_t mark = proto_begin_guess(buf, FAMILY_METRIC, PROTO_MIDDLE);

	put_labels(family->table, row, buf);
	if (family->type == METRIC_HISTOGRAM)
		put_histogram(family, row, buf);
	else
		put_number(family, row, buf);
	proto_end(buf, mark);
}

static void put_head(const struct metric_family *family, struct buffer *buf)
{
	static const uint8_t types[] = {
		[METRIC_COUNTER] = TYPE_COUNTER,
		[METRIC_GAUGE] = TYPE_GAUGE,
		[METRIC_HISTOGRAM] = TYPE_HISTOGRAM,
	};

	proto_put_bytes(buf, FAMILY_NAME, slice_cstr(family->name));
	proto_put_bytes(buf, FAMILY_HELP, slice_cstr(family->help));
	proto_put_varint(buf, FAMILY_TYPE, types[family->type]);
}

/* Rows of the family at hand until message is that long. Returns whether there are any. */
static bool put_family(struct metrics_rendering *rendering, const struct metric_family *family,
		       size_t bytes, struct buffer *message)
{
	const struct metric_table *table = family->table;
	bool any = false;

	while (rendering->row < table->rows_count && message->len < bytes) {
		struct metric_row *row = table->rows[rendering->row++];

		if (row->removed)
			continue;
		if (!any)
			put_head(family, message);
		any = true;
		put_row(family, row, message);
	}
	return any;
}

static void put_message(const struct buffer *message, struct buffer *buf)
{
	uint8_t *to = proto_reserve(buf, PROTO_VARINT_MAX + message->len);

	if (message->failed)
		buf->failed = true;
	if (!to || message->failed)
		return;
	to = proto_write_varint(to, message->len);
	proto_written(buf, proto_write_bytes(to, message->data, message->len));
}

bool metrics_render_protobuf(struct metrics_rendering *rendering, struct buffer *buf, size_t bytes)
{
	const struct metrics *metrics = rendering->metrics;
	struct buffer *message = &rendering->labels;

	while (rendering->family < metrics->families_count) {
		const struct metric_family *family = metrics->families[rendering->family];

		if (buf->len >= bytes || buf->failed)
			return true;
		message->len = 0;
		if (put_family(rendering, family, bytes - buf->len, message))
			put_message(message, buf);
		if (rendering->row >= family->table->rows_count) {
			rendering->family++;
			rendering->row = 0;
		}
	}
	return false;
}
