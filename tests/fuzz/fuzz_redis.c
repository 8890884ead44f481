// SPDX-License-Identifier: Apache-2.0
/*
 * Both directions of a Redis connection. What must hold: the pieces in which bytes come, and which
 * of a string were not seen, change nothing of how many messages there are and where each ends;
 * the former change nothing at all.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "protocol/redis/resp.h"

struct reader {
	struct redis_requests requests;
	struct redis_replies replies;
	struct redis_text text;
	uint64_t digest; /* of all that was found */
	uint64_t messages;
	uint64_t used; /* where the last one ended */
	uint64_t fed;
	ptrdiff_t err;
};

static void mix(struct reader *reader, const void *data, size_t len)
{
	reader->digest = hash_bytes(data, len, reader->digest);
}

static void mix_slice(struct reader *reader, struct slice s, size_t max)
{
	if (s.len > max)
		abort();
	mix(reader, s.data, s.len);
	mix(reader, &s.len, sizeof(s.len));
}

static ptrdiff_t read_request(struct reader *reader, struct slice in)
{
	struct redis_request request;
	ptrdiff_t used = redis_read_request(&reader->requests, &reader->text, in, &request);

	if (used < 0)
		return used;
	mix_slice(reader, request.name, REDIS_NAME_MAX);
	mix_slice(reader, request.text, REDIS_TEXT_MAX);
	mix(reader, &request.command, sizeof(request.command));
	mix(reader, &request.arguments, sizeof(request.arguments));
	mix(reader, &request.database, sizeof(request.database));
	if (redis_request_begun(&reader->requests) || request.database < -1)
		abort();
	return used;
}

static ptrdiff_t read_reply(struct reader *reader, struct slice in)
{
	struct redis_reply reply;
	ptrdiff_t used = redis_read_reply(&reader->replies, &reader->text, in, &reply);

	if (used < 0)
		return used;
	mix_slice(reader, reply.status, REDIS_WORD_MAX);
	mix_slice(reader, reply.message, REDIS_MESSAGE_MAX);
	mix(reader, &reply.kind, sizeof(reply.kind));
	mix(reader, &reply.type, sizeof(reply.type));
	mix(reader, &reply.subscriptions, sizeof(reply.subscriptions));
	if (redis_reply_begun(&reader->replies))
		abort();
	return used;
}

static void feed(struct reader *reader, bool replies, struct slice piece)
{
	/* A copy of its own, so that the sanitizer sees every read past the end. */
	uint8_t *copy = malloc(piece.len ? piece.len : 1);
	struct slice in = slice_of(copy, piece.len);
	ptrdiff_t used = -EAGAIN;

	if (!copy)
		abort();
	if (piece.len)
		memcpy(copy, piece.data, piece.len);
	while (in.len && reader->err != -EPROTO) {
		used = replies ? read_reply(reader, in) : read_request(reader, in);
		if (used == 0 || used > (ptrdiff_t)in.len)
			abort();
		reader->err = used < 0 ? used : 0;
		if (used < 0)
			break;
		in = slice_from(in, (size_t)used);
		reader->messages++;
		reader->used = reader->fed + piece.len - in.len;
	}
	reader->fed += piece.len;
	free(copy);
}

static void same(const struct reader *a, const struct reader *b)
{
	if (a->digest != b->digest || a->messages != b->messages || a->used != b->used ||
	    (a->err == -EPROTO) != (b->err == -EPROTO))
		abort();
}

static void check(struct slice in, bool replies, size_t cut, size_t len)
{
	struct reader whole = { 0 }, halves = { 0 }, bytes = { 0 }, hole = { 0 };
	int err;

	feed(&whole, replies, in);
	feed(&halves, replies, slice_first(in, cut));
	feed(&halves, replies, slice_from(in, cut));
	same(&whole, &halves);
	for (size_t i = 0; i < in.len; i++)
		feed(&bytes, replies, slice_of(in.data + i, 1));
	same(&whole, &bytes);

	feed(&hole, replies, slice_first(in, cut));
	if (hole.err == -EPROTO || cut + len > in.len)
		return;
	err = replies ? redis_skip_reply(&hole.replies, len)
		      : redis_skip_request(&hole.requests, len);
	if (err)
		return;
	hole.fed += len;
	feed(&hole, replies, slice_from(in, cut + len));
	if (hole.messages != whole.messages || hole.used != whole.used)
		abort();
}

static void check_guess(struct slice in)
{
	enum obi_role role;
	enum obi_guess guess = redis_guess(in, &role);

	/* What is turned down at once is turned down with more behind it, too. */
	for (size_t len = 0; len < in.len && len < 128; len++) {
		enum obi_role shorter;

		if (redis_guess(slice_first(in, len), &shorter) == OBI_GUESS_NO &&
		    guess != OBI_GUESS_NO)
			abort();
	}
}

/* The first two bytes say where to cut, and what is not seen. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	size_t cut, len;

	if (size < 2)
		return 0;
	in = slice_from(in, 2);
	cut = in.len ? data[0] * in.len / 256 : 0;
	len = data[1] & 31;
	check(in, false, cut, len);
	check(in, true, cut, len);
	check_guess(in);
	return 0;
}
