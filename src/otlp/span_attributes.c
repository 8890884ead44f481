// SPDX-License-Identifier: Apache-2.0
#include "otlp/span_attributes.h"

#include "base/address.h"
#include "base/cleanup.h"

/* host:port as it stands in a URL (RFC 3986 section 3.2). */
static void put_authority(const struct obi_span *span, struct buffer *buf)
{
	char text[ADDRESS_TEXT_MAX];
	bool v4 = address_is_v4(span->host_addr);

	if (span->op.http.host.len) {
		buffer_put_slice(buf, span->op.http.host);
		return;
	}
	buffer_put_cstr(buf, v4 ? "" : "[");
	buffer_put(buf, text, address_format(span->host_addr, text));
	buffer_put_cstr(buf, v4 ? "" : "]");
	if (span->host_port) {
		buffer_put_char(buf, ':');
		buffer_put_u64(buf, span->host_port);
	}
}

enum client_attribute {
	CLIENT_STATUS,
	CLIENT_URL,
	CLIENT_SCHEME,
	CLIENT_SERVER,
	CLIENT_PORT,
	CLIENT_PEER,
	CLIENT_REQUEST_SIZE,
	CLIENT_RESPONSE_SIZE,
	CLIENT_METHOD,
	CLIENT_QUERY,
};

/* With the query only where that may be seen at all. */
static struct slice get_url(const struct otlp_span_view *view)
{
	const struct obi_span *span = view->span;
	struct buffer *text = view->text;

	if (span->op.http.scheme.len) {
		buffer_put_slice(text, span->op.http.scheme);
		buffer_put_cstr(text, "://");
		put_authority(span, text);
	}
	buffer_put_slice(text, span->op.http.path);
	if (span->op.http.query.len && (view->selected & 1u << CLIENT_QUERY)) {
		buffer_put_char(text, '?');
		buffer_put_slice(text, span->op.http.query);
	}
	return text->failed ? slice_of(NULL, 0) : slice_of(text->data, text->len);
}

/* ---- Tables ---- */

#define ALWAYS(id_, help_)                                                                         \
	{                                                                                          \
		.id = OBI_ATTR_##id_, .by_default = true, .help = (help_)                          \
	}
#define CHOICE(id_, on_, help_)                                                                    \
	{                                                                                          \
		.id = OBI_ATTR_##id_, .optional = true, .by_default = (on_), .help = (help_)       \
	}

#define KEY(text_)                                                                                 \
	{                                                                                          \
		.data = (const uint8_t *)(text_), .len = sizeof(text_) - 1                         \
	}

#define HELP_NO_ANSWER "0 where there was no answer"
#define HELP_CLIENT "name of the client, else its address"
#define HELP_SERVICE "name of the service"
#define HELP_ASKED "the host that was asked for, else its address"
#define HELP_PORT "the port that was asked for, else the connection's"
#define HELP_PEER "as `server.address`"
#define HELP_SIZE "bytes; 0 where it is not known"
#define HELP_QUERY "where there is one; values of secret parameters hidden"

/* Of what went through a TLS session whose handshake was seen. */
#define TLS_ROWS(on_)                                                                              \
	CHOICE(TLS_VERSION, on_, "`1.3`, ..."), CHOICE(TLS_CIPHER, on_, "as IANA names it"),       \
		CHOICE(TLS_SERVER_NAME, on_, "that the client asked for"),                         \
		CHOICE(TLS_NEXT_PROTOCOL, on_, "of ALPN; up to TLS 1.2"),                          \
		CHOICE(TLS_RESUMED, on_, "an earlier session"),                                    \
		CHOICE(TLS_NOT_AFTER, on_, "of the server's certificate; up to TLS 1.2")

