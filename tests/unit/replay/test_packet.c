// SPDX-License-Identifier: Apache-2.0
/* Frames of all kinds, whole and cut off anywhere. */
#include <stdlib.h>

#include "replay/frames.h"
#include "replay/packet.h"

static struct bytes frame;

static enum packet_kind decode(uint32_t link, struct packet *ret_packet)
{
	return packet_decode(link, bytes_slice(&frame), (uint32_t)frame.len, ret_packet);
}

/* What stands behind the link layer of every frame here. */
static void put_datagram(const char *payload)
{
	ipv4_header(&frame, 6, 24 + 28 + (uint32_t)strlen(payload), 0x4000, 6);
	tcp_header(&frame, TCP_ACK, 7);
	put(&frame, payload, strlen(payload));
}

static void assert_hello(uint32_t link)
{
	static const uint8_t src[16] = { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = 1 };
	struct packet packet;

	assert_int_equal(decode(link, &packet), PACKET_TCP);
	assert_int_equal(packet.src.port, 40000);
	assert_int_equal(packet.dst.port, 8080);
	assert_int_equal(packet.seq, TEST_SEQ);
	assert_int_equal(packet.ack, TEST_ACK);
	assert_int_equal(packet.flags, TCP_ACK);
	assert_int_equal(packet.length, 5);
	assert_int_equal(packet.payload.len, 5);
	assert_memory_equal(packet.payload.data, "hello", 5);
	assert_memory_equal(packet.src.addr, src, 16);
	assert_int_equal(packet.dst.addr[15], 2);
}

/* Every beginning of a frame whose rest the capture cut off: headers are missing, or payload. */
static void assert_cuts(uint32_t link, size_t tcp_options)
{
	struct bytes whole = frame;

	for (size_t len = 0; len < whole.len; len++) {
		struct packet packet;
		enum packet_kind kind;

		kind = packet_decode(link, guarded(slice_of(whole.data, len)), (uint32_t)whole.len,
				     &packet);
		if (len + 5 + tcp_options < whole.len) {
			assert_int_equal(kind, PACKET_CUT);
		} else {
			assert_int_equal(kind, PACKET_TCP);
			assert_int_equal(packet.length, 5);
			assert_int_equal(packet.payload.len,
					 len + 5 < whole.len ? 0 : len + 5 - whole.len);
		}
		/* A frame that was no longer than that is another matter. */
		(void)packet_decode(link, guarded(slice_of(whole.data, len)), (uint32_t)len,
				    &packet);
	}
}

