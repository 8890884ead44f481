// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "export/http_client.h"
#include "export/scrape_server.h"
#include "metrics/promtool.h"
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

static void run_for(struct fixture *f, uint64_t ns)
{
	uint64_t end = clock_monotonic_ns() + ns;
	struct pollfd poll_fd = { f->client.server_fd, POLLIN, 0 };

	while (clock_monotonic_ns() < end) {
		(void)poll(&poll_fd, 1, 10);
		scrape_server_run(f->server);
	}
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
		scrape_server_open("", 0, paths, 2, count_scrape, f, &f->server, why, sizeof(why)),
		0);
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

/* ---- Compressed ---- */

#define GZIP_SIGN "\r\nContent-Encoding: gzip\r\n"

static struct slice body_of(const struct buffer *answer)
{
	const char *end = strstr(answer->data, "\r\n\r\n");

	assert_non_null(end);
	/* http_ask() terminates it */
	return slice_from(slice_of(answer->data, answer->len - 1),
			  (size_t)(end + 4 - answer->data));
}

/* Exactly one whole gzip member. */
static struct buffer inflated(struct slice body)
{
	z_stream stream = { .next_in = (Bytef *)body.data, .avail_in = (uInt)body.len };
	struct buffer out = { 0 };
	char piece[16384];
	int status = Z_OK;

	assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
	while (status == Z_OK) {
		stream.next_out = (Bytef *)piece;
		stream.avail_out = sizeof(piece);
		status = inflate(&stream, Z_NO_FLUSH);
		buffer_put(&out, piece, sizeof(piece) - stream.avail_out);
	}
	assert_int_equal(status, Z_STREAM_END);
	assert_int_equal(stream.avail_in, 0);
	(void)inflateEnd(&stream);
	return out;
}

/* The same bytes as without, in a tenth of them. */
static void assert_same_inflated(struct fixture *f, const char *request, bool large)
{
	char compressed[512], plain[512];
	struct buffer whole, small, out;

	(void)snprintf(compressed, sizeof(compressed), "%sAccept-Encoding: gzip\r\n\r\n", request);
	(void)snprintf(plain, sizeof(plain), "%s\r\n", request);
	whole = http_ask(&f->client, plain);
	small = http_ask(&f->client, compressed);
	assert_null(strstr(whole.data, GZIP_SIGN));
	assert_non_null(strstr(whole.data, "\r\nVary: Accept, Accept-Encoding\r\n"));
	assert_non_null(strstr(small.data, GZIP_SIGN));
	assert_non_null(strstr(small.data, "\r\nVary: Accept, Accept-Encoding\r\n"));
	out = inflated(body_of(&small));
	assert_true(slice_equal(body_of(&whole), slice_of(out.data, out.len)));
	assert_true(!large || small.len < whole.len / 5);
	buffer_free(&whole);
	buffer_free(&small);
	buffer_free(&out);
}

static void a_compressed_scrape_has_the_same_bytes(void **state)
{
	assert_same_inflated(*state, GET("/metrics"), true);
	assert_same_inflated(*state, GET("/internal/metrics"), false);
	assert_same_inflated(*state, GET("/metrics") "Accept: application/openmetrics-text\r\n",
			     true);
	assert_same_inflated(*state,
			     GET("/metrics") "Accept: application/vnd.google.protobuf;"
					     "proto=io.prometheus.client.MetricFamily;"
					     "encoding=delimited\r\n",
			     true);
}

static void gzip_is_sent_to_those_alone_who_take_it(void **state)
{
	static const struct {
		const char *request;
		bool gzip;
	} cases[] = {
		{ GET("/metrics") "Accept-Encoding: br, gzip;q=0.1\r\n\r\n", true },
		{ GET("/metrics") "Accept-Encoding: gzip;q=0\r\n\r\n", false },
		{ GET("/metrics") "Accept-Encoding: identity\r\n\r\n", false },
		{ "HEAD /metrics HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n", true },
		{ GET("/none") "Accept-Encoding: gzip\r\n\r\n", false },
		{ "POST /metrics HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n", false },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buffer answer = http_ask(&f->client, cases[i].request);

		if (!!strstr(answer.data, GZIP_SIGN) != cases[i].gzip)
			fail_msg("%s: %s", cases[i].request, answer.data);
		buffer_free(&answer);
	}
}

/* Neither end's socket takes more than some KiB. */
static int connect_narrow(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), room = 1, segment = 536;

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)), 0);
	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof(segment)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* Memory for compressing is not everybody's: who comes when it is all in use gets what is as good
 * for him, and it is there again as soon as the others are gone. */
static void some_are_compressed_at_a_time(void **state)
{
	static const char request[] = GET("/metrics") "Accept-Encoding: gzip\r\n\r\n";
	struct fixture *f = *state;
	struct buffer answer;
	int idle[4];

	for (size_t i = 0; i < ARRAY_SIZE(idle); i++) {
		idle[i] = connect_narrow(f->client.port);
		assert_true(send(idle[i], request, sizeof(request) - 1, 0) > 0);
	}
	run_for(f, 100 * NSEC_PER_MSEC);
	answer = http_ask(&f->client, request);
	assert_null(strstr(answer.data, GZIP_SIGN));
	assert_int_equal(count_of(answer.data, "\nthings_total{n=\""), ROWS);
	buffer_free(&answer);
	for (size_t i = 0; i < ARRAY_SIZE(idle); i++)
		(void)close(idle[i]);
	run_for(f, 100 * NSEC_PER_MSEC);
	answer = http_ask(&f->client, request);
	assert_non_null(strstr(answer.data, GZIP_SIGN));
	buffer_free(&answer);
}

