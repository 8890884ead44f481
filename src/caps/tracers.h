/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of tracers: what each gives, which capabilities it needs and why, and what is lost
 * without it. Pure data. The check at start, its warning, `obi check`, the grants and the docs page
 * all read this table and nothing else.
 */
#ifndef OBI_CAPS_TRACERS_H
#define OBI_CAPS_TRACERS_H

#include "caps/try.h"
#include "feature/host.h"
#include "settings/settings.h"

enum obi_mode {
	OBI_MODE_ANY,
	OBI_MODE_APPLICATION,
	OBI_MODE_NETWORK,
	OBI_MODE_STATISTICS,
};

typedef bool (*obi_condition)(const struct obi_settings *settings, const struct obi_host *host);

/* obi_need.flags */
#define OBI_NEED_KEEP 0x1 /* the broker still needs it after everything is attached */
#define OBI_NEED_SPARE                                                                             \
	0x2 /* documented, and part of the required set, but no code of ours uses it */
#define OBI_NEED_OPTIONAL 0x4 /* no part of the required set: without it there is less */
#define OBI_NEED_LOOK 0x8     /* who looks at processes needs it, as long as the agent runs */

/* One capability that a tracer needs. */
struct obi_need {
	int capability;     /* number, linux/capability.h */
	const char *why;    /* what is done with it */
	enum obi_try try;   /* how to find out whether this kernel asks for it */
	unsigned flags;     /* OBI_NEED_* */
	obi_condition when; /* NULL: always */
};

#define OBI_TRACER_NEEDS 8
#define OBI_TRACER_PROGRAMS 8

struct obi_tracer {
	const char *name;
	enum obi_mode mode;
	const char *gives; /* what the user sees */
	obi_condition wanted;
	struct obi_need needs[OBI_TRACER_NEEDS + 1];   /* ends with a NULL why */
	const char *programs[OBI_TRACER_PROGRAMS + 1]; /* BPF programs; ends with NULL */
	const char *without;                           /* what is lost where it cannot run */
	const char *conditions;                        /* what `wanted` asks, for the docs */
};

extern const struct obi_tracer obi_tracers[];
extern const size_t obi_tracer_count;

const char *obi_mode_name(enum obi_mode mode);

#endif
