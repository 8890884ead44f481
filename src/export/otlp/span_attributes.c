// SPDX-License-Identifier: Apache-2.0
#include "export/otlp/span_attributes.h"

#include "base/address.h"
#include "base/cleanup.h"

/* ---- Values ---- */

static struct otlp_value string_value(struct slice text)
{
	return (struct otlp_value){
		.type = text.len ? OTLP_VALUE_STRING : OTLP_VALUE_NONE,
		.string = text,
	};
}

static struct otlp_value int_value(int64_t number)
{
	return (struct otlp_value){ .type = OTLP_VALUE_INT, .number = number };
}

static struct otlp_value get_status(const struct otlp_span_view *view)
{
	return int_value(view->span->op.http.status);
}

static struct otlp_value get_method(const struct otlp_span_view *view)
{
	return string_value(view->span->op.http.method);
}

static struct otlp_value get_peer_name(const struct otlp_span_view *view)
{
	return string_value(view->span->peer_name);
}

static struct otlp_value get_host_name(const struct otlp_span_view *view)
{
	return string_value(view->span->host_name);
}

static struct otlp_value get_host_port(const struct otlp_span_view *view)
{
	return int_value(obi_span_server_port(view->span));
}

static struct otlp_value get_request_size(const struct otlp_span_view *view)
{
	return int_value((int64_t)span_body_size(view->span->op.http.request_length));
}

static struct otlp_value get_response_size(const struct otlp_span_view *view)
{
	return int_value((int64_t)span_body_size(view->span->op.http.response_length));
}

static struct otlp_value get_path(const struct otlp_span_view *view)
{
	return string_value(view->span->op.http.path);
}

static struct otlp_value get_query(const struct otlp_span_view *view)
{
	return string_value(view->span->op.http.query);
}

static struct otlp_value get_scheme(const struct otlp_span_view *view)
{
	return string_value(view->span->op.http.scheme);
}

static struct otlp_value get_route(const struct otlp_span_view *view)
{
	return string_value(view->span->op.http.route);
}

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
	CLIENT_ATTRIBUTES,
};

/* With the query only where that may be seen at all. */
static struct otlp_value get_url(const struct otlp_span_view *view)
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
	return string_value(text->failed ? slice_of(NULL, 0) : slice_of(text->data, text->len));
}

/* ---- Tables ---- */

#define KEY(text_)                                                                                 \
	{                                                                                          \
		.data = (const uint8_t *)(text_), .len = sizeof(text_) - 1                         \
	}
#define ALWAYS(key_, get_, help_)                                                                  \
	{                                                                                          \
		.key = KEY(key_), .get = (get_), .by_default = true, .help = (help_)               \
	}
#define DEFAULT(key_, get_, help_)                                                                 \
	{                                                                                          \
		.key = KEY(key_), .get = (get_), .optional = true, .by_default = true,             \
		.help = (help_)                                                                    \
	}

static const struct otlp_span_attribute http_server[] = {
	ALWAYS("http.response.status_code", get_status, "0 where there was no answer"),
	ALWAYS("client.address", get_peer_name, "name of the client, else its address"),
	ALWAYS("server.address", get_host_name, "name of the service"),
	ALWAYS("server.port", get_host_port, ""),
	ALWAYS("http.request.body.size", get_request_size, "bytes; 0 where it is not known"),
	ALWAYS("http.response.body.size", get_response_size, "bytes; 0 where it is not known"),
	ALWAYS("http.request.method", get_method, "as sent"),
	ALWAYS("url.path", get_path, ""),
	ALWAYS("url.scheme", get_scheme, ""),
	ALWAYS("http.route", get_route, "as `routes` has it, where it has one"),
	DEFAULT("url.query", get_query, "where there is one; values of secret parameters hidden"),
};

