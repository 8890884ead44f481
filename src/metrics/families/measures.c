// SPDX-License-Identifier: Apache-2.0
/*
 * The metrics of a side (server, client) normally carry the same attributes and so share one table
 * and one look-up a span; where the selection tells them apart, each has a table of its own.
 */
#include "metrics/families/measures.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "metrics/families/origin.h"
#include "settings/settings.h"
#include "span/attributes.h"
#include "span/semconv.h"

/* Prometheus' own: no attribute of the catalog. */
#define SOURCE_JOB OBI_ATTRIBUTES

/* Metrics of one side that carry the same attributes. */
struct side_table {
	struct metric_table *table;
	uint8_t sources[ATTRIBUTES_MAX]; /* enum obi_attribute_id, SOURCE_JOB */
	size_t sources_count;
	uint8_t metrics[MEASURES_METRICS]; /* places in the side */
	size_t metrics_count;
};

struct side {
	struct side_table tables[MEASURES_METRICS];
	size_t count;
};

struct measures {
	const struct measures_family *family;
	const struct obi_attributes_options *options;
	struct side sides[MEASURES_SIDES];
};

/* ---- Tables ---- */

static uint8_t source_of(const char *name)
{
	for (uint8_t i = 0; i < OBI_ATTRIBUTES; i++) {
		if (strcmp(name, (const char *)obi_attributes[i].name.data) == 0)
			return i;
	}
	return SOURCE_JOB;
}

static int add_table(const struct family_options *options, struct metrics *metrics,
		     const struct measures_side *side, attribute_set set, struct side_table *table)
{
	const struct attribute_group *group = side->attributes;
	struct metric_desc descs[MEASURES_METRICS];
	const char *names[ATTRIBUTES_MAX];

	for (size_t i = 0; i < table->metrics_count; i++)
		descs[i] = metric_describe(options, side->metrics[table->metrics[i]]);
	table->sources_count = attributes_names(set, group->attributes, group->count, names);
	for (size_t i = 0; i < table->sources_count; i++)
		table->sources[i] = source_of(names[i]);
	return metrics_add_table(metrics, descs, table->metrics_count, names, table->sources_count,
				 options->ttl, &table->table);
}

static int add_side(const struct family_options *options, struct metrics *metrics,
		    const struct measures_side *from, struct side *side)
{
	const struct attribute_group *group = from->attributes;
	attribute_set sets[MEASURES_METRICS];
	unsigned done = 0;
	int error = 0;

	for (size_t i = 0; i < from->count; i++)
		sets[i] = metric_attributes(options, from->metrics[i], group->attributes,
					    group->count);
	for (size_t i = 0; i < from->count && !error; i++) {
		struct side_table *table = &side->tables[side->count];

		if (done & 1u << i)
			continue;
		for (size_t k = i; k < from->count; k++) {
			if (sets[k] != sets[i])
				continue;
			table->metrics[table->metrics_count++] = (uint8_t)k;
			done |= 1u << k;
		}
		error = add_table(options, metrics, from, sets[i], table);
		side->count++;
	}
	return error;
}

/* The metrics of a side are asked for together. */
static bool side_wanted(const struct family_options *options, const struct measures_side *side)
{
	return metric_wanted(options, side->metrics[0]);
}

int measures_new(const struct measures_family *family, const struct family_options *options,
		 struct metrics *metrics, struct measures **ret_measures)
{
	struct measures *measures = calloc(1, sizeof(*measures));
	int error = 0;

	if (!measures)
		return -ENOMEM;
	measures->family = family;
	measures->options = &options->settings->pipeline.attributes;
	for (size_t i = 0; i < family->count && !error; i++) {
		if (side_wanted(options, &family->sides[i]))
			error = add_side(options, metrics, &family->sides[i], &measures->sides[i]);
	}
	if (error) {
		measures_free(measures);
		return error;
	}
	*ret_measures = measures;
	return 0;
}

void measures_free(struct measures *measures)
{
	free(measures);
}

/* ---- Spans ---- */

/* Text of the values that are none in the span. */
struct scratch {
	char numbers[ATTRIBUTES_MAX][SPAN_TEXT];
	char job[sizeof(((struct obi_service *)0)->name_space) +
		 sizeof(((struct obi_service *)0)->name) + 1];
};

static struct slice client_address(const struct measures *measures, const struct obi_span *span)
{
	return peer_named(span->peer_name, measures->options->rename_unresolved_incoming);
}

static struct slice server_address(const struct measures *measures, const struct obi_span *span)
{
	return peer_named(span->host_name, span->kind == OBI_KIND_SERVER
						   ? measures->options->rename_unresolved
						   : measures->options->rename_unresolved_outgoing);
}

/* Where a value would make too many series, a metric has one of few instead. */
static struct slice get_value(const struct measures *measures, const struct obi_span *span,
			      uint8_t source, struct scratch *scratch, char text[SPAN_TEXT])
{
	switch (source) {
	case OBI_ATTR_CLIENT_ADDRESS:
		return client_address(measures, span);
	case OBI_ATTR_SERVER_ADDRESS:
		return server_address(measures, span);
	case OBI_ATTR_HTTP_METHOD:
		return span_known_method(span->op.http.method);
	case SOURCE_JOB:
		return service_job(span->service, scratch->job, sizeof(scratch->job));
	default:
		return span_attribute_text(span, (enum obi_attribute_id)source, text);
	}
}

/* gauge: what its metrics are set to; NULL: they are no gauges. */
static void feed(struct measures *measures, size_t number, const struct obi_span *span,
		 uint64_t now_ns, const uint64_t *gauge)
{
	const struct measures_family *family = measures->family;
	const struct side *side = &measures->sides[number];
	const struct metric_origin origin = span_origin(span);
	struct slice values[ATTRIBUTES_MAX];
	struct scratch scratch;

	for (size_t t = 0; t < side->count; t++) {
		const struct side_table *table = &side->tables[t];
		struct metric_row *row;

		for (size_t i = 0; i < table->sources_count; i++)
			values[i] = get_value(measures, span, table->sources[i], &scratch,
					      scratch.numbers[i]);
		row = metric_table_row(table->table, values, now_ns);
		for (size_t i = 0; row && i < table->metrics_count; i++) {
			const struct metric *metric = metric_table_metric(table->table, i);

			if (gauge)
				metric_set(metric, row, *gauge);
			else
				metric_observe_from(metric, row,
						    family->value(span, table->metrics[i]),
						    &origin);
		}
	}
}

void measures_put_span(struct measures *measures, const struct obi_span *span, uint64_t now_ns)
{
	const struct measures_family *family = measures->family;
	uint64_t value;

	feed(measures, family->side(span), span, now_ns, NULL);
	if (family->gauge && family->gauge(span, &value))
		feed(measures, family->count - 1, span, now_ns, &value);
}

size_t measures_side_by_kind(const struct obi_span *span)
{
	return span->kind == OBI_KIND_SERVER ? 0 : 1;
}

size_t measures_side_only(const struct obi_span *span)
{
	return 0;
}

uint64_t measures_duration(const struct obi_span *span, size_t metric)
{
	return span_duration(span);
}
