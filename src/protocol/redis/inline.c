// SPDX-License-Identifier: Apache-2.0
/*
 * Inline commands: words in a line (sdssplitargs in src/sds.c of the server). In double quotes a
 * backslash escapes what is behind it, in single quotes a single quote; behind the closing quote a
 * word ends. Of "\xHH" only the x is read as escaped: it shows in the text of a query alone.
 */
#include "protocol/redis/lines.h"

static void take(struct redis_requests *state, struct redis_text *text, uint8_t c)
{
	redis_take_argument(state, text, slice_of(&c, 1));
}

/* The server takes these for HTTP meant to do harm, and closes the connection (src/server.c,
 * securityWarningCommand). */
static bool is_http(const struct redis_requests *state)
{
	struct slice name = slice_of(state->name, state->name_len);

	return slice_equal_nocase(name, SLICE_LIT("POST")) ||
	       slice_equal_nocase(name, SLICE_LIT("Host:"));
}

static int end_word(struct redis_requests *state, struct redis_text *text)
{
	redis_end_argument(state, text);
	state->in_word = 0;
	return state->index == 1 && is_http(state) ? -EPROTO : -EAGAIN;
}

/* -ENODATA: there was no command in it. */
static int end_line(struct redis_requests *state, struct redis_text *text)
{
	if (state->quote)
		return -EPROTO;
	if (state->in_word && end_word(state, text) == -EPROTO)
		return -EPROTO;
	return state->index ? 0 : -ENODATA;
}

static uint8_t unescape(uint8_t c)
{
	switch (c) {
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	case 'b':
		return '\b';
	case 'a':
		return '\a';
	default:
		return c;
	}
}

/* The byte behind a backslash. In single quotes one that is in front of anything but such a quote
 * stands for itself: then false, and c is to be read as any byte. */
static bool take_escaped(struct redis_requests *state, struct redis_text *text, uint8_t c)
{
	bool escaped = state->quote == '"' || c == '\'';

	state->escaped = 0;
	take(state, text, !escaped ? '\\' : state->quote == '"' ? unescape(c) : c);
	return escaped;
}

/* ' ' as quote: the closing one was just read. */
static int quoted_byte(struct redis_requests *state, struct redis_text *text, uint8_t c)
{
	if (state->escaped && take_escaped(state, text, c))
		return -EAGAIN;
	if (c == '\\')
		state->escaped = 1;
	else if (c == state->quote)
		state->quote = ' ';
	else
		take(state, text, c);
	return -EAGAIN;
}

static int bare_byte(struct redis_requests *state, struct redis_text *text, uint8_t c)
{
	if (!state->in_word) {
		state->in_word = 1;
		redis_begin_argument(state, text);
	}
	if (c == '"' || c == '\'')
		state->quote = c;
	else
		take(state, text, c);
	return -EAGAIN;
}

int redis_inline_byte(struct redis_requests *state, struct redis_text *text, uint8_t c)
{
	bool closed = state->quote == ' ', blank = c == ' ' || c == '\t' || c == '\r';

	if (++state->line > REDIS_LINE_MAX)
		return -EPROTO;
	if (closed)
		state->quote = 0;
	if (c == '\n')
		return end_line(state, text);
	if ((c < ' ' && !blank) || c == 0x7f)
		return -EPROTO;
	if (state->quote)
		return c == '\r' ? -EPROTO : quoted_byte(state, text, c);
	if (blank)
		return state->in_word ? end_word(state, text) : -EAGAIN;
	return closed ? -EPROTO : bare_byte(state, text, c);
}
