// SPDX-License-Identifier: Apache-2.0
/*
 * The sets are the documented ones of this kind of agent, so that an existing grant goes on to
 * serve; what our code does without is marked, not left out.
 */
#include "caps/tracers.h"

#include <linux/capability.h>

#include "base/cleanup.h"

/* ---- Conditions ----------------------------------------------------------------------------- */

static bool always(const struct obi_settings *settings, const struct obi_host *host)
{
	return true;
}

/* From 5.11 on the memory of maps is charged to the cgroup, not to RLIMIT_MEMLOCK. */
static bool memory_is_locked(const struct obi_settings *settings, const struct obi_host *host)
{
	return obi_host_before(host, 5, 11);
}

static bool application(const struct obi_settings *settings, const struct obi_host *host)
{
	return obi_settings_application(settings);
}

static bool tls(const struct obi_settings *settings, const struct obi_host *host)
{
	return obi_settings_application(settings) && settings->broker.tls_probes;
}

/* Without uprobe_multi, perf events hold the probes, which are CAP_SYS_ADMIN's alone. */
static bool probes_by_perf(const struct obi_settings *settings, const struct obi_host *host)
{
	return obi_host_before(host, 6, 6);
}

static bool propagation(const struct obi_settings *settings, const struct obi_host *host)
{
	return obi_settings_application(settings) && settings->broker.context_propagation.bits != 0;
}

static bool socket_flows(const struct obi_settings *settings, const struct obi_host *host)
{
	return obi_settings_network(settings) &&
	       settings->network.source == OBI_SOURCE_SOCKET_FILTER;
}

static bool tc_flows(const struct obi_settings *settings, const struct obi_host *host)
{
	return obi_settings_network(settings) && settings->network.source == OBI_SOURCE_TC;
}

static bool statistics(const struct obi_settings *settings, const struct obi_host *host)
{
	return obi_settings_stats(settings);
}

static bool bpf_metrics(const struct obi_settings *settings, const struct obi_host *host)
{
	return obi_settings_bpf_metrics(settings);
}

/* ---- Table ---------------------------------------------------------------------------------- */

