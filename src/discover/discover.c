// SPDX-License-Identifier: Apache-2.0
/*
 * Events, and what time brings. What makes a process worth a look becomes a job (users.h), one a
 * process however much happens to it; how it goes on stands in asking.c.
 */
#include "discover/discover.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "discover/processes.h"
#include "wire/wire.h"

#define SCAN_SOON_NS (200 * NSEC_PER_MSEC)
#define TELL_NS (3 * NSEC_PER_SEC) /* the worker does not wait longer for all to be known */
#define SWEEP_NS (10 * NSEC_PER_SEC)
#define SWEEP_BUCKETS 256
#define SAID_NS (60 * NSEC_PER_SEC)

struct obi_discover *obi_discover_new(const struct obi_discovery_options *options,
				      const struct obi_discover_actions *actions)
{
	struct obi_discover *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->options = options;
	d->actions = *actions;
	d->repeat_at = PROCESS_BUCKETS;
	d->users = users_new();
	if (!d->users) {
		free(d);
		return NULL;
	}
	(void)obi_procfs_exe(obi_procfs_self(), d->own_exe, sizeof(d->own_exe));
	return d;
}

/* ---- Events -------------------------------------------------------------------------------- */

static void on_exec(struct obi_discover *d, const struct obi_process_event *event)
{
	struct process *p = process_find(d, event->pid);
	struct job *job = jobs_find(d->users, event->pid);

	if (p)
		process_forget_program(p);
	if (job) {
		job_forget(job);
		job->anew = job->asked;
	}
	(void)discover_want(d, event->pid, event->uid, JOB_EXEC);
}

/* The kernel side has selected the child already. It is its parent's program. */
static void on_fork(struct obi_discover *d, const struct obi_process_event *event)
{
	const struct process *parent = process_find(d, event->parent);

	if (parent && parent->exe && process_forked(d, event->pid, parent, parent->exe))
		discover_tell(d, event->pid, event->uid);
	else
		(void)discover_want(d, event->pid, event->uid, JOB_FORK);
}

/* Whose spans may be on their way: the worker hears of it, even if it is late. */
static void on_end(struct obi_discover *d, const struct obi_process_event *event)
{
	struct process *p = process_find(d, event->pid);
	const struct obi_files none = { 0 };

	if (p && p->selected && !p->told)
		process_announce(d, p, &none);
	p = process_find(d, event->pid);
	if (p)
		process_remove(d, p);
	discover_end(d, event->pid);
}

/* What its parent executed and listened on, it does: that may have ended before it was looked at,
 * or just when it was selected. */
static void on_orphan(struct obi_discover *d, const struct obi_process_event *event)
{
	const struct process *parent = process_find(d, event->parent);
	struct process *p = process_find(d, event->pid);

	if (p && p->selected)
		return;
	if (!parent || !parent->selected) {
		(void)discover_want(d, event->pid, event->uid, JOB_EXEC);
		return;
	}
	p = process_forked(d, event->pid, parent, parent->exe ? parent->exe : "");
	if (!p)
		return;
	p->seek_young = true;
	discover_tell(d, event->pid, event->uid);
}

static void on_listen(struct obi_discover *d, const struct obi_process_event *event)
{
	struct job *job;

	if (!obi_select_needs_ports(d->options) && !obi_select_needs_language(d->options))
		return;
	job = discover_want(d, event->pid, event->uid, JOB_LISTEN);
	if (job)
		obi_select_add_port(d->options, (uint16_t)event->port, &job->ports);
}

void obi_discover_event(struct obi_discover *d, const struct obi_process_event *event)
{
	switch (event->type) {
	case OBI_PROCESS_EXEC:
		on_exec(d, event);
		break;
	case OBI_PROCESS_FORK:
		on_fork(d, event);
		break;
	case OBI_PROCESS_EXIT:
		on_end(d, event);
		break;
	case OBI_PROCESS_LISTEN:
		on_listen(d, event);
		break;
	case OBI_PROCESS_ORPHAN:
		on_orphan(d, event);
		break;
	default:
		return;
	}
	discover_go_on(d);
}

static void say_lost(struct obi_discover *d, uint64_t now_ns)
{
	if (!d->lost_unsaid || (d->lost_said_ns && now_ns - d->lost_said_ns < SAID_NS))
		return;
	log_warn("news of processes were lost, as too many came at once: all are looked at again",
		 F("lost", log_int((int64_t)d->lost_unsaid)));
	d->lost_unsaid = 0;
	d->lost_said_ns = now_ns;
}

