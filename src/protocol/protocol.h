/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Protocol parsers. A parser is one file and one line in protocols.def.
 *
 * Parsers are pure: no allocation, no clock, no log, no global state. They read
 * bytes from outside through slices and say what they found by events. The conn
 * room keeps their state, feeds them, and pairs requests with responses.
 */
#ifndef OBI_PROTOCOL_PROTOCOL_H
#define OBI_PROTOCOL_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "obi/record.h"
#include "span/span.h"

enum obi_guess {
	OBI_GUESS_NO,
	OBI_GUESS_YES,
	OBI_GUESS_MORE, /* too few bytes to tell */
};

/* Which half of an exchange a message is. */
enum obi_role {
	OBI_ROLE_UNKNOWN,
	OBI_ROLE_REQUEST,
	OBI_ROLE_RESPONSE,
};

struct obi_protocol {
	const char *name;
	const char *help; /* one line for the docs: what is seen, and what is not */
	/* Which half of an exchange do these first bytes of a message begin? */
	enum obi_guess (*guess)(struct slice head, enum obi_role *ret_role);
	/* The same in the middle of a connection, where the bytes may be the rest of a head, or a
	 * body: true only of what is hardly anything else than the beginning of a message. */
	bool (*resume)(struct slice head, enum obi_role *ret_role);
};

#define OBI_PROTOCOL(name_) extern const struct obi_protocol protocol_##name_;
#include "protocol/protocols.def"
#undef OBI_PROTOCOL

extern const struct obi_protocol *const obi_protocols[]; /* NULL-terminated */

#endif
