/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The broker's state, which its files share: what it tells the worker and is asked by it (tell.c),
 * its children's lives (children.c), what happens (events.c), its start (open.c), and its end
 * (broker.c).
 */
#ifndef OBI_BROKER_STATE_H
#define OBI_BROKER_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/app.h"
#include "broker/bpf_stats.h"
#include "broker/broker.h"
#include "broker/flow_batch.h"
#include "broker/iface_watch.h"
#include "broker/mappings.h"
#include "broker/net.h"
#include "broker/output.h"
#include "broker/probed.h"
#include "broker/sender.h"
#include "broker/tls.h"
#include "broker/worker.h"
#include "discover/discover.h"
#include "discover/looker.h"
#include "feature/pid_namespace.h"
#include "settings/role.h"

struct broker {
	const struct obi_settings *settings;
	int epoll, signals, timer, bpf_timer;
	struct obi_iface_watch *ifaces; /* NULL: not watched */
	uint32_t open_tracers;          /* bits by place in broker_tracers */
	struct obi_app *app;            /* NULL: not observed */
	struct obi_net *net;
	struct obi_tls *tls;           /* NULL: what is encrypted is not seen */
	struct obi_probed *probed;     /* goes with it */
	struct obi_mappings *mappings; /* NULL: not heard of */
	uint64_t mappings_at;          /* when they are read next, 0 = when something is mapped, */
	unsigned mappings_look;        /* and how often they were since something was */
	struct obi_bpf_stats *bpf_stats; /* NULL: nobody asks for them */
	struct obi_discover *discover;
	struct obi_output output;
	int config_fd;          /* for children: the text of the file */
	char **environments[2]; /* by role */
	struct obi_looker looker;
	uint32_t questions; /* for languages, that this worker has not answered */
	struct obi_worker_child worker;
	struct obi_sender_child sender;
	struct obi_flow_batch flows;
	char agent_ip[48];
	struct obi_pid_namespace pid_namespace;
	uint64_t tc_errors;
	uint64_t unannounced;
	bool untold; /* the worker had no room to be told of a process: again when it has */
	bool stopping;
	uint64_t stop_by; /* monotonic time */
	int exit_status;
};

/* ---- tell.c ---- */

int broker_send_worker(struct broker *b, uint32_t id, const void *body, size_t size, const int *fds,
		       int fd_count);
int broker_send_flows(void *context, const struct obi_wire_flows *flows, size_t size);
void broker_tell_untold(struct broker *b);
void broker_announce(void *context, const struct obi_target *target);
void broker_inspect(void *context, uint32_t pid, const char *exe, const struct obi_files *files);
void broker_told(void *context);
void broker_forget(void *context, uint32_t pid);
int broker_mark(void *context, uint32_t pid, uint32_t flags);
void broker_collect_counters(struct broker *b, struct obi_wire_counters *ret_counters);
void broker_read_worker(struct broker *b);

/* ---- children.c ---- */

/* 0 or a negative errno. */
int broker_watch_fd(struct broker *b, int fd, uint32_t events);
int broker_introduce_worker(void *context);
void broker_reap(struct broker *b);

/* ---- events.c ---- */

void broker_dispatch(struct broker *b, int fd);
void broker_begin_stop(struct broker *b);
bool broker_stop_is_wanted(struct broker *b);
void broker_take_look(void *context, const struct look_request *request,
		      const struct look_answer *answer, int *fds, int fd_count);
int broker_watch_looker(void *context, int fd);
void broker_wipe(void *context);
void broker_look_again(void *context, uint32_t pid);
int broker_ask_looker(void *context, const struct look_request *request);
void broker_read_bpf_stats(struct broker *b);
void broker_run_loop(struct broker *b);

/* ---- tracer_net.c ---- */

void broker_read_interfaces(struct broker *b);
void broker_end_flow_period(struct broker *b);

/* ---- tracer_tls.c ---- */

/* The worker names a mapping. */
void broker_take_mapping(struct broker *b, const struct obi_wire_mapping *mapping);
/* News of the kernel's. */
void broker_take_mapped(struct broker *b, const struct obi_process_mapped *mapped);
void broker_tick_tls(struct broker *b, uint64_t now_ns);
/* Monotonic time, 0 = never. */
uint64_t broker_next_tls(const struct broker *b);

/* ---- open.c ---- */

/* A descriptor that is readable after first_ns, then every period_ns, on the loop; or a negative
 * errno. */
int broker_open_timer(struct broker *b, uint64_t first_ns, uint64_t period_ns);

/* Everything; what there is by then stays where it fails. 0 or a negative errno. */
int broker_open_all(struct broker *b, const char *config_path, const struct obi_broker_caps *caps);

#endif
