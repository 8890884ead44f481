// SPDX-License-Identifier: Apache-2.0
#include "otlp/metrics.h"

#include "metrics/table.h"
#include "otlp/key_value.h"

enum field {
	REQUEST_RESOURCE_METRICS = 1,
	RESOURCE_METRICS_RESOURCE = 1,
	RESOURCE_METRICS_SCOPE_METRICS = 2,
	SCOPE_METRICS_SCOPE = 1,
	SCOPE_METRICS_METRICS = 2,
	SCOPE_NAME = 1,
	SCOPE_VERSION = 2,
	METRIC_FIELD_NAME = 1,
	METRIC_FIELD_DESCRIPTION = 2,
	METRIC_FIELD_UNIT = 3,
	METRIC_FIELD_GAUGE = 5,
	METRIC_FIELD_SUM = 7,
	METRIC_FIELD_HISTOGRAM = 9,
	METRIC_FIELD_EXPONENTIAL = 10,
	DATA_POINTS = 1, /* of all kinds */
	DATA_TEMPORALITY = 2,
	DATA_MONOTONIC = 3,
	POINT_START = 2, /* these two of all kinds */
	POINT_TIME = 3,
	NUMBER_AS_DOUBLE = 4,
	NUMBER_AS_INT = 6,
	NUMBER_ATTRIBUTES = 7,
	HISTOGRAM_COUNT = 4, /* these two of the exponential kind too */
	HISTOGRAM_SUM = 5,
	HISTOGRAM_BUCKET_COUNTS = 6,
	HISTOGRAM_BOUNDS = 7,
	HISTOGRAM_EXEMPLARS = 8,
	HISTOGRAM_ATTRIBUTES = 9,
	EXPONENTIAL_ATTRIBUTES = 1,
	EXPONENTIAL_SCALE = 6,
	EXPONENTIAL_ZERO_COUNT = 7,
	EXPONENTIAL_POSITIVE = 8,
	EXPONENTIAL_EXEMPLARS = 11,
	BUCKETS_OFFSET = 1,
	BUCKETS_COUNTS = 2,
	EXEMPLAR_TIME = 2,
	EXEMPLAR_AS_DOUBLE = 3,
	EXEMPLAR_SPAN_ID = 4,
	EXEMPLAR_TRACE_ID = 5,
	EXEMPLAR_AS_INT = 6,
};

enum temporality {
	TEMPORALITY_DELTA = 1,
	TEMPORALITY_CUMULATIVE = 2,
};

void otlp_metrics_begin(struct otlp_metrics_reader *reader, struct metrics *metrics,
			enum obi_temporality temporality, uint64_t now_ns)
{
	*reader = (struct otlp_metrics_reader){
		.metrics = metrics,
		.temporality = temporality,
		.now_ns = now_ns,
	};
	metrics->renderings++;
}

void otlp_metrics_end(struct otlp_metrics_reader *reader)
{
	if (!reader->metrics)
		return;
	reader->metrics->renderings--;
	reader->metrics->collected_ns = reader->now_ns;
	reader->metrics = NULL;
}

/* OpenTelemetry specification, "Metrics Exporter - OTLP": low memory means delta for what is
 * counted here, for only what is observed elsewhere needs memory then. */
static bool is_delta(const struct otlp_metrics_reader *reader, const struct metric_family *family)
{
	switch (reader->temporality) {
	case OBI_TEMPORALITY_DELTA:
		return family->type != METRIC_GAUGE;
	case OBI_TEMPORALITY_LOW_MEMORY:
		return family->type != METRIC_GAUGE && !family->observed;
	default:
		return false;
	}
}

/* ---- Attributes ---- */

/* The number that this text is; a text that is none stays one. */
static bool read_number(struct slice text, int64_t *ret_number)
{
	int64_t number = 0;

	if (text.len == 0 || text.len > 9)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		number = 10 * number + (text.data[i] - '0');
	}
	*ret_number = number;
	return true;
}

