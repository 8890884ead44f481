/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage: names both ends of a span. Our own end is the service, the other end its
 * address, until a resolver knows more.
 */
#ifndef OBI_PIPELINE_NAMES_H
#define OBI_PIPELINE_NAMES_H

#include "base/address.h"
#include "span/span.h"

struct names_stage {
	char address[ADDRESS_TEXT_MAX];
};

/* Sets span->peer_name and span->host_name, valid until the next call. */
void names_stage_apply(struct names_stage *stage, struct obi_span *span);

#endif
