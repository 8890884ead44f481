// SPDX-License-Identifier: Apache-2.0
#include "discover/options.h"

#include "base/cleanup.h"
#include "config/check.h"

#define ROW(member_, ...) OBI_ROW(struct obi_discovery_options, member_, __VA_ARGS__)
#define CRITERIA_ROW(member_, ...) OBI_ROW(struct obi_criteria, member_, __VA_ARGS__)

/* Collectors and the control plane's own namespaces: watching them is rarely wanted and feeds
 * back into what is exported. */
#define DEFAULT_EXCLUDE                                                                            \
	"[{exe_path: '{*/obi,obi,*otelcol,*otelcol-contrib,*otelcol-contrib[!/]*}'},"              \
	" {k8s_namespace: "                                                                        \
	"'{kube-system,kube-node-lease,local-path-storage,cert-manager,monitoring,"                \
	"gke-connect,gke-gmp-system,gke-managed-cim,gke-managed-filestorecsi,"                     \
	"gke-managed-metrics-server,gke-managed-system,gke-managed-volumepopulator,gke-system,"    \
	"gatekeeper-system}'}]"

#define DEFAULT_EXCLUDE_SERVICES                                                                   \
	"[{exe_path: '(?:^|/)(obi$|otelcol[^/]*$)'},"                                              \
	" {k8s_namespace: '^kube-system$|^kube-node-lease$|^local-path-storage$|^cert-manager$|"   \
	"^monitoring$|^gke-connect$|^gke-gmp-system$|^gke-managed-cim$|"                           \
	"^gke-managed-filestorecsi$|^gke-managed-metrics-server$|^gke-managed-system$|"            \
	"^gke-managed-volumepopulator$|^gke-system$|^gatekeeper-system$'}]"

static const struct obi_name signals[] = {
	{ "metrics", OBI_SIGNAL_METRICS },
	{ "traces", OBI_SIGNAL_TRACES },
	{ "logs", OBI_SIGNAL_LOGS },
	{ NULL, 0 },
};

static const struct obi_name samplers[] = {
	{ "", OBI_SAMPLER_UNSET },
	{ "parentbased_always_on", OBI_SAMPLER_PARENT_ALWAYS_ON },
	{ "parentbased_always_off", OBI_SAMPLER_PARENT_ALWAYS_OFF },
	{ "parentbased_traceidratio", OBI_SAMPLER_PARENT_RATIO },
	{ "always_on", OBI_SAMPLER_ALWAYS_ON },
	{ "always_off", OBI_SAMPLER_ALWAYS_OFF },
	{ "traceidratio", OBI_SAMPLER_RATIO },
	{ NULL, 0 },
};

/* Of both kinds of criteria. */
#define COMMON_ROWS                                                                                \
	CRITERIA_ROW(target_pids, "target_pids", NULL, PIDS, NULL, "any of these process ids"),    \
		CRITERIA_ROW(name, "name", NULL, STRING, NULL, "service.name of what matches"),    \
		CRITERIA_ROW(name_space, "namespace", NULL, STRING, NULL,                          \
			     "service.namespace of what matches"),                                 \
		CRITERIA_ROW(exports, "exports", NULL, FLAGS, NULL,                                \
			     "signals to export; not given: all", .names = signals),               \
		CRITERIA_ROW(sampler.name, "sampler.name", NULL, CHOICE, NULL,                     \
			     "sampler of what matches", .names = samplers,                         \
			     .flags = OBI_OPTION_LENIENT),                                         \
		CRITERIA_ROW(sampler.arg, "sampler.arg", NULL, STRING, NULL,                       \
			     "its ratio, from 0 to 1"),                                            \
		CRITERIA_ROW(routes_incoming, "routes.incoming", NULL, LIST, NULL,                 \
			     "route patterns of incoming requests", .check = obi_check_text_item), \
		CRITERIA_ROW(routes_outgoing, "routes.outgoing", NULL, LIST, NULL,                 \
			     "route patterns of outgoing requests", .check = obi_check_text_item), \
		CRITERIA_ROW(features, "metrics.features", NULL, FLAGS, NULL,                      \
			     "families of metrics; not given: as everywhere",                      \
			     .names = obi_feature_names)

static const struct obi_option criteria_rows[] = {
	CRITERIA_ROW(open_ports, "open_ports", NULL, PORTS, NULL,
		     "the process listens on any of these ports"),
	CRITERIA_ROW(exe_path, "exe_path", NULL, GLOB, NULL, "full path of the executable"),
	CRITERIA_ROW(languages, "languages", NULL, GLOB, NULL,
		     "detected language: go, java, dotnet, python, ruby, nodejs, rust, php, cpp, "
		     "erlang, generic or unknown"),
	CRITERIA_ROW(cmd_args, "cmd_args", NULL, GLOB, NULL, "command line after its first blank"),
	COMMON_ROWS,
};

const struct obi_options obi_criteria_option_rows = {
	.title = "Criteria",
	.rows = criteria_rows,
	.count = ARRAY_SIZE(criteria_rows),
	/* A mistyped selector would widen the selection, which is worse than not starting. */
	.strict = "k8s_",
};

