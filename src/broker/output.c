// SPDX-License-Identifier: Apache-2.0
#include "broker/output.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/utf8.h"

#define PIECE ((size_t)65536)

/* Beyond this the pipes are left to fill: one more piece of one has room, with the line that it
 * ends.
 */
#define CONGESTED (LINE_WRITER_MAX_BYTES - OBI_OUTPUT_LINE_MAX - PIECE)

static const char nobody_reads[] =
	"obi: nobody reads standard output: what is printed and logged is lost and counted, "
	"other exporters go on\n";

/* ---- Lines ---- */

/* What a terminal would not take as text becomes '?', which is valid in JSON, too; a tab stays. */
static void put_plain(struct buffer *buf, struct slice text)
{
	size_t from = 0, at = 0;

	while (at < text.len) {
		struct slice rest = slice_from(text, at);
		size_t len = *rest.data == '\t' ? 1 : utf8_printable(rest);

		if (len) {
			at += len;
			continue;
		}
		buffer_put(buf, text.data + from, at - from);
		buffer_put_char(buf, '?');
		len = utf8_length(rest);
		at += len ? len : 1;
		from = at;
	}
	buffer_put_slice(buf, slice_from(text, from));
}

static bool put_line(struct obi_output *output, struct slice line)
{
	struct buffer *to = line_writer_begin(&output->writer);

	if (!to)
		return false;
	put_plain(to, line);
	line_writer_end(&output->writer);
	return true;
}

/* Standard error may be the same place, or as full. */
static void say_gone(struct obi_output *output)
{
	struct pollfd pollfd = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (output->gone_said)
		return;
	output->gone_said = true;
	if (poll(&pollfd, 1, 0) > 0)
		(void)!write(STDERR_FILENO, nobody_reads, sizeof(nobody_reads) - 1);
}

static void flush(struct obi_output *output)
{
	line_writer_flush(&output->writer);
	if (output->writer.gone)
		say_gone(output);
}

/* The log's way out. */
static bool put_log(void *context, struct slice line)
{
	struct obi_output *output = context;
	uint64_t dropped = output->writer.dropped;

	(void)put_line(output, line);
	flush(output);
	return output->writer.dropped == dropped;
}

static bool put_nowhere(void *context, struct slice line)
{
	return false;
}

/* What has no end yet is kept, up to the longest line. */
static void keep_part(struct obi_output *output, struct obi_output_pipe *pipe, struct slice text)
{
	if (pipe->skipping)
		return;
	if (pipe->part.len + text.len < OBI_OUTPUT_LINE_MAX) {
		buffer_put_slice(&pipe->part, text);
		return;
	}
	buffer_put_slice(&pipe->part, slice_first(text, OBI_OUTPUT_LINE_MAX - pipe->part.len));
	(void)put_line(output, slice_of(pipe->part.data, pipe->part.len));
	pipe->part.len = 0;
	pipe->skipping = true;
}

static void end_line(struct obi_output *output, struct obi_output_pipe *pipe, struct slice text)
{
	if (pipe->part.len) {
		keep_part(output, pipe, text);
		if (!pipe->skipping)
			(void)put_line(output, slice_of(pipe->part.data, pipe->part.len));
		pipe->part.len = 0;
	} else if (!pipe->skipping) {
		(void)put_line(output, text);
	}
	pipe->skipping = false;
}

static void take(struct obi_output *output, struct obi_output_pipe *pipe, struct slice text)
{
	ptrdiff_t at;

	while ((at = slice_find(text, '\n')) >= 0) {
		end_line(output, pipe, slice_first(text, (size_t)at));
		text = slice_from(text, (size_t)at + 1);
	}
	if (text.len)
		keep_part(output, pipe, text);
}

/* ---- Pipes ---- */

static void watch(struct obi_output *output, struct obi_output_pipe *pipe, bool wanted)
{
	struct epoll_event event = { .events = EPOLLIN };

	if (pipe->fd < 0 || pipe->watched == wanted)
		return;
	if (!epoll_ctl(output->epoll, wanted ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, pipe->fd, &event))
		pipe->watched = wanted;
}

static void end_pipe(struct obi_output *output, struct obi_output_pipe *pipe)
{
	if (pipe->fd < 0)
		return;
	if (pipe->part.len && !pipe->skipping)
		(void)put_line(output, slice_of(pipe->part.data, pipe->part.len));
	buffer_free(&pipe->part);
	(void)close(pipe->fd);
	*pipe = (struct obi_output_pipe){ .fd = -1 };
}

static bool is_congested(const struct obi_output *output)
{
	return output->writer.pending.len > CONGESTED;
}

static void read_pipe(struct obi_output *output, struct obi_output_pipe *pipe)
{
	uint8_t bytes[PIECE];
	ssize_t n = 1;

	while (pipe->fd >= 0 && !is_congested(output)) {
		n = read(pipe->fd, bytes, sizeof(bytes));
		if (n > 0)
			take(output, pipe, slice_of(bytes, (size_t)n));
		else if (n == 0 || (errno != EINTR && errno != EAGAIN))
			end_pipe(output, pipe);
		if (n < (ssize_t)sizeof(bytes))
			break;
		flush(output);
	}
}

void obi_output_pump(struct obi_output *output)
{
	flush(output);
	for (size_t i = 0; i < OBI_OUTPUTS; i++)
		read_pipe(output, &output->pipes[i]);
	flush(output);
	for (size_t i = 0; i < OBI_OUTPUTS; i++)
		watch(output, &output->pipes[i], !is_congested(output));
}

void obi_output_attach(struct obi_output *output, enum obi_output_from from, int fd)
{
	obi_output_pump(output);
	end_pipe(output, &output->pipes[from]);
	output->pipes[from].fd = fd;
	watch(output, &output->pipes[from], true);
}

/* ---- Start and stop ---- */

int obi_output_open(struct obi_output *output)
{
	*output = (struct obi_output){ .epoll = epoll_create1(EPOLL_CLOEXEC) };
	for (size_t i = 0; i < OBI_OUTPUTS; i++)
		output->pipes[i].fd = -1;
	if (output->epoll < 0)
		return -errno;
	line_writer_open(&output->writer, STDOUT_FILENO);
	log_set_writer(put_log, output);
	return 0;
}

int obi_output_fd(const struct obi_output *output)
{
	return output->epoll;
}

bool obi_output_waits(const struct obi_output *output)
{
	return output->writer.pending.len != 0;
}

uint64_t obi_output_lost(const struct obi_output *output)
{
	return output->writer.dropped;
}

void obi_output_close(struct obi_output *output, int timeout_ms)
{
	if (output->epoll < 0)
		return;
	obi_output_pump(output);
	for (size_t i = 0; i < OBI_OUTPUTS; i++)
		end_pipe(output, &output->pipes[i]);
	log_set_writer(line_writer_close(&output->writer, timeout_ms) ? NULL : put_nowhere, NULL);
	(void)close(output->epoll);
	output->epoll = -1;
}
