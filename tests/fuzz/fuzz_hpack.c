// SPDX-License-Identifier: Apache-2.0
/*
 * Header blocks of a connection, beside nghttp2's decoder: what that takes, ours takes, and of each
 * field says the same. So do decoders that came late, have little memory or lost a block, or say
 * that they do not know. Input: when these come and how much memory they have, then blocks behind
 * their lengths.
 */
#include <stdint.h>
#include <stdlib.h>

#include <nghttp2/nghttp2.h>

#include "protocol/http2/hpack.h"
#include "protocol/http2/hpack_table.h"

#define FIELDS 256 /* of a block of at most 255 bytes */
#define ENTRY 4096 /* of nghttp2's table */
#define SCRATCH ((size_t)FIELDS * (ENTRY + 512))

struct truth {
	struct slice name, value;
};

struct decoder {
	uint32_t memory[HPACK_ROOM(ENTRY) / 4];
	struct hpack hpack;
	unsigned from; /* at which block it comes, or loses one */
};

static uint8_t text[SCRATCH], scratch_room[SCRATCH];
static struct truth truths[FIELDS];

static struct slice keep(const uint8_t *data, size_t len, size_t *used)
{
	struct slice kept = slice_of(text + *used, len);

	if (len > sizeof(text) - *used)
		abort();
	memcpy(text + *used, data, len);
	*used += len;
	return kept;
}

/* Returns the fields of the block, or -1. */
static int read_truth(nghttp2_hd_inflater *inflater, struct slice block)
{
	size_t used = 0;
	int count = 0;

	for (;;) {
		nghttp2_nv nv;
		int flags = 0;
		ssize_t got =
			nghttp2_hd_inflate_hd2(inflater, &nv, &flags, block.data, block.len, 1);

		if (got < 0)
			return -1;
		block = slice_from(block, (size_t)got);
		if (flags & NGHTTP2_HD_INFLATE_EMIT) {
			if (count == FIELDS)
				abort();
			truths[count].name = keep(nv.name, nv.namelen, &used);
			truths[count++].value = keep(nv.value, nv.valuelen, &used);
		}
		if (flags & NGHTTP2_HD_INFLATE_FINAL) {
			nghttp2_hd_inflate_end_headers(inflater);
			return count;
		}
	}
}

static bool is_shown(const struct hpack *hpack, const struct truth *truth)
{
	return hpack->flags & HPACK_ALL || hpack_find_name(truth->name, false) != HPACK_OTHER;
}

/* The next field that the decoder has to show, if it is known. */
static int find_truth(const struct hpack *hpack, const struct hpack_field *field, int at, int count)
{
	while (at < count && !is_shown(hpack, &truths[at]) && field->name != HPACK_UNKNOWN)
		at++;
	return at;
}

static void check_field(const struct hpack_field *field, const struct truth *truth)
{
	if (!slice_equal(field->text, truth->name))
		abort();
	if (field->flags & HPACK_CUT ? !slice_has_prefix(truth->value, field->value)
				     : !slice_equal(truth->value, field->value))
		abort();
}

/* count is -1 where the block is wrong: then anything may be said. Unknown fields of a decoder for
 * wanted ones may stand for others, so that these cannot be told one by one behind them. */
static void check(struct hpack *hpack, struct slice block, int count, bool knows_all)
{
	struct hpack_scratch scratch = { scratch_room, sizeof(scratch_room) };
	struct hpack_field field;
	int got, at = 0;
	bool aligned = count >= 0;

	hpack_begin(hpack);
	while ((got = hpack_next(hpack, &block, &scratch, &field)) > 0) {
		if (knows_all && count >= 0 && field.name == HPACK_UNKNOWN)
			abort();
		if (field.name == HPACK_UNKNOWN && !(hpack->flags & HPACK_ALL))
			aligned = false;
		if (!aligned)
			continue;
		at = find_truth(hpack, &field, at, count);
		if (at == count)
			abort();
		if (field.name != HPACK_UNKNOWN)
			check_field(&field, &truths[at]);
		at++;
	}
	if (count >= 0 && (got < 0 || block.len))
		abort();
	if (aligned && hpack->flags & HPACK_ALL && at != count)
		abort();
}

static void check_connection(struct slice in, nghttp2_hd_inflater *inflater,
			     struct decoder decoders[4])
{
	int count = 0;

	for (unsigned i = 0; in.len && count >= 0; i++) {
		struct slice block = slice_first(slice_from(in, 1), in.data[0]);

		in = slice_from(in, 1 + block.len);
		count = read_truth(inflater, block);
		check(&decoders[0].hpack, block, count, true);
		check(&decoders[1].hpack, block, count, true);
		if (i >= decoders[2].from)
			check(&decoders[2].hpack, block, count, false);
		if (i == decoders[3].from)
			hpack_lose(&decoders[3].hpack);
		else
			check(&decoders[3].hpack, block, count, false);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct decoder decoders[4];
	struct slice in = slice_of(data, size);
	nghttp2_hd_inflater *inflater;

	if (size < 2 || nghttp2_hd_inflate_new(&inflater))
		return 0;
	hpack_init(&decoders[0].hpack, decoders[0].memory, HPACK_ROOM(ENTRY),
		   HPACK_FIRST | HPACK_ALL);
	hpack_init(&decoders[1].hpack, decoders[1].memory, HPACK_ROOM(ENTRY), HPACK_FIRST);
	hpack_init(&decoders[2].hpack, decoders[2].memory, HPACK_ROOM(ENTRY), HPACK_ALL);
	hpack_init(&decoders[3].hpack, decoders[3].memory, (size_t)data[1] * 4,
		   HPACK_FIRST | HPACK_ALL);
	decoders[2].from = data[0] & 0xf;
	decoders[3].from = data[0] >> 4;
	check_connection(slice_from(in, 2), inflater, decoders);
	nghttp2_hd_inflate_del(inflater);
	return 0;
}