static const struct obi_option regex_criteria_rows[] = {
	CRITERIA_ROW(open_ports, "open_ports", NULL, PORTS, NULL,
		     "the process listens on any of these ports"),
	CRITERIA_ROW(exe_path, "exe_path", NULL, STRING, NULL,
		     "full path of the executable, regular expression", .check = obi_check_regex),
	CRITERIA_ROW(exe_path_regexp, "exe_path_regexp", NULL, STRING, NULL, "the same",
		     .check = obi_check_regex),
	CRITERIA_ROW(languages, "languages", NULL, STRING, NULL,
		     "detected language, regular expression", .check = obi_check_regex),
	CRITERIA_ROW(cmd_args, "cmd_args", NULL, STRING, NULL,
		     "command line after its first blank, regular expression",
		     .check = obi_check_regex),
	COMMON_ROWS,
};

static const struct obi_options regex_criteria_options = {
	.title = "Regular expression criteria",
	.rows = regex_criteria_rows,
	.count = ARRAY_SIZE(regex_criteria_rows),
	.strict = "k8s_",
};

const struct obi_group obi_criteria_groups[] = {
	{ &obi_criteria_option_rows, 0 },
	{ &obi_later_criteria_rows, offsetof(struct obi_criteria, later) },
	{ NULL, 0 },
};

const struct obi_group obi_regex_criteria_groups[] = {
	{ &regex_criteria_options, 0 },
	{ &obi_later_regex_criteria_rows, offsetof(struct obi_criteria, later) },
	{ NULL, 0 },
};

#define REGEX_LIST                                                                                 \
	.element = obi_regex_criteria_groups, .element_size = sizeof(struct obi_criteria),         \
	.flags = OBI_OPTION_DEPRECATED
#define CRITERIA_LIST .element = obi_criteria_groups, .element_size = sizeof(struct obi_criteria)

static const struct obi_option rows[] = {
	ROW(open_port, "open_port", "OTEL_EBPF_OPEN_PORT", PORTS, NULL,
	    "instrument processes that listen on any of these ports"),
	ROW(target_pids, "target_pids", "OTEL_EBPF_TARGET_PID", PIDS, NULL,
	    "instrument these processes alone, whatever else selects"),
	ROW(auto_target_exe, NULL, "OTEL_EBPF_AUTO_TARGET_EXE", GLOB, NULL,
	    "instrument processes whose full executable path matches",
	    .aliases = "OTEL_GO_AUTO_TARGET_EXE"),
	ROW(auto_target_language, NULL, "OTEL_EBPF_AUTO_TARGET_LANGUAGE", GLOB, NULL,
	    "instrument processes whose detected language matches"),
	ROW(instrument, "discovery.instrument", NULL, STRUCTS, NULL,
	    "what to instrument: any entry, all of whose criteria match", CRITERIA_LIST),
	ROW(exclude_instrument, "discovery.exclude_instrument", NULL, STRUCTS, NULL,
	    "what not to instrument, whatever selects it", CRITERIA_LIST),
	ROW(default_exclude_instrument, "discovery.default_exclude_instrument", NULL, STRUCTS,
	    DEFAULT_EXCLUDE, "the same; [] lets this program and collectors be instrumented",
	    CRITERIA_LIST),
	ROW(executable_path, "executable_path", "OTEL_EBPF_EXECUTABLE_PATH", STRING, NULL,
	    "instrument processes whose full executable path matches, regular expression; use "
	    "OTEL_EBPF_AUTO_TARGET_EXE",
	    .check = obi_check_regex, .flags = OBI_OPTION_DEPRECATED),
	ROW(services, "discovery.services", NULL, STRUCTS, NULL,
	    "regular expressions; use discovery.instrument", REGEX_LIST),
	ROW(exclude_services, "discovery.exclude_services", NULL, STRUCTS, NULL,
	    "regular expressions; use discovery.exclude_instrument", REGEX_LIST),
	ROW(default_exclude_services, "discovery.default_exclude_services", NULL, STRUCTS,
	    DEFAULT_EXCLUDE_SERVICES,
	    "regular expressions, with discovery.services; use "
	    "discovery.default_exclude_instrument",
	    REGEX_LIST),
	ROW(exclude_otel_instrumented, "discovery.exclude_otel_instrumented_services",
	    "OTEL_EBPF_EXCLUDE_OTEL_INSTRUMENTED_SERVICES", BOOL, "true",
	    "leave a signal to a process that exports it itself"),
	ROW(exclude_otel_instrumented_span_metrics,
	    "discovery.exclude_otel_instrumented_services_span_metrics",
	    "OTEL_EBPF_EXCLUDE_OTEL_INSTRUMENTED_SERVICES_SPAN_METRICS", BOOL, "false",
	    "the same for metrics of spans"),
};

const struct obi_options obi_discovery_option_rows = {
	.title = "Discovery",
	.rows = rows,
	.count = ARRAY_SIZE(rows),
};
