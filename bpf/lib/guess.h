/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * First-bytes guess: all that the kernel side knows of protocols. It decides whether
 * bytes are worth a record; parsing is the worker's.
 */
#ifndef OBI_BPF_GUESS_H
#define OBI_BPF_GUESS_H

enum protocol_guess {
	GUESS_NONE,
	GUESS_HTTP_REQUEST,
	GUESS_HTTP_RESPONSE,
	GUESS_HTTP_MAYBE, /* too short to tell, and nothing against it */
	GUESS_FOREIGN,    /* recognised as something that is not observed: TLS */
	GUESS_HTTP2,      /* nor is this, but for how a client's connection begins */
};

#define GUESS_BYTES 16

/*
 * Tests on bytes as arithmetic: one bit each, no branch, so that the verifier walks one path
 * through them instead of two to the power of their number. barrier_var() keeps the compiler
 * from turning them into branches again. All take values of 0 to 255.
 */
static __always_inline u32 byte_below(u32 c, u32 limit)
{
	barrier_var(c);
	return (c - limit) >> 31;
}

static __always_inline u32 byte_is(u32 c, u32 other)
{
	return byte_below(c ^ other, 1);
}

static __always_inline u32 byte_between(u32 c, u32 first, u32 last)
{
	return byte_below((c - first) & 0xff, last - first + 1);
}

/* Line feeds among eight bytes: the highest bit of each, and of no byte before the first one. */
static __always_inline u64 line_feeds(u64 word)
{
	u64 x = word ^ 0x0a0a0a0a0a0a0a0a;

	return (x - 0x0101010101010101) & ~x & 0x8080808080808080;
}

/* Which byte has the lowest bit set, of bits that are the highest of their bytes? Multiplied by
 * 0x01..., the bytes below it, each 1, add up in the highest byte. */
static __always_inline u32 first_byte(u64 bits)
{
	u64 below = ((bits & -bits) - 1) >> 7 & 0x0101010101010101;

	return (below * 0x0101010101010101) >> 56 & 7;
}

/* "GET /", "POST /": most of what comes. */
static __always_inline bool is_common_request(u64 word)
{
	return (word & 0xffffffffff) == 0x2f20544547 || (word & 0xffffffffffff) == 0x2f2054534f50;
}

/* The first len bytes. A method is a token (RFC 9110 section 9.1), in practice capitals, '-' and
 * '_'; the target begins with '/', '*', or "http" in any case; CONNECT takes an authority. */
static __noinline int guess_request(const u8 *p, u32 len)
{
	u32 method = 0, space = 0, target = 0, first, all;

#pragma clang loop unroll(disable)
	for (u32 i = 0; i < GUESS_BYTES; i++) {
		u32 c = p[i];

		method |= (byte_between(c, 'A', 'Z') | byte_is(c, '-') | byte_is(c, '_')) << i;
		space |= byte_is(c, ' ') << i;
		target |= (byte_is(c, '/') | byte_is(c, '*') | byte_is(c | 0x20, 'h')) << i;
	}
	first = space & -space; /* bit of the first blank, 0 = there is none */
	all = len < GUESS_BYTES ? (1u << (len & (GUESS_BYTES - 1))) - 1 : 0;
	if (all && (method & all) == all)
		return GUESS_HTTP_MAYBE;
	if (first < 2 || (method & (first - 1)) != first - 1)
		return GUESS_NONE;
	if (all && first << 1 > all)
		return GUESS_HTTP_MAYBE;
	return (target & (first << 1)) || *(u64 *)p == 0x205443454e4e4f43 /* "CONNECT " */
		       ? GUESS_HTTP_REQUEST
		       : GUESS_NONE;
}

/* What does head of a scratch, of which len bytes came, begin with? (enum protocol_guess) It is
 * zero behind them. Both architectures are little-endian. */
__noinline int scratch_guess(u32 slot, u32 len)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch, &slot);
	u64 word;

	if (!s)
		return GUESS_NONE;
	word = *(u64 *)s->head;
	if ((word & 0xffffffffffffff) == 0x2e312f50545448 /* "HTTP/1." */)
		return GUESS_HTTP_RESPONSE;
	if (len < 7 && !((word ^ 0x2e312f50545448) & ((1ULL << (8 * (len & 7))) - 1)))
		return GUESS_HTTP_MAYBE;
	/* A TLS record (RFC 8446 section 5.1): handshake, version 3.x. */
	if ((word & 0xffff) == 0x0316)
		return GUESS_FOREIGN;
	/* The preface of HTTP/2 (RFC 9113 section 3.4): "PRI * HT" */
	if (word == 0x5448202a20495250)
		return GUESS_HTTP2;
	if (is_common_request(word))
		return GUESS_HTTP_REQUEST;
	return guess_request(s->head, len);
}

#endif
