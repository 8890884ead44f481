// SPDX-License-Identifier: Apache-2.0
/* The configuration as a whole: layers, what follows from values, what is refused and warned of. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "config/arena.h"
#include "config/loaded.h"
#include "span/instrumentation.h"

#define EXAMPLE "tests/data/config/example.yaml"

static void expect_fault(const char *yaml, char **env, const char *said)
{
	struct obi_settings settings = { .file = "untouched" };

	if (obi_settings_load_text("t.yaml", slice_cstr(yaml), env, &settings, &error) == 0)
		fail_msg("loaded: %s", yaml);
	if (!strstr(error.text, said))
		fail_msg("said '%s', want '%s'", error.text, said);
	assert_string_equal(settings.file, "untouched");
}

/* ---- Layers ---------------------------------------------------------------------------- */

static void defaults_are_those_of_the_reference(void **state)
{
	struct obi_settings s = load("", NULL);

	assert_int_equal(s.global.log_level, LOG_INFO);
	assert_int_equal(s.global.shutdown_timeout, 10 * NSEC_PER_SEC);
	assert_int_equal(s.metrics.features.bits, OBI_FEATURE_APPLICATION);
	assert_false(s.metrics.features.set);
	assert_int_equal(s.export.prometheus.instrumentations.bits, OBI_INSTRUMENT_ALL);
	assert_int_equal(s.export.prometheus.ttl, 300 * NSEC_PER_SEC);
	assert_int_equal(s.export.prometheus.duration_buckets.count, 15);
	assert_int_equal(s.export.prometheus.request_size_buckets.count, 10);
	assert_string_equal(s.export.internal.path, "/internal/metrics");
	assert_int_equal(s.network.cache_max_flows, 5000);
	assert_int_equal(s.network.deduper_fc_ttl, 10 * NSEC_PER_SEC);
	assert_int_equal(s.network.exclude_interfaces.count, 1);
	assert_string_equal(s.network.exclude_interfaces.items[0], "lo");
	assert_int_equal(s.network.direction, OBI_NETWORK_BOTH);
	assert_int_equal(s.pipeline.routes.unmatched, OBI_UNMATCHED_HEURISTIC);
	assert_string_equal(s.pipeline.routes.wildcard_char, "*");
	assert_string_equal(s.pipeline.attributes.rename_unresolved_outgoing, "outgoing");
	assert_int_equal(s.discovery.default_exclude_instrument.count, 2);
	assert_false(s.discovery.default_exclude_instrument.items[0].never);
	assert_true(s.discovery.default_exclude_instrument.items[1].never);
	assert_int_equal(s.discovery.selected.count, 0);
	assert_int_equal(s.warnings.count, 0);
	obi_settings_free(&s);
}

static void environment_wins_over_file_over_default(void **state)
{
	struct obi_settings s = load("network: {sampling: 7, cache_max_flows: 9}\n",
				     ENV("OTEL_EBPF_NETWORK_SAMPLING=8"));

	assert_int_equal(s.network.sampling, 8);
	assert_int_equal(s.network.cache_max_flows, 9);
	assert_int_equal(s.network.cache_active_timeout, 5 * NSEC_PER_SEC);
	obi_settings_free(&s);
}

static void empty_variable_is_not_set(void **state)
{
	struct obi_settings s = load("network: {sampling: 7}\n",
				     ENV("OTEL_EBPF_NETWORK_SAMPLING=", "OTEL_EBPF_LOG_LEVEL="));

	assert_int_equal(s.network.sampling, 7);
	obi_settings_free(&s);
}

static void own_variable_wins_over_alias(void **state)
{
	struct obi_settings s = load("", ENV("OTEL_EBPF_CONTEXT_PROPAGATION=all",
					     "OTEL_EBPF_BPF_CONTEXT_PROPAGATION=headers",
					     "OTEL_EBPF_SERVICE_NAME=b", "OTEL_SERVICE_NAME="));

	assert_int_equal(s.broker.context_propagation.bits, OBI_PROPAGATE_HEADERS);
	assert_string_equal(s.global.service_name, "b");
	obi_settings_free(&s);
	s = load("", ENV("OTEL_EBPF_CONTEXT_PROPAGATION=all"));
	assert_int_equal(s.broker.context_propagation.bits, OBI_PROPAGATE_ALL);
	obi_settings_free(&s);
}

