// SPDX-License-Identifier: Apache-2.0
/*
 * A table of the processes that matter: those that are selected, those that listen, and those whose
 * language decides. Everything else costs nothing after it was looked at once.
 *
 * What a process is selected for is what an agent that comes now would see: after exec(2) the new
 * program, the sockets that it inherited and those that it opens decide. A language is asked of the
 * worker. Right after exec(2) no runtime is mapped yet, so that "generic" then is no answer: it is
 * asked again some times, and when the process listens.
 */
#include "broker/discover.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "broker/look_again.h"
#include "service/procfs.h"
#include "service/select.h"

#define BUCKETS 1024
#define ARGS_MAX 4096
#define FRESH_NS (5 * NSEC_PER_SEC) /* since exec(2): what it maps may still be growing */

struct process {
	struct process *next;
	uint32_t pid;
	bool selected;
	bool inherited;    /* selected as somebody's child, by the entries of that */
	bool asked;        /* its language, and there is no answer yet */
	bool ask_again;    /* the answer will be about something older */
	bool final;        /* what was or will be answered stands */
	uint8_t looks;     /* at its language, that were put off */
	uint32_t program;  /* which of those that it has been */
	uint64_t fresh_ns; /* exec(2), 0 = long ago */
	struct obi_ports ports;
	char language[16]; /* "" = unknown */
	char *exe;         /* of a selected one */
	const char *name;
	const char *name_space;
	struct obi_entries entries;
};

struct obi_discover {
	const struct obi_discovery_options *options;
	struct obi_discover_actions actions;
	struct process *buckets[BUCKETS];
	struct look_again looks;
	uint32_t selected;
	char own_exe[PATH_MAX];
};

struct obi_discover *obi_discover_new(const struct obi_discovery_options *options,
				      const struct obi_discover_actions *actions)
{
	struct obi_discover *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->options = options;
	d->actions = *actions;
	(void)obi_procfs_exe((uint32_t)getpid(), d->own_exe, sizeof(d->own_exe));
	return d;
}

static struct process **slot(struct obi_discover *d, uint32_t pid)
{
	struct process **at = &d->buckets[pid % BUCKETS];

	while (*at && (*at)->pid != pid)
		at = &(*at)->next;
	return at;
}

static struct process *find_or_add(struct obi_discover *d, uint32_t pid)
{
	struct process **at = slot(d, pid);

	if (!*at) {
		*at = calloc(1, sizeof(**at));
		if (*at)
			(*at)->pid = pid;
	}
	return *at;
}

static void release(struct process *p)
{
	free(p->exe);
	free(p);
}

static void announce(struct obi_discover *d, const struct process *p)
{
	struct obi_target target = {
		.pid = p->pid,
		.exe = p->exe ? p->exe : "",
		.name = p->name ? p->name : "",
		.name_space = p->name_space ? p->name_space : "",
		.entries = p->entries,
		.fresh = p->fresh_ns && clock_monotonic_ns() - p->fresh_ns < FRESH_NS,
	};

	d->actions.announce(d->actions.context, &target);
}

static void remove_process(struct obi_discover *d, uint32_t pid)
{
	struct process **at = slot(d, pid), *p = *at;

	if (!p)
		return;
	*at = p->next;
	/* It may have been marked after it had ended: its number will be another's. */
	(void)d->actions.mark(d->actions.context, pid, 0);
	if (p->selected) {
		d->selected--;
		d->actions.forget(d->actions.context, pid);
	}
	release(p);
}

/* The kernel side tells of its end from here on; one that has ended before it will never tell of.
 */
static void mark(struct obi_discover *d, const struct process *p)
{
	uint32_t flags = OBI_PROCESS_KNOWN;

	if (p->selected)
		flags |= OBI_PROCESS_SELECTED | (uint32_t)p->entries.sampler << OBI_PROCESS_SAMPLER;

	(void)d->actions.mark(d->actions.context, p->pid, flags);
	if (kill((pid_t)p->pid, 0) && errno == ESRCH)
		(void)d->actions.mark(d->actions.context, p->pid, 0);
}

/* The worker hears of it before the kernel side reports its connections. */
static void select_process(struct obi_discover *d, struct process *p, const char *exe)
{
	char *copy = strdup(exe);

	free(p->exe);
	p->exe = copy;
	if (!p->selected)
		d->selected++;
	p->selected = true;
	announce(d, p);
	mark(d, p);
}

