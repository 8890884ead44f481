// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "protocol/http2/hpack.h"
#include "protocol/http2/hpack_table.h"
#include "protocol/http2/huffman.h"

#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* First bytes of representations (RFC 7541 section 6). */
#define INDEXED 0x80
#define INSERTED 0x40
#define SIZE_UPDATE 0x20

/* A string as it stands in the block (section 5.2). */
struct string {
	struct slice raw;
	bool huffman;
};

/* The bytes after the first of an integer that fills its prefix (section 5.1). No limit of any use
 * is beyond 32 bits, and those have no more than five. */
static int read_long_integer(struct slice *in, uint32_t *ret_value)
{
	uint64_t value = *ret_value;

	for (unsigned i = 0; i < 5; i++) {
		if (i >= in->len)
			return -EAGAIN;
		value += (uint64_t)(in->data[i] & 0x7f) << 7 * i;
		if (in->data[i] < 0x80) {
			if (value > UINT32_MAX)
				return -EPROTO;
			*in = slice_from(*in, i + 1);
			*ret_value = (uint32_t)value;
			return 0;
		}
	}
	return -EPROTO;
}

/* mask is that of the prefix in the first byte, which there is. */
static inline int read_integer(struct slice *in, uint32_t mask, uint32_t *ret_value)
{
	*ret_value = in->data[0] & mask;
	in->data++;
	in->len--;
	if (UNLIKELY(*ret_value == mask))
		return read_long_integer(in, ret_value);
	return 0;
}

static inline int read_string(struct slice *in, struct string *ret_string)
{
	uint32_t len;
	int err;

	if (UNLIKELY(in->len == 0))
		return -EAGAIN;
	ret_string->huffman = in->data[0] & 0x80;
	err = read_integer(in, 0x7f, &len);
	if (UNLIKELY(err < 0))
		return err;
	if (UNLIKELY(len > in->len))
		return -EAGAIN;
	ret_string->raw = slice_of(in->data, len);
	in->data += len;
	in->len -= len;
	return 0;
}

static struct slice take_scratch(struct hpack_scratch *scratch, size_t len)
{
	struct slice taken = slice_of(scratch->at, len);

	scratch->at += len;
	scratch->left -= len;
	return taken;
}

static int decode_string(struct string string, struct hpack_scratch *scratch,
			 struct slice *ret_text, bool *ret_cut)
{
	ptrdiff_t len;

	*ret_cut = false;
	if (!string.huffman) {
		*ret_text = string.raw;
		return 0;
	}
	len = huffman_decode(string.raw, scratch->at, scratch->left, ret_cut);
	if (len < 0)
		return (int)len;
	*ret_text = take_scratch(scratch, (size_t)len);
	return 0;
}

/* Copies: the next insertion may overwrite it. */
static struct slice copy_text(const struct hpack *hpack, const struct hpack_entry *entry,
			      size_t offset, size_t len, struct hpack_scratch *scratch)
{
	if (len > scratch->left)
		len = scratch->left;
	hpack_entry_read(hpack, entry, offset, scratch->at, len);
	return take_scratch(scratch, len);
}

/* The name of the index-th field, and its text. */
static int read_indexed_name(const struct hpack *hpack, uint32_t index,
			     struct hpack_scratch *scratch, struct hpack_field *field)
{
	const struct hpack_entry *entry;

	if (index <= HPACK_STATIC_LAST) {
		field->name = hpack_statics[index].name;
		field->text = hpack_statics[index].text;
		return 0;
	}
	entry = hpack_entry_of(hpack, index - HPACK_STATIC_LAST - 1);
	if (!entry) {
		field->name = HPACK_UNKNOWN;
		field->text = slice_of(NULL, 0);
		return hpack->flags & HPACK_FIRST ? -EPROTO : 0;
	}
	field->name = (enum hpack_name)entry->name;
	field->text = hpack_name_text(field->name);
	if (field->name == HPACK_OTHER) {
		field->text = copy_text(hpack, entry, 0, entry->text_len, scratch);
		if (field->text.len < entry->text_len)
			field->name = HPACK_UNKNOWN;
	}
	return 0;
}

