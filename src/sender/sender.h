/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sender: the process that speaks to collectors. It takes batches from the worker over a pair
 * that the broker makes (wire/batch.h), and holds no privilege, no descriptor of the kernel side
 * and no data of applications but those batches.
 */
#ifndef OBI_SENDER_SENDER_H
#define OBI_SENDER_SENDER_H

#include "settings/settings.h"

/* Runs until the broker is gone. env: for ${VAR} in headers. Returns the exit status. */
int obi_sender_run(const struct obi_settings *settings, char *const *env);

#endif