static void lists_replace_defaults_even_when_empty(void **state)
{
	struct obi_settings s = load("network: {exclude_interfaces: []}\n"
				     "discovery: {default_exclude_instrument: []}\n",
				     NULL);

	assert_int_equal(s.network.exclude_interfaces.count, 0);
	assert_true(s.network.exclude_interfaces.set);
	assert_int_equal(s.discovery.default_exclude_instrument.count, 0);
	assert_true(s.discovery.default_exclude_instrument.set);
	obi_settings_free(&s);
}

static void null_leaves_the_default(void **state)
{
	struct obi_settings s = load("network:\n  source:\n  cidrs: ~\nroutes:\n", NULL);

	assert_int_equal(s.network.source, OBI_SOURCE_SOCKET_FILTER);
	assert_int_equal(s.warnings.count, 0);
	obi_settings_free(&s);
	/* An empty text is a value, not nothing. */
	s = load("routes: {unmatched: ''}\n", NULL);
	assert_int_equal(s.pipeline.routes.unmatched, OBI_UNMATCHED_WILDCARD);
	obi_settings_free(&s);
}

static void example_file_is_read_in_full(void **state)
{
	struct obi_settings s;

	if (obi_settings_load(EXAMPLE, ENV("PORT=9400"), &s, &error) != 0)
		fail_msg("%s", error.text);
	assert_int_equal(s.warnings.count, 0);
	assert_string_equal(s.global.config_path, EXAMPLE);
	assert_int_equal(s.global.log_level, LOG_DEBUG);
	assert_int_equal(s.export.prometheus.port, 9400);
	assert_int_equal(s.export.prometheus.duration_buckets.count, 3);
	assert_int_equal(s.discovery.instrument.count, 2);
	assert_int_equal(s.discovery.selected.count, 2);
	assert_true(obi_ranges_have(&s.discovery.instrument.items[0].open_ports, 8500));
	assert_string_equal(s.discovery.instrument.items[0].name_space, "prod");
	assert_int_equal(s.discovery.instrument.items[1].target_pids.items[1].last, 17);
	assert_int_equal(s.broker.context_propagation.bits, OBI_PROPAGATE_ALL);
	assert_int_equal(s.network.deduper_fc_ttl, 4 * NSEC_PER_SEC);
	assert_int_equal(s.network.cidrs.count, 2);
	assert_int_equal(s.network.cidrs.items[0].prefix.bits, 104);
	assert_string_equal(s.network.cidrs.items[0].name, "");
	assert_string_equal(s.network.cidrs.items[1].prefix.text, "2001:db8::/32");
	assert_string_equal(s.network.cidrs.items[1].name, "docs");
	assert_int_equal(s.pipeline.attributes.select.count, 2);
	assert_string_equal(s.pipeline.attributes.select.items[0].metric, "http_server_*");
	assert_string_equal(s.pipeline.attributes.select.items[0].exclude.items[0], "url_path");
	assert_string_equal(s.pipeline.routes.patterns.items[1], "/static/*");
	assert_int_equal(obi_settings_validate(&s, &error), 0);
	obi_settings_free(&s);
}

static void config_path_of_the_environment_wins(void **state)
{
	struct obi_settings s;

	assert_int_equal(obi_settings_load("/nonexistent.yaml",
					   ENV("OTEL_EBPF_CONFIG_PATH=" EXAMPLE), &s, &error),
			 0);
	assert_string_equal(s.global.config_path, EXAMPLE);
	obi_settings_free(&s);
	assert_int_equal(obi_settings_load("/nonexistent.yaml", NULL, &s, &error), -ENOENT);
	assert_non_null(strstr(error.text, "can't open /nonexistent.yaml"));
	assert_int_equal(obi_settings_load("/", NULL, &s, &error), -EISDIR);
	assert_int_equal(obi_settings_load("/dev/zero", NULL, &s, &error), -EINVAL);
	assert_non_null(strstr(error.text, "larger than 1 MiB"));
}

static void a_configuration_is_small(void **state)
{
	struct obi_settings s;

	assert_int_equal(obi_settings_load(EXAMPLE, NULL, &s, &error), 0);
	assert_true(obi_arena_size(s.arena) + sizeof(s) < (size_t)64 * 1024);
	obi_settings_free(&s);
}

/* ---- Selection -------------------------------------------------------------------------- */

