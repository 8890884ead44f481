/* SPDX-License-Identifier: Apache-2.0 */
/* What both directions have: a length with its line's end, and the end of a string. */
#ifndef OBI_PROTOCOL_REDIS_LINES_H
#define OBI_PROTOCOL_REDIS_LINES_H

#include <errno.h>

#include "protocol/redis/resp.h"

struct resp_cursor {
	const uint8_t *at, *end;
};

static inline bool resp_is_digit(uint8_t c)
{
	return (uint8_t)(c - '0') <= 9;
}

/* ASCII without blank. */
static inline bool resp_is_graph(uint8_t c)
{
	return c > ' ' && c < 0x7f;
}

/* Reads a length and its line's end if all is there and plain. Otherwise nothing is taken, and
 * resp_length_byte() says what it is: so both ways come to the same. */
static inline bool resp_length_whole(struct resp_cursor *in, uint64_t *ret_length)
{
	const uint8_t *at = in->at, *stop = in->end - at > 9 ? at + 9 : in->end;
	uint64_t length = 0;

	while (at < stop && resp_is_digit(*at))
		length = length * 10 + (*at++ - '0');
	if (at == in->at || in->end - at < 2 || at[0] != '\r' || at[1] != '\n')
		return false;
	if (*in->at == '0' && at - in->at > 1)
		return false;
	in->at = at + 2;
	*ret_length = length;
	return true;
}

/* One byte of it. -1 (form '-') and, where a stream begins, '?' are for the caller to judge.
 * Returns 0 behind the line's end, -EAGAIN before it. */
static inline int resp_length_byte(struct redis_number *length, uint8_t c)
{
	if (length->cr)
		return c == '\n' ? 0 : -EPROTO;
	if (resp_is_digit(c)) {
		if (length->form == '?' || length->digits == 10 ||
		    (length->digits && !length->value))
			return -EPROTO;
		length->value = length->value * 10 + (c - '0');
		length->digits++;
		return -EAGAIN;
	}
	if ((c == '-' || c == '?') && !length->digits && !length->form)
		length->form = c;
	else if (c == '\r' && (length->digits || length->form == '?'))
		length->cr = 1;
	else
		return -EPROTO;
	return -EAGAIN;
}

/* length is zero where a line begins. */
static inline int resp_read_length(struct redis_number *length, struct resp_cursor *in)
{
	int err = -EAGAIN;

	if (!length->digits && !length->form && resp_length_whole(in, &length->value))
		return 0;
	while (err == -EAGAIN && in->at < in->end)
		err = resp_length_byte(length, *in->at++);
	return err;
}

/* Is the line's end behind a string there whole? Then it is passed. */
static inline bool resp_pass_line_end(struct resp_cursor *in)
{
	if (in->end - in->at < 2 || in->at[0] != '\r' || in->at[1] != '\n')
		return false;
	in->at += 2;
	return true;
}

/* Text of errors and queries, see text.c. */
void redis_text_begin_argument(struct redis_text *text, bool first, bool hidden);
void redis_text_put_argument(struct redis_text *text, struct slice piece);
void redis_text_end_argument(struct redis_text *text);
/* As it is, up to max bytes in all. */
void redis_text_put(struct redis_text *text, struct slice piece, size_t max);
/* What was written, made printable; nothing if there is no text. */
struct slice redis_text_finish(struct redis_text *text);
/* Makes what is not printable ASCII '?'. */
void redis_make_plain(char *bytes, size_t len);

/* What of a command's arguments is not to be shown: from which on, 0 = all may be. */
uint8_t redis_hidden_from(enum redis_command command);

/* One step over an inline command, as redis_read_request() says. */
int redis_inline_byte(struct redis_requests *state, struct redis_text *text, uint8_t c);

/* Called by whoever reads an argument, array or inline. */
void redis_begin_argument(struct redis_requests *state, struct redis_text *text);
void redis_take_argument(struct redis_requests *state, struct redis_text *text, struct slice piece);
void redis_end_argument(struct redis_requests *state, struct redis_text *text);

#endif
