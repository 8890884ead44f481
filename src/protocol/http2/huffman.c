// SPDX-License-Identifier: Apache-2.0
/*
 * A register holds the next bits, the first in its highest bit. One look into the table takes up to
 * two symbols out of it; those with long codes, which no usual text has, are found by comparing.
 */
#include <errno.h>

#include "protocol/http2/huffman.h"
#include "protocol/http2/huffman_table.h"

#define LONGEST 30 /* bits of a code */
#define EOS 256

/* What the loop that checks nothing may take at once: LOOKS times the table's bits. */
#define LOOKS 5
#define LOOK_BITS (LOOKS * HUFFMAN_BITS)
#define MOST_OUT ((ptrdiff_t)2 * LOOKS)

_Static_assert(LOOK_BITS <= 56, "a refill gives no more than 56 bits for sure");

struct bits {
	const uint8_t *at, *end;
	uint64_t word;
	unsigned count; /* of valid bits in word; those below are zero, or what comes next */
};

static uint64_t load_be64(const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	return word;
}

static inline void refill(struct bits *bits)
{
	if (bits->end - bits->at >= 8) {
		unsigned bytes = (63 - bits->count) / 8;

		bits->word |= load_be64(bits->at) >> bits->count;
		bits->at += bytes;
		bits->count += bytes * 8;
		return;
	}
	for (; bits->at < bits->end && bits->count <= 56; bits->count += 8)
		bits->word |= (uint64_t)*bits->at++ << (56 - bits->count);
}

static inline void drop(struct bits *bits, unsigned count)
{
	bits->word <<= count;
	bits->count -= count;
}

/* The symbol at the start of word, and how long its code is. */
static unsigned long_symbol(uint64_t word, unsigned *ret_length)
{
	uint32_t next = (uint32_t)(word >> 32);
	unsigned length = HUFFMAN_BITS + 1;

	while (length < LONGEST && next >= huffman_lengths[length - HUFFMAN_BITS - 1].end)
		length++;
	*ret_length = length;
	return huffman_long[(int32_t)(next >> (32 - length)) +
			    huffman_lengths[length - HUFFMAN_BITS - 1].offset];
}

/* Takes what one look gives. Returns false where that is nothing: the next code is a long one. */
static inline bool look(struct bits *bits, uint8_t **out)
{
	uint32_t entry = huffman_short[bits->word >> (64 - HUFFMAN_BITS)];

	if (!entry)
		return false;
	(*out)[0] = (uint8_t)entry;
	(*out)[1] = (uint8_t)(entry >> 8);
	*out += entry >> 22 & 3;
	drop(bits, entry >> 16 & 63);
	return true;
}

/* As long as neither side can run out. */
static uint8_t *decode_most(struct bits *bits, uint8_t *out, const uint8_t *end)
{
	refill(bits);
	for (; bits->count >= LOOK_BITS && end - out >= MOST_OUT; refill(bits)) {
		for (int i = 0; i < LOOKS; i++) {
			if (!look(bits, &out)) {
				refill(bits);
				return out;
			}
		}
	}
	while (bits->count >= HUFFMAN_BITS && end - out >= 2 && look(bits, &out))
		;
	refill(bits);
	return out;
}

/* Takes one symbol. Returns -EAGAIN where what is left is the beginning of one. */
static int decode_one(struct bits *bits)
{
	uint64_t word = bits->word;
	unsigned length, symbol;
	uint32_t entry;

	if (bits->count < LONGEST)
		word |= UINT64_MAX >> bits->count;
	entry = huffman_short[word >> (64 - HUFFMAN_BITS)];
	symbol = entry & 0xff;
	length = entry >> 24;
	if (!entry)
		symbol = long_symbol(word, &length);
	if (length > bits->count)
		return -EAGAIN;
	drop(bits, length);
	return symbol == EOS ? -EPROTO : (int)symbol;
}

static bool is_padding(const struct bits *bits)
{
	return bits->count < 8 && (bits->word | UINT64_MAX >> bits->count) == UINT64_MAX;
}

ptrdiff_t huffman_decode(struct slice in, uint8_t *room, size_t len, bool *ret_cut)
{
	struct bits bits = { .at = in.data, .end = in.data + in.len };
	uint8_t *out = room;
	const uint8_t *end = room + len;
	int symbol;

	for (;;) {
		out = decode_most(&bits, out, end);
		symbol = decode_one(&bits);
		if (symbol < 0)
			break;
		if (out == end) {
			*ret_cut = true;
			return out - room;
		}
		*out++ = (uint8_t)symbol;
	}
	if (symbol != -EAGAIN || !is_padding(&bits))
		return -EPROTO;
	*ret_cut = false;
	return out - room;
}
