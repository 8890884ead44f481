// SPDX-License-Identifier: Apache-2.0
/*
 * obi: the agent. What must hold before anything is loaded stands here, in the existing
 * program's order: kernel, configuration, capabilities.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/hidden.h"
#include "base/log.h"
#include "base/memory_limit.h"
#include "base/signals.h"
#include "broker/broker.h"
#include "caps/check.h"
#include "feature/host.h"
#include "feature/trial.h"
#include "settings/settings.h"
#include "verb/common.h"
#include "verb/limits.h"
#include "verb/verb.h"

extern char **environ;

static int cannot_start(const char *why)
{
	log_error("can't start OpenTelemetry eBPF Instrumentation", F("error", log_str(why)));
	return OBI_EXIT_CANNOT_START;
}

static int wrong_configuration(const char *why)
{
	log_error("wrong configuration", F("error", log_str(why)));
	return OBI_EXIT_CANNOT_START;
}

/* 0, or -EPERM with the text of what is missing where the configuration wants that enforced. */
static int check_capabilities(const struct obi_settings *settings, const struct obi_host *host,
			      struct buffer *ret_why)
{
	uint64_t held, missing;
	int error = obi_caps_held(&held);

	if (error) {
		buffer_printf(ret_why, "unable to query OS capabilities: %s", strerror(-error));
	} else {
		missing = obi_caps_missing(settings, host, held);
		if (!missing)
			return 0;
		obi_caps_print_error(ret_why, missing);
	}
	buffer_put_char(ret_why, '\0');
	if (settings->global.enforce_sys_caps)
		return -EPERM;
	log_warn(OBI_CAPS_WARNING, F("error", log_str(ret_why->data)));
	return 0;
}

/* Whoever may run the file uses its capabilities. */
static void warn_of_file(void)
{
	char value[64];
	struct stat st;

	if (stat("/proc/self/exe", &st) || !(st.st_mode & S_IXOTH) ||
	    getxattr("/proc/self/exe", "security.capability", value, sizeof(value)) <= 0)
		return;
	log_warn("any user of this host can run this program with its capabilities, and watch all "
		 "traffic with it",
		 F("remedy", log_str("chown root:obi and chmod 0750, then setcap again")));
}

static void dump_config(const struct obi_settings *settings)
{
	struct buffer out = { 0 };

	if (settings->global.log_config == OBI_LOG_CONFIG_NONE)
		return;
	log_info0("merged configuration");
	if (settings->global.log_config == OBI_LOG_CONFIG_YAML)
		obi_settings_print_yaml(settings, &out);
	else
		obi_settings_print_json(settings, &out);
	(void)fwrite(out.data, 1, out.len, stdout);
	(void)fflush(stdout);
	buffer_free(&out);
}

static void fit_memory(struct obi_settings *settings)
{
	uint64_t permitted = memory_limit();

	if (obi_settings_fit_memory(settings, permitted))
		log_warn("the memory limit is more than a quarter of what the control group "
			 "permits: "
			 "lowered",
			 F("memory_limit_mib", log_int(settings->otlp.common.memory_limit_mib)),
			 F("permitted_mib", log_int((int64_t)(permitted >> 20))));
}

static int run(struct obi_settings *settings, const struct obi_host *host, const char *path)
{
	struct buffer why = { 0 };
	struct obi_error error;
	int status;

	if (obi_settings_validate(settings, &error))
		return wrong_configuration(error.text);
	fit_memory(settings);
	dump_config(settings);
	if (check_capabilities(settings, host, &why)) {
		status = cannot_start(why.data);
	} else {
		if (settings->global.log_level != LOG_DEBUG)
			obi_trial_quiet();
		status = obi_broker_run(settings, path,
					&(struct obi_broker_caps){
						.keep = obi_caps_keep(settings, host),
						.look = obi_caps_look(settings, host),
					});
	}
	buffer_free(&why);
	return status;
}

__attribute__((noreturn)) static void leave(int number)
{
	_exit(0);
}

/* Until there is something to undo, a wish to stop is that alone. A terminal that goes away ends
 * nobody who was started by nohup(1). */
static void leave_when_told(void)
{
	signals_ignore_strange();
	(void)signal(SIGTERM, leave);
	(void)signal(SIGINT, leave);
	if (signal(SIGHUP, leave) == SIG_IGN)
		(void)signal(SIGHUP, SIG_IGN);
}

/* glibc has the resource as an enum. */
static int read_limit(int resource, struct rlimit *limit)
{
	return getrlimit((__rlimit_resource_t)resource, limit);
}

static int set_limit(int resource, const struct rlimit *limit)
{
	return setrlimit((__rlimit_resource_t)resource, limit);
}

int verb_agent(int argc, char **argv)
{
	struct obi_settings settings;
	struct obi_error error;
	struct obi_host host;
	char why[256] = "";
	const char *path;
	int status;

	leave_when_told();
	(void)signal(SIGPIPE, SIG_IGN); /* who reads what is printed may go */
	hide_environment();
	if (verb_parse_config_path(argc, argv, &path))
		return OBI_EXIT_USAGE;
	log_info("OpenTelemetry eBPF Instrumentation", F("Version", log_str("v" OBI_VERSION)));
	if (limits_raise(read_limit, set_limit, why, sizeof(why)))
		return cannot_start(why);
	if (obi_host_read("", &host))
		return cannot_start("cannot tell the kernel's version");
	if (obi_host_check(&host, why, sizeof(why)))
		return cannot_start(why);
	if (obi_settings_load(path, environ, &settings, &error))
		return wrong_configuration(error.text);
	verb_apply_log(&settings);
	verb_log_warnings(&settings);
	warn_of_file();
	status = run(&settings, &host, path);
	if (status == 0)
		log_info0("OpenTelemetry eBPF Instrumentation successfully exiting");
	obi_settings_free(&settings);
	return status;
}
