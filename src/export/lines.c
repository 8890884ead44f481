// SPDX-License-Identifier: Apache-2.0
#include "export/lines.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define FLUSH_AT 65536
#define FULL_AT (4u << 20)
#define PATIENCE_MS 20        /* for a reader that is slow */
#define LAST_PATIENCE_MS 1000 /* the same at the end */

struct obi_lines {
	struct buffer buf;
	uint64_t dropped;
};

struct obi_lines *obi_lines_new(void)
{
	return calloc(1, sizeof(struct obi_lines));
}

struct buffer *obi_lines_begin(struct obi_lines *lines)
{
	if (lines->buf.len < FULL_AT && !lines->buf.failed)
		return &lines->buf;
	lines->dropped++;
	return NULL;
}

void obi_lines_end(struct obi_lines *lines)
{
	if (lines->buf.len >= FLUSH_AT)
		obi_lines_flush(lines);
}

static bool takes_more(int patience_ms)
{
	struct pollfd pfd = { .fd = STDOUT_FILENO, .events = POLLOUT };

	return poll(&pfd, 1, patience_ms) == 1 && (pfd.revents & POLLOUT);
}

static void write_out(struct obi_lines *lines, int patience_ms)
{
	size_t done = 0;

	/* A pipe that polls writable takes PIPE_BUF bytes without blocking (pipe(7)). */
	while (done < lines->buf.len && takes_more(patience_ms)) {
		size_t len = lines->buf.len - done;
		ssize_t n = write(STDOUT_FILENO, lines->buf.data + done, len < 4096 ? len : 4096);

		if (n < 0 && errno != EINTR && errno != EAGAIN) {
			done = lines->buf.len; /* nobody reads any more */
			break;
		}
		done += n > 0 ? (size_t)n : 0;
	}
	memmove(lines->buf.data, lines->buf.data + done, lines->buf.len - done);
	lines->buf.len -= done;
}

void obi_lines_flush(struct obi_lines *lines)
{
	if (lines->buf.len)
		write_out(lines, PATIENCE_MS);
}

uint64_t obi_lines_dropped(const struct obi_lines *lines)
{
	return lines->dropped;
}

void obi_lines_free(struct obi_lines *lines)
{
	if (!lines)
		return;
	if (lines->buf.len)
		write_out(lines, LAST_PATIENCE_MS);
	buffer_free(&lines->buf);
	free(lines);
}
