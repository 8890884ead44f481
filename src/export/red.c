// SPDX-License-Identifier: Apache-2.0
/*
 * A side (server, client) has three histograms. They normally carry the same
 * attributes and so share one table and one look-up a span; where the selection tells
 * them apart, each has a table of its own.
 */
#include "export/red.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/address.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "export/attributes.h"
#include "export/semconv.h"
#include "export/target.h"
#include "settings/settings.h"

/* In the order of the labels' names. */
enum http_attribute {
	HTTP_CLIENT_ADDRESS,
	HTTP_METHOD,
	HTTP_STATUS,
	HTTP_ROUTE,
	HTTP_INSTANCE,
	HTTP_JOB,
	HTTP_SERVER_ADDRESS,
	HTTP_SERVER_PORT,
	HTTP_SERVICE_NAME,
	HTTP_SERVICE_NAMESPACE,
	HTTP_URL_PATH,
	HTTP_URL_SCHEME,
	HTTP_ATTRIBUTES,
};

static const struct attribute attributes[HTTP_ATTRIBUTES] = {
	[HTTP_CLIENT_ADDRESS] = { "client.address", "client_address", false },
	[HTTP_METHOD] = { "http.request.method", "http_request_method", true },
	[HTTP_STATUS] = { "http.response.status_code", "http_response_status_code", true },
	[HTTP_ROUTE] = { "http.route", "http_route", true },
	[HTTP_INSTANCE] = { "instance", "instance", true },
	[HTTP_JOB] = { "job", "job", true },
	[HTTP_SERVER_ADDRESS] = { "server.address", "server_address", true },
	[HTTP_SERVER_PORT] = { "server.port", "server_port", true },
	[HTTP_SERVICE_NAME] = { "service.name", "service_name", true },
	[HTTP_SERVICE_NAMESPACE] = { "service.namespace", "service_namespace", true },
	[HTTP_URL_PATH] = { "url.path", "url_path", false },
	[HTTP_URL_SCHEME] = { "url.scheme", "url_scheme", true },
};

enum side_metric {
	SIDE_DURATION,
	SIDE_REQUEST_SIZE,
	SIDE_RESPONSE_SIZE,
	SIDE_METRICS,
};

static const struct {
	const char *name;
	const char *otel;
	const char *help;
} names[OBI_SPAN_TYPES][SIDE_METRICS] = {
	[OBI_SPAN_HTTP_SERVER] = {
		[SIDE_DURATION] = {
			"http_server_request_duration_seconds",
			"http.server.request.duration",
			"duration of HTTP service calls from the server side, in seconds",
		},
		[SIDE_REQUEST_SIZE] = {
			"http_server_request_body_size_bytes",
			"http.server.request.body.size",
			"size, in bytes, of the HTTP request body as received at the server side",
		},
		[SIDE_RESPONSE_SIZE] = {
			"http_server_response_body_size_bytes",
			"http.server.response.body.size",
			"size, in bytes, of the HTTP response body as received at the server side",
		},
	},
	[OBI_SPAN_HTTP_CLIENT] = {
		[SIDE_DURATION] = {
			"http_client_request_duration_seconds",
			"http.client.request.duration",
			"duration of HTTP service calls from the client side, in seconds",
		},
		[SIDE_REQUEST_SIZE] = {
			"http_client_request_body_size_bytes",
			"http.client.request.body.size",
			"size, in bytes, of the HTTP request body as sent from the client side",
		},
		[SIDE_RESPONSE_SIZE] = {
			"http_client_response_body_size_bytes",
			"http.client.response.body.size",
			"size, in bytes, of the HTTP response body as sent from the client side",
		},
	},
};

/* Metrics of one side that carry the same attributes. */
struct side_table {
	struct metric_table *table;
	uint8_t attributes[HTTP_ATTRIBUTES]; /* enum http_attribute */
	size_t attributes_count;
	uint8_t metrics[SIDE_METRICS]; /* enum side_metric */
	size_t metrics_count;
};

struct side {
	struct side_table tables[SIDE_METRICS];
	size_t count;
	attribute_set used; /* by any of them */
};

struct red {
	const struct obi_attributes_options *options;
	struct side sides[OBI_SPAN_TYPES];
	struct target *target;
};

/* ---- Tables ---- */

/* On the client's side there is no client.address: it is the service itself. */
static attribute_set offered(enum obi_span_type type)
{
	attribute_set all = (1u << HTTP_ATTRIBUTES) - 1;

	return type == OBI_SPAN_HTTP_CLIENT ? all & ~(1u << HTTP_CLIENT_ADDRESS) : all;
}

static struct metric_desc describe(const struct obi_prometheus_options *options,
				   enum obi_span_type type, enum side_metric metric)
{
	const struct obi_floats *const buckets[SIDE_METRICS] = {
		[SIDE_DURATION] = &options->duration_buckets,
		[SIDE_REQUEST_SIZE] = &options->request_size_buckets,
		[SIDE_RESPONSE_SIZE] = &options->response_size_buckets,
	};

	return (struct metric_desc){
		.name = names[type][metric].name,
		.help = names[type][metric].help,
		.type = METRIC_HISTOGRAM,
		.scale = metric == SIDE_DURATION ? NSEC_PER_SEC : 1,
		.buckets = buckets[metric],
	};
}

static int add_table(const struct obi_settings *settings, struct metrics *metrics,
		     enum obi_span_type type, attribute_set set, struct side_table *table)
{
	const struct obi_prometheus_options *options = &settings->export.prometheus;
	struct metric_desc descs[SIDE_METRICS];
	const char *labels[HTTP_ATTRIBUTES];

