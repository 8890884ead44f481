// SPDX-License-Identifier: Apache-2.0
/*
 * Jobs on their way: a process is looked at, its ports are found if they decide, it is judged
 * (processes.h), and what the worker needs of it is opened. An answer that is about an older
 * program of it, or about one that has ended, is dropped.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "discover/processes.h"

#define PATIENCE_MS 2000
#define LESS_PATIENCE_MS 200 /* with a user whose processes have held several looks */
#define HELD_OFTEN 3
#define FORGET_EACH 1024 /* answers */
#define SCAN_SOON_NS (200 * NSEC_PER_MSEC)
#define TELLING_MAX 64

/* ---- Jobs ---------------------------------------------------------------------------------- */

static void miss(struct obi_discover *d)
{
	d->counters.missed++;
	walk_want_all(d, clock_monotonic_ns() + SCAN_SOON_NS);
}

/* What it was wanted for is done with. */
static unsigned take_reasons(struct obi_discover *d, struct job *job)
{
	unsigned reasons = job->reasons;

	if (reasons & (JOB_SCAN | JOB_CHILD))
		d->walk.left--;
	if (reasons & JOB_TELL)
		d->telling--;
	job->reasons = 0;
	return reasons;
}

static void drop(struct obi_discover *d, struct job *job)
{
	(void)take_reasons(d, job);
	jobs_drop(d->users, job);
}

static void add_reason(struct obi_discover *d, struct job *job, unsigned reason)
{
	if ((reason & (JOB_SCAN | JOB_CHILD)) && !(job->reasons & (JOB_SCAN | JOB_CHILD)))
		d->walk.left++;
	if ((reason & JOB_TELL) && !(job->reasons & JOB_TELL))
		d->telling++;
	job->reasons |= reason;
}

struct job *discover_want(struct obi_discover *d, uint32_t pid, uint32_t uid, unsigned reason)
{
	struct job *lost, *job = jobs_put(d->users, pid, uid, &lost);

	if (lost) {
		drop(d, lost);
		miss(d);
	}
	if (!job) {
		miss(d);
		return NULL;
	}
	if (job->ended) { /* this is another process of that number */
		job->ended = false;
		job->anew = true;
	}
	add_reason(d, job, reason);
	return job;
}

void discover_tell(struct obi_discover *d, uint32_t pid, uint32_t uid)
{
	struct job *job = discover_want(d, pid, uid, JOB_TELL);

	if (job && !job->asked && job->step == JOB_LOOK && job->reasons == JOB_TELL)
		job->step = JOB_TELLING;
}

/* ---- Asking -------------------------------------------------------------------------------- */

static uint32_t look_flags(const struct obi_discover *d, const struct job *job)
{
	uint32_t flags = 0;

	if (obi_select_needs_args(d->options))
		flags |= LOOK_WANT_ARGS;
	if (process_find(d, job->pid) || (job->reasons & ~JOB_EXEC))
		flags |= LOOK_WANT_STAT;
	/* Of one that listens the ports are known, unless it had to give its place up. */
	if (obi_select_needs_ports(d->options) &&
	    ((job->reasons & (JOB_EXEC | JOB_SCAN)) ||
	     (d->counters.evicted && (job->reasons & JOB_LISTEN))))
		flags |= LOOK_WANT_SOCKETS;
	return flags;
}

static struct look_request request_of(const struct obi_discover *d, const struct job *job)
{
	const struct process *p = process_find(d, job->pid);
	struct look_request request = {
		.pid = job->pid,
		.patience_ms = job->user->held < HELD_OFTEN ? PATIENCE_MS : LESS_PATIENCE_MS,
	};

	switch (job->step) {
	case JOB_LOOK:
		request.kind = LOOK_AT;
		request.flags = look_flags(d, job);
		break;
	case JOB_PORTS:
		request.kind = LOOK_PORTS;
		request.from = job->from;
		request.flags = job->from || !(job->reasons & JOB_EXEC) ? LOOK_MANY : 0;
		break;
	case JOB_TELLING:
		request.kind = LOOK_OPEN;
		request.flags = p && p->selected && !p->told ? 0 : LOOK_CANDIDATE;
		break;
	}
	if (job->reasons & JOB_EXEC)
		request.flags |= LOOK_ANEW;
	return request;
}

