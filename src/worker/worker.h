/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker: the unprivileged half. Owns the mapped rings, parsers, pipeline and exporters;
 * everything that reads bytes from outside runs here, in a sandbox.
 */
#ifndef OBI_WORKER_WORKER_H
#define OBI_WORKER_WORKER_H

#include "settings/settings.h"

/* Runs until the broker says stop or is gone. The exit status. */
int obi_worker_run(const struct obi_settings *settings);

#endif
