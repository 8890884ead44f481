// SPDX-License-Identifier: Apache-2.0
#include "metrics/families/span_metrics.h"

#include <errno.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "metrics/families/catalog.h"
#include "metrics/families/extra_attributes.h"
#include "metrics/families/origin.h"
#include "metrics/families/span_names.h"
#include "settings/settings.h"
#include "span/semconv.h"

/* In the order of the labels' names. */
enum span_attribute {
	SPAN_HOST_ID,
	SPAN_INSTANCE,
	SPAN_JOB,
	SPAN_SERVICE_INSTANCE,
	SPAN_SERVICE_NAME,
	SPAN_SERVICE_NAMESPACE,
	SPAN_SOURCE,
	SPAN_KIND,
	SPAN_NAME,
	SPAN_STATUS_CODE,
	SPAN_SDK_LANGUAGE,
	SPAN_ATTRIBUTES,
};

static const struct attribute attributes[SPAN_ATTRIBUTES] = {
	[SPAN_HOST_ID] = { "host.id", true, SINK_OTLP },
	[SPAN_INSTANCE] = { "instance", true, SINK_PROMETHEUS },
	[SPAN_JOB] = { "job", true, SINK_PROMETHEUS },
	[SPAN_SERVICE_INSTANCE] = { "service.instance.id", true, SINK_OTLP },
	[SPAN_SERVICE_NAME] = { "service.name", true, 0 },
	[SPAN_SERVICE_NAMESPACE] = { "service.namespace", true, 0 },
	[SPAN_SOURCE] = { "source", true, 0 },
	[SPAN_KIND] = { "span.kind", true, 0 },
	[SPAN_NAME] = { "span.name", true, 0 },
	[SPAN_STATUS_CODE] = { "status.code", true, 0 },
	[SPAN_SDK_LANGUAGE] = { "telemetry.sdk.language", true, 0 },
};

const struct attribute_group span_metric_attributes = { attributes, SPAN_ATTRIBUTES };

static const enum metric_id ids[] = { METRIC_SPAN_LATENCY,       METRIC_SPAN_CALLS,
				      METRIC_SPAN_DURATION_OTEL, METRIC_SPAN_CALLS_OTEL,
				      METRIC_SPAN_SIZE,          METRIC_SPAN_RESPONSE_SIZE };

static const uint32_t kinds[] = { OBI_FEATURE_SPAN_LEGACY, OBI_FEATURE_SPAN_OTEL,
				  OBI_FEATURE_SPAN_SIZES };

struct span_table {
	uint32_t features; /* it has the metrics of these */
	struct metric_table *table;
	enum metric_id ids[ARRAY_SIZE(ids)]; /* in the table's order */
	size_t count;
};

struct span_metrics {
	const struct family_options *options;
	struct attribute_row attributes;
	struct span_table tables[ARRAY_SIZE(kinds)];
	size_t count;
	struct buffer name; /* of the span at hand */
};

/* ---- Opening ---- */

static int add_table(struct span_metrics *spans, struct metrics *metrics, uint32_t features)
{
	struct span_table *table = &spans->tables[spans->count++];
	const struct attribute_row *row = &spans->attributes;
	struct metric_desc descs[ARRAY_SIZE(ids)];

	table->features = features;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		if (!(metric_catalog[ids[i]].features & features))
			continue;
		descs[table->count] = metric_describe(spans->options, ids[i]);
		table->ids[table->count++] = ids[i];
	}
	return metrics_add_table(metrics, descs, table->count, row->names, row->count,
				 spans->options->ttl, &table->table);
}

/* Does a service ask for some of them and not for others? */
static bool differ(const struct family_options *options)
{
	const struct obi_settings *settings = options->settings;
	uint32_t all = options->features & OBI_FEATURES_SPAN;

	for (uint32_t i = 0; i <= settings->discovery.selected.count; i++) {
		uint32_t features = obi_settings_features(settings, i) & OBI_FEATURES_SPAN;

		if (features && features != all)
			return true;
	}
	return false;
}

