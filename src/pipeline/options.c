// SPDX-License-Identifier: Apache-2.0
#include "pipeline/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/check.h"

#define ROW(member_, ...) OBI_ROW(struct obi_pipeline_options, member_, __VA_ARGS__)
#define SELECTION_ROW(member_, ...) OBI_ROW(struct obi_selection, member_, __VA_ARGS__)

static const struct obi_name unmatched_modes[] = {
	{ "unset", OBI_UNMATCHED_UNSET },
	{ "path", OBI_UNMATCHED_PATH },
	{ "wildcard", OBI_UNMATCHED_WILDCARD },
	{ "", OBI_UNMATCHED_WILDCARD },
	{ "heuristic", OBI_UNMATCHED_HEURISTIC },
	{ "low-cardinality", OBI_UNMATCHED_LOW_CARDINALITY },
	{ NULL, 0 },
};

static const struct obi_name ignore_modes[] = {
	{ "all", OBI_IGNORE_ALL },
	{ "traces", OBI_IGNORE_TRACES },
	{ "metrics", OBI_IGNORE_METRICS },
	{ NULL, 0 },
};

static int check_one_byte(const void *field, char *why, size_t why_size)
{
	const char *text = *(const char *const *)field;

	if (strlen(text) == 1 && *text > ' ' && *text < 0x7f)
		return 0;
	(void)snprintf(why, why_size, "one ASCII character");
	return -EINVAL;
}

static const struct obi_option selection_rows[] = {
	SELECTION_ROW(include, "include", NULL, LIST, NULL,
		      "attributes to add, globs; without it a metric starts from its defaults",
		      .check = obi_check_glob_item),
	SELECTION_ROW(exclude, "exclude", NULL, LIST, NULL, "attributes to take away, globs",
		      .check = obi_check_glob_item),
};

static const struct obi_options selection_options = {
	.title = "Selection",
	.rows = selection_rows,
	.count = ARRAY_SIZE(selection_rows),
};

static const struct obi_group selection_groups[] = {
	{ &selection_options, 0 },
	{ NULL, 0 },
};

#define CLAUSES                                                                                    \
	.element = obi_filter_clause_groups, .element_size = sizeof(struct obi_filter_clause)

static const struct obi_option rows[] = {
	ROW(attributes.select, "attributes.select", NULL, MAP, NULL,
	    "which attributes a metric carries, by metric name or glob; also traces, resource",
	    .element = selection_groups, .element_size = sizeof(struct obi_selection)),
	ROW(attributes.instance_dns, "attributes.instance_id.dns",
	    "OTEL_EBPF_HOSTNAME_DNS_RESOLUTION", BOOL, "true",
	    "use the host's full DNS name in service.instance.id"),
	ROW(attributes.override_hostname, "attributes.instance_id.override_hostname",
	    "OTEL_EBPF_HOSTNAME", STRING, NULL, "host name to use instead"),
	ROW(attributes.host_id, "attributes.host_id.override", "OTEL_EBPF_HOST_ID", STRING, NULL,
	    "host.id to use instead of the machine id"),
	ROW(attributes.rename_unresolved, "attributes.rename_unresolved_hosts",
	    "OTEL_EBPF_RENAME_UNRESOLVED_HOSTS", STRING, "unresolved",
	    "metric value in place of an address without a name, own side; empty: the address"),
	ROW(attributes.rename_unresolved_outgoing, "attributes.rename_unresolved_hosts_outgoing",
	    "OTEL_EBPF_RENAME_UNRESOLVED_HOSTS_OUTGOING", STRING, "outgoing",
	    "the same for the server of a client span"),
	ROW(attributes.rename_unresolved_incoming, "attributes.rename_unresolved_hosts_incoming",
	    "OTEL_EBPF_RENAME_UNRESOLVED_HOSTS_INCOMING", STRING, "incoming",
	    "the same for the client of a server span"),
	ROW(attributes.sensitive_add, "attributes.sensitive_query_params.add",
	    "OTEL_EBPF_SENSITIVE_QUERY_PARAMS_ADD", LIST, NULL,
	    "further query parameters whose values are redacted", .check = obi_check_text_item),
	ROW(attributes.sensitive_remove, "attributes.sensitive_query_params.remove",
	    "OTEL_EBPF_SENSITIVE_QUERY_PARAMS_REMOVE", LIST, NULL,
	    "query parameters that are not redacted after all", .check = obi_check_text_item),
	ROW(attributes.sensitive_allow_only, "attributes.sensitive_query_params.allow_only",
	    "OTEL_EBPF_SENSITIVE_QUERY_PARAMS_ALLOW_ONLY", LIST, NULL,
	    "the only query parameters that are not redacted; the other two lists do nothing then",
	    .check = obi_check_text_item),
	ROW(routes.patterns, "routes.patterns", NULL, LIST, NULL,
	    "routes: /users/:id, /users/{id}, /static/*", .check = obi_check_text_item),
	ROW(routes.ignored_patterns, "routes.ignored_patterns", NULL, LIST, NULL,
	    "routes whose spans are left out", .check = obi_check_text_item),
	ROW(routes.ignore_mode, "routes.ignore_mode", NULL, CHOICE, "all",
	    "what ignored routes are left out of", .names = ignore_modes),
	ROW(routes.unmatched, "routes.unmatched", NULL, CHOICE, "heuristic",
	    "http.route of a path that no pattern matches", .names = unmatched_modes),
	ROW(routes.wildcard_char, "routes.wildcard_char", NULL, STRING, "*",
	    "what stands for a path segment that varies", .check = check_one_byte),
	ROW(routes.max_path_segment_cardinality, "routes.max_path_segment_cardinality", NULL, INT,
	    "10", "low-cardinality: values of a segment before it is taken to vary; 0: no limit",
	    .max = OBI_UNBOUNDED),
	ROW(filter_spans, "filter.application", NULL, MAP, NULL,
	    "keep only spans whose attributes pass", CLAUSES, .check = obi_filter_check_spans),
	ROW(filter_flows, "filter.network", NULL, MAP, NULL,
	    "keep only flows whose attributes pass", CLAUSES, .check = obi_filter_check_flows),
	ROW(sampler.name, "otel_traces_export.sampler.name", "OTEL_TRACES_SAMPLER", CHOICE,
	    "parentbased_always_on", "which traces are exported", .names = obi_sampler_names),
	ROW(sampler.arg, "otel_traces_export.sampler.arg", "OTEL_TRACES_SAMPLER_ARG", STRING, NULL,
	    "its ratio, from 0 to 1"),
};

const struct obi_options obi_pipeline_option_rows = {
	.title = "Attributes, routes, filters, sampler",
	.rows = rows,
	.count = ARRAY_SIZE(rows),
};
