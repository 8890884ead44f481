/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of discovery: what is still to be looked at, by users, so that one that keeps the looker
 * busy takes its own turns only. A job is about one process and stands for everything that made it
 * worth a look; whose turn it is, is who took least time so far.
 */
#ifndef OBI_DISCOVER_USERS_H
#define OBI_DISCOVER_USERS_H

#include <stdbool.h>
#include <stdint.h>

#include "discover/look.h"

#define USERS_MAX 256         /* further ones share the place of the first */
#define JOBS_MAX 16384        /* of all; the user with most of them gives way */
#define JOBS_AT_ONCE 8        /* of one user, with the looker */
#define USER_AGENT UINT32_MAX /* what is looked at on our own account */

/* Why it is looked at; any of these may come together. */
enum job_reason {
	JOB_EXEC = 0x1,
	JOB_LISTEN = 0x2,
	JOB_FORK = 0x4,
	JOB_SCAN = 0x8,
	JOB_CHILD = 0x10,    /* its parent is selected */
	JOB_LANGUAGE = 0x20, /* is known */
	JOB_ASK = 0x80,      /* its language, once more */
	JOB_TELL = 0x40,     /* the worker is to be told (again) */
};

enum job_step {
	JOB_LOOK,
	JOB_PORTS,
	JOB_TELLING,
};

struct user {
	uint32_t uid;
	uint32_t queued, asked; /* jobs: waiting, with the looker */
	uint32_t kept;          /* of its processes that are not selected */
	uint32_t held;          /* looks that its processes have held, of late */
	uint32_t answered;
	uint64_t took_ns;
	struct job *first, *last;        /* waiting */
	struct process *oldest, *newest; /* kept */
};

struct job {
	struct job *next;           /* in its bucket */
	struct job *before, *after; /* in its user's queue */
	struct user *user;
	uint32_t pid;
	unsigned reasons; /* enum job_reason */
	enum job_step step;
	bool queued;
	bool asked;           /* the looker is at it */
	bool anew;            /* ... but its answer is about something older */
	bool ended;           /* ... and about nothing that is there any more */
	bool sockets;         /* it may hold some */
	uint32_t from;        /* descriptor to look at next */
	uint32_t uid, parent; /* found */
	uint64_t start_ns;
	char *text; /* its executable, and its arguments */
	const char *args;
	struct obi_ports ports;
};

struct users;

/* NULL when out of memory. */
struct users *users_new(void);
void users_free(struct users *users);

struct user *users_get(struct users *users, uint32_t uid);

struct job *jobs_find(const struct users *users, uint32_t pid);

/* That of a process, at the end of its user's queue if it is new. NULL: no room for this user
 * (or out of memory). *ret_lost: a job of another user had to give way. */
struct job *jobs_put(struct users *users, uint32_t pid, uint32_t uid, struct job **ret_lost);

/* At the end of its user's queue (again). */
void jobs_queue(struct users *users, struct job *job);

/* The next one whose turn it is, which counts as asked from now on. NULL: there is none. */
struct job *jobs_take(struct users *users);

/* The looker has answered, after so long. */
void jobs_answered(struct job *job, uint64_t took_ns);

/* What an older program was is not true any more. */
void job_forget(struct job *job);

/* Not one that the looker is at. */
void jobs_drop(struct users *users, struct job *job);

/* The user that keeps most. */
struct user *users_greediest(struct users *users);

#endif
