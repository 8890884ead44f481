// SPDX-License-Identifier: Apache-2.0
/* Compared as OTLP/JSON; what official decoders make of it: tests/otlp. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "metrics/metrics_sample.h"
#include "metrics/table.h"
#include "otlp/json.h"
#include "otlp/metrics.h"
#include "text.h"

static double bounds[] = { 0, 0.005, 1 };
static const struct obi_floats buckets = { bounds, ARRAY_SIZE(bounds) };

static const struct metric_desc descs[] = {
	SAMPLE_METRICS(&buckets),
	{ .name = "busy", .unit = "s", .help = "x", .type = METRIC_COUNTER, .scale = NSEC_PER_SEC },
};

struct fixture {
	struct metrics *metrics;
	struct metric_table *table;
	enum obi_temporality temporality;
	struct epoch_clock epoch;
	struct buffer json;
};

static void begin(struct fixture *f, const struct metrics_options *options,
		  enum obi_temporality temporality)
{
	*f = (struct fixture){ .metrics = metrics_new_with(options), .temporality = temporality };
	f->metrics->epoch = &f->epoch;
	(void)epoch_clock_follow(&f->epoch, 0, 1000000);
	assert_int_equal(metrics_add_table(f->metrics, descs, ARRAY_SIZE(descs), sample_names, 2, 0,
					   &f->table),
			 0);
}

static void end(struct fixture *f)
{
	buffer_free(&f->json);
	metrics_free(f->metrics);
}

static struct metric_row *row_of(struct fixture *f, const char *route, const char *port,
				 uint64_t now_ns)
{
	struct slice values[] = { slice_cstr(route), slice_cstr(port) };

	return metric_table_row(f->table, values, now_ns);
}

static void feed(struct fixture *f, const char *route, uint64_t ns, uint64_t now_ns)
{
	struct metric_row *row = row_of(f, route, "80", now_ns);

	metric_observe(metric_table_metric(f->table, 0), row, ns);
	metric_add(metric_table_metric(f->table, 1), row, 1);
	metric_add(metric_table_metric(f->table, 2), row, ns);
}

/* All that is collected at now_ns, as JSON; in requests of about so many bytes. */
static const char *collect(struct fixture *f, uint64_t now_ns, size_t bytes, uint32_t *ret_points)
{
	struct otlp_metrics_reader reader;
	struct buffer request = { 0 };
	uint32_t points = 0;
	bool more;

	f->json.len = 0;
	otlp_metrics_begin(&reader, f->metrics, f->temporality, now_ns);
	do {
		size_t mark;

		request.len = 0;
		mark = otlp_metrics_begin_resource(slice_of(NULL, 0), &request);
		more = otlp_metrics_put(&reader, SLICE_LIT("scope"), &request, bytes, &points);
		otlp_metrics_end_resource(mark, &request);
		assert_false(request.failed);
		assert_int_equal(otlp_json_put(OTLP_METRICS, slice_of(request.data, request.len),
					       OTLP_JSON_COMPACT, &f->json),
				 0);
		buffer_put_char(&f->json, '\n');
	} while (more);
	otlp_metrics_end(&reader);
	buffer_put_char(&f->json, '\0');
	buffer_free(&request);
	if (ret_points)
		*ret_points = points;
	return f->json.data;
}

#define ATTRIBUTES                                                                                 \
	"\"attributes\":[{\"key\":\"http.route\",\"value\":{\"stringValue\":\"/a\"}},"             \
	"{\"key\":\"server.port\",\"value\":{\"intValue\":\"80\"}}]"

static const struct metrics_options plain = { .max_rows = 100 };

