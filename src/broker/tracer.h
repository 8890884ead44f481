/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the broker loads and attaches: a row each. A tracer that is optional costs what it would
 * have shown where it is refused, and nothing else. Which capabilities each needs stands in
 * caps/tracers.c.
 */
#ifndef OBI_BROKER_TRACER_H
#define OBI_BROKER_TRACER_H

#include <stdbool.h>

#include "settings/settings.h"
#include "wire/wire.h"

struct bpf_object;
struct broker;

struct obi_tracer_ops {
	const char *name; /* as in the log */
	bool optional;
	bool (*wanted)(const struct obi_settings *settings);
	/* Loads and attaches; says in the log why it cannot. 0 or a negative errno. What follows is
	 * called only after it has held. */
	int (*open)(struct broker *b);
	/* Once there is a worker, and before capabilities are given up; may be NULL. */
	void (*begin)(struct broker *b);
	/* Descriptor to poll for reading, and what is done then; NULL, or -1: none. */
	int (*events_fd)(const struct broker *b);
	void (*take_events)(struct broker *b);
	/* Adds what it counts. */
	void (*counters)(const struct broker *b, struct obi_wire_counters *counters);
	/* All that it loaded. */
	struct bpf_object *(*object)(const struct broker *b);
	/* Detaches: from here on nothing new comes. */
	void (*stop)(struct broker *b);
	void (*close)(struct broker *b);
};

/* In the order in which they are opened and stopped: the last one comes first to be closed. */
extern const struct obi_tracer_ops *const broker_tracers[];

#define BROKER_TRACERS 3

extern const struct obi_tracer_ops broker_tracer_net;
extern const struct obi_tracer_ops broker_tracer_app;
extern const struct obi_tracer_ops broker_tracer_tls;

/* Is it open? */
bool broker_has_tracer(const struct broker *b, const struct obi_tracer_ops *tracer);

/* The ones that are wanted. 0 or a negative errno. */
int broker_open_tracers(struct broker *b);

void broker_begin_tracers(struct broker *b);

/* true where the descriptor was one's. */
bool broker_tracer_events(struct broker *b, int fd);

void broker_stop_tracers(struct broker *b);
void broker_close_tracers(struct broker *b);

#endif
