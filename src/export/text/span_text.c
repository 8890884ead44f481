// SPDX-License-Identifier: Apache-2.0
/*
 * The text form is the existing program's, with one difference: the fraction after the
 * seconds is the span's true start, six digits. Bytes from the network reach a
 * terminal here, so everything that is not printable is escaped.
 */
#include "export/text/span_text.h"

#include <stdio.h>
#include <time.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/duration.h"
#include "span/attributes.h"
#include "span/semconv.h"
#include "span/trace.h"

/* ---- Text ---- */

static void put_time(uint64_t epoch_ns, struct local_second *second, struct buffer *buf)
{
	uint64_t micros = epoch_ns % NSEC_PER_SEC / NSEC_PER_USEC;
	char fraction[7] = ".000000";

	if (second->second != epoch_ns / NSEC_PER_SEC || !second->text[0]) {
		time_t time = (time_t)(epoch_ns / NSEC_PER_SEC);
		struct tm tm;

		if (!localtime_r(&time, &tm))
			return;
		second->second = epoch_ns / NSEC_PER_SEC;
		(void)strftime(second->text, sizeof(second->text), "%Y-%m-%d %H:%M:%S", &tm);
	}
	for (int i = 6; i > 0; i--, micros /= 10)
		fraction[i] = (char)('0' + micros % 10);
	buffer_put_cstr(buf, second->text);
	buffer_put(buf, fraction, sizeof(fraction));
}

static void put_duration(uint64_t from_ns, uint64_t to_ns, struct buffer *buf)
{
	char text[DURATION_TEXT_MAX];

	buffer_put(buf, text, duration_format(to_ns > from_ns ? to_ns - from_ns : 0, text));
}

static void put_address(const uint8_t address[16], struct buffer *buf)
{
	char text[ADDRESS_TEXT_MAX];

	buffer_put(buf, text, address_format(address, text));
}

/* [10.0.0.9 as shop.prod:40122]; name_space is "" where it is unknown. */
static void put_end(const uint8_t address[16], struct slice name, const char *name_space,
		    uint16_t port, struct buffer *buf)
{
	buffer_put_char(buf, '[');
	put_address(address, buf);
	buffer_put_cstr(buf, " as ");
	buffer_put_printable(buf, name);
	if (*name_space) {
		buffer_put_char(buf, '.');
		buffer_put_printable(buf, slice_cstr(name_space));
	}
	buffer_put_char(buf, ':');
	buffer_put_u64(buf, port);
	buffer_put_char(buf, ']');
}

static void put_ends(const struct obi_span *span, struct buffer *buf)
{
	const char *own = span->service->name_space;
	bool server = span->kind == OBI_KIND_SERVER;

	put_end(span->peer_addr, span->peer_name, server ? "" : own, span->peer_port, buf);
	buffer_put_cstr(buf, "->");
	put_end(span->host_addr, span->host_name, server ? own : "", span->host_port, buf);
}

static void put_trace(const struct obi_trace *trace, struct buffer *buf)
{
	buffer_put_cstr(buf, " traceparent=[");
	if (trace_is_set(trace)) {
		buffer_put_cstr(buf, "00-");
		buffer_put_hex(buf, trace->trace_id, sizeof(trace->trace_id));
		buffer_put_char(buf, '-');
		buffer_put_hex(buf, trace->span_id, sizeof(trace->span_id));
		buffer_put_char(buf, '[');
		buffer_put_hex(buf, trace->parent_id, sizeof(trace->parent_id));
		buffer_put_cstr(buf, "]-");
		buffer_put_hex(buf, &trace->trace_flags, 1);
	}
	buffer_put_char(buf, ']');
}

static void put_service(const struct obi_service *service, struct buffer *buf)
{
	buffer_put_cstr(buf, " svc=[");
	if (*service->name_space) {
		buffer_put_printable(buf, slice_cstr(service->name_space));
		buffer_put_char(buf, '/');
	}
	buffer_put_printable(buf, slice_cstr(service->name));
	buffer_put_char(buf, ' ');
	buffer_put_printable(buf, slice_cstr(service->language));
	buffer_put_char(buf, ']');
}

