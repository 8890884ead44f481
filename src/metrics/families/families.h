/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All metric families that a configuration asks for, fed with spans and flows: what
 * the Prometheus endpoint serves, `obi replay --metrics` prints, and OTLP sends.
 */
#ifndef OBI_METRICS_FAMILIES_FAMILIES_H
#define OBI_METRICS_FAMILIES_FAMILIES_H

#include <stdbool.h>

#include "base/buffer.h"
#include "flow/flow.h"
#include "metrics/families/family.h"
#include "obi/bpf.h"
#include "span/span.h"

struct families;

/* What several families share: room for series, what is known of all services, the host's id. */
struct families_shared {
	const struct obi_settings *settings;
	struct metrics_pool pool;
	struct span_names *span_names;
	struct live_services *live;
	struct live_services *hosted; /* those that ask for metrics of their host */
	char host_id[128];
};

/* Reads the host's id from a file: before the sandbox closes. 0, or -ENOMEM. */
int families_shared_init(const struct obi_settings *settings, struct families_shared *shared);
void families_shared_free(struct families_shared *shared);

/* A process is (no longer) observed. */
void families_shared_service(struct families_shared *shared, const struct obi_service *service,
			     bool alive);

/* What the configuration says of Prometheus, or of OTLP; shared and settings must outlive it. */
struct family_options families_options(const struct obi_settings *settings, enum metrics_sink sink,
				       struct families_shared *shared);

/* Those that Prometheus has, with a shared part of their own; settings must outlive the result.
 * 0, or -ENOMEM. */
int families_new(const struct obi_settings *settings, struct families **ret_families);

/* options must outlive the result. Keeping shared up to date is the caller's. 0, or -ENOMEM. */
int families_new_with(const struct family_options *options, struct families **ret_families);

void families_free(struct families *families);

/* now_ns is CLOCK_MONOTONIC in all of these; some milliseconds more or less do no harm. */
void families_put_span(struct families *families, const struct obi_span *span, uint64_t now_ns);
void families_put_flow(struct families *families, const struct obi_flow_record *record,
		       uint64_t now_ns);

void families_put_program(struct families *families, const struct obi_bpf_program *program,
			  uint64_t now_ns);
void families_put_map(struct families *families, const struct obi_bpf_map *map, uint64_t now_ns);

/* A process is (no longer) observed. */
void families_service(struct families *families, const struct obi_service *service, bool alive,
		      uint64_t now_ns);

/* For rendering. */
struct metrics *families_metrics(struct families *families);

/* Appends everything in the Prometheus text format. */
void families_put_text(struct families *families, struct buffer *buf);

#endif
