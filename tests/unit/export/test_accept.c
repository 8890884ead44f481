// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "export/accept.h"
#include "guard.h"

static void the_preferred_format_is_chosen(void **state)
{
	static const struct {
		const char *accept;
		enum metrics_format format;
	} cases[] = {
		{ "", METRICS_TEXT },
		{ "*/*", METRICS_TEXT },
		{ "text/html", METRICS_TEXT },
		/* what a Prometheus sends */
		{ "application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
		  "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		  METRICS_OPENMETRICS },
		{ "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
		  "encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;"
		  "escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.4",
		  METRICS_PROTOBUF },
		{ "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
		  "encoding=delimited,application/openmetrics-text;version=1.0.0",
		  METRICS_PROTOBUF },
		{ "application/openmetrics-text;version=1.0.0,application/vnd.google.protobuf;"
		  "proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6",
		  METRICS_OPENMETRICS },
		{ "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
		  "encoding=text",
		  METRICS_TEXT },
		{ "application/vnd.google.protobuf", METRICS_TEXT },
		{ "text/plain;version=0.0.4,application/openmetrics-text;q=0.9", METRICS_TEXT },
		{ "Application/OpenMetrics-Text ; Q=1 , text/plain;q=0.999", METRICS_OPENMETRICS },
		{ "application/openmetrics-text;q=0", METRICS_TEXT },
		{ "application/openmetrics-text;version=2.0.0", METRICS_TEXT },
		{ "application/openmetrics-text;q=x,;;=;,q=,", METRICS_TEXT },
		{ "application/openmetrics-text;q=1.0000000", METRICS_OPENMETRICS },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (accept_format(guarded(slice_cstr(cases[i].accept))) != cases[i].format)
			fail_msg("wrong for %s", cases[i].accept);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_preferred_format_is_chosen),
	};

	return cmocka_run_group_tests_name("accept", tests, NULL, NULL);
}