static const struct otlp_span_attribute http_server[] = {
	ALWAYS(HTTP_STATUS, HELP_NO_ANSWER),
	ALWAYS(CLIENT_ADDRESS, HELP_CLIENT),
	ALWAYS(SERVER_ADDRESS, HELP_SERVICE),
	ALWAYS(SERVER_PORT, ""),
	ALWAYS(HTTP_REQUEST_SIZE, HELP_SIZE),
	ALWAYS(HTTP_RESPONSE_SIZE, HELP_SIZE),
	ALWAYS(HTTP_METHOD, "as sent"),
	ALWAYS(URL_PATH, ""),
	ALWAYS(URL_SCHEME, ""),
	ALWAYS(HTTP_ROUTE, "as `routes` has it, where it has one"),
	CHOICE(URL_QUERY, true, HELP_QUERY),
	TLS_ROWS(true),
};

static const struct otlp_span_attribute http_client[] = {
	[CLIENT_STATUS] = ALWAYS(HTTP_STATUS, HELP_NO_ANSWER),
	[CLIENT_URL] = { .own = { KEY("url.full"), get_url },
			 .by_default = true,
			 .help = "with the query, if `url.query` is chosen" },
	[CLIENT_SCHEME] = ALWAYS(URL_SCHEME, ""),
	[CLIENT_SERVER] = ALWAYS(SERVER_ADDRESS, HELP_ASKED),
	[CLIENT_PORT] = ALWAYS(SERVER_PORT, HELP_PORT),
	[CLIENT_PEER] = ALWAYS(SERVICE_PEER, HELP_PEER),
	[CLIENT_REQUEST_SIZE] = ALWAYS(HTTP_REQUEST_SIZE, HELP_SIZE),
	[CLIENT_RESPONSE_SIZE] = ALWAYS(HTTP_RESPONSE_SIZE, HELP_SIZE),
	[CLIENT_METHOD] = ALWAYS(HTTP_METHOD, "as sent"),
	[CLIENT_QUERY] = CHOICE(URL_QUERY, true, HELP_QUERY),
	TLS_ROWS(true),
};

#define RPC_ROWS                                                                                   \
	ALWAYS(RPC_METHOD, "package.Service/Method"), ALWAYS(RPC_SYSTEM, "`grpc`"),                \
		ALWAYS(RPC_STATUS, "`OK`, `CANCELLED`, ...; where one came"),                      \
		ALWAYS(ERROR_TYPE, "of an error: name of the status, `_OTHER` where none came")

static const struct otlp_span_attribute rpc_server[] = {
	RPC_ROWS,
	ALWAYS(SERVER_ADDRESS, HELP_SERVICE),
	ALWAYS(SERVER_PORT, ""),
	ALWAYS(CLIENT_ADDRESS, HELP_CLIENT),
};

static const struct otlp_span_attribute rpc_client[] = {
	RPC_ROWS,
	ALWAYS(SERVER_ADDRESS, "address of the server"),
	ALWAYS(SERVER_PORT, ""),
	CHOICE(SERVICE_PEER, false, HELP_PEER),
};

#define DB_ROWS                                                                                    \
	ALWAYS(SERVER_PORT, ""), ALWAYS(DB_SYSTEM, "`redis`, ..."),                                \
		ALWAYS(DB_OPERATION, "the command"),                                               \
		ALWAYS(DB_COLLECTION, "table or the like, where there is one"),                    \
		ALWAYS(DB_NAMESPACE, "database, where it is known"),                               \
		ALWAYS(DB_STATUS, "of an error: its code"), ALWAYS(ERROR_TYPE, "the same"),        \
		CHOICE(DB_QUERY, false, "the text, which may hold what is secret"),                \
	{                                                                                          \
		.own = { KEY("db.response.error"), NULL }, .optional = true,                       \
		.help = "no attribute: the server's words as the status' message"                  \
	}

static const struct otlp_span_attribute db_server[] = {
	ALWAYS(CLIENT_ADDRESS, HELP_CLIENT),
	ALWAYS(SERVER_ADDRESS, HELP_SERVICE),
	DB_ROWS,
};

static const struct otlp_span_attribute db_client[] = {
	ALWAYS(SERVER_ADDRESS, "address of the server"),
	CHOICE(SERVICE_PEER, false, HELP_PEER),
	DB_ROWS,
};

