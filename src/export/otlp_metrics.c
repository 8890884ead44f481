// SPDX-License-Identifier: Apache-2.0
/*
 * Exporter: metrics over OTLP (`otel_metrics_export`). Each service has families of its own, since
 * its points share a resource; flows, what is said of the host, and this program have one more
 * each.
 *
 * Every interval all of them are encoded, one request a tick: the largest set takes a second or so,
 * and the loop goes on meanwhile. What a service counted is out before its families go.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "export/exporter.h"
#include "export/internal_gather.h"
#include "export/reporters.h"
#include "metrics/families/families.h"
#include "metrics/internal_metrics.h"
#include "otlp/metrics.h"
#include "otlp/outbox.h"
#include "otlp/resource.h"
#include "settings/settings.h"

#define SCOPE "go.opentelemetry.io/obi"
#define FLOW_SCOPE "network_ebpf_events"
#define VENDOR_VERSION "obi.version"

/* What is collected, in turn. */
enum part {
	PART_FLOWS,
	PART_HOST,
	PART_INTERNAL,
	PART_SERVICES,
};

struct otlp_metrics {
	const struct obi_settings *settings;
	struct families_shared shared;
	struct family_options service_options;
	struct family_options flow_options;
	struct family_options host_options;
	struct families *flows;
	struct families *host;
	struct reporters *reporters;
	struct otlp_resource *resource;
	struct buffer host_resource;
	struct buffer internal_resource;
	uint64_t now_ns; /* of the last tick */
	uint64_t next_ns;
	bool collecting;
	uint64_t collect_ns; /* when this collection began */
	enum part part;
	struct reporter *reporter; /* whose turn it is among the services */
	struct otlp_metrics_reader reader;
	struct buffer request;
	uint32_t points; /* in it */
	struct {
		bool is;
		const void *resource; /* where its content stands */
		size_t start;
		size_t mark;
		uint32_t points; /* before it */
	} open;                  /* ResourceMetrics of the request */
};

/* A registry, and what its points have in common. */
struct source {
	struct metrics *metrics; /* NULL: there is none */
	const struct buffer *resource;
	struct slice scope;
};

static bool otlp_metrics_wanted(const struct obi_settings *settings)
{
	return obi_otlp_metrics_wanted(&settings->otlp);
}

/* ---- Opening ---- */

static void put_attribute(struct buffer *buf, struct slice key, struct slice value)
{
	if (value.len)
		(void)otlp_put_string_attribute(buf, OTLP_RESOURCE_ATTRIBUTES, key, value);
}

static void make_resources(struct otlp_metrics *otlp)
{
	static const struct obi_service self = { .name = "opentelemetry-ebpf-instrumentation" };

	put_attribute(&otlp->host_resource, SLICE_LIT("service.name"), slice_cstr(self.name));
	put_attribute(&otlp->host_resource, SLICE_LIT(VENDOR_VERSION), SLICE_LIT("v" OBI_VERSION));
	put_attribute(&otlp->host_resource, SLICE_LIT("host.id"), slice_cstr(otlp->shared.host_id));
	(void)otlp_resource_put(otlp->resource, &self, &otlp->internal_resource);
}

static void free_otlp(struct otlp_metrics *otlp)
{
	otlp_metrics_end(&otlp->reader);
	reporters_free(otlp->reporters);
	families_free(otlp->flows);
	families_free(otlp->host);
	otlp_resource_free(otlp->resource);
	buffer_free(&otlp->host_resource);
	buffer_free(&otlp->internal_resource);
	buffer_free(&otlp->request);
	families_shared_free(&otlp->shared);
	free(otlp);
}

static int open_families(struct otlp_metrics *otlp)
{
	const struct obi_settings *settings = otlp->settings;
	int e;

	otlp->service_options = families_options(settings, SINK_OTLP, &otlp->shared);
	otlp->flow_options = otlp->host_options = otlp->service_options;
	otlp->service_options.features &= ~(uint32_t)(OBI_FEATURES_NETWORK | OBI_FEATURE_HOST);
	otlp->flow_options.features &= OBI_FEATURES_NETWORK;
	otlp->host_options.features &= OBI_FEATURE_HOST;
	e = families_new_with(&otlp->flow_options, &otlp->flows);
	if (e)
		return e;
	e = families_new_with(&otlp->host_options, &otlp->host);
	if (e)
		return e;
	e = otlp_resource_new(settings, &otlp->resource);
	if (e)
		return e;
	return reporters_new(&otlp->service_options, otlp->resource,
			     (size_t)settings->otlp.metrics.reporters_cache_len, &otlp->reporters);
}

