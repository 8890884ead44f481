/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines on standard output: gathered, written whole, never waiting long for a reader. What
 * finds the buffer full because the reader does not keep up is dropped and counted.
 */
#ifndef OBI_EXPORT_LINES_H
#define OBI_EXPORT_LINES_H

#include "base/buffer.h"

struct obi_lines;

struct obi_lines *obi_lines_new(void);

/* Where the next line goes, with its line feed; NULL where there is no room. Follow with
 * obi_lines_end(). */
struct buffer *obi_lines_begin(struct obi_lines *lines);
void obi_lines_end(struct obi_lines *lines);

/* Writes what is there, as far as the reader takes it within a moment. */
void obi_lines_flush(struct obi_lines *lines);

uint64_t obi_lines_dropped(const struct obi_lines *lines);

/* Flushes and frees. */
void obi_lines_free(struct obi_lines *lines);

#endif