/* "ERROR NAME TARGET ": of what is not known, 0 and nothing. */
static void put_words(struct slice error, struct slice name, struct slice target,
		      struct buffer *buf)
{
	buffer_put_printable(buf, error.len ? error : SLICE_LIT("0"));
	buffer_put_char(buf, ' ');
	buffer_put_printable(buf, name);
	buffer_put_char(buf, ' ');
	if (!target.len)
		return;
	buffer_put_printable(buf, target);
	buffer_put_char(buf, ' ');
}

static void put_http(const struct obi_http *http, struct buffer *buf)
{
	buffer_put_i64(buf, http->status);
	buffer_put_char(buf, ' ');
	buffer_put_printable(buf, http->method);
	buffer_put_char(buf, ' ');
	buffer_put_printable(buf, http->path);
	if (http->route.len) {
		buffer_put_char(buf, '(');
		buffer_put_printable(buf, http->route);
		buffer_put_char(buf, ')');
	}
	buffer_put_char(buf, ' ');
}

/* A database's query is not printed: what it holds may be secret. */
static void put_operation(const struct obi_span *span, struct buffer *buf)
{
	const union obi_operation *op = &span->op;

	switch (span->system->family) {
	case OBI_FAMILY_HTTP:
		put_http(&op->http, buf);
		break;
	case OBI_FAMILY_RPC:
		buffer_put_i64(buf, op->rpc.status);
		buffer_put_char(buf, ' ');
		buffer_put_printable(buf, op->rpc.method);
		buffer_put_char(buf, ' ');
		break;
	case OBI_FAMILY_DB:
		put_words(op->db.status, op->db.operation, op->db.collection, buf);
		break;
	case OBI_FAMILY_MESSAGING:
		put_words(SLICE_LIT(""), op->messaging.operation, op->messaging.destination, buf);
		break;
	case OBI_FAMILY_DNS:
		put_words(op->dns.error, op->dns.type, op->dns.name, buf);
		break;
	case OBI_FAMILY_TLS:
	case OBI_FAMILIES:
		put_words(op->handshake.error, slice_cstr(span->tls ? span->tls->version : ""),
			  span->tls ? span->tls->server_name : SLICE_LIT(""), buf);
		break;
	}
}

static void put_lengths(const struct obi_span *span, struct buffer *buf)
{
	buffer_put_cstr(buf, " contentLen:");
	buffer_put_u64(buf, span_request_size(span));
	buffer_put_cstr(buf, "B responseLen:");
	buffer_put_u64(buf, span_response_size(span));
	buffer_put_char(buf, 'B');
}

void span_put_text(const struct obi_span *span, struct local_second *second, struct buffer *buf)
{
	put_time(span->request_start_ns, second, buf);
	buffer_put_cstr(buf, " (");
	put_duration(span->request_start_ns, span->end_ns, buf);
	buffer_put_char(buf, '[');
	put_duration(span->start_ns, span->end_ns, buf);
	buffer_put_cstr(buf, "]) ");
	buffer_put_cstr(buf, span_type_word(span));
	buffer_put_cstr(buf, "(subType=0) ");
	put_operation(span, buf);
	put_ends(span, buf);
	put_lengths(span, buf);
	put_service(span->service, buf);
	put_trace(&span->trace, buf);
}

/* ---- JSON ---- */

struct json_object {
	struct buffer *buf;
	int indent; /* of the members; negative: one line */
	bool begun;
};

static void put_break(struct buffer *buf, int indent)
{
	if (indent < 0)
		return;
	buffer_put_char(buf, '\n');
	for (int i = 0; i < indent; i++)
		buffer_put_char(buf, ' ');
}

static void put_key(struct json_object *object, const char *key)
{
	if (object->begun)
		buffer_put_char(object->buf, ',');
	object->begun = true;
	put_break(object->buf, object->indent);
	buffer_put_char(object->buf, '"');
	buffer_put_cstr(object->buf, key);
	buffer_put_cstr(object->buf, object->indent < 0 ? "\":" : "\": ");
}

