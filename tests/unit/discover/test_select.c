// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "discover/select.h"
#include "settings/settings.h"

static struct obi_settings settings;

static const struct obi_discovery_options *load(const char *yaml, const char *env)
{
	char *environment[] = { (char *)env, NULL };
	struct obi_error error;

	obi_settings_free(&settings);
	if (obi_settings_load_text("t.yaml", slice_cstr(yaml), environment, &settings, &error))
		fail_msg("%s", error.text);
	return &settings.discovery;
}

static int release(void **state)
{
	obi_settings_free(&settings);
	return 0;
}

static struct obi_ports ports = { .count = 2, .items = { 8080, 9090 } };

static struct obi_process_facts server(void)
{
	return (struct obi_process_facts){
		.pid = 42,
		.exe = "/usr/bin/server",
		.args = "--verbose run",
		.language = "go",
		.ports = &ports,
	};
}

static void shorthands_together_are_one_entry(void **state)
{
	struct obi_process_facts facts = server();
	const struct obi_discovery_options *options;
	char *environment[] = { "OTEL_EBPF_OPEN_PORT=8080", "OTEL_EBPF_AUTO_TARGET_EXE=*/server",
				NULL };
	struct obi_error error;

	obi_settings_free(&settings);
	assert_int_equal(
		obi_settings_load_text("", slice_of("", 0), environment, &settings, &error), 0);
	options = &settings.discovery;
	assert_true(obi_select(options, &facts, NULL));
	facts.exe = "/usr/bin/other";
	assert_false(obi_select(options, &facts, NULL));
	facts = server();
	facts.ports = &(struct obi_ports){ .count = 1, .items = { 80 } };
	assert_false(obi_select(options, &facts, NULL));
}