void obi_discover_lost(struct obi_discover *d, uint64_t lost)
{
	uint64_t now = clock_monotonic_ns();

	if (lost == d->lost)
		return;
	d->lost_unsaid += lost - d->lost;
	d->lost = lost;
	walk_want_all(d, now + SCAN_SOON_NS);
	say_lost(d, now);
}

void obi_discover_look_at(struct obi_discover *d, uint32_t pid)
{
	(void)discover_want(d, pid, USER_AGENT, JOB_SCAN);
	discover_go_on(d);
}

void obi_discover_scan(struct obi_discover *d)
{
	uint64_t now = clock_monotonic_ns();

	d->tell_when_done = true;
	d->tell_at_ns = now + TELL_NS;
	d->sweep_at_ns = now + SWEEP_NS;
	walk_want_all(d, now);
	discover_go_on(d);
}

/* ---- Languages ----------------------------------------------------------------------------- */

static uint32_t uid_of(const struct process *p)
{
	return p->user ? p->user->uid : USER_AGENT;
}

/* What nobody asked for is no answer: it would make this process hold whatever a worker names. */
void obi_discover_language(struct obi_discover *d, uint32_t pid, const char *language)
{
	struct process *p = process_find(d, pid);

	if (!p || !p->asked || !p->inspected)
		return;
	p->asked = p->inspected = false;
	if (!p->ask_again)
		(void)snprintf(p->language, sizeof(p->language), "%s", language);
	(void)discover_want(d, pid, uid_of(p), JOB_LANGUAGE);
	discover_go_on(d);
}

static void ask_again_due(struct obi_discover *d, uint64_t now_ns)
{
	struct look_due due;

	while (look_again_take(&d->looks, now_ns, &due)) {
		const struct process *p = process_find(d, due.pid);

		if (p && p->program == due.program && process_is_provisional(p))
			(void)discover_want(d, due.pid, uid_of(p), JOB_ASK);
	}
}

/* ---- Time ---------------------------------------------------------------------------------- */

void obi_discover_tick(struct obi_discover *d, uint64_t now_ns)
{
	d->now_ns = now_ns;
	ask_again_due(d, now_ns);
	if (d->retry_at_ns && now_ns >= d->retry_at_ns)
		processes_mark_again(d);
	if (d->sweep_at_ns && now_ns >= d->sweep_at_ns) {
		processes_sweep(d, d->sweep_at, SWEEP_BUCKETS);
		d->sweep_at = (d->sweep_at + SWEEP_BUCKETS) % PROCESS_BUCKETS;
		d->sweep_at_ns = now_ns + SWEEP_NS;
		say_lost(d, now_ns);
	}
	discover_go_on(d);
}

static void sooner(uint64_t *next, uint64_t at)
{
	if (at && (!*next || at < *next))
		*next = at;
}

uint64_t obi_discover_next(const struct obi_discover *d)
{
	uint64_t next = look_again_next(&d->looks);

	sooner(&next, d->retry_at_ns);
	sooner(&next, d->sweep_at_ns);
	sooner(&next, walk_next(d));
	sooner(&next, d->tell_when_done ? d->tell_at_ns : 0);
	return next;
}

void obi_discover_repeat(struct obi_discover *d)
{
	for (size_t i = 0; i < PROCESS_BUCKETS; i++)
		for (struct process *p = d->buckets[i]; p; p = p->next)
			p->told = p->inspected = false;
	d->repeat_at = 0;
	d->tell_when_done = true;
	d->tell_at_ns = clock_monotonic_ns() + TELL_NS;
	discover_go_on(d);
}

bool obi_discover_has(const struct obi_discover *d, uint32_t pid)
{
	const struct process *p = process_find(d, pid);

	return p && p->selected;
}

uint32_t obi_discover_count(const struct obi_discover *d)
{
	return d->selected;
}

void obi_discover_counters(const struct obi_discover *d, struct obi_discover_counters *ret_counters)
{
	*ret_counters = d->counters;
}

void obi_discover_free(struct obi_discover *d)
{
	if (!d)
		return;
	look_again_free(&d->looks);
	users_free(d->users);
	free(d->walk.pids);
	for (size_t i = 0; i < PROCESS_BUCKETS; i++) {
		struct process *next;

		for (struct process *p = d->buckets[i]; p; p = next) {
			next = p->next;
			free(p->exe);
			free(p);
		}
	}
	free(d);
}
