// SPDX-License-Identifier: Apache-2.0
#include "metrics/options.h"

#include "base/cleanup.h"

const struct obi_name obi_exemplar_filter_names[] = {
	{ "always_off", OBI_EXEMPLARS_OFF },
	{ "always_on", OBI_EXEMPLARS_ON },
	{ "trace_based", OBI_EXEMPLARS_TRACE },
	{ NULL, 0 },
};

static const struct obi_name temporalities[] = {
	{ "cumulative", OBI_TEMPORALITY_CUMULATIVE },
	{ "delta", OBI_TEMPORALITY_DELTA },
	{ "lowmemory", OBI_TEMPORALITY_LOW_MEMORY },
	{ NULL, 0 },
};

#define ROW(member_, ...) OBI_ROW(struct obi_metrics_options, member_, __VA_ARGS__)

static const struct obi_option rows[] = {
	ROW(features, "metrics.features", "OTEL_EBPF_METRICS_FEATURES", FLAGS, "application",
	    "families of metrics that are made", .aliases = "OTEL_EBPF_METRIC_FEATURES",
	    .names = obi_feature_names),
	ROW(series_limit, "metrics.series_limit", "OTEL_EBPF_METRICS_SERIES_LIMIT", INT, "10000",
	    "most series of one metric; what would be one more counts into one series of all",
	    .min = 2, .max = 1000000),
	ROW(metric_span_names_limit, "attributes.metric_span_names_limit",
	    "OTEL_EBPF_METRIC_SPAN_NAMES_LIMIT", INT, "100",
	    "span names of a service in metrics; 0: no limit"),
	ROW(temporality, NULL, "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", CHOICE,
	    "cumulative", "do metrics over OTLP count from their start, or from the last export",
	    .names = temporalities, .flags = OBI_OPTION_LENIENT),
	ROW(otlp_exemplar_filter, NULL, "OTEL_METRICS_EXEMPLAR_FILTER", CHOICE, "trace_based",
	    "which measurements over OTLP carry their trace", .names = obi_exemplar_filter_names,
	    .flags = OBI_OPTION_LENIENT),
};

const struct obi_options obi_metrics_option_rows = {
	.title = "Export",
	.rows = rows,
	.count = ARRAY_SIZE(rows),
};
