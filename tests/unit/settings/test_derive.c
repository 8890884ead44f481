// SPDX-License-Identifier: Apache-2.0
/* What several values say together: features of a service, the sender's log level. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "settings/loaded.h"

static void kinds_of_span_metrics_exclude_each_other_in_an_entry_too(void **state)
{
	struct obi_settings s = load("trace_printer: text\n"
				     "discovery:\n  instrument:\n    - {exe_path: a}\n"
				     "    - {exe_path: b, metrics: {features: [application_span, "
				     "application_span_otel]}}\n",
				     NULL);

	assert_int_equal(obi_settings_validate(&s, &error), -EINVAL);
	assert_non_null(strstr(error.text, "discovery.instrument[1].metrics.features: "
					   "application_span and application_span_otel exclude "
					   "each other"));
	obi_settings_free(&s);
}

/* An entry's own, even if none, else what is said of all; what is of no service stays there. */
static void features_of_a_service_are_those_of_its_entry(void **state)
{
	struct obi_settings s = load("metrics: {features: [application_host, network]}\n"
				     "prometheus_export: {features: [application, network]}\n"
				     "discovery:\n  instrument:\n    - {exe_path: a}\n"
				     "    - {exe_path: b, metrics: {features: [application_span, "
				     "network_flow_packets]}}\n"
				     "    - {exe_path: c, metrics: {features: []}}\n"
				     "    - {exe_path: d, metrics: {features: [all]}}\n",
				     ENV("OTEL_EBPF_OPEN_PORT=80"));
	uint32_t all = obi_settings_features(&s, 4);

	assert_int_equal(obi_settings_features(&s, 0), OBI_FEATURE_APPLICATION);
	assert_int_equal(obi_settings_features(&s, 1), OBI_FEATURE_APPLICATION);
	assert_int_equal(obi_settings_features(&s, 2), OBI_FEATURE_SPAN_LEGACY);
	assert_int_equal(obi_settings_features(&s, 3), 0);
	assert_true(all & OBI_FEATURE_SPAN_OTEL);
	assert_false(all & (OBI_FEATURE_SPAN_LEGACY | OBI_FEATURES_NETWORK));
	assert_int_equal(obi_settings_features(&s, 5), OBI_FEATURE_APPLICATION);
	assert_int_equal(obi_settings_features(&s, 6), OBI_FEATURE_APPLICATION);
	assert_int_equal(obi_settings_all_features(&s),
			 all | OBI_FEATURE_SPAN_LEGACY | OBI_FEATURE_NETWORK);
	assert_true(
		warned(&s, "all takes application_span_otel", "discovery.instrument", "t.yaml:4"));
	obi_settings_free(&s);
}

static void the_sender_has_a_log_level_of_its_own(void **state)
{
	static const struct {
		const char *yaml;
		int level;
	} cases[] = {
		{ "", LOG_WARN },
		{ "otel_metrics_export: {otel_sdk_log_level: ''}", LOG_WARN },
		{ "otel_metrics_export: {otel_sdk_log_level: debug}", LOG_DEBUG },
		{ "otel_traces_export: {otel_sdk_log_level: error}", LOG_ERROR },
		{ "otel_traces_export: {otel_sdk_log_level: error}\n"
		  "otel_metrics_export: {otel_sdk_log_level: info}",
		  LOG_INFO },
		{ "otel_traces_export: {otel_sdk_log_level: info}\n"
		  "otel_metrics_export: {otel_sdk_log_level: error}",
		  LOG_INFO },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct obi_settings s = load(cases[i].yaml, NULL);

		assert_int_equal(obi_otlp_log_level(&s.otlp, LOG_WARN), cases[i].level);
		obi_settings_free(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_of_span_metrics_exclude_each_other_in_an_entry_too),
		cmocka_unit_test(features_of_a_service_are_those_of_its_entry),
		cmocka_unit_test(the_sender_has_a_log_level_of_its_own),
	};

	return cmocka_run_group_tests_name("settings/derive", tests, NULL, NULL);
}
