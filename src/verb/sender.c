// SPDX-License-Identifier: Apache-2.0
/* obi sender: what the broker starts where OTLP is configured; of no use to a person. */
#include "sender/sender.h"

#include "base/log.h"
#include "verb/common.h"
#include "verb/verb.h"

extern char **environ;

int verb_sender(int argc, char **argv)
{
	struct obi_settings settings;
	int status = verb_begin_child(argc, argv, OBI_ROLE_SENDER, &settings);

	if (status)
		return status;
	log_set_level(
		(enum log_level)obi_otlp_log_level(&settings.otlp, settings.global.log_level));
	return obi_sender_run(&settings, environ);
}
