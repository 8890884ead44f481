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
#define OBI_ATTRIBUTE(id_, name_, type_, get_, families_) OBI_ATTR_##id_,
#include "span/attributes.def"
#undef OBI_ATTRIBUTE
	OBI_ATTRIBUTES,
};

/* obi_name_DB_SYSTEM: "db.system.name", for tables of names. */
#define OBI_ATTRIBUTE(id_, name_, type_, get_, families_) extern const char obi_name_##id_[];
#include "span/attributes.def"
#undef OBI_ATTRIBUTE

/* One of the getters is there. Only for spans of its families. */
struct obi_attribute {
	struct slice name; /* a literal: zero-terminated */
	/* "": the span has none. Lies where the span's strings lie, in text, or is a constant. */
	struct slice (*text)(const struct obi_span *span, char text[SPAN_TEXT]);
	int64_t (*number)(const struct obi_span *span);
	int (*truth)(const struct obi_span *span); /* 1, 0; -1: the span has none */
	unsigned families; /* bit 1 << enum obi_span_family: which spans may have it */
};

extern const struct obi_attribute obi_attributes[OBI_ATTRIBUTES];

/* The value that a span of whatever family has, as text: a number is written into text. */
struct slice span_attribute_text(const struct obi_span *span, enum obi_attribute_id id,
				 char text[SPAN_TEXT]);

#endif
