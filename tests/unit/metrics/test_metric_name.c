// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "metrics/name.h"

static const struct {
	const char *name, *unit;
	enum metric_type type;
	const char *expected;
} names[] = {
	{ "http.server.request.duration", "s", METRIC_HISTOGRAM,
	  "http_server_request_duration_seconds" },
	{ "http.server.request.body.size", "By", METRIC_HISTOGRAM,
	  "http_server_request_body_size_bytes" },
	{ "obi.network.flow.bytes", "{bytes}", METRIC_COUNTER, "obi_network_flow_bytes_total" },
	{ "obi.stat.tcp.io", "By", METRIC_COUNTER, "obi_stat_tcp_io_bytes_total" },
	{ "gen_ai.client.token.usage", "{token}", METRIC_HISTOGRAM, "gen_ai_client_token_usage" },
	{ "go.config.gogc", "%", METRIC_GAUGE, "go_config_gogc_percent" },
	{ "nodejs.eventloop.utilization", "1", METRIC_GAUGE, "nodejs_eventloop_utilization_ratio" },
	{ "gpu.cuda.kernel.grid.size", "1", METRIC_HISTOGRAM, "gpu_cuda_kernel_grid_size" },
	{ "traces_spanmetrics_calls_total", NULL, METRIC_COUNTER,
	  "traces_spanmetrics_calls_total" },
	{ "traces_service_graph_request_client", "s", METRIC_HISTOGRAM,
	  "traces_service_graph_request_client_seconds" },
	{ "target.info", NULL, METRIC_GAUGE, "target_info" },
	{ "a.total.of.things", NULL, METRIC_COUNTER, "a_of_things_total" },
	{ "odd..name-with:signs", "", METRIC_GAUGE, "odd_name_with_signs" },
	{ "took_seconds", "s", METRIC_HISTOGRAM, "took_seconds" },
	{ "took_milliseconds", "s", METRIC_HISTOGRAM, "took_milliseconds_seconds" },
};

static void names_are_those_of_the_standard_translation(void **state)
{
	char name[METRIC_NAME_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(
			metric_prometheus_name(names[i].name, names[i].unit, names[i].type, name),
			0);
		assert_string_equal(name, names[i].expected);
	}
}

static void labels_have_no_dots(void **state)
{
	char label[METRIC_NAME_MAX];

	assert_int_equal(metric_prometheus_label("http.response.status_code", label), 0);
	assert_string_equal(label, "http_response_status_code");
}

static void long_names_are_refused_whole(void **state)
{
	char longest[METRIC_NAME_MAX + 1], ret[METRIC_NAME_MAX] = "untouched";

	memset(longest, 'a', METRIC_NAME_MAX);
	longest[METRIC_NAME_MAX] = '\0';
	assert_int_equal(metric_prometheus_name(longest, NULL, METRIC_GAUGE, ret), -ENAMETOOLONG);
	assert_int_equal(metric_prometheus_label(longest, ret), -ENAMETOOLONG);
	longest[METRIC_NAME_MAX - 1] = '\0';
	assert_int_equal(metric_prometheus_name(longest, "s", METRIC_GAUGE, ret), -ENAMETOOLONG);
	assert_string_equal(ret, "untouched");
	assert_int_equal(metric_prometheus_name(longest, NULL, METRIC_GAUGE, ret), 0);
	assert_string_equal(ret, longest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_those_of_the_standard_translation),
		cmocka_unit_test(labels_have_no_dots),
		cmocka_unit_test(long_names_are_refused_whole),
	};

	return cmocka_run_group_tests_name("metric_name", tests, NULL, NULL);
}
