// SPDX-License-Identifier: Apache-2.0
/*
 * obi check: what this configuration needs on this host, each thing tried where it can be.
 *   --config FILE   YAML file, as for the agent
 *   --as FORM       instead of the report, the grant: setcap, systemd, docker or k8s
 *   --markdown      instead of the report, the docs page of all tracers
 * Works without any privilege; nothing that is tried stays behind. Where no mode is configured
 * yet, all tracers are shown.
 */
#include "verb/check.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "caps/check.h"
#include "caps/grant.h"
#include "caps/markdown.h"
#include "caps/try.h"
#include "caps/verdict.h"
#include "feature/host.h"
#include "feature/pid_namespace.h"
#include "settings/settings.h"
#include "verb/check_tracers.h"
#include "verb/verb.h"

#define EXIT_MISSING 1

struct arguments {
	const char *config_path;
	enum obi_grant_form form;
	bool grant, markdown;
};

struct report {
	const struct obi_settings *settings;
	struct obi_host host;
	uint64_t required, effective, missing;
	struct buffer buf;
	int bpf_error; /* of bpf(2) as such, 0 = it answers */
	bool failed;   /* something needed is not there */
	bool admin;    /* tracers are tried with CAP_SYS_ADMIN too: without it they were refused */
	bool idle;     /* the configuration asks for no mode */
};

/* ---- Host -------------------------------------------------------------------------------------
 */

