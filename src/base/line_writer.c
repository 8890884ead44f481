// SPDX-License-Identifier: Apache-2.0
/*
 * Standard output is shared with other programs, so it is not made non-blocking.
 * Instead: a socket takes MSG_DONTWAIT; a pipe or terminal is asked by poll(2) before
 * each piece, and a piece is at most PIPE_BUF bytes, for which POLLOUT promises room
 * (pipe(7)). Pieces end where lines end, so that lines which others write to the same
 * place (the log) do not land inside of ours, unless a line is longer than a piece.
 */
#include "base/line_writer.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

/* Who has written a part of a line, and to which descriptor; a part that will never be more: NULL.
 */
static const struct line_writer *within;
static int within_fd = -1;

static enum line_writer_kind kind_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return LINE_WRITER_PIPE;
	if (S_ISSOCK(st.st_mode))
		return LINE_WRITER_SOCKET;
	return S_ISREG(st.st_mode) ? LINE_WRITER_FILE : LINE_WRITER_PIPE;
}

void line_writer_open(struct line_writer *writer, int fd)
{
	*writer = (struct line_writer){ .fd = fd, .kind = kind_of(fd) };
	if (within_fd == fd && !within) /* of a descriptor that had this number */
		within_fd = -1;
}

void line_writer_end(struct line_writer *writer)
{
	struct buffer *pending = &writer->pending;

	buffer_put_char(pending, '\n');
	if (pending->failed) {
		pending->failed = false;
		pending->len = writer->line;
		writer->dropped++;
		return;
	}
	writer->written++;
	if (pending->len >= LINE_WRITER_FLUSH_BYTES)
		line_writer_flush(writer);
}

/* The next piece: whole lines where one fits. */
static size_t piece_length(const struct line_writer *writer, struct slice left)
{
	const uint8_t *end;

	if (writer->kind != LINE_WRITER_PIPE || left.len <= PIPE_BUF)
		return left.len;
	end = memrchr(left.data, '\n', PIPE_BUF);
	return end ? (size_t)(end - left.data) + 1 : PIPE_BUF;
}

static ssize_t write_piece(const struct line_writer *writer, struct slice piece, int timeout_ms)
{
	struct pollfd pollfd = { .fd = writer->fd, .events = POLLOUT };

	if (writer->kind == LINE_WRITER_FILE)
		return write(writer->fd, piece.data, piece.len);
	if (poll(&pollfd, 1, timeout_ms) == 0) {
		errno = EAGAIN;
		return -1;
	}
	if (writer->kind == LINE_WRITER_SOCKET)
		return send(writer->fd, piece.data, piece.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	return write(writer->fd, piece.data, piece.len);
}

static uint64_t count_lines(struct slice text)
{
	uint64_t lines = 0;
	ptrdiff_t at;

	for (; (at = slice_find(text, '\n')) >= 0; lines++)
		text = slice_from(text, (size_t)at + 1);
	return lines;
}

/* Nobody will ever read what is left. */
static void give_up(struct line_writer *writer, struct slice left)
{
	uint64_t lost = count_lines(left);

	if (within == writer)
		within = NULL;
	writer->written -= lost;
	writer->dropped += lost;
	writer->pending.len = 0;
}

static void note_end(const struct line_writer *writer, struct slice done)
{
	bool ends = done.data[done.len - 1] == '\n';

	within = ends ? NULL : writer;
	within_fd = ends ? -1 : writer->fd;
}

/* Is the descriptor at the begin of a line, or within one of ours? */
static bool may_write(const struct line_writer *writer, int timeout_ms)
{
	if (within_fd != writer->fd || within == writer)
		return true;
	if (within || write_piece(writer, slice_of("\n", 1), timeout_ms) != 1)
		return false;
	within_fd = -1;
	return true;
}

static void write_pending(struct line_writer *writer, int timeout_ms)
{
	struct buffer *pending = &writer->pending;
	struct slice left = slice_of(pending->data, pending->len);

	if (left.len && !may_write(writer, timeout_ms))
		return;
	while (left.len) {
		struct slice piece = slice_first(left, piece_length(writer, left));
		ssize_t done = write_piece(writer, piece, timeout_ms);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0 && errno == EAGAIN)
			break;
		if (done < 0) {
			writer->gone = errno == EPIPE;
			give_up(writer, left);
			return;
		}
		note_end(writer, slice_first(left, (size_t)done));
		left = slice_from(left, (size_t)done);
		writer->disappointed = writer->gone = false;
	}
	if (left.len)
		memmove(pending->data, left.data, left.len);
	pending->len = left.len;
}

/* A full buffer, and a reader that may be about to make room. */
static void wait_for_reader(struct line_writer *writer)
{
	if (!writer->patience_ms || writer->disappointed)
		return;
	write_pending(writer, writer->patience_ms);
	writer->disappointed = writer->pending.len >= LINE_WRITER_MAX_BYTES;
}

struct buffer *line_writer_begin(struct line_writer *writer)
{
	if (writer->pending.len >= LINE_WRITER_MAX_BYTES)
		wait_for_reader(writer);
	if (writer->pending.len >= LINE_WRITER_MAX_BYTES) {
		writer->dropped++;
		return NULL;
	}
	writer->line = writer->pending.len;
	return &writer->pending;
}

void line_writer_flush(struct line_writer *writer)
{
	write_pending(writer, 0);
}

bool line_writer_close(struct line_writer *writer, int timeout_ms)
{
	uint64_t end = clock_monotonic_ns() + (uint64_t)timeout_ms * NSEC_PER_MSEC;
	uint64_t now;
	bool whole;

	line_writer_flush(writer);
	while (writer->pending.len && (now = clock_monotonic_ns()) < end)
		write_pending(writer, (int)((end - now) / NSEC_PER_MSEC) + 1);
	whole = !writer->pending.len;
	give_up(writer, slice_of(writer->pending.data, writer->pending.len));
	buffer_free(&writer->pending);
	return whole;
}
