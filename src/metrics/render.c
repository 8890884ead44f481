// SPDX-License-Identifier: Apache-2.0
/*
 * The labels of a row are written once and copied into each of its lines; room for a
 * row is reserved once, and filled without further checks.
 */
#include "metrics/render.h"

#include "base/clock.h"
#include "metrics/protobuf.h"
#include "metrics/table.h"

/* Digits of the largest number with a point in it. */
#define NUMBER_MAX 24

/* Bytes of an exemplar behind a line. */
#define EXEMPLAR_TEXT_MAX (32 + 48 + 2 * NUMBER_MAX)

void metrics_render_begin(struct metrics_rendering *rendering, struct metrics *metrics,
			  enum metrics_format format)
{
	*rendering = (struct metrics_rendering){ .metrics = metrics, .format = format };
	rendering->rows_freed_under = metrics->rows_freed_under;
	if (format == METRICS_PROTOBUF)
		metrics_want_native(metrics);
	metrics->renderings++;
}

void metrics_render_end(struct metrics_rendering *rendering)
{
	rendering->metrics->renderings--;
	buffer_free(&rendering->labels);
}

/* ---- Labels ---- */

static bool needs_escape(uint8_t c)
{
	return c == '\\' || c == '"' || c == '\n';
}

static void put_value(struct buffer *buf, struct slice value)
{
	char *to = buffer_reserve(buf, 2 * value.len);

	if (!to)
		return;
	for (size_t i = 0; i < value.len; i++) {
		uint8_t c = value.data[i];

		if (needs_escape(c))
			*to++ = '\\';
		*to++ = (char)(c == '\n' ? 'n' : c);
	}
	buf->len = (size_t)(to - buf->data);
}

/* name="value",name="value" */
static void put_labels(const struct metric_table *table, const struct metric_row *row,
		       struct buffer *buf)
{
	const uint8_t *key = metric_row_key(table, row);

	if (row->overflow) {
		buffer_put_cstr(buf, METRICS_OVERFLOW_LABEL "=\"true\"");
		return;
	}
	for (size_t i = 0; i < table->labels_count; i++) {
		struct slice value = slice_of(key + 1, key[0]);

		if (i)
			buffer_put_char(buf, ',');
		buffer_put_cstr(buf, table->labels[i]);
		buffer_put(buf, "=\"", 2);
		put_value(buf, value);
		buffer_put_char(buf, '"');
		key += 1 + value.len;
	}
}

/* ---- Lines: `to` is inside of reserved room ---- */

static char *put_text(char *to, const char *text, size_t len)
{
	memcpy(to, text, len);
	return to + len;
}

