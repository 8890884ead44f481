// SPDX-License-Identifier: Apache-2.0
/*
 * A side (server, client) has three histograms. They normally carry the same
 * attributes and so share one table and one look-up a span; where the selection tells
 * them apart, each has a table of its own.
 */
#include "export/families/red.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "export/families/catalog.h"
#include "export/families/origin.h"
#include "export/semconv.h"
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
	[HTTP_CLIENT_ADDRESS] = { "client.address", false, 0 },
	[HTTP_METHOD] = { "http.request.method", true, 0 },
	[HTTP_STATUS] = { "http.response.status_code", true, 0 },
	[HTTP_ROUTE] = { "http.route", true, 0 },
	[HTTP_INSTANCE] = { "instance", true, SINK_PROMETHEUS },
	[HTTP_JOB] = { "job", true, SINK_PROMETHEUS },
	[HTTP_SERVER_ADDRESS] = { "server.address", true, 0 },
	[HTTP_SERVER_PORT] = { "server.port", true, 0 },
	[HTTP_SERVICE_NAME] = { "service.name", true, 0 },
	[HTTP_SERVICE_NAMESPACE] = { "service.namespace", true, 0 },
	[HTTP_URL_PATH] = { "url.path", false, 0 },
	[HTTP_URL_SCHEME] = { "url.scheme", true, 0 },
};

/* On the client's side there is no client.address: it is the service itself. */
const struct attribute_group red_server_attributes = { attributes, HTTP_ATTRIBUTES };
const struct attribute_group red_client_attributes = {
	attributes + HTTP_CLIENT_ADDRESS + 1,
	HTTP_ATTRIBUTES - HTTP_CLIENT_ADDRESS - 1,
};

enum side_metric {
	SIDE_DURATION,
	SIDE_REQUEST_SIZE,
	SIDE_RESPONSE_SIZE,
	SIDE_METRICS,
};

static const enum metric_id ids[][SIDE_METRICS] = {
	[OBI_KIND_SERVER] = {
		[SIDE_DURATION] = METRIC_HTTP_SERVER_DURATION,
		[SIDE_REQUEST_SIZE] = METRIC_HTTP_SERVER_REQUEST_SIZE,
		[SIDE_RESPONSE_SIZE] = METRIC_HTTP_SERVER_RESPONSE_SIZE,
	},
	[OBI_KIND_CLIENT] = {
		[SIDE_DURATION] = METRIC_HTTP_CLIENT_DURATION,
		[SIDE_REQUEST_SIZE] = METRIC_HTTP_CLIENT_REQUEST_SIZE,
		[SIDE_RESPONSE_SIZE] = METRIC_HTTP_CLIENT_RESPONSE_SIZE,
	},
};

/* A missing row would be METRIC_HTTP_SERVER_DURATION: the first one is 0. */
_Static_assert(ARRAY_SIZE(ids) == OBI_SPAN_SIDES, "metrics of each type of span");

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
};

struct red {
	const struct obi_attributes_options *options;
	struct side sides[OBI_SPAN_SIDES];
};

/* ---- Tables ---- */

static int add_table(const struct family_options *options, struct metrics *metrics,
		     enum obi_span_kind type, attribute_set set, struct side_table *table)
{
	struct metric_desc descs[SIDE_METRICS];
	const char *names[HTTP_ATTRIBUTES];

	for (size_t i = 0; i < table->metrics_count; i++)
		descs[i] = metric_describe(options, ids[type][table->metrics[i]]);
	for (size_t i = 0; i < HTTP_ATTRIBUTES; i++) {
		if (set & 1u << i)
			table->attributes[table->attributes_count++] = (uint8_t)i;
	}
	return metrics_add_table(metrics, descs, table->metrics_count, names,
				 attributes_names(set, attributes, HTTP_ATTRIBUTES, names),
				 options->ttl, &table->table);
}

static attribute_set select_for(const struct family_options *options, enum obi_span_kind type,
				enum side_metric metric)
{
	attribute_set set =
		metric_attributes(options, ids[type][metric], attributes, HTTP_ATTRIBUTES);

