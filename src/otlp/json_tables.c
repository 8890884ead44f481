// SPDX-License-Identifier: Apache-2.0
#include "otlp/json_tables.h"

#include "base/cleanup.h"

#define MESSAGE(name_)                                                                             \
	static const struct json_message name_ = { name_##_fields, ARRAY_SIZE(name_##_fields) }
/* Strings are joined: no parentheses. NOLINTNEXTLINE(bugprone-macro-parentheses) */
#define FIELD(number_, name_, ...)                                                                 \
	{                                                                                          \
		",\"" name_ "\":", sizeof(name_) + 3, (number_), __VA_ARGS__                       \
	}
#define MANY(number_, name_, message_) FIELD(number_, name_, JSON_MESSAGE, true, &(message_))
#define ONE(number_, name_, message_) FIELD(number_, name_, JSON_MESSAGE, false, &(message_))
#define VALUE(number_, name_, kind_) FIELD(number_, name_, JSON_##kind_, false, NULL)
#define VALUES(number_, name_, kind_) FIELD(number_, name_, JSON_##kind_, true, NULL)

/* ---- opentelemetry/proto/common/v1/common.proto, resource/v1/resource.proto ---- */

static const struct json_message any_value;

static const struct json_field key_value_fields[] = {
	VALUE(1, "key", STRING),
	ONE(2, "value", any_value),
};
MESSAGE(key_value);

static const struct json_field array_value_fields[] = { MANY(1, "values", any_value) };
MESSAGE(array_value);

static const struct json_field kvlist_fields[] = { MANY(1, "values", key_value) };
MESSAGE(kvlist);

static const struct json_field any_value_fields[] = {
	VALUE(1, "stringValue", STRING),   VALUE(2, "boolValue", BOOL),
	VALUE(3, "intValue", INT64),       VALUE(4, "doubleValue", DOUBLE),
	ONE(5, "arrayValue", array_value), ONE(6, "kvlistValue", kvlist),
	VALUE(7, "bytesValue", BYTES),
};
MESSAGE(any_value);

static const struct json_field resource_fields[] = {
	MANY(1, "attributes", key_value),
	VALUE(2, "droppedAttributesCount", UINT32),
};
MESSAGE(resource);

static const struct json_field scope_fields[] = {
	VALUE(1, "name", STRING),
	VALUE(2, "version", STRING),
	MANY(3, "attributes", key_value),
	VALUE(4, "droppedAttributesCount", UINT32),
};
MESSAGE(scope);

/* ---- opentelemetry/proto/trace/v1/trace.proto ---- */

static const struct json_field event_fields[] = {
	VALUE(1, "timeUnixNano", FIXED64),
	VALUE(2, "name", STRING),
	MANY(3, "attributes", key_value),
	VALUE(4, "droppedAttributesCount", UINT32),
};
MESSAGE(event);

static const struct json_field span_link_fields[] = {
	VALUE(1, "traceId", ID),
	VALUE(2, "spanId", ID),
	VALUE(3, "traceState", STRING),
	MANY(4, "attributes", key_value),
	VALUE(5, "droppedAttributesCount", UINT32),
	VALUE(6, "flags", FIXED32),
};
MESSAGE(span_link);

static const struct json_field status_fields[] = {
	VALUE(2, "message", STRING),
	VALUE(3, "code", UINT32),
};
MESSAGE(status);

static const struct json_field span_fields[] = {
	VALUE(1, "traceId", ID),
	VALUE(2, "spanId", ID),
	VALUE(3, "traceState", STRING),
	VALUE(4, "parentSpanId", ID),
	VALUE(16, "flags", FIXED32),
	VALUE(5, "name", STRING),
	VALUE(6, "kind", UINT32),
	VALUE(7, "startTimeUnixNano", FIXED64),
	VALUE(8, "endTimeUnixNano", FIXED64),
	MANY(9, "attributes", key_value),
	VALUE(10, "droppedAttributesCount", UINT32),
	MANY(11, "events", event),
	VALUE(12, "droppedEventsCount", UINT32),
	MANY(13, "links", span_link),
	VALUE(14, "droppedLinksCount", UINT32),
	ONE(15, "status", status),
};
MESSAGE(span);

static const struct json_field scope_spans_fields[] = {
	ONE(1, "scope", scope),
	MANY(2, "spans", span),
	VALUE(3, "schemaUrl", STRING),
};
MESSAGE(scope_spans);

static const struct json_field resource_spans_fields[] = {
	ONE(1, "resource", resource),
	MANY(2, "scopeSpans", scope_spans),
	VALUE(3, "schemaUrl", STRING),
};
MESSAGE(resource_spans);

static const struct json_field trace_request_fields[] = { MANY(1, "resourceSpans",
							       resource_spans) };
const struct json_message json_trace_request = { trace_request_fields,
						 ARRAY_SIZE(trace_request_fields) };

/* ---- opentelemetry/proto/metrics/v1/metrics.proto ---- */

static const struct json_field exemplar_fields[] = {
	MANY(7, "filteredAttributes", key_value),
	VALUE(2, "timeUnixNano", FIXED64),
	VALUE(3, "asDouble", DOUBLE),
	VALUE(6, "asInt", SFIXED64),
	VALUE(4, "spanId", ID),
	VALUE(5, "traceId", ID),
};
MESSAGE(exemplar);

static const struct json_field number_point_fields[] = {
	MANY(7, "attributes", key_value),  VALUE(2, "startTimeUnixNano", FIXED64),
	VALUE(3, "timeUnixNano", FIXED64), VALUE(4, "asDouble", DOUBLE),
	VALUE(6, "asInt", SFIXED64),       MANY(5, "exemplars", exemplar),
	VALUE(8, "flags", UINT32),
};
MESSAGE(number_point);

static const struct json_field histogram_point_fields[] = {
	MANY(9, "attributes", key_value),
	VALUE(2, "startTimeUnixNano", FIXED64),
	VALUE(3, "timeUnixNano", FIXED64),
	VALUE(4, "count", FIXED64),
	VALUE(5, "sum", DOUBLE),
	VALUES(6, "bucketCounts", FIXED64),
	VALUES(7, "explicitBounds", DOUBLE),
	MANY(8, "exemplars", exemplar),
	VALUE(10, "flags", UINT32),
	VALUE(11, "min", DOUBLE),
	VALUE(12, "max", DOUBLE),
};
MESSAGE(histogram_point);

static const struct json_field buckets_fields[] = {
	VALUE(1, "offset", SINT32),
	VALUES(2, "bucketCounts", UINT64),
};
MESSAGE(buckets);

static const struct json_field exponential_point_fields[] = {
	MANY(1, "attributes", key_value),  VALUE(2, "startTimeUnixNano", FIXED64),
	VALUE(3, "timeUnixNano", FIXED64), VALUE(4, "count", FIXED64),
	VALUE(5, "sum", DOUBLE),           VALUE(6, "scale", SINT32),
	VALUE(7, "zeroCount", FIXED64),    ONE(8, "positive", buckets),
	ONE(9, "negative", buckets),       VALUE(10, "flags", UINT32),
	MANY(11, "exemplars", exemplar),   VALUE(12, "min", DOUBLE),
	VALUE(13, "max", DOUBLE),          VALUE(14, "zeroThreshold", DOUBLE),
};
MESSAGE(exponential_point);

static const struct json_field quantile_fields[] = {
	VALUE(1, "quantile", DOUBLE),
	VALUE(2, "value", DOUBLE),
};
MESSAGE(quantile);

static const struct json_field summary_point_fields[] = {
	MANY(7, "attributes", key_value),  VALUE(2, "startTimeUnixNano", FIXED64),
	VALUE(3, "timeUnixNano", FIXED64), VALUE(4, "count", FIXED64),
	VALUE(5, "sum", DOUBLE),           MANY(6, "quantileValues", quantile),
	VALUE(8, "flags", UINT32),
};
MESSAGE(summary_point);

static const struct json_field gauge_fields[] = { MANY(1, "dataPoints", number_point) };
MESSAGE(gauge);

static const struct json_field sum_fields[] = {
	MANY(1, "dataPoints", number_point),
	VALUE(2, "aggregationTemporality", UINT32),
	VALUE(3, "isMonotonic", BOOL),
};
MESSAGE(sum);

static const struct json_field histogram_fields[] = {
	MANY(1, "dataPoints", histogram_point),
	VALUE(2, "aggregationTemporality", UINT32),
};
MESSAGE(histogram);

static const struct json_field exponential_fields[] = {
	MANY(1, "dataPoints", exponential_point),
	VALUE(2, "aggregationTemporality", UINT32),
};
MESSAGE(exponential);

static const struct json_field summary_fields[] = { MANY(1, "dataPoints", summary_point) };
MESSAGE(summary);

static const struct json_field metric_fields[] = {
	VALUE(1, "name", STRING),
	VALUE(2, "description", STRING),
	VALUE(3, "unit", STRING),
	ONE(5, "gauge", gauge),
	ONE(7, "sum", sum),
	ONE(9, "histogram", histogram),
	ONE(10, "exponentialHistogram", exponential),
	ONE(11, "summary", summary),
	MANY(12, "metadata", key_value),
};
MESSAGE(metric);

static const struct json_field scope_metrics_fields[] = {
	ONE(1, "scope", scope),
	MANY(2, "metrics", metric),
	VALUE(3, "schemaUrl", STRING),
};
MESSAGE(scope_metrics);

static const struct json_field resource_metrics_fields[] = {
	ONE(1, "resource", resource),
	MANY(2, "scopeMetrics", scope_metrics),
	VALUE(3, "schemaUrl", STRING),
};
MESSAGE(resource_metrics);

static const struct json_field metrics_request_fields[] = { MANY(1, "resourceMetrics",
								 resource_metrics) };
const struct json_message json_metrics_request = { metrics_request_fields,
						   ARRAY_SIZE(metrics_request_fields) };
