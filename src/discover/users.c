// SPDX-License-Identifier: Apache-2.0
#include "discover/users.h"

#include <stdlib.h>

#define BUCKETS 4096

struct users {
	struct user items[USERS_MAX];
	uint32_t count;
	uint32_t jobs; /* of all */
	struct job *buckets[BUCKETS];
};

struct users *users_new(void)
{
	return calloc(1, sizeof(struct users));
}

static void free_job(struct job *job)
{
	free(job->text);
	free(job);
}

void users_free(struct users *users)
{
	if (!users)
		return;
	for (uint32_t i = 0; i < BUCKETS; i++) {
		while (users->buckets[i]) {
			struct job *job = users->buckets[i];

			users->buckets[i] = job->next;
			free_job(job);
		}
	}
	free(users);
}

/* ---- Users --------------------------------------------------------------------------------- */

static bool is_idle(const struct user *user)
{
	return !user->queued && !user->asked && !user->kept;
}

/* Who comes does not take the time that others have had before. */
static uint64_t least_time(const struct users *users)
{
	uint64_t least = UINT64_MAX;

	for (uint32_t i = 0; i < users->count; i++)
		if (users->items[i].queued && users->items[i].took_ns < least)
			least = users->items[i].took_ns;
	return least == UINT64_MAX ? 0 : least;
}

static struct user *place_for(struct users *users)
{
	if (users->count < USERS_MAX)
		return &users->items[users->count++];
	for (uint32_t i = 0; i < USERS_MAX; i++)
		if (is_idle(&users->items[i]) && !users->items[i].held)
			return &users->items[i];
	for (uint32_t i = 0; i < USERS_MAX; i++)
		if (is_idle(&users->items[i]))
			return &users->items[i];
	return NULL;
}

struct user *users_get(struct users *users, uint32_t uid)
{
	struct user *user;

	for (uint32_t i = 0; i < users->count; i++)
		if (users->items[i].uid == uid)
			return &users->items[i];
	user = place_for(users);
	if (!user)
		return &users->items[0];
	*user = (struct user){ .uid = uid, .took_ns = least_time(users) };
	return user;
}

struct user *users_greediest(struct users *users)
{
	struct user *most = NULL;

	for (uint32_t i = 0; i < users->count; i++)
		if (!most || users->items[i].kept > most->kept)
			most = &users->items[i];
	return most;
}

static struct user *longest_queue(struct users *users)
{
	struct user *most = &users->items[0];

	for (uint32_t i = 1; i < users->count; i++)
		if (users->items[i].queued > most->queued)
			most = &users->items[i];
	return most;
}

/* ---- Queues -------------------------------------------------------------------------------- */

static void append(struct job *job)
{
	struct user *user = job->user;

	job->before = user->last;
	job->after = NULL;
	if (user->last)
		user->last->after = job;
	else
		user->first = job;
	user->last = job;
	user->queued++;
	job->queued = true;
}

static void take_out(struct job *job)
{
	struct user *user = job->user;

	if (job->before)
		job->before->after = job->after;
	else
		user->first = job->after;
	if (job->after)
		job->after->before = job->before;
	else
		user->last = job->before;
	user->queued--;
	job->queued = false;
}

void jobs_queue(struct users *users, struct job *job)
{
	/* It was idle: it has no claim to the time that went by. */
	if (!job->user->queued && !job->user->asked) {
		uint64_t least = least_time(users);

		if (job->user->took_ns < least)
			job->user->took_ns = least;
	}
	append(job);
}

struct job *jobs_take(struct users *users)
{
	struct user *next = NULL;
	struct job *job;

	for (uint32_t i = 0; i < users->count; i++) {
		struct user *user = &users->items[i];

		if (user->queued && user->asked < JOBS_AT_ONCE &&
		    (!next || user->took_ns < next->took_ns))
			next = user;
	}
	if (!next)
		return NULL;
	job = next->first;
	take_out(job);
	next->asked++;
	job->asked = true;
	return job;
}

void jobs_answered(struct job *job, uint64_t took_ns)
{
	job->asked = false;
	job->user->asked--;
	job->user->took_ns += took_ns;
}

/* ---- Jobs ---------------------------------------------------------------------------------- */

static struct job **slot(struct users *users, uint32_t pid)
{
	struct job **at = &users->buckets[pid % BUCKETS];

	while (*at && (*at)->pid != pid)
		at = &(*at)->next;
	return at;
}

struct job *jobs_find(const struct users *users, uint32_t pid)
{
	struct job *job = users->buckets[pid % BUCKETS];

	while (job && job->pid != pid)
		job = job->next;
	return job;
}

struct job *jobs_put(struct users *users, uint32_t pid, uint32_t uid, struct job **ret_lost)
{
	struct job **at = slot(users, pid), *job = *at;
	struct user *user = users_get(users, uid);

	*ret_lost = NULL;
	if (job)
		return job;
	if (users->jobs >= JOBS_MAX) {
		struct user *most = longest_queue(users);

		if (most == user || !most->queued)
			return NULL;
		*ret_lost = most->last;
	}
	job = calloc(1, sizeof(*job));
	if (!job)
		return NULL;
	job->pid = pid;
	job->user = user;
	*at = job;
	users->jobs++;
	jobs_queue(users, job);
	return job;
}

void job_forget(struct job *job)
{
	free(job->text);
	job->text = NULL;
	job->args = NULL;
	job->step = JOB_LOOK;
	job->from = 0;
	job->ports = (struct obi_ports){ 0 };
}

void jobs_drop(struct users *users, struct job *job)
{
	if (job->queued)
		take_out(job);
	*slot(users, job->pid) = job->next;
	users->jobs--;
	free_job(job);
}