static void cumulative_points_begin_with_their_series(void **state)
{
	struct fixture f;
	const char *json;
	uint32_t points;

	begin(&f, &plain, OBI_TEMPORALITY_CUMULATIVE);
	feed(&f, "/a", 5000000, 10);
	json = collect(&f, 20, SIZE_MAX, &points);
	assert_int_equal(points, 3);
	has(json, "\"scope\":{\"name\":\"scope\",\"version\":\"v" OBI_VERSION "\"}");
	has(json, "{\"name\":\"things\",\"description\":\"how "
		  "many\",\"sum\":{\"dataPoints\":[{" ATTRIBUTES
		  ",\"startTimeUnixNano\":\"1000010\",\"timeUnixNano\":\"1000020\",\"asInt\":\"1\"}"
		  "],\"aggregationTemporality\":2,\"isMonotonic\":true}}");
	has(json, "{\"name\":\"busy\",\"description\":\"x\",\"unit\":\"s\",\"sum\":{"
		  "\"dataPoints\":[{" ATTRIBUTES
		  ",\"startTimeUnixNano\":\"1000010\",\"timeUnixNano\":\"1000020\","
		  "\"asDouble\":0.005}");
	has(json, "{\"name\":\"took\",\"description\":\"how long\",\"unit\":\"s\",\"histogram\":{"
		  "\"dataPoints\":[{" ATTRIBUTES
		  ",\"startTimeUnixNano\":\"1000010\",\"timeUnixNano\":\"1000020\","
		  "\"count\":\"1\",\"sum\":0.005,\"bucketCounts\":[\"0\",\"1\",\"0\",\"0\"],"
		  "\"explicitBounds\":[0,0.005,1]}],\"aggregationTemporality\":2}}");
	feed(&f, "/a", 2 * NSEC_PER_SEC, 25);
	feed(&f, "/b", 1, 27);
	json = collect(&f, 30, SIZE_MAX, &points);
	assert_int_equal(points, 6);
	has(json, "\"startTimeUnixNano\":\"1000010\",\"timeUnixNano\":\"1000030\",\"asInt\":\"2\"");
	has(json, "\"startTimeUnixNano\":\"1000027\",\"timeUnixNano\":\"1000030\",\"asInt\":\"1\"");
	has(json, "\"bucketCounts\":[\"0\",\"1\",\"0\",\"1\"]");
	end(&f);
}

static void deltas_begin_where_the_last_ones_ended(void **state)
{
	struct fixture f;
	const char *json;
	uint32_t points;

	begin(&f, &plain, OBI_TEMPORALITY_DELTA);
	feed(&f, "/a", 5000000, 10);
	json = collect(&f, 20, SIZE_MAX, NULL);
	has(json, "\"startTimeUnixNano\":\"1000010\",\"timeUnixNano\":\"1000020\",\"asInt\":\"1\"");
	has(json, "\"aggregationTemporality\":1,\"isMonotonic\":true");
	has_not(json, "\"aggregationTemporality\":2");
	(void)collect(&f, 30, SIZE_MAX, &points);
	assert_int_equal(points, 0);
	feed(&f, "/a", 7000000, 35);
	feed(&f, "/a", 7000000, 36);
	feed(&f, "/b", 1, 37);
	feed(&f, "/late", 1, 41); /* after the collection began */
	json = collect(&f, 40, SIZE_MAX, &points);
	assert_int_equal(points, 6);
	has(json, "\"startTimeUnixNano\":\"1000030\",\"timeUnixNano\":\"1000040\",\"asInt\":\"2\"");
	has(json, "\"startTimeUnixNano\":\"1000037\",\"timeUnixNano\":\"1000040\",\"asInt\":\"1\"");
	has(json, "\"count\":\"2\",\"sum\":0.014,\"bucketCounts\":[\"0\",\"0\",\"2\",\"0\"]");
	has_not(json, "/late");
	json = collect(&f, 50, SIZE_MAX, &points);
	assert_int_equal(points, 3);
	has(json, "\"startTimeUnixNano\":\"1000041\"");
	end(&f);
}

/* A series that began later by the clock would be another one, whose whole value is new. */
static void beginning_stays_when_the_clock_is_set(void **state)
{
	struct fixture f;
	const char *json;

	begin(&f, &plain, OBI_TEMPORALITY_CUMULATIVE);
	feed(&f, "/a", 5000000, 10);
	assert_true(epoch_clock_follow(&f.epoch, 20, 1000000 + (int64_t)NSEC_PER_SEC));
	feed(&f, "/b", 5000000, 25);
	json = collect(&f, 30, SIZE_MAX, NULL);
	has(json,
	    "\"startTimeUnixNano\":\"1000010\",\"timeUnixNano\":\"1001000030\",\"asInt\":\"1\"");
	has(json,
	    "\"startTimeUnixNano\":\"1001000025\",\"timeUnixNano\":\"1001000030\",\"asInt\":\"1\"");
	end(&f);
}

