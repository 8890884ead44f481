// SPDX-License-Identifier: Apache-2.0
/*
 * The pass over all processes: at the start, and after events were lost. It is followed by passes
 * that look for children of what was selected, until one finds none: from the moment that a process
 * is marked, the kernel side marks its children, so that a pass begun later misses none.
 *
 * Few of a pass are looked at at a time: what happens meanwhile need not wait for its end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "discover/processes.h"

#define AT_ONCE 32
#define CHILDREN_MAX 64 /* of one process; where there are more, all are walked through */
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
	const struct process *p = process_find(d, entry->pid);
	const struct process *parent = process_find(d, entry->parent);

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
	walk->again = answer->error == -ETIMEDOUT;
}

void walk_children(struct obi_discover *d, uint32_t pid)
{
	uint32_t children[CHILDREN_MAX];
	int count = obi_procfs_children(pid, children, CHILDREN_MAX);

	if (count == CHILDREN_MAX || count == -ENOENT) {
		d->walk.kin = true;
		return;
	}
	for (int i = 0; i < count; i++) {
		const struct process *child = process_find(d, children[i]);

		if (!child || !child->selected)
			(void)discover_want(d, children[i], USER_AGENT, JOB_CHILD);
	}
}

static void scanned(struct obi_discover *d, const struct look_answer *answer)
{
	struct look look = {
		.exe = answer->text,
		.uid = answer->uid,
		.parent = answer->parent,
		.start_ns = answer->start_ns,
		.facts = { .pid = answer->pid,
			   .exe = answer->text,
			   .args = answer->text + answer->args_at },
	};
	struct obi_ports ports = { 0 };
	const struct process *p;

	/* Of what happens to it just now there is an event, and a job. */
	if (!answer->text_len || !answer->text[0] || !strcmp(answer->text, d->own_exe) ||
	    jobs_find(d->users, answer->pid))
		return;
	if (answer->flags & LOOK_UNSEEN) {
		(void)discover_want(d, answer->pid, answer->uid, JOB_SCAN);
		return;
	}
	for (unsigned i = 0; i < answer->ports.count; i++)
		obi_select_add_port(d->options, answer->ports.items[i], &ports);
	process_judge(d, &look, &ports, JOB_SCAN);
	p = process_find(d, answer->pid);
	if (p && process_to_tell(p))
		discover_tell(d, answer->pid, USER_AGENT);
}

static bool ask_to_scan(struct obi_discover *d)
{
	struct look_request request = {
		.kind = LOOK_SCAN,
		.flags = LOOK_MANY,
		.from = d->walk.place,
		.patience_ms = 2000,
	};

	if (obi_select_needs_args(d->options))
		request.flags |= LOOK_WANT_ARGS;
	if (obi_select_needs_ports(d->options))
		request.flags |= LOOK_WANT_PORTS | LOOK_WANT_OWNER;
	/* Of languages it matters how old a process is, and of those that have been known for long
	 * whether it is still the same one. */
	if (obi_select_needs_language(d->options) || d->walk.scans)
		request.flags |= LOOK_WANT_STAT;
	if (d->actions.ask(d->actions.context, &request))
		return false;
	d->asked++;
	return true;
}

/* One that held the scan is left out when it goes on from the same place. */
void scan_answered(struct obi_discover *d, const struct look_answer *answer)
{
	struct walk_state *walk = &d->walk;

	if (answer->flags & LOOK_MORE) {
		scanned(d, answer);
		return;
	}
	walk->walking = false;
	if (!answer->error)
		walk->place = answer->from;
	walk->again = answer->error ? answer->error == -ETIMEDOUT : walk->place != 0;
}

static void start(struct obi_discover *d, unsigned reason, uint64_t now_ns)
{
	struct walk_state *walk = &d->walk;
	const struct look_request request = { .kind = LOOK_WALK, .patience_ms = 2000 };

	walk->place = 0;
	if (reason == JOB_SCAN) {
		if (!ask_to_scan(d))
			return;
	} else {
		if (d->actions.ask(d->actions.context, &request))
			return;
		d->asked++;
	}
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
		walk->scans++;
		processes_sweep(d, 0, PROCESS_BUCKETS);
		walk->all_at_ns = now_ns + ALL_PAUSE_NS + PAUSE_TIMES * took;
		walk->kin = d->selected != 0;
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
	if (walk->reason == JOB_SCAN && !walk->walking && walk->again && d->telling < AT_ONCE)
		walk->walking = ask_to_scan(d);
	if (walk->reason == JOB_SCAN && !walk->walking && walk->again)
		return; /* goes on when there is room */
	if (walk->reason && !walk->walking && !walk->left && walk->next == walk->count)
		end(d, now_ns);
	if (walk->reason)
		return;
	if (walk->all && now_ns >= walk->all_at_ns)
		start(d, JOB_SCAN, now_ns);
	else if (walk->kin && !d->telling && (now_ns >= walk->kin_at_ns || d->tell_when_done))
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
