// SPDX-License-Identifier: Apache-2.0
#include "protocol/dns/message.h"

#include <errno.h>

#include "base/address.h"

#define HEADER_LEN 12
#define LABEL_MAX 63
#define RECORD_LEN 10 /* type, class, TTL and length, behind the name */

/* Bits of the header's second word (RFC 1035 section 4.1.1). */
#define FLAG_QR 0x8000
#define FLAG_TC 0x0200
#define FLAG_RA 0x0080
#define FLAG_Z 0x0040 /* what RFC 4035 left of it */
#define RCODE 0x000f

enum {
	TYPE_A = 1,
	TYPE_AAAA = 28,
	TYPE_OPT = 41,
	CLASS_IN = 1,
	/* The upper bit says something else in mDNS (RFC 6762 sections 5.4 and 10.2). */
	CLASS_BITS = 0x7fff,
};

/* Where in a message reading is. */
struct reader {
	struct slice in;
	size_t at;
};

struct header {
	uint16_t id, flags, questions, answers, authorities, additionals;
};

struct record {
	uint16_t type, class;
	uint32_t ttl;
	struct slice data;
};

static uint16_t word_at(struct slice in, size_t at)
{
	return (uint16_t)(in.data[at] << 8 | in.data[at + 1]);
}

static bool has(const struct reader *reader, size_t len)
{
	return reader->in.len - reader->at >= len;
}

static int read_header(struct reader *reader, struct header *ret)
{
	struct slice in = reader->in;

	if (!has(reader, HEADER_LEN))
		return -EAGAIN;
	*ret = (struct header){
		.id = word_at(in, 0),
		.flags = word_at(in, 2),
		.questions = word_at(in, 4),
		.answers = word_at(in, 6),
		.authorities = word_at(in, 8),
		.additionals = word_at(in, 10),
	};
	reader->at = HEADER_LEN;
	return 0;
}

/* Passes a name. A pointer (RFC 1035 section 4.1.4) ends it, and must lead to what is in front of
 * it and behind the header. */
static int pass_name(struct reader *reader)
{
	size_t begin = reader->at, at = begin;

	for (;;) {
		uint8_t len;

		if (at >= reader->in.len)
			return -EAGAIN;
		len = reader->in.data[at];
		if (len == 0) {
			reader->at = at + 1;
			return 0;
		}
		if (len > LABEL_MAX)
			break;
		at += 1 + len;
		if (at - begin >= DNS_NAME_MAX)
			return -EPROTO;
	}
	if ((reader->in.data[at] & 0xc0) != 0xc0)
		return -EPROTO;
	if (reader->in.len - at < 2)
		return -EAGAIN;
	if ((word_at(reader->in, at) & 0x3fff) >= begin ||
	    (word_at(reader->in, at) & 0x3fff) < HEADER_LEN)
		return -EPROTO;
	reader->at = at + 2;
	return 0;
}

static int pass_question(struct reader *reader, uint16_t *ret_type, uint16_t *ret_class)
{
	int err = pass_name(reader);

	if (err)
		return err;
	if (!has(reader, 4))
		return -EAGAIN;
	*ret_type = word_at(reader->in, reader->at);
	*ret_class = word_at(reader->in, reader->at + 2);
	reader->at += 4;
	return 0;
}

static int read_record(struct reader *reader, struct record *ret)
{
	size_t at;
	int err = pass_name(reader);

	if (err)
		return err;
	if (!has(reader, RECORD_LEN))
		return -EAGAIN;
	at = reader->at;
	ret->type = word_at(reader->in, at);
	ret->class = word_at(reader->in, at + 2);
	ret->ttl = (uint32_t)word_at(reader->in, at + 4) << 16 | word_at(reader->in, at + 6);
	ret->data = slice_of(reader->in.data + at + RECORD_LEN, word_at(reader->in, at + 8));
	reader->at += RECORD_LEN;
	if (!has(reader, ret->data.len))
		return -EAGAIN;
	reader->at += ret->data.len;
	return 0;
}