static void shorthands_make_one_more_entry(void **state)
{
	struct obi_settings s = load("discovery: {instrument: [{exe_path: a}]}\n",
				     ENV("OTEL_EBPF_OPEN_PORT=8080", "OTEL_GO_AUTO_TARGET_EXE=*/x",
					 "OTEL_SERVICE_NAME=shop"));
	const struct obi_criteria *last = &s.discovery.selected.items[1];

	assert_int_equal(s.discovery.selected.count, 2);
	assert_int_equal(s.discovery.instrument.count, 1);
	assert_true(obi_ranges_have(&last->open_ports, 8080));
	assert_string_equal(last->exe_path, "*/x");
	assert_string_equal(last->languages, "");
	assert_string_equal(last->name, "shop");
	obi_settings_free(&s);
}

static void target_pids_silence_all_other_selections(void **state)
{
	struct obi_settings s =
		load("discovery: {instrument: [{exe_path: a}]}\n",
		     ENV("OTEL_EBPF_OPEN_PORT=8080", "OTEL_EBPF_TARGET_PID=17,20-22"));

	assert_int_equal(s.discovery.selected.count, 1);
	assert_int_equal(s.discovery.selected.items[0].open_ports.count, 0);
	assert_true(obi_ranges_have(&s.discovery.selected.items[0].target_pids, 21));
	obi_settings_free(&s);
}

static void an_entry_must_select_by_something(void **state)
{
	expect_fault("discovery: {instrument: [{exe_path: a}, {name: x}]}\n", NULL,
		     "discovery.instrument[1] should define at least one selection criteria");
	expect_fault("discovery: {exclude_instrument: [{}]}\n", NULL,
		     "discovery.exclude_instrument[0] should define");
}

/* What cannot be found out must not be taken for a match. */
static void an_entry_by_missing_metadata_matches_nothing(void **state)
{
	struct obi_settings s = load("discovery:\n  instrument:\n    - k8s_namespace: shop\n"
				     "    - {exe_path: a, k8s_pod_labels: {app: b}}\n"
				     "    - {exe_path: a, metrics: {features: [network]}}\n",
				     NULL);

	assert_true(s.discovery.selected.items[0].never);
	assert_true(s.discovery.selected.items[1].never);
	assert_false(s.discovery.selected.items[2].never);
	assert_true(warned(&s, "not implemented yet", "discovery.instrument[0].k8s_namespace",
			   "t.yaml:3"));
	assert_true(warned(&s, "features are of no service, here they do nothing: network",
			   "discovery.instrument", "t.yaml:2"));
	obi_settings_free(&s);
}

static void an_unknown_metadata_selector_is_refused(void **state)
{
	expect_fault("discovery: {instrument: [{k8s_namespce: a}]}\n", NULL,
		     "discovery.instrument[0].k8s_namespce: unknown key (t.yaml:1)");
}

/* ---- Features, propagation, network ------------------------------------------------------ */

static void network_enable_adds_its_feature(void **state)
{
	struct obi_settings s = load("metrics: {features: [network_flow_packets]}\n",
				     ENV("OTEL_EBPF_NETWORK_METRICS=1"));

	assert_int_equal(s.metrics.features.bits, OBI_FEATURE_NETWORK | OBI_FEATURE_FLOW_PACKETS);
	obi_settings_free(&s);
}

static void features_none_all_and_unknown(void **state)
{
	struct obi_settings s = load("metrics: {features: []}\n", NULL);

	assert_int_equal(s.metrics.features.bits, 0);
	assert_true(s.metrics.features.set);
	obi_settings_free(&s);
	s = load("", ENV("OTEL_EBPF_METRIC_FEATURES=*"));
	assert_int_equal(s.metrics.features.bits, OBI_FEATURES_ALL);
	assert_true(warned(&s, "features are not implemented yet: application_jvm",
			   "metrics.features", "OTEL_EBPF_METRIC_FEATURES"));
	assert_true(warned(&s, "all takes application_span_otel and leaves application_span out",
			   "metrics.features", "OTEL_EBPF_METRIC_FEATURES"));
	obi_settings_free(&s);
	expect_fault("metrics: {features: [applications]}\n", NULL,
		     "metrics.features: \"applications\" is not allowed: expected names out of "
		     "application, application_host");
}

static void deprecated_options_still_work_and_warn(void **state)
{
	struct obi_settings s = load("ebpf: {enable_context_propagation: true}\n",
				     ENV("OTEL_EBPF_PROMETHEUS_FEATURES=network"));

	assert_int_equal(s.broker.context_propagation.bits, OBI_PROPAGATE_ALL);
	assert_int_equal(s.metrics.features.bits, OBI_FEATURE_NETWORK);
	assert_true(warned(&s, "deprecated", "ebpf.enable_context_propagation", "t.yaml:1"));
	assert_true(warned(&s, "deprecated", "prometheus_export.features",
			   "OTEL_EBPF_PROMETHEUS_FEATURES"));
	obi_settings_free(&s);
}