static void a_scrape_of_nothing_is_empty(void **state)
{
	static const char *const requests[] = {
		GET("/metrics") "\r\n",
		GET("/metrics") "Accept-Encoding: gzip\r\n\r\n",
	};
	struct fixture *f = *state;
	struct metrics *nothing = metrics_new(1);
	struct scrape_path path = { "/metrics", { nothing } };
	struct scrape_server *server;
	char why[128];

	assert_int_equal(scrape_server_open("", 0, &path, 1, NULL, NULL, &server, why, sizeof(why)),
			 0);
	f->client = (struct http_client){ scrape_server_port(server), scrape_server_fd(server), run,
					  server };
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		struct buffer answer = http_ask(&f->client, requests[i]);
		struct slice body = body_of(&answer);

		assert_non_null(strstr(answer.data, " 200 OK\r\n"));
		if (i) {
			struct buffer out = inflated(body);

			body = slice_of(out.data, out.len);
			buffer_free(&out);
		}
		assert_int_equal(body.len, 0);
		buffer_free(&answer);
	}
	scrape_server_close(server);
	metrics_free(nothing);
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

	assert_int_equal(scrape_server_open("", f->client.port, &path, 1, NULL, NULL, &server, why,
					    sizeof(why)),
			 -EADDRINUSE);
	assert_null(server);
	(void)snprintf(expected, sizeof(expected), "listen on port %u: Address already in use",
		       f->client.port);
	assert_string_equal(why, expected);
}

/* ---- Clients that want to be in the way ---- */

#define ATTACKERS 100

static void ask_besides(struct fixture *f, const char *beginning)
{
	int fds[ATTACKERS];
	struct buffer answer;

	for (int i = 0; i < ATTACKERS; i++) {
		fds[i] = http_connect(f->client.port);
		assert_true(fds[i] >= 0);
		assert_true(send(fds[i], beginning, strlen(beginning), MSG_NOSIGNAL) > 0);
		run_for(f, NSEC_PER_MSEC);
	}
	answer = http_ask(&f->client, GET("/metrics") "\r\n");
	assert_int_equal(count_of(answer.data, "\nthings_total{n=\""), ROWS);
	buffer_free(&answer);
	for (int i = 0; i < ATTACKERS; i++)
		(void)close(fds[i]);
}

static void heads_that_do_not_end_are_in_nobodys_way(void **state)
{
	ask_besides(*state, "GET /metrics HTTP/1.1\r\nX: ");
}

static void readers_that_do_not_read_are_in_nobodys_way(void **state)
{
	ask_besides(*state, GET("/metrics") "\r\n");
}

/* A byte now and then prolongs nothing. */
static void a_head_has_its_time_as_a_whole(void **state)
{
	struct fixture *f = *state;
	uint64_t start = clock_monotonic_ns();
	int fd = http_connect(f->client.port);
	char piece[64];

	assert_true(send(fd, "GET ", 4, MSG_NOSIGNAL) == 4);
	while (send(fd, "a", 1, MSG_NOSIGNAL) == 1 &&
	       recv(fd, piece, sizeof(piece), MSG_DONTWAIT) &&
	       clock_monotonic_ns() - start < 15 * NSEC_PER_SEC)
		run_for(f, 500 * NSEC_PER_MSEC);
	assert_in_range(clock_monotonic_ns() - start, 9 * NSEC_PER_SEC, 13 * NSEC_PER_SEC);
	(void)close(fd);
}

static void it_listens_where_it_is_told(void **state)
{
	struct fixture *f = *state;
	struct scrape_path path = { "/metrics", { f->other } };
	struct scrape_server *server;
	char why[128];

	assert_int_equal(scrape_server_open("127.0.0.2", f->client.port, &path, 1, NULL, NULL,
					    &server, why, sizeof(why)),
			 -EADDRINUSE);
	assert_non_null(strstr(why, "listen on 127.0.0.2 port "));
	assert_int_equal(
		scrape_server_open("127.0.0.2", 0, &path, 1, NULL, NULL, &server, why, sizeof(why)),
		0);
	assert_int_equal(http_connect(scrape_server_port(server)), -1);
	scrape_server_close(server);
	assert_int_equal(
		scrape_server_open("::1", 0, &path, 1, NULL, NULL, &server, why, sizeof(why)), 0);
	assert_int_equal(http_connect(scrape_server_port(server)), -1);
	scrape_server_close(server);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_large_scrape_arrives_whole),
		TEST(openmetrics_is_served_where_it_is_preferred),
		TEST(a_compressed_scrape_has_the_same_bytes),
		TEST(gzip_is_sent_to_those_alone_who_take_it),
		TEST(some_are_compressed_at_a_time),
		TEST(a_scrape_of_nothing_is_empty),
		TEST(only_get_and_only_known_paths),
		TEST(a_client_that_stops_reading_holds_nobody),
		TEST(closing_does_not_wait_for_clients),
		TEST(a_port_in_use_is_said),
		TEST(heads_that_do_not_end_are_in_nobodys_way),
		TEST(readers_that_do_not_read_are_in_nobodys_way),
		TEST(a_head_has_its_time_as_a_whole),
		TEST(it_listens_where_it_is_told),
	};

	return cmocka_run_group_tests_name("scrape_server", tests, NULL, NULL);
}
