// SPDX-License-Identifier: Apache-2.0
#include "metrics/families/families.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/host_id.h"
#include "base/log.h"
#include "metrics/families/bpf.h"
#include "metrics/families/catalog.h"
#include "metrics/families/host_info.h"
#include "metrics/families/live_services.h"
#include "metrics/families/measures.h"
#include "metrics/families/net.h"
#include "metrics/families/service_graph.h"
#include "metrics/families/span_metrics.h"
#include "metrics/families/span_names.h"
#include "metrics/families/target.h"
#include "metrics/render.h"
#include "settings/settings.h"
#include "span/semconv.h"

#define TARGET_FEATURES (OBI_FEATURE_APPLICATION | OBI_FEATURES_SPAN)

struct families {
	struct family_options options;
	struct metrics *metrics;
	/* NULL: not asked for */
	struct measures *measures[OBI_FAMILIES];
	struct span_metrics *spans;
	struct service_graph *graph;
	struct target *target;
	struct host_info *host;
	struct net *net;
	struct bpf_metrics *bpf;
	struct families_shared *own; /* NULL: the caller's */
};

/* ---- Options ---- */

/* All series of an exporter take an eighth of the memory limit at most. */
static size_t most_bytes(const struct obi_settings *settings)
{
	return ((size_t)settings->otlp.common.memory_limit_mib << 20) / 8;
}

static void say_limited(const char *metric, struct slice service, size_t series)
{
	log_warn("too many series: new ones of a service that has its share, or of all where none "
		 "is "
		 "left, count into otel.metric.overflow",
		 F("metric", log_str(metric)), F("service", log_slice(service)),
		 F("itsSeries", log_int((int64_t)series)));
}

int families_shared_init(const struct obi_settings *settings, struct families_shared *shared)
{
	*shared = (struct families_shared){
		.settings = settings,
		.pool = { .max = SIZE_MAX,
			  .max_bytes = most_bytes(settings),
			  .limited = say_limited },
	};
	shared->span_names = span_names_new(settings->metrics.metric_span_names_limit);
	shared->live = live_services_new();
	shared->hosted = live_services_new();
	host_id(settings->pipeline.attributes.host_id, shared->host_id, sizeof(shared->host_id));
	if (shared->span_names && shared->live && shared->hosted)
		return 0;
	families_shared_free(shared);
	return -ENOMEM;
}

void families_shared_free(struct families_shared *shared)
{
	span_names_free(shared->span_names);
	live_services_free(shared->live);
	live_services_free(shared->hosted);
}

void families_shared_service(struct families_shared *shared, const struct obi_service *service,
			     bool alive)
{
	uint32_t features = obi_settings_features(shared->settings, service->entries.last);

	live_services_put(shared->live, service, alive);
	live_services_put(shared->hosted, service, alive && features & OBI_FEATURE_HOST);
}

static void take_prometheus(const struct obi_settings *settings, struct family_options *options)
{
	const struct obi_prometheus_options *prometheus = &settings->export.prometheus;
	struct histogram_options *histograms = &options->metrics.histograms;

	options->instrumentations = prometheus->instrumentations.bits;
	options->ttl = prometheus->ttl;
	options->buckets[BUCKETS_DURATION] = &prometheus->duration_buckets;
	options->buckets[BUCKETS_REQUEST_SIZE] = &prometheus->request_size_buckets;
	options->buckets[BUCKETS_RESPONSE_SIZE] = &prometheus->response_size_buckets;
	options->buckets[BUCKETS_PROBE_LATENCY] = &bpf_metrics_latency_buckets;
	options->self_references = prometheus->allow_service_graph_self_references;
	options->services_max = (size_t)prometheus->service_cache_size;
	options->build_info = !prometheus->disable_build_info;
	options->extra_resource = &prometheus->extra_resource_attributes;
	options->extra_span = &prometheus->extra_span_resource_attributes;
	histograms->exemplars = (enum exemplar_filter)prometheus->exemplar_filter;
	histograms->limits.max_scale = histogram_native_schema(prometheus->native_bucket_factor);
	histograms->native_max = prometheus->native_max_buckets < UINT32_MAX
					 ? (uint32_t)prometheus->native_max_buckets
					 : UINT32_MAX;
	histograms->native_min_reset_ns = prometheus->native_min_reset;
}

static void take_otlp(const struct obi_settings *settings, struct family_options *options)
{
	const struct obi_otlp_metrics_options *otlp = &settings->otlp.metrics;
	struct histogram_options *histograms = &options->metrics.histograms;
	int64_t size = otlp->exponential_max_size;

	options->instrumentations = otlp->instrumentations.bits;
	options->ttl = otlp->ttl;
	options->buckets[BUCKETS_DURATION] = &otlp->duration_buckets;
	options->buckets[BUCKETS_REQUEST_SIZE] = &otlp->request_size_buckets;
	options->buckets[BUCKETS_RESPONSE_SIZE] = &otlp->response_size_buckets;
	options->self_references = otlp->allow_service_graph_self_references;
	options->extra_span = &otlp->extra_span_resource_attributes;
	options->metrics.without_text = true;
	histograms->exponential = otlp->aggregation == OTLP_AGGREGATION_EXPONENTIAL;
	histograms->limits.max_scale = (int32_t)otlp->exponential_max_scale;
	histograms->limits.max_size = (uint32_t)(size < EXPONENTIAL_SIZE_MIN ? EXPONENTIAL_SIZE_MIN
						 : size > UINT16_MAX         ? UINT16_MAX
									     : size);
	histograms->exemplars = (enum exemplar_filter)settings->metrics.otlp_exemplar_filter;
}

