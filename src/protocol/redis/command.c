// SPDX-License-Identifier: Apache-2.0
/* The few commands that are more than a name to whoever pairs requests and replies. */
#include "protocol/redis/lines.h"

struct row {
	struct slice name;
	uint8_t command;
	uint8_t hidden_from;
};

/* Sorted by length. Hidden is rather too much than a credential too little: what HELLO takes behind
 * the version (AUTH), the values of CONFIG SET (requirepass, masterauth), the rules of ACL SETUSER,
 * what MIGRATE takes behind its timeout (AUTH, AUTH2), the arguments of MODULE LOAD, and the value
 * in SENTINEL SET (auth-pass). */
static const struct row rows[] = {
	{ SLICE_LIT("ACL"), REDIS_ACL, 3 },
	{ SLICE_LIT("AUTH"), REDIS_AUTH, 1 },
	{ SLICE_LIT("EXEC"), REDIS_EXEC, 0 },
	{ SLICE_LIT("QUIT"), REDIS_QUIT, 0 },
	{ SLICE_LIT("SYNC"), REDIS_SYNC, 0 },
	{ SLICE_LIT("HELLO"), REDIS_HELLO, 2 },
	{ SLICE_LIT("MULTI"), REDIS_MULTI, 0 },
	{ SLICE_LIT("PSYNC"), REDIS_PSYNC, 0 },
	{ SLICE_LIT("RESET"), REDIS_RESET, 0 },
	{ SLICE_LIT("CLIENT"), REDIS_CLIENT, 0 },
	{ SLICE_LIT("CONFIG"), REDIS_CONFIG, 3 },
	{ SLICE_LIT("MODULE"), REDIS_MODULE, 3 },
	{ SLICE_LIT("SELECT"), REDIS_SELECT, 0 },
	{ SLICE_LIT("DISCARD"), REDIS_DISCARD, 0 },
	{ SLICE_LIT("MIGRATE"), REDIS_MIGRATE, 6 },
	{ SLICE_LIT("MONITOR"), REDIS_MONITOR, 0 },
	{ SLICE_LIT("SENTINEL"), REDIS_SENTINEL, 4 },
	{ SLICE_LIT("SUBSCRIBE"), REDIS_SUBSCRIBE, 0 },
	{ SLICE_LIT("PSUBSCRIBE"), REDIS_PSUBSCRIBE, 0 },
	{ SLICE_LIT("SSUBSCRIBE"), REDIS_SSUBSCRIBE, 0 },
	{ SLICE_LIT("UNSUBSCRIBE"), REDIS_UNSUBSCRIBE, 0 },
	{ SLICE_LIT("PUNSUBSCRIBE"), REDIS_PUNSUBSCRIBE, 0 },
	{ SLICE_LIT("SUNSUBSCRIBE"), REDIS_SUNSUBSCRIBE, 0 },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* Where the rows of a length begin: most commands are none of these, and that is to cost little. */
static const uint8_t first_of_length[] = { 0, 0, 0, 0, 1, 5, 9, 13, 16, 17, 18, 20, 21, ROWS };

static const struct row *find(struct slice name)
{
	uint8_t first;

	if (name.len + 1 >= sizeof(first_of_length))
		return NULL;
	first = name.len ? name.data[0] & 0xdf : 0;
	for (size_t i = first_of_length[name.len]; i < first_of_length[name.len + 1]; i++)
		if (rows[i].name.data[0] == first && slice_equal_nocase(name, rows[i].name))
			return &rows[i];
	return NULL;
}

enum redis_command redis_command_of(struct slice name)
{
	const struct row *row = find(name);

	return row ? (enum redis_command)row->command : REDIS_OTHER;
}

uint8_t redis_hidden_from(enum redis_command command)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].command == command)
			return rows[i].hidden_from;
	return 0;
}
