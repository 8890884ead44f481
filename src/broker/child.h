/* SPDX-License-Identifier: Apache-2.0 */
/* The worker as a process: started, watched, ended. */
#ifndef OBI_BROKER_CHILD_H
#define OBI_BROKER_CHILD_H

#include <stdint.h>
#include <sys/types.h>

#include "broker/output.h"
#include "broker/queue.h"
#include "discover/discover.h"
#include "wire/wire.h"

struct obi_child {
	pid_t pid;   /* 0: none runs */
	int sock;    /* our end of the pair, non-blocking */
	int page_fd; /* statistics page, shared */
	const volatile struct obi_worker_page *page;
	struct obi_queue queue;
};

/* What a kind of child is started as. */
struct obi_child_role {
	const char *verb;
	const char *config_path; /* for its messages; NULL: none */
	int config_fd;           /* sealed memory with the file's text; -1: none */
	char **env;              /* what it needs of the environment and nothing else */
	struct obi_output *output;
	enum obi_output_from from;
};

/* First words of their argument lists. */
#define OBI_WORKER_VERB "worker"
#define OBI_SENDER_VERB "sender"

/* Starts this very program file again, as its role says, without new privileges, in a session of
 * its own, with nothing open but its end of a pair, whose other end is ret_sock, a pipe to the
 * output and the configuration. It ends with us. 0 or a negative errno. */
int obi_child_spawn(const struct obi_child_role *role, pid_t *ret_pid, int *ret_sock);

/* Starts the worker. 0 or a negative errno. */
int obi_child_start(const struct obi_child_role *role, struct obi_child *ret_child);

/* After it ended: releases what belongs to it. */
void obi_child_release(struct obi_child *child);

/* Why a process could not be started, with the limit where it is one. */
const char *obi_child_why(int error);

/* Sends one message, or has it wait; -EPIPE where no worker runs. See obi_queue_send(). */
int obi_child_send(struct obi_child *child, uint32_t id, const void *body, size_t size,
		   const int *fds, int fd_count);

/* Completes a message about a process, whose pid is filled in, with its executable's path and what
 * was opened of it, and sends it. 0 or a negative errno, see obi_child_send(). */
int obi_child_send_process(struct obi_child *child, struct obi_wire_process *message,
			   const char *exe, const struct obi_files *files);

#endif