struct family_options families_options(const struct obi_settings *settings, enum metrics_sink sink,
				       struct families_shared *shared)
{
	struct family_options options = {
		.settings = settings,
		.sink = sink,
		.features = obi_settings_all_features(settings),
		.host_id = shared->host_id,
		.span_names = shared->span_names,
		.live = shared->live,
		.hosted = shared->hosted,
		.metrics = { .pool = &shared->pool,
			     .max_rows = (size_t)settings->metrics.series_limit },
	};

	if (sink == SINK_PROMETHEUS)
		take_prometheus(settings, &options);
	else
		take_otlp(settings, &options);
	return options;
}

/* ---- Opening ---- */

static const struct measures_family *const measured[] = {
	[OBI_FAMILY_HTTP] = &measures_http, [OBI_FAMILY_RPC] = &measures_rpc,
	[OBI_FAMILY_DB] = &measures_db,     [OBI_FAMILY_DNS] = &measures_dns,
	[OBI_FAMILY_TLS] = &measures_tls,   [OBI_FAMILY_MESSAGING] = &measures_messaging,
};

_Static_assert(ARRAY_SIZE(measured) == OBI_FAMILIES, "what each family is measured by");

static int add_measures(struct families *families)
{
	int e = 0;

	for (int i = 0; i < OBI_FAMILIES && !e; i++)
		e = measures_new(measured[i], &families->options, families->metrics,
				 &families->measures[i]);
	return e;
}

static int add_families(struct families *families)
{
	const struct family_options *options = &families->options;
	bool spans = options->instrumentations;
	uint32_t features = options->features;
	struct metrics *metrics = families->metrics;
	int e = 0;

	if (features & OBI_FEATURE_APPLICATION)
		e = add_measures(families);
	if (!e && spans && features & OBI_FEATURES_SPAN)
		e = span_metrics_new(options, metrics, &families->spans);
	if (!e && spans && features & OBI_FEATURE_SERVICE_GRAPH)
		e = service_graph_new(options, metrics, &families->graph);
	if (!e && features & TARGET_FEATURES)
		e = target_new(options, metrics, &families->target);
	if (!e && features & OBI_FEATURE_HOST)
		e = host_info_new(options, metrics, &families->host);
	if (!e && features & OBI_FEATURES_NETWORK)
		e = net_new(options, metrics, &families->net);
	if (!e && metric_wanted(options, METRIC_PROBE_LATENCY))
		e = bpf_metrics_new(options, metrics, &families->bpf);
	return e;
}

int families_new_with(const struct family_options *options, struct families **ret_families)
{
	struct families *families = calloc(1, sizeof(*families));
	int e = -ENOMEM;

	if (!families)
		return -ENOMEM;
	families->options = *options;
	families->metrics = metrics_new_with(&options->metrics);
	if (families->metrics)
		e = add_families(families);
	if (e) {
		families_free(families);
		return e;
	}
	*ret_families = families;
	return 0;
}

int families_new(const struct obi_settings *settings, struct families **ret_families)
{
	struct families_shared *shared = malloc(sizeof(*shared));
	struct family_options options;
	int e = shared ? families_shared_init(settings, shared) : -ENOMEM;

	if (e) {
		free(shared);
		return e;
	}
	options = families_options(settings, SINK_PROMETHEUS, shared);
	e = families_new_with(&options, ret_families);
	if (e) {
		families_shared_free(shared);
		free(shared);
		return e;
	}
	(*ret_families)->own = shared;
	return 0;
}

void families_free(struct families *families)
{
	if (!families)
		return;
	for (int i = 0; i < OBI_FAMILIES; i++)
		measures_free(families->measures[i]);
	span_metrics_free(families->spans);
	service_graph_free(families->graph);
	target_free(families->target);
	host_info_free(families->host);
	net_free(families->net);
	bpf_metrics_free(families->bpf);
	metrics_free(families->metrics);
	if (families->own)
		families_shared_free(families->own);
	free(families->own);
	free(families);
}

/* ---- Feeding ---- */

void families_put_span(struct families *families, const struct obi_span *span, uint64_t now_ns)
{
	uint32_t features =
		obi_settings_features(families->options.settings, span->service->entries.last);
	struct measures *measures = families->measures[span->system->family];

	if (span->flags & OBI_SPAN_IGNORE_METRICS)
		return;
	if (span->flags & OBI_SPAN_OWN_METRICS)
		features &= ~(uint32_t)OBI_FEATURE_APPLICATION;
	if (families->target)
		target_span(families->target, span->service, now_ns);
	if (!(families->options.instrumentations & span_instrumentation(span)))
		return;
	if (measures && features & OBI_FEATURE_APPLICATION)
		measures_put_span(measures, span, now_ns);
	if (families->spans && features & OBI_FEATURES_SPAN)
		span_metrics_put(families->spans, span, features, now_ns);
	if (families->graph && features & OBI_FEATURE_SERVICE_GRAPH)
		service_graph_put(families->graph, span, now_ns);
}

void families_put_flow(struct families *families, const struct obi_flow_record *record,
		       uint64_t now_ns)
{
	if (families->net)
		net_put_flow(families->net, record, now_ns);
}

void families_put_program(struct families *families, const struct obi_bpf_program *program,
			  uint64_t now_ns)
{
	if (families->bpf)
		bpf_metrics_put_program(families->bpf, program, now_ns);
}

void families_put_map(struct families *families, const struct obi_bpf_map *map, uint64_t now_ns)
{
	if (families->bpf)
		bpf_metrics_put_map(families->bpf, map, now_ns);
}

void families_service(struct families *families, const struct obi_service *service, bool alive,
		      uint64_t now_ns)
{
	if (families->own)
		families_shared_service(families->own, service, alive);
	if (families->target)
		target_service(families->target, service, alive, now_ns);
	if (families->host)
		host_info_update(families->host, now_ns);
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
