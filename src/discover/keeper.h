/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the looker: its side of the fork. */
#ifndef OBI_DISCOVER_KEEPER_H
#define OBI_DISCOVER_KEEPER_H

#include <stdint.h>
#include <sys/types.h>

#include "discover/looker.h"

enum keeper_message {
	KEEPER_START = 1, /* one end of a pair: end the looker that there is, start one on it */
};

/* Forks the keeper of this looker, with these capabilities; its messages go to ret_sock. 0 or a
 * negative errno. */
int keeper_start(const struct obi_looker *looker, uint64_t caps, pid_t *ret_pid, int *ret_sock);

#endif
