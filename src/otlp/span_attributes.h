/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a span of each type is in OTLP: its kind and a table of its attributes, from which both the
 * encoding and the docs page come. A new type is a table and a row
 * (https://opentelemetry.io/docs/specs/semconv/http/http-spans/).
 */
#ifndef OBI_OTLP_SPAN_ATTRIBUTES_H
#define OBI_OTLP_SPAN_ATTRIBUTES_H

#include "metrics/attributes.h"
#include "otlp/key_value.h"
#include "span/attributes.h"
#include "span/semconv.h"

/* opentelemetry/proto/trace/v1/trace.proto */
enum otlp_span_kind {
	OTLP_KIND_INTERNAL = 1,
	OTLP_KIND_SERVER = 2,
	OTLP_KIND_CLIENT = 3,
	OTLP_KIND_PRODUCER = 4,
	OTLP_KIND_CONSUMER = 5,
};

/* Names of the rows of a type's table, in a selection's text. */
#define OTLP_TRACES_KEY "traces"

/* A span on its way out. */
struct otlp_span_view {
	const struct obi_span *span;
	attribute_set selected; /* of its type's table */
	struct buffer *text;    /* room for a value that is put together; empty */
};

struct otlp_span_attribute {
	enum obi_attribute_id id; /* of the catalog (span/attributes.h), unless own.key is set */
	struct {
		struct slice key;
		/* NULL: no attribute; the choice of it is that of the status' message. */
		struct slice (*get)(const struct otlp_span_view *view);
	} own;
	bool optional;   /* attributes.select with the key `traces` decides */
	bool by_default; /* if it says nothing; true for all that are not optional */
	const char *help;
};

struct otlp_span_type {
	const char *title; /* NULL: not in the docs, for there are none such */
	const char *kinds; /* for the docs */
	const struct otlp_span_attribute *attributes;
	size_t count;
};

/* A family has two types: that of servers, and that of all others. */
#define OTLP_SPAN_TYPE(family_, server_) (2 * (family_) + ((server_) ? 0 : 1))
#define OTLP_SPAN_TYPES (2 * OBI_FAMILIES)

extern const struct otlp_span_type otlp_span_types[OTLP_SPAN_TYPES];

/* Which of them a span is of. */
static inline size_t otlp_span_type_of(const struct obi_span *span)
{
	return OTLP_SPAN_TYPE((size_t)span->system->family, span->kind == OBI_KIND_SERVER);
}

/* Does a status carry its message? */
bool otlp_span_tells_message(const struct otlp_span_type *type, attribute_set selected);

/* The attributes that a type's spans carry. */
attribute_set otlp_span_select(const struct otlp_span_type *type,
			       const struct obi_selection_list *select);

/* Do spans of any type carry it? */
bool otlp_span_wants(enum obi_attribute_id id, const struct obi_selection_list *select);

/* Appends the span's attributes as fields of that number. */
struct otlp_faults otlp_span_put_attributes(const struct otlp_span_type *type,
					    const struct otlp_span_view *view, uint32_t field,
					    struct buffer *buf);

/* The tables as a docs page. */
void otlp_span_put_markdown(struct buffer *buf);

#endif