static void propagation_words(void **state)
{
	struct obi_settings s = load("ebpf: {context_propagation: [headers, tcp]}\n", NULL);

	assert_int_equal(s.broker.context_propagation.bits, OBI_PROPAGATE_ALL);
	assert_int_equal(s.warnings.count, 0);
	obi_settings_free(&s);
	s = load("ebpf: {context_propagation: ip}\n", NULL);
	assert_int_equal(s.broker.context_propagation.bits, 0);
	assert_true(warned(&s, "no effect", "ebpf.context_propagation", "t.yaml:1"));
	obi_settings_free(&s);
	s = load("ebpf: {context_propagation: tcp}\n", NULL);
	assert_true(warned(&s, "not implemented", "ebpf.context_propagation", "t.yaml:1"));
	obi_settings_free(&s);
	expect_fault("ebpf: {context_propagation: http}\n", NULL, "ebpf.context_propagation");
}

static void protocols_of_the_network(void **state)
{
	struct obi_settings s = load("", ENV("OTEL_EBPF_NETWORK_EXCLUDE_PROTOCOLS=udp,RAW"));

	assert_true(obi_network_protocol_wanted(&s.network, 6));
	assert_false(obi_network_protocol_wanted(&s.network, 17));
	obi_settings_free(&s);
	s = load("", ENV("OTEL_EBPF_NETWORK_EXCLUDE_PROTOCOLS=tcp",
			 "OTEL_EBPF_NETWORK_PROTOCOLS=TCP,Icmp"));
	assert_true(obi_network_protocol_wanted(&s.network, 6));
	assert_true(obi_network_protocol_wanted(&s.network, 1));
	assert_false(obi_network_protocol_wanted(&s.network, 17));
	obi_settings_free(&s);
}

static void interfaces_are_names_or_safe_patterns(void **state)
{
	static const char *const bad[] = { "/(/",  "/a{99}/", "/(a)\\1/",
					   "//",   "a/b",     "anamethatistoolong",
					   "/a\\/" };
	struct obi_settings s = load("network: {interfaces: [eth0, '/^(veth|en).*$/']}\n", NULL);

	assert_int_equal(s.network.interfaces.count, 2);
	obi_settings_free(&s);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char variable[128];

		(void)snprintf(variable, sizeof(variable), "OTEL_EBPF_NETWORK_INTERFACES=%s",
			       bad[i]);
		expect_fault("", ENV(variable), "OTEL_EBPF_NETWORK_INTERFACES: ");
	}
}

/* ---- What is said ------------------------------------------------------------------------ */

static void unknown_keys_warn_with_their_line(void **state)
{
	struct obi_settings s = load("bogus: 1\nnetwork:\n  surce: tc\n  cidrs:\n"
				     "    - {cidr: 10.0.0.0/8, nam: x}\n'a.b': 1\n",
				     NULL);

	assert_true(warned(&s, "unknown key", "bogus", "t.yaml:1"));
	assert_true(warned(&s, "unknown key", "network.surce", "t.yaml:3"));
	assert_true(warned(&s, "unknown key", "network.cidrs[0].nam", "t.yaml:5"));
	assert_true(warned(&s, "unknown key", "a.b", "t.yaml:6"));
	assert_int_equal(s.warnings.count, 4);
	obi_settings_free(&s);
}

static void warnings_are_bounded(void **state)
{
	struct buffer yaml = { 0 };
	struct obi_settings s;

	for (int i = 0; i < 500; i++)
		buffer_printf(&yaml, "k%d: x\n", i);
	buffer_put_char(&yaml, '\0');
	s = load(yaml.data, NULL);
	assert_int_equal(s.warnings.count, OBI_WARNINGS_MAX);
	assert_int_equal(s.warnings.dropped, 500 - OBI_WARNINGS_MAX);
	obi_settings_free(&s);
	buffer_free(&yaml);
}