const struct obi_tracer obi_tracers[] = {
	{
		.name = "BPF",
		.mode = OBI_MODE_ANY,
		.gives = "what all tracers stand on",
		.wanted = always,
		.conditions = "always",
		.needs = {
			{ CAP_BPF, "bpf(2): create maps, load programs, read maps", OBI_TRY_MAP,
			  OBI_NEED_KEEP, NULL },
			{ CAP_SYS_RESOURCE, "locked memory for maps, on kernels before 5.11",
			  OBI_TRY_MEMLOCK, 0, memory_is_locked },
		},
		.without = "everything",
	},
	{
		.name = "socket flows",
		.mode = OBI_MODE_NETWORK,
		.gives = "bytes and packets of each flow, seen by a packet socket",
		.wanted = socket_flows,
		.conditions = "network observability, network.source = socket_filter",
		.needs = {
			{ CAP_NET_RAW, "the packet socket that its program is a filter of",
			  OBI_TRY_PACKET_SOCKET, 0, NULL },
		},
		.programs = { "socket_flows, or socket_segments" },
		.without = "network flows",
	},
	{
		.name = "tc flows",
		.mode = OBI_MODE_NETWORK,
		.gives = "bytes and packets of each flow, seen at each interface",
		.wanted = tc_flows,
		.conditions = "network observability, network.source = tc",
		.needs = {
			{ CAP_NET_ADMIN, "load tc programs and attach them to interfaces",
			  OBI_TRY_SCHED_CLS, OBI_NEED_KEEP, NULL },
			{ CAP_PERFMON, "tc programs that read packets directly",
			  OBI_TRY_TC_TRACER, 0, NULL },
		},
		.programs = { "tc_*_flows, or tc_*_segments" },
		.without = "network flows",
	},
	{
		.name = "process watcher",
		.mode = OBI_MODE_APPLICATION,
		.gives = "processes to instrument, found as they start or begin to listen",
		.wanted = application,
		.conditions = "application observability",
		.needs = {
			{ CAP_DAC_READ_SEARCH, "/proc/PID/fd, environ and maps of other users",
			  OBI_TRY_OTHERS_FILES, OBI_NEED_LOOK, NULL },
			{ CAP_SYS_PTRACE, "/proc/PID/exe and all the above across users",
			  OBI_TRY_OTHERS_EXE, OBI_NEED_LOOK, NULL },
			{ CAP_PERFMON, "tracepoints of exec, fork, exit and listen",
			  OBI_TRY_TRACING, 0, NULL },
		},
		.programs = { "process_exec", "process_fork", "process_exit",
			      "tp_inet_sock_set_state" },
		.without = "application observability",
	},
	{
		.name = "messages",
		.mode = OBI_MODE_APPLICATION,
		.gives = "spans and metrics of requests, in any language",
		.wanted = application,
		.conditions = "application observability",
		.needs = {
			{ CAP_PERFMON, "programs at the socket calls, which read the caller's buffers",
			  OBI_TRY_TRACING, 0, NULL },
			{ CAP_NET_RAW, "a packet socket that sees requests",
			  OBI_TRY_PACKET_SOCKET, OBI_NEED_SPARE, NULL },
		},
		.programs = { "fexit_*, or tp_sock_*, or kprobe_* and kretprobe_*" },
		.without = "application observability",
	},
	{
		.name = "TLS",
		.mode = OBI_MODE_APPLICATION,
		.gives = "what TLS libraries encrypt: the same spans as of clear text",
		.wanted = tls,
		.conditions = "application observability, ebpf.tls_probes",
		.needs = {
			{ CAP_PERFMON,
			  "programs at the libraries' calls, attached as processes map them; news of "
			  "mappings",
			  OBI_TRY_TRACING, OBI_NEED_KEEP, NULL },
			{ CAP_CHECKPOINT_RESTORE,
			  "/proc/PID/map_files: libraries as a process has them, in a container or "
			  "deleted",
			  OBI_TRY_MAP_FILES, OBI_NEED_LOOK, NULL },
			{ CAP_SYS_ADMIN,
			  "the probes themselves, on kernels before 6.6", OBI_TRY_UPROBE,
			  OBI_NEED_KEEP | OBI_NEED_OPTIONAL, probes_by_perf },
		},
		.programs = { "tls_enter", "tls_return", "tls_mapped" },
		.without = "requests inside TLS",
	},
	{
		.name = "context propagation",
		.mode = OBI_MODE_APPLICATION,
		.gives = "one trace across services: traceparent in outgoing requests",
		.wanted = propagation,
		.conditions = "application observability, ebpf.context_propagation not disabled",
		.needs = {
			{ CAP_NET_ADMIN, "programs on connections and on socket messages",
			  OBI_TRY_SK_MSG, 0, NULL },
			{ CAP_PERFMON, "programs that read and write messages directly",
			  OBI_TRY_TRACING, 0, NULL },
		},
		.programs = { "inject_established", "inject_msg", "inject_verdict" },
		.without = "the link between services: each starts traces of its own",
	},
	{
		.name = "TCP statistics",
		.mode = OBI_MODE_STATISTICS,
		.gives = "round-trip times, retransmits, failed connections (not implemented yet)",
		.wanted = statistics,
		.conditions = "a stats feature and an exporter",
		.needs = {
			{ CAP_PERFMON, "programs in the TCP stack", OBI_TRY_TRACING,
			  OBI_NEED_SPARE, NULL },
			{ CAP_NET_RAW, "a packet socket", OBI_TRY_PACKET_SOCKET, OBI_NEED_SPARE,
			  NULL },
			{ CAP_SYS_PTRACE, "/proc/PID of other users", OBI_TRY_OTHERS_EXE,
			  OBI_NEED_SPARE, NULL },
		},
		.without = "TCP statistics",
	},
	{
		.name = "BPF metrics",
		.mode = OBI_MODE_ANY,
		.gives = "run times of BPF programs and entries of BPF maps, on the whole host",
		.wanted = bpf_metrics,
		.conditions = "metrics.features with ebpf, prometheus_export.port",
		.needs = {
			{ CAP_SYS_ADMIN,
			  "have run times measured; programs and maps of others, and their BTF",
			  OBI_TRY_RUN_TIMES, OBI_NEED_KEEP | OBI_NEED_OPTIONAL, NULL },
		},
		.without = "run times, and what other programs have loaded",
	},
};

const size_t obi_tracer_count = ARRAY_SIZE(obi_tracers);

const char *obi_mode_name(enum obi_mode mode)
{
	static const char *const names[] = {
		[OBI_MODE_ANY] = "any",
		[OBI_MODE_APPLICATION] = "application",
		[OBI_MODE_NETWORK] = "network",
		[OBI_MODE_STATISTICS] = "statistics",
	};

	return names[mode];
}
