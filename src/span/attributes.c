// SPDX-License-Identifier: Apache-2.0
#include "span/attributes.h"

#include "base/cleanup.h"

static struct obi_value string(struct slice text)
{
	return (struct obi_value){ .type = OBI_VALUE_STRING, .string = text };
}

static struct obi_value number(int64_t value)
{
	return (struct obi_value){ .type = OBI_VALUE_INT, .number = value };
}

/* Defines get_NAME, which gives the value of an expression. */
#define GET(name_, value_)                                                                         \
	static struct obi_value get_##name_(const struct obi_span *span, char text[SPAN_TEXT])     \
	{                                                                                          \
		return value_;                                                                     \
	}

/* A body of unknown length counts as empty. */
static struct obi_value size(int64_t length)
{
	return number(length > 0 ? length : 0);
}

/* ---- All families ---- */

GET(client_address, string(span->peer_name))
GET(server_address, string(span->host_name))
GET(server_port, number(obi_span_server_port(span)))
GET(system, string(slice_cstr(span->system->name)))
GET(error_type, string(span_error_type(span, text)))
GET(instance, string(slice_cstr(span->service->instance)))
GET(service_name, string(slice_cstr(span->service->name)))
GET(service_namespace, string(slice_cstr(span->service->name_space)))
GET(language, string(slice_cstr(span->service->language)))

/* ---- HTTP ---- */

GET(method, string(span->op.http.method))
GET(status, number(span->op.http.status))
GET(request_size, size(span->op.http.request_length))
GET(response_size, size(span->op.http.response_length))
GET(route, string(span->op.http.route))
GET(path, string(span->op.http.path))
GET(query, string(span->op.http.query))
GET(scheme, string(span->op.http.scheme))

/* ---- RPC ---- */

GET(rpc_method, string(span->op.rpc.method))
GET(rpc_status, string(span_rpc_status_name(span->op.rpc.status)))

/* ---- Databases ---- */

GET(db_operation, string(span->op.db.operation))
GET(db_collection, string(span->op.db.collection))
GET(db_namespace, string(span->op.db.name_space))
GET(db_query, string(span->op.db.query))
GET(db_status, string(span->op.db.status))

/* ---- Messages ---- */

GET(messaging_operation, string(span->op.messaging.operation))
GET(messaging_destination, string(span->op.messaging.destination))
GET(messaging_client, string(span->op.messaging.client_id))

/* ---- DNS ---- */

GET(dns_name, string(span->op.dns.name))
GET(dns_type, string(span->op.dns.type))
GET(dns_answers, string(span->op.dns.answers))

/* ---- The catalog ---- */

#define ALL ((1u << OBI_FAMILIES) - 1)
#define HTTP (1u << OBI_FAMILY_HTTP)
#define RPC (1u << OBI_FAMILY_RPC)
#define DB (1u << OBI_FAMILY_DB)
#define MESSAGING (1u << OBI_FAMILY_MESSAGING)
#define DNS (1u << OBI_FAMILY_DNS)

#define ROW(name_, what_, families_)                                                               \
	{                                                                                          \
		.name = { (const uint8_t *)(name_), sizeof(name_) - 1 }, .get = get_##what_,       \
		.families = (families_)                                                            \
	}

