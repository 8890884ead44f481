// SPDX-License-Identifier: Apache-2.0
/*
 * Replies. Of what lies in an aggregate only the number of values to come is kept: one that begins
 * takes one off and adds its own. So the reply ends where none is to come, however deep it went. Of
 * a streamed aggregate, whose end is a value of its own ('.'), what is to come around it is put
 * aside.
 */
#include "protocol/redis/lines.h"

enum phase {
	PHASE_START,
	PHASE_LENGTH,
	PHASE_BYTES,
	PHASE_CR,
	PHASE_LF,
	PHASE_LINE,
	PHASE_LINE_LF,
	PHASE_CHUNK, /* the byte in front of the length of a streamed string's next piece */
	PHASE_LOST,
};

enum capture {
	CAPTURE_NONE,
	CAPTURE_WORD,  /* all of it is the word */
	CAPTURE_ERROR, /* its first word is, and all of it text */
};

/* More values than this would take longer to send than any connection lasts. */
#define OPEN_MAX (UINT64_C(1) << 48)

static bool is_line(uint8_t type)
{
	return type == '+' || type == '-' || type == ':' || type == '#' || type == '_' ||
	       type == ',' || type == '(' || type == '.';
}

static bool is_string(uint8_t type)
{
	return type == '$' || type == '!' || type == '=' || type == ';';
}

static bool is_aggregate(uint8_t type)
{
	return type == '*' || type == '%' || type == '~' || type == '>' || type == '|';
}

static int value_done(struct redis_replies *state)
{
	state->phase = PHASE_START;
	return state->open || state->streams ? -EAGAIN : 0;
}

static void take_slot(struct redis_replies *state)
{
	if (state->open)
		state->open--;
}

static int string_done(struct redis_replies *state)
{
	if (state->type == ';') {
		state->phase = PHASE_CHUNK;
		return -EAGAIN;
	}
	take_slot(state);
	return value_done(state);
}

/* Writes what is to be kept of a string or a line. */
static void keep(struct redis_replies *state, struct redis_text *text, struct slice piece)
{
	struct slice word = piece;
	ptrdiff_t blank;

	if (state->capture == CAPTURE_NONE)
		return;
	if (state->capture == CAPTURE_ERROR) {
		if (text)
			redis_text_put(text, piece, REDIS_MESSAGE_MAX);
		blank = slice_find(piece, ' ');
		word = slice_first(piece, blank < 0 ? piece.len : (size_t)blank);
		if (state->word_ended)
			return;
		state->word_ended = blank >= 0;
	}
	word = slice_first(word, sizeof(state->word) - state->word_len);
	memcpy(state->word + state->word_len, word.data, word.len);
	state->word_len += (uint8_t)word.len;
}

static void begin_reply(struct redis_replies *state, struct redis_text *text)
{
	state->open = 1;
	state->top = 0;
	state->first = 0;
	state->integer = 0;
	state->elements = 0;
	state->word_len = state->word_ended = 0;
	if (text)
		text->len = 0;
}

static uint8_t capture_of(const struct redis_replies *state, uint8_t type, bool whole)
{
	if (whole && (type == '-' || type == '!'))
		return CAPTURE_ERROR;
	return state->first && (type == '$' || type == '+') ? CAPTURE_WORD : CAPTURE_NONE;
}

/* Attributes are in front of a value, and none themselves. */
static int begin_value(struct redis_replies *state, uint8_t type)
{
	bool whole = !state->top && state->open == 1 && !state->streams && type != '|';

	if (whole)
		state->top = type;
	state->type = type;
	state->capture = capture_of(state, type, whole);
	state->first = whole && (type == '*' || type == '>');
	state->line = 0;
	state->number = (struct redis_number){ 0 };
	if (type == '>' && !whole)
		return -EPROTO;
	if (type == '.' && (!state->streams || state->open))
		return -EPROTO;
	if (is_line(type))
		state->phase = PHASE_LINE;
	else if (is_string(type) || is_aggregate(type))
		state->phase = PHASE_LENGTH;
	else
		return -EPROTO;
	return -EAGAIN;
}

static int step_start(struct redis_replies *state, struct redis_text *text, struct resp_cursor *in)
{
	uint8_t type = *in->at++;

	if (!state->open && !state->streams)
		begin_reply(state, text);
	return type == ';' ? -EPROTO : begin_value(state, type);
}

static int begin_stream(struct redis_replies *state)
{
	if (state->streams == REDIS_STREAMS_MAX)
		return -EPROTO;
	take_slot(state);
	state->outer[state->streams++] = state->open;
	state->open = 0;
	return value_done(state);
}