static void ports_match_if_any_does(void **state)
{
	static const struct {
		const char *env;
		bool expected;
	} cases[] = {
		{ "OTEL_EBPF_OPEN_PORT=8080", true },
		{ "OTEL_EBPF_OPEN_PORT=80,443,9000-9999", true },
		{ "OTEL_EBPF_OPEN_PORT=80,443,8081-9089", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct obi_process_facts facts = server();

		assert_int_equal(obi_select(load("", cases[i].env), &facts, NULL),
				 cases[i].expected);
		facts.ports = NULL;
		assert_false(obi_select(&settings.discovery, &facts, NULL));
		facts.ports = &(struct obi_ports){ 0 };
		assert_false(obi_select(&settings.discovery, &facts, NULL));
	}
}

static void executable_glob_matches_the_whole_path(void **state)
{
	static const struct {
		const char *env, *exe;
		bool expected;
	} cases[] = {
		{ "OTEL_EBPF_AUTO_TARGET_EXE=abc", "abc", true },
		{ "OTEL_EBPF_AUTO_TARGET_EXE=abc", "cabc", false },
		{ "OTEL_EBPF_AUTO_TARGET_EXE=abc", "abca", false },
		{ "OTEL_EBPF_AUTO_TARGET_EXE=*weird[0-9]*", "/bin/weird33", true },
		{ "OTEL_EBPF_AUTO_TARGET_EXE=*server*", "server", true },
		{ "OTEL_EBPF_AUTO_TARGET_EXE=*server*", NULL, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct obi_process_facts facts = server();

		facts.exe = cases[i].exe;
		assert_int_equal(obi_select(load("", cases[i].env), &facts, NULL),
				 cases[i].expected);
	}
}

static void given_pids_override_every_other_selection(void **state)
{
	const struct obi_discovery_options *options =
		load("discovery: {instrument: [{exe_path: '*'}]}\nopen_port: 8080\n",
		     "OTEL_EBPF_TARGET_PID=41,43");
	struct obi_process_facts facts = server();

	assert_false(obi_select(options, &facts, NULL));
	facts.pid = 43;
	facts.exe = "/elsewhere";
	assert_true(obi_select(options, &facts, NULL));
}

static void all_of_an_entry_must_match_and_any_entry_may(void **state)
{
	const struct obi_discovery_options *options =
		load("discovery:\n"
		     "  instrument:\n"
		     "    - {exe_path: '*/server', cmd_args: '*run'}\n"
		     "    - {languages: '{java,rust}', open_ports: 9090}\n"
		     "    - {target_pids: [7, 8]}\n",
		     NULL);
	struct obi_process_facts facts = server();

	assert_true(obi_select(options, &facts, NULL));
	facts.args = "stop";
	assert_false(obi_select(options, &facts, NULL));
	facts.language = "rust";
	assert_true(obi_select(options, &facts, NULL));
	facts.language = NULL;
	assert_false(obi_select(options, &facts, NULL));
	facts.pid = 8;
	assert_true(obi_select(options, &facts, NULL));
}

static void exclusion_vetoes(void **state)
{
	const struct obi_discovery_options *options =
		load("discovery:\n"
		     "  instrument: [{open_ports: 1-65535}]\n"
		     "  exclude_instrument: [{exe_path: '*/server', open_ports: 9090}]\n",
		     NULL);
	struct obi_process_facts facts = server();

	assert_false(obi_select(options, &facts, NULL));
	assert_true(obi_select_excluded(options, &facts));
	facts.ports = &(struct obi_ports){ .count = 1, .items = { 8080 } };
	assert_true(obi_select(options, &facts, NULL));
}

static void agents_are_excluded_unless_told_otherwise(void **state)
{
	static const struct {
		const char *exe;
		bool expected;
	} cases[] = {
		{ "/usr/bin/obi", false },           { "obi", false },
		{ "/opt/obi-demo", true },           { "/bin/otelcol", false },
		{ "/bin/otelcol-contrib", false },   { "/bin/otelcol-contrib.exe", false },
		{ "/otelcol-contrib/server", true }, { "/usr/bin/robi", true },
	};
	struct obi_process_facts facts = server();

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		facts.exe = cases[i].exe;
		assert_int_equal(obi_select(load("", "OTEL_EBPF_OPEN_PORT=8080"), &facts, NULL),
				 cases[i].expected);
		assert_true(obi_select(load("discovery: {default_exclude_instrument: []}",
					    "OTEL_EBPF_OPEN_PORT=8080"),
				       &facts, NULL));
	}
}

static void later_entries_win_each_name_for_itself(void **state)
{
	const struct obi_discovery_options *options =
		load("discovery:\n"
		     "  instrument:\n"
		     "    - {open_ports: 8080, name: first, namespace: one}\n"
		     "    - {exe_path: '*server', name: second}\n"
		     "    - {open_ports: 80, name: third, namespace: three}\n",
		     NULL);
	struct obi_process_facts facts = server();
	struct obi_entries entries;
	const char *name, *name_space;

	assert_true(obi_select(options, &facts, &entries));
	assert_int_equal(entries.last, 2);
	obi_select_names(options, &facts, &name, &name_space);
	assert_string_equal(name, "second");
	assert_string_equal(name_space, "one");
	facts.exe = "/x";
	facts.ports = NULL;
	obi_select_names(options, &facts, &name, &name_space);
	assert_string_equal(name, "");
	assert_string_equal(name_space, "");
}

static void later_entries_win_each_thing_for_itself(void **state)
{
	const struct obi_discovery_options *options =
		load("discovery:\n"
		     "  instrument:\n"
		     "    - {open_ports: 8080, exports: [traces], sampler: {name: always_off}}\n"
		     "    - {open_ports: 8080, routes: {outgoing: [/a]}}\n"
		     "    - {exe_path: '*server', sampler: {name: always_on}}\n"
		     "    - {open_ports: 80, exports: [metrics]}\n"
		     "    - {exe_path: '*'}\n",
		     NULL);
	struct obi_process_facts facts = server();
	struct obi_entries entries;

	assert_true(obi_select(options, &facts, &entries));
	assert_int_equal(entries.last, 5);
	assert_int_equal(entries.exports, 1);
	assert_int_equal(entries.routes, 2);
	assert_int_equal(entries.sampler, 3);
}

static void entry_that_asks_for_what_cannot_be_known_matches_nothing(void **state)
{
	struct obi_process_facts facts = server();

	assert_false(obi_select(load("discovery:\n"
				     "  instrument: [{exe_path: '*', k8s_namespace: prod}]\n",
				     NULL),
				&facts, NULL));
}

/* Found anywhere, as RE2 has it, and only where no glob is given. */
static void services_are_chosen_by_regular_expressions(void **state)
{
	struct obi_process_facts facts = server();
	const char *name, *name_space;

	facts.exe = "/usr/bin/server-2";
	assert_true(obi_select(load("discovery: {services: [{exe_path: 'bin/s\\w+-\\d'}]}", NULL),
			       &facts, NULL));
	assert_false(obi_select(load("discovery: {services: [{exe_path: '^server'}]}", NULL),
				&facts, NULL));
	assert_true(obi_select(load("discovery: {services: [{exe_path_regexp: 'server',"
				    " open_ports: 9090, languages: '^(go|java)$',"
				    " cmd_args: '(?i)VERBOSE', name: n}]}",
				    NULL),
			       &facts, NULL));
	obi_select_names(&settings.discovery, &facts, &name, &name_space);
	assert_string_equal(name, "n");
	facts.language = "nodejs";
	assert_false(obi_select(&settings.discovery, &facts, NULL));

	facts = server();
	load("discovery: {services: [{open_ports: 8080}], exclude_services: [{exe_path: 'serv'}]}",
	     NULL);
	assert_false(obi_select(&settings.discovery, &facts, NULL));
	facts.exe = "/usr/bin/other";
	assert_true(obi_select(&settings.discovery, &facts, NULL));
	facts.exe = "/opt/otelcol-contrib"; /* by default_exclude_services */
	assert_false(obi_select(&settings.discovery, &facts, NULL));
	load("discovery: {services: [{open_ports: 8080}], default_exclude_services: []}", NULL);
	assert_true(obi_select(&settings.discovery, &facts, NULL));
	facts.exe = "/srv/obi-shop";
	assert_true(obi_select(load("", "OTEL_EBPF_EXECUTABLE_PATH=[a-z]+-shop"), &facts, NULL));
	facts.exe = "/srv/obi/shop";
	assert_false(obi_select(&settings.discovery, &facts, NULL));
}

static void services_do_nothing_beside_globs(void **state)
{
	struct obi_process_facts facts = server();

	load("discovery: {instrument: [{exe_path: '*/none'}], services: [{exe_path: server}],"
	     " exclude_services: [{exe_path: none}]}",
	     NULL);
	assert_false(obi_select(&settings.discovery, &facts, NULL));
	facts.exe = "/bin/none";
	assert_true(obi_select(&settings.discovery, &facts, NULL));
	facts = server();
	load("discovery: {services: [{exe_path: server}], exclude_instrument: [{exe_path: x}]}",
	     "OTEL_EBPF_OPEN_PORT=1");
	assert_false(obi_select(&settings.discovery, &facts, NULL));
}

static void a_wrong_regular_expression_is_named(void **state)
{
	char *environment[] = { NULL };
	struct obi_error error;

	obi_settings_free(&settings);
	assert_int_not_equal(obi_settings_load_text("t.yaml",
						    slice_cstr("discovery:\n  services:\n"
							       "    - exe_path: 'a(b'\n"),
						    environment, &settings, &error),
			     0);
	assert_non_null(strstr(error.text, "exe_path"));
	assert_non_null(strstr(error.text, "a(b"));
	assert_non_null(strstr(error.text, "missing closing )"));
	load("", "OTEL_EBPF_OPEN_PORT=1");
}

static void language_is_asked_for_where_it_decides(void **state)
{
	struct obi_process_facts facts = server();
	const struct obi_discovery_options *options;

	facts.language = NULL;
	options = load("discovery: {instrument: [{open_ports: 8080, languages: go}]}\n", NULL);
	assert_true(obi_select_language_decides(options, &facts));
	assert_true(obi_select_ports_decide(options, &facts));
	facts.ports = NULL;
	assert_false(obi_select_language_decides(options, &facts));
	assert_true(obi_select_ports_decide(options, &facts));
	facts.language = "java"; /* then the ports of it are of no use */
	assert_false(obi_select_ports_decide(options, &facts));

	facts = server();
	options = load("discovery: {instrument: [{exe_path: '*/server'}],"
		       " exclude_instrument: [{languages: java}]}\n",
		       NULL);
	assert_true(obi_select_language_decides(options, &facts));
	options = load("discovery: {instrument: [{exe_path: '*/other', languages: go}]}\n", NULL);
	assert_false(obi_select_language_decides(options, &facts));
}

static void only_what_is_asked_for_needs_finding_out(void **state)
{
	const char *none = "discovery: {default_exclude_instrument: []}";
	const struct obi_discovery_options *options = load(none, "OTEL_EBPF_TARGET_PID=1");

	assert_false(obi_select_needs_args(options));
	assert_false(obi_select_needs_language(options));
	assert_false(obi_select_needs_ports(options));
	assert_true(obi_select_needs_ports(load(none, "OTEL_EBPF_OPEN_PORT=1")));
	assert_true(obi_select_needs_language(load(none, "OTEL_EBPF_AUTO_TARGET_LANGUAGE=go")));
	assert_true(obi_select_needs_args(
		load("discovery: {exclude_instrument: [{cmd_args: x}]}", NULL)));
}

static void ports_decide_only_where_all_else_matches(void **state)
{
	const struct obi_discovery_options *options =
		load("discovery:\n"
		     "  instrument:\n"
		     "    - {exe_path: '*/server', open_ports: 8080}\n"
		     "    - {exe_path: '*/plain'}\n",
		     NULL);
	struct obi_process_facts facts = server();

	facts.ports = NULL;
	assert_true(obi_select_ports_decide(options, &facts));
	facts.exe = "/bin/plain";
	assert_false(obi_select_ports_decide(options, &facts));
	facts.exe = "/bin/other";
	assert_false(obi_select_ports_decide(options, &facts));
}

/* What one port of an entry decides a second one does not decide again. */
static void only_ports_that_decide_are_kept(void **state)
{
	const struct obi_discovery_options *options = load("discovery:\n"
							   "  instrument:\n"
							   "    - {open_ports: '20000-60000'}\n"
							   "    - {open_ports: '30000', name: s}\n"
							   "  exclude_instrument:\n"
							   "    - {open_ports: 59999}\n",
							   NULL);
	struct obi_ports kept = { 0 };

	for (unsigned port = 1; port < 65536; port++)
		obi_select_add_port(options, (uint16_t)port, &kept);
	assert_int_equal(kept.count, 3);
	assert_int_equal(kept.items[0], 20000);
	assert_int_equal(kept.items[1], 30000);
	assert_int_equal(kept.items[2], 59999);
}

static void ports_decide_until_each_entry_is_met(void **state)
{
	const struct obi_discovery_options *options =
		load("discovery:\n"
		     "  instrument: [{open_ports: '8000-8999'}]\n"
		     "  exclude_instrument: [{open_ports: 9090, exe_path: '*/server'}]\n",
		     NULL);
	struct obi_process_facts facts = server();

	facts.ports = &(struct obi_ports){ .count = 1, .items = { 8080 } };
	assert_true(obi_select_more_ports_decide(options, &facts)); /* may yet be excluded */
	facts.exe = "/bin/other";
	assert_false(obi_select_more_ports_decide(options, &facts));
	facts = server();
	assert_false(obi_select_more_ports_decide(options, &facts));
}

static enum obi_unmet unmet(const char *entry)
{
	const struct obi_process_facts facts = server();
	char yaml[256];

	(void)snprintf(yaml, sizeof(yaml), "discovery: {instrument: [%s]}", entry);
	return obi_select_unmet(&load(yaml, NULL)->selected.items[0], &facts);
}

static void the_first_thing_that_is_not_met_is_named(void **state)
{
	assert_int_equal(unmet("{open_ports: 9090}"), OBI_UNMET_NOTHING);
	assert_int_equal(unmet("{open_ports: 1}"), OBI_UNMET_PORTS);
	assert_int_equal(unmet("{open_ports: 1, languages: java}"), OBI_UNMET_LANGUAGE);
	assert_int_equal(unmet("{languages: java, cmd_args: other}"), OBI_UNMET_ARGS);
	assert_int_equal(unmet("{cmd_args: other, exe_path: other}"), OBI_UNMET_EXE);
	assert_int_equal(unmet("{exe_path: other, target_pids: 43}"), OBI_UNMET_PID);
	assert_int_equal(unmet("{target_pids: 43, k8s_pod_name: pod}"), OBI_UNMET_LATER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shorthands_together_are_one_entry),
		cmocka_unit_test(ports_match_if_any_does),
		cmocka_unit_test(executable_glob_matches_the_whole_path),
		cmocka_unit_test(given_pids_override_every_other_selection),
		cmocka_unit_test(all_of_an_entry_must_match_and_any_entry_may),
		cmocka_unit_test(exclusion_vetoes),
		cmocka_unit_test(agents_are_excluded_unless_told_otherwise),
		cmocka_unit_test(later_entries_win_each_name_for_itself),
		cmocka_unit_test(later_entries_win_each_thing_for_itself),
		cmocka_unit_test(entry_that_asks_for_what_cannot_be_known_matches_nothing),
		cmocka_unit_test(services_are_chosen_by_regular_expressions),
		cmocka_unit_test(services_do_nothing_beside_globs),
		cmocka_unit_test(a_wrong_regular_expression_is_named),
		cmocka_unit_test(language_is_asked_for_where_it_decides),
		cmocka_unit_test(only_what_is_asked_for_needs_finding_out),
		cmocka_unit_test(ports_decide_only_where_all_else_matches),
		cmocka_unit_test(only_ports_that_decide_are_kept),
		cmocka_unit_test(ports_decide_until_each_entry_is_met),
		cmocka_unit_test(the_first_thing_that_is_not_met_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
