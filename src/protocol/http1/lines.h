/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Line ends, 64 bytes at a time: a bit for each LF of a block, so that the loop over a head
 * branches once a line instead of once a byte. And the end of a target, 16 bytes at a time.
 * Bytes past the end of the input are never touched: the last block is read so that it ends
 * there.
 *
 * Private to http1.c. HTTP1_NO_SIMD builds what other machines get.
 */
#ifndef OBI_PROTOCOL_HTTP1_LINES_H
#define OBI_PROTOCOL_HTTP1_LINES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/slice.h"

/* The state shall live in registers. */
#define LINES_INLINE inline __attribute__((always_inline))

struct lines {
	const uint8_t *start; /* of the input: bytes from here on may be touched */
	const uint8_t *end;
	const uint8_t *block; /* whose line ends stand in mask; portable: where to go on */
	uint64_t mask;
	const uint8_t *nul; /* the first NUL of the blocks seen so far */
};

/* What may end the path of a target: '?', blanks and control characters. */
static const bool ends_path[256] = {
	[0 ... ' '] = true,
	['?'] = true,
	[0x7f] = true,
};

static inline const uint8_t *path_end_bytewise(const uint8_t *p, const uint8_t *end)
{
	while (p < end && !ends_path[*p])
		p++;
	return p;
}

#if defined(__SSE2__) && !defined(HTTP1_NO_SIMD)

#include <emmintrin.h>

#define LINES_BLOCK 64

static inline unsigned lines_bits(__m128i v, uint8_t byte)
{
	return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8((char)byte)));
}

static inline uint64_t lines_match(const __m128i v[4], uint8_t byte)
{
	uint64_t low = lines_bits(v[0], byte) | lines_bits(v[1], byte) << 16;
	uint64_t high = lines_bits(v[2], byte) | lines_bits(v[3], byte) << 16;

	return low | high << 32;
}

/* The first byte from p on that ends a path, or end. */
static inline const uint8_t *path_end(const uint8_t *p, const uint8_t *end)
{
	const __m128i blank = _mm_set1_epi8(' ');

	for (; end - p >= 16; p += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)p);
		unsigned bits =
			lines_bits(v, '?') | lines_bits(v, 0x7f) |
			(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(v, blank), v));

		if (bits)
			return p + __builtin_ctz(bits);
	}
	return path_end_bytewise(p, end);
}

/* p has LINES_BLOCK bytes. */
static inline uint64_t lines_scan(const uint8_t *p, uint64_t *ret_nul)
{
	__m128i v[4], least;

	for (int i = 0; i < 4; i++)
		v[i] = _mm_loadu_si128((const __m128i *)(p + 16 * (size_t)i));
	least = _mm_min_epu8(_mm_min_epu8(v[0], v[1]), _mm_min_epu8(v[2], v[3]));
	*ret_nul = 0;
	if (_mm_movemask_epi8(_mm_cmpeq_epi8(least, _mm_setzero_si128())))
		*ret_nul = lines_match(v, 0);
	return lines_match(v, '\n');
}

/* The same for an input shorter than a block. */
static inline uint64_t lines_scan_short(const uint8_t *p, size_t len, uint64_t *ret_nul)
{
	uint64_t mask = 0, nul = 0;
	size_t at = 0;

	while (len >= 16 && at < len) {
		__m128i v;

		if (at + 16 > len)
			at = len - 16; /* overlaps the piece before */
		v = _mm_loadu_si128((const __m128i *)(p + at));
		mask |= (uint64_t)lines_bits(v, '\n') << at;
		nul |= (uint64_t)lines_bits(v, 0) << at;
		at += 16;
	}
	for (; at < len; at++) {
		mask |= (uint64_t)(p[at] == '\n') << at;
		nul |= (uint64_t)(p[at] == 0) << at;
	}
	*ret_nul = nul;
	return mask;
}

static LINES_INLINE void lines_load(struct lines *lines)
{
	size_t rest = (size_t)(lines->end - lines->block);
	uint64_t nul;

	if (rest >= LINES_BLOCK) {
		lines->mask = lines_scan(lines->block, &nul);
	} else if (lines->end - lines->start >= LINES_BLOCK) {
		lines->mask = lines_scan(lines->end - LINES_BLOCK, &nul) >> (LINES_BLOCK - rest);
		nul >>= LINES_BLOCK - rest;
	} else {
		lines->mask = lines_scan_short(lines->block, rest, &nul);
	}
	if (nul && !lines->nul)
		lines->nul = lines->block + __builtin_ctzll(nul);
}

/* Lines of in, from `from` on. */
static LINES_INLINE struct lines lines_from(struct slice in, const uint8_t *from)
{
	struct lines lines = { .start = in.data, .end = in.data + in.len, .block = from };

	if (from < lines.end)
		lines_load(&lines);
	return lines;
}

/* The next LF, or NULL. */
static LINES_INLINE const uint8_t *lines_next(struct lines *lines)
{
	const uint8_t *eol;

	while (!lines->mask) {
		if (lines->end - lines->block <= LINES_BLOCK)
			return NULL;
		lines->block += LINES_BLOCK;
		lines_load(lines);
	}
	eol = lines->block + __builtin_ctzll(lines->mask);
	lines->mask &= lines->mask - 1;
	return eol;
}

/* Is there a NUL between the first line and p? Asked once all lines before p were taken. */
static inline bool lines_nul_before(const struct lines *lines, const uint8_t *p)
{
	return lines->nul && lines->nul < p;
}

#else

static inline const uint8_t *path_end(const uint8_t *p, const uint8_t *end)
{
	return path_end_bytewise(p, end);
}

static inline struct lines lines_from(struct slice in, const uint8_t *from)
{
	return (struct lines){ .start = in.data, .end = in.data + in.len, .block = from };
}

static inline const uint8_t *lines_next(struct lines *lines)
{
	struct slice rest = slice_of(lines->block, (size_t)(lines->end - lines->block));
	ptrdiff_t at = slice_find(rest, '\n');
	const uint8_t *eol;

	if (at < 0)
		return NULL;
	eol = lines->block + at;
	lines->block = eol + 1;
	return eol;
}

static inline bool lines_nul_before(const struct lines *lines, const uint8_t *p)
{
	return slice_find(slice_of(lines->start, (size_t)(p - lines->start)), 0) >= 0;
}

#endif

#endif
