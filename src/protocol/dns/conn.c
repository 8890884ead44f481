// SPDX-License-Identifier: Apache-2.0
/*
 * DNS as conn sees it, in datagrams and, with a length in front of each message (RFC 7766), over
 * TCP. An answer finds its question by id, name and type: of a server's socket, on which questions
 * of many come, the id alone would not do.
 *
 * A question that is sent again while it waits is the same lookup. One that gets no answer in time
 * is seen as timed out, and what comes of it later is passed over.
 */
#include <string.h>

#include "conn/protocol.h"
#include "protocol/dns/message.h"

#define QUESTIONS 1024 /* open on one socket */
#define DATAGRAM_SHOWN 1024
#define TCP_SHOWN 4096
#define MESSAGE_ROOM 1024 /* of a message over TCP that is read */

const struct obi_system obi_system_dns = {
	.family = OBI_FAMILY_DNS,
	.name = "",
	.instrumentation = "dns",
	.fallback = "DNS",
};

/* FNV-1a of what a question and its answer have in common; names are the same in any case. */
static uint64_t key_of(const struct dns_message *message)
{
	uint64_t key = 0xcbf29ce484222325ULL ^ message->id ^ (uint64_t)message->type << 16;

	for (size_t i = 0; i < message->name_len; i++) {
		uint8_t byte = (uint8_t)message->name[i];

		key = (key ^ (byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte)) * 0x100000001b3ULL;
	}
	return key | 1;
}

/* ---- Peers --------------------------------------------------------------------------------- */

/* Whom a socket without a peer of its own talks to shows only where it sends. */
struct peer {
	uint8_t addr[16];
	uint16_t port;
};

static void take_peer(struct conn *c, const struct obi_record *record)
{
	if (!record->tuple.remote_port || record->direction != OBI_SEND)
		return;
	memcpy(c->remote_addr, record->tuple.remote_addr, sizeof(c->remote_addr));
	c->remote_port = record->tuple.remote_port;
}

static void keep_peer(struct exchange *x, const struct conn *c)
{
	struct peer peer = { .port = c->remote_port };

	memcpy(peer.addr, c->remote_addr, sizeof(peer.addr));
	x->own_text = exchange_keep(x, slice_of(&peer, sizeof(peer)));
}

/* That of a question, for its span. A server's is the one that it answers to now. */
static void restore_peer(struct conn *c, const struct exchange *x)
{
	struct peer peer;

	if (x->server || x->own_text.len < sizeof(peer))
		return;
	memcpy(&peer, x->own_text.data, sizeof(peer));
	memcpy(c->remote_addr, peer.addr, sizeof(c->remote_addr));
	c->remote_port = peer.port;
}

/* ---- Messages ------------------------------------------------------------------------------ */

static void on_question(struct obi_conns *conns, struct conn *c, const struct dns_message *message,
			const struct chunk *chunk)
{
	const struct origin origin = origin_of_chunk(chunk);
	uint64_t key = key_of(message);
	char room[DNS_MNEMONIC_MAX];
	struct exchange *x;

	if (exchange_find(conns, c, key))
		return;
	x = exchange_open(conns, c, message->name_len + sizeof(message->addresses) / 2);
	if (!x) {
		exchange_count_drop(conns, OBI_DROP_EVICTED);
		return;
	}
	exchange_set_key(conns, x, key);
	keep_peer(x, c);
	x->op.dns = (struct obi_dns){
		.name = exchange_keep(x, slice_of(message->name, message->name_len)),
		.type = exchange_keep(x, dns_type_text(message->type, room)),
	};
	exchange_identify(conns, x, &origin, NULL);
	x->kind = OBI_KIND_INTERNAL;
}

static void on_answer(struct obi_conns *conns, struct conn *c, const struct dns_message *message,
		      const struct chunk *chunk)
{
	struct exchange *x = exchange_find(conns, c, key_of(message));
	char room[DNS_MNEMONIC_MAX];

	if (!x) /* of an earlier copy of the question, or asked before our time */
		return;
	x->op.dns.answers = exchange_keep(x, slice_of(message->addresses, message->addresses_len));
	if (message->rcode)
		x->op.dns.error = exchange_keep(x, dns_rcode_text(message->rcode, room));
	restore_peer(c, x);
	exchange_answer(conns, x, chunk->record->tid);
	exchange_finish(conns, x, chunk->time_ns, 0);
}

static void on_message(struct obi_conns *conns, struct conn *c, uint8_t direction,
		       struct slice bytes, const struct chunk *chunk)
{
	struct dns_message message;

	if (dns_parse(bytes, &message) || message.opcode != DNS_OPCODE_QUERY)
		return;
	/* Either end of a socket may ask: a forwarder's does both. */
	c->requests = message.response ? !direction : direction;
	if (message.response)
		on_answer(conns, c, &message, chunk);
	else
		on_question(conns, c, &message, chunk);
}

/* ---- Datagrams ----------------------------------------------------------------------------- */

static void begin(struct obi_conns *conns, struct conn *c, bool fresh)
{
	if (c->requests == DIRECTION_UNKNOWN)
		c->requests = OBI_SEND;
}

