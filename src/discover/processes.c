// SPDX-License-Identifier: Apache-2.0
/*
 * What a process is selected for is what an agent that comes now would see: after exec(2) the new
 * program, the sockets that it inherited and those that it opens decide. A language is asked of the
 * worker. Right after exec(2) no runtime is mapped yet, so that "generic" then is no answer: it is
 * asked again some times, and when the process listens.
 */
#include "discover/processes.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"

#define FRESH_NS (5 * NSEC_PER_SEC) /* since exec(2): what it maps may still be growing */
#define RETRY_NS (100 * NSEC_PER_MSEC)
#define SAID_NS (10 * NSEC_PER_SEC)

/* ---- The table ----------------------------------------------------------------------------- */

static struct process **slot(struct obi_discover *d, uint32_t pid)
{
	struct process **at = &d->buckets[pid % PROCESS_BUCKETS];

	while (*at && (*at)->pid != pid)
		at = &(*at)->next;
	return at;
}

struct process *process_find(const struct obi_discover *d, uint32_t pid)
{
	struct process *p = d->buckets[pid % PROCESS_BUCKETS];

	while (p && p->pid != pid)
		p = p->next;
	return p;
}

static void unkeep(struct obi_discover *d, struct process *p)
{
	struct user *user = p->user;

	if (!user)
		return;
	if (p->older)
		p->older->newer = p->newer;
	else
		user->oldest = p->newer;
	if (p->newer)
		p->newer->older = p->older;
	else
		user->newest = p->older;
	p->user = NULL;
	p->older = p->newer = NULL;
	user->kept--;
	d->kept--;
}

static void make_room(struct obi_discover *d)
{
	struct user *user = users_greediest(d->users);

	if (d->kept < KEPT_MAX || !user || !user->oldest)
		return;
	d->counters.evicted++;
	process_remove(d, user->oldest);
}

