// SPDX-License-Identifier: Apache-2.0
/*
 * Metrics in memory, and on their way out: a registry of so many series is filled by spans of HTTP
 * servers as the exporters do it, then rendered and encoded, and nobody takes it.
 *
 *   series SERIES text|openmetrics|protobuf|gzip|otlp [ROUNDS]
 *
 * gzip: text, compressed as a scraper gets it.
 *
 * Prints "series=N lines=N bytes=N ns=N memory=N after=N": CPU time and bytes of one round, lines
 * (OTLP: points) in it, and the memory of the registry, before the rounds and after. A series is a
 * histogram of 15 buckets.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cpu.h"
#include "bench/sample.h"
#include "export/gzip.h"
#include "metrics/families/families.h"
#include "metrics/render.h"
#include "otlp/metrics.h"
#include "settings/settings.h"

/* Of one service and one route: durations, sizes of requests and responses. */
#define SERIES_OF_A_ROUTE 3
#define PIECE_BYTES ((size_t)32 * 1024)
#define REQUEST_BYTES ((size_t)2 << 20)

static const char config[] =
	"metrics: {features: [application], series_limit: 1000000}\n"
	"memory_limit_mib: 1024\n"
	"prometheus_export:\n  buckets:\n"
	"    request_size_histogram: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]\n"
	"    response_size_histogram: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]\n";

struct result {
	size_t lines;
	size_t bytes;
};

static size_t in_use(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static void fill(struct families *families, size_t series)
{
	char route[64];
	struct obi_span span = {
		.system = &obi_system_http,
		.kind = OBI_KIND_SERVER,
		.op.http.status = 200,
		.op.http.request_length = 3,
		.op.http.response_length = 1843,
		.op.http.method = SLICE_LIT("GET"),
		.op.http.scheme = SLICE_LIT("http"),
		.host_port = 8080,
		.peer_name = SLICE_LIT("10.42.17.203"),
		.host_name = SLICE_LIT("checkout"),
		.service = &sample_service,
	};

	for (size_t i = 0; i < series / SERIES_OF_A_ROUTE; i++) {
		int len = snprintf(route, sizeof(route), "/api/v1/customers/%zu/orders", i);

		span.op.http.route = slice_of(route, (size_t)len);
		span.end_ns = 1000000 * (i % 1000);
		families_put_span(families, &span, 1);
	}
}

static size_t count_lines(const struct buffer *buf)
{
	size_t lines = 0;

	for (size_t i = 0; i < buf->len; i++)
		lines += buf->data[i] == '\n';
	return lines;
}

/* How many bytes of a compressed answer this piece becomes. */
static size_t compress_piece(struct gzip *gzip, const struct buffer *piece, bool last)
{
	static char out[PIECE_BYTES];
	struct slice rest = slice_of(piece->data, piece->len);
	size_t len, sum = 0;

	do {
		len = gzip_put(gzip, &rest, last, out, sizeof(out));
		sum += len;
	} while (rest.len || len == sizeof(out));
	return sum;
}

/* gzip: NULL where it goes out as it is. */
static struct result render(struct metrics *metrics, enum metrics_format format, struct gzip *gzip,
			    bool count)
{
	struct metrics_rendering rendering;
	struct result result = { 0 };
	struct buffer piece = { 0 };
	bool more = true;

	metrics_render_begin(&rendering, metrics, format);
	while (more) {
		piece.len = 0;
		more = metrics_render(&rendering, &piece, PIECE_BYTES);
		result.bytes += gzip ? compress_piece(gzip, &piece, !more) : piece.len;
		if (count)
			result.lines += count_lines(&piece);
	}
	metrics_render_end(&rendering);
	buffer_free(&piece);
	return result;
}

static struct result render_gzip(struct metrics *metrics, bool count)
{
	struct gzip *gzip = gzip_new();
	struct result result = { 0 };

	if (gzip)
		result = render(metrics, METRICS_TEXT, gzip, count);
	gzip_free(gzip);
	return result;
}

static struct result encode(struct metrics *metrics)
{
	struct otlp_metrics_reader reader;
	struct result result = { 0 };
	struct buffer request = { 0 };
	uint32_t points = 0;
	bool more = true;

	otlp_metrics_begin(&reader, metrics, OBI_TEMPORALITY_CUMULATIVE, 2);
	while (more) {
		size_t mark;

		request.len = 0;
		mark = otlp_metrics_begin_resource(SLICE_LIT(""), &request);
		more = otlp_metrics_put(&reader, SLICE_LIT("bench"), &request, REQUEST_BYTES,
					&points);
		otlp_metrics_end_resource(mark, &request);
		result.bytes += request.len;
	}
	otlp_metrics_end(&reader);
	buffer_free(&request);
	result.lines = points;
	return result;
}

static struct result run(struct metrics *metrics, const char *format, bool count)
{
	if (strcmp(format, "otlp") == 0)
		return encode(metrics);
	if (strcmp(format, "protobuf") == 0)
		return render(metrics, METRICS_PROTOBUF, NULL, false);
	if (strcmp(format, "gzip") == 0)
		return render_gzip(metrics, count);
	return render(metrics,
		      strcmp(format, "openmetrics") == 0 ? METRICS_OPENMETRICS : METRICS_TEXT, NULL,
		      count);
}

int main(int argc, char **argv)
{
	size_t series = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000, before, memory;
	const char *format = argc > 2 ? argv[2] : "text";
	unsigned long rounds = argc > 3 ? strtoul(argv[3], NULL, 10) : 5;
	unsigned long long start, best = 0;
	struct obi_settings settings;
	struct families *families;
	struct obi_error error;
	struct result result;
	char *env[] = { NULL };

	if (obi_settings_load_text("bench", SLICE_LIT(config), env, &settings, &error))
		return 1;
	before = in_use();
	if (families_new(&settings, &families))
		return 1;
	fill(families, series);
	memory = in_use() - before;
	series = metrics_series(families_metrics(families));
	result = run(families_metrics(families), format, true);
	for (unsigned long i = 0; i < rounds; i++) {
		start = cpu_ns();
		(void)run(families_metrics(families), format, false);
		start = cpu_ns() - start;
		best = !best || start < best ? start : best;
	}
	(void)printf("series=%zu lines=%zu bytes=%zu ns=%llu memory=%zu after=%zu\n", series,
		     result.lines, result.bytes, best, memory, in_use() - before);
	families_free(families);
	obi_settings_free(&settings);
	return 0;
}
