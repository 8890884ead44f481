/* SPDX-License-Identifier: Apache-2.0 */
/* What the sender may do besides its loop: name resolution, TLS, and its spill directory. */
#ifndef OBI_SANDBOX_SENDER_RULES_H
#define OBI_SANDBOX_SENDER_RULES_H

#include "sandbox/sandbox.h"

/* Whom the sender may have to connect to: all else is shut off. */
struct sender_reach {
	uint16_t ports[8];
	size_t port_count;
	bool any_port; /* a proxy has been named: libcurl finds out which port it listens on */
	bool unix_sockets;
	bool abstract_sockets;
};

/* spill_directory: NULL or "" where there is none. 0, or a negative errno with the step in
 * ret_step: then the sender must not go on. */
int sender_sandbox_close(const char *spill_directory, const struct sender_reach *reach,
			 struct obi_sandbox *ret_sandbox, const char **ret_step);

#endif