/* Set back, no point lies before the beginning of its series. */
static void no_beginning_is_in_the_future_of_a_clock_set_back(void **state)
{
	struct fixture f;
	const char *json;

	begin(&f, &plain, OBI_TEMPORALITY_DELTA);
	f.epoch.steps[0].offset_ns = 2 * (int64_t)NSEC_PER_SEC;
	feed(&f, "/a", 5000000, 10);
	(void)collect(&f, 20, SIZE_MAX, NULL);
	assert_true(epoch_clock_follow(&f.epoch, 25, (int64_t)NSEC_PER_SEC));
	feed(&f, "/a", 5000000, 30);
	json = collect(&f, 40, SIZE_MAX, NULL);
	has(json,
	    "\"startTimeUnixNano\":\"1000000020\",\"timeUnixNano\":\"1000000040\",\"asInt\":\"1\"");
	end(&f);
}

static void what_is_empty_is_left_out(void **state)
{
	struct fixture f;
	const char *json;

	begin(&f, &plain, OBI_TEMPORALITY_CUMULATIVE);
	metric_add(metric_table_metric(f.table, 1), row_of(&f, "", "http", 1), 1);
	json = collect(&f, 2, SIZE_MAX, NULL);
	has(json,
	    "\"attributes\":[{\"key\":\"server.port\",\"value\":{\"stringValue\":\"http\"}}]");
	end(&f);
}

static void gauges_and_observed_counters_know_no_start(void **state)
{
	static const struct metric_desc gauge = { .name = "g", .help = "g", .type = METRIC_GAUGE };
	static const struct metric_desc seen = {
		.name = "seen", .help = "s", .type = METRIC_COUNTER, .observed = true
	};
	struct metric_table *gauges, *counters;
	const char *json;
	struct fixture f;

	begin(&f, &plain, OBI_TEMPORALITY_DELTA);
	assert_int_equal(metrics_add_table(f.metrics, &gauge, 1, NULL, 0, 0, &gauges), 0);
	assert_int_equal(metrics_add_table(f.metrics, &seen, 1, NULL, 0, 0, &counters), 0);
	metric_set(metric_table_metric(gauges, 0), metric_table_row(gauges, NULL, 1), 7);
	metric_set(metric_table_metric(counters, 0), metric_table_row(counters, NULL, 1), 30);
	json = collect(&f, 10, SIZE_MAX, NULL);
	has(json, "\"gauge\":{\"dataPoints\":[{\"timeUnixNano\":\"1000010\",\"asInt\":\"7\"}]}");
	has(json, "\"asInt\":\"30\"");
	metric_set(metric_table_metric(counters, 0), metric_table_row(counters, NULL, 11), 34);
	json = collect(&f, 20, SIZE_MAX, NULL);
	has(json, "\"asInt\":\"7\"");
	has(json, "\"startTimeUnixNano\":\"1000010\",\"timeUnixNano\":\"1000020\",\"asInt\":\"4\"");
	f.temporality = OBI_TEMPORALITY_LOW_MEMORY;
	json = collect(&f, 30, SIZE_MAX, NULL);
	has(json, "\"asInt\":\"34\"}],\"aggregationTemporality\":2");
	end(&f);
}

static void exponential_histograms_keep_their_scale(void **state)
{
	static const struct metrics_options options = {
		.max_rows = 100,
		.histograms = { .exponential = true, .limits = { .max_scale = 20, .max_size = 2 } },
	};
	struct fixture f;
	const char *json;

	begin(&f, &options, OBI_TEMPORALITY_DELTA);
	feed(&f, "/a", 0, 1);
	feed(&f, "/a", 1500000000, 1);
	feed(&f, "/a", 3000000000, 1);
	feed(&f, "/a", 4000000000, 1);
	json = collect(&f, 2, SIZE_MAX, NULL);
	has(json, "\"exponentialHistogram\":{\"dataPoints\":[{" ATTRIBUTES
		  ",\"startTimeUnixNano\":\"1000001\",\"timeUnixNano\":\"1000002\",\"count\":\"4\","
		  "\"sum\":8.5,\"scale\":0,\"zeroCount\":\"1\",\"positive\":{\"offset\":0,"
		  "\"bucketCounts\":[\"1\",\"2\"]}}],\"aggregationTemporality\":1}");
	feed(&f, "/a", 2000000000, 3);
	json = collect(&f, 4, SIZE_MAX, NULL);
	has(json, "\"count\":\"1\",\"sum\":2,\"scale\":20,\"zeroCount\":\"0\",\"positive\":{"
		  "\"offset\":1048575,\"bucketCounts\":[\"1\"]}");
	end(&f);
}