/* One table, so one look-up a span, unless services differ. */
static int add_tables(struct span_metrics *spans, struct metrics *metrics)
{
	uint32_t features = spans->options->features & OBI_FEATURES_SPAN;
	int e = 0;

	if (!differ(spans->options))
		return add_table(spans, metrics, features);
	for (size_t i = 0; i < ARRAY_SIZE(kinds) && e == 0; i++) {
		if (features & kinds[i])
			e = add_table(spans, metrics, kinds[i]);
	}
	return e;
}

int span_metrics_new(const struct family_options *options, struct metrics *metrics,
		     struct span_metrics **ret_metrics)
{
	struct span_metrics *spans = calloc(1, sizeof(*spans));
	int e;

	if (!spans)
		return -ENOMEM;
	spans->options = options;
	attribute_row_init(&spans->attributes, attributes, SPAN_ATTRIBUTES,
			   attributes_for(options->sink, attributes, SPAN_ATTRIBUTES),
			   options->extra_span);
	e = add_tables(spans, metrics);
	if (e) {
		span_metrics_free(spans);
		return e;
	}
	*ret_metrics = spans;
	return 0;
}

void span_metrics_free(struct span_metrics *spans)
{
	if (!spans)
		return;
	buffer_free(&spans->name);
	free(spans);
}

/* ---- Spans ---- */

static struct slice span_name(struct span_metrics *spans, const struct obi_span *span)
{
	spans->name.len = 0;
	span_put_name(span, &spans->name);
	return span_names_limit(spans->options->span_names, span->service,
				slice_of(spans->name.data, spans->name.len));
}

static void feed(const struct span_table *table, const struct obi_span *span,
		 const struct slice *values, uint64_t now_ns)
{
	struct metric_row *row = metric_table_row(table->table, values, now_ns);
	const struct metric_origin origin = span_origin(span);

	for (size_t i = 0; row && i < table->count; i++) {
		const struct metric *metric = metric_table_metric(table->table, i);

		switch (table->ids[i]) {
		case METRIC_SPAN_SIZE:
			metric_add(metric, row, span_request_size(span));
			break;
		case METRIC_SPAN_RESPONSE_SIZE:
			metric_add(metric, row, span_response_size(span));
			break;
		case METRIC_SPAN_CALLS:
		case METRIC_SPAN_CALLS_OTEL:
			metric_add(metric, row, 1);
			break;
		default:
			metric_observe_from(metric, row, span_duration(span), &origin);
		}
	}
}

void span_metrics_put(struct span_metrics *spans, const struct obi_span *span, uint32_t features,
		      uint64_t now_ns)
{
	char job[sizeof(span->service->name_space) + sizeof(span->service->name) + 1];
	const struct obi_service *service = span->service;
	struct slice values[METRICS_LABELS_MAX];
	struct attribute_room room;
	const struct slice fixed[SPAN_ATTRIBUTES] = {
		[SPAN_HOST_ID] = slice_cstr(spans->options->host_id),
		[SPAN_INSTANCE] = slice_cstr(service->instance),
		[SPAN_JOB] = service_job(service, job, sizeof(job)),
		[SPAN_SERVICE_INSTANCE] = slice_cstr(service->instance),
		[SPAN_SERVICE_NAME] = slice_cstr(service->name),
		[SPAN_SERVICE_NAMESPACE] = slice_cstr(service->name_space),
		[SPAN_SOURCE] = SLICE_LIT("obi"),
		[SPAN_KIND] = slice_cstr(span_kind_word(span->kind)),
		[SPAN_NAME] = span_name(spans, span),
		[SPAN_STATUS_CODE] = slice_cstr(span_status_word(span_status(span))),
		[SPAN_SDK_LANGUAGE] = slice_cstr(service->language),
	};

	attribute_row_values(&spans->attributes, service, fixed, &room, values);
	for (size_t i = 0; i < spans->count; i++) {
		if (features & spans->tables[i].features)
			feed(&spans->tables[i], span, values, now_ns);
	}
}