static void put_fact(struct report *report, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void put_fact(struct report *report, const char *name, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	buffer_printf(&report->buf, "  %-26s %s\n", name, text);
}

static void put_lockdown(struct report *report)
{
	static const char *const effects[] = {
		[OBI_LOCKDOWN_NONE] = "",
		[OBI_LOCKDOWN_INTEGRITY] = "; writing user memory is refused, nothing here does it",
		[OBI_LOCKDOWN_CONFIDENTIALITY] =
			"; programs that read kernel memory may be refused",
		[OBI_LOCKDOWN_OTHER] = "; unknown to this version",
	};
	const struct obi_host *host = &report->host;

	put_fact(report, "lockdown", "%s%s%s", obi_lockdown_name(host->lockdown),
		 host->lockdown_assumed ? " (assumed: /sys/kernel/security/lockdown cannot be read)"
					: "",
		 effects[host->lockdown]);
}

static void put_sysctl(struct report *report, const char *name, int value, const char *remark)
{
	if (value == OBI_SYSCTL_UNKNOWN)
		put_fact(report, name, "unknown");
	else
		put_fact(report, name, "%d%s", value, remark);
}

static void put_bpf(struct report *report)
{
	if (report->bpf_error)
		put_fact(report, "bpf(2)",
			 "refused altogether (%s): a seccomp filter, or a container without the "
			 "right to it; no capability below will help, but `obi replay` works",
			 strerror(-report->bpf_error));
	else
		put_fact(report, "bpf(2)", "answers");
}

static void put_pid_namespace(struct report *report)
{
	struct obi_pid_namespace namespace;
	char why[256];

	if (obi_pid_namespace_read("", &namespace, why, sizeof(why)))
		put_fact(report, "PID namespace", "%s", why);
	else if (namespace.inode)
		put_fact(report, "PID namespace",
			 "%u, not the host's: applications in it and below it are seen",
			 namespace.inode);
	else
		put_fact(report, "PID namespace", "%s",
			 namespace.is_not_ours ? "the host's, by its /proc" : "the host's");
}

static void report_host(struct report *report)
{
	const struct obi_host *host = &report->host;
	char why[256];

	buffer_put_cstr(&report->buf, "Host\n");
	if (obi_host_check(host, why, sizeof(why))) {
		report->failed = true;
		put_fact(report, "not supported", "%s", why);
	}
	put_fact(report, "kernel", "%s%s", host->release, host->rhel ? " (RHEL family)" : "");
	put_fact(report, "BTF", "%s", *host->btf ? host->btf : "none found");
	put_lockdown(report);
	put_sysctl(report, "perf_event_paranoid", host->perf_event_paranoid,
		   host->perf_event_paranoid > 2
			   ? "; above 2 kprobes need CAP_SYS_ADMIN, hooks by BPF links do not"
			   : "");
	put_sysctl(report, "unprivileged_bpf_disabled", host->unprivileged_bpf_disabled, "");
	put_pid_namespace(report);
	put_bpf(report);
}

/* ---- Capabilities -----------------------------------------------------------------------------
 */

/* The tc tracer is tried by loading it, all others by the smallest call. */
static int run_trial(void *context, enum obi_try what, uint64_t mask)
{
	const struct report *report = context;
	struct obi_settings settings = *report->settings;
	struct check_outcome outcome;

	if (what != OBI_TRY_TC_TRACER)
		return obi_try_run(what, mask);
	settings.network.source = OBI_SOURCE_TC; /* also where all tracers are shown */
	check_network_tracer(&settings, mask, &outcome);
	return outcome.error;
}

static void report_need(struct report *report, const struct obi_need *need)
{
	struct obi_trial trial = { run_trial, report };
	struct obi_finding finding =
		obi_need_judge(need, report->required, report->effective, &trial);
	struct buffer *buf = &report->buf;

	/* What CAP_SYS_ADMIN is taken for by the check at start, and not by the kernel, counts
	 * too. */
	if ((finding.verdict == OBI_VERDICT_MISSING &&
	     !(need->flags & (OBI_NEED_SPARE | OBI_NEED_OPTIONAL))) ||
	    finding.verdict == OBI_VERDICT_REFUSED)
		report->failed = true;
	buffer_printf(buf, "  %-24s ", obi_cap_name(need->capability));
	obi_finding_print(&finding, buf);
	if (need->flags & OBI_NEED_SPARE)
		buffer_put_cstr(buf, "; no code of this version uses it");
	if (need->flags & OBI_NEED_OPTIONAL)
		buffer_put_cstr(buf, "; optional");
	buffer_printf(buf, "\n  %-24s   for: %s\n", "", need->why);
	if (need->try != OBI_TRY_NONE)
		buffer_printf(buf, "  %-24s   trial: %s\n", "", obi_try_name(need->try));
}

static void report_tracer(struct report *report, const struct obi_tracer *tracer)
{
	struct buffer *buf = &report->buf;

	buffer_printf(buf, "\n%s: %s\n", tracer->name, tracer->gives);
	for (const struct obi_need *need = tracer->needs; need->why; need++)
		if (!need->when || need->when(report->settings, &report->host))
			report_need(report, need);
	buffer_printf(buf, "  lost without it: %s\n", tracer->without);
}

/* Below 5.8 one capability is everything. */
static void report_admin_alone(struct report *report)
{
	buffer_printf(&report->buf,
		      "\nAll tracers\n  CAP_SYS_ADMIN            %s\n"
		      "  %-24s   for: everything, on kernels before 5.8\n",
		      report->missing ? "missing" : "present", "");
}

static void report_tracers(struct report *report)
{
	if (obi_host_before(&report->host, 5, 8)) {
		report_admin_alone(report);
		return;
	}
	for (size_t i = 0; i < obi_tracer_count; i++)
		if (report->idle || obi_tracers[i].wanted(report->settings, &report->host))
			report_tracer(report, &obi_tracers[i]);
}

/* ---- Tracers themselves ------------------------------------------------------------------------
 */

static void put_outcome(struct report *report, const char *name,
			const struct check_outcome *outcome)
{
	if (!outcome->error) {
		put_fact(report, name, "works by %s", outcome->text);
		return;
	}
	report->failed = true;
	put_fact(report, name, "refused: %s",
		 *outcome->text ? outcome->text : strerror(-outcome->error));
}

/* What the agent would have of what is required. Where that is CAP_SYS_ADMIN instead, which the
 * check at start takes for all, it is tried with that. */
static uint64_t granted(const struct report *report)
{
	uint64_t mask = report->required & report->effective;

	if (mask == report->required && !report->admin)
		return mask;
	return mask | (report->effective & OBI_CAP(CAP_SYS_ADMIN));
}

/* kernel.perf_event_paranoid above 2 closes kprobes to all but CAP_SYS_ADMIN, which no set asks
 * for: the agent has it at start if it was granted. */
static void report_application_outcome(struct report *report)
{
	struct check_outcome outcome;

	check_application_tracer(report->settings, granted(report), &outcome);
	if (outcome.error && report->host.perf_event_paranoid > 2) {
		report->admin = report->effective & OBI_CAP(CAP_SYS_ADMIN);
		if (report->admin)
			check_application_tracer(report->settings, granted(report), &outcome);
	}
	put_outcome(report, "application", &outcome);
	if (report->admin)
		put_fact(report, "", "with CAP_SYS_ADMIN: perf_event_paranoid is above 2");
	else if (outcome.error && report->host.perf_event_paranoid > 2)
		put_fact(report, "",
			 "kprobes, if it takes them, need CAP_SYS_ADMIN or "
			 "kernel.perf_event_paranoid at 2 or less");
}

static void report_outcomes(struct report *report)
{
	struct check_outcome outcome;

	if (report->idle || report->bpf_error)
		return;
	buffer_put_cstr(&report->buf,
			"\nTracers loaded for a moment, with nothing but what is present above\n");
	if (obi_settings_network(report->settings)) {
		check_network_tracer(report->settings, granted(report), &outcome);
		put_outcome(report, "network", &outcome);
	}
	if (obi_settings_application(report->settings))
		report_application_outcome(report);
}

/* ---- Ladders ----------------------------------------------------------------------------------
 */

static void report_ladders(struct report *report)
{
	if (!obi_settings_application(report->settings) || report->bpf_error)
		return;
	buffer_put_cstr(&report->buf, "\nWays in, best first\n");
	check_ladders(report->settings, granted(report), &report->buf);
}

/* ---- Whole ------------------------------------------------------------------------------------
 */

/* Path of this executable, for the grant. */
static void find_program(char *ret_path, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", ret_path, size - 1);

	if (n > 0)
		ret_path[n] = '\0';
	else
		(void)snprintf(ret_path, size, "/usr/local/bin/obi");
}

static void report_configuration(struct report *report)
{
	struct buffer *buf = &report->buf;
	struct obi_error error;

	buffer_put_cstr(buf, "\nConfiguration\n");
	put_fact(report, "file", "%s",
		 *report->settings->file ? report->settings->file : "none, the environment alone");
	put_fact(report, "application", "%s",
		 obi_settings_application(report->settings) ? "yes" : "no");
	put_fact(report, "network", "%s", obi_settings_network(report->settings) ? "yes" : "no");
	if (report->idle)
		put_fact(report, "neither yet", "all tracers are shown");
	if (obi_settings_validate(report->settings, &error)) {
		report->failed = true;
		put_fact(report, "would not start", "%s", error.text);
	}
}

static void report_summary(struct report *report)
{
	struct buffer *buf = &report->buf;
	char program[512];

	buffer_put_cstr(buf, "\nSummary\n");
	if (report->missing) {
		report->failed = true;
		buffer_put_cstr(buf, "  ");
		obi_caps_print_error(buf, report->missing);
		buffer_put_cstr(buf, report->settings->global.enforce_sys_caps
					     ? "\n  The agent will refuse to start.\n"
					     : "\n  The agent will warn and go on.\n");
	} else if (!report->failed) {
		buffer_put_cstr(buf, "  All that is needed is there.\n");
	} else {
		buffer_put_cstr(buf, "  Something above is not as it should be.\n");
	}
	if (report->idle)
		return;
	find_program(program, sizeof(program));
	buffer_put_cstr(buf, "  Grant: ");
	obi_grant_print(OBI_GRANT_SETCAP, report->settings, &report->host, program, buf);
	buffer_put_cstr(buf, "  Others: obi check --as systemd, docker or k8s\n");
}

static void fill_report(struct report *report)
{
	buffer_put_cstr(&report->buf, "OBI " OBI_VERSION " preflight\n\n");
	report_host(report);
	report_configuration(report);
	report_tracers(report);
	report_outcomes(report);
	report_ladders(report);
	report_summary(report);
}

static int put_out(struct buffer *buf, int status)
{
	if (buf->failed || fwrite(buf->data, 1, buf->len, stdout) != buf->len || fflush(stdout)) {
		(void)fputs("obi: cannot write the report\n", stderr);
		status = OBI_EXIT_CANNOT_START;
	}
	buffer_free(buf);
	return status;
}

static int run(const struct arguments *arguments, const struct obi_settings *settings)
{
	struct report report = { .settings = settings };
	int error = obi_host_read("", &report.host);

	if (!error)
		error = obi_caps_held(&report.effective);
	if (error) {
		(void)fprintf(stderr, "obi: unable to query kernel or capabilities: %s\n",
			      strerror(-error));
		return EXIT_MISSING;
	}
	report.idle = !obi_settings_application(settings) && !obi_settings_network(settings) &&
		      !obi_settings_stats(settings);
	report.required = report.idle ? obi_caps_of_all(settings, &report.host)
				      : obi_caps_required(settings, &report.host);
	report.missing = obi_caps_missing(settings, &report.host, report.effective);
	report.bpf_error = obi_try_bpf(report.effective, report.host.unprivileged_bpf_disabled);
	report.failed = report.bpf_error != 0;
	if (arguments->grant) {
		char program[512];

		find_program(program, sizeof(program));
		obi_grant_print(arguments->form, settings, &report.host, program, &report.buf);
		report.failed = report.missing != 0;
	} else {
		fill_report(&report);
	}
	return put_out(&report.buf, report.failed ? EXIT_MISSING : 0);
}

/* ---- Command line -----------------------------------------------------------------------------
 */

static int usage(const char *word)
{
	(void)fprintf(stderr,
		      "obi check: '%s' is not understood\n"
		      "usage: obi check [--config FILE] [--as setcap|systemd|docker|k8s] "
		      "[--markdown]\n",
		      word);
	return -EINVAL;
}

static int parse_arguments(int argc, char **argv, struct arguments *ret_arguments)
{
	struct arguments arguments = { 0 };

	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (!strcmp(argv[i], "--markdown")) {
			arguments.markdown = true;
		} else if ((!strcmp(argv[i], "--config") || !strcmp(argv[i], "-config")) && value) {
			arguments.config_path = value;
			i++;
		} else if (!strcmp(argv[i], "--as") && value) {
			if (obi_grant_form_parse(value, &arguments.form))
				return usage(value);
			arguments.grant = true;
			i++;
		} else {
			return usage(argv[i]);
		}
	}
	*ret_arguments = arguments;
	return 0;
}

int verb_check(int argc, char **argv)
{
	struct arguments arguments;
	struct obi_settings settings;
	struct obi_error error;
	struct buffer page = { 0 };
	int status;

	if (parse_arguments(argc, argv, &arguments))
		return OBI_EXIT_USAGE;
	if (arguments.markdown) {
		obi_caps_print_markdown(&page);
		return put_out(&page, 0);
	}
	if (obi_settings_load(arguments.config_path, environ, &settings, &error)) {
		(void)fprintf(stderr, "obi: wrong configuration: %s\n", error.text);
		return OBI_EXIT_CANNOT_START;
	}
	(void)obi_caps_raise();
	status = run(&arguments, &settings);
	obi_settings_free(&settings);
	return status;
}
