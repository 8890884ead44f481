/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of obi check: the tracers themselves, loaded for a moment. */
#ifndef OBI_VERB_CHECK_TRACERS_H
#define OBI_VERB_CHECK_TRACERS_H

#include "base/buffer.h"
#include "settings/settings.h"

struct check_outcome {
	int error;      /* 0, or the negative errno of the refused step */
	char text[256]; /* what was refused, or by which way in it works */
};

/* Each loads the tracer that these settings ask for and attaches it (tc: to no interface), in a
 * child that holds, of our capabilities, only those in mask. Nothing stays behind. */
void check_network_tracer(const struct obi_settings *settings, uint64_t mask,
			  struct check_outcome *ret_outcome);
void check_application_tracer(const struct obi_settings *settings, uint64_t mask,
			      struct check_outcome *ret_outcome);

/* The rungs of each ladder that the application tracer stands on, tried likewise. */
void check_ladders(const struct obi_settings *settings, uint64_t mask, struct buffer *buf);

#endif
