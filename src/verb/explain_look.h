/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of obi explain: a looker of its own, as the agent has one, asked one thing at a time. */
#ifndef OBI_VERB_EXPLAIN_LOOK_H
#define OBI_VERB_EXPLAIN_LOOK_H

#include "discover/looker.h"
#include "settings/settings.h"

struct explain_eyes {
	struct obi_looker looker;
	const struct obi_settings *settings;
	uint64_t held; /* capabilities of who looks */
	bool answered;
	struct look_answer answer;
	int fds[OBI_WIRE_FDS], fd_count; /* of the answer: the next question closes them */
};

/* Starts it with what the caller may do, no more; afterwards this process may do nothing of that
 * itself. 0 or a negative errno. */
int explain_eyes_open(struct explain_eyes *eyes, const struct obi_settings *settings);
void explain_eyes_close(struct explain_eyes *eyes);

/* 0, then the answer is there; else its error: -ETIMEDOUT where the process holds whoever looks. */
int explain_ask(struct explain_eyes *eyes, const struct look_request *request);

#endif
