// SPDX-License-Identifier: Apache-2.0
/* obi worker: what the broker starts; of no use to a person. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "settings/settings.h"
#include "verb/common.h"
#include "verb/verb.h"
#include "wire/wire.h"
#include "worker/worker.h"

extern char **environ;

int verb_worker(int argc, char **argv)
{
	struct obi_settings settings;
	struct obi_error error;
	const char *path;

	if (fcntl(OBI_WIRE_FD, F_GETFD) < 0) {
		(void)fprintf(stderr, "obi: the worker is started by the agent itself\n");
		return OBI_EXIT_USAGE;
	}
	/* The broker decides when to end: a terminal's interrupt goes to it as well. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	if (verb_parse_config_path(argc, argv, &path))
		return OBI_EXIT_USAGE;
	if (obi_settings_load(path, environ, &settings, &error)) {
		log_error("wrong configuration", F("error", log_str(error.text)));
		return OBI_EXIT_CANNOT_START;
	}
	verb_apply_log(&settings);
	return obi_worker_run(&settings);
}
