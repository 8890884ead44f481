// SPDX-License-Identifier: Apache-2.0
/*
 * One function a layer, each with what is left of the frame: `rest` as captured, `wire` as it
 * was. Every header is checked against rest before it is read.
 */
#include "replay/packet.h"

#include <stdbool.h>

/* https://www.tcpdump.org/linktypes.html */
#define LINK_NULL 0
#define LINK_ETHERNET 1
#define LINK_RAW_OPENBSD 14
#define LINK_RAW_BSD 12
#define LINK_RAW 101
#define LINK_LOOP 108
#define LINK_LINUX_SLL 113
#define LINK_IPV4 228
#define LINK_IPV6 229
#define LINK_LINUX_SLL2 276

#define ETHER_HEADER 14
#define SLL_HEADER 16
#define SLL2_HEADER 20
#define NULL_HEADER 4
#define ETHER_IPV4 0x0800
#define ETHER_IPV6 0x86dd
#define ETHER_VLAN 0x8100
#define ETHER_QINQ 0x88a8
#define ETHER_QINQ_OLD 0x9100
#define VLAN_TAGS_MAX 4

#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define IPV6_EXTENSIONS_MAX 16
#define TCP_HEADER 20

/* IANA protocol numbers */
#define PROTO_HOP_BY_HOP 0
#define PROTO_TCP 6
#define PROTO_ROUTING 43
#define PROTO_FRAGMENT 44
#define PROTO_AUTHENTICATION 51
#define PROTO_DESTINATION 60
#define PROTO_MOBILITY 135

struct view {
	struct slice rest;
	uint32_t wire;
};

const char *packet_kind_name(enum packet_kind kind)
{
	static const char *const names[PACKET_KINDS] = {
		[PACKET_TCP] = "tcp",           [PACKET_LINK_UNKNOWN] = "link_unknown",
		[PACKET_NOT_IP] = "not_ip",     [PACKET_NOT_TCP] = "not_tcp",
		[PACKET_FRAGMENT] = "fragment", [PACKET_MALFORMED] = "malformed",
		[PACKET_CUT] = "cut",
	};

	return names[kind];
}

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* A header of n bytes that is not there was cut off by the capture, or never was. */
static enum packet_kind missing(const struct view *view, uint32_t n)
{
	return view->wire < n ? PACKET_MALFORMED : PACKET_CUT;
}

static void view_advance(struct view *view, uint32_t n)
{
	view->rest = slice_from(view->rest, n);
	view->wire = view->wire > n ? view->wire - n : 0;
}

/* What lies behind the end of the datagram is padding. */
static void view_limit(struct view *view, uint32_t n)
{
	view->rest = slice_first(view->rest, n);
	view->wire = n;
}

static enum packet_kind decode_tcp(struct view view, struct packet *ret_packet)
{
	const uint8_t *p = view.rest.data;
	uint32_t header;

	if (view.rest.len < TCP_HEADER)
		return missing(&view, TCP_HEADER);
	header = (uint32_t)(p[12] >> 4) * 4;
	if (header < TCP_HEADER || header > view.wire)
		return PACKET_MALFORMED;
	ret_packet->src.port = be16(p);
	ret_packet->dst.port = be16(p + 2);
	ret_packet->seq = be32(p + 4);
	ret_packet->ack = be32(p + 8);
	ret_packet->flags = p[13];
	view_advance(&view, header);
	ret_packet->payload = view.rest;
	ret_packet->length = view.wire;
	return PACKET_TCP;
}

static void map_ipv4(uint8_t *addr, const uint8_t *ip)
{
	memset(addr, 0, 10);
	addr[10] = addr[11] = 0xff;
	memcpy(addr + 12, ip, 4);
}

static enum packet_kind decode_ipv4(struct view view, struct packet *ret_packet)
{
	const uint8_t *p = view.rest.data;
	uint32_t header, total;

	if (view.rest.len < IPV4_HEADER)
		return missing(&view, IPV4_HEADER);
	header = (p[0] & 0x0f) * 4u;
	total = be16(p + 2);
	/* Segments that the network card was to cut have no length yet. */
	if (total == 0)
		total = view.wire;
	if (p[0] >> 4 != 4 || header < IPV4_HEADER || total < header || total > view.wire)
		return PACKET_MALFORMED;
	if (p[9] != PROTO_TCP)
		return PACKET_NOT_TCP;
	if (be16(p + 6) & 0x3fff) /* more fragments, or an offset */
		return PACKET_FRAGMENT;
	map_ipv4(ret_packet->src.addr, p + 12);
	map_ipv4(ret_packet->dst.addr, p + 16);
	view_limit(&view, total);
	view_advance(&view, header);
	return decode_tcp(view, ret_packet);
}

static bool is_extension(uint8_t next)
{
	return next == PROTO_HOP_BY_HOP || next == PROTO_ROUTING || next == PROTO_DESTINATION ||
	       next == PROTO_MOBILITY || next == PROTO_FRAGMENT || next == PROTO_AUTHENTICATION;
}

