/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of obi explain: one report, for people as indented lines or as JSON on one line. */
#ifndef OBI_VERB_EXPLAIN_OUT_H
#define OBI_VERB_EXPLAIN_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"

struct explain_out {
	struct buffer buf;
	bool json;
	unsigned depth;
	bool filled; /* something stands before, at this depth */
	bool item;   /* the next one is the first of an item of a list */
};

/* kind: '{' or '['; key: NULL for an item of a list. */
void out_begin(struct explain_out *out, const char *key, char kind);
void out_end(struct explain_out *out, char kind); /* '}' or ']' */

/* Texts are strangers': for people without what their terminals would act on. */
void out_slice(struct explain_out *out, const char *key, struct slice text);
void out_text(struct explain_out *out, const char *key, const char *text);
void out_number(struct explain_out *out, const char *key, uint64_t number);
void out_flag(struct explain_out *out, const char *key, bool yes);

/* The end of the report of one process. */
void out_finish(struct explain_out *out);

#endif
