// SPDX-License-Identifier: Apache-2.0
#include "worker/fresh.h"

#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

/* A launcher maps its runtime within 20 ms, under load within a second; who lives shorter than that
 * makes no request. */
static const uint64_t delays[] = {
	20 * NSEC_PER_MSEC,  60 * NSEC_PER_MSEC, 150 * NSEC_PER_MSEC,
	400 * NSEC_PER_MSEC, 1 * NSEC_PER_SEC,   5 * NSEC_PER_SEC,
};

static void remove_at(struct obi_fresh *fresh, size_t at)
{
	(void)close(fresh->items[at].maps_fd);
	fresh->count--;
	memmove(fresh->items + at, fresh->items + at + 1,
		(fresh->count - at) * sizeof(fresh->items[0]));
}

void obi_fresh_put(struct obi_fresh *fresh, uint32_t pid, int maps_fd, uint64_t now_ns)
{
	obi_fresh_forget(fresh, pid);
	if (fresh->count == OBI_FRESH_MAX)
		remove_at(fresh, 0);
	fresh->items[fresh->count++] = (struct obi_fresh_process){
		.since_ns = now_ns,
		.pid = pid,
		.maps_fd = maps_fd,
	};
}

void obi_fresh_forget(struct obi_fresh *fresh, uint32_t pid)
{
	for (size_t i = 0; i < fresh->count; i++) {
		if (fresh->items[i].pid == pid) {
			remove_at(fresh, i);
			return;
		}
	}
}

/* Of what else it is nothing can have changed. */
static enum obi_language look(struct obi_fresh_process *process)
{
	const struct obi_program program = { .exe_fd = -1, .maps_fd = process->maps_fd };

	return lseek(process->maps_fd, 0, SEEK_SET) ? OBI_LANGUAGE_GENERIC
						    : obi_language_inspect(&program);
}

enum obi_language obi_fresh_first(struct obi_fresh *fresh, uint32_t pid)
{
	for (size_t i = 0; i < fresh->count; i++) {
		struct obi_fresh_process *process = &fresh->items[i];
		enum obi_language language;

		if (process->pid != pid)
			continue;
		if (process->spoke)
			break;
		process->spoke = true;
		language = look(process);
		if (obi_language_settled(language))
			remove_at(fresh, i);
		return language;
	}
	return OBI_LANGUAGE_GENERIC;
}

void obi_fresh_tick(struct obi_fresh *fresh, uint64_t now_ns,
		    void (*take)(void *context, uint32_t pid, enum obi_language language),
		    void *context)
{
	size_t i = 0;

	while (i < fresh->count) {
		struct obi_fresh_process *process = &fresh->items[i];
		uint32_t pid = process->pid;
		enum obi_language language;

		if (now_ns < process->since_ns + delays[process->looks]) {
			i++;
			continue;
		}
		language = look(process);
		if (obi_language_settled(language) || ++process->looks == ARRAY_SIZE(delays))
			remove_at(fresh, i);
		if (language != OBI_LANGUAGE_GENERIC)
			take(context, pid, language);
	}
}

uint64_t obi_fresh_next(const struct obi_fresh *fresh)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < fresh->count; i++) {
		uint64_t at = fresh->items[i].since_ns + delays[fresh->items[i].looks];

		if (at < next)
			next = at;
	}
	return next;
}

void obi_fresh_close(struct obi_fresh *fresh)
{
	while (fresh->count)
		remove_at(fresh, fresh->count - 1);
}
