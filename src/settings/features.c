// SPDX-License-Identifier: Apache-2.0
/* Which metrics a service has: what the entry says that selected it, else what is said of all. */
#include "settings/settings.h"
#include "span/instrumentation.h"

/* Both kinds of span metrics together are asked for by `all` alone: one is enough. */
static uint32_t one_kind_of_span_metrics(uint32_t features)
{
	return features & OBI_FEATURE_SPAN_OTEL ? features & ~(uint32_t)OBI_FEATURE_SPAN_LEGACY
						: features;
}

uint32_t obi_settings_features(const struct obi_settings *settings, uint32_t entry)
{
	const struct obi_criteria_list *entries = &settings->discovery.selected;
	const struct obi_flags *features = &settings->metrics.features;

	if (entry && entry <= entries->count && entries->items[entry - 1].features.set)
		features = &entries->items[entry - 1].features;
	return one_kind_of_span_metrics(features->bits) & OBI_FEATURES_SERVICE;
}

uint32_t obi_settings_all_features(const struct obi_settings *settings)
{
	uint32_t all = one_kind_of_span_metrics(settings->metrics.features.bits);

	for (uint32_t i = 1; i <= settings->discovery.selected.count; i++)
		all |= obi_settings_features(settings, i);
	return all;
}

bool obi_settings_handshakes(const struct obi_settings *settings)
{
	return (settings->otlp.traces.instrumentations.bits |
		settings->otlp.metrics.instrumentations.bits |
		settings->export.prometheus.instrumentations.bits) &
	       OBI_INSTRUMENT_TLS;
}
