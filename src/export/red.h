/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Application metrics from spans: durations and body sizes of requests by side, and
 * what is known of each observed service (target_info, obi_build_info).
 */
#ifndef OBI_EXPORT_RED_H
#define OBI_EXPORT_RED_H

#include <stdbool.h>

#include "export/metrics/registry.h"
#include "span/span.h"

struct red;
struct obi_settings;

/* Adds its tables to the registry; settings and registry must outlive the result. 0, or -ENOMEM. */
int red_new(const struct obi_settings *settings, struct metrics *metrics, struct red **ret_red);
void red_free(struct red *red);

void red_put_span(struct red *red, const struct obi_span *span, uint64_t now_ns);

/* A process is (no longer) observed. */
void red_service(struct red *red, const struct obi_service *service, bool alive, uint64_t now_ns);

#endif
