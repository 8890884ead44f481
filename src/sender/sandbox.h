/* SPDX-License-Identifier: Apache-2.0 */
/* What the sender may do besides its loop: name resolution, TLS, and its spill directory. */
#ifndef OBI_SENDER_SANDBOX_H
#define OBI_SENDER_SANDBOX_H

#include "sender/reach.h"
#include "worker/sandbox.h"

/* spill_directory: NULL or "" where there is none. 0, or a negative errno with the step in
 * ret_step: then the sender must not go on. */
int sender_sandbox_close(const char *spill_directory, const struct sender_reach *reach,
			 struct obi_sandbox *ret_sandbox, const char **ret_step);

#endif