static int begin_aggregate(struct redis_replies *state)
{
	uint64_t values = state->number.value;

	if (state->number.form == '?')
		return state->type == '>' || state->type == '|' ? -EPROTO : begin_stream(state);
	if (state->first)
		state->elements = values > UINT32_MAX ? UINT32_MAX : (uint32_t)values;
	if (state->type == '%' || state->type == '|')
		values *= 2;
	if (state->type != '|')
		take_slot(state);
	state->open += values;
	return state->open > OPEN_MAX ? -EPROTO : value_done(state);
}

static int begin_string(struct redis_replies *state)
{
	uint64_t len = state->number.value;

	if (state->number.form == '?') {
		state->phase = PHASE_CHUNK;
		state->capture = CAPTURE_NONE;
		return state->type == '$' ? -EAGAIN : -EPROTO;
	}
	if (len > REDIS_BULK_MAX || (state->type == '=' && len < 4)) /* "txt:" */
		return -EPROTO;
	if (state->type == ';' && !len) {
		take_slot(state);
		return value_done(state);
	}
	state->left = (uint32_t)len;
	state->phase = PHASE_BYTES;
	return -EAGAIN;
}

/* Version 2 has two nulls: a string, and an array, of length -1. */
static int step_length(struct redis_replies *state, struct resp_cursor *in)
{
	int err = resp_read_length(&state->number, in);

	if (err)
		return err;
	if (state->number.form == '-') {
		if (state->number.value != 1 || (state->type != '$' && state->type != '*'))
			return -EPROTO;
		state->first = 0;
		take_slot(state);
		return value_done(state);
	}
	return is_string(state->type) ? begin_string(state) : begin_aggregate(state);
}

static int step_bytes(struct redis_replies *state, struct redis_text *text, struct resp_cursor *in)
{
	size_t there = (size_t)(in->end - in->at);
	size_t len = state->left < there ? state->left : there;

	keep(state, text, slice_of(in->at, len));
	in->at += len;
	state->left -= (uint32_t)len;
	if (state->left)
		return -EAGAIN;
	if (resp_pass_line_end(in))
		return string_done(state);
	state->phase = PHASE_CR;
	return -EAGAIN;
}

static int step_chunk(struct redis_replies *state, struct resp_cursor *in)
{
	if (*in->at++ != ';')
		return -EPROTO;
	state->type = ';';
	state->number = (struct redis_number){ 0 };
	state->phase = PHASE_LENGTH;
	return -EAGAIN;
}

/* A 64-bit integer: 19 digits cannot overflow the 64 bits it is read into. */
static bool integer_byte(struct redis_replies *state, uint8_t c)
{
	struct redis_number *number = &state->number;

	if ((c == '-' || c == '+') && state->line == 0) {
		number->form = c;
		return true;
	}
	if (!resp_is_digit(c) || number->digits == 19)
		return false;
	number->value = number->value * 10 + (c - '0');
	number->digits++;
	return true;
}

static bool line_byte(struct redis_replies *state, uint8_t c)
{
	switch (state->type) {
	case ':':
		return integer_byte(state, c);
	case '#':
		return state->line == 0 && (c == 't' || c == 'f');
	case ',': /* before 7.2 as libc writes it: "-nan", "nan(...)" */
		return resp_is_graph(c);
	case '(':
		state->number.digits = resp_is_digit(c);
		return state->number.digits || (state->line == 0 && (c == '-' || c == '+'));
	default:
		return false;
	}
}

/* Takes the bytes of a line as far as they go. */
static int line_bytes(struct redis_replies *state, struct redis_text *text, struct resp_cursor *in)
{
	const uint8_t *begin = in->at;

	if (state->type != '+' && state->type != '-') {
		for (; in->at < in->end && *in->at != '\r'; in->at++, state->line++)
			if (!line_byte(state, *in->at))
				return -EPROTO;
	} else {
		while (in->at < in->end && *in->at != '\r' && *in->at != '\n')
			in->at++;
		keep(state, text, slice_of(begin, (size_t)(in->at - begin)));
		if ((size_t)(in->at - begin) > REDIS_LINE_MAX)
			return -EPROTO;
		state->line += (uint32_t)(in->at - begin);
	}
	return state->line > REDIS_LINE_MAX ? -EPROTO : -EAGAIN;
}

static bool line_is_whole(struct redis_replies *state)
{
	const struct redis_number *number = &state->number;

	switch (state->type) {
	case ':':
		if (!number->digits || number->value > (uint64_t)INT64_MAX + (number->form == '-'))
			return false;
		state->integer = (int64_t)(number->form == '-' ? -number->value : number->value);
		return true;
	case '#':
	case ',':
		return state->line > 0;
	case '(':
		return state->number.digits;
	default:
		return true;
	}
}

