// SPDX-License-Identifier: Apache-2.0
#include "worker/internal.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "metrics/internal_metrics.h"

#define SAY_LIMITED_NS (60 * NSEC_PER_SEC)

void obi_worker_publish_dropped(const char *reason, uint64_t value)
{
	if (value)
		obi_internal_set(OBI_INTERNAL_DROPPED, &reason, value);
}

void obi_worker_publish_spans(struct obi_conns *conns, const struct obi_ring *ring)
{
	const char *exported = "exported", *pending = "pending", *http = "http";
	struct obi_conns_stats stats;

	obi_conns_stats(conns, &stats);
	obi_internal_set(OBI_INTERNAL_RECORDS, NULL, stats.records);
	obi_internal_set(OBI_INTERNAL_SPANS, &exported, stats.spans);
	obi_internal_set(OBI_INTERNAL_SPANS, &pending, stats.pending);
	for (int i = 0; i < OBI_DROP_REASONS; i++)
		obi_worker_publish_dropped(obi_conn_drop_name((enum obi_conn_drop)i),
					   stats.dropped[i]);
	obi_worker_publish_dropped("unread_bytes", stats.unread_bytes);
	obi_internal_set(OBI_INTERNAL_PARSER_ERRORS, &http, stats.dropped[OBI_DROP_UNPARSED]);
	obi_internal_set(OBI_INTERNAL_RING_FILL, NULL, 1000 * obi_ring_waiting(ring) / ring->size);
}

static void publish_memory(const struct obi_wire_counters *counters)
{
	static const char *const parts[] = {
		[OBI_PART_BROKER] = "broker",
		[OBI_PART_WORKER] = "worker",
		[OBI_PART_SENDER] = "sender",
	};

	_Static_assert(ARRAY_SIZE(parts) == OBI_PARTS, "a name for each part");

	for (int i = 0; i < OBI_PARTS; i++)
		if (counters->memory[i])
			obi_internal_set(OBI_INTERNAL_MEMORY, &parts[i], counters->memory[i]);
}

static void publish_attach_errors(const struct obi_wire_counters *counters)
{
	static const char *const types[] = {
		[OBI_ATTACH_HOOK] = "attaching_tracing",
		[OBI_ATTACH_CGROUP] = "attaching_cgroup",
		[OBI_ATTACH_SOCK_MSG] = "attaching_sock_msg",
		[OBI_ATTACH_TC] = "attaching_tc",
		[OBI_ATTACH_PROBE] = "attaching_uprobe",
	};

	_Static_assert(ARRAY_SIZE(types) == OBI_ATTACH_ERRORS, "a word for each error");

	for (int i = 0; i < OBI_ATTACH_ERRORS; i++)
		if (counters->attach_errors[i])
			obi_internal_set(OBI_INTERNAL_ERRORS, (const char *[]){ types[i], "obi" },
					 counters->attach_errors[i]);
}

void obi_worker_publish_counters(const struct obi_wire_counters *counters, uint32_t restarts)
{
	publish_memory(counters);
	publish_attach_errors(counters);
	obi_internal_set(OBI_INTERNAL_WORKER_RESTARTS, NULL, restarts);
	obi_worker_publish_dropped("ring_full", counters->app[OBI_APP_RING_FULL]);
	obi_worker_publish_dropped("hook_missed", counters->app[OBI_APP_MISSED]);
	obi_worker_publish_dropped("unread_call", counters->app[OBI_APP_UNREAD_CALLS]);
	obi_worker_publish_dropped("state_full", counters->app[OBI_APP_STATE_FULL]);
	obi_worker_publish_dropped("process_event", counters->app[OBI_APP_EVENTS_LOST]);
	obi_worker_publish_dropped("process_unannounced", counters->unannounced);
	obi_worker_publish_dropped("output_lost", counters->output_lost);
	obi_worker_publish_dropped("worker_restart", counters->spans_lost_in_restarts);
}