static const struct otlp_span_attribute http_client[CLIENT_ATTRIBUTES] = {
	[CLIENT_STATUS] =
		ALWAYS("http.response.status_code", get_status, "0 where there was no answer"),
	[CLIENT_URL] = ALWAYS("url.full", get_url, "with the query, if `url.query` is chosen"),
	[CLIENT_SCHEME] = ALWAYS("url.scheme", get_scheme, ""),
	[CLIENT_SERVER] = ALWAYS("server.address", get_host_name,
				 "the host that was asked for, else its address"),
	[CLIENT_PORT] = ALWAYS("server.port", get_host_port,
			       "the port that was asked for, else the connection's"),
	[CLIENT_PEER] = ALWAYS("service.peer.name", get_host_name, "as `server.address`"),
	[CLIENT_REQUEST_SIZE] = ALWAYS("http.request.body.size", get_request_size,
				       "bytes; 0 where it is not known"),
	[CLIENT_RESPONSE_SIZE] = ALWAYS("http.response.body.size", get_response_size,
					"bytes; 0 where it is not known"),
	[CLIENT_METHOD] = ALWAYS("http.request.method", get_method, "as sent"),
	[CLIENT_QUERY] = DEFAULT("url.query", get_query,
				 "where there is one; values of secret parameters hidden"),
};

const struct otlp_span_type otlp_span_types[OBI_SPAN_SIDES] = {
	[OBI_KIND_SERVER] = {
		.title = "HTTP server",
		.kind = OTLP_KIND_SERVER,
		.attributes = http_server,
		.count = ARRAY_SIZE(http_server),
	},
	[OBI_KIND_CLIENT] = {
		.title = "HTTP client",
		.kind = OTLP_KIND_CLIENT,
		.attributes = http_client,
		.count = ARRAY_SIZE(http_client),
	},
};

_Static_assert(ARRAY_SIZE(http_server) <= ATTRIBUTES_MAX && CLIENT_ATTRIBUTES <= ATTRIBUTES_MAX,
	       "a bit of an attribute_set each");
_Static_assert(OBI_SPAN_SIDES == OBI_KIND_CLIENT + 1, "a row for each type of span");

/* ---- Selection and encoding ---- */

attribute_set otlp_span_select(const struct otlp_span_type *type,
			       const struct obi_selection_list *select)
{
	attribute_set set = 0;

	for (size_t i = 0; i < type->count; i++) {
		const struct otlp_span_attribute *row = &type->attributes[i];
		const struct attribute attribute = {
			.name = (const char *)row->key.data, /* ends with a zero: a literal */
			.by_default = row->by_default,
		};

		if (!row->optional || attributes_select(select, OTLP_TRACES_KEY, &attribute, 1))
			set |= 1u << i;
	}
	return set;
}

struct otlp_faults otlp_span_put_attributes(const struct otlp_span_type *type,
					    const struct otlp_span_view *view, uint32_t field,
					    struct buffer *buf)
{
	struct otlp_faults faults = { 0 };

	for (size_t i = 0; i < type->count; i++) {
		const struct otlp_span_attribute *row = &type->attributes[i];
		struct otlp_value value;

		if (!(view->selected & 1u << i))
			continue;
		value = row->get(view);
		if (value.type == OTLP_VALUE_INT)
			otlp_put_int_attribute(buf, field, row->key, value.number);
		else if (value.type == OTLP_VALUE_STRING)
			otlp_faults_add(&faults, otlp_put_string_attribute(buf, field, row->key,
									   value.string));
	}
	return faults;
}

/* ---- Docs ---- */

static const char *kind_word(enum otlp_span_kind kind)
{
	static const char *const words[] = {
		[OTLP_KIND_INTERNAL] = "INTERNAL", [OTLP_KIND_SERVER] = "SERVER",
		[OTLP_KIND_CLIENT] = "CLIENT",     [OTLP_KIND_PRODUCER] = "PRODUCER",
		[OTLP_KIND_CONSUMER] = "CONSUMER",
	};

	return words[kind];
}

void otlp_span_put_markdown(struct buffer *buf)
{
	for (int t = 0; t < OBI_SPAN_SIDES; t++) {
		const struct otlp_span_type *type = &otlp_span_types[t];

		buffer_printf(buf, "\n## %s\n\nKind: `%s`.\n\n", type->title,
			      kind_word(type->kind));
		buffer_put_cstr(buf, "| attribute | value | can be chosen |\n|---|---|---|\n");
		for (size_t i = 0; i < type->count; i++) {
			const struct otlp_span_attribute *row = &type->attributes[i];

			buffer_printf(buf, "| `%s` | %s | %s |\n", (const char *)row->key.data,
				      row->help,
				      !row->optional    ? ""
				      : row->by_default ? "yes, on"
							: "yes, off");
		}
	}
}