static void options_that_do_nothing_yet_warn(void **state)
{
	struct obi_settings s =
		load("ebpf: {bpf_debug: true}\n", ENV("OTEL_EBPF_PROFILE_PORT=6060"));

	assert_true(warned(&s, "not implemented yet", "ebpf.bpf_debug", "t.yaml:1"));
	assert_true(warned(&s, "not implemented yet", "profile_port", "OTEL_EBPF_PROFILE_PORT"));
	assert_int_equal(s.warnings.count, 2);
	obi_settings_free(&s);
}

static void faults_name_option_value_and_place(void **state)
{
	expect_fault(
		"network:\n  cidrs: [10.0.0.0/8, 10.0.0.0/40]\n", NULL,
		"parsing YAML configuration: network.cidrs[1]: \"10.0.0.0/40\" is not allowed: "
		"expected a network such as 10.0.0.0/8 or 2001:db8::/32 (t.yaml:2)");
	expect_fault("", ENV("OTEL_EBPF_NETWORK_CIDRS=10.0.0.0/8,nonsense"),
		     "reading env vars: OTEL_EBPF_NETWORK_CIDRS[1]: \"nonsense\" is not allowed");
	expect_fault(
		"", ENV("OTEL_EBPF_LOG_LEVEL=bogus"),
		"reading env vars: OTEL_EBPF_LOG_LEVEL: \"bogus\" is not allowed: expected one "
		"of DEBUG, INFO, WARN, ERROR");
	expect_fault("network: {cidrs: [{name: x}]}\n", NULL,
		     "network.cidrs[0]: 'cidr' is missing");
	expect_fault("network: true\n", NULL, "network: expected a map (t.yaml:1)");
	expect_fault("[1, 2]\n", NULL, "expected a map (t.yaml:1)");
	expect_fault("routes: {wildcard_char: '**'}\n", NULL, "expected one ASCII character");
}

static void faults_repeat_no_secret_and_no_control_bytes(void **state)
{
	expect_fault("", ENV("OTEL_EXPORTER_OTLP_ENDPOINT=user:hunter2@host"), "\"***\"");
	assert_null(strstr(error.text, "hunter2"));
	expect_fault("", ENV("OTEL_EBPF_LOG_LEVEL=a\nb\033[2J"), "\"a?b?[2J\"");
}

static void port_lists_are_refused_as_by_the_existing_program(void **state)
{
	static const char *const bad[] = { ",",   "-",      "1a",     ",33",
					   "33,", "32,15-", "12,-13", "1,2,*3,4" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char variable[64];

		(void)snprintf(variable, sizeof(variable), "OTEL_EBPF_OPEN_PORT=%s", bad[i]);
		expect_fault("", ENV(variable), "OTEL_EBPF_OPEN_PORT: ");
	}
}

/* ---- Does it make sense? ------------------------------------------------------------------- */

static void expect_invalid(char **env, const char *said)
{
	struct obi_settings s = load("", env);

	error.text[0] = '\0';
	assert_int_equal(obi_settings_validate(&s, &error), said ? -EINVAL : 0);
	if (said && !strstr(error.text, said))
		fail_msg("said '%s', want '%s'", error.text, said);
	obi_settings_free(&s);
}

