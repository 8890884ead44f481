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

#include "bench/cpu.h"
#include "bench/sample.h"
#include "otlp/json.h"
#include "otlp/spans.h"
#include "settings/settings.h"

#define SERVICES_MAX 1024
/* Spans of one service come in runs. */
#define RUN 16

static struct obi_service services[SERVICES_MAX];

static void make_services(void)
{
	for (unsigned i = 0; i < SERVICES_MAX; i++) {
		struct obi_service *service = &services[i];

		*service = sample_service;
		service->pid += i;
		(void)snprintf(service->name, sizeof(service->name), "checkout-%u", i);
		(void)snprintf(service->instance, sizeof(service->instance),
			       "node-17.example.org:%u", service->pid);
		(void)snprintf(service->resource_attributes, sizeof(service->resource_attributes),
			       "deployment.environment=production,service.version=1.4.2");
	}
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
	static char paths[256][SAMPLE_PATH];
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
		spans[i] = sample_span(i, paths[i]);
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