static int otlp_metrics_open(const struct obi_settings *settings, void **ret_state, char *why,
			     size_t why_size)
{
	struct otlp_metrics *otlp = calloc(1, sizeof(*otlp));
	int e;

	(void)snprintf(why, why_size, "out of memory");
	if (!otlp)
		return -ENOMEM;
	otlp->settings = settings;
	otlp->now_ns = clock_monotonic_ns();
	otlp->next_ns = otlp->now_ns + settings->otlp.metrics.interval;
	e = families_shared_init(settings, &otlp->shared);
	if (e) {
		free(otlp);
		return e;
	}
	e = open_families(otlp);
	if (e) {
		free_otlp(otlp);
		return e;
	}
	make_resources(otlp);
	if (settings->export.internal.exporter == OBI_INTERNAL_OTEL) {
		obi_internal_use_otel();
		internal_gather_open(settings);
	}
	*ret_state = otlp;
	return 0;
}

/* ---- Collecting ---- */

/* What is not taken is counted by the outbox. */
static void send_request(struct otlp_metrics *otlp)
{
	if (otlp->points && !otlp->request.failed)
		(void)outbox_put(OTLP_METRICS, &otlp->request, otlp->points);
	if (otlp->request.failed)
		buffer_free(&otlp->request);
	otlp->request.len = 0;
	otlp->points = 0;
}

/* Ends the ResourceMetrics, if there is one; one without points is taken back. */
static void end_resource(struct otlp_metrics *otlp)
{
	if (!otlp->open.is)
		return;
	otlp_metrics_end_resource(otlp->open.mark, &otlp->request);
	if (otlp->points == otlp->open.points)
		otlp->request.len = otlp->open.start;
	otlp->open.is = false;
}

/* Begins one, unless that of the same resource is open. */
static void begin_resource(struct otlp_metrics *otlp, const struct buffer *resource)
{
	if (otlp->open.is && otlp->open.resource == resource)
		return;
	end_resource(otlp);
	otlp->open.is = true;
	otlp->open.resource = resource;
	otlp->open.start = otlp->request.len;
	otlp->open.points = otlp->points;
	otlp->open.mark = otlp_metrics_begin_resource(slice_of(resource->data, resource->len),
						      &otlp->request);
}

static struct source source_of(const struct reporter *reporter)
{
	return (struct source){ families_metrics(reporter_families(reporter)),
				reporter_resource(reporter), SLICE_LIT(SCOPE) };
}

static struct source current_source(struct otlp_metrics *otlp)
{
	switch (otlp->part) {
	case PART_FLOWS:
		return (struct source){ families_metrics(otlp->flows), &otlp->host_resource,
					SLICE_LIT(FLOW_SCOPE) };
	case PART_HOST:
		return (struct source){ families_metrics(otlp->host), &otlp->host_resource,
					SLICE_LIT(SCOPE) };
	case PART_INTERNAL:
		return (struct source){ obi_internal_metrics(), &otlp->internal_resource,
					SLICE_LIT(SCOPE) };
	default:
		if (!otlp->reporter)
			otlp->reporter = reporters_next(otlp->reporters);
		return otlp->reporter ? source_of(otlp->reporter) : (struct source){ 0 };
	}
}

/* The one after the current one. */
static void advance(struct otlp_metrics *otlp)
{
	struct metrics *metrics = otlp->reader.metrics;

	otlp_metrics_end(&otlp->reader);
	metrics_expire(metrics, otlp->now_ns);
	if (otlp->part == PART_SERVICES) {
		otlp->reporter = NULL;
		return;
	}
	otlp->part++;
	if (otlp->part == PART_INTERNAL &&
	    otlp->settings->export.internal.exporter != OBI_INTERNAL_OTEL)
		otlp->part++;
}

static void say_overflow(const struct otlp_metrics *otlp)
{
	if (otlp->shared.pool.overflow)
		obi_internal_set(OBI_INTERNAL_DROPPED, (const char *[]){ "series_limit_otlp" },
				 otlp->shared.pool.overflow);
}

static void begin_collection(struct otlp_metrics *otlp)
{
	say_overflow(otlp);
	if (otlp->settings->export.internal.exporter == OBI_INTERNAL_OTEL)
		internal_gather();
	otlp->collecting = true;
	otlp->collect_ns = clock_monotonic_ns(); /* after what was gathered just now */
	otlp->part = PART_FLOWS;
	otlp->reporter = NULL;
	reporters_rewind(otlp->reporters);
}

static void end_collection(struct otlp_metrics *otlp)
{
	otlp->collecting = false;
	reporters_expire(otlp->reporters, otlp->settings->otlp.metrics.ttl, otlp->now_ns);
}

/* Puts points of the source until the request is full. Returns whether there are more. */
static bool put_points(struct otlp_metrics *otlp, struct otlp_metrics_reader *reader,
		       const struct source *source)
{
	begin_resource(otlp, source->resource);
	return otlp_metrics_put(reader, source->scope, &otlp->request, OUTBOX_BODY_SOFT,
				&otlp->points);
}

