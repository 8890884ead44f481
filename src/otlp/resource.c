// SPDX-License-Identifier: Apache-2.0
/*
 * Own attributes come from a table; what the process says in OTEL_RESOURCE_ATTRIBUTES (if nothing,
 * what that variable of this program says) is added where it does not repeat them.
 */
#include "otlp/resource.h"

#include <errno.h>
#include <stdlib.h>

#include "base/glob.h"
#include "base/host_id.h"
#include "base/pairs.h"
#include "base/percent.h"
#include "metrics/attributes.h"
#include "settings/settings.h"

#define DISTRIBUTION "opentelemetry-ebpf-instrumentation"
#define VERSION_TEXT "v" OBI_VERSION

/* Longest list of pairs that is looked at: every pair is compared with those after it. */
#define PAIRS_MAX 4096u

enum resource_attribute {
	RESOURCE_SERVICE_NAME,
	RESOURCE_SERVICE_NAMESPACE,
	RESOURCE_SERVICE_INSTANCE,
	RESOURCE_SDK_LANGUAGE,
	RESOURCE_SDK_NAME,
	RESOURCE_SDK_VERSION,
	RESOURCE_DISTRO_NAME,
	RESOURCE_DISTRO_VERSION,
	RESOURCE_HOST_NAME,
	RESOURCE_HOST_ID,
	RESOURCE_OS_TYPE,
	RESOURCE_TABLE_SIZE,
};

static const struct attribute table[RESOURCE_TABLE_SIZE] = {
	[RESOURCE_SERVICE_NAME] = { .name = "service.name", .by_default = true },
	[RESOURCE_SERVICE_NAMESPACE] = { .name = "service.namespace", .by_default = true },
	[RESOURCE_SERVICE_INSTANCE] = { .name = "service.instance.id", .by_default = true },
	[RESOURCE_SDK_LANGUAGE] = { .name = "telemetry.sdk.language", .by_default = true },
	[RESOURCE_SDK_NAME] = { .name = "telemetry.sdk.name", .by_default = true },
	[RESOURCE_SDK_VERSION] = { .name = "telemetry.sdk.version", .by_default = true },
	[RESOURCE_DISTRO_NAME] = { .name = "telemetry.distro.name", .by_default = true },
	[RESOURCE_DISTRO_VERSION] = { .name = "telemetry.distro.version", .by_default = true },
	[RESOURCE_HOST_NAME] = { .name = "host.name", .by_default = true },
	[RESOURCE_HOST_ID] = { .name = "host.id", .by_default = true },
	[RESOURCE_OS_TYPE] = { .name = "os.type", .by_default = true },
};

/* For the docs page. */
static const char *const meanings[RESOURCE_TABLE_SIZE] = {
	[RESOURCE_SERVICE_NAME] = "name of the service",
	[RESOURCE_SERVICE_NAMESPACE] = "its namespace, where it has one",
	[RESOURCE_SERVICE_INSTANCE] = "`host:PID`, PID as in the agent's /proc",
	[RESOURCE_SDK_LANGUAGE] = "language of the process: `go`, `java`, ..., or `generic`",
	[RESOURCE_SDK_NAME] = "`opentelemetry`",
	[RESOURCE_SDK_VERSION] = "version of this program",
	[RESOURCE_DISTRO_NAME] = "`opentelemetry-ebpf-instrumentation`",
	[RESOURCE_DISTRO_VERSION] = "version of this program",
	[RESOURCE_HOST_NAME] = "name of the host, as in the instance id",
	[RESOURCE_HOST_ID] = "`attributes.host_id.override`, else the machine id",
	[RESOURCE_OS_TYPE] = "`linux`",
};

struct otlp_resource {
	const struct obi_selection_list *select;
	attribute_set set;
	char host_id[128];
	struct slice pairs; /* of this program's OTEL_RESOURCE_ATTRIBUTES */
};

/* ---- Opening ---- */

int otlp_resource_new(const struct obi_settings *settings, struct otlp_resource **ret_resource)
{
	struct otlp_resource *resource = calloc(1, sizeof(*resource));

	if (!resource)
		return -ENOMEM;
	host_id(settings->pipeline.attributes.host_id, resource->host_id,
		sizeof(resource->host_id));
	resource->select = &settings->pipeline.attributes.select;
	resource->set = attributes_select_resource(resource->select, table, RESOURCE_TABLE_SIZE);
	resource->pairs = slice_cstr(getenv("OTEL_RESOURCE_ATTRIBUTES"));
	*ret_resource = resource;
	return 0;
}

void otlp_resource_free(struct otlp_resource *resource)
{
	free(resource);
}

