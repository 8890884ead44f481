/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Discovery: which processes are instrumented. One pass over /proc at start, then events: exec,
 * fork and exit, and the begin of listening.
 */
#ifndef OBI_BROKER_DISCOVER_H
#define OBI_BROKER_DISCOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "obi/process.h"
#include "service/options.h"

struct obi_discover;

/* What is instrumented, as of its selection. */
struct obi_target {
	uint32_t pid;
	const char *exe;  /* full path */
	const char *name; /* forced by the configuration, or "" */
	const char *name_space;
	struct obi_entries entries;
	bool fresh; /* has just become this program: more of it may be mapped in a moment */
};

struct obi_discover_actions {
	/* A process is selected (before its connections are observed), or has become another
	 * program. */
	void (*announce)(void *context, const struct obi_target *target);
	/* Its language decides, and is not known: find it out, then obi_discover_language(). */
	void (*inspect)(void *context, uint32_t pid, const char *exe);
	/* It is gone. */
	void (*forget)(void *context, uint32_t pid);
	/* Tell the kernel side: OBI_PROCESS_*, 0 = forget. */
	int (*mark)(void *context, uint32_t pid, uint32_t flags);
	void *context;
};

/* NULL when out of memory. options live as long as the result. */
struct obi_discover *obi_discover_new(const struct obi_discovery_options *options,
				      const struct obi_discover_actions *actions);
void obi_discover_free(struct obi_discover *discover);

/* All processes that there are. */
void obi_discover_scan(struct obi_discover *discover);
void obi_discover_event(struct obi_discover *discover, const struct obi_process_event *event);

/* What inspecting a process said; ignored where nobody asked. */
void obi_discover_language(struct obi_discover *discover, uint32_t pid, const char *language);

/* Right after exec(2) an answer may be too early. Asks again what is due. */
void obi_discover_tick(struct obi_discover *discover, uint64_t now_ns);

/* Monotonic time of the next tick that has something to do, 0 = none. */
uint64_t obi_discover_next(const struct obi_discover *discover);

/* Announces every target once more (to a new worker), and asks for what is not answered. */
void obi_discover_repeat(struct obi_discover *discover);

uint32_t obi_discover_count(const struct obi_discover *discover);

#endif