/* Fills one request and sends it. */
static void collect(struct otlp_metrics *otlp)
{
	enum obi_temporality temporality =
		(enum obi_temporality)otlp->settings->metrics.temporality;

	while (otlp->collecting && otlp->request.len < OUTBOX_BODY_SOFT) {
		struct source source = current_source(otlp);

		if (!source.metrics) {
			end_collection(otlp);
			break;
		}
		if (!otlp->reader.metrics)
			otlp_metrics_begin(&otlp->reader, source.metrics, temporality,
					   otlp->collect_ns);
		if (!put_points(otlp, &otlp->reader, &source))
			advance(otlp);
	}
	end_resource(otlp);
	send_request(otlp);
}

/* All that one service has, now. */
static void flush_reporter(struct otlp_metrics *otlp, const struct reporter *reporter)
{
	struct source source = source_of(reporter);
	struct otlp_metrics_reader reader;
	bool more = true;

	otlp_metrics_begin(&reader, source.metrics,
			   (enum obi_temporality)otlp->settings->metrics.temporality,
			   clock_monotonic_ns());
	while (more) {
		more = put_points(otlp, &reader, &source);
		end_resource(otlp);
		send_request(otlp);
	}
	otlp_metrics_end(&reader);
}

/* ---- Feeding ---- */

/* The one that was silent longest gives its place up. A collection under way that stands there goes
 * on with the next one. */
static void make_room(struct otlp_metrics *otlp)
{
	struct reporter *oldest = reporters_to_evict(otlp->reporters);

	if (!oldest)
		return;
	if (otlp->reporter == oldest) {
		otlp_metrics_end(&otlp->reader);
		otlp->reporter = NULL;
	}
	flush_reporter(otlp, oldest);
	reporters_evict(otlp->reporters, oldest);
}

static bool has_metrics(const struct otlp_metrics *otlp, const struct obi_service *service)
{
	return obi_settings_features(otlp->settings, service->entries.last) &
	       otlp->service_options.features;
}

/* The families of the service; NULL where it has none. */
static struct families *families_of(struct otlp_metrics *otlp, const struct obi_service *service)
{
	struct reporter *reporter = reporters_find(otlp->reporters, service, otlp->now_ns);

	if (!reporter && has_metrics(otlp, service)) {
		make_room(otlp);
		reporter = reporters_make(otlp->reporters, service, otlp->now_ns);
		if (reporter)
			families_service(reporter_families(reporter), service, true, otlp->now_ns);
	}
	return reporter ? reporter_families(reporter) : NULL;
}

static void otlp_metrics_put_span(void *state, const struct obi_span *span)
{
	struct otlp_metrics *otlp = state;
	struct families *families;

	if (span->flags & OBI_SPAN_IGNORE_METRICS)
		return;
	families = families_of(otlp, span->service);
	if (families)
		families_put_span(families, span, otlp->now_ns);
}

static void otlp_metrics_put_flow(void *state, const struct obi_flow_record *record)
{
	struct otlp_metrics *otlp = state;

	families_put_flow(otlp->flows, record, otlp->now_ns);
}

static void otlp_metrics_service(void *state, const struct obi_service *service, bool alive)
{
	struct otlp_metrics *otlp = state;
	struct reporter *reporter;

	families_shared_service(&otlp->shared, service, alive);
	families_service(otlp->host, service, alive, otlp->now_ns);
	if (alive)
		(void)families_of(otlp, service);
	reporter = reporters_find(otlp->reporters, service, otlp->now_ns);
	if (!reporter)
		return;
	families_service(reporter_families(reporter), service, alive, otlp->now_ns);
	reporter_set_alive(reporter, alive);
}

static void otlp_metrics_tick(void *state, uint64_t now_ns)
{
	struct otlp_metrics *otlp = state;

	otlp->now_ns = now_ns;
	if (!otlp->collecting && otlp->now_ns >= otlp->next_ns) {
		otlp->next_ns += otlp->settings->otlp.metrics.interval;
		if (otlp->next_ns <= otlp->now_ns) /* we slept */
			otlp->next_ns = otlp->now_ns + otlp->settings->otlp.metrics.interval;
		begin_collection(otlp);
	}
	if (otlp->collecting)
		collect(otlp);
}

static uint64_t otlp_metrics_due(void *state)
{
	const struct otlp_metrics *otlp = state;

	return otlp->collecting ? 0 : otlp->next_ns;
}

static void otlp_metrics_close(void *state)
{
	struct otlp_metrics *otlp = state;

	while (otlp->collecting)
		collect(otlp);
	otlp->now_ns = clock_monotonic_ns();
	begin_collection(otlp);
	while (otlp->collecting)
		collect(otlp);
	if (otlp->settings->export.internal.exporter == OBI_INTERNAL_OTEL)
		internal_gather_close();
	free_otlp(otlp);
}

const struct obi_exporter exporter_otlp_metrics = {
	.name = "otlp_metrics",
	.help = "metrics to a collector",
	.wanted = otlp_metrics_wanted,
	.open = otlp_metrics_open,
	.put_span = otlp_metrics_put_span,
	.put_flow = otlp_metrics_put_flow,
	.service = otlp_metrics_service,
	.tick = otlp_metrics_tick,
	.due = otlp_metrics_due,
	.close = otlp_metrics_close,
};
