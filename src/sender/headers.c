// SPDX-License-Identifier: Apache-2.0
#include "sender/headers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/percent.h"
#include "config/environment.h"

#define VALUE_MAX 16384

/* What the request's own shape depends on. */
static const char *const reserved[] = {
	"content-type", "content-length", "content-encoding", "transfer-encoding",    "te",
	"trailer",      "grpc-encoding",  "grpc-timeout",     "grpc-accept-encoding", "connection",
	"expect",       "host",
};

/* RFC 9110 section 5.6.2. */
static bool is_token(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.data[i];

		if (c <= ' ' || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c))
			return false;
	}
	return name.len > 0;
}

static bool is_reserved(struct slice name)
{
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++)
		if (slice_equal_nocase(name, slice_cstr(reserved[i])))
			return true;
	return false;
}

/* A percent sign that begins no escape stands for itself: tokens hold them. */
static void put_decoded(struct buffer *line, struct slice in)
{
	for (size_t i = 0; i < in.len; i++) {
		int byte = percent_byte(in, i);

		buffer_put_char(line, byte < 0 ? (char)in.data[i] : (char)byte);
		if (byte >= 0)
			i += 2;
	}
}

static bool is_value(struct slice value)
{
	for (size_t i = 0; i < value.len; i++)
		if ((value.data[i] < ' ' && value.data[i] != '\t') || value.data[i] == 0x7f)
			return false;
	return true;
}

static const char *read_pair(struct slice text, struct buffer *line)
{
	ptrdiff_t equals = slice_find(text, '=');
	size_t begin = line->len, value;
	struct slice name;

	if (equals < 0)
		return "no '=' in it";
	name = slice_trim(slice_first(text, (size_t)equals));
	if (!is_token(name))
		return "not a header's name";
	if (is_reserved(name))
		return "a header that is not to be set";
	buffer_put_slice(line, name);
	buffer_put_cstr(line, ": ");
	value = line->len;
	put_decoded(line, slice_trim(slice_from(text, (size_t)equals + 1)));
	if (!line->failed && is_value(slice_of(line->data + value, line->len - value))) {
		buffer_put_char(line, '\0');
		return NULL;
	}
	line->len = begin;
	return "control characters in its value";
}

int sender_header_read(const char *item, char *const *env, struct buffer *line,
		       const char **ret_why)
{
	struct buffer replaced = { 0 };
	const char *why = "too long";

	if (!obi_environment_replace(env, slice_cstr(item), VALUE_MAX, &replaced))
		why = read_pair(slice_of(replaced.data, replaced.len), line);
	buffer_free(&replaced);
	*ret_why = why;
	return why ? -EINVAL : 0;
}

static bool same_name(const char *a, const char *b)
{
	size_t len = strcspn(a, ":");

	return strcspn(b, ":") == len && strncasecmp(a, b, len) == 0;
}

static int add_line(struct sender_headers *headers, const struct buffer *line)
{
	char *copy = line->failed ? NULL : strdup(line->data);
	size_t at = 0;

	if (!copy)
		return -ENOMEM;
	while (at < headers->count && !same_name(headers->lines[at], copy))
		at++;
	if (at == SENDER_HEADERS_MAX) {
		free(copy);
		return -E2BIG;
	}
	if (at < headers->count)
		free(headers->lines[at]);
	else
		headers->count++;
	headers->lines[at] = copy;
	return 0;
}

int sender_headers_add(struct sender_headers *headers, const struct obi_list *list,
		       char *const *env, void (*bad)(void *context, size_t index, const char *why),
		       void *context)
{
	struct buffer line = { 0 };
	const char *why;
	int error = 0;

	for (size_t i = 0; i < list->count && error != -ENOMEM; i++) {
		line.len = 0;
		/* A comma too many is nothing to complain about. */
		if (slice_trim(slice_cstr(list->items[i])).len == 0)
			continue;
		error = sender_header_read(list->items[i], env, &line, &why);
		if (!error) {
			why = "too many headers";
			error = add_line(headers, &line);
		}
		if (error && error != -ENOMEM)
			bad(context, i, why);
	}
	buffer_free(&line);
	return error == -ENOMEM ? error : 0;
}

void sender_headers_free(struct sender_headers *headers)
{
	while (headers->count)
		free(headers->lines[--headers->count]);
}
