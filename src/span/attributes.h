/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attributes that spans have, each by the name of the semantic conventions: filters, traces and
 * metrics take names and values from here, so that they cannot tell different things of a span
 * (https://opentelemetry.io/docs/specs/semconv/registry/attributes/).
 */
#ifndef OBI_SPAN_ATTRIBUTES_H
#define OBI_SPAN_ATTRIBUTES_H

#include "span/family.h"

enum obi_attribute_id {
	OBI_ATTR_CLIENT_ADDRESS,
	OBI_ATTR_DB_COLLECTION,
	OBI_ATTR_DB_NAMESPACE,
	OBI_ATTR_DB_OPERATION,
	OBI_ATTR_DB_QUERY,
	OBI_ATTR_DB_STATUS,
	OBI_ATTR_DB_SYSTEM,
	OBI_ATTR_DNS_ANSWERS,
	OBI_ATTR_DNS_NAME,
	OBI_ATTR_DNS_TYPE,
	OBI_ATTR_ERROR_TYPE,
	OBI_ATTR_HTTP_METHOD,
	OBI_ATTR_HTTP_REQUEST_SIZE,
	OBI_ATTR_HTTP_RESPONSE_SIZE,
	OBI_ATTR_HTTP_ROUTE,
	OBI_ATTR_HTTP_STATUS,
	OBI_ATTR_INSTANCE,
	OBI_ATTR_MESSAGING_CLIENT,
	OBI_ATTR_MESSAGING_DESTINATION,
	OBI_ATTR_MESSAGING_OPERATION_NAME,
	OBI_ATTR_MESSAGING_OPERATION_TYPE,
	OBI_ATTR_MESSAGING_SYSTEM,
	OBI_ATTR_RPC_METHOD,
	OBI_ATTR_RPC_STATUS,
	OBI_ATTR_RPC_SYSTEM,
	OBI_ATTR_SDK_LANGUAGE,
	OBI_ATTR_SERVER_ADDRESS,
	OBI_ATTR_SERVER_PORT,
	OBI_ATTR_SERVICE_INSTANCE,
	OBI_ATTR_SERVICE_NAME,
	OBI_ATTR_SERVICE_NAMESPACE,
	OBI_ATTR_SERVICE_PEER,
	OBI_ATTR_URL_PATH,
	OBI_ATTR_URL_QUERY,
	OBI_ATTR_URL_SCHEME,
	OBI_ATTRIBUTES,
};

struct obi_value {
	enum {
		OBI_VALUE_STRING, /* "": the span has no such attribute */
		OBI_VALUE_INT,
	} type;
	union {
		struct slice
			string; /* lies where the span's strings lie, or in the caller's text */
		int64_t number;
	};
};

struct obi_attribute {
	struct slice name; /* a literal: zero-terminated */
	/* Only of spans of its families. */
	struct obi_value (*get)(const struct obi_span *span, char text[SPAN_TEXT]);
	unsigned families; /* bit 1 << enum obi_span_family; which spans may have it */
};

extern const struct obi_attribute obi_attributes[OBI_ATTRIBUTES];

/* The value that the span has, of whatever family it is. */
struct obi_value span_attribute(const struct obi_span *span, enum obi_attribute_id id,
				char text[SPAN_TEXT]);

/* The same as text: a number is written into text. */
struct slice span_attribute_text(const struct obi_span *span, enum obi_attribute_id id,
				 char text[SPAN_TEXT]);

#endif
