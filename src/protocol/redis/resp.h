/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers of the two directions of a Redis connection: the serialization protocol in its
 * versions 2 and 3 (RESP, redis.io/docs/latest/develop/reference/protocol-spec), and the inline
 * commands that a server takes as well.
 *
 * A reader is fed the bytes of its direction in any pieces and stops behind each whole message:
 *
 *	while (in.len && (used = redis_read_request(&requests, text, in, &request)) > 0) {
 *		... request ...
 *		in = slice_from(in, used);
 *	}
 *
 * The pieces change nothing of what is found. All calls are linear in the bytes they are given,
 * and none looks at, or copies, what lies in a long string. State that is all zero is at the
 * beginning of a message. After -EPROTO the place is lost: every later call says -EPROTO, until
 * the caller sets the state to zero where it knows a message to begin.
 */
#ifndef OBI_PROTOCOL_REDIS_RESP_H
#define OBI_PROTOCOL_REDIS_RESP_H

#include "protocol/protocol.h"

/* Of a request, as the server sets them (src/server.h, src/config.c): */
#define REDIS_ARGUMENTS_MAX (1024 * 1024)
#define REDIS_BULK_MAX (512u * 1024 * 1024) /* proto-max-bulk-len */
#define REDIS_LINE_MAX (64 * 1024)          /* PROTO_INLINE_MAX_SIZE; also of a reply's lines */

/* What is kept of text; the rest is cut off. */
#define REDIS_NAME_MAX 64
#define REDIS_WORD_MAX 32
#define REDIS_MESSAGE_MAX 128
#define REDIS_TEXT_MAX 256

/* How many streamed aggregates may lie within each other. Others may to any depth: they take no
 * room, since only the number of values that are still to come is kept. */
#define REDIS_STREAMS_MAX 4

/* Commands after which the connection, or what answers them, is not as usual. */
enum redis_command {
	REDIS_OTHER,
	REDIS_SELECT, /* redis_request.database */
	REDIS_MULTI,
	REDIS_EXEC,
	REDIS_DISCARD,
	REDIS_QUIT,
	REDIS_RESET, /* ends subscriptions, MONITOR and MULTI; selects database 0 */
	REDIS_HELLO, /* may change the version of the protocol */
	REDIS_AUTH,
	REDIS_MONITOR, /* after the answer a line for each command of anybody, unasked */
	/* One answer of kind REDIS_REPLY_SUBSCRIBED a channel; of those that end subscriptions and
	 * name no channel, one for each there is, at least one. */
	REDIS_SUBSCRIBE,
	REDIS_PSUBSCRIBE,
	REDIS_SSUBSCRIBE,
	REDIS_UNSUBSCRIBE,
	REDIS_PUNSUBSCRIBE,
	REDIS_SUNSUBSCRIBE,
	/* What follows is a stream of replication: the connection is no longer one of requests and
	 * replies. */
	REDIS_SYNC,
	REDIS_PSYNC,
	REDIS_CLIENT,            /* any but the following three */
	REDIS_CLIENT_REPLY_ON,   /* is answered, and so is all that follows */
	REDIS_CLIENT_REPLY_OFF,  /* is not answered, nor is anything until ON */
	REDIS_CLIENT_REPLY_SKIP, /* is not answered, nor is the command behind it */
	/* These matter only for what they may carry: a credential. */
	REDIS_CONFIG,
	REDIS_ACL,
	REDIS_MIGRATE,
	REDIS_MODULE,
	REDIS_SENTINEL,
};

/* By the name alone, in any case: never one of REDIS_CLIENT_REPLY_*. */
enum redis_command redis_command_of(struct slice name);

/* Text that is put together from pieces. The caller owns it, and gives the same one with each
 * call while a message is begun; between messages it holds nothing. */
struct redis_text {
	uint16_t len;
	uint16_t argument; /* where the one being written begins */
	bool hidden, quoted;
	char bytes[REDIS_TEXT_MAX];
};

/* A length, or an integer, that is being read. */
struct redis_number {
	uint64_t value;
	uint8_t digits;
	uint8_t form; /* '-', '?' or '+' in front; 0: none */
	uint8_t cr;
};

/* ---- Requests ---- */

/* What was read of a request so far. */
struct redis_requests {
	struct redis_number length;
	uint32_t left;    /* bytes of a string to come */
	uint32_t missing; /* arguments to come, with the one being read */
	uint32_t index;   /* of the argument being read */
	uint32_t line;    /* bytes of an inline command */
	int32_t database;
	uint8_t phase;
	uint8_t quote, escaped, in_word; /* of an inline command */
	uint8_t client_reply;            /* CLIENT REPLY was read */
	uint8_t command;                 /* enum redis_command */
	uint8_t hidden_from;             /* first argument not to be shown; 0: none */
	uint8_t name_len, word_len;
	char word[16]; /* an argument that says what the command does */
	char name[REDIS_NAME_MAX];
};

