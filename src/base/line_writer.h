/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines on a descriptor that may be slow: a pipe, a terminal, a journal's socket. The
 * writer never waits for the reader; what does not fit into its buffer meanwhile is
 * dropped, by whole lines, and counted. With patience it waits for a reader that is
 * known to be quick, once: not again before that has read.
 *
 * Several writers may share a descriptor (a process's printers and its log): while one has written
 * a part of a line the others keep theirs, and a line that is never ended gets an end.
 */
#ifndef OBI_BASE_LINE_WRITER_H
#define OBI_BASE_LINE_WRITER_H

#include <stdbool.h>

#include "base/buffer.h"

/* A buffer of so many bytes is written at once; above the second limit lines are dropped. */
#define LINE_WRITER_FLUSH_BYTES ((size_t)64 * 1024)
#define LINE_WRITER_MAX_BYTES ((size_t)256 * 1024)

/* Bytes of the longest line that a child of the broker may print: the broker cuts a longer one. */
#define LINE_WRITER_LINE_MAX ((size_t)128 * 1024)

/* For printers: the broker reads what they write, unless its own output is stuck. */
#define LINE_WRITER_PATIENCE_MS 100

enum line_writer_kind {
	LINE_WRITER_FILE, /* never makes us wait */
	LINE_WRITER_SOCKET,
	LINE_WRITER_PIPE, /* or a terminal */
};

struct line_writer {
	int fd;
	enum line_writer_kind kind;
	int patience_ms;   /* 0: none */
	bool disappointed; /* it waited in vain */
	bool gone;         /* nobody reads, as of the last time that it was tried */
	struct buffer pending;
	size_t line;      /* where the line begun last begins */
	uint64_t written; /* lines */
	uint64_t dropped; /* lines */
};

/* The descriptor stays the caller's. */
void line_writer_open(struct line_writer *writer, int fd);

/* A place for one line, to be ended by line_writer_end(); NULL where it must be dropped. */
struct buffer *line_writer_begin(struct line_writer *writer);

/* Ends the line (the caller has put no '\n') and writes if enough has come together. */
void line_writer_end(struct line_writer *writer);

/* Writes what can be written without waiting. */
void line_writer_flush(struct line_writer *writer);

/* What waits to be written. */
static inline bool line_writer_waits(const struct line_writer *writer)
{
	return writer->pending.len;
}

/* Writes everything, waiting up to timeout_ms for the reader; frees the buffer. False where
 * something is lost with it. */
bool line_writer_close(struct line_writer *writer, int timeout_ms);

#endif
