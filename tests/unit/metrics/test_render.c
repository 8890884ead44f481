// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "metrics/promtool.h"
#include "metrics/render.h"

static double bounds[] = { 0, 0.005, 1, 2.5, 8192, 1e21, 0x1p1023 * 2 };
static struct obi_floats buckets = { bounds, ARRAY_SIZE(bounds) };

static const char *const labels[] = { "http_route", "job" };

static const struct metric_desc descs[] = {
	{ .name = "took_seconds",
	  .help = "how long",
	  .type = METRIC_HISTOGRAM,
	  .scale = NSEC_PER_SEC,
	  .buckets = &buckets },
	{ .name = "calls_total", .help = "how many", .type = METRIC_COUNTER },
	{ .name = "busy_seconds_total",
	  .help = "how long",
	  .type = METRIC_COUNTER,
	  .scale = NSEC_PER_SEC },
};

static const struct metric_desc gauge = { .name = "alive", .help = "is it", .type = METRIC_GAUGE };

static struct metrics *filled(void)
{
	struct slice values[] = { SLICE_LIT("/a\\b\"c\nd"), SLICE_LIT("") };
	struct metrics *metrics = metrics_new(100);
	struct metric_table *table;
	struct metric_row *row;

	assert_int_equal(metrics_add_table(metrics, descs, ARRAY_SIZE(descs), labels, 2, 0, &table),
			 0);
	row = metric_table_row(table, values, 0);
	metric_observe(metric_table_metric(table, 0), row, 0);
	metric_observe(metric_table_metric(table, 0), row, 5000000);
	metric_observe(metric_table_metric(table, 0), row, 5000001);
	metric_observe(metric_table_metric(table, 0), row, 3000000000);
	metric_add(metric_table_metric(table, 1), row, 4);
	metric_add(metric_table_metric(table, 2), row, 1500000000);

	assert_int_equal(metrics_add_table(metrics, &gauge, 1, NULL, 0, 0, &table), 0);
	metric_set(metric_table_metric(table, 0), metric_table_row(table, NULL, 0), 1);
	return metrics;
}

static struct buffer render(struct metrics *metrics, enum metrics_format format, size_t piece)
{
	struct metrics_rendering rendering;
	struct buffer all = { 0 }, buf = { 0 };
	bool more;

	metrics_render_begin(&rendering, metrics, format);
	do {
		buf.len = 0;
		more = metrics_render(&rendering, &buf, piece);
		buffer_put(&all, buf.data, buf.len);
	} while (more);
	metrics_render_end(&rendering);
	buffer_free(&buf);
	return all;
}

#define LABELS "http_route=\"/a\\\\b\\\"c\\nd\",job=\"\""

static const char text[] =
	"# HELP alive is it\n# TYPE alive gauge\nalive 1\n"
	"# HELP busy_seconds_total how long\n# TYPE busy_seconds_total counter\n"
	"busy_seconds_total{" LABELS "} 1.5\n"
	"# HELP calls_total how many\n# TYPE calls_total counter\ncalls_total{" LABELS "} 4\n"
	"# HELP took_seconds how long\n# TYPE took_seconds histogram\n"
	"took_seconds_bucket{" LABELS ",le=\"0\"} 1\n"
	"took_seconds_bucket{" LABELS ",le=\"0.005\"} 2\n"
	"took_seconds_bucket{" LABELS ",le=\"1\"} 3\n"
	"took_seconds_bucket{" LABELS ",le=\"2.5\"} 3\n"
	"took_seconds_bucket{" LABELS ",le=\"8192\"} 4\n"
	"took_seconds_bucket{" LABELS ",le=\"1e+21\"} 4\n"
	"took_seconds_bucket{" LABELS ",le=\"+Inf\"} 4\n"
	"took_seconds_sum{" LABELS "} 3.010000001\n"
	"took_seconds_count{" LABELS "} 4\n";

static const char openmetrics[] =
	"# HELP alive is it\n# TYPE alive gauge\nalive 1\n"
	"# HELP busy_seconds how long\n# TYPE busy_seconds counter\n"
	"busy_seconds_total{" LABELS "} 1.5\n"
	"# HELP calls how many\n# TYPE calls counter\ncalls_total{" LABELS "} 4\n"
	"# HELP took_seconds how long\n# TYPE took_seconds histogram\n"
	"took_seconds_bucket{" LABELS ",le=\"0.0\"} 1\n"
	"took_seconds_bucket{" LABELS ",le=\"0.005\"} 2\n"
	"took_seconds_bucket{" LABELS ",le=\"1.0\"} 3\n"
	"took_seconds_bucket{" LABELS ",le=\"2.5\"} 3\n"
	"took_seconds_bucket{" LABELS ",le=\"8192.0\"} 4\n"
	"took_seconds_bucket{" LABELS ",le=\"1e+21\"} 4\n"
	"took_seconds_bucket{" LABELS ",le=\"+Inf\"} 4\n"
	"took_seconds_sum{" LABELS "} 3.010000001\n"
	"took_seconds_count{" LABELS "} 4\n";

