// SPDX-License-Identifier: Apache-2.0
#include "export/families.h"

#include <errno.h>
#include <stdlib.h>

#include "export/metrics/render.h"
#include "export/net.h"
#include "export/red.h"
#include "settings/settings.h"

struct families {
	struct metrics *metrics;
	struct red *red; /* NULL: not asked for */
	struct net *net; /* NULL: not asked for */
};

/* The deprecated features of the exporter win over the common ones. */
static unsigned wanted_features(const struct obi_settings *settings)
{
	const struct obi_export_options *options = &settings->export;
	unsigned features = options->prometheus.features.set ? options->prometheus.features.bits
							     : options->features.bits;

	return settings->network.enable ? features | OBI_FEATURE_NETWORK : features;
}

int families_new(const struct obi_settings *settings, struct families **ret_families)
{
	unsigned features = wanted_features(settings);
	bool http = settings->export.prometheus.instrumentations.bits & OBI_INSTRUMENT_HTTP;
	struct families *families = calloc(1, sizeof(*families));
	int error = 0;

	if (!families)
		return -ENOMEM;
	families->metrics = metrics_new(METRICS_SERIES_MAX);
	if (!families->metrics)
		error = -ENOMEM;
	if (!error && http && (features & OBI_FEATURE_APPLICATION))
		error = red_new(settings, families->metrics, &families->red);
	if (!error && (features & OBI_FEATURES_NETWORK))
		error = net_new(settings, features, families->metrics, &families->net);
	if (error) {
		families_free(families);
		return error;
	}
	*ret_families = families;
	return 0;
}

void families_free(struct families *families)
{
	if (!families)
		return;
	red_free(families->red);
	net_free(families->net);
	metrics_free(families->metrics);
	free(families);
}

void families_put_span(struct families *families, const struct obi_span *span, uint64_t now_ns)
{
	if (families->red)
		red_put_span(families->red, span, now_ns);
}

void families_put_flow(struct families *families, const struct obi_flow_record *record,
		       uint64_t now_ns)
{
	if (families->net)
		net_put_flow(families->net, record, now_ns);
}

void families_service(struct families *families, const struct obi_service *service, bool alive,
		      uint64_t now_ns)
{
	if (families->red)
		red_service(families->red, service, alive, now_ns);
}

struct metrics *families_metrics(struct families *families)
{
	return families->metrics;
}

void families_put_text(struct families *families, struct buffer *buf)
{
	struct metrics_rendering rendering;

	metrics_render_begin(&rendering, families->metrics, METRICS_TEXT);
	(void)metrics_render(&rendering, buf, SIZE_MAX);
	metrics_render_end(&rendering);
}
