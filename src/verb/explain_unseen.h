/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of obi explain: what could not be read, and what the agent will not see. */
#ifndef OBI_VERB_EXPLAIN_UNSEEN_H
#define OBI_VERB_EXPLAIN_UNSEEN_H

#include "verb/explain.h"

/* Is there anything of it that could not be read? */
bool explain_is_unreadable(const struct explained *explained);

void explain_say_unreadable(const struct explained *explained, struct explain_out *out);
void explain_say_unseen(const struct explained *explained, struct explain_out *out);

#endif
