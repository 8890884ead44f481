/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Placeholders in what a process says of itself: $(NAME), which Kubernetes leaves as it is where it
 * knows no such variable, and ${NAME}, which somebody took for granted that a shell would read.
 */
#ifndef OBI_SERVICE_PLACEHOLDER_H
#define OBI_SERVICE_PLACEHOLDER_H

#include "base/buffer.h"
#include "base/slice.h"

/* Variables of the process' own environment. */
struct obi_variable {
	struct slice name, value;
};

struct obi_variables {
	const struct obi_variable *items;
	size_t count;
};

/* Takes text up to its next placeholder off it, and that. False where there is none: text is left
 * as it is. */
bool obi_placeholder_next(struct slice *text, struct slice *ret_before, struct slice *ret_name);

/* Puts text with its placeholders filled. encoded: what stands around them is percent-encoded, and
 * is decoded. False where one cannot be filled, or its variable holds one itself: such a text says
 * nothing. What was put until then is to be thrown away. */
bool obi_placeholder_fill(struct slice text, bool encoded, const struct obi_variables *variables,
			  struct buffer *buf);

#endif
