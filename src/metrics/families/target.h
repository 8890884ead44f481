/* SPDX-License-Identifier: Apache-2.0 */
/* target_info, traces_target_info and obi_build_info: a constant 1 for each observed process, and
 * for each language among them. */
#ifndef OBI_METRICS_FAMILIES_TARGET_H
#define OBI_METRICS_FAMILIES_TARGET_H

#include <stdbool.h>

#include "metrics/families/family.h"
#include "span/span.h"

/* The processor by its name in Go, as build information has it. */
#ifdef __aarch64__
#define OBI_GOARCH "arm64"
#else
#define OBI_GOARCH "amd64"
#endif

struct target;

extern const struct attribute_group target_attributes;
extern const struct attribute_group build_attributes;

/* Adds its tables to the registry: those that the features ask for. options and registry must
 * outlive the result. 0, or -ENOMEM. */
int target_new(const struct family_options *options, struct metrics *metrics,
	       struct target **ret_target);
void target_free(struct target *target);

/* A process is (no longer) observed. */
void target_service(struct target *target, const struct obi_service *service, bool alive,
		    uint64_t now_ns);

/* One of its spans: a service that was forgotten is known again. */
void target_span(struct target *target, const struct obi_service *service, uint64_t now_ns);

#endif
