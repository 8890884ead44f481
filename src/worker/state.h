/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's state, and what its files call of each other. worker.c: start, loop, stop;
 * messages.c: what the broker says. */
#ifndef OBI_WORKER_STATE_H
#define OBI_WORKER_STATE_H

#include "conn/conn.h"
#include "export/exports.h"
#include "flow/pipeline.h"
#include "pipeline/pipeline.h"
#include "service/table.h"
#include "settings/settings.h"
#include "wire/ring.h"
#include "wire/wire.h"
#include "worker/fresh.h"
#include "worker/pace.h"

struct worker {
	const struct obi_settings *settings;
	int epoll, ring_fd;
	struct obi_wire_start start;
	struct obi_ring ring;
	const struct obi_board_slot *board;
	struct obi_order_slot *orders;
	struct obi_worker_page *page;
	struct obi_conns *conns;
	struct obi_pipeline *pipeline;
	struct obi_flow_pipeline *flows;
	struct obi_flow_filter flow_filter;
	struct obi_exports *exports;
	struct obi_services *services;
	struct obi_fresh fresh;
	struct obi_wire_counters counters;
	char host[128];
	uint64_t ticked, next_counters;
	uint64_t bad_records;
	uint32_t inspections;
	uint64_t avoided; /* services and signals */
	struct obi_pace pace;
	uint32_t *sleeps; /* tells the kernel side, see bpf/lib/ring.h; NULL: there is none */
	bool told;        /* until then records wait: their processes are not known */
	bool stopping;
	uint64_t stop_timeout_ns;
};

/* ---- worker.c ---- */

/* 0 or a negative errno. */
int worker_watch_fd(void *context, int fd);

/* ---- messages.c ---- */

/* Takes all that the broker has said. */
void worker_read_broker(struct worker *w);

/* A process speaks another language than it was taken to. */
void worker_take_language(void *context, uint32_t pid, enum obi_language language);

#endif