static void put_string(struct json_object *object, const char *key, struct slice value)
{
	put_key(object, key);
	buffer_put_json_string(object->buf, value);
}

/* All numbers are strings in this format. */
static void put_number(struct json_object *object, const char *key, uint64_t value)
{
	put_key(object, key);
	buffer_put_char(object->buf, '"');
	buffer_put_u64(object->buf, value);
	buffer_put_char(object->buf, '"');
}

static void put_hex(struct json_object *object, const char *key, const uint8_t *bytes, size_t len)
{
	put_key(object, key);
	buffer_put_char(object->buf, '"');
	buffer_put_hex(object->buf, bytes, len);
	buffer_put_char(object->buf, '"');
}

static void put_took(struct json_object *object, const char *key, const char *key_usec,
		     uint64_t from_ns, uint64_t to_ns)
{
	uint64_t ns = to_ns > from_ns ? to_ns - from_ns : 0;
	char text[DURATION_TEXT_MAX];

	put_string(object, key, slice_of(text, duration_format(ns, text)));
	put_number(object, key_usec, ns / NSEC_PER_USEC);
}

/* An attribute by the printer's own name; all values are strings in this format. */
struct json_attribute {
	const char *key;
	enum obi_attribute_id id;
	bool only_server;
};

#define JSON_ATTRIBUTES 9

/* Keys in alphabetical order. A client's lengths and route are not printed. */
static const struct json_attribute json_attributes[OBI_FAMILIES][JSON_ATTRIBUTES] = {
	[OBI_FAMILY_HTTP] = {
		{ "clientAddr", OBI_ATTR_CLIENT_ADDRESS, false },
		{ "contentLen", OBI_ATTR_HTTP_REQUEST_SIZE, true },
		{ "method", OBI_ATTR_HTTP_METHOD, false },
		{ "responseLen", OBI_ATTR_HTTP_RESPONSE_SIZE, true },
		{ "route", OBI_ATTR_HTTP_ROUTE, true },
		{ "serverAddr", OBI_ATTR_SERVER_ADDRESS, false },
		{ "serverPort", OBI_ATTR_SERVER_PORT, false },
		{ "status", OBI_ATTR_HTTP_STATUS, false },
		{ "url", OBI_ATTR_URL_PATH, false },
	},
	[OBI_FAMILY_RPC] = {
		{ "clientAddr", OBI_ATTR_CLIENT_ADDRESS, false },
		{ "method", OBI_ATTR_RPC_METHOD, false },
		{ "serverAddr", OBI_ATTR_SERVER_ADDRESS, false },
		{ "serverPort", OBI_ATTR_SERVER_PORT, false },
		{ "status", OBI_ATTR_RPC_STATUS, false },
	},
	[OBI_FAMILY_DB] = {
		{ "clientAddr", OBI_ATTR_CLIENT_ADDRESS, false },
		{ "namespace", OBI_ATTR_DB_NAMESPACE, false },
		{ "operation", OBI_ATTR_DB_OPERATION, false },
		{ "serverAddr", OBI_ATTR_SERVER_ADDRESS, false },
		{ "serverPort", OBI_ATTR_SERVER_PORT, false },
		{ "status", OBI_ATTR_DB_STATUS, false },
		{ "system", OBI_ATTR_DB_SYSTEM, false },
		{ "table", OBI_ATTR_DB_COLLECTION, false },
	},
	[OBI_FAMILY_MESSAGING] = {
		{ "clientAddr", OBI_ATTR_CLIENT_ADDRESS, false },
		{ "clientId", OBI_ATTR_MESSAGING_CLIENT, false },
		{ "destination", OBI_ATTR_MESSAGING_DESTINATION, false },
		{ "operation", OBI_ATTR_MESSAGING_OPERATION_TYPE, false },
		{ "serverAddr", OBI_ATTR_SERVER_ADDRESS, false },
		{ "serverPort", OBI_ATTR_SERVER_PORT, false },
		{ "system", OBI_ATTR_MESSAGING_SYSTEM, false },
	},
	[OBI_FAMILY_DNS] = {
		{ "answers", OBI_ATTR_DNS_ANSWERS, false },
		{ "clientAddr", OBI_ATTR_CLIENT_ADDRESS, false },
		{ "name", OBI_ATTR_DNS_NAME, false },
		{ "questionType", OBI_ATTR_DNS_TYPE, false },
		{ "serverAddr", OBI_ATTR_SERVER_ADDRESS, false },
		{ "serverPort", OBI_ATTR_SERVER_PORT, false },
		{ "status", OBI_ATTR_ERROR_TYPE, false },
	},
	[OBI_FAMILY_TLS] = {
		{ "cipher", OBI_ATTR_TLS_CIPHER, false },
		{ "clientAddr", OBI_ATTR_CLIENT_ADDRESS, false },
		{ "nextProtocol", OBI_ATTR_TLS_NEXT_PROTOCOL, false },
		{ "resumed", OBI_ATTR_TLS_RESUMED, false },
		{ "serverAddr", OBI_ATTR_SERVER_ADDRESS, false },
		{ "serverName", OBI_ATTR_TLS_SERVER_NAME, false },
		{ "serverPort", OBI_ATTR_SERVER_PORT, false },
		{ "status", OBI_ATTR_ERROR_TYPE, false },
		{ "version", OBI_ATTR_TLS_VERSION, false },
	},
};

