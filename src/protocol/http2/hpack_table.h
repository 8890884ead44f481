/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of HPACK: fields that are known by a number. Private to hpack.c. */
#ifndef OBI_PROTOCOL_HTTP2_HPACK_TABLE_H
#define OBI_PROTOCOL_HTTP2_HPACK_TABLE_H

#include "protocol/http2/hpack.h"

/* An insertion. Of fields that nobody wants there is no text, of wanted ones the value, and of
 * HPACK_OTHER under HPACK_ALL the name and the value. */
struct hpack_entry {
	uint32_t at; /* in hpack.text, where it may go on at the start */
	uint16_t text_len;
	uint16_t value_len;
	uint8_t name;  /* enum hpack_name */
	uint8_t flags; /* HPACK_CUT */
	uint16_t unused;
};

_Static_assert(sizeof(struct hpack_entry) == HPACK_ENTRY_SIZE, "HPACK_ROOM counts with it");

/* RFC 7541 Appendix A. */
struct hpack_static {
	struct slice text;
	struct slice value;
	enum hpack_name name;
};

#define HPACK_STATIC_LAST 61

extern const struct hpack_static hpack_statics[HPACK_STATIC_LAST + 1];

/* The text of a name that is neither HPACK_OTHER nor HPACK_UNKNOWN. */
struct slice hpack_name_text(enum hpack_name name);

/* Which name is this, as it stands in a block? HPACK_OTHER where it is none of the wanted. */
enum hpack_name hpack_find_name(struct slice raw, bool huffman);

/* The n-th newest insertion, or NULL where that is not known; right until the next insertion. */
const struct hpack_entry *hpack_entry_of(const struct hpack *hpack, uint32_t n);

/* The entry's len bytes from offset on. */
void hpack_entry_read(const struct hpack *hpack, const struct hpack_entry *entry, size_t offset,
		      uint8_t *ret_bytes, size_t len);

/* Keeps a field as the newest, its text only where it is HPACK_OTHER. */
void hpack_insert(struct hpack *hpack, const struct hpack_field *field);

#endif
