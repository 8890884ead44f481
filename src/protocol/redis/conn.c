// SPDX-License-Identifier: Apache-2.0
/*
 * Redis as conn sees it: requests and replies in the order in which they come, the n-th reply to
 * the n-th request, but for what is pushed and for commands that are not answered.
 *
 * Where bytes of requests or replies were missed, it is not known how many. What is open may still
 * be answered; what comes is paired again only after the two sides took turns so often that nothing
 * can be under way any more (RESYNC_TURNS). A client that keeps several requests under way breaks
 * the turns, and is counted until it pauses.
 */
#include <errno.h>
#include <string.h>

#include "conn/protocol.h"
#include "protocol/redis/resp.h"

/* Requests open on one connection: redis-benchmark -P 1000. */
#define PIPELINE 1024
/* Turns of one chunk of requests and as many replies. */
#define RESYNC_TURNS 16
/* Chunks of bytes that are no Redis, one after the other, after which it is none. */
#define BAD_CHUNKS 8

/* exchange.mark: what the reply will change. */
enum mark {
	MARK_NONE,
	MARK_SELECT, /* passed[0] is the database */
	MARK_RESET,
	MARK_CHANNELS, /* passed[0] replies are to come */
	MARK_MONITOR,
};

struct redis_conn {
	struct redis_requests requests;
	struct redis_replies replies;
	struct redis_text text; /* of the request under way */
	struct redis_text message;
	struct origin origin;  /* where the request under way began */
	uint32_t unkept;       /* requests without an exchange, behind all that have one */
	uint32_t turn[2];      /* requests and replies of the current turn */
	int32_t database;      /* -1: not known */
	int64_t subscriptions; /* of this connection */
	uint8_t turns;         /* clean ones, while it is hidden */
	uint8_t bad;           /* chunks */
	uint8_t last;          /* direction of the last chunk */
	bool hidden;           /* requests or replies passed unseen */
	bool monitor;          /* lines come unasked */
	bool silent;           /* CLIENT REPLY OFF */
	bool skips;            /* CLIENT REPLY SKIP: the next command is not answered */
};

const struct obi_system obi_system_redis = {
	.family = OBI_FAMILY_DB,
	.name = "redis",
	.instrumentation = "redis",
	.fallback = "REDIS",
};

static struct redis_conn *redis_of(const struct conn *c)
{
	return c->state;
}

static void begin(struct obi_conns *conns, struct conn *c, bool fresh)
{
	struct redis_conn *redis = redis_of(c);

	redis->hidden = !fresh || c->side == OBI_SIDE_UNKNOWN;
	redis->database = redis->hidden ? -1 : 0;
	/* An array with a name that is not known: who connects asks. */
	if (c->requests == DIRECTION_UNKNOWN)
		c->requests = c->side == OBI_SIDE_CONNECTED ? OBI_SEND : OBI_RECV;
}

/* ---- What is lost -------------------------------------------------------------------------- */

static void lose(struct obi_conns *conns, struct conn *c, uint8_t direction)
{
	struct redis_conn *redis = redis_of(c);

	if (conn_is_request_stream(c, direction)) {
		redis->requests = (struct redis_requests){ 0 };
		redis->text.len = 0;
	} else {
		redis->replies = (struct redis_replies){ 0 };
		redis->message.len = 0;
		/* Which of them were answered in what was not seen? */
		exchange_drop_waiting(conns, c, OBI_DROP_LOST_RECORD);
		redis->unkept = 0;
	}
	redis->hidden = true;
	redis->database = -1; /* another may have been selected */
	redis->turns = 0;
	redis->turn[0] = redis->turn[1] = 0;
}

static void on_bad(struct obi_conns *conns, struct conn *c, uint8_t direction)
{
	struct redis_conn *redis = redis_of(c);

	if (conn_is_request_stream(c, direction))
		exchange_count_drop(conns, OBI_DROP_UNPARSED);
	lose(conns, c, direction);
	if (++redis->bad >= BAD_CHUNKS)
		conn_mute(conns, c);
}

static void feed(struct obi_conns *conns, struct conn *c, uint8_t direction, struct chunk *chunk);

/* The rest of a string was not seen, and what stands behind it, which is known. */
static bool pass_string(struct obi_conns *conns, struct conn *c, uint8_t direction, uint64_t len,
			uint64_t time_ns)
{
	static const struct obi_record none;
	struct redis_conn *redis = redis_of(c);
	bool requests = conn_is_request_stream(c, direction);
	uint64_t left =
		requests ? redis_request_left(&redis->requests) : redis_reply_left(&redis->replies);
	struct chunk chunk = { .record = &none, .time_ns = time_ns };

	if (left > len)
		left = len;
	if (len - left > 2 || (requests ? redis_skip_request(&redis->requests, left)
					: redis_skip_reply(&redis->replies, left)))
		return false;
	chunk.bytes = slice_first(SLICE_LIT("\r\n"), len - left);
	if (chunk.bytes.len)
		feed(conns, c, direction, &chunk);
	return true;
}

