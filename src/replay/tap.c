// SPDX-License-Identifier: Apache-2.0
/*
 * What begins like HTTP/1 is handed on in messages, all else as chunks, byte for byte, as the
 * kernel side does (bpf/lib/message.h, stream.h).
 *
 * Messages as in obi/record.h: a turn of the direction begins one. The beginning of a message is
 * handed on byte for byte, in as many records as it takes, since here it costs little and heads
 * may be anywhere in it (pipelining); later chunks only where they look like a head. All else is
 * counted, and shown on the progress board.
 */
#include "replay/tap.h"

#include <string.h>

#include "protocol/protocol.h"

/* Bytes of a message that are handed on. */
#define DETAIL ((size_t)16 * 1024)

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

/* Do the bytes begin a head, of the protocol that is shown by its heads? */
static enum obi_guess guess_head(struct slice bytes)
{
	enum obi_role role;

	for (int i = 0; obi_protocols[i]; i++)
		if (obi_protocols[i]->order.mode == OBI_ORDER_HEADS)
			return obi_protocols[i]->guess(bytes, &role);
	return OBI_GUESS_NO;
}

/* The same in the middle of a connection. */
static enum obi_role resumed_role_of(struct slice bytes)
{
	for (int i = 0; obi_protocols[i]; i++) {
		enum obi_role role;

		if (obi_protocols[i]->resume && obi_protocols[i]->resume(bytes, &role))
			return role;
	}
	return OBI_ROLE_UNKNOWN;
}

bool tap_orient(struct tap *tap, int from, struct slice bytes)
{
	enum obi_role role;

	if (tap->server != TAP_UNKNOWN)
		return true;
	role = resumed_role_of(bytes);
	if (role == OBI_ROLE_UNKNOWN)
		return false;
	tap->server = (uint8_t)(role == OBI_ROLE_REQUEST ? !from : from);
	/* What came before was not seen: this is not the first message. */
	tap->message = 1;
	tap->direction = from == tap->server ? OBI_RECV : OBI_SEND;
	return true;
}

/* The sink's record, filled in but for the chunk. */
static struct obi_record *begin_record(const struct tap *tap, struct tap_sink *sink, uint8_t type,
				       uint64_t time_ns)
{
	const struct packet_end *local = &tap->ends[tap->server],
				*remote = &tap->ends[!tap->server];
	struct obi_record *record = (struct obi_record *)sink->scratch;

	record->type = type;
	record->direction = tap->direction;
	record->side = tap->side;
	record->flags = 0;
	record->message = tap->message;
	record->conn = tap->id;
	record->time_ns = time_ns;
	record->bytes = record->before = 0;
	record->total_bytes = record->last_ns = 0;
	record->pid = tap->pid;
	record->tid = (uint32_t)tap->id;
	memcpy(record->tuple.local_addr, local->addr, sizeof(local->addr));
	memcpy(record->tuple.remote_addr, remote->addr, sizeof(remote->addr));
	record->tuple.local_port = local->port;
	record->tuple.remote_port = remote->port;
	record->head_len = 0;
	return record;
}

/* One record of len bytes, and what follows from it. */
static void put_chunk(struct tap *tap, struct tap_sink *sink, struct slice bytes, uint64_t len)
{
	struct obi_record *record = (struct obi_record *)sink->scratch;
	struct slice head = slice_first(bytes, OBI_HEAD_MAX);

	record->bytes = len;
	record->before = tap->total;
	record->head_len = (uint32_t)head.len;
	record->flags = head.len ? 0 : OBI_RECORD_UNREADABLE;
	if (head.len)
		memcpy(record->head, head.data, head.len);
	sink->put(sink->context, record, sizeof(*record) + head.len);
	record->type = OBI_RECORD_MORE;
	record->total_bytes = record->last_ns = 0;
	tap->total += len;
}

static void show_progress(struct tap *tap, struct tap_sink *sink, struct slice bytes, uint64_t len)
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

