/* SPDX-License-Identifier: Apache-2.0 */
/* The worker as a process: started, watched, ended. */
#ifndef OBI_BROKER_CHILD_H
#define OBI_BROKER_CHILD_H

#include <stdint.h>
#include <sys/types.h>

#include "broker/discover.h"
#include "wire/wire.h"

struct obi_child {
	pid_t pid;   /* 0: none runs */
	int sock;    /* our end of the pair */
	int page_fd; /* statistics page, shared */
	const volatile struct obi_worker_page *page;
};

/* First words of their argument lists. */
#define OBI_WORKER_VERB "worker"
#define OBI_SENDER_VERB "sender"

/* Starts this very program file again with a verb, without new privileges and with nothing open but
 * its end of a pair, whose other end is ret_sock. config_path may be NULL. 0 or a negative errno.
 */
int obi_child_spawn(const char *verb, const char *config_path, pid_t *ret_pid, int *ret_sock);

/* Starts the worker. 0 or a negative errno. */
int obi_child_start(const char *config_path, struct obi_child *ret_child);

/* After it ended: releases what belongs to it. */
void obi_child_release(struct obi_child *child);

/* Sends one message; -EPIPE where no worker runs. See obi_wire_send(). */
int obi_child_send(const struct obi_child *child, uint32_t id, const void *body, size_t size,
		   const int *fds, int fd_count);

/* Completes a message about a process, whose pid is filled in, with its executable's path and what
 * was opened of it, and sends it. 0 or a negative errno, see obi_child_send(). */
int obi_child_send_process(const struct obi_child *child, struct obi_wire_process *message,
			   const char *exe, const struct obi_files *files);

#endif
