/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of obi explain: what a stranger has written, read by the worker's own code in a process
 * that may do nothing. All texts of a result are terminated, all numbers of it in their ranges. */
#ifndef OBI_VERB_EXPLAIN_INSPECT_H
#define OBI_VERB_EXPLAIN_INSPECT_H

#include "inspect/language.h"
#include "service/name.h"
#include "settings/settings.h"
#include "wire/wire.h"

#define EXPLAIN_FILES_MAX 16

/* What a source says. */
struct explain_said {
	bool said;
	bool given; /* it is there; where nothing is said, it cannot be used */
	char text[256];
};

struct explain_file {
	struct obi_wire_mapping mapping;
	bool executable; /* the process' own */
	char path[256];
};

struct explain_identity {
	struct obi_service service;
	struct obi_language_sign sign;
	uint32_t source; /* enum obi_name_source */
	struct explain_said names[OBI_NAME_FROM_NOTHING];
	struct explain_said spaces[OBI_NAME_FROM_NOTHING];
	bool asyncio;
	bool more_files;
	uint32_t file_count;
	struct explain_file files[EXPLAIN_FILES_MAX];
};

struct explain_library {
	int32_t error; /* of obi_tls_inspect() */
	uint32_t functions, sites, stepped;
	bool stripped, cut;
	bool random;   /* sessions that are fed by memory can be joined to their sockets */
	char name[16]; /* "": none */
};

/* The process as it is told to the worker, with these descriptors. 0 or an error of
 * obi_apart_run(). */
int explain_identify(const struct obi_settings *settings, const struct obi_wire_process *process,
		     const int *fds, int fd_count, struct explain_identity *ret_identity);

int explain_inspect_file(const struct obi_settings *settings, int fd,
			 struct explain_library *ret_library);

#endif
