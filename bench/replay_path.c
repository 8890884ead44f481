// SPDX-License-Identifier: Apache-2.0
/*
 * The way of a capture, alone: file, frames, TCP, messages, connections, parser, spans. Nothing is
 * decorated, printed or counted in metrics.
 *
 *   replay_path FILE
 *
 * Prints "packets=N messages=N spans=N ns=N bytes=N": the CPU time of the loop, reading included.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/cpu.h"
#include "replay/replay.h"

static unsigned long long spans;

static void count_span(void *context, struct obi_span *span)
{
	spans += span->op.http.status == 200;
}

int main(int argc, char **argv)
{
	struct replay_options options = { .max_connections = 65536, .sink = { .put = count_span } };
	struct replay *replay = replay_new(&options);
	int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	struct capture *capture = fd >= 0 ? capture_open(fd) : NULL;
	struct replay_stats stats;
	unsigned long long start;
	struct stat file;
	int err;

	if (!replay || !capture || fstat(fd, &file)) {
		(void)fputs("usage: replay_path FILE\n", stderr);
		return 1;
	}
	start = cpu_ns();
	err = replay_capture(replay, capture);
	replay_flush(replay);
	start = cpu_ns() - start;
	replay_stats(replay, &stats);
	printf("packets=%llu messages=%llu spans=%llu ns=%llu bytes=%llu\n",
	       (unsigned long long)stats.packets, (unsigned long long)stats.messages, spans, start,
	       (unsigned long long)file.st_size);
	capture_close(capture);
	replay_free(replay);
	(void)close(fd);
	return err != 0;
}
