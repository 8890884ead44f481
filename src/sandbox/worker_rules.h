/* SPDX-License-Identifier: Apache-2.0 */
/* What the worker may do: nothing of the file system, no new connection. */
#ifndef OBI_SANDBOX_WORKER_RULES_H
#define OBI_SANDBOX_WORKER_RULES_H

#include "sandbox/sandbox.h"

extern const struct obi_sandbox_rules obi_worker_sandbox;

/* Its seccomp filter alone: 0 or a negative errno. */
int obi_worker_filter(void);

#endif
