// SPDX-License-Identifier: Apache-2.0
/* How it is told. What stays unseen, and why, is in explain_unseen.c. */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "caps/check.h"
#include "verb/explain_unseen.h"

/* ---- Language -------------------------------------------------------------------------------- */

static void say_language(const struct explained *explained, struct explain_out *out)
{
	static const char *const signs[OBI_LANGUAGE_SIGNS] = {
		[OBI_LANGUAGE_BY_NOTHING] = "no sign of another",
		[OBI_LANGUAGE_BY_LINKER] = "the Go linker's marks in the executable",
		[OBI_LANGUAGE_BY_EXECUTABLE] = "the executable, a runtime",
		[OBI_LANGUAGE_BY_MODULE] = "a runtime that is mapped",
		[OBI_LANGUAGE_BY_SYMBOL] = "symbols of the executable",
		[OBI_LANGUAGE_BY_VARIABLE] = "a variable of its environment",
		[OBI_LANGUAGE_BY_FILE_NAME] = "the executable's name",
		[OBI_LANGUAGE_BY_CPP_LIBRARY] = "the C++ library that is mapped",
	};
	const struct obi_language_sign *sign = &explained->identity.sign;

	out_begin(out, "language", '{');
	out_text(out, "name", explained->identity.service.language);
	out_text(out, "by", signs[sign->by]);
	if (*sign->module)
		out_text(out, "module", sign->module);
	out_end(out, '}');
}

/* ---- Selection ------------------------------------------------------------------------------- */

/* Entries of the lists have numbers; the last of what selects may be made of these options. */
static void name_entry(const struct obi_discovery_options *options,
		       const struct obi_criteria_list *list, size_t i, char *to, size_t size)
{
	const struct obi_criteria *entry = &list->items[i];
	bool regex = !strcmp(options->chosen_key, "discovery.services");
	const char *key = options->chosen_key;

	if (list == &options->excluded)
		key = regex ? "discovery.exclude_services" : "discovery.exclude_instrument";
	else if (list == &options->excluded_by_default)
		key = regex ? "discovery.default_exclude_services"
			    : "discovery.default_exclude_instrument";
	else if (options->target_pids.count || i >= options->chosen.count) {
		(void)snprintf(to, size, "%s%s%s%s%s",
			       entry->target_pids.count ? "OTEL_EBPF_TARGET_PID " : "",
			       entry->open_ports.count ? "OTEL_EBPF_OPEN_PORT " : "",
			       *entry->exe_path ? "OTEL_EBPF_AUTO_TARGET_EXE " : "",
			       *entry->languages ? "OTEL_EBPF_AUTO_TARGET_LANGUAGE " : "",
			       *entry->exe_path_regexp ? "OTEL_EBPF_EXECUTABLE_PATH " : "");
		to[strlen(to) - (*to != '\0')] = '\0';
		return;
	}
	(void)snprintf(to, size, "%s[%zu]", key, i);
}

static void say_entries(const struct explained *explained, const struct obi_criteria_list *list,
			struct explain_out *out)
{
	static const char *const unmet[OBI_UNMET_KINDS] = {
		[OBI_UNMET_NOTHING] = "matches",
		[OBI_UNMET_LATER] = "not: Kubernetes or container, which are not known yet",
		[OBI_UNMET_PID] = "not: target_pids",
		[OBI_UNMET_EXE] = "not: executable",
		[OBI_UNMET_ARGS] = "not: cmd_args",
		[OBI_UNMET_LANGUAGE] = "not: language",
		[OBI_UNMET_PORTS] = "not: ports",
	};
	const struct obi_process_facts facts = explain_facts(&explained->process);

	for (size_t i = 0; i < list->count; i++) {
		char name[160];

		name_entry(&explained->settings->discovery, list, i, name, sizeof(name));
		out_begin(out, NULL, '{');
		out_text(out, "entry", name);
		out_text(out, "outcome", unmet[obi_select_unmet(&list->items[i], &facts)]);
		out_end(out, '}');
	}
}

