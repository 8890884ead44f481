/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to a span between parser and exporter: `routes.*`, `attributes.*`, `filter.*`, and
 * the sampler of traces. */
#ifndef OBI_PIPELINE_OPTIONS_H
#define OBI_PIPELINE_OPTIONS_H

#include "config/option.h"
#include "pipeline/filter.h"
#include "span/sampler.h"

enum obi_unmatched {
	OBI_UNMATCHED_UNSET,
	OBI_UNMATCHED_PATH,
	OBI_UNMATCHED_WILDCARD,
	OBI_UNMATCHED_HEURISTIC,
	OBI_UNMATCHED_LOW_CARDINALITY,
};

/* Bits: what an ignored route is kept out of. */
enum obi_ignore_mode {
	OBI_IGNORE_METRICS = 0x1,
	OBI_IGNORE_TRACES = 0x2,
	OBI_IGNORE_ALL = 0x3,
};

struct obi_routes_options {
	struct obi_list patterns;
	struct obi_list ignored_patterns;
	int ignore_mode;           /* enum obi_ignore_mode */
	int unmatched;             /* enum obi_unmatched */
	const char *wildcard_char; /* one byte, never "" */
	int64_t max_path_segment_cardinality;
};

/* attributes.select: which attributes a metric carries. Dots and underscores mean the same
 * in metric and attribute names; here they stand as given. */
struct obi_selection {
	const char *metric; /* glob, or "traces", "resource" */
	struct obi_list include;
	struct obi_list exclude;
};

struct obi_selection_list {
	struct obi_selection *items;
	size_t count;
	bool set;
};

struct obi_attributes_options {
	struct obi_selection_list select; /* in the order of the file */
	bool instance_dns;                /* look the host's full name up */
	const char *override_hostname;    /* "" = none */
	const char *host_id;              /* "" = the machine's */
	const char *rename_unresolved;    /* "" = leave addresses as they are */
	const char *rename_unresolved_outgoing;
	const char *rename_unresolved_incoming;
	struct obi_list sensitive_add;
	struct obi_list sensitive_remove;
	struct obi_list sensitive_allow_only; /* where set */
};

struct obi_pipeline_options {
	struct obi_attributes_options attributes;
	struct obi_routes_options routes;
	struct obi_filter filter_spans;
	struct obi_filter filter_flows;
	struct obi_sampler_options sampler;
};

extern const struct obi_options obi_pipeline_option_rows;

#endif
