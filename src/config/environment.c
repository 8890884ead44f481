// SPDX-License-Identifier: Apache-2.0
/* Replacement is textual and comes before any parsing of YAML, in one pass. */
#include "config/environment.h"

#include <errno.h>

/* Longest default; also keeps a text full of unclosed references from being searched to its end
 * again and again. */
#define MAX_FALLBACK 4096

/* One ${...}: what it asks for, and its length. */
struct reference {
	struct slice name;
	struct slice fallback;
	size_t len;
};

const char *obi_environment_get(char *const *env, struct slice name)
{
	for (; env && *env; env++) {
		const char *value = *env + name.len;

		if (strncmp(*env, (const char *)name.data, name.len) == 0 && *value == '=')
			return value[1] ? value + 1 : NULL;
	}
	return NULL;
}

static bool name_byte(uint8_t c, bool first)
{
	return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (!first && c >= '0' && c <= '9');
}

/* Reads a reference at the start of in, which begins with '$'. */
static bool read_reference(struct slice in, struct reference *ret_reference)
{
	struct reference reference = { 0 };
	struct slice rest = slice_from(in, 2);
	uint8_t closing;
	size_t len = 0;
	ptrdiff_t end;

	if (in.len < 2 || (in.data[1] != '{' && in.data[1] != '('))
		return false;
	closing = in.data[1] == '{' ? '}' : ')';
	if (slice_has_prefix(rest, SLICE_LIT("env:")))
		rest = slice_from(rest, 4);
	while (len < rest.len && name_byte(rest.data[len], len == 0))
		len++;
	if (len == 0)
		return false;
	reference.name = slice_first(rest, len);
	rest = slice_from(rest, len);
	if (slice_has_prefix(rest, SLICE_LIT(":-"))) {
		rest = slice_from(rest, 2);
		end = slice_find(slice_first(rest, MAX_FALLBACK), closing);
		if (end < 0)
			return false;
		reference.fallback = slice_first(rest, (size_t)end);
		if (slice_find(reference.fallback, '\n') >= 0)
			return false;
		rest = slice_from(rest, (size_t)end);
	}
	if (rest.len == 0 || rest.data[0] != closing)
		return false;
	reference.len = (size_t)(rest.data + 1 - in.data);
	*ret_reference = reference;
	return true;
}

int obi_environment_replace(char *const *env, struct slice text, size_t limit, struct buffer *buf)
{
	struct reference reference;
	const char *value;

	for (ptrdiff_t at = slice_find(text, '$'); at >= 0; at = slice_find(text, '$')) {
		buffer_put_slice(buf, slice_first(text, (size_t)at));
		text = slice_from(text, (size_t)at);
		if (text.len > 1 && text.data[1] == '$' &&
		    read_reference(slice_from(text, 1), &reference)) {
			buffer_put_slice(buf, slice_first(slice_from(text, 1), reference.len));
			text = slice_from(text, 1 + reference.len);
		} else if (read_reference(text, &reference)) {
			value = obi_environment_get(env, reference.name);
			buffer_put_slice(buf, value ? slice_cstr(value) : reference.fallback);
			text = slice_from(text, reference.len);
		} else {
			buffer_put_char(buf, '$');
			text = slice_from(text, 1);
		}
		if (buf->len > limit)
			return -EFBIG;
	}
	buffer_put_slice(buf, text);
	return buf->len > limit ? -EFBIG : 0;
}

bool obi_environment_refers(struct slice text, struct slice name)
{
	struct reference reference;

	for (ptrdiff_t at = slice_find(text, '$'); at >= 0; at = slice_find(text, '$')) {
		text = slice_from(text, (size_t)at);
		if (read_reference(text, &reference) && slice_equal(reference.name, name))
			return true;
		text = slice_from(text, 1);
	}
	return false;
}