static void unselect_process(struct obi_discover *d, struct process *p)
{
	if (!p->selected)
		return;
	p->selected = false;
	d->selected--;
	(void)d->actions.mark(d->actions.context, p->pid, OBI_PROCESS_KNOWN);
	d->actions.forget(d->actions.context, p->pid);
}

/* ---- Judging ---- */

struct look {
	char exe[PATH_MAX];
	char args[ARGS_MAX];
	struct obi_process_facts facts;
};

/* What can be told without its ports. false: gone, a kernel thread, or ourselves. */
static bool look_at(const struct obi_discover *d, uint32_t pid, struct look *ret_look)
{
	if (obi_procfs_exe(pid, ret_look->exe, sizeof(ret_look->exe)))
		ret_look->exe[0] = '\0';
	if (!ret_look->exe[0] || !strcmp(ret_look->exe, d->own_exe))
		return false;
	ret_look->args[0] = '\0';
	if (obi_select_needs_args(d->options))
		(void)obi_procfs_args(pid, ret_look->args, sizeof(ret_look->args));
	ret_look->facts = (struct obi_process_facts){ .pid = pid,
						      .exe = ret_look->exe,
						      .args = ret_look->args };
	return true;
}

/* "generic" and the C++ library are what every program shows before its runtime is mapped. */
static bool is_provisional(const struct process *p)
{
	return !p->final && (!strcmp(p->language, "generic") || !strcmp(p->language, "cpp"));
}

/* fresh: it has become what it is just now, and may show more in a moment. */
static struct process *known_process(struct obi_discover *d, uint32_t pid, bool fresh)
{
	struct process *p = find_or_add(d, pid);

	if (p && fresh && !p->fresh_ns)
		p->fresh_ns = clock_monotonic_ns();
	return p;
}

/* Its language decides. */
static void ask(struct obi_discover *d, const struct look *look, bool fresh)
{
	struct process *p = known_process(d, look->facts.pid, fresh);

	if (!p || p->asked)
		return;
	p->final |= !fresh && !p->looks;
	p->asked = true;
	if (look->facts.ports)
		p->ports = *look->facts.ports;
	mark(d, p);
	d->actions.inspect(d->actions.context, p->pid, look->exe);
}

/* By what it is itself. Not while its language decides and is not known: then it is asked for. */
static bool is_met(struct obi_discover *d, struct look *look, const struct obi_ports *ports,
		   bool fresh, struct obi_entries *ret_entries)
{
	const struct process *p = *slot(d, look->facts.pid);

	look->facts.ports = ports;
	look->facts.language = p && p->language[0] && !is_provisional(p) ? p->language : NULL;
	if (!look->facts.language && obi_select_language_decides(d->options, &look->facts)) {
		if (!p || !p->language[0]) /* else it is looked at later */
			ask(d, look, fresh);
		return false;
	}
	return obi_select(d->options, &look->facts, ret_entries);
}

