/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the looker: its side of the fork. */
#ifndef OBI_BROKER_KEEPER_H
#define OBI_BROKER_KEEPER_H

#include <stdint.h>
#include <sys/types.h>

#include "broker/look.h"
#include "settings/settings.h"

enum keeper_message {
	KEEPER_START = 1, /* one end of a pair: end the looker that there is, start one on it */
};

/* Forks the keeper, whose messages go to ret_sock. 0 or a negative errno. */
int keeper_start(const struct obi_settings *settings, uint64_t caps, struct look_page *page,
		 pid_t *ret_pid, int *ret_sock);

#endif
