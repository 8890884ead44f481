// SPDX-License-Identifier: Apache-2.0
#include "export/span_metrics.h"

#include <errno.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "export/catalog.h"
#include "export/extra_attributes.h"
#include "export/origin.h"
#include "export/semconv.h"
#include "export/span_names.h"

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

struct span_metrics {
	const struct family_options *options;
	struct attribute_row attributes;
	struct metric_table *table;
	enum metric_id ids[ARRAY_SIZE(ids)]; /* in the table's order */
	size_t count;
	struct buffer name; /* of the span at hand */
};

int span_metrics_new(const struct family_options *options, struct metrics *metrics,
		     struct span_metrics **ret_metrics)
{
	struct span_metrics *spans = calloc(1, sizeof(*spans));
	struct metric_desc descs[ARRAY_SIZE(ids)];
	int e;

	if (!spans)
		return -ENOMEM;
	spans->options = options;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		if (!metric_wanted(options, ids[i]))
			continue;
		descs[spans->count] = metric_describe(options, ids[i]);
		spans->ids[spans->count++] = ids[i];
	}
	attribute_row_init(&spans->attributes, attributes, SPAN_ATTRIBUTES,
			   attributes_for(options->sink, attributes, SPAN_ATTRIBUTES),
			   options->extra_span);
	e = metrics_add_table(metrics, descs, spans->count, spans->attributes.names,
			      spans->attributes.count, options->ttl, &spans->table);
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

static struct slice span_name(struct span_metrics *spans, const struct obi_span *span)
{
	spans->name.len = 0;
	span_put_name(span, &spans->name);
	return span_names_limit(spans->options->span_names, span->service,
				slice_of(spans->name.data, spans->name.len));
}

static struct metric_row *find_row(struct span_metrics *spans, const struct obi_span *span,
				   uint64_t now_ns)
{
	char job[sizeof(span->service->name_space) + sizeof(span->service->name) + 1];
	const struct obi_service *service = span->service;
	struct slice values[METRICS_LABELS_MAX];
	const struct slice fixed[SPAN_ATTRIBUTES] = {
		[SPAN_HOST_ID] = slice_cstr(spans->options->host_id),
		[SPAN_INSTANCE] = slice_cstr(service->instance),
		[SPAN_JOB] = service_job(service, job, sizeof(job)),
		[SPAN_SERVICE_INSTANCE] = slice_cstr(service->instance),
		[SPAN_SERVICE_NAME] = slice_cstr(service->name),
		[SPAN_SERVICE_NAMESPACE] = slice_cstr(service->name_space),
		[SPAN_SOURCE] = SLICE_LIT("obi"),
		[SPAN_KIND] = slice_cstr(span_kind_word(span->type)),
		[SPAN_NAME] = span_name(spans, span),
		[SPAN_STATUS_CODE] = slice_cstr(span_status_word(span_http_status(span))),
		[SPAN_SDK_LANGUAGE] = slice_cstr(service->language),
	};

	attribute_row_values(&spans->attributes, service, fixed, values);
	return metric_table_row(spans->table, values, now_ns);
}

void span_metrics_put(struct span_metrics *spans, const struct obi_span *span, uint64_t now_ns)
{
	const struct metric_origin origin = span_origin(span);
	struct metric_row *row = find_row(spans, span, now_ns);

	for (size_t i = 0; row && i < spans->count; i++) {
		const struct metric *metric = metric_table_metric(spans->table, i);

		switch (spans->ids[i]) {
		case METRIC_SPAN_SIZE:
			metric_add(metric, row, span_body_size(span->request_length));
			break;
		case METRIC_SPAN_RESPONSE_SIZE:
			metric_add(metric, row, span_body_size(span->response_length));
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
