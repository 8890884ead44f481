/* SPDX-License-Identifier: Apache-2.0 */
/* What the worker and the broker counted, to the program's own metrics. */
#ifndef OBI_WORKER_INTERNAL_H
#define OBI_WORKER_INTERNAL_H

#include "conn/conn.h"
#include "export/exports.h"
#include "pipeline/pipeline.h"
#include "span/span.h"
#include "wire/ring.h"
#include "wire/wire.h"

/* Of the broker: what is lost, what could not be attached, memory. */
void obi_worker_publish_counters(const struct obi_wire_counters *counters, uint32_t restarts);

void obi_worker_publish_spans(struct obi_conns *conns, const struct obi_ring *ring);
void obi_worker_publish_flows(const struct obi_wire_counters *counters);

/* Nothing where nothing was dropped. */
void obi_worker_publish_dropped(const char *reason, uint64_t value);

/* Warns of a service with too many routes, at most once a minute. */
void obi_worker_say_limited(struct obi_pipeline *pipeline, uint64_t now_ns);

/* BPF programs and maps, to exporters too. */
void obi_worker_publish_bpf(struct obi_exports *exports, const struct obi_wire_bpf *message);

/* A process of this executable is (change 1) or is no longer (-1) observed. */
void obi_worker_count_process(const struct obi_service *service, int change);

/* What became of every record, as the last line of this process. */
void obi_worker_log_spans(struct obi_conns *conns, uint64_t bad_records, uint64_t refused);

#endif
