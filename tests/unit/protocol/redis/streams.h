/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of requests and of replies, fed at every split, as lines of text: one a message. */
#ifndef OBI_TESTS_PROTOCOL_REDIS_STREAMS_H
#define OBI_TESTS_PROTOCOL_REDIS_STREAMS_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "guard.h"
#include "protocol/redis/resp.h"

#define LINES_MAX 8192

struct stream {
	struct redis_requests requests;
	struct redis_replies replies;
	struct redis_text text;
	struct redis_text *use_text;
	char lines[LINES_MAX];
	size_t len;
};

/* Returns the bytes used, or the error after a line that tells of it. */
typedef ptrdiff_t (*stream_read)(struct stream *stream, struct slice in);

static inline void stream_line(struct stream *stream, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static inline void stream_line(struct stream *stream, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	stream->len += (size_t)vsnprintf(stream->lines + stream->len, LINES_MAX - stream->len,
					 format, args);
	va_end(args);
	assert_true(stream->len < LINES_MAX);
}

static inline ptrdiff_t read_request(struct stream *stream, struct slice in)
{
	struct redis_request request;
	ptrdiff_t used = redis_read_request(&stream->requests, stream->use_text, in, &request);

	if (used < 0)
		return used;
	stream_line(stream, SLICE_FMT "/%u", SLICE_ARG(request.name), request.arguments);
	if (request.command)
		stream_line(stream, " command %d", request.command);
	if (request.database >= 0)
		stream_line(stream, " database %d", request.database);
	if (stream->use_text)
		stream_line(stream, " [" SLICE_FMT "]", SLICE_ARG(request.text));
	stream_line(stream, "\n");
	return used;
}

static inline ptrdiff_t read_reply(struct stream *stream, struct slice in)
{
	static const char *const kinds[] = { "value", "error", "push", "message", "subscribed" };
	struct redis_reply reply;
	ptrdiff_t used = redis_read_reply(&stream->replies, stream->use_text, in, &reply);

	if (used < 0)
		return used;
	stream_line(stream, "%s %c", kinds[reply.kind], reply.type);
	if (reply.kind == REDIS_REPLY_SUBSCRIBED)
		stream_line(stream, " %lld", (long long)reply.subscriptions);
	if (reply.kind == REDIS_REPLY_ERROR)
		stream_line(stream, " " SLICE_FMT " [" SLICE_FMT "]", SLICE_ARG(reply.status),
			    SLICE_ARG(reply.message));
	stream_line(stream, "\n");
	return used;
}

static inline ptrdiff_t stream_feed(struct stream *stream, stream_read read, struct slice in)
{
	ptrdiff_t used = -EAGAIN;

	in = guarded(in);
	while (in.len && (used = read(stream, in)) > 0)
		in = slice_from(in, (size_t)used);
	if (used == -EPROTO)
		stream_line(stream, "lost\n");
	return used;
}

static inline void stream_check(struct stream *stream, const char *want, size_t cut)
{
	if (strcmp(stream->lines, want) != 0)
		fail_msg("cut at %zu: got\n%swant\n%s", cut, stream->lines, want);
}

/* Whole, in two pieces at each place, and byte by byte: the same lines. A line "lost" ends them. */
static inline void stream_is(stream_read read, bool with_text, struct slice bytes, const char *want)
{
	struct stream stream;

	for (size_t cut = 0; cut <= bytes.len; cut++) {
		memset(&stream, 0, sizeof(stream));
		stream.use_text = with_text ? &stream.text : NULL;
		if (stream_feed(&stream, read, slice_first(bytes, cut)) != -EPROTO)
			(void)stream_feed(&stream, read, slice_from(bytes, cut));
		stream_check(&stream, want, cut);
	}
	memset(&stream, 0, sizeof(stream));
	stream.use_text = with_text ? &stream.text : NULL;
	for (size_t i = 0; i < bytes.len; i++)
		if (stream_feed(&stream, read, slice_of(bytes.data + i, 1)) == -EPROTO)
			break;
	stream_check(&stream, want, bytes.len + 1);
}

#define REQUESTS(bytes, want) stream_is(read_request, false, SLICE_LIT(bytes), want)
#define TEXTS(bytes, want) stream_is(read_request, true, SLICE_LIT(bytes), want)
#define REPLIES(bytes, want) stream_is(read_reply, true, SLICE_LIT(bytes), want)

#endif