/* ---- Pairs of OTEL_RESOURCE_ATTRIBUTES ---- */

static bool is_own(struct slice key)
{
	if (slice_equal(key, SLICE_LIT(OTLP_SCOPE_NAME_KEY)) ||
	    slice_equal(key, SLICE_LIT(OTLP_SKIP_METRICS_KEY)))
		return true;
	for (size_t i = 0; i < RESOURCE_TABLE_SIZE; i++) {
		if (slice_equal(key, slice_cstr(table[i].name)))
			return true;
	}
	return false;
}

static bool comes_again(struct slice rest, struct slice key)
{
	struct slice other, value;

	while (pairs_next(&rest, &other, &value)) {
		if (slice_equal(other, key))
			return true;
	}
	return false;
}

static bool is_selected(const struct otlp_resource *resource, struct slice key)
{
	struct attribute attribute = { .by_default = true };
	char name[OBI_GLOB_MAX];

	if (!resource->select->count)
		return true;
	if (key.len >= sizeof(name))
		return false;
	memcpy(name, key.data, key.len);
	name[key.len] = '\0';
	attribute.name = name;
	return attributes_select_resource(resource->select, &attribute, 1) != 0;
}

/* Of several values of a key, the last counts. */
static struct otlp_faults put_pairs(const struct otlp_resource *resource, struct slice pairs,
				    struct buffer *buf)
{
	struct otlp_faults faults = { 0 };
	uint8_t room[PAIRS_MAX];
	struct slice key, value;

	faults.cut = pairs.len > PAIRS_MAX;
	pairs = slice_first(pairs, PAIRS_MAX);
	while (pairs_next(&pairs, &key, &value)) {
		if (!utf8_valid(key))
			faults.cut++;
		else if (!is_own(key) && !comes_again(pairs, key) && is_selected(resource, key))
			otlp_faults_add(&faults, otlp_put_string_attribute(
							 buf, OTLP_RESOURCE_ATTRIBUTES, key,
							 percent_decode(value, room)));
	}
	return faults;
}

/* ---- The whole ---- */

/* The part of host:PID before the colon. */
static struct slice host_of(const struct obi_service *service)
{
	struct slice instance = slice_cstr(service->instance);
	const uint8_t *colon = instance.len ? memrchr(instance.data, ':', instance.len) : NULL;

	return colon ? slice_first(instance, (size_t)(colon - instance.data)) : instance;
}

struct otlp_faults otlp_resource_put(const struct otlp_resource *resource,
				     const struct obi_service *service, struct buffer *buf)
{
	const struct slice values[RESOURCE_TABLE_SIZE] = {
		[RESOURCE_SERVICE_NAME] = slice_cstr(service->name),
		[RESOURCE_SERVICE_NAMESPACE] = slice_cstr(service->name_space),
		[RESOURCE_SERVICE_INSTANCE] = slice_cstr(service->instance),
		[RESOURCE_SDK_LANGUAGE] = slice_cstr(service->language),
		[RESOURCE_SDK_NAME] = SLICE_LIT("opentelemetry"),
		[RESOURCE_SDK_VERSION] = SLICE_LIT(VERSION_TEXT),
		[RESOURCE_DISTRO_NAME] = SLICE_LIT(DISTRIBUTION),
		[RESOURCE_DISTRO_VERSION] = SLICE_LIT(VERSION_TEXT),
		[RESOURCE_HOST_NAME] = host_of(service),
		[RESOURCE_HOST_ID] = slice_cstr(resource->host_id),
		[RESOURCE_OS_TYPE] = SLICE_LIT("linux"),
	};
	struct slice pairs = slice_cstr(service->resource_attributes);
	struct otlp_faults faults = { 0 };

	for (int i = 0; i < RESOURCE_TABLE_SIZE; i++) {
		if (!(resource->set & 1u << i) || !values[i].len)
			continue;
		otlp_faults_add(&faults,
				otlp_put_string_attribute(buf, OTLP_RESOURCE_ATTRIBUTES,
							  slice_cstr(table[i].name), values[i]));
	}
	otlp_faults_add(&faults, put_pairs(resource, pairs.len ? pairs : resource->pairs, buf));
	return faults;
}

void otlp_resource_put_markdown(struct buffer *buf)
{
	buffer_put_cstr(buf, "| attribute | value |\n|---|---|\n");
	for (int i = 0; i < RESOURCE_TABLE_SIZE; i++)
		buffer_printf(buf, "| `%s` | %s |\n", table[i].name, meanings[i]);
	buffer_put_cstr(buf, "| every pair of the process's `OTEL_RESOURCE_ATTRIBUTES`, else of "
			     "this program's | as given |\n");
}
