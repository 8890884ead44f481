/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The protocols that are known: a folder of this room and a line in protocols.def each.
 *
 * A folder holds pure parsers (no allocation, no clock, no log, no global state: they read bytes
 * from outside through slices), and conn.c, the protocol's row: what conn asks of it
 * (conn/protocol.h).
 */
#ifndef OBI_PROTOCOL_PROTOCOL_H
#define OBI_PROTOCOL_PROTOCOL_H

#include "conn/protocol.h"

#define OBI_PROTOCOL(name_) extern const struct obi_protocol protocol_##name_;
#include "protocol/protocols.def"
#undef OBI_PROTOCOL

/* NULL-terminated, in the order in which connections are asked about. */
extern const struct obi_protocol *const obi_protocols[];

#endif