static void say_why(const struct explained *explained, char *to, size_t size)
{
	const struct obi_discovery_options *options = &explained->settings->discovery;
	const struct explain_choice *choice = &explained->choice;
	const struct obi_process_facts facts = explain_facts(&explained->process);
	char entry[160] = "";

	if (choice->selected) {
		name_entry(options, &options->selected, (size_t)choice->entries.last - 1, entry,
			   sizeof(entry));
		if (choice->by == explained->process.pid)
			(void)snprintf(to, size, "%s", entry);
		else
			(void)snprintf(to, size, "a child of PID %u, which %s selects", choice->by,
				       entry);
	} else {
		(void)snprintf(to, size, "%s",
			       explained->own             ? "it is this program itself"
			       : !options->selected.count ? "nothing selects any process"
			       : obi_select_excluded(options, &facts)
				       ? "an exclude list holds it"
				       : "no entry matches, nor is it the child of one that is "
					 "selected, as far as ancestors live");
	}
}

static void say_selection(const struct explained *explained, struct explain_out *out)
{
	const struct obi_discovery_options *options = &explained->settings->discovery;
	const struct explain_process *process = &explained->process;
	char why[256];

	say_why(explained, why, sizeof(why));
	out_flag(out, "selected", explained->choice.selected);
	out_text(out, "because", why);
	out_begin(out, "criteria", '[');
	say_entries(explained, &options->selected, out);
	say_entries(explained, &options->excluded, out);
	say_entries(explained, &options->excluded_by_default, out);
	out_end(out, ']');
	if (process->ports_error)
		return;
	out_begin(out, "listens", '[');
	for (unsigned i = 0; i < process->listens.count; i++)
		out_number(out, NULL, process->listens.items[i]);
	out_end(out, ']');
}

/* ---- Service --------------------------------------------------------------------------------- */

/* Whose entry says so: that of the text itself. */
static void name_giver(const struct explained *explained, const char *text, char *to, size_t size)
{
	const struct obi_discovery_options *options = &explained->settings->discovery;
	const struct obi_criteria_list *list = &options->selected;

	(void)snprintf(to, size, "configuration");
	for (size_t i = 0; i < list->count && *text; i++) {
		char name[160];

		if (list->items[i].name != text && list->items[i].name_space != text)
			continue;
		name_entry(options, list, i, name, sizeof(name));
		(void)snprintf(to, size, "configuration, %s", name);
	}
}

static void say_source(struct explain_out *out, const char *source, const struct explain_said *said,
		       bool unread, bool wins)
{
	out_begin(out, NULL, '{');
	out_text(out, "source", source);
	if (unread)
		out_flag(out, "unread", true);
	else if (said->given)
		out_text(out, said->said ? "says" : "says_nothing", said->text);
	out_flag(out, "wins", wins);
	out_end(out, '}');
}

static void say_sources(const struct explained *explained, struct explain_out *out)
{
	static const char *const sources[OBI_NAME_FROM_NOTHING] = {
		[OBI_NAME_FROM_ENVIRONMENT] = "OTEL_SERVICE_NAME of the process",
		[OBI_NAME_FROM_ATTRIBUTES] = "service.name in its OTEL_RESOURCE_ATTRIBUTES",
		[OBI_NAME_FROM_EXECUTABLE] = "executable",
	};
	const struct explain_identity *identity = &explained->identity;
	const struct explain_said *spaces = identity->spaces;
	bool attributes = spaces[OBI_NAME_FROM_ATTRIBUTES].said;
	bool unread = explained->refused[0] || explained->not_identified;
	char giver[200];

	out_begin(out, "sources", '[');
	for (uint32_t i = 0; i < OBI_NAME_FROM_NOTHING; i++) {
		name_giver(explained, explained->choice.name, giver, sizeof(giver));
		say_source(out, sources[i] ? sources[i] : giver, &identity->names[i],
			   unread && i <= OBI_NAME_FROM_ATTRIBUTES, i == identity->source);
	}
	out_end(out, ']');
	out_begin(out, "namespace_sources", '[');
	say_source(out, "service.namespace in its OTEL_RESOURCE_ATTRIBUTES",
		   &spaces[OBI_NAME_FROM_ATTRIBUTES], unread, attributes);
	name_giver(explained, explained->choice.name_space, giver, sizeof(giver));
	say_source(out, giver, &spaces[OBI_NAME_FROM_CONFIGURATION], false,
		   !attributes && spaces[OBI_NAME_FROM_CONFIGURATION].said);
	out_end(out, ']');
}

