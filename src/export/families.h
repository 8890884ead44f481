/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All metric families that a configuration asks for, fed with spans and flows: what
 * the Prometheus endpoint serves, and `obi replay --metrics` prints.
 */
#ifndef OBI_EXPORT_FAMILIES_H
#define OBI_EXPORT_FAMILIES_H

#include <stdbool.h>

#include "base/buffer.h"
#include "export/metrics/registry.h"
#include "flow/flow.h"
#include "span/span.h"

struct families;
struct obi_settings;

/* The settings must outlive the result. 0, or -ENOMEM. */
int families_new(const struct obi_settings *settings, struct families **ret_families);
void families_free(struct families *families);

/* now_ns is CLOCK_MONOTONIC in all of these; some milliseconds more or less do no harm. */
void families_put_span(struct families *families, const struct obi_span *span, uint64_t now_ns);
void families_put_flow(struct families *families, const struct obi_flow_record *record,
		       uint64_t now_ns);

/* A process is (no longer) observed. */
void families_service(struct families *families, const struct obi_service *service, bool alive,
		      uint64_t now_ns);

/* For rendering. */
struct metrics *families_metrics(struct families *families);

/* Appends everything in the Prometheus text format. */
void families_put_text(struct families *families, struct buffer *buf);

#endif