static void put_attributes(const struct metric_table *table, const struct metric_row *row,
			   uint32_t field, struct buffer *buf)
{
	const uint8_t *key = metric_row_key(table, row);
	int64_t number;

	if (row->overflow) {
		otlp_put_bool_attribute(buf, field, SLICE_LIT(METRICS_OVERFLOW_ATTRIBUTE), true);
		return;
	}
	for (size_t i = 0; i < table->labels_count; i++) {
		struct slice value = slice_of(key + 1, key[0]);
		struct slice name = slice_cstr(table->attributes[i]);

		key += 1 + value.len;
		if (!value.len)
			continue;
		if (table->numbers & 1u << i && read_number(value, &number))
			otlp_put_int_attribute(buf, field, name, number);
		else
			otlp_put_clean_attribute(buf, field, name, value);
	}
}

/* ---- Points ---- */

static uint64_t start_of(const struct otlp_metrics_reader *reader,
			 const struct metric_family *family, const struct metric_row *row)
{
	uint64_t collected = reader->metrics->collected_ns;

	return is_delta(reader, family) && collected > row->created_ns ? collected
								       : row->created_ns;
}

static void put_times(const struct otlp_metrics_reader *reader, const struct metric_family *family,
		      const struct metric_row *row, struct buffer *buf)
{
	const struct epoch_clock *epoch = reader->metrics->epoch;
	uint64_t start = start_of(reader, family, row), now = reader->now_ns;

	if (family->type != METRIC_GAUGE)
		proto_put_fixed64(buf, POINT_START,
				  start + (uint64_t)epoch_clock_start_offset(epoch, start));
	proto_put_fixed64(buf, POINT_TIME, now + (uint64_t)epoch_clock_offset(epoch, now));
}

static void put_exemplars(const struct metric_family *family, const struct metric_row *row,
			  uint32_t field, struct buffer *buf)
{
	const struct histogram_extras *extras = histogram_extras(&family->metric, row);

	for (uint32_t i = 0; extras && extras->exemplars && i < extras->exemplars->count; i++) {
		const struct exemplar *exemplar = &extras->exemplars->items[i];
		size_t mark = proto_begin(buf, field);

		proto_put_fixed64(buf, EXEMPLAR_TIME, exemplar->time_ns);
		proto_put_double(buf, EXEMPLAR_AS_DOUBLE,
				 histogram_shown(&family->metric, exemplar->value));
		proto_put_bytes(buf, EXEMPLAR_SPAN_ID,
				slice_of(exemplar->span_id, sizeof(exemplar->span_id)));
		proto_put_bytes(buf, EXEMPLAR_TRACE_ID,
				slice_of(exemplar->trace_id, sizeof(exemplar->trace_id)));
		proto_end(buf, mark);
	}
}

static void put_number(const struct metric_family *family, const struct metric_row *row, bool delta,
		       struct buffer *buf)
{
	const uint64_t *cells = &row->cells[family->metric.cell];
	uint64_t value = cells[0];

	if (delta && family->observed && value >= cells[1])
		value -= cells[1];
	if (family->scale == 1)
		proto_put_fixed64(buf, NUMBER_AS_INT, value);
	else
		proto_put_double(buf, NUMBER_AS_DOUBLE, (double)value / (double)family->scale);
}

static uint64_t count_of(const struct metric_family *family, const struct metric_row *row)
{
	const uint64_t *counts = &row->cells[family->metric.cell + 1];
	uint64_t count = 0;

	for (uint32_t i = 0; i <= family->metric.bounds_count; i++)
		count += counts[i];
	return count;
}

static void put_count_and_sum(const struct metric_family *family, const struct metric_row *row,
			      struct buffer *buf)
{
	proto_put_fixed64(buf, HISTOGRAM_COUNT, count_of(family, row));
	proto_put_double(buf, HISTOGRAM_SUM,
			 (double)row->cells[family->metric.cell] / (double)family->scale);
}

