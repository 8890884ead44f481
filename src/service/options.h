/* SPDX-License-Identifier: Apache-2.0 */
/* Which processes to instrument: `discovery.*` and its shorthands at the top level. */
#ifndef OBI_SERVICE_OPTIONS_H
#define OBI_SERVICE_OPTIONS_H

#include "config/option.h"
#include "metrics/features.h"
#include "span/sampler.h"

/* Rows of obi_later_criteria_rows: this number may only become smaller. */
#define OBI_LATER_CRITERIA 14

enum obi_signal_bit {
	OBI_SIGNAL_METRICS = 1u << 0,
	OBI_SIGNAL_TRACES = 1u << 1,
	OBI_SIGNAL_LOGS = 1u << 2,
};

/* One entry of discovery.instrument and of the exclude lists, or of discovery.services and its
 * kin, where patterns are regular expressions. All that is given must match; "" and empty ranges
 * ask nothing. Globs match the whole string, regular expressions anywhere. */
struct obi_criteria {
	struct obi_ranges open_ports;  /* any port that the process listens on */
	const char *exe_path;          /* glob over the full executable path */
	const char *exe_path_regexp;   /* regular expression over the same */
	const char *languages;         /* glob over the detected language */
	const char *cmd_args;          /* glob over the command line after its first blank */
	struct obi_ranges target_pids; /* any of them */
	const char *name;              /* service.name of what matched, "" = found out */
	const char *name_space;        /* service.namespace, likewise */
	struct obi_flags exports;      /* enum obi_signal_bit: to export; not set: all */
	struct obi_sampler_options sampler;
	struct obi_list routes_incoming; /* before what is harvested, after routes.patterns */
	struct obi_list routes_outgoing;
	struct obi_flags features; /* enum obi_feature_bit: metrics; not set: as everywhere */
	union obi_slot later[OBI_LATER_CRITERIA]; /* of rows that do nothing yet */
	/* Derived: asks for something that cannot be found out yet (Kubernetes metadata, ...), so
	 * it matches nothing, whatever else it says. */
	bool never;
	bool regex; /* derived: the patterns are regular expressions */
};

struct obi_criteria_list {
	struct obi_criteria *items;
	size_t count;
	bool set;
};

struct obi_discovery_options {
	struct obi_ranges open_port;
	struct obi_ranges target_pids;
	const char *auto_target_exe;      /* glob */
	const char *auto_target_language; /* glob */
	struct obi_criteria_list instrument;
	struct obi_criteria_list exclude_instrument;
	struct obi_criteria_list default_exclude_instrument;
	const char *executable_path; /* regular expression */
	struct obi_criteria_list services;
	struct obi_criteria_list exclude_services;
	struct obi_criteria_list default_exclude_services;
	bool exclude_otel_instrumented; /* what a process exports itself is left to it ... */
	bool exclude_otel_instrumented_span_metrics; /* ... metrics of spans, too */
	/* Derived: which of the lists count, and what to call the first of them. The services are
	 * only read where nothing is said of instrument and exclude_instrument. */
	struct obi_criteria_list chosen;
	struct obi_criteria_list excluded;
	struct obi_criteria_list excluded_by_default;
	const char *chosen_key;
	/* Derived, what a selection goes by: the chosen entries, then one made of open_port,
	 * auto_target_exe and auto_target_language together; or, where target_pids is given, one of
	 * those pids alone. Later entries win for name and namespace. */
	struct obi_criteria_list selected;
};

extern const struct obi_options obi_discovery_option_rows;

/* The rows of one struct obi_criteria; those that do nothing yet stand in settings/later.c, with
 * all others of their kind. */
extern const struct obi_options obi_criteria_option_rows;
extern const struct obi_options obi_later_criteria_rows;
extern const struct obi_options obi_later_regex_criteria_rows;
extern const struct obi_group obi_criteria_groups[];
extern const struct obi_group obi_regex_criteria_groups[];

#endif
