// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "export/http_client.h"
#include "export/promtool.h"
#include "export/scrape_server.h"
#include "text.h"

#define ROWS 20000

struct fixture {
	struct metrics *metrics;
	struct metrics *other;
	struct scrape_server *server;
	struct http_client client;
	unsigned scrapes;
};

static struct metrics *filled(const char *name, int rows)
{
	static const char *const labels[] = { "n" };
	struct metric_desc desc = { .name = name, .help = "many", .type = METRIC_COUNTER };
	struct metrics *metrics = metrics_new(ROWS);
	struct metric_table *table;
	char text[16];

	assert_int_equal(metrics_add_table(metrics, &desc, 1, labels, 1, 0, &table), 0);
	for (int i = 0; i < rows; i++) {
		struct slice value = slice_of(text, (size_t)snprintf(text, sizeof(text), "%d", i));

		metric_add(metric_table_metric(table, 0), metric_table_row(table, &value, 0), 1);
	}
	return metrics;
}

static void count_scrape(void *context, const char *path)
{
	struct fixture *f = context;

	f->scrapes++;
}

static void run(void *context)
{
	scrape_server_run(context);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct scrape_path paths[2];
	char why[128];

	f->metrics = filled("things_total", ROWS);
	f->other = filled("others_total", 1);
	paths[0] = (struct scrape_path){ "/metrics", { f->metrics, f->other } };
	paths[1] = (struct scrape_path){ "/internal/metrics", { f->other } };
	assert_int_equal(
		scrape_server_open(0, paths, 2, count_scrape, f, &f->server, why, sizeof(why)), 0);
	f->client = (struct http_client){ scrape_server_port(f->server),
					  scrape_server_fd(f->server), run, f->server };
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	scrape_server_close(f->server);
	metrics_free(f->metrics);
	metrics_free(f->other);
	free(f);
	return 0;
}

#define GET(path) "GET " path " HTTP/1.0\r\n"

static void a_large_scrape_arrives_whole(void **state)
{
	struct fixture *f = *state;
	struct buffer answer = http_ask(&f->client, GET("/metrics") "\r\n");

	assert_non_null(strstr(answer.data, " 200 OK\r\n"));
	assert_non_null(
		strstr(answer.data, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
	assert_int_equal(count_of(answer.data, "\nthings_total{n=\""), ROWS);
	assert_int_equal(count_of(answer.data, "\nothers_total{n=\""), 1);
	assert_int_equal(f->scrapes, 1);
	buffer_free(&answer);
}

static void openmetrics_is_served_where_it_is_preferred(void **state)
{
	struct fixture *f = *state;
	struct buffer answer = http_ask(
		&f->client, GET("/internal/metrics") "Accept: application/openmetrics-text;"
						     "version=1.0.0\r\n\r\n");

	assert_non_null(strstr(answer.data, "Content-Type: application/openmetrics-text; "
					    "version=1.0.0; charset=utf-8\r\n"));
	assert_non_null(strstr(answer.data, "\r\n\r\n# HELP others many\n# TYPE others counter\n"
					    "others_total{n=\"0\"} 1\n# EOF\n"));
	buffer_free(&answer);
}

static void only_get_and_only_known_paths(void **state)
{
	static const char *const cases[][2] = {
		{ GET("/") "\r\n", " 404 " },
		{ GET("/metrics/") "\r\n", " 404 " },
		{ "POST /metrics HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello", " 405 " },
		{ "DELETE /metrics HTTP/1.0\r\n\r\n", " 405 " },
		{ "HEAD /metrics HTTP/1.0\r\n\r\n", " 200 " },
		{ GET("/metrics?x=1") "\r\n", " 200 " },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buffer answer = http_ask(&f->client, cases[i][0]);

		if (!strstr(answer.data, cases[i][1]))
			fail_msg("%s: %s", cases[i][0], answer.data);
		buffer_free(&answer);
	}
}

static void a_client_that_stops_reading_holds_nobody(void **state)
{
	struct fixture *f = *state;
	static const char request[] = GET("/metrics") "\r\n";
	struct buffer answer;
	int idle[3];

	for (size_t i = 0; i < ARRAY_SIZE(idle); i++) {
		idle[i] = http_connect(f->client.port);
		assert_true(send(idle[i], request, sizeof(request) - 1, 0) > 0);
	}
	for (int i = 0; i < 200; i++)
		scrape_server_run(f->server);
	answer = http_ask(&f->client, request);
	assert_int_equal(count_of(answer.data, "\nthings_total{n=\""), ROWS);
	buffer_free(&answer);
	for (size_t i = 0; i < ARRAY_SIZE(idle); i++)
		(void)close(idle[i]);
}

static void closing_does_not_wait_for_clients(void **state)
{
	struct fixture *f = *state;
	int fd = http_connect(f->client.port);

	assert_true(send(fd, "GET /met", 8, 0) > 0);
	scrape_server_run(f->server);
	(void)close(fd);
}

static void a_port_in_use_is_said(void **state)
{
	struct fixture *f = *state;
	struct scrape_path path = { "/metrics", { f->metrics } };
	struct scrape_server *server = NULL;
	char why[128], expected[128];

	assert_int_equal(
		scrape_server_open(f->client.port, &path, 1, NULL, NULL, &server, why, sizeof(why)),
		-EADDRINUSE);
	assert_null(server);
	(void)snprintf(expected, sizeof(expected), "listen on port %u: Address already in use",
		       f->client.port);
	assert_string_equal(why, expected);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_large_scrape_arrives_whole),
		TEST(openmetrics_is_served_where_it_is_preferred),
		TEST(only_get_and_only_known_paths),
		TEST(a_client_that_stops_reading_holds_nobody),
		TEST(closing_does_not_wait_for_clients),
		TEST(a_port_in_use_is_said),
	};

	return cmocka_run_group_tests_name("scrape_server", tests, NULL, NULL);
}
