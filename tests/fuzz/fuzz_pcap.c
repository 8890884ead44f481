// SPDX-License-Identifier: Apache-2.0
/*
 * The whole way of a capture: file, frames, TCP, messages, connections, spans. What must hold:
 * seen = spans + pending + dropped by reason, before and after the end, and times in order.
 */
#include <stdlib.h>

#include "replay/replay.h"

static void on_span(void *context, struct obi_span *span)
{
	if (span->end_ns < span->start_ns || !span->service || span->method.len == 0 ||
	    span->request_length < -1 || span->response_length < -1)
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t spans = 0;
	struct replay_options options = {
		.max_connections = 16,
		.sink = { .put = on_span, .context = &spans },
	};
	struct capture *capture = capture_open_bytes(slice_of(data, size));
	struct replay *replay = replay_new(&options);

	if (capture && replay) {
		(void)replay_capture(replay, capture);
		check(replay, spans);
		replay_flush(replay);
		check(replay, spans);
	}
	replay_free(replay);
	capture_close(capture);
	return 0;
}
