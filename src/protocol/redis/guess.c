// SPDX-License-Identifier: Apache-2.0
/*
 * Is this Redis? Its replies begin with a sign that other protocols know as well, and its inline
 * commands are words in a line, as those of half the internet: so only what is an array, or hardly
 * anybody else's, counts.
 */
#include "protocol/redis/lines.h"

/* Commands by which an array is known for a request. A list in a reply may begin with any word, but
 * hardly with one of these: not among them are those that the server itself begins a reply with,
 * names of settings (SAVE, SLAVEOF, REPLICAOF: CONFIG GET) and of subscriptions. */
static const char *const commands[] = {
	"ACL",       "APPEND",     "ASKING",     "AUTH",     "BGREWRITEAOF", "BGSAVE",
	"BITCOUNT",  "BITFIELD",   "BITPOS",     "BLMOVE",   "BLPOP",        "BRPOP",
	"BZPOPMAX",  "BZPOPMIN",   "CLIENT",     "CLUSTER",  "COMMAND",      "CONFIG",
	"DBSIZE",    "DEBUG",      "DECR",       "DECRBY",   "DEL",          "DISCARD",
	"ECHO",      "EVAL",       "EVALSHA",    "EXEC",     "EXISTS",       "EXPIRE",
	"EXPIREAT",  "FCALL",      "FLUSHALL",   "FLUSHDB",  "FUNCTION",     "GEOADD",
	"GEOSEARCH", "GET",        "GETBIT",     "GETDEL",   "GETEX",        "GETRANGE",
	"GETSET",    "HDEL",       "HELLO",      "HEXISTS",  "HGET",         "HGETALL",
	"HINCRBY",   "HKEYS",      "HLEN",       "HMGET",    "HMSET",        "HSCAN",
	"HSET",      "HSETNX",     "HVALS",      "INCR",     "INCRBY",       "INCRBYFLOAT",
	"INFO",      "KEYS",       "LATENCY",    "LINDEX",   "LINSERT",      "LLEN",
	"LMOVE",     "LPOP",       "LPOS",       "LPUSH",    "LRANGE",       "LREM",
	"LSET",      "LTRIM",      "MEMORY",     "MGET",     "MIGRATE",      "MODULE",
	"MONITOR",   "MOVE",       "MSET",       "MULTI",    "OBJECT",       "PERSIST",
	"PEXPIRE",   "PFADD",      "PFCOUNT",    "PFMERGE",  "PING",         "PSETEX",
	"PSYNC",     "PTTL",       "PUBLISH",    "PUBSUB",   "QUIT",         "RANDOMKEY",
	"READONLY",  "READWRITE",  "RENAME",     "REPLCONF", "RESET",        "RESTORE",
	"ROLE",      "RPOP",       "RPOPLPUSH",  "RPUSH",    "SADD",         "SCAN",
	"SCARD",     "SCRIPT",     "SDIFF",      "SELECT",   "SENTINEL",     "SET",
	"SETBIT",    "SETEX",      "SETNX",      "SETRANGE", "SINTER",       "SISMEMBER",
	"SLOWLOG",   "SMEMBERS",   "SMISMEMBER", "SORT",     "SPOP",         "SPUBLISH",
	"SREM",      "SSCAN",      "STRLEN",     "SUBSTR",   "SUNION",       "SYNC",
	"TIME",      "TOUCH",      "TTL",        "TYPE",     "UNLINK",       "UNWATCH",
	"WAIT",      "WATCH",      "XACK",       "XADD",     "XAUTOCLAIM",   "XCLAIM",
	"XDEL",      "XGROUP",     "XINFO",      "XLEN",     "XPENDING",     "XRANGE",
	"XREAD",     "XREADGROUP", "XREVRANGE",  "XTRIM",    "ZADD",         "ZCARD",
	"ZCOUNT",    "ZINCRBY",    "ZPOPMAX",    "ZPOPMIN",  "ZRANGE",       "ZRANGEBYSCORE",
	"ZRANK",     "ZREM",       "ZREVRANGE",  "ZREVRANK", "ZSCAN",        "ZSCORE",
};

