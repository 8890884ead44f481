/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * First-bytes guess: all that the kernel side knows of protocols. It decides whether
 * bytes are worth a record; parsing is the worker's.
 */
#ifndef OBI_BPF_GUESS_H
#define OBI_BPF_GUESS_H

/* Set before loading: does the worker want the handshakes of TLS? */
const volatile bool tls_handshakes = false;

enum protocol_guess {
	GUESS_NONE,
	GUESS_HTTP_REQUEST,
	GUESS_HTTP_RESPONSE,
	GUESS_HTTP_MAYBE, /* nothing against it, but the worker must tell: too short, an odd method,
			   * something that stands before HTTP */
	GUESS_FOREIGN,    /* recognised as something that is not observed: TLS */
	GUESS_HTTP2,      /* its preface */
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

/* tchar (RFC 9110 section 5.6.2) */
static __always_inline u32 byte_is_token(u32 c)
{
	u64 low = 0x3ff6cfa00000000 >> (c & 63), high = 0x57ffffffc7fffffe >> (c & 63);

	return ((u32)low & byte_below(c, 64)) | ((u32)high & byte_between(c, 64, 127));
}

/* What servers take for a blank between the words of a request line: SP, HTAB, VT, FF (RFC 9112
 * section 3), and Python's str.split() the separators FS, GS, RS, US, too. */
static __always_inline u32 byte_is_blank(u32 c)
{
	u64 low = 0x1f0001a00 >> (c & 63);

	return (u32)low & byte_below(c, 64);
}

/* The first len bytes. A method is a token (RFC 9110 section 9.1), in practice capitals, '-' and
 * '_': others are shown to the worker, which waits for the version, and so is a line with other
 * blanks than one SP. The target begins with '/', '*', or "http" in any case; CONNECT takes an
 * authority. */
static __noinline int guess_request(const u8 *p, u32 len)
{
	u32 method = 0, token = 0, space = 0, blank = 0, target = 0, first, end, all;

#pragma clang loop unroll(disable)
	for (u32 i = 0; i < GUESS_BYTES; i++) {
		u32 c = p[i];

		method |= (byte_between(c, 'A', 'Z') | byte_is(c, '-') | byte_is(c, '_')) << i;
		token |= byte_is_token(c) << i;
		space |= byte_is(c, ' ') << i;
		blank |= byte_is_blank(c) << i;
		target |= (byte_is(c, '/') | byte_is(c, '*') | byte_is(c | 0x20, 'h')) << i;
	}
	first = blank & -blank;         /* bit of the first blank, 0 = there is none */
	end = (blank + first) & ~blank; /* of what follows it, or them: the carry goes through */
	all = (1u << (len < GUESS_BYTES ? len & (GUESS_BYTES - 1) : GUESS_BYTES)) - 1;
	if ((token & all) == all) /* more of a method may follow */
		return GUESS_HTTP_MAYBE;
	if (first < 2 || (token & (first - 1)) != first - 1)
		return GUESS_NONE;
	if (end > all)
		return GUESS_HTTP_MAYBE;
	if (!(target & end) && *(u64 *)p != 0x205443454e4e4f43 /* "CONNECT " */)
		return GUESS_NONE;
	if ((method & (first - 1)) != first - 1 || !(space & first) || end != first << 1)
		return GUESS_HTTP_MAYBE;
	return GUESS_HTTP_REQUEST;
}

/* Some servers take any target. */
static __always_inline bool is_common_method(u64 word)
{
	return (word & 0xffffffff) == 0x20544547 /* "GET " */ ||
	       (word & 0xffffffff) == 0x20545550 /* "PUT " */ ||
	       (word & 0xffffffffff) == 0x2054534f50 /* "POST " */ ||
	       (word & 0xffffffffff) == 0x2044414548 /* "HEAD " */;
}

/* Line feeds and returns before a request are read over (RFC 9112 section 2.2): one, and another or
 * a capital. */
static __always_inline bool begins_with_empty_line(u64 word)
{
	u8 first = word, second = word >> 8;

	return (first == '\n' || first == '\r') &&
	       (second == '\n' || second == '\r' || (second >= 'A' && second <= 'Z'));
}

/* SETTINGS of HTTP/2, no acknowledgement, of less than 256 bytes (RFC 9113 section 6.5). */
static __always_inline bool is_http2_settings(const struct scratch *s)
{
	return (*(const u64 *)s->head & 0xffffffffff00ffff) == 0x04000000;
}

/* What does head of a scratch, of which len bytes came, begin with? (enum protocol_guess) It is
 * zero behind them. Both architectures are little-endian. */
__noinline int scratch_guess(u32 slot, u32 len)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch, &slot);
	u64 word;
	int guess;

	if (!s)
		return GUESS_NONE;
	word = *(u64 *)s->head;
	/* Of any version, as odd ones are answers, too; an empty line before it is read over. */
	if ((word & 0xffffffffff) == 0x2f50545448 /* "HTTP/" */ ||
	    (word & 0xffffffffffffff) == 0x2f505454480a0d /* CR LF "HTTP/" */)
		return GUESS_HTTP_RESPONSE;
	if (len < 5 && !((word ^ 0x2f50545448) & ((1ULL << (8 * (len & 7))) - 1)))
		return GUESS_HTTP_MAYBE;
	/* A TLS record (RFC 8446 section 5.1): handshake, version 3.x. */
	if ((word & 0xffff) == 0x0316)
		return tls_handshakes ? GUESS_NONE : GUESS_FOREIGN;
	/* The preface of HTTP/2 (RFC 9113 section 3.4): "PRI * HT" */
	if (word == 0x5448202a20495250)
		return GUESS_HTTP2;
	/* What may stand before a request: an empty line, as the signature of the PROXY protocol's
	 * second version begins, too; its first: "PROXY TC", "PROXY UN". */
	if (begins_with_empty_line(word) || word == 0x43542059584f5250 ||
	    word == 0x4e552059584f5250)
		return GUESS_HTTP_MAYBE;
	if (is_common_request(word))
		return GUESS_HTTP_REQUEST;
	guess = guess_request(s->head, len);
	return guess == GUESS_NONE && is_common_method(word) ? GUESS_HTTP_MAYBE : guess;
}

#endif
