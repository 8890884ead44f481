// SPDX-License-Identifier: Apache-2.0
/* Four tables, for a call feeds only some of them: a series that nothing feeds is not there. */
#include "metrics/families/service_graph.h"

#include <errno.h>
#include <stdlib.h>

#include "base/address.h"
#include "base/cleanup.h"
#include "metrics/families/catalog.h"
#include "metrics/families/live_services.h"
#include "metrics/families/origin.h"
#include "settings/settings.h"
#include "span/semconv.h"

/* In the order of the labels' names; so are they called in OpenTelemetry too. */
enum graph_attribute {
	GRAPH_CLIENT,
	GRAPH_CLIENT_NAMESPACE,
	GRAPH_CONNECTION_TYPE,
	GRAPH_SERVER,
	GRAPH_SERVER_NAMESPACE,
	GRAPH_SOURCE,
	GRAPH_ATTRIBUTES,
};

static const struct attribute attributes[GRAPH_ATTRIBUTES] = {
	[GRAPH_CLIENT] = { "client", true, 0 },
	[GRAPH_CLIENT_NAMESPACE] = { "client_service_namespace", true, 0 },
	[GRAPH_CONNECTION_TYPE] = { "connection_type", true, 0 },
	[GRAPH_SERVER] = { "server", true, 0 },
	[GRAPH_SERVER_NAMESPACE] = { "server_service_namespace", true, 0 },
	[GRAPH_SOURCE] = { "source", true, 0 },
};

const struct attribute_group service_graph_attributes = { attributes, GRAPH_ATTRIBUTES };

enum graph_metric {
	GRAPH_CLIENT_SECONDS,
	GRAPH_SERVER_SECONDS,
	GRAPH_FAILED,
	GRAPH_TOTAL,
	GRAPH_METRICS,
};

static const enum metric_id ids[] = {
	[GRAPH_CLIENT_SECONDS] = METRIC_GRAPH_CLIENT,
	[GRAPH_SERVER_SECONDS] = METRIC_GRAPH_SERVER,
	[GRAPH_FAILED] = METRIC_GRAPH_FAILED,
	[GRAPH_TOTAL] = METRIC_GRAPH_TOTAL,
};

_Static_assert(ARRAY_SIZE(ids) == GRAPH_METRICS, "a metric each: 0 is another one");

struct service_graph {
	const struct family_options *options;
	struct metric_table *tables[GRAPH_METRICS];
};

int service_graph_new(const struct family_options *options, struct metrics *metrics,
		      struct service_graph **ret_graph)
{
	struct service_graph *graph = calloc(1, sizeof(*graph));
	const char *names[GRAPH_ATTRIBUTES];
	size_t count;
	int e = 0;

	if (!graph)
		return -ENOMEM;
	graph->options = options;
	count = attributes_names(attributes_for(options->sink, attributes, GRAPH_ATTRIBUTES),
				 attributes, GRAPH_ATTRIBUTES, names);
	for (int i = 0; e == 0 && i < GRAPH_METRICS; i++) {
		struct metric_desc desc = metric_describe(options, ids[i]);

		e = metrics_add_table(metrics, &desc, 1, names, count, options->ttl,
				      &graph->tables[i]);
	}
	if (e) {
		service_graph_free(graph);
		return e;
	}
	*ret_graph = graph;
	return 0;
}

void service_graph_free(struct service_graph *graph)
{
	free(graph);
}

/* Producers and consumers too: the broker is the server. */
static bool is_client(const struct obi_span *span)
{
	return span->kind != OBI_KIND_SERVER;
}

/* Does this client call somebody with a name whom nobody here observes? */
static bool calls_stranger(const struct service_graph *graph, const struct obi_span *span)
{
	return is_client(span) && span->host_name.len && !address_text(span->host_name) &&
	       !live_services_has(graph->options->live, span->host_name);
}

/* What a client talks to that is no service. */
static struct slice connection_type(const struct obi_span *span, bool stranger)
{
	if (span->system->family == OBI_FAMILY_DB && span->kind == OBI_KIND_CLIENT)
		return SLICE_LIT("database");
	if (span->system->family == OBI_FAMILY_MESSAGING)
		return SLICE_LIT("messaging_system");
	return stranger ? SLICE_LIT("virtual_node") : SLICE_LIT("");
}

static void get_values(const struct service_graph *graph, const struct obi_span *span,
		       bool stranger, struct slice *values)
{
	const struct obi_attributes_options *options =
		&graph->options->settings->pipeline.attributes;
	struct slice space = slice_cstr(span->service->name_space);
	bool client = is_client(span);

	values[GRAPH_CLIENT] =
		peer_named(span->peer_name, client ? options->rename_unresolved
						   : options->rename_unresolved_incoming);
	values[GRAPH_SERVER] =
		peer_named(span->host_name, client ? options->rename_unresolved_outgoing
						   : options->rename_unresolved);
	values[GRAPH_CLIENT_NAMESPACE] = client ? space : SLICE_LIT("");
	values[GRAPH_SERVER_NAMESPACE] = client ? SLICE_LIT("") : space;
	values[GRAPH_CONNECTION_TYPE] = connection_type(span, stranger);
	values[GRAPH_SOURCE] = SLICE_LIT("obi");
}

static void count_call(struct service_graph *graph, enum graph_metric metric,
		       const struct slice *values, uint64_t now_ns)
{
	struct metric_row *row = metric_table_row(graph->tables[metric], values, now_ns);

	if (row)
		metric_add(metric_table_metric(graph->tables[metric], 0), row, 1);
}

void service_graph_put(struct service_graph *graph, const struct obi_span *span, uint64_t now_ns)
{
	bool client = is_client(span), stranger = calls_stranger(graph, span);
	struct metric_table *seconds =
		graph->tables[client ? GRAPH_CLIENT_SECONDS : GRAPH_SERVER_SECONDS];
	const struct metric_origin origin = span_origin(span);
	struct slice values[GRAPH_ATTRIBUTES];
	struct metric_row *row;

	/* Nobody's call: the edge is the one to whom the name belongs, or what goes through it. */
	if (span->system->family == OBI_FAMILY_DNS || span->system->family == OBI_FAMILY_TLS)
		return;
	if (!graph->options->self_references &&
	    memcmp(span->peer_addr, span->host_addr, sizeof(span->peer_addr)) == 0)
		return;
	get_values(graph, span, stranger, values);
	row = metric_table_row(seconds, values, now_ns);
	if (row)
		metric_observe_from(metric_table_metric(seconds, 0), row, span_duration(span),
				    &origin);
	if (!client || stranger)
		count_call(graph, GRAPH_TOTAL, values, now_ns);
	if (span_status(span) == SPAN_STATUS_ERROR)
		count_call(graph, GRAPH_FAILED, values, now_ns);
}
