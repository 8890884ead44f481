// SPDX-License-Identifier: Apache-2.0
#include "verb/explain_out.h"

#include <string.h>

#define COLUMN 18 /* of the values */

/* For people: the place of a line, "- " before the first of an item. */
static void put_place(struct explain_out *out, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++)
		buffer_put_cstr(&out->buf, out->item && i + 1 == depth ? "- " : "  ");
	out->item = false;
}

static void put_key(struct explain_out *out, const char *key, bool value)
{
	size_t len;

	if (out->json) {
		if (out->filled)
			buffer_put_char(&out->buf, ',');
		if (key)
			buffer_printf(&out->buf, "\"%s\":", key);
		return;
	}
	out->item |= !key;
	put_place(out, out->depth + !key);
	if (!key)
		return;
	buffer_printf(&out->buf, "%s:", key);
	for (len = strlen(key) + 1; value && len < COLUMN; len++)
		buffer_put_char(&out->buf, ' ');
}

static void end_value(struct explain_out *out)
{
	out->filled = true;
	if (!out->json)
		buffer_put_char(&out->buf, '\n');
}

void out_begin(struct explain_out *out, const char *key, char kind)
{
	if (out->json) {
		put_key(out, key, false);
		buffer_put_char(&out->buf, kind);
	} else if (key) {
		put_key(out, key, false);
		buffer_put_char(&out->buf, '\n');
	}
	if (key || out->depth)
		out->depth++;
	out->item = !key && out->depth;
	out->filled = false;
}

void out_end(struct explain_out *out, char kind)
{
	if (out->json) {
		buffer_put_char(&out->buf, kind);
	} else if (!out->filled) { /* behind its key */
		out->buf.len -= out->buf.len > 0;
		buffer_put_cstr(&out->buf, " none\n");
	}
	if (out->depth)
		out->depth--;
	out->item = false;
	out->filled = true;
}

void out_slice(struct explain_out *out, const char *key, struct slice text)
{
	put_key(out, key, text.len > 0);
	if (out->json)
		buffer_put_json_string(&out->buf, text);
	else
		buffer_put_printable(&out->buf, text);
	end_value(out);
}

void out_text(struct explain_out *out, const char *key, const char *text)
{
	out_slice(out, key, slice_cstr(text));
}

void out_number(struct explain_out *out, const char *key, uint64_t number)
{
	put_key(out, key, true);
	buffer_put_u64(&out->buf, number);
	end_value(out);
}

void out_flag(struct explain_out *out, const char *key, bool yes)
{
	put_key(out, key, true);
	buffer_put_cstr(&out->buf, out->json ? (yes ? "true" : "false") : yes ? "yes" : "no");
	end_value(out);
}

void out_finish(struct explain_out *out)
{
	buffer_put_char(&out->buf, '\n');
	out->filled = false;
}
