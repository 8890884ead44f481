// SPDX-License-Identifier: Apache-2.0
#include "metrics/families/target.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "metrics/families/catalog.h"
#include "metrics/families/extra_attributes.h"
#include "metrics/families/live_services.h"
#include "metrics/families/service_cache.h"
#include "settings/settings.h"
#include "span/semconv.h"

/* Where more services speak than may be known, not each span shall make one take another's place.
 */
#define READMIT_NS NSEC_PER_SEC

#define DISTRIBUTION "opentelemetry-ebpf-instrumentation"
#define VERSION_TEXT "v" OBI_VERSION

/* In the order of the labels' names. */
enum target_attribute {
	TARGET_HOST_ID,
	TARGET_HOST_NAME,
	TARGET_INSTANCE,
	TARGET_JOB,
	TARGET_OS_TYPE,
	TARGET_SERVICE_INSTANCE,
	TARGET_SERVICE_NAME,
	TARGET_SERVICE_NAMESPACE,
	TARGET_SOURCE,
	TARGET_DISTRO_NAME,
	TARGET_DISTRO_VERSION,
	TARGET_SDK_LANGUAGE,
	TARGET_SDK_NAME,
	TARGET_SDK_VERSION,
	TARGET_ATTRIBUTES,
};

static const struct attribute attributes[TARGET_ATTRIBUTES] = {
	[TARGET_HOST_ID] = { "host.id", true, 0 },
	[TARGET_HOST_NAME] = { "host.name", true, 0 },
	[TARGET_INSTANCE] = { "instance", true, SINK_PROMETHEUS },
	[TARGET_JOB] = { "job", true, SINK_PROMETHEUS },
	[TARGET_OS_TYPE] = { "os.type", true, 0 },
	[TARGET_SERVICE_INSTANCE] = { "service.instance.id", true, SINK_OTLP },
	[TARGET_SERVICE_NAME] = { "service.name", true, 0 },
	[TARGET_SERVICE_NAMESPACE] = { "service.namespace", true, 0 },
	[TARGET_SOURCE] = { "source", true, 0 },
	[TARGET_DISTRO_NAME] = { "telemetry.distro.name", true, 0 },
	[TARGET_DISTRO_VERSION] = { "telemetry.distro.version", true, 0 },
	[TARGET_SDK_LANGUAGE] = { "telemetry.sdk.language", true, 0 },
	[TARGET_SDK_NAME] = { "telemetry.sdk.name", true, 0 },
	[TARGET_SDK_VERSION] = { "telemetry.sdk.version", true, 0 },
};

static const struct attribute of_build[] = {
	{ "goarch", true, 0 },   { "goos", true, 0 },        { "goversion", true, 0 },
	{ "revision", true, 0 }, { "target_lang", true, 0 }, { "version", true, 0 },
};

const struct attribute_group target_attributes = { attributes, TARGET_ATTRIBUTES };
const struct attribute_group build_attributes = { of_build, ARRAY_SIZE(of_build) };

static const enum metric_id ids[] = { METRIC_TARGET_INFO, METRIC_TRACES_TARGET_INFO };

struct target {
	const struct family_options *options;
	struct metric_table *infos[ARRAY_SIZE(ids)]; /* NULL: not asked for */
	struct metric_table *build;                  /* NULL: not asked for */
	attribute_set set;
	struct attribute_row attributes;
	struct service_cache *known; /* NULL: there is no bound */
	bool crowded;                /* some were forgotten */
	uint64_t readmit_ns;         /* when the next one of those may come back */
};

/* ---- Opening ---- */

static int add_build(struct target *target, struct metrics *metrics)
{
	struct metric_desc desc = metric_describe(target->options, METRIC_BUILD_INFO);
	const char *names[ARRAY_SIZE(of_build)];
	size_t count = attributes_names(UINT32_MAX, of_build, ARRAY_SIZE(of_build), names);

	return metrics_add_table(metrics, &desc, 1, names, count, 0, &target->build);
}

int target_new(const struct family_options *options, struct metrics *metrics,
	       struct target **ret_target)
{
	struct target *target = calloc(1, sizeof(*target));
	int e = 0;

	if (!target)
		return -ENOMEM;
	target->options = options;
	if (options->services_max)
		target->known = service_cache_new(options->services_max);
	if (options->services_max && !target->known)
		e = -ENOMEM;
	target->set = attributes_for(options->sink, attributes, TARGET_ATTRIBUTES) &
		      attributes_select_resource(&options->settings->pipeline.attributes.select,
						 attributes, TARGET_ATTRIBUTES);
	attribute_row_init(&target->attributes, attributes, TARGET_ATTRIBUTES, target->set,
			   options->extra_resource);
	for (size_t i = 0; e == 0 && i < ARRAY_SIZE(ids); i++) {
		struct metric_desc desc = metric_describe(options, ids[i]);

		if (metric_wanted(options, ids[i]))
			e = metrics_add_table(metrics, &desc, 1, target->attributes.names,
					      target->attributes.count, 0, &target->infos[i]);
	}
	if (e == 0 && options->build_info && metric_wanted(options, METRIC_BUILD_INFO))
		e = add_build(target, metrics);
	if (e) {
		target_free(target);
		return e;
	}
	*ret_target = target;
	return 0;
}