static void exemplars_carry_the_span(void **state)
{
	static const struct metrics_options options = {
		.max_rows = 100, .histograms = { .exemplars = EXEMPLARS_TRACE }
	};
	struct metric_origin origin = {
		.trace_id = (const uint8_t *)"0123456789abcdef",
		.span_id = (const uint8_t *)"01234567",
		.time_ns = 77,
		.sampled = true,
	};
	const struct metric *took;
	struct metric_row *row;
	struct fixture f;
	const char *json;

	begin(&f, &options, OBI_TEMPORALITY_CUMULATIVE);
	took = metric_table_metric(f.table, 0);
	row = row_of(&f, "/a", "80", 1);
	metric_observe_from(took, row, 3000000, &origin);
	metric_observe_from(took, row, 4000000, &origin); /* of one bucket the last one */
	origin.sampled = false;
	metric_observe_from(took, row, NSEC_PER_SEC, &origin);
	metric_observe(took, row, NSEC_PER_SEC);
	json = collect(&f, 2, SIZE_MAX, NULL);
	has(json, "\"exemplars\":[{\"timeUnixNano\":\"77\",\"asDouble\":0.004,"
		  "\"spanId\":\"3031323334353637\","
		  "\"traceId\":\"30313233343536373839616263646566\"}]");
	json = collect(&f, 3, SIZE_MAX, NULL);
	has_not(json, "exemplars"); /* those since the last time */
	has(json, "\"count\":\"4\"");
	end(&f);
}

static void large_sets_are_divided(void **state)
{
	struct fixture f;
	const char *json;
	uint32_t points;
	char route[16];
	size_t lines = 0, found = 0;

	begin(&f, &(struct metrics_options){ .max_rows = SIZE_MAX }, OBI_TEMPORALITY_CUMULATIVE);
	for (int i = 0; i < 500; i++) {
		(void)snprintf(route, sizeof(route), "/%d", i);
		feed(&f, route, 1, 1);
	}
	json = collect(&f, 2, 10000, &points);
	assert_int_equal(points, 1500);
	for (const char *c = json; *c; c++)
		lines += *c == '\n';
	assert_true(lines > 10);
	for (const char *c = json; (c = strstr(c, "\"startTimeUnixNano\"")); c++)
		found++;
	assert_int_equal(found, 1500);
	end(&f);
}

static void the_series_of_the_overflow_says_so(void **state)
{
	struct fixture f;
	const char *json;

	begin(&f, &(struct metrics_options){ .max_rows = 2 }, OBI_TEMPORALITY_CUMULATIVE);
	feed(&f, "/a", 1, 1);
	feed(&f, "/b", 1, 1);
	feed(&f, "/c", 1, 1);
	json = collect(&f, 2, SIZE_MAX, NULL);
	has(json,
	    "\"attributes\":[{\"key\":\"otel.metric.overflow\",\"value\":{\"boolValue\":true}}],"
	    "\"startTimeUnixNano\":\"1000001\",\"timeUnixNano\":\"1000002\",\"asInt\":\"2\"}");
	has_not(json, "/b");
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cumulative_points_begin_with_their_series),
		cmocka_unit_test(deltas_begin_where_the_last_ones_ended),
		cmocka_unit_test(beginning_stays_when_the_clock_is_set),
		cmocka_unit_test(no_beginning_is_in_the_future_of_a_clock_set_back),
		cmocka_unit_test(what_is_empty_is_left_out),
		cmocka_unit_test(gauges_and_observed_counters_know_no_start),
		cmocka_unit_test(exponential_histograms_keep_their_scale),
		cmocka_unit_test(exemplars_carry_the_span),
		cmocka_unit_test(large_sets_are_divided),
		cmocka_unit_test(the_series_of_the_overflow_says_so),
	};

	return cmocka_run_group_tests_name("otlp_metrics", tests, NULL, NULL);
}
