// SPDX-License-Identifier: Apache-2.0
#include "export/target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "export/attributes.h"
#include "settings/settings.h"

#define DISTRIBUTION "opentelemetry-ebpf-instrumentation"
#define VERSION_TEXT "v" OBI_VERSION

#ifdef __aarch64__
#define GOARCH "arm64"
#else
#define GOARCH "amd64"
#endif

/* In the order of the labels' names. */
enum target_attribute {
	TARGET_HOST_ID,
	TARGET_HOST_NAME,
	TARGET_INSTANCE,
	TARGET_JOB,
	TARGET_OS_TYPE,
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
	[TARGET_HOST_ID] = { "host.id", "host_id", true },
	[TARGET_HOST_NAME] = { "host.name", "host_name", true },
	[TARGET_INSTANCE] = { "instance", "instance", true },
	[TARGET_JOB] = { "job", "job", true },
	[TARGET_OS_TYPE] = { "os.type", "os_type", true },
	[TARGET_SERVICE_NAME] = { "service.name", "service_name", true },
	[TARGET_SERVICE_NAMESPACE] = { "service.namespace", "service_namespace", true },
	[TARGET_SOURCE] = { "source", "source", true },
	[TARGET_DISTRO_NAME] = { "telemetry.distro.name", "telemetry_distro_name", true },
	[TARGET_DISTRO_VERSION] = { "telemetry.distro.version", "telemetry_distro_version", true },
	[TARGET_SDK_LANGUAGE] = { "telemetry.sdk.language", "telemetry_sdk_language", true },
	[TARGET_SDK_NAME] = { "telemetry.sdk.name", "telemetry_sdk_name", true },
	[TARGET_SDK_VERSION] = { "telemetry.sdk.version", "telemetry_sdk_version", true },
};

static const char *const build_labels[] = { "goarch",   "goos",        "goversion",
					    "revision", "target_lang", "version" };

struct target {
	struct metric_table *info;
	struct metric_table *build; /* NULL: disable_build_info */
	attribute_set set;
	char host_id[64];
};

/* ---- Opening ---- */

/* machine-id(5): 32 digits and a new line. */
static void read_host_id(char *ret_id, size_t size)
{
	static const char *const paths[] = { "/etc/machine-id", "/var/lib/dbus/machine-id" };

	ret_id[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(paths) && !ret_id[0]; i++) {
		_cleanup_fclose_ FILE *file = fopen(paths[i], "re");

		if (!file || !fgets(ret_id, (int)size, file))
			ret_id[0] = '\0';
		ret_id[strcspn(ret_id, "\n")] = '\0';
	}
}

int target_new(const struct obi_settings *settings, struct metrics *metrics,
	       struct target **ret_target)
{
	const struct metric_desc info = {
		.name = "target_info",
		.help = "attributes associated to a given monitored entity",
		.type = METRIC_GAUGE,
	};
	const struct metric_desc build = {
		.name = "obi_build_info",
		.help = "A metric with a constant '1' value labeled by version, revision, branch, "
			"goversion from which OBI was built, the goos and goarch for the build, "
			"and the language of the reported services",
		.type = METRIC_GAUGE,
	};
	struct target *target = calloc(1, sizeof(*target));
	const char *labels[TARGET_ATTRIBUTES];
	size_t count;
	int error;

	if (!target)
		return -ENOMEM;
	read_host_id(target->host_id, sizeof(target->host_id));
	target->set = attributes_select_resource(&settings->pipeline.attributes.select, attributes,
						 TARGET_ATTRIBUTES);
	count = attributes_labels(target->set, attributes, TARGET_ATTRIBUTES, labels);
	error = metrics_add_table(metrics, &info, 1, labels, count, 0, &target->info);
	if (!error && !settings->export.prometheus.disable_build_info)
		error = metrics_add_table(metrics, &build, 1, build_labels,
					  ARRAY_SIZE(build_labels), 0, &target->build);
	if (error) {
		target_free(target);
		return error;
	}
	*ret_target = target;
	return 0;
}

void target_free(struct target *target)
{
	free(target);
}

/* ---- Services ---- */

struct slice target_job(const struct obi_service *service, char *text, size_t size)
{
	size_t space = strlen(service->name_space), name = strlen(service->name);

	if (!space || space + 1 + name > size)
		return slice_of(service->name, name);
	memcpy(text, service->name_space, space);
	text[space] = '/';
	memcpy(text + space + 1, service->name, name);
	return slice_of(text, space + 1 + name);
}

/* The part of host:PID before the colon. */
static struct slice host_of(const char *instance)
{
	const char *colon = strrchr(instance, ':');

	return slice_of(instance, colon ? (size_t)(colon - instance) : strlen(instance));
}

static void put_build(const struct target *target, const char *language, uint64_t now_ns)
{
	const struct slice values[] = {
		SLICE_LIT(GOARCH), SLICE_LIT("linux"),   SLICE_LIT(""),
		SLICE_LIT(""),     slice_cstr(language), SLICE_LIT(VERSION_TEXT),
	};
	struct metric_row *row = metric_table_row(target->build, values, now_ns);

	if (row)
		metric_set(metric_table_metric(target->build, 0), row, 1);
}

static void put_info(const struct target *target, const struct slice *values, bool alive,
		     uint64_t now_ns)
{
	struct slice selected[TARGET_ATTRIBUTES];
	struct metric_row *row;
	size_t used = 0;

	for (int i = 0; i < TARGET_ATTRIBUTES; i++) {
		if (target->set & 1u << i)
			selected[used++] = values[i];
	}
	if (!alive) {
		/* Without it several processes may share the row. */
		if (target->set & 1u << TARGET_INSTANCE)
			metric_table_remove(target->info, selected);
		return;
	}
	row = metric_table_row(target->info, selected, now_ns);
	if (row)
		metric_set(metric_table_metric(target->info, 0), row, 1);
}

void target_service(struct target *target, const struct obi_service *service, bool alive,
		    uint64_t now_ns)
{
	char job[sizeof(service->name_space) + sizeof(service->name) + 1];
	const struct slice values[TARGET_ATTRIBUTES] = {
		[TARGET_HOST_ID] = slice_cstr(target->host_id),
		[TARGET_HOST_NAME] = host_of(service->instance),
		[TARGET_INSTANCE] = slice_cstr(service->instance),
		[TARGET_JOB] = target_job(service, job, sizeof(job)),
		[TARGET_OS_TYPE] = SLICE_LIT("linux"),
		[TARGET_SERVICE_NAME] = slice_cstr(service->name),
		[TARGET_SERVICE_NAMESPACE] = slice_cstr(service->name_space),
		[TARGET_SOURCE] = SLICE_LIT("obi"),
		[TARGET_DISTRO_NAME] = SLICE_LIT(DISTRIBUTION),
		[TARGET_DISTRO_VERSION] = SLICE_LIT(VERSION_TEXT),
		[TARGET_SDK_LANGUAGE] = slice_cstr(service->language),
		[TARGET_SDK_NAME] = SLICE_LIT("opentelemetry"),
		[TARGET_SDK_VERSION] = SLICE_LIT(VERSION_TEXT),
	};

	put_info(target, values, alive, now_ns);
	if (alive && target->build)
		put_build(target, service->language, now_ns);
}
