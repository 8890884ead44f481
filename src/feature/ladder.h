/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ladders: for each need the ways to meet it, best first. A rung is tried for real,
 * once, and the answer kept. Which rung serves is named in the log and in `obi check`.
 */
#ifndef OBI_FEATURE_LADDER_H
#define OBI_FEATURE_LADDER_H

#include <stdbool.h>
#include <stddef.h>

struct buffer;

enum obi_plane {
	OBI_PLANE_FENTRY,
	OBI_PLANE_TRACEPOINT,
	OBI_PLANE_KPROBE,
	OBI_PLANE_NONE,
};

enum obi_injection {
	OBI_INJECT_SK_MSG,
	OBI_INJECT_SK_MSG_VERDICT, /* the map also needs a stream verdict program to keep FIONREAD
				      right */
	OBI_INJECT_NONE,
};

struct obi_rung {
	const char *name;
	const char *since; /* kernel that offers it */
	int (*try)(void);  /* 0, or a negative errno */
	const char *cost;
};

/* Kept from the first time on; all zero before. */
struct obi_answer {
	bool known;
	int rung;
	int error;
};

struct obi_feature {
	const char *need;
	const struct obi_rung *rungs; /* best first, ends with a NULL name */
	const char *without;          /* what is lost where no rung holds */
	struct obi_answer *answer;    /* the row's own */
};

extern const struct obi_feature obi_feature_plane; /* rungs in the order of enum obi_plane */
extern const struct obi_feature
	obi_feature_injection; /* rungs in the order of enum obi_injection */

/* The first rung that holds: its index, or the number of rungs. Cached. ret_error, if not NULL,
 * gets the error of the last rung that did not. */
int obi_feature_pick(const struct obi_feature *feature, int *ret_error);

/* Lines for `obi check`: each rung, tried or not, and the one that serves. */
void obi_feature_report(const struct obi_feature *feature, struct buffer *buf);

#endif
