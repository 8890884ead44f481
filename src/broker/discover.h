/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Discovery: which processes are instrumented. One pass over /proc at start, then events: exec,
 * fork and exit, and the begin of listening. What is to be known of a process is asked for, and
 * answered later: nothing here waits.
 */
#ifndef OBI_BROKER_DISCOVER_H
#define OBI_BROKER_DISCOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/look.h"
#include "obi/process.h"
#include "service/options.h"

struct obi_discover;

/* Files of a process: descriptors of those that could be opened (OBI_WIRE_HAS_*, in that order),
 * which are closed after the call. */
struct obi_files {
	uint32_t have;
	const int *fds;
	int count;
};

/* What is instrumented, as of its selection. */
struct obi_target {
	uint32_t pid;
	const char *exe;  /* full path */
	const char *name; /* forced by the configuration, or "" */
	const char *name_space;
	struct obi_entries entries;
	bool fresh; /* has just become this program: more of it may be mapped in a moment */
	struct obi_files files;
};

struct obi_discover_actions {
	/* Look at something; the answer goes to obi_discover_answer(), later. 0; -EBUSY: that
	 * process is left alone; -EAGAIN: not now. */
	int (*ask)(void *context, const struct look_request *request);
	/* A process is selected (before its connections are observed), or has become another
	 * program. */
	void (*announce)(void *context, const struct obi_target *target);
	/* Its language decides, and is not known: find it out, then obi_discover_language(). */
	void (*inspect)(void *context, uint32_t pid, const char *exe,
			const struct obi_files *files);
	/* It is gone. */
	void (*forget)(void *context, uint32_t pid);
	/* Tell the kernel side: OBI_PROCESS_*, 0 = forget. 0 or a negative errno. */
	int (*mark)(void *context, uint32_t pid, uint32_t flags);
	/* All that obi_discover_scan() or obi_discover_repeat() had to tell is told. */
	void (*told)(void *context);
	void *context;
};

struct obi_discover_counters {
	uint64_t unmarked; /* selected, but there was no room for them in the kernel side's table */
	uint64_t missed;   /* events for which there was no room in ours */
	uint64_t evicted;  /* processes that are not selected, of which less is known now */
};

/* NULL when out of memory. options live as long as the result. */
struct obi_discover *obi_discover_new(const struct obi_discovery_options *options,
				      const struct obi_discover_actions *actions);
void obi_discover_free(struct obi_discover *discover);

/* All processes that there are. */
void obi_discover_scan(struct obi_discover *discover);
void obi_discover_event(struct obi_discover *discover, const struct obi_process_event *event);

/* The answer to what was asked. Descriptors that came with it are closed. */
void obi_discover_answer(struct obi_discover *discover, const struct look_request *request,
			 const struct look_answer *answer, int *fds, int fd_count);

/* Events were lost, so many in all: all processes are looked at again, soon. */
void obi_discover_lost(struct obi_discover *discover, uint64_t lost);

/* A process that was left alone may be looked at again. */
void obi_discover_look_at(struct obi_discover *discover, uint32_t pid);

/* What inspecting a process said; ignored where nobody asked. */
void obi_discover_language(struct obi_discover *discover, uint32_t pid, const char *language);

/* Does what is due. */
void obi_discover_tick(struct obi_discover *discover, uint64_t now_ns);

/* Monotonic time of the next tick that has something to do, 0 = none. */
uint64_t obi_discover_next(const struct obi_discover *discover);

/* Announces every target once more (to a new worker), and asks for what is not answered. */
void obi_discover_repeat(struct obi_discover *discover);

/* Is the process selected? */
bool obi_discover_has(const struct obi_discover *discover, uint32_t pid);

uint32_t obi_discover_count(const struct obi_discover *discover);
void obi_discover_counters(const struct obi_discover *discover,
			   struct obi_discover_counters *ret_counters);

#endif