static void step_on(struct obi_discover *d, struct job *job, enum job_step step)
{
	job->step = step;
	jobs_queue(d->users, job);
}

/* A worker that starts is told of all, a few at a time. */
static void repeat_some(struct obi_discover *d)
{
	for (; d->repeat_at < PROCESS_BUCKETS && d->telling < TELLING_MAX; d->repeat_at++)
		for (const struct process *p = d->buckets[d->repeat_at]; p; p = p->next)
			if (process_to_tell(p))
				discover_tell(d, p->pid, USER_AGENT);
}

static void say_told(struct obi_discover *d, uint64_t now_ns)
{
	bool done = walk_is_done(d) && d->repeat_at == PROCESS_BUCKETS && !d->telling;

	if (!d->tell_when_done || (!done && now_ns < d->tell_at_ns))
		return;
	d->tell_when_done = false;
	d->actions.told(d->actions.context);
}

static void finish(struct obi_discover *d, struct job *job);

static uint64_t now_of(const struct obi_discover *d)
{
	uint64_t now = clock_monotonic_ns();

	return now > d->now_ns ? now : d->now_ns;
}

static void ask_for_jobs(struct obi_discover *d)
{
	struct job *job;

	while (d->asked < LOOK_ASKED_MAX && (job = jobs_take(d->users))) {
		struct look_request request = request_of(d, job);
		int error = d->actions.ask(d->actions.context, &request);

		if (!error) {
			d->asked++;
			continue;
		}
		jobs_answered(job, 0);
		if (error == -EAGAIN) {
			jobs_queue(d->users, job);
			return;
		}
		finish(d, job);
	}
}

/* As much is asked as the looker takes: what is in the queue goes before a walk, which is long. */
void discover_go_on(struct obi_discover *d)
{
	uint64_t now = now_of(d);

	ask_for_jobs(d);
	walk_go_on(d, now);
	repeat_some(d);
	ask_for_jobs(d);
	say_told(d, now);
}

/* ---- Answers ------------------------------------------------------------------------------- */

/* Nothing more can be learned of it. What is selected by its parent stays so. */
static void finish(struct obi_discover *d, struct job *job)
{
	unsigned reasons = take_reasons(d, job);
	struct process *p = process_find(d, job->pid);
	const struct obi_files none = { 0 };

	if ((reasons & JOB_FORK) && !p)
		p = process_forked(d, job->pid, NULL, "");
	if (p && p->selected && !p->told)
		process_announce(d, p, &none);
	else if (p && !p->selected)
		process_remove(d, p);
	jobs_drop(d->users, job);
}

static void tell_or_drop(struct obi_discover *d, struct job *job)
{
	const struct process *p = process_find(d, job->pid);

	if (p && process_to_tell(p)) {
		add_reason(d, job, JOB_TELL);
		step_on(d, job, JOB_TELLING);
	} else if (job->reasons) {
		step_on(d, job, JOB_LOOK);
	} else {
		drop(d, job);
	}
}

static struct look look_of(const struct job *job)
{
	return (struct look){
		.exe = job->text,
		/* Who it says it is: a process may show as root's. */
		.uid = job->user->uid == USER_AGENT ? job->uid : job->user->uid,
		.parent = job->parent,
		.start_ns = job->start_ns,
		.facts = { .pid = job->pid, .exe = job->text, .args = job->args },
	};
}

static void judge(struct obi_discover *d, struct job *job)
{
	struct look look = look_of(job);
	struct obi_ports ports = job->ports;

	process_judge(d, &look, &ports, take_reasons(d, job));
	job_forget(job);
	tell_or_drop(d, job);
}

static bool keep_look(struct job *job, const struct look_answer *answer)
{
	free(job->text);
	job->text = malloc(answer->text_len);
	if (!job->text)
		return false;
	memcpy(job->text, answer->text, answer->text_len);
	job->args = job->text + answer->args_at;
	job->uid = answer->uid;
	job->parent = answer->parent;
	job->start_ns = answer->start_ns;
	return true;
}

