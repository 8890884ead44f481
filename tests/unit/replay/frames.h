/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of captures and frames for tests, put together piece by piece. */
#ifndef OBI_TESTS_REPLAY_FRAMES_H
#define OBI_TESTS_REPLAY_FRAMES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "guard.h"

struct bytes {
	uint8_t data[64 * 1024];
	size_t len;
	bool big; /* byte order of the file format */
};

static inline void put(struct bytes *b, const void *data, size_t len)
{
	assert_true(b->len + len <= sizeof(b->data));
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

static inline void put_zero(struct bytes *b, size_t len)
{
	static const uint8_t zero[256];

	put(b, zero, len);
}

/* In network byte order. */
static inline void put_be(struct bytes *b, uint64_t value, size_t len)
{
	for (size_t i = len; i-- > 0;) {
		uint8_t byte = (uint8_t)(value >> (8 * i));

		put(b, &byte, 1);
	}
}

/* In the file's byte order. */
static inline void put_int(struct bytes *b, uint64_t value, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t byte = (uint8_t)(value >> (8 * (b->big ? len - 1 - i : i)));

		put(b, &byte, 1);
	}
}

static inline struct slice bytes_slice(const struct bytes *b)
{
	return guarded(slice_of(b->data, b->len));
}

/* ---- pcap ------------------------------------------------------------------------------------ */

static inline void pcap_header(struct bytes *b, uint32_t magic, uint32_t link)
{
	put_int(b, magic, 4);
	put_int(b, 2, 2);
	put_int(b, 4, 2);
	put_int(b, 0, 8);
	put_int(b, 262144, 4);
	put_int(b, link, 4);
}

static inline void pcap_packet(struct bytes *b, uint32_t sec, uint32_t fraction, struct slice data,
			       uint32_t length)
{
	put_int(b, sec, 4);
	put_int(b, fraction, 4);
	put_int(b, data.len, 4);
	put_int(b, length, 4);
	put(b, data.data, data.len);
}

/* ---- pcapng ---------------------------------------------------------------------------------- */

static inline void ng_block_of(struct bytes *b, uint32_t type, const struct bytes *body)
{
	size_t padding = (4 - body->len % 4) % 4;

	put_int(b, type, 4);
	put_int(b, 12 + body->len + padding, 4);
	put(b, body->data, body->len);
	put_zero(b, padding);
	put_int(b, 12 + body->len + padding, 4);
}

static inline void ng_section_header(struct bytes *b)
{
	struct bytes body = { .big = b->big };

	put_int(&body, 0x1a2b3c4d, 4);
	put_int(&body, 1, 2);
	put_int(&body, 0, 2);
	put_int(&body, UINT64_MAX, 8);
	ng_block_of(b, 0x0a0d0d0a, &body);
}

/* resolution 0: no option */
static inline void ng_interface_of(struct bytes *b, uint32_t link, uint32_t snaplen,
				   uint8_t resolution, uint64_t offset)
{
	struct bytes body = { .big = b->big };

	put_int(&body, link, 2);
	put_int(&body, 0, 2);
	put_int(&body, snaplen, 4);
	if (resolution) {
		put_int(&body, 2, 2); /* if_name, to be passed over */
		put_int(&body, 3, 2);
		put(&body, "lo\0", 4);
		put_int(&body, 9, 2);
		put_int(&body, 1, 2);
		put_int(&body, b->big ? (uint64_t)resolution << 24 : resolution, 4);
		put_int(&body, 14, 2);
		put_int(&body, 8, 2);
		put_int(&body, offset, 8);
		put_int(&body, 0, 4);
	}
	ng_block_of(b, 1, &body);
}

static inline void ng_enhanced(struct bytes *b, uint32_t interface, uint64_t units,
			       struct slice data, uint32_t length)
{
	struct bytes body = { .big = b->big };

	put_int(&body, interface, 4);
	put_int(&body, units >> 32, 4);
	put_int(&body, (uint32_t)units, 4);
	put_int(&body, data.len, 4);
	put_int(&body, length, 4);
	put(&body, data.data, data.len);
	ng_block_of(b, 6, &body);
}

/* ---- Frames ---------------------------------------------------------------------------------- */

#define TEST_SEQ 0x01020304u
#define TEST_ACK 0x05060708u

static inline void tcp_header(struct bytes *b, uint8_t flags, unsigned words)
{
	put_be(b, 40000, 2);
	put_be(b, 8080, 2);
	put_be(b, TEST_SEQ, 4);
	put_be(b, TEST_ACK, 4);
	put_be(b, words << 4, 1);
	put_be(b, flags, 1);
	put_zero(b, 6 + 4 * (words - 5));
}

static inline void ipv4_header(struct bytes *b, unsigned words, uint32_t total, uint16_t fragment,
			       uint8_t protocol)
{
	put_be(b, 0x40 | words, 1);
	put_be(b, 0, 1);
	put_be(b, total, 2);
	put_be(b, 0, 2);
	put_be(b, fragment, 2);
	put_be(b, 64, 1);
	put_be(b, protocol, 1);
	put_be(b, 0, 2);
	put_be(b, 0x0a000001, 4);
	put_be(b, 0x0a000002, 4);
	put_zero(b, 4 * (words - 5));
}

static inline void ipv6_header(struct bytes *b, uint16_t total, uint8_t next)
{
	put_be(b, 0x60000000, 4);
	put_be(b, total, 2);
	put_be(b, next, 1);
	put_be(b, 64, 1);
	put_be(b, 0x20010db800000000, 8);
	put_be(b, 1, 8);
	put_be(b, 0x20010db800000000, 8);
	put_be(b, 2, 8);
}

static inline void ether_header(struct bytes *b, uint16_t type)
{
	put_zero(b, 12);
	put_be(b, type, 2);
}

#endif
