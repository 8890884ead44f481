// SPDX-License-Identifier: Apache-2.0
/* Requests: arrays of strings, and inline commands, as a server takes them (src/networking.c,
 * processMultibulkBuffer and processInlineBuffer). */
#include "protocol/redis/lines.h"

enum phase {
	PHASE_START,
	PHASE_COUNT,  /* of arguments */
	PHASE_STRING, /* the byte in front of its length */
	PHASE_LENGTH,
	PHASE_BYTES,
	PHASE_CR,
	PHASE_LF,
	PHASE_INLINE,
	PHASE_LOST,
};

/* Does an argument say what the command does? */
static bool looks_at_arguments(uint8_t command)
{
	return command == REDIS_SELECT ||
	       (command >= REDIS_CLIENT && command <= REDIS_CLIENT_REPLY_SKIP);
}

void redis_begin_argument(struct redis_requests *state, struct redis_text *text)
{
	state->word_len = 0;
	if (text)
		redis_text_begin_argument(text, state->index == 0,
					  state->hidden_from && state->index >= state->hidden_from);
}

static uint8_t append(char *to, size_t room, size_t len, struct slice piece)
{
	piece = slice_first(piece, room - len);
	memcpy(to + len, piece.data, piece.len);
	return (uint8_t)(len + piece.len);
}

void redis_take_argument(struct redis_requests *state, struct redis_text *text, struct slice piece)
{
	if (state->index == 0)
		state->name_len = append(state->name, sizeof(state->name), state->name_len, piece);
	else if (looks_at_arguments(state->command))
		state->word_len = append(state->word, sizeof(state->word), state->word_len, piece);
	if (text)
		redis_text_put_argument(text, piece);
}

static int32_t database_of(struct slice word)
{
	int32_t database = 0;

	if (word.len == 0 || word.len > 9)
		return -1;
	for (size_t i = 0; i < word.len; i++) {
		if (!resp_is_digit(word.data[i]))
			return -1;
		database = database * 10 + (word.data[i] - '0');
	}
	return database;
}

static uint8_t client_reply_of(struct slice word)
{
	if (slice_equal_nocase(word, SLICE_LIT("ON")))
		return REDIS_CLIENT_REPLY_ON;
	if (slice_equal_nocase(word, SLICE_LIT("OFF")))
		return REDIS_CLIENT_REPLY_OFF;
	if (slice_equal_nocase(word, SLICE_LIT("SKIP")))
		return REDIS_CLIENT_REPLY_SKIP;
	return REDIS_CLIENT;
}

/* With an argument too many the server does nothing of the kind. */
static void look_at_argument(struct redis_requests *state)
{
	struct slice word = slice_of(state->word, state->word_len);

	if (state->command == REDIS_SELECT)
		state->database = state->index == 1 ? database_of(word) : -1;
	else if (state->index == 1)
		state->client_reply = slice_equal_nocase(word, SLICE_LIT("REPLY"));
	else if (state->index == 2 && state->client_reply)
		state->command = client_reply_of(word);
	else
		state->command = REDIS_CLIENT;
}

static void look_at_name(struct redis_requests *state)
{
	struct slice name = slice_of(state->name, state->name_len);

	redis_make_plain(state->name, state->name_len);
	state->command = (uint8_t)redis_command_of(name);
	if (state->command != REDIS_OTHER)
		state->hidden_from = redis_hidden_from((enum redis_command)state->command);
}

void redis_end_argument(struct redis_requests *state, struct redis_text *text)
{
	if (text)
		redis_text_end_argument(text);
	if (state->index == 0)
		look_at_name(state);
	else if (looks_at_arguments(state->command))
		look_at_argument(state);
	state->index++;
}

static void begin(struct redis_requests *state)
{
	state->index = 0;
	state->line = 0;
	state->database = -1;
	state->command = REDIS_OTHER;
	state->client_reply = 0;
	state->hidden_from = 0;
	state->name_len = 0;
	state->quote = state->escaped = state->in_word = 0;
}

static void begin_length(struct redis_requests *state, enum phase phase)
{
	state->length = (struct redis_number){ 0 };
	state->phase = (uint8_t)phase;
}

static int step_start(struct redis_requests *state, struct resp_cursor *in)
{
	begin(state);
	if (*in->at == '*') {
		in->at++;
		begin_length(state, PHASE_COUNT);
	} else {
		state->phase = PHASE_INLINE;
	}
	return -EAGAIN;
}