static void all_link_layers(void **state)
{
	static const struct {
		uint32_t link;
		size_t before, behind;
		int type_size;
	} links[] = {
		{ 1, 12, 0, 2 }, { 113, 14, 0, 2 }, { 276, 0, 18, 2 },
		{ 0, 4, 0, 0 },  { 108, 4, 0, 0 },  { 101, 0, 0, 0 },
		{ 12, 0, 0, 0 }, { 14, 0, 0, 0 },   { 228, 0, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		frame.len = 0;
		put_zero(&frame, links[i].before);
		if (links[i].type_size)
			put_be(&frame, 0x0800, 2);
		put_zero(&frame, links[i].behind);
		put_datagram("hello");
		assert_hello(links[i].link);
		assert_cuts(links[i].link, 8);
	}
}

static void vlan_tags(void **state)
{
	frame.len = 0;
	ether_header(&frame, 0x88a8);
	put_be(&frame, 0x00058100, 4);
	put_be(&frame, 0x00060800, 4);
	put_datagram("hello");
	assert_hello(1);
	assert_cuts(1, 8);
	frame.len = 0;
	ether_header(&frame, 0x8100);
	for (int i = 0; i < 5; i++)
		put_be(&frame, 0x00018100, 4);
	assert_int_equal(decode(1, &(struct packet){ 0 }), PACKET_MALFORMED);
}

static void padding_is_no_payload(void **state)
{
	frame.len = 0;
	ether_header(&frame, 0x0800);
	put_datagram("hello");
	put_zero(&frame, 9);
	assert_hello(1);
}

static void length_zero_is_a_segment_still_to_be_cut(void **state)
{
	struct packet packet;

	frame.len = 0;
	ipv4_header(&frame, 5, 0, 0, 6);
	tcp_header(&frame, TCP_ACK, 5);
	put(&frame, "hello", 5);
	assert_int_equal(decode(228, &packet), PACKET_TCP);
	assert_int_equal(packet.length, 5);
	frame.len = 0;
	ipv6_header(&frame, 0, 6);
	tcp_header(&frame, TCP_ACK, 5);
	put(&frame, "hello", 5);
	assert_int_equal(decode(229, &packet), PACKET_TCP);
	assert_int_equal(packet.length, 5);
}

static void ipv6_with_extensions(void **state)
{
	static const uint8_t src[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };
	struct packet packet;

	frame.len = 0;
	ether_header(&frame, 0x86dd);
	ipv6_header(&frame, 8 + 24 + 16 + 8 + 16 + 20 + 5, 0);
	put_be(&frame, 0x3c00, 2); /* hop by hop: 8 bytes, then destination options */
	put_zero(&frame, 6);
	put_be(&frame, 0x2b02, 2); /* 24 bytes, then routing */
	put_zero(&frame, 22);
	put_be(&frame, 0x2c01, 2); /* 16 bytes, then fragment */
	put_zero(&frame, 14);
	put_be(&frame, 0x3300, 2); /* a lone one; then authentication */
	put_be(&frame, 0, 2);
	put_zero(&frame, 4);
	put_be(&frame, 0x0602, 2); /* 16 bytes, then TCP */
	put_zero(&frame, 14);
	tcp_header(&frame, TCP_ACK, 5);
	put(&frame, "hello", 5);
	assert_int_equal(decode(1, &packet), PACKET_TCP);
	assert_memory_equal(packet.src.addr, src, 16);
	assert_memory_equal(packet.payload.data, "hello", 5);
	assert_int_equal(packet.length, 5);
	assert_cuts(1, 0);
}

static void endless_extensions(void **state)
{
	frame.len = 0;
	ipv6_header(&frame, 40 * 8, 0);
	for (int i = 0; i < 40; i++)
		put_be(&frame, 0, 8);
	assert_int_equal(decode(229, &(struct packet){ 0 }), PACKET_MALFORMED);
}

static void what_is_passed_over(void **state)
{
	struct packet packet;

	frame.len = 0;
	ether_header(&frame, 0x0806); /* ARP */
	put_zero(&frame, 28);
	assert_int_equal(decode(1, &packet), PACKET_NOT_IP);
	assert_int_equal(decode(147, &packet), PACKET_LINK_UNKNOWN);

	frame.len = 0;
	ipv4_header(&frame, 5, 40, 0, 17);
	put_zero(&frame, 20);
	assert_int_equal(decode(101, &packet), PACKET_NOT_TCP);

	frame.len = 0;
	ipv6_header(&frame, 20, 59);
	put_zero(&frame, 20);
	assert_int_equal(decode(101, &packet), PACKET_NOT_TCP);

	frame.len = 0;
	put_zero(&frame, 40);
	assert_int_equal(decode(101, &packet), PACKET_NOT_IP);
}

static void fragments(void **state)
{
	static const uint16_t fragment[] = { 0x2000, 0x0001, 0x3fff };
	struct packet packet;

	for (int i = 0; i < 3; i++) {
		frame.len = 0;
		ipv4_header(&frame, 5, 40, fragment[i], 6);
		tcp_header(&frame, TCP_ACK, 5);
		assert_int_equal(decode(101, &packet), PACKET_FRAGMENT);
	}
	frame.len = 0;
	ipv6_header(&frame, 28, 44);
	put_be(&frame, 0x0600000100000000, 8);
	tcp_header(&frame, TCP_ACK, 5);
	assert_int_equal(decode(101, &packet), PACKET_FRAGMENT);
}

static void headers_that_contradict_themselves(void **state)
{
	static const struct {
		unsigned words, tcp_words;
		uint32_t total;
	} bad[] = { { 4, 5, 40 }, { 5, 4, 40 }, { 5, 5, 19 },
		    { 5, 5, 41 }, { 5, 6, 40 }, { 5, 5, 30 } };
	struct packet packet;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		frame.len = 0;
		ipv4_header(&frame, 5, bad[i].total, 0, 6);
		frame.data[0] = (uint8_t)(0x40 | bad[i].words);
		tcp_header(&frame, TCP_ACK, 5);
		frame.data[32] = (uint8_t)(bad[i].tcp_words << 4);
		assert_int_equal(decode(101, &packet), PACKET_MALFORMED);
	}
	frame.len = 0;
	ipv6_header(&frame, 21, 6);
	tcp_header(&frame, TCP_ACK, 5);
	assert_int_equal(decode(101, &packet), PACKET_MALFORMED);
	frame.data[0] = 0x50;
	assert_int_equal(decode(229, &packet), PACKET_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_link_layers),
		cmocka_unit_test(vlan_tags),
		cmocka_unit_test(padding_is_no_payload),
		cmocka_unit_test(length_zero_is_a_segment_still_to_be_cut),
		cmocka_unit_test(ipv6_with_extensions),
		cmocka_unit_test(endless_extensions),
		cmocka_unit_test(what_is_passed_over),
		cmocka_unit_test(fragments),
		cmocka_unit_test(headers_that_contradict_themselves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