/* Returns the length of what stands for c in a label. */
static size_t escape(uint8_t c, char to[4])
{
	static const char letters[] = { ['\t'] = 't', ['\r'] = 'r', ['\n'] = 'n' };

	to[0] = '\\';
	if (c == '.' || c == '\\' || c == '"') {
		to[1] = (char)c;
		return 2;
	}
	if (c < sizeof(letters) && letters[c]) {
		to[1] = letters[c];
		return 2;
	}
	if (c < ' ' || c > '~') {
		to[1] = (char)('0' + c / 100);
		to[2] = (char)('0' + c / 10 % 10);
		to[3] = (char)('0' + c % 10);
		return 4;
	}
	to[0] = (char)c;
	return 1;
}

/* Appends c, or nothing if it does not fit whole. */
static bool put_byte(struct dns_message *message, uint8_t c)
{
	char text[4];
	size_t len = escape(c, text);

	if (message->name_len + len > DNS_NAME_MAX)
		return false;
	memcpy(message->name + message->name_len, text, len);
	message->name_len += (uint16_t)len;
	return true;
}

/* The name at the first question, which was passed, so it is whole and has no pointer: there is
 * nothing in front of it that one could lead to. */
static void write_name(struct dns_message *message, const uint8_t *at)
{
	bool fits = true;

	message->name_len = 0;
	if (*at == 0)
		message->name[message->name_len++] = '.';
	while (*at && fits) {
		const uint8_t *end = at + 1 + *at;

		if (message->name_len == DNS_NAME_MAX)
			return;
		if (message->name_len)
			message->name[message->name_len++] = '.';
		for (at++; at < end && fits; at++)
			fits = put_byte(message, *at);
	}
}

static void put_address(struct dns_message *message, struct slice data)
{
	uint8_t address[16] = { [10] = 0xff, [11] = 0xff };
	char text[ADDRESS_TEXT_MAX];
	size_t len;

	if (message->addresses_count == DNS_ADDRESSES_MAX)
		return;
	memcpy(address + sizeof(address) - data.len, data.data, data.len);
	len = address_format(address, text);
	if (message->addresses_len)
		message->addresses[message->addresses_len++] = ',';
	memcpy(message->addresses + message->addresses_len, text, len);
	message->addresses_len += (uint16_t)len;
	message->addresses_count++;
}

static void take_answer(struct dns_message *message, const struct record *record)
{
	if ((record->class & CLASS_BITS) != CLASS_IN)
		return;
	if ((record->type == TYPE_A && record->data.len == 4) ||
	    (record->type == TYPE_AAAA && record->data.len == 16))
		put_address(message, record->data);
}

/* Questions behind the first, and all records, as far as they go. */
static bool take_records(struct reader *reader, const struct header *header,
			 struct dns_message *message)
{
	uint32_t others = (uint32_t)header->authorities + header->additionals;
	struct record record;
	uint16_t type, class;

	for (unsigned i = 1; i < header->questions; i++)
		if (pass_question(reader, &type, &class))
			return false;
	for (unsigned i = 0; i < header->answers; i++) {
		if (read_record(reader, &record))
			return false;
		take_answer(message, &record);
	}
	for (uint32_t i = 0; i < others; i++) {
		if (read_record(reader, &record))
			return false;
		if (record.type == TYPE_OPT && i >= header->authorities)
			message->rcode =
				(uint16_t)((record.ttl >> 24) << 4 | (message->rcode & RCODE));
	}
	return true;
}

