/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One DNS message (RFC 1035 section 4, 2181, 6891), as a datagram holds it; the two bytes of
 * length in front of it over TCP (RFC 7766 section 8) are the caller's. mDNS (RFC 6762) is the
 * same.
 *
 * Nothing is allocated or kept. Reading is linear in the bytes: names are passed, not followed, and
 * the first question's has nothing in front of it that it could point back to.
 */
#ifndef OBI_PROTOCOL_DNS_MESSAGE_H
#define OBI_PROTOCOL_DNS_MESSAGE_H

#include "protocol/protocol.h"

#define DNS_NAME_MAX 255 /* octets on the wire, and characters of text: what escapes add is cut */
#define DNS_ADDRESSES_MAX 16
#define DNS_ADDRESS_TEXT 40  /* of IPv6, with a comma */
#define DNS_MNEMONIC_MAX 16  /* room for the text of a type or an rcode */
#define DNS_OPCODE_QUERY 0   /* RFC 1035 section 4.1.1 */
#define DNS_RCODE_SERVFAIL 2 /* the same */
#define DNS_RCODE_NXDOMAIN 3 /* "Name Error" */

struct dns_message {
	uint16_t id;
	uint16_t rcode; /* with the upper bits of the OPT record (RFC 6891 section 6.1.3) */
	uint16_t questions;
	uint16_t type; /* QTYPE of the first question; 0: there is none */
	uint16_t class;
	uint8_t opcode;
	bool response;
	bool truncated; /* TC: the whole answer is to be had over TCP */
	bool complete;  /* all records the header speaks of were there and could be passed */
	uint8_t addresses_count;
	uint16_t name_len, addresses_len;
	/* QNAME in the case it was sent in, without the last dot; of the root ".". As
	 * dns.question.name says, what is not printable is \DDD, \t, \r or \n, and a backslash and
	 * a quote have a backslash; so has a dot within a label (RFC 4343 section 2.1). */
	char name[DNS_NAME_MAX];
	/* Of the answers' A and AAAA records, in their order, with commas: "192.0.2.1,2001:db8::1"
	 */
	char addresses[DNS_ADDRESSES_MAX * DNS_ADDRESS_TEXT];
};

/* Reads what is there of a message, which may be cut behind its first question: then it is not
 * complete, and so where a record is malformed.
 * Returns 0, -EAGAIN where the header or the first question is cut, -EPROTO where it is none. */
int dns_parse(struct slice in, struct dns_message *ret_message);

/* The mnemonic of a type ("AAAA"), or "TYPE65280" (RFC 3597 section 5); of an rcode as IANA writes
 * it ("NXDomain"), or "RCODE12". Point into room, or to what is constant. */
struct slice dns_type_text(uint16_t type, char room[DNS_MNEMONIC_MAX]);
struct slice dns_rcode_text(uint16_t rcode, char room[DNS_MNEMONIC_MAX]);

/* Do these bytes begin a query or the answer to one, which ret_role tells? What a header says is
 * little, so NO is also what may be DNS but is rare: other opcodes, several questions, an answer
 * without its question, unless it is mDNS. MORE where too few bytes are there. */
enum obi_guess dns_guess(struct slice in, enum obi_role *ret_role);

#endif
