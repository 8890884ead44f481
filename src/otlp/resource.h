/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The resource of a service (opentelemetry/proto/resource/v1/resource.proto): the attributes that
 * all its telemetry has in common. `attributes.select` with the key `resource` takes attributes
 * away, and names those that stay.
 */
#ifndef OBI_OTLP_RESOURCE_H
#define OBI_OTLP_RESOURCE_H

#include "otlp/key_value.h"
#include "span/span.h"

struct obi_settings;
struct otlp_resource;

enum otlp_resource_field {
	OTLP_RESOURCE_ATTRIBUTES = 1,
};

/* Keys that the owner of a Resource may add: a process's own pairs never have them. */
#define OTLP_SCOPE_NAME_KEY "otel.scope.name"
#define OTLP_SKIP_METRICS_KEY "span.metrics.skip"

/* Reads what is known of this host, from files too: before the sandbox closes. settings must
 * outlive the result. 0, or -ENOMEM. */
int otlp_resource_new(const struct obi_settings *settings, struct otlp_resource **ret_resource);
void otlp_resource_free(struct otlp_resource *resource);

/* Appends the attributes of the service: the content of a Resource, to which its owner may add
 * further ones. No key comes twice. Returns what had to be done to their texts; a pair of the
 * process's OTEL_RESOURCE_ATTRIBUTES whose key is no UTF-8 is left out and counts as cut. */
struct otlp_faults otlp_resource_put(const struct otlp_resource *resource,
				     const struct obi_service *service, struct buffer *buf);

/* The table of the attributes as a part of a docs page. */
void otlp_resource_put_markdown(struct buffer *buf);

#endif
