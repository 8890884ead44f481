/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker's life: started, introduced to what it works on, held to the rules of its requests,
 * started again when it dies.
 */
#ifndef OBI_BROKER_WORKER_H
#define OBI_BROKER_WORKER_H

#include <stdbool.h>

#include "base/clock.h"
#include "broker/child.h"

/* Processes whose files held a worker until it was ended, the newest. */
#define OBI_WORKER_HOLDERS 32

struct obi_worker_child {
	struct obi_child_role role;
	/* It has just been started (restarts > 0: again): tells it what there is. 0 or a negative
	 * errno. */
	int (*introduce)(void *context);
	void *context;
	struct obi_child child; /* descriptors -1 at first, all that follows 0 */
	enum obi_phase phase;
	uint32_t restarts;
	uint64_t spans_lost; /* that were pending in those that died */
	uint64_t restart_at; /* monotonic time to try again, 0 = not waiting */
	uint32_t restarts_in_window;
	uint64_t window_start;
	struct obi_request_meter meter;
	bool condemned;                     /* it is being ended: nothing of it is read any more */
	uint64_t heard_ns;                  /* its last request */
	uint64_t taken_ns;                  /* it last took a message, or there was none for it */
	uint64_t ticked_ns;                 /* we last looked */
	uint64_t inspecting, inspecting_ns; /* what its page says, and since when */
	uint64_t given_ns;                  /* it was given files last */
	uint32_t held_by[OBI_WORKER_HOLDERS];
	uint32_t holders; /* that there have been */
};

/* Starts it, unless that has been done ahead (obi_child_start), and introduces it. */
int obi_worker_start(struct obi_worker_child *worker);

/* It ended. seen: records that there have ever been, so that it cannot have lost more. false where
 * there is nobody to start again: it could not start at all. */
bool obi_worker_ended(struct obi_worker_child *worker, int status, uint64_t seen);

/* It has been given the files of a process, which may hold it. */
void obi_worker_inspects(struct obi_worker_child *worker);

/* When obi_worker_tick() is to be called next. */
uint64_t obi_worker_next(const struct obi_worker_child *worker, uint64_t now_ns);

/* Starts it again when its time has come, sends it what waits, and ends it where it has asked or
 * taken nothing for a long time. */
void obi_worker_tick(struct obi_worker_child *worker, uint64_t now_ns);

/* It asked what it may not, or said what nobody asked for: it is ended. */
void obi_worker_offends(struct obi_worker_child *worker, uint32_t request, const char *why);

/* Has the process held a worker? Then no files of it are for another one, until it is let go: when
 * it ends or becomes another program. */
bool obi_worker_was_held_by(const struct obi_worker_child *worker, uint32_t pid);
void obi_worker_let_go(struct obi_worker_child *worker, uint32_t pid);

/* One request; NULL where there is none. A worker that breaks the rules is ended. *ret_gone: its
 * end of the pair is closed, or it is being ended, and there will be no more. */
const struct obi_request *obi_worker_read(struct obi_worker_child *worker, void *body, size_t size,
					  bool *ret_gone);

#endif
