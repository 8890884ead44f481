// SPDX-License-Identifier: Apache-2.0
/*
 * The whole way of a capture: file, frames, TCP, messages, connections, spans. What must hold:
 * seen = spans + pending + dropped by reason, before and after the end, and times in order; and
 * what is gzipped gives the same.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "replay/replay.h"

static void on_span(void *context, struct obi_span *span)
{
	if (span->end_ns < span->start_ns || !span->service || span->op.http.method.len == 0 ||
	    span->op.http.request_length < -1 || span->op.http.response_length < -1)
		abort();
	++*(uint64_t *)context;
}

static void check(struct replay *replay, uint64_t spans)
{
	struct replay_stats stats;
	uint64_t sum;

	replay_stats(replay, &stats);
	sum = stats.conns.spans + stats.conns.pending;
	for (int i = 0; i < OBI_DROP_REASONS; i++)
		sum += stats.conns.dropped[i];
	if (stats.conns.requests != sum || stats.conns.spans != spans)
		abort();
}

static void run(struct slice file, struct replay_stats *ret_stats)
{
	uint64_t spans = 0;
	struct replay_options options = {
		.max_connections = 16,
		.sink = { .put = on_span, .context = &spans },
	};
	struct capture *capture = capture_open_bytes(file);
	struct replay *replay = replay_new(&options);

	if (capture && replay) {
		(void)replay_capture(replay, capture);
		check(replay, spans);
		replay_flush(replay);
		check(replay, spans);
		replay_stats(replay, ret_stats);
	}
	replay_free(replay);
	capture_close(capture);
}

/* In two members, stored rather than compressed, which takes no time. */
static struct slice gzipped(struct slice file, uint8_t *to, size_t room)
{
	struct slice halves[2] = { slice_first(file, file.len / 2),
				   slice_from(file, file.len / 2) };
	size_t len = 0;

	for (int i = 0; i < 2; i++) {
		z_stream stream = { .next_in = (Bytef *)halves[i].data,
				    .avail_in = (uInt)halves[i].len,
				    .next_out = to + len,
				    .avail_out = (uInt)(room - len) };

		if (deflateInit2(&stream, 0, Z_DEFLATED, 15 + 16, 1, Z_DEFAULT_STRATEGY) != Z_OK ||
		    deflate(&stream, Z_FINISH) != Z_STREAM_END)
			abort();
		len += stream.total_out;
		(void)deflateEnd(&stream);
	}
	return slice_of(to, len);
}

static bool is_gzip(struct slice file)
{
	return slice_has_prefix(file, SLICE_LIT("\x1f\x8b"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t room[256 * 1024];
	struct replay_stats plain = { 0 }, inflated = { 0 };
	struct slice file = slice_of(data, size);

	run(file, &plain);
	/* A gzip file within one is not read. */
	if (size > sizeof(room) / 2 || is_gzip(file))
		return 0;
	run(gzipped(file, room, sizeof(room)), &inflated);
	if (memcmp(&plain, &inflated, sizeof(plain)) != 0)
		abort();
	return 0;
}
