// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "base/cleanup.h"
#include "pipeline/filter_attributes.h"

struct attribute {
	const char *name;
	struct slice (*get)(const struct obi_span *span, char text[FILTER_TEXT]);
};

static struct slice number(int64_t value, char text[FILTER_TEXT])
{
	int len = snprintf(text, FILTER_TEXT, "%lld", (long long)value);

	return slice_of(text, (size_t)len);
}

static struct slice get_client_address(const struct obi_span *span, char text[FILTER_TEXT])
{
	return span->peer_name;
}

static struct slice get_server_address(const struct obi_span *span, char text[FILTER_TEXT])
{
	return span->host_name;
}

static struct slice get_server_port(const struct obi_span *span, char text[FILTER_TEXT])
{
	return number(obi_span_server_port(span), text);
}

static struct slice get_method(const struct obi_span *span, char text[FILTER_TEXT])
{
	return span->op.http.method;
}

static struct slice get_status(const struct obi_span *span, char text[FILTER_TEXT])
{
	return number(span->op.http.status, text);
}

static struct slice get_request_size(const struct obi_span *span, char text[FILTER_TEXT])
{
	return number(span->op.http.request_length > 0 ? span->op.http.request_length : 0, text);
}

static struct slice get_response_size(const struct obi_span *span, char text[FILTER_TEXT])
{
	return number(span->op.http.response_length > 0 ? span->op.http.response_length : 0, text);
}

static struct slice get_route(const struct obi_span *span, char text[FILTER_TEXT])
{
	return span->op.http.route;
}

static struct slice get_instance(const struct obi_span *span, char text[FILTER_TEXT])
{
	return slice_cstr(span->service->instance);
}

static struct slice get_service_name(const struct obi_span *span, char text[FILTER_TEXT])
{
	return slice_cstr(span->service->name);
}

static struct slice get_service_namespace(const struct obi_span *span, char text[FILTER_TEXT])
{
	return slice_cstr(span->service->name_space);
}

static struct slice get_language(const struct obi_span *span, char text[FILTER_TEXT])
{
	return slice_cstr(span->service->language);
}

static struct slice get_path(const struct obi_span *span, char text[FILTER_TEXT])
{
	return span->op.http.path;
}

static struct slice get_query(const struct obi_span *span, char text[FILTER_TEXT])
{
	return span->op.http.query;
}

static struct slice get_scheme(const struct obi_span *span, char text[FILTER_TEXT])
{
	return span->op.http.scheme;
}

/* Of protocols and metadata that are not there yet: known names, so that a configuration that
 * has them starts. */
static struct slice get_nothing(const struct obi_span *span, char text[FILTER_TEXT])
{
	return SLICE_LIT("");
}

static const struct attribute attributes[] = {
	{ "client.address", get_client_address },
	{ "server.address", get_server_address },
	{ "server.port", get_server_port },
	{ "http.request.method", get_method },
	{ "http.response.status_code", get_status },
	{ "http.request.body.size", get_request_size },
	{ "http.response.body.size", get_response_size },
	{ "http.route", get_route },
	{ "instance", get_instance },
	{ "service.instance.id", get_instance },
	{ "service.name", get_service_name },
	{ "service.namespace", get_service_namespace },
	{ "telemetry.sdk.language", get_language },
	{ "url.path", get_path },
	{ "url.query", get_query },
	{ "url.scheme", get_scheme },
	{ "rpc.method", get_nothing },
	{ "rpc.system.name", get_nothing },
	{ "rpc.response.status_code", get_nothing },
	{ "db.operation.name", get_nothing },
	{ "db.collection.name", get_nothing },
	{ "db.namespace", get_nothing },
	{ "db.system.name", get_nothing },
	{ "error.type", get_nothing },
	{ "messaging.system", get_nothing },
	{ "messaging.destination.name", get_nothing },
	{ "messaging.operation.name", get_nothing },
	{ "dns.question.name", get_nothing },
	{ "k8s.namespace.name", get_nothing },
	{ "k8s.pod.name", get_nothing },
	{ "k8s.container.name", get_nothing },
	{ "k8s.deployment.name", get_nothing },
	{ "k8s.replicaset.name", get_nothing },
	{ "k8s.daemonset.name", get_nothing },
	{ "k8s.statefulset.name", get_nothing },
	{ "k8s.job.name", get_nothing },
	{ "k8s.cronjob.name", get_nothing },
	{ "k8s.node.name", get_nothing },
	{ "k8s.pod.uid", get_nothing },
	{ "k8s.cluster.name", get_nothing },
	{ "k8s.owner.name", get_nothing },
	{ "k8s.kind", get_nothing },
	{ "container.id", get_nothing },
	{ "container.name", get_nothing },
};

static int find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++)
		if (filter_same_name(name, attributes[i].name))
			return (int)i;
	return -1;
}

static bool known(const char *name)
{
	return find(name) >= 0;
}

int obi_filter_check_spans(const void *field, char *why, size_t why_size)
{
	return filter_check(field, known, why, why_size);
}

void obi_filter_resolve_spans(struct obi_filter *filter)
{
	filter_resolve(filter, find);
}

bool obi_filter_span(const struct obi_filter *filter, const struct obi_span *span)
{
	char text[FILTER_TEXT];

	for (size_t i = 0; i < filter->count; i++) {
		const struct obi_filter_clause *clause = &filter->items[i];

		if (!filter_clause_passes(clause, attributes[clause->asks].get(span, text)))
			return false;
	}
	return true;
}
