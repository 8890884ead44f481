// SPDX-License-Identifier: Apache-2.0
#include "span/attributes.h"

#include <time.h>

#include "base/cleanup.h"

/* Defines a getter that gives the value of an expression. */
#define TEXT(name_, value_)                                                                        \
	static struct slice get_##name_(const struct obi_span *span, char text[SPAN_TEXT])         \
	{                                                                                          \
		return value_;                                                                     \
	}
#define NUMBER(name_, value_)                                                                      \
	static int64_t get_##name_(const struct obi_span *span)                                    \
	{                                                                                          \
		return value_;                                                                     \
	}

#define TRUTH(name_, value_)                                                                       \
	static int get_##name_(const struct obi_span *span)                                        \
	{                                                                                          \
		return value_;                                                                     \
	}

/* A body of unknown length counts as empty. */
static int64_t size(int64_t length)
{
	return length > 0 ? length : 0;
}

/* ---- All families ---- */

TEXT(client_address, span->peer_name)
TEXT(server_address, span->host_name)
NUMBER(server_port, obi_span_server_port(span))
TEXT(system, slice_cstr(span->system->name))
TEXT(error_type, span_error_type(span, text))
TEXT(instance, slice_cstr(span->service->instance))
TEXT(service_name, slice_cstr(span->service->name))
TEXT(service_namespace, slice_cstr(span->service->name_space))
TEXT(language, slice_cstr(span->service->language))

/* ---- HTTP ---- */

TEXT(method, span->op.http.method)
NUMBER(status, span->op.http.status)
NUMBER(request_size, size(span->op.http.request_length))
NUMBER(response_size, size(span->op.http.response_length))
TEXT(route, span->op.http.route)
TEXT(path, span->op.http.path)
TEXT(query, span->op.http.query)
TEXT(scheme, span->op.http.scheme)

/* ---- RPC ---- */

TEXT(rpc_method, span->op.rpc.method)
TEXT(rpc_status, span_rpc_status_name(span->op.rpc.status))

/* ---- Databases ---- */

TEXT(db_operation, span->op.db.operation)
TEXT(db_collection, span->op.db.collection)
TEXT(db_namespace, span->op.db.name_space)
TEXT(db_query, span->op.db.query)
TEXT(db_status, span->op.db.status)

/* ---- Messages ---- */

TEXT(messaging_operation, span->op.messaging.operation)
TEXT(messaging_destination, span->op.messaging.destination)
TEXT(messaging_client, span->op.messaging.client_id)

/* ---- DNS ---- */

TEXT(dns_name, span->op.dns.name)
TEXT(dns_type, span->op.dns.type)
TEXT(dns_answers, span->op.dns.answers)

/* ---- TLS ---- */

/* RFC 3339, as other texts of times are. */
static struct slice time_text(int64_t seconds, char text[SPAN_TEXT])
{
	time_t at = (time_t)seconds;
	struct tm tm;

	if (!seconds || !gmtime_r(&at, &tm))
		return SLICE_LIT("");
	return slice_of(text, strftime(text, SPAN_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm));
}

TEXT(kind, slice_cstr(span_kind_word(span->kind)))
TEXT(tls_cipher, span->tls ? span->tls->cipher : SLICE_LIT(""))
TEXT(tls_server_name, span->tls ? span->tls->server_name : SLICE_LIT(""))
TEXT(tls_next_protocol, span->tls ? span->tls->next_protocol : SLICE_LIT(""))
TEXT(tls_version, slice_cstr(span->tls ? span->tls->version : ""))
TEXT(tls_not_after, span->tls ? time_text(span->tls->not_after, text) : SLICE_LIT(""))
TRUTH(tls_resumed, span->tls ? span->tls->resumed : -1)
TRUTH(tls_established, span->tls ? span->tls->established : -1)

/* ---- The catalog ---- */

#define ALL ((1u << OBI_FAMILIES) - 1)
#define HTTP (1u << OBI_FAMILY_HTTP)
#define RPC (1u << OBI_FAMILY_RPC)
#define DB (1u << OBI_FAMILY_DB)
#define MESSAGING (1u << OBI_FAMILY_MESSAGING)
#define DNS (1u << OBI_FAMILY_DNS)
#define TLS (1u << OBI_FAMILY_TLS)

#define OBI_ATTRIBUTE(id_, name_, type_, get_, families_) const char obi_name_##id_[] = name_;
#include "span/attributes.def"
#undef OBI_ATTRIBUTE

const struct obi_attribute obi_attributes[OBI_ATTRIBUTES] = {
#define OBI_ATTRIBUTE(id_, name_, type_, what_, families_)                                         \
	[OBI_ATTR_##id_] = {                                                                       \
		.name = { (const uint8_t *)obi_name_##id_, sizeof(name_) - 1 },                    \
		.type_ = get_##what_,                                                              \
		.families = (families_),                                                           \
	},
#include "span/attributes.def"
#undef OBI_ATTRIBUTE
};

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

static struct slice truth_text(int truth)
{
	return truth < 0 ? SLICE_LIT("") : truth ? SLICE_LIT("true") : SLICE_LIT("false");
}

struct slice span_attribute_text(const struct obi_span *span, enum obi_attribute_id id,
				 char text[SPAN_TEXT])
{
	const struct obi_attribute *attribute = &obi_attributes[id];

	if (!(attribute->families >> span->system->family & 1))
		return SLICE_LIT("");
	if (attribute->text)
		return attribute->text(span, text);
	if (attribute->truth)
		return truth_text(attribute->truth(span));
	return decimal(attribute->number(span), text);
}
