// SPDX-License-Identifier: Apache-2.0
/*
 * Whether a run makes sense at all. An exporter that does not exist yet does not
 * count: starting without any way out would look healthy and show nothing.
 */
#include <errno.h>

#include "config/value.h"
#include "settings/settings.h"

/* Is this option, which does nothing yet, given? */
static bool later_is_given(const struct obi_settings *settings, const char *key_or_env)
{
	for (size_t i = 0; i < obi_later_option_rows.count; i++) {
		const struct obi_option *option = &obi_later_option_rows.rows[i];
		const char *name = option->key ? option->key : option->env;

		if (strcmp(name, key_or_env) == 0)
			return !obi_value_is_empty(option, &settings->later.slots[i]);
	}
	return false;
}

static bool otlp_metrics_given(const struct obi_settings *settings)
{
	return later_is_given(settings, "otel_metrics_export.endpoint") ||
	       later_is_given(settings, "OTEL_EXPORTER_OTLP_ENDPOINT");
}

static const char *otlp_hint(const struct obi_settings *settings)
{
	bool given = otlp_metrics_given(settings) ||
		     later_is_given(settings, "otel_traces_export.endpoint");

	return given ? " (export by OTLP is not implemented yet)" : "";
}

bool obi_settings_application(const struct obi_settings *settings)
{
	return settings->discovery.selected.count > 0;
}

bool obi_settings_network(const struct obi_settings *settings)
{
	return settings->network.enable || (settings->export.prometheus.port &&
					    settings->export.features.bits & OBI_FEATURES_NETWORK);
}

bool obi_settings_stats(const struct obi_settings *settings)
{
	return settings->export.prometheus.port &&
	       settings->export.features.bits & OBI_FEATURES_STATS;
}

static int check_exporters(const struct obi_settings *settings, struct obi_error *error)
{
	bool prometheus = settings->export.prometheus.port != 0;

	if (obi_settings_application(settings) && !prometheus &&
	    settings->export.trace_printer == OBI_PRINTER_DISABLED)
		return obi_error_set(error, -EINVAL,
				     "you need to define at least one exporter: trace_printer, "
				     "otel_metrics_export, otel_traces_export or "
				     "prometheus_export%s",
				     otlp_hint(settings));
	if (obi_settings_network(settings) && !prometheus && !settings->network.print_flows)
		return obi_error_set(error, -EINVAL,
				     "network metrics need an exporter: set prometheus_export.port "
				     "(OTEL_EBPF_PROMETHEUS_PORT), or network.print_flows "
				     "(OTEL_EBPF_NETWORK_PRINT_FLOWS) to print them%s",
				     otlp_hint(settings));
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
	if (!otlp_metrics_given(settings))
		return obi_error_set(error, -EINVAL,
				     "internal_metrics.exporter: otel needs "
				     "otel_metrics_export.endpoint");
	return 0;
}

static int check_features(const struct obi_settings *settings, struct obi_error *error)
{
	const uint32_t both = OBI_FEATURE_SPAN_LEGACY | OBI_FEATURE_SPAN_OTEL;
	uint32_t bits = settings->export.features.bits;

	if ((bits & both) == both && bits != OBI_FEATURES_ALL)
		return obi_error_set(error, -EINVAL,
				     "metrics.features: application_span and "
				     "application_span_otel exclude each other");
	return 0;
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
	return e;
}