static void say_service(const struct explained *explained, struct explain_out *out)
{
	const struct obi_service *service = &explained->identity.service;

	out_begin(out, "service", '{');
	out_text(out, "name", service->name);
	out_text(out, "namespace", service->name_space);
	out_text(out, "instance", service->instance);
	say_sources(explained, out);
	out_end(out, '}');
}

/* ---- Files ----------------------------------------------------------------------------------- */

static const char *why_not(const struct explained *explained, uint32_t i)
{
	const struct explain_library *library = &explained->libraries[i];
	int error = explained->not_opened[i] ? explained->not_opened[i] : explained->not_read[i];

	if (error == LOOK_UNSAFE)
		return "of a file system in user space, which nobody has to answer: not read";
	if (explained->not_opened[i])
		return "not opened: see unreadable";
	if (error)
		return "reading it took too long, or ended who did";
	if (library->error == -ENOEXEC)
		return "no ELF file of 64 bits";
	if (library->error)
		return "of another machine, or broken";
	if (!library->functions)
		return library->cut ? "no function of a TLS library in what was read of it"
				    : "no function of a TLS library";
	if (!library->sites)
		return "its functions have no place for a probe";
	if (!explained->settings->broker.tls_probes)
		return "ebpf.tls_probes is off";
	if (obi_broker_leaves_alone(&explained->settings->broker,
				    explained->identity.files[i].path))
		return "ebpf.tls_probes_exclude has it left alone";
	return explained->choice.selected ? NULL : "the process is not selected";
}

static void say_file(const struct explained *explained, uint32_t i, struct explain_out *out)
{
	const struct explain_file *file = &explained->identity.files[i];
	const struct explain_library *library = &explained->libraries[i];
	const char *reason = why_not(explained, i);

	out_begin(out, NULL, '{');
	out_text(out, "file", file->path);
	out_text(out, "is", file->executable ? "the executable" : "a shared library");
	if (*library->name) {
		out_text(out, "library", library->name);
		out_number(out, "functions", library->functions);
		out_number(out, "sites", library->sites);
		out_number(out, "single_stepped", library->stepped);
		out_flag(out, "joins_memory", library->random);
	}
	out_flag(out, "probed", !reason);
	if (reason)
		out_text(out, "why_not", reason);
	out_end(out, '}');
}

static void say_files(const struct explained *explained, struct explain_out *out)
{
	out_begin(out, "files", '[');
	for (uint32_t i = 0; i < explained->identity.file_count; i++)
		say_file(explained, i, out);
	out_end(out, ']');
}

/* ---- Whole ----------------------------------------------------------------------------------- */

void explain_say(const struct explained *explained, struct explain_out *out)
{
	const struct explain_process *process = &explained->process;

	out_begin(out, NULL, '{');
	out_number(out, "pid", process->pid);
	out_text(out, "executable", process->text);
	out_text(out, "arguments", process->args);
	out_number(out, "user", process->uid);
	out_number(out, "parent", process->parent);
	out_flag(out, "complete", !explain_is_unreadable(explained));
	say_language(explained, out);
	say_selection(explained, out);
	say_service(explained, out);
	say_files(explained, out);
	explain_say_unreadable(explained, out);
	explain_say_unseen(explained, out);
	out_end(out, '}');
	out_finish(out);
}
