// SPDX-License-Identifier: Apache-2.0
/*
 * Blocks of other encoders: of nghttp2, which chooses what goes into the table, and of a small one
 * here that inserts all and knows section 4 of RFC 7541 alone. Decoders that came at each block,
 * with little memory or after a loss, say of each field the truth or that it is unknown.
 */
#include <errno.h>
#include <stdio.h>

#include <nghttp2/nghttp2.h>

#include "protocol/http2/hex.h"
#include "protocol/http2/hpack.h"
#include "protocol/http2/huffman.h"

#define FIELDS 10 /* of a block */
#define SCRATCH ((size_t)FIELDS * 200)
#define BLOCKS 60
#define ROUNDS 40
#define DECODERS 6

struct field {
	const char *name;
	char value[80];
};

struct block {
	struct field fields[FIELDS];
	uint8_t bytes[4096];
	size_t len;
};

static uint32_t seed = 1;

static uint32_t number_below(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

/* Few values, so that many come again. */
static void make_field(struct field *field)
{
	static const char *const names[] = {
		":path",       ":authority", "content-type", "grpc-status", "grpc-message",
		"traceparent", "user-agent", "x-request-id", "te",          "host",
		":status",     "set-cookie", "accept",       ":method",
	};
	size_t at;

	field->name = names[number_below(sizeof(names) / sizeof(names[0]))];
	at = (size_t)snprintf(field->value, sizeof(field->value), "/%c%u",
			      'a' + (char)number_below(3), number_below(6));
	while (number_below(30) && at < sizeof(field->value) - 1)
		field->value[at++] = (char)('a' + number_below(26));
	field->value[at] = '\0';
	if (number_below(2))
		snprintf(field->value, sizeof(field->value), "v%u", number_below(4));
}

/* ---- The small encoder --------------------------------------------------------------------------
 */

struct table {
	struct field entries[200]; /* the newest first */
	size_t count, size, limit;
};

static size_t entry_size(const struct field *field)
{
	return 32 + strlen(field->name) + strlen(field->value);
}

static void evict(struct table *table, size_t room)
{
	while (table->count && table->size + room > table->limit)
		table->size -= entry_size(&table->entries[--table->count]);
}

static void insert(struct table *table, const struct field *field)
{
	size_t size = entry_size(field);

	evict(table, size);
	if (size > table->limit)
		return;
	memmove(table->entries + 1, table->entries, table->count * sizeof(*field));
	table->entries[0] = *field;
	table->count++;
	table->size += size;
}

static void put_integer(struct block *block, uint8_t first, uint32_t mask, size_t value)
{
	block->bytes[block->len++] = first | (uint8_t)(value < mask ? value : mask);
	if (value < mask)
		return;
	for (value -= mask; value >= 0x80; value >>= 7)
		block->bytes[block->len++] = 0x80 | (value & 0x7f);
	block->bytes[block->len++] = (uint8_t)value;
}

static void put_string(struct block *block, const char *text)
{
	put_integer(block, 0, 0x7f, strlen(text));
	memcpy(block->bytes + block->len, text, strlen(text));
	block->len += strlen(text);
}

static void put_field(struct block *block, struct table *table, const struct field *field)
{
	size_t name = 0;

	for (size_t i = table->count; i-- > 0;) {
		if (strcmp(table->entries[i].name, field->name) != 0)
			continue;
		name = 62 + i;
		if (strcmp(table->entries[i].value, field->value) == 0 && number_below(4)) {
			put_integer(block, 0x80, 0x7f, name);
			return;
		}
	}
	if (number_below(8) == 0)
		name = 0;
	if (number_below(6) == 0) {
		put_integer(block, 0, 0x0f, name);
	} else {
		put_integer(block, 0x40, 0x3f, name);
		insert(table, field);
	}
	if (!name)
		put_string(block, field->name);
	put_string(block, field->value);
}

static void encode_all_inserted(struct block *blocks)
{
	struct table table = { .limit = 4096 };

	for (int i = 0; i < BLOCKS; i++) {
		struct block *block = &blocks[i];

		if (number_below(6) == 0) {
			table.limit = number_below(3) ? number_below(4097) : number_below(80);
			evict(&table, 0);
			put_integer(block, 0x20, 0x1f, table.limit);
		}
		for (int f = 0; f < FIELDS; f++)
			put_field(block, &table, &block->fields[f]);
	}
}

/* ---- nghttp2 ----------------------------------------------------------------------------------
 */

static nghttp2_nv nv_of(struct field *field)
{
	return (nghttp2_nv){
		.name = (uint8_t *)(uintptr_t)field->name,
		.namelen = strlen(field->name),
		.value = (uint8_t *)field->value,
		.valuelen = strlen(field->value),
		.flags = number_below(8) ? NGHTTP2_NV_FLAG_NONE : NGHTTP2_NV_FLAG_NO_INDEX,
	};
}

static void encode_by_nghttp2(struct block *blocks)
{
	nghttp2_hd_deflater *deflater;

	assert_int_equal(nghttp2_hd_deflate_new(&deflater, 4096), 0);
	for (int i = 0; i < BLOCKS; i++) {
		nghttp2_nv fields[FIELDS];
		ssize_t len;

		for (int f = 0; f < FIELDS; f++)
			fields[f] = nv_of(&blocks[i].fields[f]);
		if (number_below(6) == 0)
			assert_int_equal(
				nghttp2_hd_deflate_change_table_size(deflater, number_below(4097)),
				0);
		len = nghttp2_hd_deflate_hd(deflater, blocks[i].bytes, sizeof(blocks[i].bytes),
					    fields, FIELDS);
		assert_true(len > 0);
		blocks[i].len = (size_t)len;
	}
	nghttp2_hd_deflate_del(deflater);
}

/* ---- What decoders say ------------------------------------------------------------------------
 */

/* Reads one block, all fields of which are shown. Returns how many were unknown. */
static int check_block(struct hpack *hpack, const struct block *block, size_t scratch_room)
{
	static uint8_t bytes[SCRATCH];
	struct hpack_scratch scratch = { bytes, scratch_room };
	struct slice in = guarded(slice_of(block->bytes, block->len));
	struct hpack_field field;
	int unknown = 0, count = 0;

	hpack_begin(hpack);
	for (; hpack_next(hpack, &in, &scratch, &field) > 0; count++) {
		const struct field *want = &block->fields[count];

		assert_true(count < FIELDS);
		if (field.name == HPACK_UNKNOWN) {
			unknown++;
			continue;
		}
		assert_slice(field.text, want->name);
		if (!(field.flags & HPACK_CUT))
			assert_slice(field.value, want->value);
		else
			assert_true(slice_has_prefix(slice_cstr(want->value), field.value));
	}
	assert_int_equal(in.len, 0);
	assert_int_equal(count, FIELDS);
	return unknown;
}

struct decoder {
	uint32_t memory[HPACK_ROOM(4096) / 4];
	struct hpack hpack;
	size_t room, scratch;
	int from, loses; /* at which block */
};

static void start_decoders(struct decoder *decoders)
{
	for (int d = 0; d < DECODERS; d++) {
		struct decoder *decoder = &decoders[d];
		bool first = d == 0;

		decoder->room = d < 3 ? HPACK_ROOM(4096) : number_below(1500);
		decoder->scratch = d < 5 ? SCRATCH : number_below(400);
		decoder->from = d < 1 ? 0 : (int)number_below(BLOCKS);
		decoder->loses = d < 2 ? BLOCKS : (int)number_below(BLOCKS);
		hpack_init(&decoder->hpack, decoder->memory, decoder->room,
			   HPACK_ALL | (first ? HPACK_FIRST : 0));
	}
}

/* The first sees all and has the memory: it knows all. */
static void check_blocks(const struct block *blocks)
{
	static struct decoder decoders[DECODERS];

	start_decoders(decoders);
	for (int i = 0; i < BLOCKS; i++) {
		for (int d = 0; d < DECODERS; d++) {
			struct decoder *decoder = &decoders[d];
			int unknown;

			if (i < decoder->from)
				continue;
			if (i == decoder->loses) {
				hpack_lose(&decoder->hpack);
				continue;
			}
			unknown = check_block(&decoder->hpack, &blocks[i], decoder->scratch);
			if (d == 0)
				assert_int_equal(unknown, 0);
		}
	}
}

static void check_encoder(void (*encode)(struct block *))
{
	static struct block blocks[BLOCKS];

	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < BLOCKS; i++) {
			blocks[i].len = 0;
			for (int f = 0; f < FIELDS; f++)
				make_field(&blocks[i].fields[f]);
		}
		encode(blocks);
		check_blocks(blocks);
	}
}