static int line_done(struct redis_replies *state)
{
	if (!line_is_whole(state))
		return -EPROTO;
	if (state->type == '.')
		state->open = state->outer[--state->streams];
	else
		take_slot(state);
	return value_done(state);
}

static int step_line(struct redis_replies *state, struct redis_text *text, struct resp_cursor *in)
{
	int err = line_bytes(state, text, in);

	if (err == -EPROTO || in->at == in->end)
		return err;
	if (resp_pass_line_end(in))
		return line_done(state);
	state->phase = PHASE_LINE_LF;
	return *in->at++ == '\r' ? -EAGAIN : -EPROTO;
}

static int step_line_end(struct redis_replies *state, struct resp_cursor *in)
{
	uint8_t c = *in->at++;

	if (state->phase == PHASE_CR) {
		state->phase = PHASE_LF;
		return c == '\r' ? -EAGAIN : -EPROTO;
	}
	if (c != '\n')
		return -EPROTO;
	return state->phase == PHASE_LF ? string_done(state) : line_done(state);
}

static int step(struct redis_replies *state, struct redis_text *text, struct resp_cursor *in)
{
	switch (state->phase) {
	case PHASE_START:
		return step_start(state, text, in);
	case PHASE_LENGTH:
		return step_length(state, in);
	case PHASE_BYTES:
		return step_bytes(state, text, in);
	case PHASE_CR:
	case PHASE_LF:
	case PHASE_LINE_LF:
		return step_line_end(state, in);
	case PHASE_LINE:
		return step_line(state, text, in);
	case PHASE_CHUNK:
		return step_chunk(state, in);
	default:
		return -EPROTO;
	}
}

static bool is_subscription(struct slice word)
{
	static const struct slice words[] = {
		SLICE_LIT("subscribe"),   SLICE_LIT("psubscribe"),   SLICE_LIT("ssubscribe"),
		SLICE_LIT("unsubscribe"), SLICE_LIT("punsubscribe"), SLICE_LIT("sunsubscribe"),
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (slice_equal(word, words[i]))
			return true;
	return false;
}

static enum redis_reply_kind kind_of(const struct redis_replies *state)
{
	struct slice word = slice_of(state->word, state->word_len);

	if (state->top == '-' || state->top == '!')
		return REDIS_REPLY_ERROR;
	if (state->top != '*' && state->top != '>')
		return REDIS_REPLY_VALUE;
	if (state->elements == 3 && is_subscription(word))
		return REDIS_REPLY_SUBSCRIBED;
	if (state->top == '>')
		return REDIS_REPLY_PUSH;
	if (state->elements == 3 &&
	    (slice_equal(word, SLICE_LIT("message")) || slice_equal(word, SLICE_LIT("smessage"))))
		return REDIS_REPLY_MESSAGE;
	return state->elements == 4 && slice_equal(word, SLICE_LIT("pmessage"))
		       ? REDIS_REPLY_MESSAGE
		       : REDIS_REPLY_VALUE;
}

static void describe(struct redis_replies *state, struct redis_text *text, struct redis_reply *ret)
{
	*ret = (struct redis_reply){ .kind = kind_of(state), .type = state->top };
	if (ret->kind == REDIS_REPLY_SUBSCRIBED)
		ret->subscriptions = state->integer;
	if (ret->kind != REDIS_REPLY_ERROR)
		return;
	redis_make_plain(state->word, state->word_len);
	ret->status = slice_of(state->word, state->word_len);
	ret->message = redis_text_finish(text);
}

ptrdiff_t redis_read_reply(struct redis_replies *state, struct redis_text *text, struct slice in,
			   struct redis_reply *ret_reply)
{
	struct resp_cursor at = { .at = in.data, .end = in.data + in.len };
	int err = state->phase == PHASE_LOST ? -EPROTO : -EAGAIN;

	while (err == -EAGAIN && at.at < at.end)
		err = step(state, text, &at);
	if (err == -EPROTO)
		state->phase = PHASE_LOST;
	if (err)
		return err;
	describe(state, text, ret_reply);
	return at.at - in.data;
}

uint64_t redis_reply_left(const struct redis_replies *state)
{
	return state->phase == PHASE_BYTES ? state->left : 0;
}

int redis_skip_reply(struct redis_replies *state, uint64_t len)
{
	if (len == 0 && state->phase != PHASE_LOST)
		return 0;
	if (state->phase != PHASE_BYTES || len > state->left) {
		state->phase = PHASE_LOST;
		return -EPROTO;
	}
	state->left -= (uint32_t)len;
	if (state->capture == CAPTURE_WORD)
		state->word_len = 0;
	state->capture = CAPTURE_NONE;
	return 0;
}