static int read_literal_name(struct hpack *hpack, struct slice *block,
			     struct hpack_scratch *scratch, struct hpack_field *field)
{
	struct string string;
	int err = read_string(block, &string);
	bool cut;

	if (err < 0)
		return err;
	field->name = hpack_find_name(string.raw, string.huffman);
	field->text = hpack_name_text(field->name);
	if (field->name != HPACK_OTHER || !(hpack->flags & HPACK_ALL))
		return 0;
	err = decode_string(string, scratch, &field->text, &cut);
	if (err == 0 && cut)
		field->name = HPACK_UNKNOWN;
	return err;
}

static inline bool is_wanted(const struct hpack *hpack, const struct hpack_field *field)
{
	return field->name > HPACK_UNKNOWN ||
	       (field->name == HPACK_OTHER && hpack->flags & HPACK_ALL);
}

/* Section 6.1. */
static int read_indexed(struct hpack *hpack, struct slice *block, struct hpack_scratch *scratch,
			struct hpack_field *field)
{
	const struct hpack_entry *entry;
	uint32_t index;
	int err = read_integer(block, 0x7f, &index);

	if (err < 0)
		return err;
	if (index == 0)
		return -EPROTO;
	field->flags = 0;
	field->value = slice_of(NULL, 0);
	err = read_indexed_name(hpack, index, scratch, field);
	if (err < 0 || !is_wanted(hpack, field))
		return err;
	if (index <= HPACK_STATIC_LAST) {
		field->value = hpack_statics[index].value;
		return 0;
	}
	entry = hpack_entry_of(hpack, index - HPACK_STATIC_LAST - 1);
	field->flags = entry->flags;
	field->value = copy_text(hpack, entry, entry->text_len, entry->value_len, scratch);
	if (field->value.len < entry->value_len)
		field->flags |= HPACK_CUT;
	return 0;
}

/* Section 6.2, of which mask tells the kinds apart. */
static int read_literal(struct hpack *hpack, struct slice *block, uint32_t mask,
			struct hpack_scratch *scratch, struct hpack_field *field)
{
	struct string string;
	uint32_t index;
	bool cut = false;
	int err = read_integer(block, mask, &index);

	if (err == 0 && index)
		err = read_indexed_name(hpack, index, scratch, field);
	else if (err == 0)
		err = read_literal_name(hpack, block, scratch, field);
	if (err == 0)
		err = read_string(block, &string);
	if (err < 0)
		return err;
	field->value = slice_of(NULL, 0);
	if (is_wanted(hpack, field))
		err = decode_string(string, scratch, &field->value, &cut);
	field->flags = cut ? HPACK_CUT : 0;
	if (err == 0 && mask == 0x3f)
		hpack_insert(hpack, field);
	return err;
}

/* Section 6.3. The size itself says nothing: see hpack.h. */
static int read_size_update(const struct hpack *hpack, struct slice *block)
{
	uint32_t size;

	return hpack->began ? -EPROTO : read_integer(block, 0x1f, &size);
}

void hpack_begin(struct hpack *hpack)
{
	hpack->began = false;
}

/* Returns 1 of a field to show, 0 of what is passed over. */
static int read_one(struct hpack *hpack, struct slice *block, struct hpack_scratch *scratch,
		    struct hpack_field *field)
{
	uint8_t first = block->data[0];
	int err;

	if (first & INDEXED)
		err = read_indexed(hpack, block, scratch, field);
	else if (first & INSERTED)
		err = read_literal(hpack, block, 0x3f, scratch, field);
	else if (first & SIZE_UPDATE)
		return read_size_update(hpack, block);
	else
		err = read_literal(hpack, block, 0x0f, scratch, field);
	if (err < 0)
		return err;
	hpack->began = true;
	return field->name == HPACK_UNKNOWN || is_wanted(hpack, field);
}

int hpack_next(struct hpack *hpack, struct slice *block, struct hpack_scratch *scratch,
	       struct hpack_field *ret_field)
{
	struct hpack_field field = { 0 };

	while (block->len) {
		int got = read_one(hpack, block, scratch, &field);

		if (got < 0) {
			hpack_lose(hpack);
			return got;
		}
		if (got) {
			*ret_field = field;
			return 1;
		}
	}
	return 0;
}