	for (size_t i = 0; i < table->metrics_count; i++)
		descs[i] = describe(options, type, table->metrics[i]);
	for (size_t i = 0; i < HTTP_ATTRIBUTES; i++) {
		if (set & 1u << i)
			table->attributes[table->attributes_count++] = (uint8_t)i;
	}
	return metrics_add_table(metrics, descs, table->metrics_count, labels,
				 attributes_labels(set, attributes, HTTP_ATTRIBUTES, labels),
				 options->ttl, &table->table);
}

static int add_side(const struct obi_settings *settings, struct metrics *metrics,
		    enum obi_span_type type, struct side *side)
{
	attribute_set sets[SIDE_METRICS];
	unsigned done = 0;
	int error = 0;

	for (int i = 0; i < SIDE_METRICS; i++)
		sets[i] = offered(type) & attributes_select(&settings->pipeline.attributes.select,
							    names[type][i].otel, attributes,
							    HTTP_ATTRIBUTES);
	for (int i = 0; i < SIDE_METRICS && !error; i++) {
		struct side_table *table = &side->tables[side->count];

		if (done & 1u << i)
			continue;
		for (int k = i; k < SIDE_METRICS; k++) {
			if (sets[k] != sets[i])
				continue;
			table->metrics[table->metrics_count++] = (uint8_t)k;
			done |= 1u << k;
		}
		error = add_table(settings, metrics, type, sets[i], table);
		side->used |= sets[i];
		side->count++;
	}
	return error;
}

int red_new(const struct obi_settings *settings, struct metrics *metrics, struct red **ret_red)
{
	struct red *red = calloc(1, sizeof(*red));
	int error = red ? target_new(settings, metrics, &red->target) : -ENOMEM;

	if (red)
		red->options = &settings->pipeline.attributes;
	for (int i = 0; i < OBI_SPAN_TYPES && !error; i++)
		error = add_side(settings, metrics, (enum obi_span_type)i, &red->sides[i]);
	if (error) {
		red_free(red);
		return error;
	}
	*ret_red = red;
	return 0;
}

void red_free(struct red *red)
{
	if (!red)
		return;
	target_free(red->target);
	free(red);
}

/* ---- Spans ---- */

/* Text of the values that are none in the span. */
struct scratch {
	char status[16];
	char port[8];
	char job[sizeof(((struct obi_service *)0)->name_space) +
		 sizeof(((struct obi_service *)0)->name) + 1];
};

static struct slice number(unsigned value, char *text, size_t size)
{
	char *to = text + size;

	do {
		*--to = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	return slice_of(to, (size_t)(text + size - to));
}

/* An address in the place of a name would be a series of its own for each peer. */
static struct slice named(struct slice name, const char *instead)
{
	return *instead && address_text(name) ? slice_cstr(instead) : name;
}

static void get_addresses(const struct red *red, const struct obi_span *span, struct slice *values)
{
	const struct obi_attributes_options *options = red->options;

	if (span->type == OBI_SPAN_HTTP_SERVER) {
		values[HTTP_SERVER_ADDRESS] = named(span->host_name, options->rename_unresolved);
		values[HTTP_CLIENT_ADDRESS] =
			named(span->peer_name, options->rename_unresolved_incoming);
	} else {
		values[HTTP_SERVER_ADDRESS] =
			named(span->host_name, options->rename_unresolved_outgoing);
	}
}

static void get_values(const struct red *red, const struct obi_span *span, struct scratch *scratch,
		       struct slice *values)
{
	const struct obi_service *service = span->service;

	values[HTTP_METHOD] = span_known_method(span->method);
	values[HTTP_STATUS] =
		number((unsigned)span->status, scratch->status, sizeof(scratch->status));
	values[HTTP_ROUTE] = span->route;
	values[HTTP_INSTANCE] = slice_cstr(service->instance);
	values[HTTP_JOB] = target_job(service, scratch->job, sizeof(scratch->job));
	values[HTTP_SERVER_PORT] = number(span->host_port, scratch->port, sizeof(scratch->port));
	values[HTTP_SERVICE_NAME] = slice_cstr(service->name);
	values[HTTP_SERVICE_NAMESPACE] = slice_cstr(service->name_space);
	values[HTTP_URL_PATH] = span->path;
	values[HTTP_URL_SCHEME] = span->scheme;
	get_addresses(red, span, values);
}

static uint64_t get_measure(const struct obi_span *span, enum side_metric metric)
{
	switch (metric) {
	case SIDE_DURATION:
		return span->end_ns > span->request_start_ns ? span->end_ns - span->request_start_ns
							     : 0;
	case SIDE_REQUEST_SIZE:
		return span_body_size(span->request_length);
	default:
		return span_body_size(span->response_length);
	}
}

void red_put_span(struct red *red, const struct obi_span *span, uint64_t now_ns)
{
	struct slice all[HTTP_ATTRIBUTES], values[HTTP_ATTRIBUTES];
	const struct side *side = &red->sides[span->type];
	struct scratch scratch;

	if (span->flags & OBI_SPAN_IGNORE_METRICS)
		return;
	get_values(red, span, &scratch, all);
	for (size_t t = 0; t < side->count; t++) {
		const struct side_table *table = &side->tables[t];
		struct metric_row *row;

		for (size_t i = 0; i < table->attributes_count; i++)
			values[i] = all[table->attributes[i]];
		row = metric_table_row(table->table, values, now_ns);
		for (size_t i = 0; row && i < table->metrics_count; i++)
			metric_observe(metric_table_metric(table->table, i), row,
				       get_measure(span, table->metrics[i]));
	}
}

void red_service(struct red *red, const struct obi_service *service, bool alive, uint64_t now_ns)
{
	target_service(red->target, service, alive, now_ns);
}
