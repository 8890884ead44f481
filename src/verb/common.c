// SPDX-License-Identifier: Apache-2.0
#include "verb/common.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory_limit.h"
#include "base/signals.h"
#include "verb/verb.h"
#include "wire/wire.h"

extern char **environ;

int verb_parse_config_path(int argc, char **argv, const char **ret_path)
{
	const char *path = NULL;

	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];

		/* Go's flag package takes one dash or two. */
		if (word[0] == '-' && word[1] == '-')
			word++;
		if (!strcmp(word, "-config") && i + 1 < argc) {
			path = argv[++i];
		} else if (!strncmp(word, "-config=", 8)) {
			path = word + 8;
		} else {
			(void)fprintf(stderr, "obi: unknown argument '%s'; see obi --help\n",
				      argv[i]);
			return -EINVAL;
		}
	}
	*ret_path = path;
	return 0;
}

void verb_apply_log(const struct obi_settings *settings)
{
	log_set_level((enum log_level)settings->global.log_level);
	log_set_json(settings->global.log_format == OBI_LOG_JSON);
}

int verb_begin_child(int argc, char **argv, enum obi_role role, struct obi_settings *ret_settings)
{
	const char *name = role == OBI_ROLE_WORKER ? "worker" : "sender";
	struct obi_error error;
	const char *path;
	bool given;
	int failed;

	if (fcntl(OBI_WIRE_FD, F_GETFD) < 0) {
		(void)fprintf(stderr, "obi: the %s is started by the agent itself\n", name);
		return OBI_EXIT_USAGE;
	}
	signals_ignore_all();
	if (verb_parse_config_path(argc, argv, &path))
		return OBI_EXIT_USAGE;
	given = fcntl(OBI_CONFIG_FD, F_GET_SEALS) > 0;
	failed = obi_settings_load_given(path, given ? OBI_CONFIG_FD : -1, environ, ret_settings,
					 &error);
	if (given)
		(void)close(OBI_CONFIG_FD);
	if (failed) {
		log_error("wrong configuration", F("error", log_str(error.text)));
		return OBI_EXIT_CANNOT_START;
	}
	obi_role_scrub(role, ret_settings);
	(void)obi_settings_fit_memory(ret_settings, memory_limit());
	verb_apply_log(ret_settings);
	log_begin_folding();
	log_use_line_writer();
	return 0;
}

void verb_log_warnings(const struct obi_settings *settings)
{
	for (const struct obi_warning *w = settings->warnings.first; w; w = w->next)
		log_warn(w->text, F("option", log_str(w->option)), F("source", log_str(w->source)));
	if (settings->warnings.dropped)
		log_warn("more warnings about the configuration were left out",
			 F("count", log_int((int64_t)settings->warnings.dropped)));
}
