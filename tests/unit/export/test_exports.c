// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "export/exports.h"
#include "export/http_client.h"
#include "metrics/internal_metrics.h"
#include "sample.h"
#include "settings/settings.h"

struct failure {
	char name[32];
	char why[128];
	int count;
};

static void note_failure(void *context, const char *name, const char *why)
{
	struct failure *failure = context;

	failure->count++;
	(void)snprintf(failure->name, sizeof(failure->name), "%s", name);
	(void)snprintf(failure->why, sizeof(failure->why), "%s", why);
}

/* A socket that listens on some port. */
static int take_port(uint16_t *ret_port)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	*ret_port = ntohs(address.sin_port);
	return fd;
}

static uint16_t free_port(void)
{
	uint16_t port;
	int fd = take_port(&port);

	(void)close(fd);
	return port;
}

static void load(const char *yaml, struct obi_settings *ret_settings)
{
	char *env[] = { NULL };
	struct obi_error error;

	if (obi_settings_load_text("test", slice_cstr(yaml), env, ret_settings, &error) != 0)
		fail_msg("settings do not load: %s", yaml);
}

static int keep_fd(void *context, int fd)
{
	*(int *)context = fd;
	return 0;
}

static void run(void *context)
{
	int fd = -1;

	assert_int_equal(obi_exports_watch(context, keep_fd, &fd), 0);
	obi_exports_ready(context, fd);
}

static struct buffer scrape(struct obi_exports *exports, uint16_t port, const char *path)
{
	struct http_client client = { .port = port, .run = run, .context = exports };
	char request[128];

	assert_int_equal(obi_exports_watch(exports, keep_fd, &client.server_fd), 0);
	(void)snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\n\r\n", path);
	return http_ask(&client, request);
}

static void spans_and_services_reach_the_endpoint(void **state)
{
	struct failure failure = { .count = 0 };
	struct obi_span span = sample_server();
	struct obi_settings settings;
	struct obi_exports *exports;
	struct obi_span_sink sink;
	struct buffer answer;
	uint16_t port = free_port();
	char yaml[256];

	(void)snprintf(yaml, sizeof(yaml), "prometheus_export:\n  port: %u\n", port);
	load(yaml, &settings);
	exports = obi_exports_open(&settings, note_failure, &failure);
	assert_int_equal(failure.count, 0);
	sink = obi_exports_span_sink(exports);
	obi_exports_service(exports, &sample_gosrv, true);
	obi_span_put(&sink, &span);
	obi_span_put(&sink, &span);
	obi_exports_tick(exports, 0);
	answer = scrape(exports, port, "/metrics");
	assert_non_null(strstr(answer.data, "\nhttp_server_request_duration_seconds_count{"));
	assert_non_null(strstr(answer.data, "url_scheme=\"http\"} 2\n"));
	assert_non_null(strstr(answer.data, "\ntarget_info{"));
	assert_null(strstr(answer.data, "obi_prometheus_http_requests_total"));
	buffer_free(&answer);
	obi_exports_close(exports);
	obi_settings_free(&settings);
}

static void a_busy_port_costs_only_its_exporter(void **state)
{
	struct failure failure = { .count = 0 };
	struct obi_settings settings;
	struct obi_exports *exports;
	uint16_t port, internal = free_port();
	int fd = take_port(&port);
	struct buffer answer;
	char yaml[256];

	(void)snprintf(yaml, sizeof(yaml),
		       "prometheus_export:\n  port: %u\ninternal_metrics:\n"
		       "  exporter: prometheus\n  prometheus:\n    port: %u\n",
		       port, internal);
	load(yaml, &settings);
	exports = obi_exports_open(&settings, note_failure, &failure);
	assert_int_equal(failure.count, 1);
	assert_string_equal(failure.name, "prometheus");
	(void)snprintf(yaml, sizeof(yaml), "listen on port %u: Address already in use", port);
	assert_string_equal(failure.why, yaml);

	answer = scrape(exports, internal, "/internal/metrics");
	assert_non_null(strstr(answer.data, "\nobi_internal_build_info{"));
	buffer_free(&answer);
	obi_exports_close(exports);
	obi_settings_free(&settings);
	obi_internal_free();
	(void)close(fd);
}

static void one_port_serves_both_kinds(void **state)
{
	static const char *const paths[] = { "/internal/metrics", "/metrics" };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct failure failure = { .count = 0 };
		struct obi_settings settings;
		struct obi_exports *exports;
		uint16_t port = free_port();
		struct buffer answer;
		char yaml[256], line[128];

		(void)snprintf(yaml, sizeof(yaml),
			       "prometheus_export:\n  port: %u\ninternal_metrics:\n"
			       "  exporter: prometheus\n  prometheus:\n    port: %u\n"
			       "    path: %s\n",
			       port, port, paths[i]);
		load(yaml, &settings);
		exports = obi_exports_open(&settings, note_failure, &failure);
		assert_int_equal(failure.count, 0);
		obi_exports_service(exports, &sample_gosrv, true);
		answer = scrape(exports, port, "/metrics");
		assert_non_null(strstr(answer.data, "\ntarget_info{"));
		buffer_free(&answer);
		answer = scrape(exports, port, paths[i]);
		(void)snprintf(line, sizeof(line),
			       "\nobi_prometheus_http_requests_total{path=\"/metrics\",port=\"%u\"}"
			       " %d\n",
			       port, i ? 2 : 1);
		assert_non_null(strstr(answer.data, line));
		buffer_free(&answer);
		obi_exports_close(exports);
		obi_settings_free(&settings);
		obi_internal_free();
	}
}

static void internal_figures_are_kept_by_label(void **state)
{
	const char *full = "ring_full", *restart = "worker_restart";

	assert_int_equal(obi_internal_value(OBI_INTERNAL_DROPPED, &full), 0);
	obi_internal_set(OBI_INTERNAL_DROPPED, &full, 7);
	obi_internal_add(OBI_INTERNAL_DROPPED, &full, 2);
	obi_internal_add(OBI_INTERNAL_DROPPED, &restart, 1);
	obi_internal_set(OBI_INTERNAL_RECORDS, NULL, 12);
	assert_int_equal(obi_internal_value(OBI_INTERNAL_DROPPED, &full), 9);
	assert_int_equal(obi_internal_value(OBI_INTERNAL_DROPPED, &restart), 1);
	assert_int_equal(obi_internal_value(OBI_INTERNAL_RECORDS, NULL), 12);
	obi_internal_free();
	assert_int_equal(obi_internal_value(OBI_INTERNAL_RECORDS, NULL), 0);
	obi_internal_free();
}

static void every_exporter_says_what_it_does(void **state)
{
	for (size_t i = 0; obi_exporters[i]; i++) {
		const struct obi_exporter *exporter = obi_exporters[i];

		assert_non_null(exporter->name);
		assert_true(strlen(exporter->help) > 0);
		assert_non_null(exporter->wanted);
		assert_non_null(exporter->open);
		assert_non_null(exporter->close);
		assert_true(!exporter->poll_fd == !exporter->ready);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spans_and_services_reach_the_endpoint),
		cmocka_unit_test(a_busy_port_costs_only_its_exporter),
		cmocka_unit_test(one_port_serves_both_kinds),
		cmocka_unit_test(internal_figures_are_kept_by_label),
		cmocka_unit_test(every_exporter_says_what_it_does),
	};

	return cmocka_run_group_tests_name("exports", tests, NULL, NULL);
}