static char *put_u64(char *to, uint64_t value)
{
	char digits[20];
	char *start = digits + sizeof(digits);

	do {
		*--start = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	return put_text(to, start, (size_t)(digits + sizeof(digits) - start));
}

/* value / scale, exactly; scale is a power of ten. */
static char *put_scaled(char *to, uint64_t value, uint64_t scale)
{
	uint64_t rest = value % scale;

	to = put_u64(to, value / scale);
	if (!rest)
		return to;
	*to++ = '.';
	while (rest) {
		scale /= 10;
		*to++ = (char)('0' + rest / scale);
		rest %= scale;
	}
	return to;
}

static char *put_head(char *to, const struct metric_family *family, size_t name_len,
		      const char *suffix, struct slice labels)
{
	to = put_text(to, family->name, name_len);
	to = put_text(to, suffix, strlen(suffix));
	if (labels.len) {
		*to++ = '{';
		to = put_text(to, (const char *)labels.data, labels.len);
		*to++ = '}';
	}
	*to++ = ' ';
	return to;
}

/* The exemplar of a bucket (OpenMetrics, "Exemplars"). */
static char *put_exemplar(char *to, const struct metric_family *family,
			  const struct exemplar *exemplar)
{
	struct exemplar_text text = exemplar_text(exemplar);

	to = put_text(to, " # {traceID=\"", 13);
	to = put_text(to, text.trace_id, sizeof(text.trace_id));
	to = put_text(to, "\",spanID=\"", 10);
	to = put_text(to, text.span_id, sizeof(text.span_id));
	to = put_text(to, "\"} ", 3);
	to = put_scaled(to, exemplar->value, family->scale);
	*to++ = ' ';
	return put_scaled(to, exemplar->time_ns, NSEC_PER_SEC);
}

static char *put_buckets(char *to, const struct metric_family *family, size_t name_len,
			 const struct metric_row *row, struct slice labels, char **le,
			 uint64_t *ret_count)
{
	bool exemplars = le == family->le_openmetrics;
	const struct exemplar *exemplar;
	const uint64_t *counts = row->cells + family->metric.cell + 1;
	uint64_t count = 0;

	for (size_t i = 0; i <= family->metric.bounds_count; i++) {
		count += counts[i];
		to = put_text(to, family->name, name_len);
		to = put_text(to, "_bucket{", 8);
		if (labels.len) {
			to = put_text(to, (const char *)labels.data, labels.len);
			*to++ = ',';
		}
		to = put_text(to, "le=\"", 4);
		to = put_text(to, le[i], strlen(le[i]));
		to = put_text(to, "\"} ", 3);
		to = put_u64(to, count);
		exemplar = exemplars ? histogram_exemplar(&family->metric, row, (uint32_t)i) : NULL;
		if (exemplar)
			to = put_exemplar(to, family, exemplar);
		*to++ = '\n';
	}
	*ret_count = count;
	return to;
}

static void put_histogram(const struct metric_family *family, const struct metric_row *row,
			  struct slice labels, char **le, struct buffer *buf)
{
	size_t name_len = strlen(family->name);
	size_t line = name_len + labels.len + family->le_longest + NUMBER_MAX + 24;
	char *to = buffer_reserve(buf, line * (family->metric.bounds_count + 3) +
					       (size_t)EXEMPLARS_MAX * EXEMPLAR_TEXT_MAX);
	uint64_t count;

	if (!to)
		return;
	to = put_buckets(to, family, name_len, row, labels, le, &count);
	to = put_head(to, family, name_len, "_sum", labels);
	to = put_scaled(to, row->cells[family->metric.cell], family->scale);
	*to++ = '\n';
	to = put_head(to, family, name_len, "_count", labels);
	to = put_u64(to, count);
	*to++ = '\n';
	buf->len = (size_t)(to - buf->data);
}

static void put_number(const struct metric_family *family, const struct metric_row *row,
		       struct slice labels, struct buffer *buf)
{
	size_t name_len = strlen(family->name);
	char *to = buffer_reserve(buf, name_len + labels.len + NUMBER_MAX + 8);

	if (!to)
		return;
	to = put_head(to, family, name_len, "", labels);
	to = put_scaled(to, row->cells[family->metric.cell], family->scale);
	*to++ = '\n';
	buf->len = (size_t)(to - buf->data);
}

/* ---- Families ---- */

static bool ends_in_total(struct slice name)
{
	return name.len > 6 && memcmp(name.data + name.len - 6, "_total", 6) == 0;
}

/* OpenMetrics names a counter without its _total; a counter that has none is none to it. */
static const char *type_word(const struct metric_family *family, enum metrics_format format)
{
	static const char *const words[] = {
		[METRIC_COUNTER] = "counter",
		[METRIC_GAUGE] = "gauge",
		[METRIC_HISTOGRAM] = "histogram",
	};

	if (format == METRICS_OPENMETRICS && family->type == METRIC_COUNTER &&
	    !ends_in_total(slice_cstr(family->name)))
		return "unknown";
	return words[family->type];
}

static void put_family_head(const struct metric_family *family, enum metrics_format format,
			    struct buffer *buf)
{
	struct slice name = slice_cstr(family->name);

	if (format == METRICS_OPENMETRICS && family->type == METRIC_COUNTER && ends_in_total(name))
		name = slice_first(name, name.len - 6);
	buffer_put_cstr(buf, "# HELP ");
	buffer_put_slice(buf, name);
	buffer_put_char(buf, ' ');
	buffer_put_cstr(buf, family->help);
	buffer_put_cstr(buf, "\n# TYPE ");
	buffer_put_slice(buf, name);
	buffer_put_char(buf, ' ');
	buffer_put_cstr(buf, type_word(family, format));
	buffer_put_char(buf, '\n');
}

static void put_row(struct metrics_rendering *rendering, const struct metric_family *family,
		    const struct metric_row *row, struct buffer *buf)
{
	struct buffer *scratch = &rendering->labels;
	struct slice labels;

	scratch->len = 0;
	put_labels(family->table, row, scratch);
	if (scratch->failed) {
		buf->failed = true;
		return;
	}
	labels = slice_of(scratch->data, scratch->len);
	if (!rendering->headed)
		put_family_head(family, rendering->format, buf);
	rendering->headed = true;
	if (family->type == METRIC_HISTOGRAM)
		put_histogram(family, row, labels,
			      rendering->format == METRICS_TEXT ? family->le
								: family->le_openmetrics,
			      buf);
	else
		put_number(family, row, labels, buf);
}

bool metrics_render(struct metrics_rendering *rendering, struct buffer *buf, size_t bytes)
{
	const struct metrics *metrics = rendering->metrics;

	if (rendering->rows_freed_under != metrics->rows_freed_under) {
		buf->failed = true;
		return false;
	}
	if (rendering->format == METRICS_PROTOBUF)
		return metrics_render_protobuf(rendering, buf, bytes);
	while (rendering->family < metrics->families_count) {
		const struct metric_family *family = metrics->families[rendering->family];

		while (rendering->row < family->table->rows_count) {
			const struct metric_row *row = family->table->rows[rendering->row];

			if (buf->len >= bytes)
				return true;
			rendering->row++;
			if (!row->removed)
				put_row(rendering, family, row, buf);
		}
		rendering->family++;
		rendering->row = 0;
		rendering->headed = false;
	}
	return false;
}
