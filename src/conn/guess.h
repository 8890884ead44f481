/* SPDX-License-Identifier: Apache-2.0 */
/* What first bytes are: the words in which parsers answer. */
#ifndef OBI_CONN_GUESS_H
#define OBI_CONN_GUESS_H

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

#endif
