/* SPDX-License-Identifier: Apache-2.0 */
/* Services, bounded in number: one too many takes the place of the one not used for longest. */
#ifndef OBI_METRICS_FAMILIES_SERVICE_CACHE_H
#define OBI_METRICS_FAMILIES_SERVICE_CACHE_H

#include <stdbool.h>
#include <stddef.h>

#include "span/span.h"

struct service_cache;

/* max is at least 1. NULL when out of memory. */
struct service_cache *service_cache_new(size_t max);
void service_cache_free(struct service_cache *cache);

/* It is the last used one now; false where it is not there. */
bool service_cache_use(struct service_cache *cache, const struct obi_service *service);

/* The same, put in where it is not there. 0; 1 where that forgot the one in ret_forgotten; -ENOMEM:
 * it is not there. */
int service_cache_put(struct service_cache *cache, const struct obi_service *service,
		      struct obi_service *ret_forgotten);

void service_cache_drop(struct service_cache *cache, const struct obi_service *service);

#endif
