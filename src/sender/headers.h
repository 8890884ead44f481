/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OTEL_EXPORTER_OTLP_HEADERS and its kin: items name=value, percent-encoded (OpenTelemetry
 * specification, protocol/exporter.md, "Specifying headers via environment variables"), with ${VAR}
 * from the environment first.
 */
#ifndef OBI_SENDER_HEADERS_H
#define OBI_SENDER_HEADERS_H

#include "base/buffer.h"
#include "config/option.h"

#define SENDER_HEADERS_MAX 64

/* "name: value", each terminated. */
struct sender_headers {
	char *lines[SENDER_HEADERS_MAX];
	size_t count;
};

/* Appends the line of one item, terminated. 0; -EINVAL with what is wrong in ret_why (a literal):
 * nothing was appended, and the item must not be repeated to anybody, since it may be a secret. */
int sender_header_read(const char *item, char *const *env, struct buffer *line,
		       const char **ret_why);

/* Adds all items of the list; one of the same name that is there already is replaced. What is wrong
 * is told to bad() by its place in the list, and left out. -ENOMEM. */
int sender_headers_add(struct sender_headers *headers, const struct obi_list *list,
		       char *const *env, void (*bad)(void *context, size_t index, const char *why),
		       void *context);

void sender_headers_free(struct sender_headers *headers);

#endif
