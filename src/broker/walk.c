// SPDX-License-Identifier: Apache-2.0
/*
 * The pass over all processes: at the start, and after events were lost. It is followed by passes
 * that look for children of what was selected, until one finds none: from the moment that a process
 * is marked, the kernel side marks its children, so that a pass begun later misses none.
 *
 * Few of a pass are looked at at a time: what happens meanwhile need not wait for its end.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "broker/processes.h"

#define AT_ONCE 32
#define ALL_PAUSE_NS (2 * NSEC_PER_SEC)
#define PAUSE_TIMES 4 /* so many times as long as the last one took */

static void put(struct walk_state *walk, uint32_t pid)
{
	if (walk->count == walk->room) {
		size_t room = walk->room ? walk->room * 2 : 1024;
		uint32_t *pids = realloc(walk->pids, room * sizeof(*pids));

		if (!pids)
			return;
		walk->pids = pids;
		walk->room = room;
	}
	walk->pids[walk->count++] = pid;
}

static void take_entry(struct obi_discover *d, const struct look_kin *entry)
{
	const struct process *p, *parent;

	if (d->walk.reason == JOB_SCAN) {
		put(&d->walk, entry->pid);
		return;
	}
	p = process_find(d, entry->pid);
	parent = process_find(d, entry->parent);
	if ((!p || !p->selected) && parent && parent->selected)
		put(&d->walk, entry->pid);
}

void walk_answered(struct obi_discover *d, const struct look_answer *answer)
{
	struct walk_state *walk = &d->walk;

	for (uint32_t i = 0; i < answer->count; i++)
		take_entry(d, &answer->kin[i]);
	if (answer->flags & LOOK_MORE)
		return;
	walk->walking = false;
	walk->again = answer->error != 0;
}

static void start(struct obi_discover *d, unsigned reason, uint64_t now_ns)
{
	struct walk_state *walk = &d->walk;
	struct look_request request = {
		.kind = LOOK_WALK,
		.flags = reason == JOB_SCAN ? 0 : LOOK_WANT_STAT,
		.patience_ms = 2000,
	};

	if (d->actions.ask(d->actions.context, &request))
		return;
	d->asked++;
	walk->reason = reason;
	walk->next = walk->count = 0;
	walk->walking = true;
	walk->begun_ns = now_ns;
	if (reason == JOB_SCAN)
		walk->all = false;
	else
		walk->kin = false;
}

static void end(struct obi_discover *d, uint64_t now_ns)
{
	struct walk_state *walk = &d->walk;
	uint64_t took = now_ns - walk->begun_ns;

	if (walk->reason == JOB_SCAN) {
		processes_sweep(d, 0, PROCESS_BUCKETS);
		walk->all_at_ns = now_ns + ALL_PAUSE_NS + PAUSE_TIMES * took;
		walk->all |= walk->again;
		walk->kin = true;
	} else {
		walk->kin_at_ns = now_ns + PAUSE_TIMES * took;
		walk->kin |= walk->again;
	}
	walk->again = false;
	walk->reason = 0;
	free(walk->pids);
	walk->pids = NULL;
	walk->next = walk->count = walk->room = 0;
}

static void feed(struct obi_discover *d)
{
	struct walk_state *walk = &d->walk;

	while (walk->left < AT_ONCE && walk->next < walk->count)
		(void)discover_want(d, walk->pids[walk->next++], USER_AGENT, walk->reason);
}

void walk_go_on(struct obi_discover *d, uint64_t now_ns)
{
	struct walk_state *walk = &d->walk;

	feed(d);
	if (walk->reason && !walk->walking && !walk->left && walk->next == walk->count)
		end(d, now_ns);
	if (walk->reason)
		return;
	if (walk->all && now_ns >= walk->all_at_ns)
		start(d, JOB_SCAN, now_ns);
	else if (walk->kin && (now_ns >= walk->kin_at_ns || d->tell_when_done))
		start(d, JOB_CHILD, now_ns);
}

bool walk_is_done(const struct obi_discover *d)
{
	return !d->walk.reason && !d->walk.all && !d->walk.kin;
}

uint64_t walk_next(const struct obi_discover *d)
{
	const struct walk_state *walk = &d->walk;

	if (walk->reason)
		return 0;
	if (walk->all)
		return walk->all_at_ns;
	return walk->kin ? walk->kin_at_ns : 0;
}

void walk_want_all(struct obi_discover *d, uint64_t at_ns)
{
	d->walk.all = true;
	if (d->walk.all_at_ns < at_ns)
		d->walk.all_at_ns = at_ns;
}