static void a_run_must_have_something_to_do_and_a_way_out(void **state)
{
	expect_invalid(NULL, "at least one of 'network', 'application' or 'stats' features must be "
			     "enabled. ");
	expect_invalid(ENV("OTEL_EBPF_OPEN_PORT=80"),
		       "you need to define at least one exporter: trace_printer, "
		       "otel_metrics_export, otel_traces_export or prometheus_export");
	expect_invalid(ENV("OTEL_EBPF_OPEN_PORT=80", "OTEL_EBPF_TRACE_PRINTER=text"), NULL);
	expect_invalid(ENV("OTEL_EBPF_OPEN_PORT=80", "OTEL_EBPF_PROMETHEUS_PORT=9400"), NULL);
	expect_invalid(ENV("OTEL_EBPF_OPEN_PORT=80", "OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318"),
		       NULL);
	expect_invalid(ENV("OTEL_EBPF_OPEN_PORT=80", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=debug"),
		       NULL);
	expect_invalid(ENV("OTEL_EBPF_NETWORK_METRICS=1",
			   "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://c:4318"),
		       "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT");
	expect_invalid(ENV("OTEL_EBPF_METRICS_FEATURES=network",
			   "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://c:4318"),
		       NULL);
	expect_invalid(ENV("OTEL_EBPF_OPEN_PORT=80", "OTEL_EBPF_TRACE_PRINTER=text",
			   "OTEL_EBPF_OTLP_TRACES_QUEUE_SIZE=4097"),
		       "must be at least twice");
	expect_invalid(ENV("OTEL_EBPF_NETWORK_METRICS=1"), "OTEL_EBPF_NETWORK_PRINT_FLOWS");
	expect_invalid(ENV("OTEL_EBPF_NETWORK_METRICS=1", "OTEL_EBPF_TRACE_PRINTER=text"),
		       "OTEL_EBPF_NETWORK_PRINT_FLOWS");
	expect_invalid(ENV("OTEL_EBPF_NETWORK_METRICS=1", "OTEL_EBPF_NETWORK_PRINT_FLOWS=1"), NULL);
	expect_invalid(ENV("OTEL_EBPF_METRICS_FEATURES=network"), "at least one of");
	expect_invalid(ENV("OTEL_EBPF_METRICS_FEATURES=network", "OTEL_EBPF_PROMETHEUS_PORT=9400"),
		       NULL);
	expect_invalid(ENV("OTEL_EBPF_METRICS_FEATURES=application_span,application_span_otel",
			   "OTEL_EBPF_OPEN_PORT=80", "OTEL_EBPF_PROMETHEUS_PORT=9400"),
		       "exclude each other");
}

static void own_metrics_go_one_way(void **state)
{
	expect_invalid(ENV("OTEL_EBPF_OPEN_PORT=80", "OTEL_EBPF_TRACE_PRINTER=text",
			   "OTEL_EBPF_INTERNAL_METRICS_EXPORTER=otel"),
		       "needs otel_metrics_export.endpoint");
	expect_invalid(ENV("OTEL_EBPF_OPEN_PORT=80", "OTEL_EBPF_TRACE_PRINTER=text",
			   "OTEL_EBPF_INTERNAL_METRICS_EXPORTER=otel",
			   "OTEL_EBPF_INTERNAL_METRICS_PROMETHEUS_PORT=9"),
		       "excludes internal_metrics.prometheus.port");
}

static void modes_are_told_by_what_is_configured(void **state)
{
	struct obi_settings s = load("discovery: {instrument: [{exe_path: a}]}\n", NULL);

	assert_true(obi_settings_application(&s));
	assert_false(obi_settings_network(&s));
	assert_false(obi_settings_stats(&s));
	obi_settings_free(&s);
	s = load("network: {enable: true}\n", NULL);
	assert_false(obi_settings_application(&s));
	assert_true(obi_settings_network(&s));
	obi_settings_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_those_of_the_reference),
		cmocka_unit_test(environment_wins_over_file_over_default),
		cmocka_unit_test(empty_variable_is_not_set),
		cmocka_unit_test(own_variable_wins_over_alias),
		cmocka_unit_test(lists_replace_defaults_even_when_empty),
		cmocka_unit_test(null_leaves_the_default),
		cmocka_unit_test(example_file_is_read_in_full),
		cmocka_unit_test(config_path_of_the_environment_wins),
		cmocka_unit_test(a_configuration_is_small),
		cmocka_unit_test(shorthands_make_one_more_entry),
		cmocka_unit_test(target_pids_silence_all_other_selections),
		cmocka_unit_test(an_entry_must_select_by_something),
		cmocka_unit_test(an_entry_by_missing_metadata_matches_nothing),
		cmocka_unit_test(an_unknown_metadata_selector_is_refused),
		cmocka_unit_test(network_enable_adds_its_feature),
		cmocka_unit_test(features_none_all_and_unknown),
		cmocka_unit_test(deprecated_options_still_work_and_warn),
		cmocka_unit_test(propagation_words),
		cmocka_unit_test(protocols_of_the_network),
		cmocka_unit_test(interfaces_are_names_or_safe_patterns),
		cmocka_unit_test(unknown_keys_warn_with_their_line),
		cmocka_unit_test(warnings_are_bounded),
		cmocka_unit_test(options_that_do_nothing_yet_warn),
		cmocka_unit_test(faults_name_option_value_and_place),
		cmocka_unit_test(faults_repeat_no_secret_and_no_control_bytes),
		cmocka_unit_test(port_lists_are_refused_as_by_the_existing_program),
		cmocka_unit_test(a_run_must_have_something_to_do_and_a_way_out),
		cmocka_unit_test(own_metrics_go_one_way),
		cmocka_unit_test(modes_are_told_by_what_is_configured),
	};

	return cmocka_run_group_tests_name("config/settings", tests, NULL, NULL);
}