/* COMMAND DOCS and COMMAND LIST are answered by an array of names of commands, hundreds of them. */
#define ARGUMENTS_LIKELY 200

static bool is_well_known(struct slice name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (((name.data[0] ^ (uint8_t)commands[i][0]) & 0xdf) == 0 &&
		    slice_equal_nocase(name, slice_cstr(commands[i])))
			return true;
	return false;
}

/* Letters, and what modules have in theirs: "FT.SEARCH", "JSON.ARRAPPEND", "_FT.CONFIG". */
static bool is_name_byte(uint8_t c)
{
	uint8_t letter = c | 0x20;

	return (letter >= 'a' && letter <= 'z') || resp_is_digit(c) || c == '.' || c == '_' ||
	       c == '-';
}

/* 0 behind a length with its line's end, -EAGAIN if it is not there whole, -EPROTO. */
static int pass_length(struct resp_cursor *at, uint64_t *ret_length)
{
	struct redis_number length = { 0 };
	int err = resp_read_length(&length, at);

	if (err == 0 && length.form)
		return -EPROTO;
	if (err == 0)
		*ret_length = length.value;
	return err;
}

/* The name with its line's end, where at stands behind its length. */
static int pass_name(struct resp_cursor *at, size_t len, struct slice *ret_name)
{
	struct slice rest = slice_of(at->at, (size_t)(at->end - at->at));
	struct slice name = slice_first(rest, len);

	for (size_t i = 0; i < name.len; i++)
		if (!is_name_byte(name.data[i]))
			return -EPROTO;
	if (rest.len > len && rest.data[len] != '\r')
		return -EPROTO;
	if (rest.len > len + 1 && rest.data[len + 1] != '\n')
		return -EPROTO;
	*ret_name = name;
	return rest.len < len + 2 ? -EAGAIN : 0;
}

/* An array that begins with a name; any other (-ENOENT) is at most a reply. */
static int read_array(struct slice in, uint64_t *ret_count, struct slice *ret_name)
{
	struct resp_cursor at = { .at = in.data + 1, .end = in.data + in.len };
	uint64_t count = 0, len = 0;
	int err = pass_length(&at, &count);

	if (err)
		return err;
	*ret_count = count;
	if (count == 0 || count > REDIS_ARGUMENTS_MAX)
		return -ENOENT;
	if (at.at == at.end)
		return -EAGAIN;
	if (*at.at++ != '$')
		return -ENOENT;
	err = pass_length(&at, &len);
	if (err)
		return err;
	if (len < 2 || len > REDIS_NAME_MAX)
		return -ENOENT;
	err = pass_name(&at, len, ret_name);
	return err == -EPROTO ? -ENOENT : err;
}

/* Lines with a sign in front are many things: a status is printable, and an error's first word in
 * capitals. */
static bool is_plausible_line(struct slice line)
{
	for (size_t i = 1; i < line.len && line.data[i] != '\r'; i++) {
		uint8_t c = line.data[i];

		if (c < ' ' || c >= 0x7f)
			return false;
		if (line.data[0] == '-' && c == ' ')
			return i > 1;
		if (line.data[0] == '-' && !(c >= 'A' && c <= 'Z') && c != '_')
			return false;
	}
	return true;
}

/* Do these bytes begin a reply, or more than one? */
static enum obi_guess guess_reply(struct slice in, enum obi_role *ret_role)
{
	struct redis_replies state = { 0 };
	struct redis_reply reply;

	in = slice_first(in, 64);
	if ((in.data[0] == '+' || in.data[0] == '-') && !is_plausible_line(in))
		return OBI_GUESS_NO;
	if (redis_read_reply(&state, NULL, in, &reply) == -EPROTO)
		return OBI_GUESS_NO;
	*ret_role = OBI_ROLE_RESPONSE;
	/* NATS answers PING by a word without a sign. */
	return slice_has_prefix(in, SLICE_LIT("+PONG\r\n")) ? OBI_GUESS_YES : OBI_GUESS_MORE;
}

