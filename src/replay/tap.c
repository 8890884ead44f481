// SPDX-License-Identifier: Apache-2.0
/*
 * Messages as in obi/record.h: a turn of the direction begins one. The beginning of a message is
 * handed on byte for byte, in as many records as it takes, since here it costs little and heads
 * may be anywhere in it (pipelining); later chunks only where they look like a head. All else is
 * counted, and shown on the progress board.
 */
#include "replay/tap.h"

#include <string.h>

#include "protocol/protocol.h"

/* Bytes of a message that are handed on. */
#define DETAIL (16 * 1024)

union tap_record {
	struct obi_record record;
	uint8_t bytes[sizeof(struct obi_record) + OBI_HEAD_MAX];
};

void tap_open(struct tap *tap, uint64_t id, const struct packet_end ends[2], int client)
{
	memset(tap, 0, sizeof(*tap));
	tap->id = id;
	tap->ends[0] = ends[0];
	tap->ends[1] = ends[1];
	tap->server = TAP_UNKNOWN;
	tap->side = OBI_SIDE_UNKNOWN;
	if (client != TAP_UNKNOWN) {
		tap->server = (uint8_t)!client;
		tap->side = OBI_SIDE_ACCEPTED;
	}
}

static enum obi_role role_of(struct slice bytes)
{
	for (int i = 0; obi_protocols[i]; i++) {
		enum obi_role role;

		if (obi_protocols[i]->guess(bytes, &role) == OBI_GUESS_YES)
			return role;
	}
	return OBI_ROLE_UNKNOWN;
}

bool tap_orient(struct tap *tap, int from, struct slice bytes)
{
	enum obi_role role;

	if (tap->server != TAP_UNKNOWN)
		return true;
	role = role_of(bytes);
	if (role == OBI_ROLE_UNKNOWN)
		return false;
	tap->server = (uint8_t)(role == OBI_ROLE_REQUEST ? !from : from);
	return true;
}

static void fill(const struct tap *tap, struct obi_record *record, uint8_t type, uint64_t time_ns)
{
	const struct packet_end *local = &tap->ends[tap->server],
				*remote = &tap->ends[!tap->server];

	memset(record, 0, sizeof(*record));
	record->type = type;
	record->direction = tap->direction;
	record->side = tap->side;
	record->message = tap->message;
	record->conn = tap->id;
	record->time_ns = time_ns;
	record->pid = tap->pid;
	record->tid = (uint32_t)tap->id;
	memcpy(record->tuple.local_addr, local->addr, sizeof(local->addr));
	memcpy(record->tuple.remote_addr, remote->addr, sizeof(remote->addr));
	record->tuple.local_port = local->port;
	record->tuple.remote_port = remote->port;
}

/* One record of len bytes, and what follows from it. */
static void put_chunk(struct tap *tap, const struct tap_sink *sink, union tap_record *r,
		      struct slice bytes, uint64_t len)
{
	struct slice head = slice_first(bytes, OBI_HEAD_MAX);

	r->record.bytes = len;
	r->record.before = tap->total;
	r->record.head_len = (uint32_t)head.len;
	r->record.flags = head.len ? 0 : OBI_RECORD_UNREADABLE;
	if (head.len)
		memcpy(r->record.head, head.data, head.len);
	sink->put(sink->context, &r->record, sizeof(r->record) + head.len);
	r->record.type = OBI_RECORD_MORE;
	r->record.total_bytes = r->record.last_ns = 0;
	tap->total += len;
}

static void show_progress(struct tap *tap, const struct tap_sink *sink, struct slice bytes,
			  uint64_t len)
{
	struct obi_board_slot *slot = &sink->board[tap->id % OBI_BOARD_SLOTS];
	size_t from = bytes.len > 8 ? bytes.len - 8 : 0;

	for (size_t i = from; i < bytes.len; i++)
		tap->tail = tap->tail >> 8 | (uint64_t)bytes.data[i] << 56;
	if (bytes.len < len)
		tap->tail = 0;
	*slot = (struct obi_board_slot){
		.conn = tap->id,
		.message = tap->message,
		.total_bytes = tap->total,
		.last_ns = tap->last_ns,
		.tail = tap->tail,
	};
}

void tap_data(struct tap *tap, const struct tap_sink *sink, int from, struct slice bytes,
	      uint64_t len, uint64_t time_ns)
{
	uint8_t direction = from == tap->server ? OBI_SEND : OBI_RECV;
	bool turn = tap->message == 0 || tap->direction != direction;
	uint64_t all = len;
	struct slice rest = bytes;
	union tap_record r;

	tap->direction = direction;
	tap->message += turn;
	if (turn || tap->total < DETAIL || role_of(bytes) != OBI_ROLE_UNKNOWN) {
		fill(tap, &r.record, turn ? OBI_RECORD_MESSAGE : OBI_RECORD_MORE, time_ns);
		if (turn) {
			r.record.total_bytes = tap->total;
			r.record.last_ns = tap->last_ns;
			tap->total = tap->tail = 0;
		}
		/* Whole records while more of the chunk shall follow, then all that is left. */
		while (rest.len > OBI_HEAD_MAX && tap->total < DETAIL) {
			put_chunk(tap, sink, &r, rest, OBI_HEAD_MAX);
			rest = slice_from(rest, OBI_HEAD_MAX);
			len -= OBI_HEAD_MAX;
		}
		put_chunk(tap, sink, &r, rest, len);
	} else {
		tap->total += len;
	}
	tap->last_ns = time_ns;
	if (!turn || bytes.len < all || all > OBI_HEAD_MAX)
		show_progress(tap, sink, bytes, all);
}

static void put_end(struct tap *tap, const struct tap_sink *sink, uint8_t type, uint8_t flags,
		    uint64_t time_ns)
{
	struct obi_record record;

	if (tap->message == 0)
		return;
	fill(tap, &record, type, time_ns);
	record.flags = flags;
	record.total_bytes = tap->total;
	record.last_ns = tap->last_ns;
	sink->put(sink->context, &record, sizeof(record));
}

void tap_fin(struct tap *tap, const struct tap_sink *sink, int from, uint64_t time_ns)
{
	/* As in the kernel: a FIN says that our side sends no more, and ends its message. */
	if (from == tap->server && tap->direction == OBI_SEND)
		put_end(tap, sink, OBI_RECORD_FIN, 0, time_ns);
}

void tap_close(struct tap *tap, const struct tap_sink *sink, bool reset, uint64_t time_ns)
{
	put_end(tap, sink, OBI_RECORD_CLOSE, reset ? OBI_RECORD_RESET : 0, time_ns);
}
