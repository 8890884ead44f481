// SPDX-License-Identifier: Apache-2.0
#include "service/placeholder.h"

#include "base/percent.h"

bool obi_placeholder_next(struct slice *text, struct slice *ret_before, struct slice *ret_name)
{
	bool unclosed[2] = { false, false }; /* looked for once: the text is a stranger's */

	for (size_t i = 0; i + 1 < text->len; i++) {
		bool curly = text->data[i + 1] == '{';
		struct slice rest = slice_from(*text, i + 2);
		ptrdiff_t end;

		if (text->data[i] != '$' || (!curly && text->data[i + 1] != '(') || unclosed[curly])
			continue;
		end = slice_find(rest, curly ? '}' : ')');
		if (end < 0) {
			unclosed[curly] = true;
			continue;
		}
		*ret_before = slice_first(*text, i);
		*ret_name = slice_first(rest, (size_t)end);
		*text = slice_from(rest, (size_t)end + 1);
		return true;
	}
	return false;
}

static void put_text(struct slice text, bool encoded, struct buffer *buf)
{
	char *room = encoded && text.len ? buffer_reserve(buf, text.len) : NULL;
	struct slice decoded = text;

	if (room)
		decoded = percent_decode(text, (uint8_t *)room);
	if (room && decoded.data == (uint8_t *)room)
		buf->len += decoded.len;
	else
		buffer_put_slice(buf, text);
}

/* The last of its name, as of every variable that is read here. */
static const struct obi_variable *find(const struct obi_variables *variables, struct slice name)
{
	for (size_t i = variables->count; i > 0; i--)
		if (slice_equal(variables->items[i - 1].name, name))
			return &variables->items[i - 1];
	return NULL;
}

bool obi_placeholder_fill(struct slice text, bool encoded, const struct obi_variables *variables,
			  struct buffer *buf)
{
	struct slice before, name, inner_before, inner_name;

	while (obi_placeholder_next(&text, &before, &name)) {
		const struct obi_variable *variable = find(variables, name);
		struct slice value;

		if (!variable)
			return false;
		value = variable->value;
		if (obi_placeholder_next(&value, &inner_before, &inner_name))
			return false;
		put_text(before, encoded, buf);
		buffer_put_slice(buf, variable->value);
	}
	put_text(text, encoded, buf);
	return !buf->failed;
}
