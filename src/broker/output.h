/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one way to standard output. Children write into pipes, and have nothing of the operator's:
 * what they say comes out here in whole lines, without control characters, together with the
 * broker's own log. Nothing waits for who reads it: what has no room stays in the pipes, and a
 * child, or the log, that finds no room either drops lines and counts them. Where nobody reads any
 * more, that is said once, on standard error; what comes is dropped until somebody does, as of a
 * named pipe, and counted.
 */
#ifndef OBI_BROKER_OUTPUT_H
#define OBI_BROKER_OUTPUT_H

#include <stdbool.h>

#include "base/line_writer.h"

enum obi_output_from {
	OBI_OUTPUT_WORKER,
	OBI_OUTPUT_SENDER,
	OBI_OUTPUTS,
};

/* The rest of a longer line is left out. */
#define OBI_OUTPUT_LINE_MAX LINE_WRITER_LINE_MAX

struct obi_output {
	struct line_writer writer;
	int epoll;
	bool gone_said;
	struct obi_output_pipe {
		int fd; /* -1: none, or at its end */
		bool watched;
		bool skipping; /* the rest of a line that was too long */
		struct buffer part;
	} pipes[OBI_OUTPUTS];
};

/* From here on the log goes this way, too. 0 or a negative errno. */
int obi_output_open(struct obi_output *output);

/* Takes the reading end of a child's pipe, non-blocking; the one before is read to its end. */
void obi_output_attach(struct obi_output *output, enum obi_output_from from, int fd);

/* Readable when there is something to read. */
int obi_output_fd(const struct obi_output *output);

/* Reads what is there and writes what can be written. */
void obi_output_pump(struct obi_output *output);

/* True where something could not be written yet: pump again in a moment. */
bool obi_output_waits(const struct obi_output *output);

/* Lines that came here and were lost. */
uint64_t obi_output_lost(const struct obi_output *output);

/* Writes what is left, for so long at most. The log goes its usual way again, or no way where that
 * is blocked by a line that could not be ended. */
void obi_output_close(struct obi_output *output, int timeout_ms);

#endif
