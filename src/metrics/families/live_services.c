// SPDX-License-Identifier: Apache-2.0
#include "metrics/families/live_services.h"

#include <stdlib.h>

#include "base/hash.h"
#include "metrics/families/hash_counts.h"

/* As many as the table of processes holds, and more than there are names. */
#define SERVICES_MAX 16384

struct live_services {
	struct hash_counts processes; /* 1 for each pid that is observed */
	struct hash_counts names;     /* processes of each */
	size_t count;
};

struct live_services *live_services_new(void)
{
	return calloc(1, sizeof(struct live_services));
}

void live_services_free(struct live_services *live)
{
	if (!live)
		return;
	hash_counts_free(&live->processes);
	hash_counts_free(&live->names);
	free(live);
}

static uint64_t name_hash(struct slice name)
{
	return hash_bytes(name.data, name.len, hash_seed());
}

/* A process that is told of again may have got another name: its old one is what it is known by. */
static uint64_t process_hash(const struct obi_service *service)
{
	return hash_bytes(&service->pid, sizeof(service->pid),
			  name_hash(slice_cstr(service->name)));
}

void live_services_put(struct live_services *live, const struct obi_service *service, bool alive)
{
	uint64_t process = process_hash(service);
	uint32_t *known = hash_counts_make(&live->processes, process, SERVICES_MAX);
	uint32_t *name =
		hash_counts_make(&live->names, name_hash(slice_cstr(service->name)), SERVICES_MAX);

	if (!known || !name || *known == alive)
		return;
	*known = alive;
	*name += alive ? 1 : -1u;
	live->count += alive ? 1 : (size_t)-1;
}

bool live_services_observes(const struct live_services *live, const struct obi_service *service)
{
	const uint32_t *known = hash_counts_find(&live->processes, process_hash(service));

	return known && *known;
}

size_t live_services_count(const struct live_services *live)
{
	return live->count;
}

bool live_services_has(const struct live_services *live, struct slice name)
{
	const uint32_t *count = hash_counts_find(&live->names, name_hash(name));

	return count && *count;
}
