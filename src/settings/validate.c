// SPDX-License-Identifier: Apache-2.0
/* Whether a run makes sense at all: without a way out it would look healthy and show nothing. */
#include <errno.h>

#include "settings/settings.h"

/* Is there a way out for metrics? */
static bool exports_metrics(const struct obi_settings *settings)
{
	return settings->export.prometheus.port || obi_otlp_metrics_wanted(&settings->otlp);
}

bool obi_settings_application(const struct obi_settings *settings)
{
	return settings->discovery.selected.count > 0;
}

bool obi_settings_network(const struct obi_settings *settings)
{
	return settings->network.enable || (exports_metrics(settings) &&
					    settings->metrics.features.bits & OBI_FEATURES_NETWORK);
}

bool obi_settings_bpf_metrics(const struct obi_settings *settings)
{
	return settings->export.prometheus.port != 0 &&
	       settings->metrics.features.bits & OBI_FEATURE_EBPF;
}

bool obi_settings_stats(const struct obi_settings *settings)
{
	return exports_metrics(settings) && settings->metrics.features.bits & OBI_FEATURES_STATS;
}

static int check_exporters(const struct obi_settings *settings, struct obi_error *error)
{
	bool metrics = exports_metrics(settings);

	if (obi_settings_application(settings) && !metrics &&
	    !obi_otlp_traces_wanted(&settings->otlp) &&
	    settings->export.trace_printer == OBI_PRINTER_DISABLED)
		return obi_error_set(error, -EINVAL,
				     "you need to define at least one exporter: trace_printer, "
				     "otel_metrics_export, otel_traces_export or "
				     "prometheus_export");
	if (obi_settings_network(settings) && !metrics && !settings->network.print_flows)
		return obi_error_set(
			error, -EINVAL,
			"network metrics need an exporter: set prometheus_export.port "
			"(OTEL_EBPF_PROMETHEUS_PORT) or otel_metrics_export.endpoint "
			"(OTEL_EXPORTER_OTLP_METRICS_ENDPOINT), or network.print_flows "
			"(OTEL_EBPF_NETWORK_PRINT_FLOWS) to print them");
	return 0;
}

static int check_internal(const struct obi_settings *settings, struct obi_error *error)
{
	const struct obi_internal_options *internal = &settings->export.internal;

	if (internal->exporter != OBI_INTERNAL_OTEL)
		return 0;
	if (internal->port)
		return obi_error_set(error, -EINVAL,
				     "internal_metrics.exporter: otel excludes "
				     "internal_metrics.prometheus.port");
	if (!obi_otlp_metrics_wanted(&settings->otlp))
		return obi_error_set(error, -EINVAL,
				     "internal_metrics.exporter: otel needs "
				     "otel_metrics_export.endpoint");
	return 0;
}

static int check_features(const struct obi_settings *settings, struct obi_error *error)
{
	const uint32_t both = OBI_FEATURE_SPAN_LEGACY | OBI_FEATURE_SPAN_OTEL;
	const struct obi_criteria_list *entries = &settings->discovery.chosen;
	uint32_t bits = settings->metrics.features.bits;

	if ((bits & both) == both && bits != OBI_FEATURES_ALL)
		return obi_error_set(error, -EINVAL,
				     "metrics.features: application_span and "
				     "application_span_otel exclude each other");
	for (size_t i = 0; i < entries->count; i++) {
		bits = entries->items[i].features.bits;
		if ((bits & both) == both && bits != OBI_FEATURES_ALL)
			return obi_error_set(error, -EINVAL,
					     "%s[%zu].metrics.features: application_span and "
					     "application_span_otel exclude each other",
					     settings->discovery.chosen_key, i);
	}
	return 0;
}

static int check_queue(const struct obi_settings *settings, struct obi_error *error)
{
	const struct obi_otlp_traces_options *traces = &settings->otlp.traces;

	if (traces->queue_size >= 2 * traces->batch_max_size)
		return 0;
	return obi_error_set(error, -EINVAL,
			     "otel_traces_export.queue_size (%lld) must be at least twice "
			     "batch_max_size (%lld)",
			     (long long)traces->queue_size, (long long)traces->batch_max_size);
}

int obi_settings_validate(const struct obi_settings *settings, struct obi_error *ret_error)
{
	int e;

	if (!obi_settings_application(settings) && !obi_settings_network(settings) &&
	    !obi_settings_stats(settings))
		return obi_error_set(
			ret_error, -EINVAL,
			"at least one of 'network', 'application' or 'stats' features must be "
			"enabled. Select processes with OTEL_EBPF_OPEN_PORT, "
			"OTEL_EBPF_AUTO_TARGET_EXE or discovery.instrument, or set "
			"OTEL_EBPF_NETWORK_METRICS=true");
	e = check_exporters(settings, ret_error);
	if (e == 0)
		e = check_internal(settings, ret_error);
	if (e == 0)
		e = check_features(settings, ret_error);
	if (e == 0)
		e = check_queue(settings, ret_error);
	return e;
}
