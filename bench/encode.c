// SPDX-License-Identifier: Apache-2.0
/*
 * Encoding alone: typical spans of an HTTP server go into batches as the exporter makes them, and
 * these into requests, which nobody sends.
 *
 *   encode SPANS [BATCH [SERVICES [json]]]
 *
 * json: each request becomes OTLP/JSON too. Prints "spans=N ns=N bytes=N": the CPU time of the
 * loop alone, and the bytes of all requests.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "export/otlp/json.h"
#include "export/otlp/spans.h"
#include "settings/settings.h"

#define SERVICES_MAX 1024
/* Spans of one service come in runs. */
#define RUN 16

static struct obi_service services[SERVICES_MAX];

static void make_services(void)
{
	for (unsigned i = 0; i < SERVICES_MAX; i++) {
		struct obi_service *service = &services[i];

		service->pid = 1000 + i;
		(void)snprintf(service->name, sizeof(service->name), "checkout-%u", i);
		(void)snprintf(service->name_space, sizeof(service->name_space), "shop");
		(void)snprintf(service->language, sizeof(service->language), "go");
		(void)snprintf(service->instance, sizeof(service->instance),
			       "node-17.example.org:%u", service->pid);
		(void)snprintf(service->resource_attributes, sizeof(service->resource_attributes),
			       "deployment.environment=production,service.version=1.4.2");
	}
}

static void make_span(unsigned long long i, char path[64], struct obi_span *span)
{
	int len = snprintf(path, 64, "/api/v1/customers/%llu/orders", 100000 + i % 100000);

	*span = (struct obi_span){
		.type = OBI_SPAN_HTTP_SERVER,
		.request_start_ns = 1795534176432936000 + i * 1000,
		.start_ns = 1795534176432936000 + i * 1000,
		.end_ns = 1795534176432936000 + i * 1000 + 1500000,
		.status = 200,
		.request_length = 0,
		.response_length = 1843,
		.method = SLICE_LIT("GET"),
		.path = slice_of(path, (size_t)len),
		.query = SLICE_LIT("page=2&size=50"),
		.route = SLICE_LIT("/api/v1/customers/:id/orders"),
		.scheme = SLICE_LIT("http"),
		.host_port = 8080,
		.peer_port = 40000,
		.peer_name = SLICE_LIT("10.42.17.203"),
		.host_name = SLICE_LIT("checkout"),
	};
	memset(span->trace.trace_id, (int)(i | 1), sizeof(span->trace.trace_id));
	memset(span->trace.span_id, (int)(i | 1), sizeof(span->trace.span_id));
	memset(span->trace.parent_id, 7, sizeof(span->trace.parent_id));
	span->trace.trace_flags = 1;
}

static unsigned long long cpu_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (unsigned long long)t.tv_sec * 1000000000ULL + (unsigned long long)t.tv_nsec;
}

/* Returns the bytes that the batch became. */
static size_t take(struct otlp_spans *batch, struct buffer *request, struct buffer *json)
{
	request->len = 0;
	if (otlp_spans_take(batch, request))
		exit(1);
	if (!json)
		return request->len;
	json->len = 0;
	if (otlp_json_put(OTLP_TRACES, slice_of(request->data, request->len), OTLP_JSON_COMPACT,
			  json))
		exit(1);
	return json->len;
}

int main(int argc, char **argv)
{
	static struct obi_span spans[256];
	static char paths[256][64];
	unsigned long long count = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
	size_t size = argc > 2 ? strtoull(argv[2], NULL, 10) : 4096;
	size_t processes = argc > 3 ? strtoull(argv[3], NULL, 10) : 8;
	bool with_json = argc > 4 && strcmp(argv[4], "json") == 0;
	struct buffer request = { 0 }, json = { 0 };
	struct obi_settings settings;
	struct obi_error error;
	struct otlp_spans *batch;
	unsigned long long start, bytes = 0;
	char *env[] = { NULL };

	make_services();
	for (unsigned i = 0; i < 256; i++)
		make_span(i, paths[i], &spans[i]);
	if (!size || !processes || processes > SERVICES_MAX ||
	    obi_settings_load_text("bench", SLICE_LIT(""), env, &settings, &error) ||
	    otlp_spans_new(&settings, &batch))
		return 1;
	start = cpu_ns();
	for (unsigned long long i = 0; i < count; i++) {
		struct obi_span *span = &spans[i % 256];

		span->service = &services[i / RUN % processes];
		if (otlp_spans_put(batch, span))
			return 1;
		if (otlp_spans_count(batch) == size || i + 1 == count)
			bytes += take(batch, &request, with_json ? &json : NULL);
	}
	start = cpu_ns() - start;
	printf("spans=%llu ns=%llu bytes=%llu\n", count, start, bytes);
	otlp_spans_free(batch);
	obi_settings_free(&settings);
	buffer_free(&request);
	buffer_free(&json);
	return 0;
}
