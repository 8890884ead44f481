// SPDX-License-Identifier: Apache-2.0
/*
 * obi explain: what the agent makes of a process, and why: language, service, selection, libraries
 * and what stays unseen, with this configuration.
 *   PID...                the processes
 *   --format text|json    JSON: one object a process, a line each
 *   --config FILE         YAML file, as for the agent
 * Asks the code that the agent asks. Looks with the rights of its user, those of capabilities in
 * the file aside; what may not be read is named. Exit status 0; 1 where a process could not be
 * looked at.
 */
#include "verb/explain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "caps/check.h"
#include "verb/common.h"
#include "verb/explain_look.h"
#include "verb/verb.h"

#define EXIT_NOT_SEEN 1
#define ANCESTORS_MAX 32
#define PORT_LOOKS_MAX 64 /* of 1,024 descriptors each */

extern char **environ;

struct arguments {
	const char *config;
	bool json;
	char **pids; /* ends with NULL */
};

struct run {
	struct obi_settings settings;
	struct obi_host host;
	struct explain_eyes eyes;
	uint64_t missing;
	char own_exe[OBI_PATH_MAX];
	struct explain_out out;
};

/* ---- Looking -------------------------------------------------------------------------------- */

struct obi_process_facts explain_facts(const struct explain_process *process)
{
	return (struct obi_process_facts){
		.pid = process->pid,
		.exe = process->text,
		.args = process->args,
		.language = *process->language ? process->language : NULL,
		.ports = &process->ports,
	};
}

static int look_at_ports(struct run *run, struct explain_process *process)
{
	struct look_request request = { .kind = LOOK_PORTS, .pid = process->pid };
	const struct look_answer *answer = &run->eyes.answer;

	for (unsigned n = 0; n < PORT_LOOKS_MAX; n++) {
		int error = explain_ask(&run->eyes, &request);

		if (error)
			return error;
		for (unsigned i = 0; i < answer->ports.count && i < OBI_PORTS_MAX; i++) {
			obi_ports_add(&process->listens, answer->ports.items[i]);
			obi_select_add_port(&run->settings.discovery, answer->ports.items[i],
					    &process->ports);
		}
		if (!(answer->flags & LOOK_UNSEEN))
			break;
		request.from = answer->from;
	}
	return 0;
}

static int look_at(struct run *run, uint32_t pid, struct explain_process *ret_process)
{
	const struct look_request request = {
		.kind = LOOK_AT,
		.flags = LOOK_WANT_ARGS | LOOK_WANT_STAT | LOOK_WANT_RINGS,
		.pid = pid,
	};
	const struct look_answer *answer = &run->eyes.answer;
	int error = explain_ask(&run->eyes, &request);

	if (error)
		return error;
	if (!answer->text_len)
		return -ENOENT;
	memset(ret_process, 0, offsetof(struct explain_process, text));
	memcpy(ret_process->text, answer->text, answer->text_len);
	ret_process->pid = pid;
	ret_process->uid = answer->uid;
	ret_process->parent = answer->parent;
	ret_process->rings = answer->flags & LOOK_RINGS;
	ret_process->args = ret_process->text + answer->args_at;
	ret_process->ports_error = look_at_ports(run, ret_process);
	return 0;
}

static struct obi_wire_process message_of(const struct explain_process *process)
{
	struct obi_wire_process message = { .pid = process->pid };

	(void)snprintf(message.exe, sizeof(message.exe), "%.255s", process->text);
	return message;
}

/* As of one that is not selected yet: by all but its environment. */
static void find_language(struct run *run, struct explain_process *process)
{
	struct look_request request = {
		.kind = LOOK_OPEN,
		.flags = LOOK_CANDIDATE,
		.pid = process->pid,
	};
	struct obi_wire_process message = message_of(process);
	struct explain_identity identity;

	if (explain_ask(&run->eyes, &request))
		return;
	message.fds = run->eyes.answer.fds;
	if (!explain_identify(&run->settings, &message, run->eyes.fds, run->eyes.fd_count,
			      &identity))
		(void)snprintf(process->language, sizeof(process->language), "%s",
			       identity.service.language);
}

/* ---- Selection ------------------------------------------------------------------------------- */

static bool is_own(const struct run *run, const struct explain_process *process)
{
	return !strcmp(process->text, run->own_exe);
}