static void feed(struct obi_conns *conns, struct conn *c, uint8_t direction, struct chunk *chunk)
{
	take_peer(c, chunk->record);
	on_message(conns, c, direction, chunk->bytes, chunk);
}

static void unseen(struct obi_conns *conns, struct conn *c, uint8_t direction, uint64_t len,
		   uint64_t time_ns)
{
	exchange_count_unread(conns, len);
}

static void end(struct obi_conns *conns, struct conn *c, enum conn_end how)
{
}

/* No answer came for as long as anybody looked. */
static void settle(struct exchange *x, unsigned flags)
{
	if (flags & OBI_SPAN_INCOMPLETE && !x->answered)
		x->op.dns.error = SLICE_LIT("timeout");
}

static void time_out(struct exchange *x)
{
	x->op.dns.error = SLICE_LIT("timeout");
}

const struct obi_protocol protocol_dns = {
	.name = "dns",
	.help = "DNS in datagrams: name, type, addresses, response code",
	.system = &obi_system_dns,
	.pipeline = QUESTIONS,
	.timeout = OBI_TIMEOUT_LOOKUP,
	.datagrams = true,
	.order = { .mode = OBI_ORDER_STREAM, .bytes = DATAGRAM_SHOWN },
	.guess = dns_guess,
	.begin = begin,
	.feed = feed,
	.unseen = unseen,
	.end = end,
	.settle = settle,
	.time_out = time_out,
};

/* ---- TCP ----------------------------------------------------------------------------------- */

/* One direction: a message so far. */
struct framed {
	uint32_t left; /* bytes of the message to come */
	uint16_t have;
	uint8_t prefix_have;
	uint8_t prefix[2];
	uint8_t bytes[MESSAGE_ROOM];
};

struct dns_tcp {
	struct framed framed[2];
};

static struct framed *framed_of(const struct conn *c, uint8_t direction)
{
	return &((struct dns_tcp *)c->state)->framed[direction];
}

static size_t take_prefix(struct framed *framed, struct slice bytes)
{
	framed->prefix[framed->prefix_have++] = bytes.data[0];
	if (framed->prefix_have == sizeof(framed->prefix))
		framed->left = (uint32_t)framed->prefix[0] << 8 | framed->prefix[1];
	return 1;
}

static void end_message(struct obi_conns *conns, struct conn *c, uint8_t direction,
			const struct chunk *chunk)
{
	struct framed *framed = framed_of(c, direction);

	if (framed->left || framed->prefix_have < sizeof(framed->prefix))
		return;
	on_message(conns, c, direction, slice_of(framed->bytes, framed->have), chunk);
	framed->have = 0;
	framed->prefix_have = 0;
}

static size_t take_bytes(struct framed *framed, struct slice bytes)
{
	struct slice mine = slice_first(bytes, framed->left);
	struct slice kept = slice_first(mine, sizeof(framed->bytes) - framed->have);

	if (framed->prefix_have < sizeof(framed->prefix))
		return take_prefix(framed, bytes);
	if (kept.len)
		memcpy(framed->bytes + framed->have, kept.data, kept.len);
	framed->have += (uint16_t)kept.len;
	framed->left -= (uint32_t)mine.len;
	return mine.len;
}

static void feed_framed(struct obi_conns *conns, struct conn *c, uint8_t direction,
			struct chunk *chunk)
{
	struct slice rest = chunk->bytes;

	while (rest.len) {
		rest = slice_from(rest, take_bytes(framed_of(c, direction), rest));
		end_message(conns, c, direction, chunk);
	}
}

/* Within a message its rest is not needed; else the place is lost, and with it the connection. */
static void unseen_framed(struct obi_conns *conns, struct conn *c, uint8_t direction, uint64_t len,
			  uint64_t time_ns)
{
	static const struct obi_record none;
	const struct chunk chunk = { .record = &none, .time_ns = time_ns };
	struct framed *framed = framed_of(c, direction);

	if (len > framed->left) {
		exchange_count_unread(conns, len);
		conn_mute(conns, c);
		return;
	}
	framed->left -= (uint32_t)len;
	end_message(conns, c, direction, &chunk);
}

static enum obi_guess guess_framed(struct slice head, enum obi_role *ret_role)
{
	size_t length;

	if (head.len < 2)
		return OBI_GUESS_MORE;
	length = (size_t)head.data[0] << 8 | head.data[1];
	if (length < 12 || length > 4096 || head.len > 2 + length + 2048)
		return OBI_GUESS_NO;
	return dns_guess(slice_first(slice_from(head, 2), length), ret_role);
}

const struct obi_protocol protocol_dns_tcp = {
	.name = "dns_tcp",
	.help = "DNS over TCP: the same",
	.system = &obi_system_dns,
	.state_size = sizeof(struct dns_tcp),
	.pipeline = QUESTIONS,
	.timeout = OBI_TIMEOUT_LOOKUP,
	.order = { .mode = OBI_ORDER_STREAM, .bytes = TCP_SHOWN },
	.guess = guess_framed,
	.begin = begin,
	.feed = feed_framed,
	.unseen = unseen_framed,
	.end = end,
	.settle = settle,
	.time_out = time_out,
};
