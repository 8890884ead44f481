/* SPDX-License-Identifier: Apache-2.0 */
/* What a set of metric families is made for: each exporter has options of its own. */
#ifndef OBI_METRICS_FAMILIES_FAMILY_H
#define OBI_METRICS_FAMILIES_FAMILY_H

#include "metrics/attributes.h"
#include "metrics/registry.h"

struct live_services;
struct obi_settings;
struct span_names;

enum family_buckets {
	BUCKETS_NONE,
	BUCKETS_DURATION,
	BUCKETS_REQUEST_SIZE,
	BUCKETS_RESPONSE_SIZE,
	BUCKETS_PROBE_LATENCY,
	BUCKETS_KINDS,
};

/* All that is pointed to outlives the families. */
struct family_options {
	const struct obi_settings *settings;
	enum metrics_sink sink;
	uint32_t features;         /* enum obi_feature_bit: that any service asks for */
	uint32_t instrumentations; /* enum obi_instrumentation */
	uint64_t ttl;              /* ns */
	const struct obi_floats *buckets[BUCKETS_KINDS];
	bool self_references; /* in the service graph */
	bool build_info;
	const struct obi_list *extra_resource; /* further attributes of target_info ... */
	const struct obi_list *extra_span;     /* ... and of span metrics */
	size_t services_max;                   /* that target_info is of; 0: as many as there are */
	const char *host_id;
	struct span_names *span_names; /* one for all services */
	struct live_services *live;
	struct live_services *hosted; /* those that ask for metrics of their host */
	struct metrics_options metrics;
};

#endif
