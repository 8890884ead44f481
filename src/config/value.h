/* SPDX-License-Identifier: Apache-2.0 */
/* A parsed field, or what it may be, as text: for messages, dumps, help and docs. */
#ifndef OBI_CONFIG_VALUE_H
#define OBI_CONFIG_VALUE_H

#include "base/buffer.h"
#include "config/option.h"

/* One word or two for the type: "duration", "list". */
const char *obi_type_name(enum obi_type type);

/* For messages: "an integer from 0 to 65535", "one of tc, tcx, auto". */
void obi_value_put_allowed(struct buffer *buf, const struct obi_option *option);

/* For tables: "integer from 0 to 65535", "tc, tcx, auto", "list of node, service". */
void obi_value_put_type(struct buffer *buf, const struct obi_option *option);

/* A number of that type: a duration with its unit. */
void obi_value_put_bound(struct buffer *buf, enum obi_type type, double bound);

/* Does the field hold its type's zero value? An empty list that was given does. */
bool obi_value_is_empty(const struct obi_option *option, const void *field);

/* The field in YAML's flow style or, with json, strictly as JSON; both on one line. Secrets come
 * out as ***. Reads back as the same value. */
void obi_value_put(struct buffer *buf, const struct obi_option *option, const void *field,
		   bool json);

#endif
