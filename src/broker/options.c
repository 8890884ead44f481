// SPDX-License-Identifier: Apache-2.0
#include "broker/options.h"

#include "base/cleanup.h"
#include "base/glob.h"
#include "config/check.h"

#define ROW(member_, ...) OBI_ROW(struct obi_broker_options, member_, __VA_ARGS__)

static const struct obi_name propagations[] = {
	{ "disabled", 0 },
	{ "headers", OBI_PROPAGATE_HEADERS },
	{ "tcp", OBI_PROPAGATE_TCP },
	{ "all", OBI_PROPAGATE_ALL },
	{ "ip", OBI_PROPAGATE_IP },
	{ NULL, 0 },
};

static const struct obi_name tc_backends[] = {
	{ "auto", OBI_TC_AUTO },
	{ "tc", OBI_TC_TC },
	{ "tcx", OBI_TC_TCX },
	{ NULL, 0 },
};

static const struct obi_option rows[] = {
	ROW(context_propagation, "ebpf.context_propagation", "OTEL_EBPF_BPF_CONTEXT_PROPAGATION",
	    FLAGS, "disabled",
	    "carry the trace on in outgoing requests: in HTTP headers, in a TCP option",
	    /* Some documents name it without BPF. */
	    .aliases = "OTEL_EBPF_CONTEXT_PROPAGATION", .names = propagations),
	ROW(enable_context_propagation, "ebpf.enable_context_propagation",
	    "OTEL_EBPF_BPF_ENABLE_CONTEXT_PROPAGATION", BOOL, "false",
	    "use ebpf.context_propagation: all", .flags = OBI_OPTION_DEPRECATED),
	ROW(track_request_headers, "ebpf.track_request_headers",
	    "OTEL_EBPF_BPF_TRACK_REQUEST_HEADERS", BOOL, "false",
	    "accepted; the trace that an incoming traceparent header names is always continued"),
	ROW(tc_backend, "ebpf.traffic_control_backend", "OTEL_EBPF_BPF_TC_BACKEND", CHOICE, "auto",
	    "how programs are attached to interfaces; auto: tcx where the kernel has it",
	    .names = tc_backends),
	ROW(tls_probes, "ebpf.tls_probes", "OTEL_EBPF_BPF_TLS_PROBES", BOOL, "true",
	    "see what TLS libraries encrypt, by probes on their calls"),
	ROW(tls_probes_exclude, "ebpf.tls_probes_exclude", "OTEL_EBPF_BPF_TLS_PROBES_EXCLUDE", LIST,
	    NULL,
	    "libraries and executables to leave alone, those that check their own code say: globs "
	    "over paths",
	    .check = obi_check_glob_item),
	ROW(http_request_timeout, "ebpf.http_request_timeout", "OTEL_EBPF_BPF_HTTP_REQUEST_TIMEOUT",
	    DURATION, "0s",
	    "report an unanswered request with status 408 after this time; 0: never"),
	ROW(dns_request_timeout, "ebpf.dns_request_timeout", "OTEL_EBPF_BPF_DNS_REQUEST_TIMEOUT",
	    DURATION, "5s", "report an unanswered DNS query as timed out after this time", .min = 1,
	    .max = OBI_UNBOUNDED),
	ROW(redis_db_cache, "ebpf.redis_db_cache.enabled", "OTEL_EBPF_BPF_REDIS_DB_CACHE_ENABLED",
	    BOOL, "false", "accepted; the database that a connection selected is always known"),
	ROW(redis_db_cache_size, "ebpf.redis_db_cache.max_size",
	    "OTEL_EBPF_BPF_REDIS_DB_CACHE_MAX_SIZE", INT, "1000",
	    "accepted; it is known of each connection that is", .min = 1, .max = OBI_UNBOUNDED),
};

const struct obi_options obi_broker_option_rows = {
	.title = "eBPF",
	.rows = rows,
	.count = ARRAY_SIZE(rows),
};

bool obi_broker_leaves_alone(const struct obi_broker_options *options, const char *path)
{
	for (size_t i = 0; i < options->tls_probes_exclude.count; i++)
		if (obi_glob_match(options->tls_probes_exclude.items[i], slice_cstr(path)))
			return true;
	return false;
}