static void check(enum metrics_format format, size_t piece, const char *expected)
{
	struct metrics *metrics = filled();
	struct buffer all = render(metrics, format, piece);

	buffer_put_char(&all, '\0');
	assert_string_equal(all.data, expected);
	buffer_free(&all);
	metrics_free(metrics);
}

static void both_formats_say_the_same(void **state)
{
	check(METRICS_TEXT, 1 << 20, text);
	check(METRICS_OPENMETRICS, 1 << 20, openmetrics);
}

static void pieces_make_up_the_whole(void **state)
{
	for (size_t piece = 1; piece < 200; piece += 7)
		check(METRICS_TEXT, piece, text);
}

static void a_prometheus_reads_it(void **state)
{
	struct metrics *metrics;
	struct buffer all;

	if (!promtool_is_there())
		skip();
	metrics = filled();
	all = render(metrics, METRICS_TEXT, 1 << 20);
	assert_true(promtool_accepts(slice_of(all.data, all.len)));
	buffer_free(&all);
	metrics_free(metrics);
}

/* A slow client reads a scrape in pieces; rows that expire meanwhile must stay until it ends. */
static void rows_stay_while_a_rendering_is_under_way(void **state)
{
	struct metrics *metrics = metrics_new(1000);
	struct slice values[] = { SLICE_LIT("/"), SLICE_LIT("0") };
	struct metrics_rendering rendering;
	struct metric_table *table;
	struct buffer buf = { 0 };
	char job[4];

	assert_int_equal(
		metrics_add_table(metrics, descs, ARRAY_SIZE(descs), labels, 2, 10, &table), 0);
	for (int i = 0; i < 100; i++) {
		values[1] = slice_of(job, (size_t)snprintf(job, sizeof(job), "%d", i));
		assert_non_null(metric_table_row(table, values, 0));
	}
	metrics_render_begin(&rendering, metrics, METRICS_TEXT);
	assert_true(metrics_render(&rendering, &buf, 1));
	metrics_expire(metrics, 1000);
	metric_table_remove(table, values);
	while (metrics_render(&rendering, &buf, buf.len + 1))
		;
	metrics_render_end(&rendering);
	assert_int_equal(metrics_series(metrics), 300);
	assert_null(
		memmem(buf.data, buf.len, "took_seconds_count{http_route=\"/\",job=\"99\"", 42));
	assert_non_null(
		memmem(buf.data, buf.len, "took_seconds_count{http_route=\"/\",job=\"98\"", 42));
	metrics_expire(metrics, 1000);
	assert_int_equal(metrics_series(metrics), 0);
	buffer_free(&buf);
	metrics_free(metrics);
}

/* One slow client after the other: some minutes, and those that are under way have failed. */
static void renderings_do_not_hold_rows_for_good(void **state)
{
	struct metrics *metrics = metrics_new(1000);
	struct slice values[] = { SLICE_LIT("/"), SLICE_LIT("0") };
	struct metrics_rendering rendering[2];
	struct metric_table *table;
	struct buffer buf = { 0 };

	assert_int_equal(
		metrics_add_table(metrics, descs, ARRAY_SIZE(descs), labels, 2, 10, &table), 0);
	assert_non_null(metric_table_row(table, values, 0));
	metrics_render_begin(&rendering[0], metrics, METRICS_TEXT);
	metrics_expire(metrics, NSEC_PER_SEC);
	metrics_render_begin(&rendering[1], metrics, METRICS_PROTOBUF);
	metrics_render_end(&rendering[0]);
	metrics_expire(metrics, 120 * NSEC_PER_SEC);
	assert_int_not_equal(metrics_series(metrics), 0);
	metrics_expire(metrics, 121 * NSEC_PER_SEC);
	assert_int_equal(metrics_series(metrics), 0);
	assert_false(metrics_render(&rendering[1], &buf, 1));
	assert_true(buf.failed);
	metrics_render_end(&rendering[1]);
	buffer_free(&buf);
	metrics_free(metrics);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_formats_say_the_same),
		cmocka_unit_test(pieces_make_up_the_whole),
		cmocka_unit_test(a_prometheus_reads_it),
		cmocka_unit_test(rows_stay_while_a_rendering_is_under_way),
		cmocka_unit_test(renderings_do_not_hold_rows_for_good),
	};

	return cmocka_run_group_tests_name("render", tests, NULL, NULL);
}
