/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of discovery: the table of processes, and how they are judged. The selected ones are in
 * it, and of the others those that listen or whose language decides: each user has a share of
 * these, and who has most gives way. Everything else costs nothing after it was looked at once.
 */
#ifndef OBI_DISCOVER_PROCESSES_H
#define OBI_DISCOVER_PROCESSES_H

#include <limits.h>

#include "discover/discover.h"
#include "discover/look_again.h"
#include "discover/select.h"
#include "discover/users.h"

#define PROCESS_BUCKETS 1024
#define KEPT_MAX 8192 /* that are not selected */

struct process {
	struct process *next;
	struct process *older, *newer; /* of its user, if it is not selected */
	struct user *user;             /* NULL where it is selected */
	uint32_t pid;
	bool selected;
	bool inherited;    /* selected as somebody's child, by the entries of that */
	bool told;         /* the worker knows */
	bool unmarked;     /* the kernel side had no room */
	bool seek_kin;     /* it may have forked before it was selected */
	bool seek_young;   /* the same since its exec(2), which is just now */
	bool asked;        /* its language, and there is no answer yet */
	bool inspected;    /* the worker was asked for it */
	bool ask_again;    /* the answer will be about something older */
	bool final;        /* what was or will be answered stands */
	uint8_t looks;     /* at its language, that were put off */
	uint32_t program;  /* which of those that it has been */
	uint64_t fresh_ns; /* exec(2), 0 = long ago */
	uint64_t start_ns; /* 0 = not known */
	struct obi_ports ports;
	char language[16]; /* "" = unknown */
	char *exe;
	const char *name;
	const char *name_space;
	struct obi_entries entries;
};

/* All processes are looked through, or all children of what is selected. */
struct walk_state {
	uint32_t *pids; /* to be looked at */
	size_t next, count, room;
	uint32_t left;   /* jobs of it that are not done */
	unsigned reason; /* of those */
	bool all, kin;   /* wanted */
	bool walking;    /* the looker is at it */
	bool again;      /* it is not through */
	uint32_t scans;  /* that are done */
	uint32_t place;  /* of a scan, to go on from */
	uint64_t begun_ns;
	uint64_t all_at_ns, kin_at_ns; /* not before */
};

struct obi_discover {
	const struct obi_discovery_options *options;
	struct obi_discover_actions actions;
	struct process *buckets[PROCESS_BUCKETS];
	struct users *users;
	struct look_again looks;
	struct walk_state walk;
	struct obi_discover_counters counters;
	uint32_t selected;
	uint32_t unmarked; /* of these */
	uint32_t room;     /* that others have left to them */
	uint32_t kept;
	uint32_t asked;   /* looks that are not answered */
	uint32_t telling; /* jobs with JOB_TELL */
	size_t repeat_at; /* bucket of which the worker is told next */
	bool tell_when_done;
	uint64_t tell_at_ns;  /* at the latest */
	uint64_t now_ns;      /* as of the last tick */
	uint64_t retry_at_ns; /* of what is not marked */
	uint64_t sweep_at_ns;
	size_t sweep_at;
	uint64_t lost; /* events, as of the last time */
	uint64_t lost_unsaid;
	uint64_t lost_said_ns;
	uint64_t unmarked_said_ns;
	char own_exe[PATH_MAX];
};

/* What is known of a process when it is judged. */
struct look {
	const char *exe;
	uint32_t uid;
	uint32_t parent;
	uint64_t start_ns; /* 0 = not known */
	struct obi_process_facts facts;
};

struct process *process_find(const struct obi_discover *d, uint32_t pid);
void process_remove(struct obi_discover *d, struct process *p);

/* It is another program now: nothing of what it was counts any more. */
void process_forget_program(struct process *p);

/* A child of parent, which the kernel side has selected. NULL when out of memory. parent may be
 * NULL. */
struct process *process_forked(struct obi_discover *d, uint32_t pid, const struct process *parent,
			       const char *exe);

/* Is there anything to tell the worker of it? */
bool process_to_tell(const struct process *p);

/* The worker is told that it is selected, then the kernel side. */
void process_announce(struct obi_discover *d, struct process *p, const struct obi_files *files);

/* As many of those that there was no room for are tried again as others have ended. */
void processes_mark_again(struct obi_discover *d);

/* Those that ended unseen are removed; count buckets from one on. */
void processes_sweep(struct obi_discover *d, size_t from, size_t count);

/* Judges for these reasons (enum job_reason). */
void process_judge(struct obi_discover *d, struct look *look, const struct obi_ports *ports,
		   unsigned reasons);

/* "generic" and the C++ library are what every program shows before its runtime is mapped. */
bool process_is_provisional(const struct process *p);

/* ---- The pass over all processes (walk.c) ---- */

void walk_answered(struct obi_discover *d, const struct look_answer *answer);
void scan_answered(struct obi_discover *d, const struct look_answer *answer);
/* Asks for what is to be looked at next. */
void walk_go_on(struct obi_discover *d, uint64_t now_ns);
bool walk_is_done(const struct obi_discover *d);
uint64_t walk_next(const struct obi_discover *d);
/* Of one that is marked since a moment: who begins by forking may be quicker than we are. */
void walk_children(struct obi_discover *d, uint32_t pid);
void walk_want_all(struct obi_discover *d, uint64_t at_ns);

/* ---- Jobs on their way (asking.c) ---- */

struct job *discover_want(struct obi_discover *d, uint32_t pid, uint32_t uid, unsigned reason);

/* The worker is to be told of it: what it needs of it is opened. */
void discover_tell(struct obi_discover *d, uint32_t pid, uint32_t uid);

/* It has ended: nothing more is wanted of it. */
void discover_end(struct obi_discover *d, uint32_t pid);

/* As much is asked as the looker takes. */
void discover_go_on(struct obi_discover *d);

#endif
