/* SPDX-License-Identifier: Apache-2.0 */
/* A service is known by name, namespace and instance. */
#ifndef OBI_METRICS_FAMILIES_SERVICE_HASH_H
#define OBI_METRICS_FAMILIES_SERVICE_HASH_H

#include <string.h>

#include "base/hash.h"
#include "span/span.h"

static inline uint64_t service_hash(const struct obi_service *service)
{
	uint64_t hash = hash_bytes(service->name, strlen(service->name), hash_seed());

	hash = hash_bytes(service->name_space, strlen(service->name_space), hash);
	return hash_bytes(service->instance, strlen(service->instance), hash);
}

#endif