static void put_explicit(const struct metric_family *family, const struct metric_row *row,
			 struct buffer *buf)
{
	const struct metric *metric = &family->metric;

	put_count_and_sum(family, row, buf);
	proto_put_packed_fixed64(buf, HISTOGRAM_BUCKET_COUNTS, &row->cells[metric->cell + 1],
				 metric->bounds_count + 1);
	if (metric->bounds_count)
		proto_put_packed_double(buf, HISTOGRAM_BOUNDS, family->shown, metric->bounds_count);
	put_exemplars(family, row, HISTOGRAM_EXEMPLARS, buf);
}

static void put_exponential(const struct metric_family *family, const struct metric_row *row,
			    struct buffer *buf)
{
	const struct histogram_extras *extras = histogram_extras(&family->metric, row);
	const struct exponential *histogram = extras ? extras->exponential : NULL;
	size_t mark;

	put_count_and_sum(family, row, buf);
	if (histogram) {
		proto_put_sint32(buf, EXPONENTIAL_SCALE, histogram->scale);
		proto_put_fixed64(buf, EXPONENTIAL_ZERO_COUNT, histogram->zeros);
	}
	if (histogram && histogram->len) {
		mark = proto_begin(buf, EXPONENTIAL_POSITIVE);
		proto_put_sint32(buf, BUCKETS_OFFSET, histogram->first);
		proto_put_packed_uint64(buf, BUCKETS_COUNTS, histogram->counts, histogram->len);
		proto_end(buf, mark);
	}
	put_exemplars(family, row, EXPONENTIAL_EXEMPLARS, buf);
}

static bool is_exponential(const struct metric_family *family)
{
	return family->type == METRIC_HISTOGRAM && family->metric.options->exponential;
}

static void put_point(const struct otlp_metrics_reader *reader, const struct metric_family *family,
		      const struct metric_row *row, struct buffer *buf)
{
	const struct metric_table *table = family->table;
	size_t mark = proto_begin_guess(buf, DATA_POINTS, PROTO_MIDDLE);

	if (is_exponential(family)) {
		put_attributes(table, row, EXPONENTIAL_ATTRIBUTES, buf);
		put_times(reader, family, row, buf);
		put_exponential(family, row, buf);
	} else if (family->type == METRIC_HISTOGRAM) {
		put_times(reader, family, row, buf);
		put_explicit(family, row, buf);
		put_attributes(table, row, HISTOGRAM_ATTRIBUTES, buf);
	} else {
		put_times(reader, family, row, buf);
		put_number(family, row, is_delta(reader, family), buf);
		put_attributes(table, row, NUMBER_ATTRIBUTES, buf);
	}
	proto_end(buf, mark);
}

/* ---- What a reader leaves behind ---- */

/* The metric's values as after this point. */
static void take_point(const struct metric_family *family, struct metric_row *row, bool delta)
{
	uint64_t *cells = &row->cells[family->metric.cell];

	if (!delta) {
		if (family->type == METRIC_HISTOGRAM)
			histogram_clear_exemplars(&family->metric, row);
	} else if (family->type == METRIC_HISTOGRAM) {
		histogram_clear(&family->metric, row);
	} else if (family->observed) {
		cells[1] = cells[0];
	} else {
		cells[0] = 0;
	}
}

/* ---- Metrics ---- */

static uint32_t data_field(const struct metric_family *family)
{
	static const uint32_t fields[] = {
		[METRIC_COUNTER] = METRIC_FIELD_SUM,
		[METRIC_GAUGE] = METRIC_FIELD_GAUGE,
		[METRIC_HISTOGRAM] = METRIC_FIELD_HISTOGRAM,
	};

	return is_exponential(family) ? METRIC_FIELD_EXPONENTIAL : fields[family->type];
}

struct open_metric {
	size_t metric;
	size_t data;
};

static struct open_metric begin_metric(const struct metric_family *family, struct buffer *buf)
{
	struct open_metric open;

