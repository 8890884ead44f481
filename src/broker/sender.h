/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sender as a process: started where OTLP is configured, watched, started again when it dies,
 * and joined to the worker by a new pair whenever either of them is new.
 */
#ifndef OBI_BROKER_SENDER_H
#define OBI_BROKER_SENDER_H

#include <stdbool.h>

#include "broker/child.h"
#include "settings/settings.h"

struct obi_sender_child {
	struct obi_child_role role;
	pid_t pid; /* 0: none runs */
	int sock;
	uint32_t restarts;
	uint64_t start_at; /* monotonic time to start it again, 0 = not waiting */
	uint64_t started;
};

/* Starts it, if the settings want it. What fails is logged: the agent goes on without. */
void obi_sender_start(struct obi_sender_child *sender, const struct obi_settings *settings,
		      const struct obi_child_role *role);

/* Gives a new pair to both, if both run: after the worker was told to start. */
void obi_sender_join(const struct obi_sender_child *sender, struct obi_child *worker);

/* A child ended; false where it was not the sender. */
bool obi_sender_reap(struct obi_sender_child *sender, pid_t pid, int status);

/* Starts it again when its time has come. Returns the time at which to call again, 0 = never. */
uint64_t obi_sender_tick(struct obi_sender_child *sender, struct obi_child *worker,
			 uint64_t now_ns);

/* The worker is gone: so is the sender, within the time (ns). */
void obi_sender_stop(struct obi_sender_child *sender, uint64_t timeout_ns);

#endif
