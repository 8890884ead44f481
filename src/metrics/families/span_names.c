// SPDX-License-Identifier: Apache-2.0
#include "metrics/families/span_names.h"

#include <stdlib.h>

#include "base/hash.h"
#include "metrics/families/hash_counts.h"

struct span_names {
	int64_t limit;
	struct hash_counts names;    /* 1 for each that is known */
	struct hash_counts services; /* names of each */
};

struct span_names *span_names_new(int64_t limit)
{
	struct span_names *names = calloc(1, sizeof(*names));

	if (names)
		names->limit = limit;
	return names;
}

void span_names_free(struct span_names *names)
{
	if (!names)
		return;
	hash_counts_free(&names->names);
	hash_counts_free(&names->services);
	free(names);
}

/* Is there room for one more name of the service? Then it is taken. */
static bool take_name(struct span_names *names, uint64_t service, uint64_t name)
{
	uint32_t *count = hash_counts_make(&names->services, service, SPAN_NAMES_MAX), *known;

	if (!count || *count >= names->limit)
		return false;
	known = hash_counts_make(&names->names, name, SPAN_NAMES_MAX);
	if (!known)
		return false;
	*known = 1;
	*count += 1;
	return true;
}

struct slice span_names_limit(struct span_names *names, const struct obi_service *service,
			      struct slice name)
{
	uint64_t service_hash, name_hash;

	if (names->limit <= 0)
		return name;
	service_hash = hash_bytes(service->name_space, strlen(service->name_space), hash_seed());
	service_hash = hash_bytes(service->name, strlen(service->name), service_hash);
	name_hash = hash_bytes(name.data, name.len, service_hash);
	if (hash_counts_find(&names->names, name_hash) || take_name(names, service_hash, name_hash))
		return name;
	return SLICE_LIT("AGGREGATED");
}