/* RFC 8200 section 4; authentication: RFC 4302 section 2.2. */
static uint32_t extension_length(uint8_t next, const uint8_t *p)
{
	if (next == PROTO_FRAGMENT)
		return 8;
	return next == PROTO_AUTHENTICATION ? (p[1] + 2u) * 4 : (p[1] + 1u) * 8;
}

static enum packet_kind decode_extensions(struct view view, uint8_t next, struct packet *ret_packet)
{
	for (int i = 0; is_extension(next); i++) {
		const uint8_t *p = view.rest.data;
		uint32_t length;

		if (i == IPV6_EXTENSIONS_MAX)
			return PACKET_MALFORMED;
		if (view.rest.len < 8)
			return missing(&view, 8);
		/* A lone fragment is whole (RFC 6946). */
		if (next == PROTO_FRAGMENT && be16(p + 2) & 0xfff9)
			return PACKET_FRAGMENT;
		length = extension_length(next, p);
		if (view.rest.len < length)
			return missing(&view, length);
		next = p[0];
		view_advance(&view, length);
	}
	return next == PROTO_TCP ? decode_tcp(view, ret_packet) : PACKET_NOT_TCP;
}

static enum packet_kind decode_ipv6(struct view view, struct packet *ret_packet)
{
	const uint8_t *p = view.rest.data;
	uint32_t total;

	if (view.rest.len < IPV6_HEADER)
		return missing(&view, IPV6_HEADER);
	total = be16(p + 4);
	if (total == 0) /* as above, or a jumbogram */
		total = view.wire - IPV6_HEADER;
	if (p[0] >> 4 != 6 || total > view.wire - IPV6_HEADER)
		return PACKET_MALFORMED;
	memcpy(ret_packet->src.addr, p + 8, 16);
	memcpy(ret_packet->dst.addr, p + 24, 16);
	view_advance(&view, IPV6_HEADER);
	view_limit(&view, total);
	return decode_extensions(view, p[6], ret_packet);
}

static enum packet_kind decode_ip(struct view view, struct packet *ret_packet)
{
	if (view.rest.len == 0)
		return missing(&view, 1);
	switch (view.rest.data[0] >> 4) {
	case 4:
		return decode_ipv4(view, ret_packet);
	case 6:
		return decode_ipv6(view, ret_packet);
	default:
		return PACKET_NOT_IP;
	}
}

static enum packet_kind decode_ethertype(struct view view, uint16_t type, struct packet *ret_packet)
{
	for (int tags = 0; type == ETHER_VLAN || type == ETHER_QINQ || type == ETHER_QINQ_OLD;
	     tags++) {
		if (tags == VLAN_TAGS_MAX)
			return PACKET_MALFORMED;
		if (view.rest.len < 4)
			return missing(&view, 4);
		type = be16(view.rest.data + 2);
		view_advance(&view, 4);
	}
	if (type == ETHER_IPV4)
		return decode_ipv4(view, ret_packet);
	if (type == ETHER_IPV6)
		return decode_ipv6(view, ret_packet);
	return PACKET_NOT_IP;
}

/* A header of this length, with an Ethernet type at this place in it. */
static enum packet_kind decode_link(struct view view, uint32_t header, uint32_t type_at,
				    struct packet *ret_packet)
{
	uint16_t type;

	if (view.rest.len < header)
		return missing(&view, header);
	type = be16(view.rest.data + type_at);
	view_advance(&view, header);
	return decode_ethertype(view, type, ret_packet);
}

enum packet_kind packet_decode(uint32_t link, struct slice frame, uint32_t wire_length,
			       struct packet *ret_packet)
{
	struct view view = { .rest = frame, .wire = wire_length };

	if (view.wire < frame.len)
		view.wire = (uint32_t)frame.len;
	switch (link) {
	case LINK_ETHERNET:
		return decode_link(view, ETHER_HEADER, 12, ret_packet);
	case LINK_LINUX_SLL:
		return decode_link(view, SLL_HEADER, 14, ret_packet);
	case LINK_LINUX_SLL2:
		return decode_link(view, SLL2_HEADER, 0, ret_packet);
	case LINK_NULL:
	case LINK_LOOP:
		/* The family's number differs between systems; the datagram tells it too. */
		if (frame.len < NULL_HEADER)
			return missing(&view, NULL_HEADER);
		view_advance(&view, NULL_HEADER);
		return decode_ip(view, ret_packet);
	case LINK_RAW:
	case LINK_RAW_BSD:
	case LINK_RAW_OPENBSD:
		return decode_ip(view, ret_packet);
	case LINK_IPV4:
		return decode_ipv4(view, ret_packet);
	case LINK_IPV6:
		return decode_ipv6(view, ret_packet);
	default:
		return PACKET_LINK_UNKNOWN;
	}
}
