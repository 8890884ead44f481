/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage: names both ends of a span. Our own end is the service. A server that a client asks is
 * what its Host field says, if it says anything that can be a host; any other end is its address.
 */
#ifndef OBI_PIPELINE_NAMES_H
#define OBI_PIPELINE_NAMES_H

#include "base/address.h"
#include "span/span.h"

struct names_stage {
	char address[ADDRESS_TEXT_MAX];
};

/* Sets span->peer_name and span->host_name, valid until the next call or as long as the Host field,
 * and span->asked_port. */
void names_stage_apply(struct names_stage *stage, struct obi_span *span);

#endif