static const struct otlp_span_attribute messaging[] = {
	ALWAYS(MESSAGING_SYSTEM, "`kafka`, ..."),
	ALWAYS(MESSAGING_DESTINATION, "topic or queue"),
	ALWAYS(MESSAGING_CLIENT, "where it is known"),
	ALWAYS(MESSAGING_OPERATION_TYPE, "`publish`, `process`"),
	ALWAYS(SERVER_ADDRESS, "address of the broker, or its name"),
	ALWAYS(SERVER_PORT, ""),
	CHOICE(SERVICE_PEER, false, HELP_PEER),
};

static const struct otlp_span_attribute dns[] = {
	ALWAYS(CLIENT_ADDRESS, HELP_SERVICE),
	ALWAYS(SERVER_ADDRESS, "address of the server"),
	ALWAYS(SERVER_PORT, ""),
	ALWAYS(DNS_ANSWERS, "addresses, with commas between them"),
	CHOICE(DNS_NAME, true, ""),
	ALWAYS(ERROR_TYPE, "of an error: name of its code, `timeout`"),
};

#define TLS_HANDSHAKE_ROWS                                                                         \
	TLS_ROWS(true), ALWAYS(TLS_ESTABLISHED, "did it succeed?"),                                \
		ALWAYS(ERROR_TYPE, "of one that failed: name of the alert, `timeout`, `_OTHER` "   \
				   "where nobody says why")

static const struct otlp_span_attribute tls_server[] = {
	ALWAYS(CLIENT_ADDRESS, HELP_CLIENT),
	ALWAYS(SERVER_ADDRESS, HELP_SERVICE),
	ALWAYS(SERVER_PORT, ""),
	TLS_HANDSHAKE_ROWS,
};

static const struct otlp_span_attribute tls_client[] = {
	ALWAYS(SERVER_ADDRESS, "address of the server"),
	ALWAYS(SERVER_PORT, ""),
	TLS_HANDSHAKE_ROWS,
};

#define ROWS(rows_) .attributes = (rows_), .count = ARRAY_SIZE(rows_)

const struct otlp_span_type otlp_span_types[OTLP_SPAN_TYPES] = {
	[OTLP_SPAN_TYPE(OBI_FAMILY_HTTP, true)] = { "HTTP server", "SERVER", ROWS(http_server) },
	[OTLP_SPAN_TYPE(OBI_FAMILY_HTTP, false)] = { "HTTP client", "CLIENT", ROWS(http_client) },
	[OTLP_SPAN_TYPE(OBI_FAMILY_RPC, true)] = { "RPC server", "SERVER", ROWS(rpc_server) },
	[OTLP_SPAN_TYPE(OBI_FAMILY_RPC, false)] = { "RPC client", "CLIENT", ROWS(rpc_client) },
	[OTLP_SPAN_TYPE(OBI_FAMILY_DB, true)] = { "Database server", "SERVER", ROWS(db_server) },
	[OTLP_SPAN_TYPE(OBI_FAMILY_DB, false)] = { "Database client", "CLIENT", ROWS(db_client) },
	[OTLP_SPAN_TYPE(OBI_FAMILY_MESSAGING, true)] = { "Message broker", "SERVER",
							 ROWS(messaging) },
	[OTLP_SPAN_TYPE(OBI_FAMILY_MESSAGING, false)] = { "Message", "PRODUCER` or `CONSUMER",
							  ROWS(messaging) },
	[OTLP_SPAN_TYPE(OBI_FAMILY_DNS, true)] = { NULL, "SERVER", ROWS(dns) },
	[OTLP_SPAN_TYPE(OBI_FAMILY_DNS, false)] = { "DNS", "INTERNAL", ROWS(dns) },
	[OTLP_SPAN_TYPE(OBI_FAMILY_TLS, true)] = { "TLS handshake, server", "SERVER",
						   ROWS(tls_server) },
	[OTLP_SPAN_TYPE(OBI_FAMILY_TLS, false)] = { "TLS handshake, client", "CLIENT",
						    ROWS(tls_client) },
};

