// SPDX-License-Identifier: Apache-2.0
/*
 * A table of the processes that matter: those that are selected, and those that listen (a later
 * exec keeps their ports). Everything else costs nothing after it was looked at once.
 */
#include "broker/discover.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "service/procfs.h"
#include "service/select.h"

#define BUCKETS 1024
#define ARGS_MAX 4096

struct process {
	struct process *next;
	uint32_t pid;
	bool selected;
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
	(void)d->actions.mark(d->actions.context, p->pid, OBI_PROCESS_SELECTED | OBI_PROCESS_KNOWN);
	/* Ended before it was marked: the kernel side has no exit of it to tell any more. */
	if (kill((pid_t)p->pid, 0) && errno == ESRCH)
		(void)d->actions.mark(d->actions.context, p->pid, 0);
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

static bool judge(struct obi_discover *d, struct look *look, const struct obi_ports *ports)
{
	struct obi_entries entries;
	struct process *p = *slot(d, look->facts.pid);

	look->facts.ports = ports;
	look->facts.language = p && p->language[0] ? p->language : NULL;
	if (!obi_select(d->options, &look->facts, &entries)) {
		if (!look->facts.language && obi_select_needs_language(d->options))
			d->actions.inspect(d->actions.context, look->facts.pid, look->exe);
		return false;
	}
	p = find_or_add(d, look->facts.pid);
	if (!p)
		return false;
	if (ports)
		p->ports = *ports;
	obi_select_names(d->options, &look->facts, &p->name, &p->name_space);
	p->entries = entries;
	select_process(d, p, look->exe);
	return true;
}

static void scan_children(struct obi_discover *d);

/* ---- Events ---- */

static void on_exec(struct obi_discover *d, uint32_t pid)
{
	struct process *p = *slot(d, pid);
	struct obi_ports inherited = { 0 };
	const struct obi_ports *ports = p ? &p->ports : NULL;
	struct look look;

	if (!look_at(d, pid, &look))
		return;
	if (p)
		p->language[0] = '\0';
	/* A listening socket may come from whoever started it (socket activation). */
	if (!ports && obi_select_ports_decide(d->options, &look.facts) &&
	    !obi_procfs_ports(pid, &inherited) && inherited.count)
		ports = &inherited;
	if (judge(d, &look, ports) || !p || !p->selected)
		return;
	/* Selected before, by what it was or by its parent. */
	if (obi_select_excluded(d->options, &look.facts))
		unselect_process(d, p);
	else
		select_process(d, p, look.exe);
}

/* The kernel side has selected the child already. */
static void on_fork(struct obi_discover *d, uint32_t pid, uint32_t parent_pid)
{
	const struct process *parent = *slot(d, parent_pid);
	struct process *p = find_or_add(d, pid);
	struct look look;

	if (!p)
		return;
	if (parent) {
		p->name = parent->name;
		p->name_space = parent->name_space;
		p->entries = parent->entries;
		p->ports = parent->ports;
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

	if (!obi_select_needs_ports(d->options) || !look_at(d, pid, &look))
		return;
	p = find_or_add(d, pid);
	if (!p)
		return;
	if (p->ports.count < OBI_PORTS_MAX)
		p->ports.items[p->ports.count++] = (uint16_t)port;
	if (p->selected)
		return;
	/* A server may have forked its workers before we heard of it. From here on the kernel side
	 * selects them, so none falls between. */
	if (judge(d, &look, &p->ports))
		scan_children(d);
	else
		(void)d->actions.mark(d->actions.context, pid, OBI_PROCESS_KNOWN);
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

static int scan_process(void *context, uint32_t pid)
{
	struct scan *scan = context;
	struct obi_discover *d = scan->discover;
	struct obi_ports ports = { 0 };
	bool known = false;
	struct look look;

	if (*slot(d, pid) || !look_at(d, pid, &look))
		return 0;
	if (scan->listeners && obi_select_ports_decide(d->options, &look.facts))
		known = !obi_listeners_ports(scan->listeners, pid, &ports);
	(void)judge(d, &look, known ? &ports : NULL);
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
	p->name = parent->name;
	p->name_space = parent->name_space;
	p->entries = parent->entries;
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

void obi_discover_language(struct obi_discover *d, uint32_t pid, const char *language)
{
	struct process *p = find_or_add(d, pid);
	struct look look;

	if (!p || p->selected || !look_at(d, pid, &look))
		return;
	(void)snprintf(p->language, sizeof(p->language), "%s", language);
	if (!judge(d, &look, &p->ports))
		(void)d->actions.mark(d->actions.context, pid, OBI_PROCESS_KNOWN);
}

void obi_discover_repeat(struct obi_discover *d)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (const struct process *p = d->buckets[i]; p; p = p->next)
			if (p->selected)
				announce(d, p);
}

uint32_t obi_discover_count(const struct obi_discover *d)
{
	return d->selected;
}

void obi_discover_free(struct obi_discover *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		struct process *next;

		for (struct process *p = d->buckets[i]; p; p = next) {
			next = p->next;
			release(p);
		}
	}
	free(d);
}