/* A kernel thread has no executable, and ourselves we leave alone. */
static void looked(struct obi_discover *d, struct job *job, const struct look_answer *answer)
{
	struct look look;

	if (answer->error || !answer->text_len || !answer->text[0] ||
	    !strcmp(answer->text, d->own_exe) || !keep_look(job, answer)) {
		finish(d, job);
		return;
	}
	look = look_of(job);
	if ((answer->flags & LOOK_SOCKETS) && obi_select_ports_decide(d->options, &look.facts))
		step_on(d, job, JOB_PORTS);
	else
		judge(d, job);
}

/* A process with many descriptors is looked at in pieces, each in its turn, until what is found
 * decides all that ports can decide. Nobody waits for its end. */
static void found_ports(struct obi_discover *d, struct job *job, const struct look_answer *answer)
{
	struct look look = look_of(job);

	for (unsigned i = 0; !answer->error && i < answer->ports.count; i++)
		obi_select_add_port(d->options, answer->ports.items[i], &job->ports);
	look.facts.ports = &job->ports;
	if (!(answer->flags & LOOK_UNSEEN) ||
	    !obi_select_more_ports_decide(d->options, &look.facts)) {
		judge(d, job);
		return;
	}
	job->from = answer->from;
	if (job->reasons & (JOB_SCAN | JOB_CHILD)) {
		add_reason(d, job, JOB_LISTEN);
		d->walk.left--;
		job->reasons &= ~(unsigned)(JOB_SCAN | JOB_CHILD);
	}
	step_on(d, job, JOB_PORTS);
}

static void opened(struct obi_discover *d, struct job *job, const struct look_request *request,
		   const struct obi_files *files)
{
	struct process *p = process_find(d, job->pid);

	if (job->reasons & JOB_TELL)
		d->telling--;
	job->reasons &= ~(unsigned)JOB_TELL;
	if (p && p->selected && !p->told && !(request->flags & LOOK_CANDIDATE)) {
		process_announce(d, p, files);
	} else if (p && p->asked && !p->inspected && (request->flags & LOOK_CANDIDATE)) {
		p->inspected = true;
		d->actions.inspect(d->actions.context, p->pid, p->exe ? p->exe : "", files);
	}
	tell_or_drop(d, job);
}

static void take_answer(struct obi_discover *d, struct job *job, const struct look_request *request,
			const struct look_answer *answer, const struct obi_files *files)
{
	/* What it was when it held the look it still is: else there were an answer. */
	job->anew &= answer->error != -ETIMEDOUT;
	if (job->ended) {
		drop(d, job);
	} else if (job->anew) {
		job->anew = false;
		step_on(d, job, JOB_LOOK);
	} else if (job->step == JOB_LOOK) {
		looked(d, job, answer);
	} else if (job->step == JOB_PORTS) {
		found_ports(d, job, answer);
	} else {
		opened(d, job, request, files);
	}
}

void obi_discover_answer(struct obi_discover *d, const struct look_request *request,
			 const struct look_answer *answer, int *fds, int fd_count)
{
	struct obi_files files = { .have = answer->fds, .fds = fds, .count = fd_count };
	struct job *job;

	if (request->kind == LOOK_WALK || request->kind == LOOK_SCAN) {
		d->asked -= !(answer->flags & LOOK_MORE);
		if (request->kind == LOOK_WALK)
			walk_answered(d, answer);
		else
			scan_answered(d, answer);
		discover_go_on(d);
		return;
	}
	d->asked--;
	job = jobs_find(d->users, request->pid);
	if (job && job->asked) {
		bool held = answer->error == -ETIMEDOUT;

		if (held)
			job->user->held++;
		else if (++job->user->answered % FORGET_EACH == 0)
			job->user->held /= 2;
		jobs_answered(job, held ? request->patience_ms * NSEC_PER_MSEC : answer->took_ns);
		take_answer(d, job, request, answer, &files);
	}
	while (fd_count)
		(void)close(fds[--fd_count]);
	discover_go_on(d);
}

void discover_end(struct obi_discover *d, uint32_t pid)
{
	struct job *job = jobs_find(d->users, pid);

	if (!job)
		return;
	if (job->asked) {
		(void)take_reasons(d, job);
		job_forget(job);
		job->ended = true;
	} else {
		drop(d, job);
	}
}
