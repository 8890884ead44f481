/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of obi explain: all that was found out of a process, and how it is told. */
#ifndef OBI_VERB_EXPLAIN_H
#define OBI_VERB_EXPLAIN_H

#include "discover/look.h"
#include "discover/select.h"
#include "feature/host.h"
#include "verb/explain_inspect.h"
#include "verb/explain_out.h"

/* A process as discovery sees it. */
struct explain_process {
	uint32_t pid, uid, parent;
	bool rings;
	int ports_error;
	struct obi_ports ports;   /* that decide */
	struct obi_ports listens; /* the first that were found */
	char language[16];        /* "": not known */
	char text[LOOK_TEXT_MAX]; /* executable and arguments */
	const char *args;
};

struct explain_choice {
	bool selected;
	uint32_t by; /* the process that is selected: itself, or whose child it is */
	struct obi_entries entries;
	const char *name, *name_space;
};

struct explained {
	const struct obi_settings *settings;
	const struct obi_host *host;
	uint64_t held;    /* capabilities of who looked */
	uint64_t missing; /* of an agent that is started by the same file and user */
	bool own;         /* it is this program */
	struct explain_process process;
	struct explain_choice choice;
	int refused[LOOK_FILES];
	int not_identified; /* an error */
	struct explain_identity identity;
	int not_opened[EXPLAIN_FILES_MAX]; /* an error, of each of its files */
	int not_read[EXPLAIN_FILES_MAX];
	struct explain_library libraries[EXPLAIN_FILES_MAX];
};

struct obi_process_facts explain_facts(const struct explain_process *process);

void explain_say(const struct explained *explained, struct explain_out *out);

#endif