static void late_decoders_are_never_wrong_of_nghttp2(void **state)
{
	check_encoder(encode_by_nghttp2);
}

static void late_decoders_are_never_wrong_where_all_is_inserted(void **state)
{
	check_encoder(encode_all_inserted);
}

/* A connection from its middle on: soon all is known, since insertions come again. */
static void late_decoder_catches_up(void **state)
{
	static uint32_t memory[HPACK_ROOM(4096) / 4];
	static struct block blocks[BLOCKS];
	struct hpack hpack;
	int unknown = 0;

	for (int i = 0; i < BLOCKS; i++) {
		blocks[i].len = 0;
		for (int f = 0; f < FIELDS; f++)
			make_field(&blocks[i].fields[f]);
	}
	encode_by_nghttp2(blocks);
	hpack_init(&hpack, memory, sizeof(memory), HPACK_ALL);
	for (int i = BLOCKS / 2; i < BLOCKS; i++) {
		int more = check_block(&hpack, &blocks[i], SCRATCH);

		if (i == BLOCKS / 2)
			assert_true(more > 0);
		if (i >= BLOCKS - 5)
			unknown += more;
	}
	assert_int_equal(unknown, 0);
}

#define BYTE_CASES ((size_t)256 * 40)

/* A byte between letters, so many that nghttp2 codes all by Huffman. */
static void each_byte_is_decoded(void **state)
{
	for (size_t at = 0; at < BYTE_CASES; at++) {
		uint8_t text[40], bytes[512], room[64];
		struct hpack_scratch scratch = { room, sizeof(room) };
		nghttp2_nv nv = { (uint8_t *)"host", text, 4, sizeof(text), 0 };
		nghttp2_hd_deflater *deflater;
		struct hpack_field field;
		struct hpack hpack;
		struct slice in;
		ssize_t coded;

		memset(text, 'a', sizeof(text));
		text[at % 40] = (uint8_t)(at / 40);
		assert_int_equal(nghttp2_hd_deflate_new(&deflater, 4096), 0);
		coded = nghttp2_hd_deflate_hd(deflater, bytes, sizeof(bytes), &nv, 1);
		nghttp2_hd_deflate_del(deflater);
		assert_true(coded < (ssize_t)sizeof(text));
		in = guarded(slice_of(bytes, (size_t)coded));
		hpack_init(&hpack, NULL, 0, 0);
		hpack_begin(&hpack);
		assert_int_equal(hpack_next(&hpack, &in, &scratch, &field), 1);
		assert_true(slice_equal(field.value, slice_of(text, sizeof(text))));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(late_decoders_are_never_wrong_of_nghttp2),
		cmocka_unit_test(late_decoders_are_never_wrong_where_all_is_inserted),
		cmocka_unit_test(late_decoder_catches_up),
		cmocka_unit_test(each_byte_is_decoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
