/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The looker: a child that looks at processes in /proc, and can be done without. It alone holds the
 * capabilities that this takes; it has nothing else, not even the settings.
 *
 * A process can hold whoever looks at it. A look that is not answered in its time ends the looker:
 * another one answers what was asked besides, and who held it is left alone until it executes
 * another program, or for some minutes. Because a process without those capabilities cannot give
 * them to a child, there are two: the keeper, which does nothing but to start a looker on the end
 * of a pair that it is sent, and the looker. Both end with the broker.
 */
#ifndef OBI_DISCOVER_LOOKER_H
#define OBI_DISCOVER_LOOKER_H

#include <sys/types.h>

#include "discover/look.h"

struct looker_asked {
	struct look_request request;
	uint32_t number;
};

struct looker_held {
	uint32_t pid;
	uint64_t until_ns;
};

struct obi_looker {
	pid_t keeper; /* 0: there is none */
	int keeper_sock;
	int sock; /* ours to the looker of now */
	struct look_page *page;
	struct looker_asked asked[LOOK_ASKED_MAX]; /* a ring, the oldest first */
	uint32_t first, count;
	uint32_t number;
	uint64_t since_ns; /* when the oldest was begun */
	bool late;         /* it was, and had another chance */
	struct looker_held held[LOOK_HELD_MAX];
	/* Where to wait for answers, whenever that changes. */
	int (*watch)(void *context, int fd);
	/* An answer, with count descriptors that are taken over. */
	void (*take)(void *context, const struct look_request *request,
		     const struct look_answer *answer, int *fds, int fd_count);
	/* A process that held a look may be looked at again. */
	void (*release)(void *context, uint32_t pid);
	/* In the keeper: overwrites what neither it nor a looker should have in its memory. */
	void (*wipe)(void *context);
	void *context;
};

/* Starts the keeper with these capabilities: before there is anything in memory, or open, that it
 * should not have. 0 or a negative errno. */
int obi_looker_open(struct obi_looker *looker, uint64_t caps);

/* Starts the first looker. */
int obi_looker_start(struct obi_looker *looker);

/* -EAGAIN: it has enough to do; -EBUSY: that process is left alone. */
int obi_looker_ask(struct obi_looker *looker, const struct look_request *request);

/* All answers that are there. */
void obi_looker_read(struct obi_looker *looker);

/* Ends a looker that is held. */
void obi_looker_tick(struct obi_looker *looker, uint64_t now_ns);

/* Monotonic time of the next tick that has something to do, 0 = none. */
uint64_t obi_looker_next(const struct obi_looker *looker);

void obi_looker_close(struct obi_looker *looker);

#endif