static bool choose(const struct run *run, const struct explain_process *process,
		   struct explain_choice *choice)
{
	const struct obi_process_facts facts = explain_facts(process);

	if (is_own(run, process) || !obi_select(&run->settings.discovery, &facts, &choice->entries))
		return false;
	choice->selected = true;
	choice->by = process->pid;
	obi_select_names(&run->settings.discovery, &facts, &choice->name, &choice->name_space);
	return true;
}

/* Children of a selected process are selected, unless an exclude list holds them. */
static void choose_by_ancestors(struct run *run, const struct explain_process *process,
				struct explain_choice *choice)
{
	static struct explain_process ancestor;
	uint32_t pid = process->parent;
	struct obi_process_facts facts = explain_facts(process);

	for (unsigned n = 0; n < ANCESTORS_MAX && pid; n++, pid = ancestor.parent) {
		if (obi_select_excluded(&run->settings.discovery, &facts) ||
		    look_at(run, pid, &ancestor) || is_own(run, &ancestor))
			return;
		facts = explain_facts(&ancestor);
		if (obi_select_language_decides(&run->settings.discovery, &facts))
			find_language(run, &ancestor);
		if (choose(run, &ancestor, choice))
			return;
	}
}

/* ---- One process ----------------------------------------------------------------------------- */

static void identify(struct run *run, struct explained *explained)
{
	const struct look_request request = { .kind = LOOK_OPEN, .pid = explained->process.pid };
	struct obi_wire_process message = message_of(&explained->process);

	message.entries = explained->choice.entries;
	(void)snprintf(message.name, sizeof(message.name), "%s", explained->choice.name);
	(void)snprintf(message.name_space, sizeof(message.name_space), "%s",
		       explained->choice.name_space);
	explained->not_identified = explain_ask(&run->eyes, &request);
	if (explained->not_identified)
		return;
	memcpy(explained->refused, run->eyes.answer.refused, sizeof(explained->refused));
	if (explained->refused[1] == -ESRCH) { /* it has ended meanwhile */
		explained->not_identified = -ESRCH;
		return;
	}
	message.fds = run->eyes.answer.fds;
	explained->not_identified = explain_identify(&run->settings, &message, run->eyes.fds,
						     run->eyes.fd_count, &explained->identity);
}

static void look_into_files(struct run *run, struct explained *explained)
{
	for (uint32_t i = 0; i < explained->identity.file_count; i++) {
		const struct look_request request = {
			.kind = LOOK_MAPPED,
			.pid = explained->process.pid,
			.mapping = explained->identity.files[i].mapping,
		};

		explained->not_opened[i] = explain_ask(&run->eyes, &request);
		if (!explained->not_opened[i] && run->eyes.fd_count == 1)
			explained->not_read[i] = explain_inspect_file(
				&run->settings, run->eyes.fds[0], &explained->libraries[i]);
	}
}

static int complain(uint32_t pid, int error)
{
	const char *why = strerror(-error);

	if (error == -ESRCH)
		why = "no such process";
	else if (error == -ENOENT)
		why = "a kernel thread, or ending: it has no executable, and the agent leaves it "
		      "alone";
	else if (error == -ETIMEDOUT)
		why = "it holds whoever looks at it; the agent leaves it alone until it executes "
		      "another program";
	else if (error == -EACCES || error == -EPERM)
		why = "not yours to look at: it takes its user, or CAP_SYS_PTRACE (sudo obi "
		      "explain)";
	(void)fprintf(stderr, "obi explain: PID %u: %s\n", pid, why);
	return EXIT_NOT_SEEN;
}

static int explain(struct run *run, uint32_t pid)
{
	static struct explained explained;
	int error;

	explained = (struct explained){
		.settings = &run->settings,
		.host = &run->host,
		.held = run->eyes.held,
		.missing = run->missing,
		.choice = { .name = "", .name_space = "" },
	};
	error = look_at(run, pid, &explained.process);
	if (error)
		return complain(pid, error);
	explained.own = is_own(run, &explained.process);
	find_language(run, &explained.process);
	if (!explained.own && !choose(run, &explained.process, &explained.choice))
		choose_by_ancestors(run, &explained.process, &explained.choice);
	identify(run, &explained);
	look_into_files(run, &explained);
	if (explained.not_identified == -ESRCH || explained.not_identified == -ETIMEDOUT)
		return complain(pid, explained.not_identified);
	explain_say(&explained, &run->out);
	return 0;
}

