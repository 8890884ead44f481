// SPDX-License-Identifier: Apache-2.0
/* The protocols that are known: one line each in protocols.def. */
#include "protocol/protocol.h"

#define OBI_PROTOCOL(name_) &protocol_##name_,
const struct obi_protocol *const obi_protocols[] = {
#include "protocol/protocols.def"
	NULL,
};
#undef OBI_PROTOCOL
