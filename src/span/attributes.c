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

#define OBI_ATTRIBUTE(id_, name_, get_, families_) const char obi_name_##id_[] = name_;
#include "span/attributes.def"
#undef OBI_ATTRIBUTE

const struct obi_attribute obi_attributes[OBI_ATTRIBUTES] = {
#define OBI_ATTRIBUTE(id_, name_, what_, families_)                                                \
	[OBI_ATTR_##id_] = {                                                                       \
		.name = { (const uint8_t *)obi_name_##id_, sizeof(name_) - 1 },                    \
		.get = get_##what_,                                                                \
		.families = (families_),                                                           \
	},
#include "span/attributes.def"
#undef OBI_ATTRIBUTE
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