/* Hands on what may hold heads, in as many records as it takes. */
static void put_chunks(struct tap *tap, struct tap_sink *sink, bool turn, struct slice bytes,
		       uint64_t len, uint64_t time_ns)
{
	struct obi_record *record =
		begin_record(tap, sink, turn ? OBI_RECORD_MESSAGE : OBI_RECORD_MORE, time_ns);

	if (turn) {
		record->total_bytes = tap->total;
		record->last_ns = tap->last_ns;
		tap->total = tap->tail = 0;
	}
	/* Whole records while more of the chunk shall follow, then all that is left. */
	while (bytes.len > OBI_HEAD_MAX && tap->total < DETAIL) {
		put_chunk(tap, sink, bytes, OBI_HEAD_MAX);
		bytes = slice_from(bytes, OBI_HEAD_MAX);
		len -= OBI_HEAD_MAX;
	}
	put_chunk(tap, sink, bytes, len);
}

/* All of the chunk, in as many records as it takes; the last one has the bytes that were not seen.
 */
static void put_stream(struct tap *tap, struct tap_sink *sink, struct slice bytes, uint64_t len,
		       uint64_t time_ns)
{
	struct obi_record *record = begin_record(tap, sink, OBI_RECORD_CHUNK, time_ns);
	uint64_t *offset = &tap->offset[tap->direction];

	do {
		struct slice head = slice_first(bytes, OBI_HEAD_MAX);

		bytes = slice_from(bytes, head.len);
		record->before = *offset;
		record->bytes = bytes.len ? head.len : len;
		record->head_len = (uint32_t)head.len;
		if (head.len)
			memcpy(record->head, head.data, head.len);
		sink->put(sink->context, record, sizeof(*record) + head.len);
		*offset += record->bytes;
		len -= record->bytes;
	} while (len);
	tap->last_ns = time_ns;
}

/* Is the chunk one of a connection that is not told in messages? */
static bool is_stream(struct tap *tap, struct slice bytes, bool turn)
{
	enum obi_guess guess = tap->is_heads ? OBI_GUESS_YES : guess_head(bytes);

	if (guess == OBI_GUESS_YES) {
		tap->is_heads = true;
		if (tap->streaming)
			tap->total = 0;
		tap->streaming = false;
	} else if (guess == OBI_GUESS_NO && turn && !tap->streaming) {
		tap->streaming = true;
		tap->offset[0] = tap->offset[1] = 0;
	}
	return tap->streaming;
}

void tap_data(struct tap *tap, struct tap_sink *sink, int from, struct slice bytes, uint64_t len,
	      uint64_t time_ns)
{
	uint8_t direction = from == tap->server ? OBI_SEND : OBI_RECV;
	bool turn = tap->message == 0 || tap->direction != direction;

	if (is_stream(tap, bytes, turn)) {
		tap->direction = direction;
		put_stream(tap, sink, bytes, len, time_ns);
		return;
	}
	tap->direction = direction;
	tap->message += turn;
	if (turn || tap->total < DETAIL || guess_head(bytes) == OBI_GUESS_YES)
		put_chunks(tap, sink, turn, bytes, len, time_ns);
	else
		tap->total += len;
	tap->last_ns = time_ns;
	/* What follows is another protocol (RFC 9110 section 15.2.2). */
	if (slice_equal(slice_first(bytes, 12), SLICE_LIT("HTTP/1.1 101")))
		tap->is_heads = false;
	if (!turn || bytes.len < len || len > OBI_HEAD_MAX)
		show_progress(tap, sink, bytes, len);
}

static void put_end(struct tap *tap, struct tap_sink *sink, uint8_t type, uint8_t flags,
		    uint64_t time_ns)
{
	struct obi_record *record;

	if (tap->message == 0 && !tap->streaming)
		return;
	record = begin_record(tap, sink, type, time_ns);
	record->flags = flags;
	record->total_bytes = tap->total;
	record->last_ns = tap->last_ns;
	sink->put(sink->context, record, sizeof(*record));
}

void tap_fin(struct tap *tap, struct tap_sink *sink, int from, uint64_t time_ns)
{
	/* As in the kernel: a FIN says that our side sends no more, and ends its message. */
	if (from == tap->server && tap->direction == OBI_SEND && !tap->streaming)
		put_end(tap, sink, OBI_RECORD_FIN, 0, time_ns);
}

void tap_close(struct tap *tap, struct tap_sink *sink, bool reset, uint64_t time_ns)
{
	put_end(tap, sink, OBI_RECORD_CLOSE, reset ? OBI_RECORD_RESET : 0, time_ns);
}
