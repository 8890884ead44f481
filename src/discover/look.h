/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking at processes in /proc: what is asked and what is answered. A look can be held for ever by
 * the process that is looked at (its execve(2) waits for a file system of its own making), so it is
 * done by a process that can be done without: see looker.h.
 *
 * A request has one answer; LOOK_WALK and LOOK_SCAN have as many as it takes, the last one without
 * LOOK_MORE.
 */
#ifndef OBI_DISCOVER_LOOK_H
#define OBI_DISCOVER_LOOK_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "discover/procfs.h"
#include "wire/wire.h"

enum look_kind {
	LOOK_AT = 1, /* what it is: executable, and what the flags ask for */
	LOOK_PORTS,  /* on which it listens, as far as its descriptors from `from` on tell */
	LOOK_OPEN,   /* descriptors of its files */
	LOOK_WALK,   /* all processes that there are, and their parents */
	LOOK_MAPPED, /* descriptor of a file that it maps */
	LOOK_SCAN,   /* some of all processes, from the place `from` on: each as by LOOK_AT */
};

/* struct look_request.flags */
#define LOOK_WANT_ARGS 0x1
#define LOOK_WANT_STAT 0x2    /* owner, parent, time of its start */
#define LOOK_WANT_OWNER 0x4   /* the first of these alone */
#define LOOK_WANT_SOCKETS 0x8 /* does it hold any? */
#define LOOK_WANT_PORTS 0x10  /* SCAN: as LOOK_PORTS from the first descriptor on */
#define LOOK_MANY 0x20        /* one of many: sockets of its namespace may be those of just now */
#define LOOK_CANDIDATE 0x40   /* not its environment */
#define LOOK_ANEW 0x80        /* it is another program than it was when it held a look */
#define LOOK_WANT_RINGS 0x100 /* does it hold any of io_uring? */

struct look_request {
	uint32_t kind; /* enum look_kind */
	uint32_t flags;
	uint32_t pid;  /* 0 for a walk, a scan */
	uint32_t from; /* PORTS: the first descriptor; SCAN: the place to go on from */
	uint32_t patience_ms;
	struct obi_wire_mapping mapping; /* MAPPED */
};

/* struct look_answer.flags */
#define LOOK_MORE 0x1    /* WALK, SCAN: another answer follows */
#define LOOK_SOCKETS 0x2 /* it holds some, or so many descriptors that it may */
#define LOOK_UNSEEN 0x4  /* PORTS, SCAN: there are more descriptors, from `from` on */
#define LOOK_RINGS 0x8   /* it holds one */

/* Error of a file of a file system that may never answer a read. */
#define LOOK_UNSAFE (-EREMOTEIO)

#define LOOK_FILES 3       /* environ, maps, exe */
#define LOOK_TEXT_MAX 8192 /* executable and arguments, each with its end */
#define LOOK_WALK_MAX 1000

struct look_kin {
	uint32_t pid;
	uint32_t parent; /* 0: gone */
};

struct look_answer {
	int32_t error; /* negative errno: -ESRCH gone, -ETIMEDOUT it held the look */
	uint32_t flags;
	uint32_t pid;
	uint32_t uid;
	uint32_t parent;
	uint32_t from;               /* SCAN: at its end, 0 = it was the last */
	uint32_t fds;                /* OPEN: OBI_WIRE_HAS_*, in that order */
	int32_t refused[LOOK_FILES]; /* OPEN: why each of these was not opened, 0 = it was */
	uint32_t count;              /* WALK */
	uint64_t start_ns;
	uint64_t took_ns;
	struct obi_ports ports;
	uint16_t args_at; /* in text; the executable is at 0 */
	uint16_t text_len;
	union {
		char text[LOOK_TEXT_MAX];
		struct look_kin kin[LOOK_WALK_MAX];
	};
};

#define LOOK_HEAD offsetof(struct look_answer, text)

/* Answers are sent several in one message, each begun at a multiple of 8. */
#define LOOK_MESSAGE_MAX 32768

/* Bytes of an answer that are sent. */
static inline size_t look_answer_size(const struct look_answer *answer)
{
	return LOOK_HEAD + answer->text_len + answer->count * sizeof(answer->kin[0]);
}

#define LOOK_HELD_MAX 64
#define LOOK_ASKED_MAX 64 /* requests at a time */

/* Memory of both sides. */
struct look_page {
	uint32_t at;                  /* the process that is being looked at, 0 = none */
	uint32_t held[LOOK_HELD_MAX]; /* not to be looked at in a walk; 0 = free */
};

/* ---- What the looker does ---- */

struct look_eyes {
	volatile struct look_page *page;
	struct obi_listeners *listeners; /* as of listeners_ns, or NULL */
	uint64_t listeners_ns;
};

/* Answers one request. put takes each answer, size bytes of it, with the descriptors of LOOK_OPEN,
 * which are closed after it. */
void look_answer_request(struct look_eyes *eyes, const struct look_request *request,
			 void (*put)(void *context, const struct look_answer *answer, size_t size,
				     const int *fds, int fd_count),
			 void *context);

void look_eyes_close(struct look_eyes *eyes);

#endif