static void put_attributes(struct json_object *parent, const struct obi_span *span)
{
	const struct json_attribute *rows = json_attributes[span->system->family];
	bool server = span->kind == OBI_KIND_SERVER;
	struct json_object object = {
		.buf = parent->buf,
		.indent = parent->indent < 0 ? -1 : parent->indent + 1,
	};
	char text[SPAN_TEXT];

	put_key(parent, "attributes");
	buffer_put_char(object.buf, '{');
	for (size_t i = 0; i < JSON_ATTRIBUTES && rows[i].key; i++) {
		if (server || !rows[i].only_server)
			put_string(&object, rows[i].key,
				   span_attribute_text(span, rows[i].id, text));
	}
	put_break(object.buf, parent->indent);
	buffer_put_char(object.buf, '}');
}

static void put_addresses(struct json_object *object, const struct obi_span *span)
{
	char text[ADDRESS_TEXT_MAX];

	put_string(object, "peer", slice_of(text, address_format(span->peer_addr, text)));
	put_number(object, "peerPort", span->peer_port);
	put_string(object, "host", slice_of(text, address_format(span->host_addr, text)));
	put_number(object, "hostPort", span->host_port);
}

void span_put_json(const struct obi_span *span, int indent, struct buffer *buf)
{
	struct json_object object = { .buf = buf, .indent = indent < 0 ? -1 : indent + 1 };
	const struct obi_trace *trace = &span->trace;

	buffer_put_char(buf, '{');
	put_string(&object, "type", slice_cstr(span_type_word(span)));
	put_addresses(&object, span);
	put_hex(&object, "traceID", trace->trace_id, sizeof(trace->trace_id));
	put_hex(&object, "spanID", trace->span_id, sizeof(trace->span_id));
	put_hex(&object, "parentSpanID", trace->parent_id, sizeof(trace->parent_id));
	put_number(&object, "traceFlags", trace->trace_flags);
	put_string(&object, "peerName", span->peer_name);
	put_string(&object, "hostName", span->host_name);
	put_string(&object, "kind", slice_cstr(span_kind_word(span->kind)));
	put_number(&object, "start", span->request_start_ns / NSEC_PER_USEC);
	put_number(&object, "handlerStart", span->start_ns / NSEC_PER_USEC);
	put_number(&object, "end", span->end_ns / NSEC_PER_USEC);
	put_took(&object, "duration", "durationUSec", span->request_start_ns, span->end_ns);
	put_took(&object, "handlerDuration", "handlerDurationUSec", span->start_ns, span->end_ns);
	put_attributes(&object, span);
	put_break(buf, indent);
	buffer_put_char(buf, '}');
}