void target_free(struct target *target)
{
	if (!target)
		return;
	service_cache_free(target->known);
	free(target);
}

/* ---- Services ---- */

static void put_build(const struct target *target, const char *language, uint64_t now_ns)
{
	const struct slice values[] = {
		SLICE_LIT(OBI_GOARCH), SLICE_LIT("linux"),   SLICE_LIT(""),
		SLICE_LIT(""),         slice_cstr(language), SLICE_LIT(VERSION_TEXT),
	};
	struct metric_row *row = metric_table_row(target->build, values, now_ns);

	if (row)
		metric_set(metric_table_metric(target->build, 0), row, 1);
}

static void put_info(const struct target *target, struct metric_table *table,
		     const struct slice *values, bool wanted, uint64_t now_ns)
{
	const attribute_set instance = 1u << TARGET_INSTANCE | 1u << TARGET_SERVICE_INSTANCE;
	struct metric_row *row;

	if (!wanted) {
		/* Without it several processes may share the row. */
		if (target->set & instance)
			metric_table_remove(table, values);
		return;
	}
	row = metric_table_row(table, values, now_ns);
	if (row)
		metric_set(metric_table_metric(table, 0), row, 1);
}

static void put_service(const struct target *target, const struct obi_service *service, bool alive,
			uint64_t now_ns)
{
	uint32_t features = obi_settings_features(target->options->settings, service->entries.last);
	char job[sizeof(service->name_space) + sizeof(service->name) + 1];
	struct slice values[METRICS_LABELS_MAX];
	struct attribute_room room;
	const struct slice fixed[TARGET_ATTRIBUTES] = {
		[TARGET_HOST_ID] = slice_cstr(target->options->host_id),
		[TARGET_HOST_NAME] = service_host(service),
		[TARGET_INSTANCE] = slice_cstr(service->instance),
		[TARGET_JOB] = service_job(service, job, sizeof(job)),
		[TARGET_OS_TYPE] = SLICE_LIT("linux"),
		[TARGET_SERVICE_INSTANCE] = slice_cstr(service->instance),
		[TARGET_SERVICE_NAME] = slice_cstr(service->name),
		[TARGET_SERVICE_NAMESPACE] = slice_cstr(service->name_space),
		[TARGET_SOURCE] = SLICE_LIT("obi"),
		[TARGET_DISTRO_NAME] = SLICE_LIT(DISTRIBUTION),
		[TARGET_DISTRO_VERSION] = SLICE_LIT(VERSION_TEXT),
		[TARGET_SDK_LANGUAGE] = slice_cstr(service->language),
		[TARGET_SDK_NAME] = SLICE_LIT("opentelemetry"),
		[TARGET_SDK_VERSION] = SLICE_LIT(VERSION_TEXT),
	};

	attribute_row_values(&target->attributes, service, fixed, &room, values);
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		bool wanted = alive && features & metric_catalog[ids[i]].features;

		if (target->infos[i])
			put_info(target, target->infos[i], values, wanted, now_ns);
	}
	if (alive && target->build && features & metric_catalog[METRIC_BUILD_INFO].features)
		put_build(target, service->language, now_ns);
}

/* False where there is no memory to know it. */
static bool remember(struct target *target, const struct obi_service *service, uint64_t now_ns)
{
	struct obi_service forgotten;
	int forgot = service_cache_put(target->known, service, &forgotten);

	if (forgot > 0) {
		target->crowded = true;
		put_service(target, &forgotten, false, now_ns);
	}
	return forgot >= 0;
}

static bool has_info(const struct target *target, const struct obi_service *service)
{
	uint32_t features = obi_settings_features(target->options->settings, service->entries.last);

	return features & (metric_catalog[METRIC_TARGET_INFO].features |
			   metric_catalog[METRIC_TRACES_TARGET_INFO].features);
}

void target_service(struct target *target, const struct obi_service *service, bool alive,
		    uint64_t now_ns)
{
	bool wanted = alive && has_info(target, service);

	if (target->known && !wanted)
		service_cache_drop(target->known, service);
	if (target->known && wanted)
		wanted = remember(target, service, now_ns);
	put_service(target, service, wanted, now_ns);
}

void target_span(struct target *target, const struct obi_service *service, uint64_t now_ns)
{
	if (!target->crowded || service_cache_use(target->known, service) ||
	    now_ns < target->readmit_ns || !has_info(target, service) ||
	    !live_services_observes(target->options->live, service))
		return;
	target->readmit_ns = now_ns + READMIT_NS;
	target_service(target, service, true, now_ns);
}