/* An empty array is no command: the server passes it. */
static int step_count(struct redis_requests *state, struct resp_cursor *in)
{
	int err = resp_read_length(&state->length, in);

	if (err)
		return err;
	if (state->length.form || state->length.value > REDIS_ARGUMENTS_MAX)
		return -EPROTO;
	state->missing = (uint32_t)state->length.value;
	state->phase = state->missing ? PHASE_STRING : PHASE_START;
	return -EAGAIN;
}

static int step_string(struct redis_requests *state, struct resp_cursor *in)
{
	if (*in->at++ != '$')
		return -EPROTO;
	begin_length(state, PHASE_LENGTH);
	return -EAGAIN;
}

static int step_length(struct redis_requests *state, struct redis_text *text,
		       struct resp_cursor *in)
{
	int err = resp_read_length(&state->length, in);

	if (err)
		return err;
	if (state->length.form || state->length.value > REDIS_BULK_MAX)
		return -EPROTO;
	state->left = (uint32_t)state->length.value;
	state->phase = PHASE_BYTES;
	redis_begin_argument(state, text);
	return -EAGAIN;
}

/* Behind an argument's line end. */
static int end_string(struct redis_requests *state, struct redis_text *text)
{
	redis_end_argument(state, text);
	state->phase = --state->missing ? PHASE_STRING : PHASE_START;
	return state->missing ? -EAGAIN : 0;
}

static int step_bytes(struct redis_requests *state, struct redis_text *text, struct resp_cursor *in)
{
	size_t there = (size_t)(in->end - in->at);
	size_t len = state->left < there ? state->left : there;

	redis_take_argument(state, text, slice_of(in->at, len));
	in->at += len;
	state->left -= (uint32_t)len;
	if (state->left)
		return -EAGAIN;
	if (resp_pass_line_end(in))
		return end_string(state, text);
	state->phase = PHASE_CR;
	return -EAGAIN;
}

static int step_line_end(struct redis_requests *state, struct redis_text *text,
			 struct resp_cursor *in)
{
	uint8_t c = *in->at++;

	if (state->phase == PHASE_LF)
		return c == '\n' ? end_string(state, text) : -EPROTO;
	state->phase = PHASE_LF;
	return c == '\r' ? -EAGAIN : -EPROTO;
}

static int step_inline(struct redis_requests *state, struct redis_text *text,
		       struct resp_cursor *in)
{
	int err = redis_inline_byte(state, text, *in->at++);

	if (err != -EAGAIN)
		state->phase = PHASE_START;
	return err == -ENODATA ? -EAGAIN : err; /* an empty line: the next one begins */
}

static int step(struct redis_requests *state, struct redis_text *text, struct resp_cursor *in)
{
	switch (state->phase) {
	case PHASE_START:
		return step_start(state, in);
	case PHASE_COUNT:
		return step_count(state, in);
	case PHASE_STRING:
		return step_string(state, in);
	case PHASE_LENGTH:
		return step_length(state, text, in);
	case PHASE_BYTES:
		return step_bytes(state, text, in);
	case PHASE_CR:
	case PHASE_LF:
		return step_line_end(state, text, in);
	case PHASE_INLINE:
		return step_inline(state, text, in);
	default:
		return -EPROTO;
	}
}

static void describe(const struct redis_requests *state, struct redis_text *text,
		     struct redis_request *ret)
{
	ret->name = slice_of(state->name, state->name_len);
	ret->text = redis_text_finish(text);
	ret->command = (enum redis_command)state->command;
	ret->arguments = state->index - 1;
	ret->database = state->database;
}

ptrdiff_t redis_read_request(struct redis_requests *state, struct redis_text *text, struct slice in,
			     struct redis_request *ret_request)
{
	struct resp_cursor at = { .at = in.data, .end = in.data + in.len };
	int err = state->phase == PHASE_LOST ? -EPROTO : -EAGAIN;

	while (err == -EAGAIN && at.at < at.end)
		err = step(state, text, &at);
	if (err == -EPROTO)
		state->phase = PHASE_LOST;
	if (err)
		return err;
	describe(state, text, ret_request);
	return at.at - in.data;
}

uint64_t redis_request_left(const struct redis_requests *state)
{
	return state->phase == PHASE_BYTES ? state->left : 0;
}

int redis_skip_request(struct redis_requests *state, uint64_t len)
{
	if (len == 0 && state->phase != PHASE_LOST)
		return 0;
	/* A name with a hole is none. */
	if (state->phase != PHASE_BYTES || len > state->left || state->index == 0) {
		state->phase = PHASE_LOST;
		return -EPROTO;
	}
	state->left -= (uint32_t)len;
	state->word_len = sizeof(state->word);
	return 0;
}
