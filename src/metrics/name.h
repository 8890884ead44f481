/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of OpenTelemetry as Prometheus writes them: what a Collector or a Prometheus would make of
 * the same metric received over OTLP
 * (https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/).
 */
#ifndef OBI_METRICS_NAME_H
#define OBI_METRICS_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* Room for a name with unit and _total, and its terminating zero. */
#define METRIC_NAME_MAX 128

enum metric_type {
	METRIC_COUNTER,
	METRIC_GAUGE,
	METRIC_HISTOGRAM,
};

/* "http.server.request.duration", "s" is http_server_request_duration_seconds. The unit is UCUM,
 * NULL: none; one in braces says nothing, and 1 is a ratio where the metric is a gauge. What the
 * name says already is not said again. 0, or -ENAMETOOLONG. */
int metric_prometheus_name(const char *name, const char *unit, enum metric_type type,
			   char ret_name[METRIC_NAME_MAX]);

/* "http.route" is http_route. 0, or -ENAMETOOLONG. */
int metric_prometheus_label(const char *attribute, char ret_label[METRIC_NAME_MAX]);

/* Is the attribute a number in OpenTelemetry (ports, status codes of HTTP)? */
bool metric_attribute_is_number(const char *attribute);

#endif
