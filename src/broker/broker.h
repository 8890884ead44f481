/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The broker: the privileged half. Loads and attaches BPF programs, watches processes and
 * interfaces, hands descriptors to the worker and starts it again when it dies. It parses
 * nothing that came from outside but the operator's configuration.
 */
#ifndef OBI_BROKER_BROKER_H
#define OBI_BROKER_BROKER_H

#include "settings/settings.h"

/* Capabilities that are needed after everything is attached: see caps/check.h. */
struct obi_broker_caps {
	uint64_t keep; /* by the broker */
	uint64_t look; /* by who looks at processes for it */
};

/* Runs until SIGHUP, SIGINT or SIGTERM. config_path is for the children's messages, NULL where
 * there is none; the text of the file goes to them, and is wiped here. Returns the exit status: 0,
 * or 255 where the agent could not start. */
int obi_broker_run(struct obi_settings *settings, const char *config_path,
		   const struct obi_broker_caps *caps);

#endif