/* ---- The run --------------------------------------------------------------------------------- */

static int put_out(struct buffer *buf)
{
	int status = 0;

	if (buf->failed || fwrite(buf->data, 1, buf->len, stdout) != buf->len || fflush(stdout)) {
		(void)fputs("obi explain: cannot write to standard output\n", stderr);
		status = OBI_EXIT_CANNOT_START;
	}
	buf->len = 0;
	return status;
}

static int prepare(struct run *run, const char *config)
{
	struct obi_error error;
	uint64_t may;
	int failed;

	if (obi_settings_load(config, environ, &run->settings, &error)) {
		(void)fprintf(stderr, "obi explain: wrong configuration: %s\n", error.text);
		return OBI_EXIT_CANNOT_START;
	}
	log_set_level(LOG_ERROR);
	failed = obi_host_read("", &run->host);
	if (!failed)
		failed = obi_caps_held(&may);
	if (!failed)
		run->missing = obi_caps_missing(&run->settings, &run->host, may);
	if (!failed)
		failed = explain_eyes_open(&run->eyes, &run->settings);
	if (failed) {
		(void)fprintf(stderr, "obi explain: cannot begin to look: %s\n", strerror(-failed));
		return OBI_EXIT_CANNOT_START;
	}
	(void)obi_procfs_exe(obi_procfs_self(), run->own_exe, sizeof(run->own_exe));
	return 0;
}

static int explain_all(const struct arguments *arguments)
{
	static struct run run;
	int status = prepare(&run, arguments->config);

	run.out.json = arguments->json;
	for (char **pids = arguments->pids; *pids && status != OBI_EXIT_CANNOT_START; pids++) {
		status |= explain(&run, (uint32_t)strtoul(*pids, NULL, 10));
		if (run.out.buf.len && put_out(&run.out.buf))
			status = OBI_EXIT_CANNOT_START;
	}
	explain_eyes_close(&run.eyes);
	buffer_free(&run.out.buf);
	obi_settings_free(&run.settings);
	return status;
}

/* ---- Arguments ------------------------------------------------------------------------------- */

static int usage(const char *problem, const char *word)
{
	if (problem)
		(void)fprintf(stderr, "obi explain: %s '%s'\n", problem, word);
	(void)fputs("Usage: obi explain PID... [--format text|json] [--config FILE]\n",
		    problem ? stderr : stdout);
	return problem ? OBI_EXIT_USAGE : 0;
}

static bool is_pid(const char *word)
{
	size_t digits = strspn(word, "0123456789");

	return digits && digits <= 9 && !word[digits] && strtoul(word, NULL, 10);
}

/* Takes its own words out; the rest are those of all verbs. 0, or the exit status. */
static int parse_arguments(int argc, char **argv, struct arguments *arguments)
{
	char *rest[8] = { argv[0] };
	int kept = 1, pids = 0;

	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		bool joined = !strncmp(argv[i], "--format=", 9);

		if (joined || !strcmp(argv[i], "--format")) {
			value = joined ? argv[i] + 9 : value;
			i += !joined;
			arguments->json = !strcmp(value, "json");
			if (!arguments->json && strcmp(value, "text") != 0)
				return usage("--format is text or json, not", value);
		} else if (is_pid(argv[i])) {
			argv[pids++] = argv[i];
		} else if (argv[i][0] != '-' || kept + 2 > (int)ARRAY_SIZE(rest)) {
			return usage("not the number of a process:", argv[i]);
		} else {
			rest[kept++] = argv[i];
			if (strstr(argv[i], "-config") && !strchr(argv[i], '=') && i + 1 < argc)
				rest[kept++] = argv[++i];
		}
	}
	argv[pids] = NULL;
	arguments->pids = argv;
	if (!pids)
		return usage("which PID? None was given to", "explain");
	return verb_parse_config_path(kept, rest, &arguments->config) ? OBI_EXIT_USAGE : 0;
}

int verb_explain(int argc, char **argv)
{
	struct arguments arguments = { 0 };
	int status;

	if (argc == 2 && !strcmp(argv[1], "--help"))
		return usage(NULL, NULL);
	status = parse_arguments(argc, argv, &arguments);
	return status ? status : explain_all(&arguments);
}
