// SPDX-License-Identifier: Apache-2.0
/* Text of queries and errors, put together from pieces, and what of it must not be shown. */
#include "base/utf8.h"
#include "protocol/redis/lines.h"

static void put_byte(struct redis_text *text, char c)
{
	if (text->len < REDIS_TEXT_MAX)
		text->bytes[text->len++] = c;
}

void redis_text_begin_argument(struct redis_text *text, bool first, bool hidden)
{
	if (first)
		text->len = 0;
	else
		put_byte(text, ' ');
	text->argument = text->len;
	text->quoted = false;
	text->hidden = hidden;
	if (hidden)
		put_byte(text, '?');
}

/* redis-cli would take a bare word with these for something else (sdssplitargs in src/sds.c). */
static bool needs_quotes(uint8_t c)
{
	static const bool special[256] = {
		[0 ... ' '] = true, ['"'] = true, ['\''] = true, ['\\'] = true, [0x7f] = true,
	};

	return special[c];
}

/* What stands there of the argument needs no escape, or it would be quoted already. */
static void quote(struct redis_text *text)
{
	char *at = text->bytes + text->argument;
	size_t len = text->len - text->argument;

	text->quoted = true;
	if (text->argument == REDIS_TEXT_MAX)
		return;
	memmove(at + 1, at, len);
	*at = '"';
	text->len = (uint16_t)(text->argument + 1 + len);
}

void redis_text_put_argument(struct redis_text *text, struct slice piece)
{
	if (text->hidden)
		return;
	for (size_t i = 0; i < piece.len && text->len < REDIS_TEXT_MAX; i++) {
		uint8_t c = piece.data[i];

		if (!needs_quotes(c)) {
			text->bytes[text->len++] = (char)c;
			continue;
		}
		if (!text->quoted)
			quote(text);
		if (c == '"' || c == '\\')
			put_byte(text, '\\');
		put_byte(text, (char)(c < ' ' || c == 0x7f ? '?' : c));
	}
}

void redis_text_end_argument(struct redis_text *text)
{
	if (text->hidden)
		return;
	if (text->len == text->argument)
		quote(text);
	if (text->quoted)
		put_byte(text, '"');
}

void redis_text_put(struct redis_text *text, struct slice piece, size_t max)
{
	size_t room = max > text->len ? max - text->len : 0;

	piece = slice_first(piece, room);
	if (piece.len)
		memcpy(text->bytes + text->len, piece.data, piece.len);
	text->len += (uint16_t)piece.len;
}

struct slice redis_text_finish(struct redis_text *text)
{
	struct slice whole, rest;

	if (!text)
		return slice_of(NULL, 0);
	whole = rest = slice_of(text->bytes, text->len);
	while (rest.len) {
		bool plain = rest.data[0] == ' ' || resp_is_graph(rest.data[0]);
		size_t len = plain ? 1 : utf8_printable(rest);

		if (!len) {
			text->bytes[whole.len - rest.len] = '?';
			len = 1;
		}
		rest = slice_from(rest, len);
	}
	return whole;
}

void redis_make_plain(char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!resp_is_graph((uint8_t)bytes[i]))
			bytes[i] = '?';
}
