// SPDX-License-Identifier: Apache-2.0
/*
 * Random measurements into a registry, collected several times; what was measured is told beside it
 * in plain numbers.
 *
 *   metrics_tool SEED cumulative|delta explicit|exponential DIRECTORY
 *
 * Writes DIRECTORY/CYCLE.PIECE.bin, requests, and DIRECTORY/expected.json: for each cycle and route
 * the count, the sum in ns, and the counter, all since the beginning.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "metrics/metrics_sample.h"
#include "otlp/key_value.h"
#include "otlp/metrics.h"

#define CYCLES 6
#define ROUTES 40
#define VALUES 3000
#define PIECE_BYTES 4000

static double bounds[] = { 0, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 1, 10 };
static const struct obi_floats buckets = { bounds, ARRAY_SIZE(bounds) };
static const struct metric_desc descs[] = {
	SAMPLE_METRICS(&buckets),
};
static const struct metric_desc gauge = { .name = "alive", .help = "is it", .type = METRIC_GAUGE };

static uint64_t state;
static struct {
	uint64_t count, sum;
} expected[ROUTES];

static uint64_t next_random(void)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return state >> 33;
}

static void feed(struct metric_table *table, uint64_t now_ns)
{
	const struct metric_origin origin = {
		.trace_id = (const uint8_t *)"0123456789abcdef",
		.span_id = (const uint8_t *)"01234567",
		.time_ns = clock_realtime_ns(),
		.sampled = true,
	};

	for (int i = 0; i < VALUES; i++) {
		size_t route = next_random() % ROUTES;
		uint64_t ns = next_random() >> next_random() % 32;
		char text[16];
		struct slice values[2];
		struct metric_row *row;

		(void)snprintf(text, sizeof(text), "/%zu", route);
		values[0] = slice_cstr(text);
		values[1] = SLICE_LIT("80");
		row = metric_table_row(table, values, now_ns);
		metric_observe_from(metric_table_metric(table, 0), row, ns, &origin);
		metric_add(metric_table_metric(table, 1), row, 1);
		expected[route].count++;
		expected[route].sum += ns;
	}
}

static int write_file(const char *directory, const char *name, const struct buffer *buf)
{
	char path[512];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "we");
	if (!file || fwrite(buf->data, 1, buf->len, file) != buf->len || fclose(file) != 0)
		return 1;
	return 0;
}

static void put_expected(struct buffer *json, int cycle)
{
	buffer_put_cstr(json, cycle ? ",\n[" : "[\n[");
	for (int i = 0; i < ROUTES; i++)
		buffer_printf(json, "%s[%llu, %llu]", i ? ", " : "",
			      (unsigned long long)expected[i].count,
			      (unsigned long long)expected[i].sum);
	buffer_put_cstr(json, "]");
}

static int collect(struct metrics *metrics, enum obi_temporality temporality, uint64_t now_ns,
		   const char *directory, int cycle)
{
	struct otlp_metrics_reader reader;
	struct buffer resource = { 0 }, request = { 0 };
	bool more = true;
	int failed = 0;

	otlp_put_clean_attribute(&resource, 1, SLICE_LIT("service.name"), SLICE_LIT("shop"));
	otlp_metrics_begin(&reader, metrics, temporality, now_ns);
	for (int piece = 0; more; piece++) {
		uint32_t points = 0;
		char name[32];
		size_t mark;

		request.len = 0;
		mark = otlp_metrics_begin_resource(slice_of(resource.data, resource.len), &request);
		more = otlp_metrics_put(&reader, SLICE_LIT("scope"), &request, PIECE_BYTES,
					&points);
		otlp_metrics_end_resource(mark, &request);
		(void)snprintf(name, sizeof(name), "%d.%03d.bin", cycle, piece);
		failed |= request.failed || write_file(directory, name, &request);
	}
	otlp_metrics_end(&reader);
	buffer_free(&resource);
	buffer_free(&request);
	return failed;
}

static int run(enum obi_temporality temporality, bool exponential, const char *directory)
{
	const struct metrics_options options = {
		.max_rows = 1000,
		.histograms = { .exponential = exponential,
				.exemplars = EXEMPLARS_TRACE,
				.limits = { .max_scale = 20, .max_size = 40 } },
	};
	struct metrics *metrics = metrics_new_with(&options);
	struct metric_table *table, *alive;
	struct buffer json = { 0 };
	int failed;

	if (!metrics || metrics_add_table(metrics, descs, 2, sample_names, 2, 0, &table) ||
	    metrics_add_table(metrics, &gauge, 1, NULL, 0, 0, &alive))
		return 1;
	metric_set(metric_table_metric(alive, 0), metric_table_row(alive, NULL, 0), 1);
	failed = 0;
	for (int cycle = 0; cycle < CYCLES && !failed; cycle++) {
		uint64_t now_ns = clock_monotonic_ns();

		feed(table, now_ns);
		failed = collect(metrics, temporality, clock_monotonic_ns(), directory, cycle);
		put_expected(&json, cycle);
	}
	buffer_put_cstr(&json, "\n]\n");
	failed |= json.failed || write_file(directory, "expected.json", &json);
	buffer_free(&json);
	metrics_free(metrics);
	return failed;
}

int main(int argc, char **argv)
{
	if (argc != 5)
		return 2;
	state = strtoull(argv[1], NULL, 10);
	return run(strcmp(argv[2], "delta") == 0 ? OBI_TEMPORALITY_DELTA
						 : OBI_TEMPORALITY_CUMULATIVE,
		   strcmp(argv[3], "exponential") == 0, argv[4]);
}