int dns_parse(struct slice in, struct dns_message *ret_message)
{
	struct reader reader = { .in = in };
	struct dns_message *message = ret_message;
	struct header header;
	uint16_t type = 0, class = 0;
	int err = read_header(&reader, &header);

	if (err == 0 && header.questions)
		err = pass_question(&reader, &type, &class);
	if (err)
		return err;
	message->id = header.id;
	message->rcode = header.flags & RCODE;
	message->questions = header.questions;
	message->type = type;
	message->class = class;
	message->opcode = header.flags >> 11 & 15;
	message->response = header.flags & FLAG_QR;
	message->truncated = header.flags & FLAG_TC;
	message->name_len = message->addresses_len = message->addresses_count = 0;
	if (header.questions)
		write_name(message, in.data + HEADER_LEN);
	message->complete = take_records(&reader, &header, message);
	return 0;
}

/* ---- Is it DNS? ---- */

/* Those that are assigned, and not for use within a zone alone (IANA, dns-parameters). */
static bool is_question_type(uint16_t type)
{
	return (type >= 1 && type <= 67) || (type >= 99 && type <= 109) || type == 128 ||
	       (type >= 249 && type <= 262) || type == 32768 || type == 32769;
}

static bool is_question_class(uint16_t class)
{
	class &= CLASS_BITS;
	return class == CLASS_IN || class == 3 || class == 4 || class == 254 || class == 255;
}

/* Of text, in whatever encoding (mDNS: UTF-8). */
static bool is_readable_name(struct slice in)
{
	size_t at = HEADER_LEN;

	while (at < in.len && in.data[at]) {
		size_t end = at + 1 + in.data[at];

		if (in.data[at] > LABEL_MAX)
			return false;
		for (at++; at < end && at < in.len; at++)
			if (in.data[at] < ' ' || in.data[at] == 0x7f)
				return false;
	}
	return true;
}

/* A query knows no answers but in mDNS, whose id is zero (RFC 6762 sections 7.1 and 18.1), and has
 * at most a SOA of IXFR (RFC 1995), OPT, TSIG or SIG(0) behind its question. */
static bool is_query_header(const struct header *header)
{
	bool multicast = header->id == 0;

	if (header->flags & (RCODE | FLAG_RA))
		return false;
	if (multicast)
		return header->answers <= 64 && header->authorities <= 64 &&
		       header->additionals <= 3;
	return header->answers == 0 && header->authorities <= 1 && header->additionals <= 3;
}

/* What mDNS tells all has no question (RFC 6762 section 6). */
static bool is_unasked(const struct header *header)
{
	return header->id == 0 && header->flags & FLAG_QR && header->answers;
}

/* One question, of opcode QUERY. What a message of 64 KiB has no room for is none. */
static bool is_plausible_header(const struct header *header)
{
	uint32_t records = (uint32_t)header->answers + header->authorities + header->additionals;

	if (header->flags & (0x7800 | FLAG_Z))
		return false;
	if (header->questions == 0 && !is_unasked(header))
		return false;
	if (header->questions > (header->id ? 1 : 16))
		return false;
	if (HEADER_LEN + 5 + records * (1 + RECORD_LEN) > UINT16_MAX)
		return false;
	return header->flags & FLAG_QR || is_query_header(header);
}

enum obi_guess dns_guess(struct slice in, enum obi_role *ret_role)
{
	struct reader reader = { .in = in };
	struct header header;
	uint16_t type, class;
	int err;

	if (read_header(&reader, &header))
		return OBI_GUESS_MORE;
	if (!is_plausible_header(&header) || !is_readable_name(in))
		return OBI_GUESS_NO;
	/* Or, where there is no question, a record, which begins in the same way. */
	err = pass_question(&reader, &type, &class);
	if (err == -EPROTO)
		return OBI_GUESS_NO;
	if (err == 0 && (!is_question_type(type) || !is_question_class(class)))
		return OBI_GUESS_NO;
	*ret_role = header.flags & FLAG_QR ? OBI_ROLE_RESPONSE : OBI_ROLE_REQUEST;
	return err ? OBI_GUESS_MORE : OBI_GUESS_YES;
}
