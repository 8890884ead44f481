// SPDX-License-Identifier: Apache-2.0
/*
 * The sets are not written down here: each example configuration is loaded, and the check at start
 * is asked.
 */
#include "caps/markdown.h"

#include "base/cleanup.h"
#include "caps/check.h"

static const struct {
	const char *title;
	char *env[4];
} examples[] = {
	{ "Network, socket filter", { "OTEL_EBPF_NETWORK_METRICS=1", NULL } },
	{ "Network, tc", { "OTEL_EBPF_NETWORK_METRICS=1", "OTEL_EBPF_NETWORK_SOURCE=tc", NULL } },
	{ "Application", { "OTEL_EBPF_OPEN_PORT=8080", NULL } },
	{ "Application, context propagation",
	  { "OTEL_EBPF_OPEN_PORT=8080", "OTEL_EBPF_BPF_CONTEXT_PROPAGATION=all", NULL } },
	{ "Application and network",
	  { "OTEL_EBPF_OPEN_PORT=8080", "OTEL_EBPF_NETWORK_METRICS=1", NULL } },
};

/* A kernel on which nothing special holds. */
static const struct obi_host usual = { .major = 6, .minor = 6 };

static void put_example(struct buffer *buf, size_t i)
{
	struct obi_settings settings;
	struct obi_error error;
	uint64_t required;

	if (obi_settings_load_text("", slice_of("", 0), (char **)examples[i].env, &settings,
				   &error)) {
		buf->failed = true; /* an example that no longer loads must be noticed */
		return;
	}
	required = obi_caps_required(&settings, &usual);
	buffer_printf(buf, "| %s | ", examples[i].title);
	for (char *const *env = examples[i].env; *env; env++)
		buffer_printf(buf, "%s`%s`", env == examples[i].env ? "" : " ", *env);
	buffer_put_cstr(buf, " | ");
	obi_caps_print(buf, required);
	buffer_put_cstr(buf, " | ");
	obi_caps_print(buf, obi_caps_keep(&settings, &usual));
	if (obi_caps_look(&settings, &usual)) {
		buffer_put_cstr(buf, "; the looker: ");
		obi_caps_print(buf, obi_caps_look(&settings, &usual));
	}
	buffer_put_cstr(buf, " |\n");
	obi_settings_free(&settings);
}

void obi_caps_print_sets(struct buffer *buf)
{
	buffer_put_cstr(buf, "| Mode | Configuration | Capabilities | Kept after start |\n"
			     "|---|---|---|---|\n");
	for (size_t i = 0; i < ARRAY_SIZE(examples); i++)
		put_example(buf, i);
}

static void put_tracer(struct buffer *buf, const struct obi_tracer *tracer)
{
	buffer_printf(buf, "\n### %s\n\n", tracer->name);
	buffer_printf(buf, "Gives: %s.\n\nWanted: %s.\n\nLost without it: %s.\n\n", tracer->gives,
		      tracer->conditions, tracer->without);
	if (tracer->programs[0]) {
		buffer_put_cstr(buf, "BPF programs: ");
		for (const char *const *program = tracer->programs; *program; program++)
			buffer_printf(buf, "%s`%s`", program == tracer->programs ? "" : ", ",
				      *program);
		buffer_put_cstr(buf, ".\n\n");
	}
	buffer_put_cstr(buf, "| Capability | For | After start | Tried by |\n|---|---|---|---|\n");
	for (const struct obi_need *need = tracer->needs; need->why; need++) {
		const char *after = need->flags & OBI_NEED_OPTIONAL ? "kept; optional"
				    : need->flags & OBI_NEED_KEEP   ? "kept"
				    : need->flags & OBI_NEED_LOOK   ? "kept by the looker alone"
				    : need->flags & OBI_NEED_SPARE  ? "given up; not used yet"
								    : "given up";

		buffer_printf(buf, "| %s | %s | %s | %s |\n", obi_cap_name(need->capability),
			      need->why, after, obi_try_name(need->try));
	}
}

void obi_caps_print_markdown(struct buffer *buf)
{
	buffer_put_cstr(
		buf,
		"<!-- Made by `obi check --markdown`; do not edit. -->\n"
		"# Capabilities\n"
		"\n"
		"What each tracer needs, and why. `obi check` tells what of it this host and this\n"
		"configuration need, trying each where it can, and prints the grant with\n"
		"`--as setcap`, `systemd`, `docker` or `k8s`.\n"
		"\n"
		"## Sets by configuration\n"
		"\n"
		"Kernel 5.11 or later, any user.\n"
		"\n");
	obi_caps_print_sets(buf);
	buffer_put_cstr(
		buf,
		"\n"
		"- Kernels 5.8 to 5.10 also need CAP_SYS_RESOURCE: the memory of maps counts as\n"
		"  locked memory there.\n"
		"- On RHEL 8 (kernel 4.18) CAP_SYS_ADMIN alone is asked for. Other kernels before\n"
		"  5.8 are not supported.\n"
		"- The check at start takes CAP_SYS_ADMIN for all others. The kernel takes it "
		"only\n"
		"  for CAP_BPF, CAP_PERFMON and CAP_CHECKPOINT_RESTORE; `obi check` says where "
		"that\n"
		"  is not enough.\n"
		"- With `kernel.perf_event_paranoid` above 2, as on Debian, kprobes need\n"
		"  CAP_SYS_ADMIN. Hooks by BPF links (fentry, socket tracepoints) do not.\n"
		"- Probes in user space (TLS) need CAP_SYS_ADMIN on kernels before 6.6, where it\n"
		"  is kept if it was given; without it all else is seen.\n"
		"- What is missing is named in a warning and the agent goes on; with\n"
		"  `OTEL_EBPF_ENFORCE_SYS_CAPS=1` it refuses to start, before anything is loaded.\n"
		"- The worker process, which parses what applications send, holds none at all.\n"
		"\n"
		"## Tracers\n");
	for (size_t i = 0; i < obi_tracer_count; i++)
		put_tracer(buf, &obi_tracers[i]);
}