void obi_worker_say_limited(struct obi_pipeline *pipeline, uint64_t now_ns)
{
	static uint64_t said_ns;
	const char *service;

	if (said_ns && now_ns - said_ns < SAY_LIMITED_NS)
		return;
	service = obi_pipeline_limited(pipeline);
	if (!service)
		return;
	said_ns = now_ns;
	log_warn("a service has more routes than its share: new segments of them are wildcards",
		 F("service", log_str(service)));
}

void obi_worker_publish_flows(const struct obi_wire_counters *counters)
{
	const uint64_t *net = counters->net;

	obi_internal_set(OBI_INTERNAL_FLOWS, NULL, counters->flows_drained);
	obi_internal_set(OBI_INTERNAL_NET_PACKETS, NULL, net[OBI_NET_PACKETS]);
	obi_internal_set(OBI_INTERNAL_NET_IGNORED, NULL,
			 net[OBI_NET_FILTERED] + net[OBI_NET_LOST_PACKETS]);
	obi_worker_publish_dropped("flow_map_and_ring_full", net[OBI_NET_LOST_PACKETS]);
	obi_worker_publish_dropped("flow_not_taken", counters->flows_dropped);
}

void obi_worker_count_process(const struct obi_service *service, int change)
{
	const char *name = service->executable;
	uint64_t now = obi_internal_value(OBI_INTERNAL_PROCESSES, &name);

	obi_internal_set(OBI_INTERNAL_PROCESSES, &name, now + (uint64_t)change);
}

/* ---- BPF ---- */

static void publish_program(const struct obi_bpf_program *program)
{
	char id[16];
	const char *const values[] = { id, program->name, program->kind };

	if (!program->runs) /* not measured, or never ran */
		return;
	(void)snprintf(id, sizeof(id), "%u", program->id);
	obi_internal_set(OBI_INTERNAL_PROBE_EXECUTIONS, values, program->runs);
	obi_internal_set(OBI_INTERNAL_PROBE_LATENCY, values, program->run_ns);
}

static void publish_map(const struct obi_bpf_map *map)
{
	char id[16];
	const char *const values[] = { id, map->name, map->kind };

	(void)snprintf(id, sizeof(id), "%u", map->id);
	obi_internal_set(OBI_INTERNAL_MAP_ENTRIES, values, map->entries);
	obi_internal_set(OBI_INTERNAL_MAP_MAX_ENTRIES, values, map->max_entries);
}

void obi_worker_publish_bpf(struct obi_exports *exports, const struct obi_wire_bpf *message)
{
	for (uint32_t i = 0; i < message->programs_count && i < OBI_WIRE_BPF_MAX; i++) {
		publish_program(&message->programs[i]);
		obi_exports_program(exports, &message->programs[i]);
	}
	for (uint32_t i = 0; i < message->maps_count && i < OBI_WIRE_BPF_MAX; i++) {
		publish_map(&message->maps[i]);
		obi_exports_map(exports, &message->maps[i]);
	}
}

void obi_worker_log_spans(struct obi_conns *conns, uint64_t bad_records, uint64_t refused)
{
	struct log_field fields[8 + OBI_DROP_REASONS];
	struct obi_conns_stats stats;
	int count = 0;

	obi_conns_stats(conns, &stats);
	fields[count++] = (struct log_field)F("records", log_int((int64_t)stats.records));
	fields[count++] = (struct log_field)F("badRecords", log_int((int64_t)bad_records));
	fields[count++] = (struct log_field)F("requests", log_int((int64_t)stats.requests));
	fields[count++] = (struct log_field)F("spans", log_int((int64_t)stats.spans));
	fields[count++] = (struct log_field)F("pending", log_int((int64_t)stats.pending));
	fields[count++] = (struct log_field)F("unreadBytes", log_int((int64_t)stats.unread_bytes));
	fields[count++] =
		(struct log_field)F("unclearParents", log_int((int64_t)stats.unclear_parents));
	fields[count++] = (struct log_field)F("refusedProcesses", log_int((int64_t)refused));
	for (int i = 0; i < OBI_DROP_REASONS; i++)
		fields[count++] = (struct log_field)F(obi_conn_drop_name((enum obi_conn_drop)i),
						      log_int((int64_t)stats.dropped[i]));
	log_write(LOG_INFO, "span totals", fields, count);
}