static bool same_text(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

static bool judge(struct obi_discover *d, struct look *look, const struct obi_ports *ports,
		  bool fresh)
{
	const char *name, *name_space;
	struct obi_entries entries;
	struct process *p;
	bool same;

	if (!is_met(d, look, ports, fresh, &entries))
		return false;
	p = known_process(d, look->facts.pid, fresh);
	if (!p)
		return false;
	if (ports)
		p->ports = *ports;
	obi_select_names(d->options, &look->facts, &name, &name_space);
	same = p->selected && p->exe && !strcmp(p->exe, look->exe) && same_text(p->name, name) &&
	       same_text(p->name_space, name_space) &&
	       !memcmp(&p->entries, &entries, sizeof(entries));
	p->inherited = false;
	p->name = name;
	p->name_space = name_space;
	p->entries = entries;
	if (!same || fresh)
		select_process(d, p, look->exe);
	return true;
}

static void inherit(struct process *p, const struct process *parent)
{
	p->inherited = true;
	p->name = parent->name;
	p->name_space = parent->name_space;
	p->entries = parent->entries;
}

/* Of a process that is not selected for what it has become: it may still be somebody's child. */
static void judge_child(struct obi_discover *d, struct process *p, const struct look *look)
{
	struct obi_procfs_stat stat;
	const struct process *parent =
		p->inherited || obi_procfs_stat(p->pid, &stat) ? NULL : *slot(d, stat.parent);

	if (obi_select_excluded(d->options, &look->facts)) {
		unselect_process(d, p);
	} else if (p->inherited) {
		select_process(d, p, look->exe);
	} else if (parent && parent->selected) {
		inherit(p, parent);
		select_process(d, p, look->exe);
	} else {
		unselect_process(d, p);
	}
}

static void scan_children(struct obi_discover *d);

/* More is known of what it is. */
static void judge_again(struct obi_discover *d, struct process *p, struct look *look)
{
	bool before = p->selected;

	if (judge(d, look, &p->ports, false)) {
		/* A server may have forked its workers before we heard of it. From here on the
		 * kernel side selects them, so none falls between. */
		if (!before)
			scan_children(d);
	} else if (!before) {
		mark(d, p);
	} else if (obi_select_excluded(d->options, &look->facts)) {
		unselect_process(d, p);
	}
}

/* ---- Events ---- */

/* Nothing of what it was counts any more. */
static void forget_program(struct process *p)
{
	p->program++;
	p->fresh_ns = clock_monotonic_ns();
	p->final = false;
	p->looks = 0;
	p->language[0] = '\0';
	p->ask_again = p->asked;
	p->ports = (struct obi_ports){ 0 };
}

static void on_exec(struct obi_discover *d, uint32_t pid)
{
	struct process *p = *slot(d, pid);
	const struct obi_ports *ports = NULL;
	struct obi_ports inherited = { 0 };
	struct look look;

	if (p)
		forget_program(p);
	if (!look_at(d, pid, &look))
		return;
	/* Listening sockets may come from what it was, or from whoever started it (socket
	 * activation). */
	if (obi_select_ports_decide(d->options, &look.facts) &&
	    !obi_procfs_ports(pid, &inherited) && inherited.count)
		ports = &inherited;
	if (p && ports)
		p->ports = inherited;
	if (!judge(d, &look, ports, true) && p && p->selected)
		judge_child(d, p, &look);
}

/* The kernel side has selected the child already. */
static void on_fork(struct obi_discover *d, uint32_t pid, uint32_t parent_pid)
{
	const struct process *parent = *slot(d, parent_pid);
	struct process *p = find_or_add(d, pid);
	struct look look;

	if (!p)
		return;
	p->inherited = true;
	if (parent) {
		inherit(p, parent);
		p->ports = parent->ports;
		p->fresh_ns = parent->fresh_ns;
		memcpy(p->language, parent->language, sizeof(p->language));
	}
	select_process(d, p,
		       look_at(d, pid, &look)  ? look.exe
		       : parent && parent->exe ? parent->exe
					       : "");
}

static void on_listen(struct obi_discover *d, uint32_t pid, uint32_t port)
{
	struct process *p;
	struct look look;

	if (!(obi_select_needs_ports(d->options) || obi_select_needs_language(d->options)) ||
	    !look_at(d, pid, &look))
		return;
	p = find_or_add(d, pid);
	if (!p)
		return;
	obi_ports_add(&p->ports, (uint16_t)port);
	/* Who serves has loaded what it runs on: what is said of its language now stands. */
	if (!p->language[0] || is_provisional(p)) {
		p->final = true;
		p->ask_again = p->asked;
		p->language[0] = '\0';
	}
	judge_again(d, p, &look);
}

void obi_discover_event(struct obi_discover *d, const struct obi_process_event *event)
{
	switch (event->type) {
	case OBI_PROCESS_EXEC:
		on_exec(d, event->pid);
		break;
	case OBI_PROCESS_FORK:
		on_fork(d, event->pid, event->parent);
		break;
	case OBI_PROCESS_EXIT:
		remove_process(d, event->pid);
		break;
	case OBI_PROCESS_LISTEN:
		on_listen(d, event->pid, event->port);
		break;
	default:
		break;
	}
}

/* ---- The pass at start ---- */

struct scan {
	struct obi_discover *discover;
	struct obi_listeners *listeners;
	bool found;
};

/* When it became what it is cannot be told; when it began, can. */
static bool is_young(uint32_t pid)
{
	struct obi_procfs_stat stat;
	struct timespec now;

	if (obi_procfs_stat(pid, &stat) || clock_gettime(CLOCK_BOOTTIME, &now))
		return true;
	return (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec <
	       stat.start_ns + FRESH_NS;
}

static int scan_process(void *context, uint32_t pid)
{
	struct scan *scan = context;
	struct obi_discover *d = scan->discover;
	struct obi_ports ports = { 0 };
	struct process *p;
	bool known = false;
	struct look look;

	if (*slot(d, pid) || !look_at(d, pid, &look))
		return 0;
	if (scan->listeners && obi_select_ports_decide(d->options, &look.facts))
		known = !obi_listeners_ports(scan->listeners, pid, &ports);
	(void)judge(d, &look, known ? &ports : NULL, false);
	p = *slot(d, pid);
	if (p && p->asked)
		p->final = !is_young(pid);
	return 0;
}

/* Children of what was selected; their children are found by another pass. */
static int scan_child(void *context, uint32_t pid)
{
	struct scan *scan = context;
	struct obi_discover *d = scan->discover;
	struct obi_procfs_stat stat;
	const struct process *parent;
	struct process *p;
	struct look look;

	p = *slot(d, pid);
	if ((p && p->selected) || obi_procfs_stat(pid, &stat))
		return 0;
	parent = *slot(d, stat.parent);
	if (!parent || !parent->selected || !look_at(d, pid, &look) ||
	    obi_select_excluded(d->options, &look.facts))
		return 0;
	p = find_or_add(d, pid);
	if (!p)
		return 0;
	inherit(p, parent);
	select_process(d, p, look.exe);
	scan->found = true;
	return 0;
}

static void scan_children(struct obi_discover *d)
{
	struct scan scan = { .discover = d };

	do {
		scan.found = false;
		if (d->selected)
			(void)obi_procfs_each(scan_child, &scan);
	} while (scan.found);
}

void obi_discover_scan(struct obi_discover *d)
{
	struct scan scan = { .discover = d };

	if (obi_select_needs_ports(d->options))
		scan.listeners = obi_listeners_new();
	(void)obi_procfs_each(scan_process, &scan);
	scan_children(d);
	obi_listeners_free(scan.listeners);
}

/* ---- Languages ---- */

/* An answer that may still change is asked for again, until it stands. */
static void put_off(struct obi_discover *d, struct process *p)
{
	if (!is_provisional(p))
		return;
	if (look_again_put(&d->looks, p->looks, p->pid, p->program, clock_monotonic_ns()))
		p->looks++;
	else
		p->final = true;
}

/* What nobody asked for is no answer: it would make this process hold whatever a worker names. */
void obi_discover_language(struct obi_discover *d, uint32_t pid, const char *language)
{
	struct process *p = *slot(d, pid);
	struct look look;

	if (!p || !p->asked)
		return;
	p->asked = false;
	if (!look_at(d, pid, &look)) {
		if (!p->selected)
			remove_process(d, pid);
		return;
	}
	if (p->ask_again) {
		p->ask_again = false;
		ask(d, &look, true);
		return;
	}
	(void)snprintf(p->language, sizeof(p->language), "%s", language);
	put_off(d, p);
	judge_again(d, p, &look);
}

void obi_discover_tick(struct obi_discover *d, uint64_t now_ns)
{
	struct look_due due;
	struct look look;

	while (look_again_take(&d->looks, now_ns, &due)) {
		struct process *p = *slot(d, due.pid);

		if (!p || p->program != due.program || !is_provisional(p))
			continue;
		if (look_at(d, due.pid, &look))
			ask(d, &look, true);
		else if (!p->selected)
			remove_process(d, due.pid);
	}
}

uint64_t obi_discover_next(const struct obi_discover *d)
{
	return look_again_next(&d->looks);
}

void obi_discover_repeat(struct obi_discover *d)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		for (const struct process *p = d->buckets[i]; p; p = p->next) {
			struct look look;

			if (p->selected)
				announce(d, p);
			if (p->asked && look_at(d, p->pid, &look))
				d->actions.inspect(d->actions.context, p->pid, look.exe);
		}
	}
}

uint32_t obi_discover_count(const struct obi_discover *d)
{
	return d->selected;
}

void obi_discover_free(struct obi_discover *d)
{
	if (!d)
		return;
	look_again_free(&d->looks);
	for (size_t i = 0; i < BUCKETS; i++) {
		struct process *next;

		for (struct process *p = d->buckets[i]; p; p = next) {
			next = p->next;
			release(p);
		}
	}
	free(d);
}