static void unseen(struct obi_conns *conns, struct conn *c, uint8_t direction, uint64_t len,
		   uint64_t time_ns)
{
	if (pass_string(conns, c, direction, len, time_ns))
		return;
	exchange_count_unread(conns, len);
	lose(conns, c, direction);
}

/* The direction turns: a turn is clean where each request of it was answered. */
static void turn(struct conn *c, uint8_t direction)
{
	struct redis_conn *redis = redis_of(c);

	if (redis->last == direction)
		return;
	redis->last = direction;
	if (!redis->hidden || !conn_is_request_stream(c, direction))
		return;
	if (redis->turn[0] && redis->turn[0] == redis->turn[1] &&
	    !redis_reply_begun(&redis->replies))
		redis->turns++;
	else
		redis->turns = 0;
	redis->turn[0] = redis->turn[1] = 0;
	if (redis->turns >= RESYNC_TURNS && !c->first)
		redis->hidden = false;
}

/* ---- Requests ------------------------------------------------------------------------------ */

static struct slice decimal(uint32_t number, char text[10])
{
	size_t at = 10;

	do {
		text[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	return slice_of(text + at, 10 - at);
}

static enum mark mark_of(const struct redis_request *request)
{
	switch (request->command) {
	case REDIS_SELECT:
		return MARK_SELECT;
	case REDIS_RESET:
		return MARK_RESET;
	case REDIS_MONITOR:
		return MARK_MONITOR;
	case REDIS_SUBSCRIBE:
	case REDIS_PSUBSCRIBE:
	case REDIS_SSUBSCRIBE:
	case REDIS_UNSUBSCRIBE:
	case REDIS_PUNSUBSCRIBE:
	case REDIS_SUNSUBSCRIBE:
		return MARK_CHANNELS;
	default:
		return MARK_NONE;
	}
}

static void keep_request(struct redis_conn *redis, struct exchange *x,
			 const struct redis_request *request)
{
	char number[10];

	x->op.db = (struct obi_db){ .operation = exchange_keep(x, request->name) };
	if (redis->database >= 0)
		x->op.db.name_space = exchange_keep(x, decimal((uint32_t)redis->database, number));
	x->op.db.query = exchange_keep(x, request->text);
	x->mark = (uint8_t)mark_of(request);
	if (x->mark == MARK_SELECT)
		x->passed[0] = (uint64_t)(int64_t)request->database;
	else if (x->mark == MARK_CHANNELS)
		x->passed[0] = request->arguments ? request->arguments : 1;
}

/* Is the request one that no reply comes for? */
static bool is_unanswered(struct redis_conn *redis, const struct redis_request *request)
{
	bool skipped = redis->skips;

	redis->skips = request->command == REDIS_CLIENT_REPLY_SKIP;
	if (request->command == REDIS_CLIENT_REPLY_ON)
		redis->silent = false;
	else if (request->command == REDIS_CLIENT_REPLY_OFF)
		redis->silent = true;
	return redis->silent || redis->skips || skipped;
}

static void on_request(struct obi_conns *conns, struct conn *c, const struct redis_request *request,
		       uint64_t time_ns)
{
	struct redis_conn *redis = redis_of(c);
	bool unanswered = is_unanswered(redis, request);
	struct exchange *x = NULL;

	redis->turn[0] += !unanswered;
	if (redis->hidden) {
		exchange_count_drop(conns, OBI_DROP_LOST_RECORD);
		return;
	}
	if (!redis->unkept)
		x = exchange_open(conns, c, request->name.len + request->text.len + 200);
	if (!x) {
		exchange_count_drop(conns, OBI_DROP_EVICTED);
		redis->unkept += !unanswered;
		return;
	}
	keep_request(redis, x, request);
	exchange_identify(conns, x, &redis->origin, NULL);
	if (request->command == REDIS_SYNC || request->command == REDIS_PSYNC) {
		exchange_finish(conns, x, time_ns, 0);
		conn_mute(conns, c);
	} else if (unanswered) {
		exchange_finish(conns, x, time_ns, 0);
	}
}

static void feed_requests(struct obi_conns *conns, struct conn *c, struct chunk *chunk)
{
	struct redis_conn *redis = redis_of(c);
	struct slice rest = chunk->bytes;
	struct redis_request request;

	while (rest.len && !c->muted) {
		ptrdiff_t used;

		if (!redis_request_begun(&redis->requests)) {
			redis->origin = origin_of_chunk(chunk);
			redis->origin.flags &= (uint8_t)~OBI_RECORD_TRACED;
		}
		used = redis_read_request(&redis->requests,
					  conn_wants_query(conns) ? &redis->text : NULL, rest,
					  &request);
		if (used == -EPROTO) {
			on_bad(conns, c, c->requests);
			return;
		}
		if (used < 0)
			return;
		redis->bad = 0;
		on_request(conns, c, &request, chunk->time_ns);
		rest = slice_from(rest, (size_t)used);
	}
}

/* ---- Replies ------------------------------------------------------------------------------- */

static void take_mark(struct redis_conn *redis, const struct exchange *x,
		      const struct redis_reply *reply)
{
	if (reply->kind == REDIS_REPLY_ERROR)
		return;
	if (x->mark == MARK_SELECT)
		redis->database = (int32_t)(int64_t)x->passed[0];
	else if (x->mark == MARK_RESET)
		redis->database = 0, redis->subscriptions = 0, redis->monitor = false;
	else if (x->mark == MARK_MONITOR)
		redis->monitor = true;
}

static void answer(struct obi_conns *conns, struct conn *c, struct exchange *x,
		   const struct redis_reply *reply, const struct chunk *chunk)
{
	if (reply->kind == REDIS_REPLY_ERROR) {
		x->op.db.status = exchange_keep(x, reply->status);
		x->op.db.message = exchange_keep(x, reply->message);
	}
	take_mark(redis_of(c), x, reply);
	exchange_answer(conns, x, chunk->record->tid);
	exchange_finish(conns, x, chunk->time_ns, 0);
}

/* One channel more, or less; the first request waits for all of its own. */
static void on_subscribed(struct obi_conns *conns, struct conn *c, const struct redis_reply *reply,
			  const struct chunk *chunk)
{
	struct exchange *x = c->first;

	redis_of(c)->subscriptions = reply->subscriptions;
	if (x && x->mark == MARK_CHANNELS && --x->passed[0] == 0)
		answer(conns, c, x, reply, chunk);
}

static void on_reply(struct obi_conns *conns, struct conn *c, const struct redis_reply *reply,
		     const struct chunk *chunk)
{
	struct redis_conn *redis = redis_of(c);

	if (reply->kind == REDIS_REPLY_PUSH ||
	    (reply->kind == REDIS_REPLY_MESSAGE && redis->subscriptions > 0))
		return;
	redis->turn[1]++;
	if (reply->kind == REDIS_REPLY_SUBSCRIBED && (!c->first || c->first->mark == MARK_CHANNELS))
		on_subscribed(conns, c, reply, chunk);
	else if (c->first)
		answer(conns, c, c->first, reply, chunk);
	else if (redis->unkept)
		redis->unkept--;
	else if (!redis->hidden && !redis->monitor)
		exchange_count_drop(conns, OBI_DROP_NO_REQUEST);
}

static void feed_replies(struct obi_conns *conns, struct conn *c, struct chunk *chunk)
{
	struct redis_conn *redis = redis_of(c);
	struct slice rest = chunk->bytes;
	struct redis_reply reply;

	while (rest.len) {
		ptrdiff_t used = redis_read_reply(&redis->replies, &redis->message, rest, &reply);

		if (used == -EPROTO) {
			on_bad(conns, c, conn_response_direction(c));
			return;
		}
		if (used < 0)
			return;
		redis->bad = 0;
		on_reply(conns, c, &reply, chunk);
		rest = slice_from(rest, (size_t)used);
	}
}

static void feed(struct obi_conns *conns, struct conn *c, uint8_t direction, struct chunk *chunk)
{
	turn(c, direction);
	if (conn_is_request_stream(c, direction))
		feed_requests(conns, c, chunk);
	else
		feed_replies(conns, c, chunk);
}

/* ---- Ends ---------------------------------------------------------------------------------- */

static void end(struct obi_conns *conns, struct conn *c, enum conn_end how)
{
	struct redis_conn *redis = redis_of(c);

	if (redis_request_begun(&redis->requests) && how != CONN_EVICTED)
		exchange_count_drop(conns, OBI_DROP_UNPARSED);
	if (how == CONN_LOST) {
		lose(conns, c, c->requests);
		lose(conns, c, conn_response_direction(c));
	}
}

/* The connection ended before the reply did. */
static void settle(struct exchange *x, unsigned flags)
{
	if (flags & OBI_SPAN_INCOMPLETE && !x->answered)
		x->op.db.status = SLICE_LIT("disconnected");
}

/* In the middle of a connection only a request says that it is one. */
static bool resume(struct slice head, enum obi_role *ret_role)
{
	return redis_guess(head, ret_role) == OBI_GUESS_YES && *ret_role == OBI_ROLE_REQUEST;
}

const struct obi_protocol protocol_redis = {
	.name = "redis",
	.help = "Redis, RESP2 and RESP3 and inline commands: command, database, error",
	.system = &obi_system_redis,
	.state_size = sizeof(struct redis_conn),
	.pipeline = PIPELINE,
	.order = { .mode = OBI_ORDER_STREAM, .bytes = OBI_ORDER_BYTES_MAX },
	.guess = redis_guess,
	.resume = resume,
	.begin = begin,
	.feed = feed,
	.unseen = unseen,
	.end = end,
	.settle = settle,
};