struct redis_request {
	/* As sent, in whatever case (db.operation.name: "without any case normalization"), without
	 * a subcommand; what is not printable is '?'. Points into the state: until the next call.
	 */
	struct slice name;
	/* With its arguments, as redis-cli takes it (db.query.text). What may be a credential is
	 * '?', and so is what is not printable. Empty where no text was given. Points into it. */
	struct slice text;
	enum redis_command command;
	uint32_t arguments; /* without the command */
	int32_t database;   /* of SELECT; -1: it names none */
};

/* Reads one request. text may be NULL.
 * Returns the bytes used, behind which the next one begins; -EAGAIN after all of in was taken and
 *   more is needed; -EPROTO if these are no requests. */
ptrdiff_t redis_read_request(struct redis_requests *state, struct redis_text *text, struct slice in,
			     struct redis_request *ret_request);

/* What is to come of the string under way, without the line's end behind it. Outside of one, or
 * behind its last byte, 0. */
uint64_t redis_request_left(const struct redis_requests *state);

/* Passes len bytes that nobody saw: 0 where they lie within a string, else -EPROTO. */
int redis_skip_request(struct redis_requests *state, uint64_t len);

/* Did a request begin that has not ended? */
static inline bool redis_request_begun(const struct redis_requests *state)
{
	return state->phase != 0;
}

/* ---- Replies ---- */

/* What was read of a reply so far. */
struct redis_replies {
	struct redis_number number;
	uint64_t open;                     /* values to come */
	uint64_t outer[REDIS_STREAMS_MAX]; /* the same around each streamed aggregate */
	int64_t integer;                   /* the last one */
	uint32_t left;                     /* bytes of a string to come */
	uint32_t line;                     /* bytes of a line */
	uint32_t elements;                 /* of the whole reply, where it is an aggregate */
	uint8_t phase;
	uint8_t type;    /* of the value being read */
	uint8_t top;     /* of the whole reply; 0: not seen yet */
	uint8_t streams; /* how many of outer are in use */
	uint8_t capture; /* where the value being read is to be written */
	uint8_t first;   /* the next value is an array's first */
	uint8_t word_len, word_ended;
	char word[REDIS_WORD_MAX]; /* an error's first word, or an array's first string */
};

enum redis_reply_kind {
	REDIS_REPLY_VALUE,
	REDIS_REPLY_ERROR,
	/* Out of band (RESP3 '>'): answers nothing. */
	REDIS_REPLY_PUSH,
	/* An array that is a published message where there are subscriptions (RESP2); else it is
	 * a value that looks like one. */
	REDIS_REPLY_MESSAGE,
	/* The same, of (P|S)SUBSCRIBE and (P|S)UNSUBSCRIBE, each for one channel, as an array or,
	 * with RESP3, a push. subscriptions are left, of this kind with S and of all without. */
	REDIS_REPLY_SUBSCRIBED,
};

struct redis_reply {
	enum redis_reply_kind kind;
	uint8_t type; /* its first byte; of attributes in front of it ('|') nothing is said */
	int64_t subscriptions;
	/* Of an error. The first word (db.response.status_code), whatever it is, and all of it,
	 * with that word; the message is empty where no text was given. Point into state and text.
	 */
	struct slice status;
	struct slice message;
};

/* Reads one reply, in the same way. text may be NULL. */
ptrdiff_t redis_read_reply(struct redis_replies *state, struct redis_text *text, struct slice in,
			   struct redis_reply *ret_reply);

uint64_t redis_reply_left(const struct redis_replies *state);
int redis_skip_reply(struct redis_replies *state, uint64_t len);

static inline bool redis_reply_begun(const struct redis_replies *state)
{
	return state->phase != 0 || state->open != 0 || state->streams != 0;
}

/* ---- What is Redis at all ---- */

/* Do these first bytes of a message begin something of Redis?
 * YES, REQUEST: an array with the name of a well-known command, or one of few inline commands;
 * YES, RESPONSE: what nobody else answers;
 * YES, UNKNOWN: an array as requests are, with another name. SUBSCRIBE, a command of a module, or
 *   a reply: who connected to whom tells.
 * MORE: too few bytes to tell, or what others send as well ("+OK", "PING"): what flows the other
 *   way tells. ret_role says which half it would be. */
enum obi_guess redis_guess(struct slice in, enum obi_role *ret_role);

#endif
