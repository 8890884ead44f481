// SPDX-License-Identifier: Apache-2.0
/* obi sender: what the broker starts where OTLP is configured; of no use to a person. */
#include "sender/sender.h"

#include "verb/common.h"
#include "verb/verb.h"

extern char **environ;

int verb_sender(int argc, char **argv)
{
	struct obi_settings settings;
	int status = verb_begin_child(argc, argv, "sender", &settings);

	return status ? status : obi_sender_run(&settings, environ);
}
