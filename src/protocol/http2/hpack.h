/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HPACK (RFC 7541): reads header blocks of one direction of a connection, in their order.
 *
 * It does so from any block on. What an index means depends on all insertions since, so a decoder
 * that came late does not know all: such a field is HPACK_UNKNOWN, and decoding goes on. It never
 * says a wrong name or value, and needs to know neither the size of the table nor what was evicted:
 *
 *   The table is a queue. Whatever its size is, and whatever size updates and SETTINGS did to it,
 *   it holds the newest insertions and none between them is missing (section 4.4: what is too large
 *   to go in takes all older ones out). So index 62 + n is the n-th newest insertion or nothing,
 *   and that an encoder uses the index shows that it is not nothing.
 *
 * So the entry is known if and only if all insertions newer than it were seen, and it is still in
 * the decoder's own memory, which drops the oldest. Where blocks, or parts of one, were not seen,
 * it is not known how many insertions were missed: hpack_lose() forgets all.
 *
 * The decoder looks for the fields of enum hpack_name. Text of others is passed over unread, also
 * where it goes into the table: their Huffman code may be wrong. HPACK_ALL reads all.
 */
#ifndef OBI_PROTOCOL_HTTP2_HPACK_H
#define OBI_PROTOCOL_HTTP2_HPACK_H

#include <stdbool.h>

#include "base/slice.h"

enum hpack_name {
	HPACK_OTHER,
	HPACK_UNKNOWN, /* an index says it, to an insertion that was not seen */
	HPACK_AUTHORITY,
	HPACK_METHOD,
	HPACK_PATH,
	HPACK_SCHEME,
	HPACK_STATUS,
	HPACK_CONTENT_LENGTH,
	HPACK_CONTENT_TYPE,
	HPACK_GRPC_MESSAGE,
	HPACK_GRPC_STATUS,
	HPACK_HOST,
	HPACK_TRACEPARENT,
};

/* hpack_init(), flags */
#define HPACK_FIRST 0x01 /* no block came before: an index to no insertion is an error */
#define HPACK_ALL 0x02   /* fields of HPACK_OTHER are wanted too, with their names */

/* Memory that holds whatever a table of limit bytes (SETTINGS_HEADER_TABLE_SIZE) may hold. Less
 * will do: then old entries are unknown earlier. */
#define HPACK_ENTRY_SIZE 12
#define HPACK_ENTRY_LEAST 32 /* what an entry counts without its text, section 4.1 */
#define HPACK_ROOM(limit) ((limit) + (limit) / HPACK_ENTRY_LEAST * HPACK_ENTRY_SIZE)
#define HPACK_ROOM_MAX (1 << 20)

struct hpack_entry;

/* Private to hpack_table.c, as are the functions in hpack_table.h. Its size matters: two a
 * connection. */
struct hpack {
	struct hpack_entry *entries; /* a ring, at the start of the caller's memory */
	uint8_t *text;               /* a ring, behind it */
	uint32_t slots;
	uint32_t text_room;
	uint32_t next;      /* slot of the next insertion */
	uint32_t held;      /* insertions in memory, the newest */
	uint32_t text_next; /* where the next text goes */
	uint32_t text_used; /* of the held ones */
	uint8_t flags;      /* HPACK_*; FIRST as long as all insertions are held */
	bool began;         /* this block had a field: size updates come before (section 4.2) */
};

/* room bytes at memory, aligned to 4, belong to the decoder as long as it is used. 0 bytes will do:
 * a decoder that knows the static table alone. More than HPACK_ROOM_MAX are not used. */
void hpack_init(struct hpack *hpack, void *memory, size_t room, unsigned flags);

/* Blocks, or parts of one, were not seen. */
void hpack_lose(struct hpack *hpack);

/* Where decoded text goes: as much of it as there is room. */
struct hpack_scratch {
	uint8_t *at;
	size_t left;
};

#define HPACK_CUT 0x01 /* hpack_field.flags: the value is longer, this is its beginning */

struct hpack_field {
	enum hpack_name name;
	unsigned flags;
	struct slice text;  /* the name: of HPACK_UNKNOWN it is empty */
	struct slice value; /* of HPACK_UNKNOWN it is empty */
};

/* Begins a block, once before the first hpack_next() of each. */
void hpack_begin(struct hpack *hpack);

/* Takes the next wanted or unknown field from the front of block. Slices point into the block, the
 * scratch or constant memory: they are right as long as these are.
 *
 * Returns 1; 0 at the end of the block, and only then the decoder is right for the next one: who
 * does not want to go on calls hpack_lose(); -EAGAIN if the block ends within a field: of a part of
 * a block that is its end; the decoder has lost what was inserted; -EPROTO if this is not HPACK, or
 * integers are beyond 32 bits, or an index of a decoder that saw all insertions is to none of them;
 * the decoder has lost what was inserted. */
int hpack_next(struct hpack *hpack, struct slice *block, struct hpack_scratch *scratch,
	       struct hpack_field *ret_field);

#endif