	return type == OBI_KIND_CLIENT ? set & ~(1u << HTTP_CLIENT_ADDRESS) : set;
}

static int add_side(const struct family_options *options, struct metrics *metrics,
		    enum obi_span_kind type, struct side *side)
{
	attribute_set sets[SIDE_METRICS];
	unsigned done = 0;
	int error = 0;

	for (int i = 0; i < SIDE_METRICS; i++)
		sets[i] = select_for(options, type, (enum side_metric)i);
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
		error = add_table(options, metrics, type, sets[i], table);
		side->count++;
	}
	return error;
}

int red_new(const struct family_options *options, struct metrics *metrics, struct red **ret_red)
{
	struct red *red = calloc(1, sizeof(*red));
	int error = red ? 0 : -ENOMEM;

	if (red)
		red->options = &options->settings->pipeline.attributes;
	for (int i = 0; i < OBI_SPAN_SIDES && !error; i++)
		error = add_side(options, metrics, (enum obi_span_kind)i, &red->sides[i]);
	if (error) {
		red_free(red);
		return error;
	}
	*ret_red = red;
	return 0;
}

void red_free(struct red *red)
{
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

static void get_addresses(const struct red *red, const struct obi_span *span, struct slice *values)
{
	const struct obi_attributes_options *options = red->options;

	if (span->kind == OBI_KIND_SERVER) {
		values[HTTP_SERVER_ADDRESS] =
			peer_named(span->host_name, options->rename_unresolved);
		values[HTTP_CLIENT_ADDRESS] =
			peer_named(span->peer_name, options->rename_unresolved_incoming);
	} else {
		values[HTTP_SERVER_ADDRESS] =
			peer_named(span->host_name, options->rename_unresolved_outgoing);
	}
}

static void get_values(const struct red *red, const struct obi_span *span, struct scratch *scratch,
		       struct slice *values)
{
	const struct obi_service *service = span->service;

	values[HTTP_METHOD] = span_known_method(span->op.http.method);
	values[HTTP_STATUS] =
		number((unsigned)span->op.http.status, scratch->status, sizeof(scratch->status));
	values[HTTP_ROUTE] = span->op.http.route;
	values[HTTP_INSTANCE] = slice_cstr(service->instance);
	values[HTTP_JOB] = service_job(service, scratch->job, sizeof(scratch->job));
	values[HTTP_SERVER_PORT] =
		number(obi_span_server_port(span), scratch->port, sizeof(scratch->port));
	values[HTTP_SERVICE_NAME] = slice_cstr(service->name);
	values[HTTP_SERVICE_NAMESPACE] = slice_cstr(service->name_space);
	values[HTTP_URL_PATH] = span->op.http.path;
	values[HTTP_URL_SCHEME] = span->op.http.scheme;
	get_addresses(red, span, values);
}

static uint64_t get_measure(const struct obi_span *span, enum side_metric metric)
{
	switch (metric) {
	case SIDE_DURATION:
		return span_duration(span);
	case SIDE_REQUEST_SIZE:
		return span_body_size(span->op.http.request_length);
	default:
		return span_body_size(span->op.http.response_length);
	}
}

void red_put_span(struct red *red, const struct obi_span *span, uint64_t now_ns)
{
	struct slice all[HTTP_ATTRIBUTES], values[HTTP_ATTRIBUTES];
	const struct side *side = &red->sides[span->kind];
	const struct metric_origin origin = span_origin(span);
	struct scratch scratch;

	get_values(red, span, &scratch, all);
	for (size_t t = 0; t < side->count; t++) {
		const struct side_table *table = &side->tables[t];
		struct metric_row *row;

		for (size_t i = 0; i < table->attributes_count; i++)
			values[i] = all[table->attributes[i]];
		row = metric_table_row(table->table, values, now_ns);
		for (size_t i = 0; row && i < table->metrics_count; i++)
			metric_observe_from(metric_table_metric(table->table, i), row,
					    get_measure(span, table->metrics[i]), &origin);
	}
}