static void keep(struct obi_discover *d, struct process *p, uint32_t uid)
{
	struct user *user;

	if (p->user)
		return;
	make_room(d);
	user = users_get(d->users, uid);
	p->user = user;
	p->older = user->newest;
	if (user->newest)
		user->newest->newer = p;
	else
		user->oldest = p;
	user->newest = p;
	user->kept++;
	d->kept++;
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

static void set_unmarked(struct obi_discover *d, struct process *p, bool unmarked)
{
	d->unmarked += unmarked - p->unmarked;
	p->unmarked = unmarked;
}

static void end_selection(struct obi_discover *d, struct process *p)
{
	p->selected = false;
	d->selected--;
	(void)d->actions.mark(d->actions.context, p->pid, 0);
	d->actions.forget(d->actions.context, p->pid);
	if (!p->unmarked && d->unmarked) {
		d->room++;
		d->retry_at_ns = clock_monotonic_ns() + RETRY_NS;
	}
	set_unmarked(d, p, false);
}

void process_remove(struct obi_discover *d, struct process *p)
{
	*slot(d, p->pid) = p->next;
	unkeep(d, p);
	if (p->selected)
		end_selection(d, p);
	free(p->exe);
	free(p);
}

/* ---- Telling others ------------------------------------------------------------------------ */

bool process_to_tell(const struct process *p)
{
	return (p->selected && !p->told && !p->unmarked) || (p->asked && !p->inspected);
}

static void say_unmarked(struct obi_discover *d, const struct process *p)
{
	uint64_t now = clock_monotonic_ns();

	if (d->unmarked_said_ns && now - d->unmarked_said_ns < SAID_NS)
		return;
	d->unmarked_said_ns = now;
	log_warn(
		"a process is selected but not observed: too many are; tried again when others end",
		F("pid", log_int(p->pid)), F("selected", log_int(d->selected)),
		F("notObserved", log_int(d->unmarked)));
}

/* A /proc that hides processes does not hide them from kill(2), which in turn does not know those
 * that only a /proc of another namespace shows. */
static bool is_gone(uint32_t pid)
{
	uint32_t owner;

	return kill((pid_t)pid, 0) && errno == ESRCH && obi_procfs_owner(pid, &owner) == -ESRCH;
}

/* The kernel side tells of its end from here on. */
static void mark(struct obi_discover *d, struct process *p)
{
	uint32_t flags = OBI_PROCESS_SELECTED | (uint32_t)p->entries.sampler << OBI_PROCESS_SAMPLER;
	int error = d->actions.mark(d->actions.context, p->pid, flags);
	bool first = error && !p->unmarked;

	set_unmarked(d, p, error != 0);
	if (!first)
		return;
	d->counters.unmarked++;
	say_unmarked(d, p);
}

void process_announce(struct obi_discover *d, struct process *p, const struct obi_files *files)
{
	struct obi_target target = {
		.pid = p->pid,
		.exe = p->exe ? p->exe : "",
		.name = p->name ? p->name : "",
		.name_space = p->name_space ? p->name_space : "",
		.entries = p->entries,
		.fresh = p->fresh_ns && clock_monotonic_ns() - p->fresh_ns < FRESH_NS,
		.files = *files,
	};

	p->told = true;
	d->actions.announce(d->actions.context, &target);
	mark(d, p);
	if (p->unmarked) { /* the worker has no more room than the kernel side */
		p->told = false;
		d->actions.forget(d->actions.context, p->pid);
	}
	if (p->seek_kin)
		d->walk.kin = true;
	if (p->seek_young)
		walk_children(d, p->pid);
	p->seek_kin = p->seek_young = false;
	/* Of one that ended before it was marked the kernel side will never tell. */
	if (is_gone(p->pid))
		process_remove(d, p);
}

void processes_mark_again(struct obi_discover *d)
{
	d->retry_at_ns = 0;
	for (size_t i = 0; i < PROCESS_BUCKETS && d->room; i++) {
		for (struct process *p = d->buckets[i]; p && d->room; p = p->next) {
			if (!p->unmarked)
				continue;
			set_unmarked(d, p, false);
			discover_tell(d, p->pid, USER_AGENT);
			d->room--;
		}
	}
	d->room = 0;
}

void processes_sweep(struct obi_discover *d, size_t from, size_t count)
{
	for (size_t i = from; i < from + count; i++) {
		struct process *next;

		for (struct process *p = d->buckets[i % PROCESS_BUCKETS]; p; p = next) {
			next = p->next;
			if (is_gone(p->pid))
				process_remove(d, p);
		}
	}
}

/* ---- Selection ----------------------------------------------------------------------------- */

/* The worker hears of it before the kernel side reports its connections. */
static void select_process(struct obi_discover *d, struct process *p, const char *exe)
{
	char *copy = strdup(exe);

	free(p->exe);
	p->exe = copy;
	unkeep(d, p);
	if (!p->selected)
		d->selected++;
	p->selected = true;
	p->told = false;
}

static void unselect_process(struct obi_discover *d, struct process *p, uint32_t uid)
{
	if (!p->selected)
		return;
	end_selection(d, p);
	keep(d, p, uid);
}

bool process_is_provisional(const struct process *p)
{
	return !p->final && (!strcmp(p->language, "generic") || !strcmp(p->language, "cpp"));
}

/* fresh: it has become what it is just now, and may show more in a moment. */
static struct process *known_process(struct obi_discover *d, const struct look *look, bool fresh)
{
	struct process *p = find_or_add(d, look->facts.pid);

	if (!p)
		return NULL;
	if (!p->selected)
		keep(d, p, look->uid);
	if (fresh && !p->fresh_ns)
		p->fresh_ns = clock_monotonic_ns();
	if (look->start_ns)
		p->start_ns = look->start_ns;
	return p;
}

static void keep_exe(struct process *p, const char *exe)
{
	if (p->exe && !strcmp(p->exe, exe))
		return;
	free(p->exe);
	p->exe = strdup(exe);
}

/* Its language decides. */
static void ask(struct obi_discover *d, const struct look *look, bool fresh)
{
	struct process *p = known_process(d, look, fresh);

	if (!p || p->asked)
		return;
	p->final |= !fresh && !p->looks;
	p->asked = true;
	p->inspected = false;
	if (look->facts.ports)
		p->ports = *look->facts.ports;
	if (!p->selected)
		keep_exe(p, look->exe);
}

/* By what it is itself. Not while its language decides and is not known: then it is asked for. */
static bool is_met(struct obi_discover *d, struct look *look, const struct obi_ports *ports,
		   bool fresh, struct obi_entries *ret_entries)
{
	const struct process *p = process_find(d, look->facts.pid);

	look->facts.ports = ports;
	look->facts.language =
		p && p->language[0] && !process_is_provisional(p) ? p->language : NULL;
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
	p = known_process(d, look, fresh);
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

struct process *process_forked(struct obi_discover *d, uint32_t pid, const struct process *parent,
			       const char *exe)
{
	struct process *p = find_or_add(d, pid);

	if (!p)
		return NULL;
	p->inherited = true;
	if (parent) {
		inherit(p, parent);
		p->ports = parent->ports;
		p->fresh_ns = parent->fresh_ns;
		memcpy(p->language, parent->language, sizeof(p->language));
	}
	select_process(d, p, exe);
	return p;
}

/* Of a process that is not selected for what it has become: it may still be somebody's child. */
static void judge_child(struct obi_discover *d, struct process *p, const struct look *look)
{
	const struct process *parent = p->inherited ? NULL : process_find(d, look->parent);

	if (obi_select_excluded(d->options, &look->facts)) {
		unselect_process(d, p, look->uid);
	} else if (p->inherited || (parent && parent->selected)) {
		if (!p->inherited)
			inherit(p, parent);
		select_process(d, p, look->exe);
	} else {
		unselect_process(d, p, look->uid);
	}
}

/* More is known of what it is. */
static void judge_again(struct obi_discover *d, struct process *p, struct look *look)
{
	bool before = p->selected;

	if (judge(d, look, &p->ports, false)) {
		/* A server may have forked its workers before we heard of it. From here on the
		 * kernel side selects them, so none falls between. */
		if (!before)
			p->seek_kin = true;
	} else if (before && obi_select_excluded(d->options, &look->facts)) {
		unselect_process(d, p, look->uid);
	}
}

/* ---- For which reason ---------------------------------------------------------------------- */

void process_forget_program(struct process *p)
{
	p->program++;
	p->fresh_ns = clock_monotonic_ns();
	p->final = false;
	p->looks = 0;
	p->language[0] = '\0';
	p->ask_again = p->asked;
	p->ports = (struct obi_ports){ 0 };
}

static void judge_exec(struct obi_discover *d, struct look *look, const struct obi_ports *ports)
{
	struct process *p = process_find(d, look->facts.pid);
	bool before = p && p->selected;

	if (p && ports)
		p->ports = *ports;
	if (judge(d, look, ports, true)) {
		p = process_find(d, look->facts.pid);
		p->seek_young = !before;
		return;
	}
	p = process_find(d, look->facts.pid);
	if (p && p->selected)
		judge_child(d, p, look);
}

static void add_ports(struct obi_discover *d, struct process *p, const struct obi_ports *ports)
{
	for (unsigned i = 0; ports && i < ports->count; i++)
		obi_select_add_port(d->options, ports->items[i], &p->ports);
}

static void judge_listen(struct obi_discover *d, struct look *look, const struct obi_ports *ports)
{
	struct process *p = known_process(d, look, false);

	if (!p)
		return;
	add_ports(d, p, ports);
	/* Who serves has loaded what it runs on: what is said of its language now stands. */
	if (!p->language[0] || process_is_provisional(p)) {
		p->final = true;
		p->ask_again = p->asked;
		p->language[0] = '\0';
	}
	judge_again(d, p, look);
}

/* When it became what it is cannot be told; when it began, can. */
static bool is_young(const struct look *look)
{
	struct timespec now;

	if (!look->start_ns || clock_gettime(CLOCK_BOOTTIME, &now))
		return true;
	return (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec <
	       look->start_ns + FRESH_NS;
}

/* One that was there before us, or of which something was missed. */
static void judge_scanned(struct obi_discover *d, struct look *look, const struct obi_ports *ports)
{
	struct process *p = process_find(d, look->facts.pid);
	bool selected;

	if (p && p->exe && strcmp(p->exe, look->exe) != 0) { /* exec(2) was missed */
		process_forget_program(p);
		judge_exec(d, look, ports);
		return;
	}
	if (p) {
		add_ports(d, p, ports);
		judge_again(d, p, look);
		return;
	}
	selected = judge(d, look, ports, false);
	p = process_find(d, look->facts.pid);
	if (p && selected)
		p->seek_kin = true;
	if (p && p->asked)
		p->final = !is_young(look);
}

/* Its children are found by another pass. */
static void judge_kin(struct obi_discover *d, const struct look *look)
{
	const struct process *parent = process_find(d, look->parent);
	struct process *p = process_find(d, look->facts.pid);

	if ((p && p->selected) || !parent || !parent->selected ||
	    obi_select_excluded(d->options, &look->facts))
		return;
	p = known_process(d, look, false);
	if (!p)
		return;
	inherit(p, parent);
	select_process(d, p, look->exe);
	p->seek_kin = true;
}

/* An answer that may still change is asked for again, until it stands. */
static void put_off(struct obi_discover *d, struct process *p)
{
	if (!process_is_provisional(p))
		return;
	if (look_again_put(&d->looks, p->looks, p->pid, p->program, clock_monotonic_ns()))
		p->looks++;
	else
		p->final = true;
}

static void judge_language(struct obi_discover *d, struct look *look)
{
	struct process *p = process_find(d, look->facts.pid);

	if (p && p->ask_again) {
		p->ask_again = false;
		ask(d, look, true);
	} else if (p && p->language[0]) {
		put_off(d, p);
		judge_again(d, p, look);
	}
}

static void judge_asking(struct obi_discover *d, const struct look *look)
{
	const struct process *p = process_find(d, look->facts.pid);

	if (p && process_is_provisional(p))
		ask(d, look, true);
}

/* It keeps its place only for what will still be asked of it. */
static void tidy(struct obi_discover *d, uint32_t pid)
{
	struct process *p = process_find(d, pid);

	if (p && !p->selected && !p->asked && !p->language[0] && !p->ports.count && !p->fresh_ns)
		process_remove(d, p);
}

void process_judge(struct obi_discover *d, struct look *look, const struct obi_ports *ports,
		   unsigned reasons)
{
	struct process *p = process_find(d, look->facts.pid);

	/* Its number is another's now. */
	if (p && p->start_ns && look->start_ns && p->start_ns != look->start_ns) {
		process_remove(d, p);
		p = NULL;
	}
	if (p && look->start_ns)
		p->start_ns = look->start_ns;
	if (reasons & JOB_FORK)
		(void)process_forked(d, look->facts.pid, process_find(d, look->parent), look->exe);
	if (reasons & JOB_EXEC)
		judge_exec(d, look, ports->count ? ports : NULL);
	if (reasons & JOB_SCAN)
		judge_scanned(d, look, ports);
	if (reasons & JOB_CHILD)
		judge_kin(d, look);
	if (reasons & JOB_LISTEN)
		judge_listen(d, look, ports);
	if (reasons & JOB_LANGUAGE)
		judge_language(d, look);
	if (reasons & JOB_ASK)
		judge_asking(d, look);
	tidy(d, look->facts.pid);
}
