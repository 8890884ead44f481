/* SPDX-License-Identifier: Apache-2.0 */
/* target_info and obi_build_info: a constant 1 for each observed process, and for each language
 * among them. */
#ifndef OBI_EXPORT_TARGET_H
#define OBI_EXPORT_TARGET_H

#include <stdbool.h>

#include "export/metrics/registry.h"
#include "span/span.h"

struct target;
struct obi_settings;

/* Adds its tables to the registry. 0, or -ENOMEM. */
int target_new(const struct obi_settings *settings, struct metrics *metrics,
	       struct target **ret_target);
void target_free(struct target *target);

/* A process is (no longer) observed. */
void target_service(struct target *target, const struct obi_service *service, bool alive,
		    uint64_t now_ns);

/* The service as Prometheus names it: namespace/name, or the name alone, also where size bytes of
 * text do not suffice to put them together. */
struct slice target_job(const struct obi_service *service, char *text, size_t size);

#endif
