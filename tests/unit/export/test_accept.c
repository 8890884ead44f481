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

static void gzip_is_sent_where_it_is_wanted(void **state)
{
	static const struct {
		const char *encodings;
		bool gzip;
	} cases[] = {
		{ "", false },
		{ "gzip", true }, /* what a Prometheus sends */
		{ "deflate, gzip, br, zstd", true },
		{ "GZip", true },
		{ "x-gzip", true }, /* RFC 9110 section 8.4.1.3 */
		{ "deflate, br", false },
		{ "identity", false },
		{ "gzip;q=0", false },
		{ "gzip; q=0.000", false },
		{ "gzip;q=0.001", true },
		{ "gzip;q=x", false },
		{ "*", true },
		{ "*;q=0", false },
		{ "gzip;q=0, *", false },
		{ "*, gzip;q=0", false },
		{ "*;q=0, gzip", true },
		{ "gzip, identity", true },
		{ "gzip;q=0.5, identity", false },
		{ "identity;q=0.5, gzip", true },
		{ "identity;q=0, gzip;q=0.1", true },
		{ "identity;q=0", false },
		{ "gzipped", false },
		{ ",;;=;,q=,gzip", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (accept_gzip(guarded(slice_cstr(cases[i].encodings))) != cases[i].gzip)
			fail_msg("wrong for %s", cases[i].encodings);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_preferred_format_is_chosen),
		cmocka_unit_test(gzip_is_sent_where_it_is_wanted),
	};

	return cmocka_run_group_tests_name("accept", tests, NULL, NULL);
}