	open.metric = proto_begin_guess(buf, SCOPE_METRICS_METRICS, PROTO_LARGE);
	proto_put_bytes(buf, METRIC_FIELD_NAME, slice_cstr(family->otel));
	proto_put_bytes(buf, METRIC_FIELD_DESCRIPTION, slice_cstr(family->help));
	if (*family->unit)
		proto_put_bytes(buf, METRIC_FIELD_UNIT, slice_cstr(family->unit));
	open.data = proto_begin_guess(buf, data_field(family), PROTO_LARGE);
	return open;
}

static void end_metric(const struct otlp_metrics_reader *reader, const struct metric_family *family,
		       const struct open_metric *open, struct buffer *buf)
{
	if (family->type != METRIC_GAUGE)
		proto_put_varint(buf, DATA_TEMPORALITY,
				 is_delta(reader, family) ? TEMPORALITY_DELTA
							  : TEMPORALITY_CUMULATIVE);
	if (family->type == METRIC_COUNTER)
		proto_put_bool(buf, DATA_MONOTONIC, true);
	proto_end(buf, open->data);
	proto_end(buf, open->metric);
}

/* Nothing to say of it: it came after this collection began, or (delta) nothing came for it since
 * the last one. */
static bool is_silent(const struct otlp_metrics_reader *reader, const struct metric_family *family,
		      const struct metric_row *row)
{
	const uint64_t *cells = &row->cells[family->metric.cell];

	if (row->removed || row->created_ns > reader->now_ns)
		return true;
	if (!is_delta(reader, family))
		return false;
	if (family->type == METRIC_HISTOGRAM)
		return count_of(family, row) == 0;
	return family->observed ? cells[0] == cells[1] : cells[0] == 0;
}

/* Points of one family until buf is that long. Returns whether all are out. */
static bool put_family(struct otlp_metrics_reader *reader, const struct metric_family *family,
		       struct buffer *buf, size_t bytes, uint32_t *points)
{
	bool delta = is_delta(reader, family), begun = false;
	const struct metric_table *table = family->table;
	struct open_metric open = { 0 };

	while (reader->row < table->rows_count && buf->len < bytes && !buf->failed) {
		struct metric_row *row = table->rows[reader->row++];

		if (is_silent(reader, family, row))
			continue;
		if (!begun)
			open = begin_metric(family, buf);
		begun = true;
		put_point(reader, family, row, buf);
		take_point(family, row, delta);
		*points += 1;
	}
	if (begun)
		end_metric(reader, family, &open, buf);
	return reader->row >= table->rows_count;
}

bool otlp_metrics_put(struct otlp_metrics_reader *reader, struct slice scope, struct buffer *buf,
		      size_t bytes, uint32_t *points)
{
	const struct metrics *metrics = reader->metrics;
	size_t start = buf->len, all, mark;
	uint32_t before = *points;

	all = proto_begin_guess(buf, RESOURCE_METRICS_SCOPE_METRICS, PROTO_LARGE);
	mark = proto_begin(buf, SCOPE_METRICS_SCOPE);
	proto_put_bytes(buf, SCOPE_NAME, scope);
	proto_put_bytes(buf, SCOPE_VERSION, SLICE_LIT("v" OBI_VERSION));
	proto_end(buf, mark);
	while (reader->family < metrics->families_count && buf->len < bytes && !buf->failed) {
		if (!put_family(reader, metrics->families[reader->family], buf, bytes, points))
			break;
		reader->family++;
		reader->row = 0;
	}
	proto_end(buf, all);
	if (*points == before)
		buf->len = start;
	return reader->family < metrics->families_count && !buf->failed;
}

size_t otlp_metrics_begin_resource(struct slice resource, struct buffer *buf)
{
	size_t mark = proto_begin_guess(buf, REQUEST_RESOURCE_METRICS, PROTO_LARGE);

	proto_put_bytes(buf, RESOURCE_METRICS_RESOURCE, resource);
	return mark;
}

void otlp_metrics_end_resource(size_t mark, struct buffer *buf)
{
	proto_end(buf, mark);
}