_Static_assert(ARRAY_SIZE(http_server) <= ATTRIBUTES_MAX &&
		       ARRAY_SIZE(http_client) <= ATTRIBUTES_MAX &&
		       ARRAY_SIZE(db_client) <= ATTRIBUTES_MAX,
	       "a bit of an attribute_set each");

/* ---- Selection and encoding ---- */

static struct slice key_of(const struct otlp_span_attribute *row)
{
	return row->own.key.len ? row->own.key : obi_attributes[row->id].name;
}

attribute_set otlp_span_select(const struct otlp_span_type *type,
			       const struct obi_selection_list *select)
{
	attribute_set set = 0;

	for (size_t i = 0; i < type->count; i++) {
		const struct otlp_span_attribute *row = &type->attributes[i];
		const struct attribute attribute = {
			.name = (const char *)key_of(row).data, /* ends with a zero: a literal */
			.by_default = row->by_default,
		};

		if (!row->optional || attributes_select(select, OTLP_TRACES_KEY, &attribute, 1))
			set |= 1u << i;
	}
	return set;
}

/* Such a row stands for the status' message. */
static bool is_message(const struct otlp_span_attribute *row)
{
	return row->own.key.len && !row->own.get;
}

static void put_attribute(const struct otlp_span_attribute *row, const struct otlp_span_view *view,
			  uint32_t field, struct otlp_faults *faults, struct buffer *buf)
{
	const struct obi_attribute *attribute = &obi_attributes[row->id];
	char text[SPAN_TEXT];
	struct slice value;

	if (is_message(row))
		return;
	if (!row->own.get && attribute->number) {
		otlp_put_int_attribute(buf, field, attribute->name, attribute->number(view->span));
		return;
	}
	if (!row->own.get && attribute->truth) {
		if (attribute->truth(view->span) >= 0)
			otlp_put_bool_attribute(buf, field, attribute->name,
						attribute->truth(view->span));
		return;
	}
	value = row->own.get ? row->own.get(view) : attribute->text(view->span, text);
	if (value.len)
		otlp_faults_add(faults, otlp_put_string_attribute(buf, field, key_of(row), value));
}

bool otlp_span_wants(enum obi_attribute_id id, const struct obi_selection_list *select)
{
	for (size_t t = 0; t < OTLP_SPAN_TYPES; t++) {
		const struct otlp_span_type *type = &otlp_span_types[t];
		attribute_set set = otlp_span_select(type, select);

		for (size_t i = 0; i < type->count; i++)
			if (set & 1u << i && !type->attributes[i].own.key.len &&
			    type->attributes[i].id == id)
				return true;
	}
	return false;
}

struct otlp_faults otlp_span_put_attributes(const struct otlp_span_type *type,
					    const struct otlp_span_view *view, uint32_t field,
					    struct buffer *buf)
{
	struct otlp_faults faults = { 0 };

	for (size_t i = 0; i < type->count; i++) {
		const struct otlp_span_attribute *row = &type->attributes[i];

		if (view->selected & 1u << i)
			put_attribute(row, view, field, &faults, buf);
	}
	return faults;
}

bool otlp_span_tells_message(const struct otlp_span_type *type, attribute_set selected)
{
	for (size_t i = 0; i < type->count; i++) {
		if (is_message(&type->attributes[i]))
			return selected & 1u << i;
	}
	return true;
}

/* ---- Docs ---- */

void otlp_span_put_markdown(struct buffer *buf)
{
	for (int t = 0; t < OTLP_SPAN_TYPES; t++) {
		const struct otlp_span_type *type = &otlp_span_types[t];

		if (!type->title)
			continue;
		buffer_printf(buf, "\n## %s\n\nKind: `%s`.\n\n", type->title, type->kinds);
		buffer_put_cstr(buf, "| attribute | value | can be chosen |\n|---|---|---|\n");
		for (size_t i = 0; i < type->count; i++) {
			const struct otlp_span_attribute *row = &type->attributes[i];

			buffer_printf(buf, "| `%s` | %s | %s |\n", (const char *)key_of(row).data,
				      row->help,
				      !row->optional    ? ""
				      : row->by_default ? "yes, on"
							: "yes, off");
		}
	}
}
