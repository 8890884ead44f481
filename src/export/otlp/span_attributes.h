/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a span of each type is in OTLP: its kind and a table of its attributes, from which both the
 * encoding and the docs page come. A new type is a table and a row
 * (https://opentelemetry.io/docs/specs/semconv/http/http-spans/).
 */
#ifndef OBI_EXPORT_OTLP_SPAN_ATTRIBUTES_H
#define OBI_EXPORT_OTLP_SPAN_ATTRIBUTES_H

#include "export/attributes.h"
#include "export/otlp/proto.h"
#include "export/semconv.h"

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

struct otlp_value {
	enum {
		OTLP_VALUE_NONE, /* the span has no such attribute */
		OTLP_VALUE_STRING,
		OTLP_VALUE_INT,
	} type;
	union {
		struct slice string;
		int64_t number;
	};
};

/* A span on its way out. */
struct otlp_span_view {
	const struct obi_span *span;
	attribute_set selected; /* of its type's table */
	struct buffer *text;    /* room for a value that is put together; empty */
};

struct otlp_span_attribute {
	struct slice key;
	struct otlp_value (*get)(const struct otlp_span_view *view);
	bool optional;   /* attributes.select with the key `traces` decides */
	bool by_default; /* if it says nothing; true for all that are not optional */
	const char *help;
};

struct otlp_span_type {
	const char *title;
	enum otlp_span_kind kind;
	const struct otlp_span_attribute *attributes;
	size_t count;
};

extern const struct otlp_span_type otlp_span_types[OBI_SPAN_SIDES];

/* The attributes that a type's spans carry. */
attribute_set otlp_span_select(const struct otlp_span_type *type,
			       const struct obi_selection_list *select);

/* Appends the span's attributes as fields of that number. */
struct otlp_faults otlp_span_put_attributes(const struct otlp_span_type *type,
					    const struct otlp_span_view *view, uint32_t field,
					    struct buffer *buf);

/* The tables as a docs page. */
void otlp_span_put_markdown(struct buffer *buf);

#endif
