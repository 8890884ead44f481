/* SPDX-License-Identifier: Apache-2.0 */
/* Which services are observed here, by name: a call to any other is one to a stranger. */
#ifndef OBI_METRICS_FAMILIES_LIVE_SERVICES_H
#define OBI_METRICS_FAMILIES_LIVE_SERVICES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "span/span.h"

struct live_services;

/* NULL when out of memory. */
struct live_services *live_services_new(void);
void live_services_free(struct live_services *live);

/* A process is (no longer) observed. */
void live_services_put(struct live_services *live, const struct obi_service *service, bool alive);

/* Is this very process observed? */
bool live_services_observes(const struct live_services *live, const struct obi_service *service);

/* Processes observed now. */
size_t live_services_count(const struct live_services *live);

bool live_services_has(const struct live_services *live, struct slice name);

#endif