const struct obi_attribute obi_attributes[OBI_ATTRIBUTES] = {
	[OBI_ATTR_CLIENT_ADDRESS] = ROW("client.address", client_address, ALL),
	[OBI_ATTR_DB_COLLECTION] = ROW("db.collection.name", db_collection, DB),
	[OBI_ATTR_DB_NAMESPACE] = ROW("db.namespace", db_namespace, DB),
	[OBI_ATTR_DB_OPERATION] = ROW("db.operation.name", db_operation, DB),
	[OBI_ATTR_DB_QUERY] = ROW("db.query.text", db_query, DB),
	[OBI_ATTR_DB_STATUS] = ROW("db.response.status_code", db_status, DB),
	[OBI_ATTR_DB_SYSTEM] = ROW("db.system.name", system, DB),
	[OBI_ATTR_DNS_ANSWERS] = ROW("dns.answers", dns_answers, DNS),
	[OBI_ATTR_DNS_NAME] = ROW("dns.question.name", dns_name, DNS),
	[OBI_ATTR_DNS_TYPE] = ROW("dns.question.type", dns_type, DNS),
	[OBI_ATTR_ERROR_TYPE] = ROW("error.type", error_type, ALL),
	[OBI_ATTR_HTTP_METHOD] = ROW("http.request.method", method, HTTP),
	[OBI_ATTR_HTTP_REQUEST_SIZE] = ROW("http.request.body.size", request_size, HTTP),
	[OBI_ATTR_HTTP_RESPONSE_SIZE] = ROW("http.response.body.size", response_size, HTTP),
	[OBI_ATTR_HTTP_ROUTE] = ROW("http.route", route, HTTP),
	[OBI_ATTR_HTTP_STATUS] = ROW("http.response.status_code", status, HTTP),
	[OBI_ATTR_INSTANCE] = ROW("instance", instance, ALL),
	[OBI_ATTR_MESSAGING_CLIENT] = ROW("messaging.client.id", messaging_client, MESSAGING),
	[OBI_ATTR_MESSAGING_DESTINATION] =
		ROW("messaging.destination.name", messaging_destination, MESSAGING),
	[OBI_ATTR_MESSAGING_OPERATION_NAME] =
		ROW("messaging.operation.name", messaging_operation, MESSAGING),
	[OBI_ATTR_MESSAGING_OPERATION_TYPE] =
		ROW("messaging.operation.type", messaging_operation, MESSAGING),
	[OBI_ATTR_MESSAGING_SYSTEM] = ROW("messaging.system", system, MESSAGING),
	[OBI_ATTR_RPC_METHOD] = ROW("rpc.method", rpc_method, RPC),
	[OBI_ATTR_RPC_STATUS] = ROW("rpc.response.status_code", rpc_status, RPC),
	[OBI_ATTR_RPC_SYSTEM] = ROW("rpc.system.name", system, RPC),
	[OBI_ATTR_SDK_LANGUAGE] = ROW("telemetry.sdk.language", language, ALL),
	[OBI_ATTR_SERVER_ADDRESS] = ROW("server.address", server_address, ALL),
	[OBI_ATTR_SERVER_PORT] = ROW("server.port", server_port, ALL),
	[OBI_ATTR_SERVICE_INSTANCE] = ROW("service.instance.id", instance, ALL),
	[OBI_ATTR_SERVICE_NAME] = ROW("service.name", service_name, ALL),
	[OBI_ATTR_SERVICE_NAMESPACE] = ROW("service.namespace", service_namespace, ALL),
	[OBI_ATTR_SERVICE_PEER] = ROW("service.peer.name", server_address, ALL),
	[OBI_ATTR_URL_PATH] = ROW("url.path", path, HTTP),
	[OBI_ATTR_URL_QUERY] = ROW("url.query", query, HTTP),
	[OBI_ATTR_URL_SCHEME] = ROW("url.scheme", scheme, HTTP),
};

struct obi_value span_attribute(const struct obi_span *span, enum obi_attribute_id id,
				char text[SPAN_TEXT])
{
	const struct obi_attribute *attribute = &obi_attributes[id];

	if (!(attribute->families >> span->system->family & 1))
		return string(SLICE_LIT(""));
	return attribute->get(span, text);
}

/* The digits end where text ends. */
static struct slice decimal(int64_t value, char text[SPAN_TEXT])
{
	uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
	char *to = text + SPAN_TEXT;

	do {
		*--to = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (value < 0)
		*--to = '-';
	return slice_of(to, (size_t)(text + SPAN_TEXT - to));
}

struct slice span_attribute_text(const struct obi_span *span, enum obi_attribute_id id,
				 char text[SPAN_TEXT])
{
	struct obi_value value = span_attribute(span, id, text);

	return value.type == OBI_VALUE_INT ? decimal(value.number, text) : value.string;
}