static enum obi_guess guess_array(struct slice in, enum obi_role *ret_role)
{
	struct slice name;
	uint64_t count = 0;
	int err = read_array(in, &count, &name);

	if (err == -ENOENT || err == -EPROTO)
		return guess_reply(in, ret_role);
	if (err == -EAGAIN) {
		*ret_role = OBI_ROLE_UNKNOWN;
		return OBI_GUESS_MORE;
	}
	*ret_role = count <= ARGUMENTS_LIKELY && is_well_known(name) ? OBI_ROLE_REQUEST
								     : OBI_ROLE_UNKNOWN;
	return OBI_GUESS_YES;
}

/* Inline commands that people and health checks type, and no other protocol has. Not among them:
 * GET, SET and others of Memcached, QUIT and AUTH of mail, LIST, SYNC. */
static const struct {
	struct slice word;
	bool shared; /* with NATS */
} inline_words[] = {
	{ SLICE_LIT("PING"), true },     { SLICE_LIT("INFO"), false },
	{ SLICE_LIT("DBSIZE"), false },  { SLICE_LIT("MONITOR"), false },
	{ SLICE_LIT("CONFIG"), false },  { SLICE_LIT("CLUSTER"), false },
	{ SLICE_LIT("SLOWLOG"), false }, { SLICE_LIT("FLUSHALL"), false },
	{ SLICE_LIT("FLUSHDB"), false }, { SLICE_LIT("EXISTS"), false },
	{ SLICE_LIT("LRANGE"), false },  { SLICE_LIT("HGETALL"), false },
	{ SLICE_LIT("PSYNC"), false },
};

/* Where a word ends that stands alone in its line, or has arguments that are no JSON (NATS: INFO).
 * -EAGAIN where more must be seen. */
static int end_of_word(struct slice rest)
{
	if (rest.len == 0)
		return -EAGAIN;
	if (rest.data[0] == '\n')
		return 0;
	if (rest.len == 1)
		return rest.data[0] == '\r' || rest.data[0] == ' ' ? -EAGAIN : -EPROTO;
	if (rest.data[0] == '\r')
		return rest.data[1] == '\n' ? 0 : -EPROTO;
	return rest.data[0] == ' ' && rest.data[1] != '{' && resp_is_graph(rest.data[1]) ? 0
											 : -EPROTO;
}

static enum obi_guess guess_word(struct slice in, size_t i, enum obi_role *ret_role)
{
	struct slice word = inline_words[i].word;
	int err;

	if (!slice_equal_nocase(slice_first(in, word.len), slice_first(word, in.len)))
		return OBI_GUESS_NO;
	err = in.len < word.len ? -EAGAIN : end_of_word(slice_from(in, word.len));
	if (err == -EPROTO)
		return OBI_GUESS_NO;
	*ret_role = OBI_ROLE_REQUEST;
	return err || inline_words[i].shared ? OBI_GUESS_MORE : OBI_GUESS_YES;
}

static enum obi_guess guess_inline(struct slice in, enum obi_role *ret_role)
{
	for (size_t i = 0; i < sizeof(inline_words) / sizeof(inline_words[0]); i++) {
		enum obi_guess guess;

		if (((in.data[0] ^ inline_words[i].word.data[0]) & 0xdf) != 0)
			continue;
		guess = guess_word(in, i, ret_role);
		if (guess != OBI_GUESS_NO)
			return guess;
	}
	return OBI_GUESS_NO;
}

enum obi_guess redis_guess(struct slice in, enum obi_role *ret_role)
{
	if (in.len == 0)
		return OBI_GUESS_MORE;
	switch (in.data[0]) {
	case '*':
		return guess_array(in, ret_role);
	case '+':
	case '-':
	case ':':
	case '$':
	case '_':
	case '#':
	case ',':
	case '(':
	case '!':
	case '=':
	case '%':
	case '~':
	case '>':
	case '|':
		return guess_reply(in, ret_role);
	default:
		return guess_inline(in, ret_role);
	}
}
