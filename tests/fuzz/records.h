/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records as no kernel would write them: any order, any numbers, pieces of protocols in them,
 * messages and chunks mixed. What must hold after each: requests = spans + pending + dropped by
 * reason, and memory within its bounds; and at the end nothing is pending or held.
 *
 * Each record is 8 bytes of the input, and then its head, or what the last of them says of the
 * phrases: pieces of both directions that make whole conversations likely.
 */
#ifndef OBI_TESTS_FUZZ_RECORDS_H
#define OBI_TESTS_FUZZ_RECORDS_H

#include <stdlib.h>

#include "conn/state.h"
#include "protocol/protocol.h"

#define IDS 8
#define MEMORY_MOST ((size_t)16 << 20) /* conn/recognise.c */

struct records {
	struct obi_conns *conns;
	const struct slice *phrases;
	size_t phrases_len;
	bool streams;            /* chunks alone */
	uint64_t offset[IDS][2]; /* where the next chunk begins */
	uint64_t now;
};

/* Of an input: was there a chunk? HTTP/1's spans all have a method. */
static bool has_chunks;
static uint64_t sum_of_texts;

static struct obi_board_slot board[OBI_BOARD_SLOTS];
static struct obi_order_slot orders[OBI_BOARD_SLOTS];

static inline const struct obi_service *find_service(void *context, uint32_t pid)
{
	static const struct obi_service service = { .name = "fuzz" };

	return pid == 7 ? NULL : &service;
}

static inline void fill_random(void *context, void *bytes, size_t len)
{
	memset(bytes, 0, len);
}

/* The sanitizer sees what is not there any more. */
static inline void touch(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		sum_of_texts += text.data[i];
}

static inline void touch_http(const struct obi_http *http)
{
	if (!http->method.len && !has_chunks)
		abort();
	touch(http->method);
	touch(http->path);
	touch(http->query);
	touch(http->scheme);
	touch(http->host);
	if (http->status < 0 || http->status > 999)
		abort();
}

static inline void touch_db(const struct obi_db *db)
{
	touch(db->operation);
	touch(db->name_space);
	touch(db->query);
	touch(db->status);
	touch(db->message);
}

static inline void touch_dns(const struct obi_dns *dns)
{
	touch(dns->name);
	touch(dns->type);
	touch(dns->answers);
	touch(dns->error);
}

static inline void on_span(void *context, struct obi_span *span)
{
	if (span->end_ns < span->start_ns || !span->service)
		abort();
	if (span->tls) {
		touch(span->tls->cipher);
		touch(span->tls->server_name);
		touch(span->tls->next_protocol);
	}
	switch (span->system->family) {
	case OBI_FAMILY_HTTP:
		touch_http(&span->op.http);
		break;
	case OBI_FAMILY_DB:
		touch_db(&span->op.db);
		break;
	case OBI_FAMILY_RPC:
		touch(span->op.rpc.method);
		touch(span->op.rpc.message);
		if (span->op.rpc.status < -1 || span->op.rpc.status > 16)
			abort();
		break;
	case OBI_FAMILY_DNS:
		touch_dns(&span->op.dns);
		break;
	case OBI_FAMILY_TLS:
		touch(span->op.handshake.error);
		break;
	default:
		abort();
	}
}

static inline void check(const struct obi_conns *conns)
{
	struct obi_conns_stats stats;
	uint64_t sum;

	obi_conns_stats(conns, &stats);
	sum = stats.spans + stats.pending;
	for (int i = 0; i < OBI_DROP_REASONS; i++)
		sum += stats.dropped[i];
	if (stats.requests != sum || conns->memory > MEMORY_MOST ||
	    conns->partials_made > PARTIALS_MAX)
		abort();
}

/* Nothing is open, and all that was lent is back. */
static inline void check_end(const struct obi_conns *conns)
{
	struct obi_conns_stats stats;
	size_t partials = 0;

	obi_conns_stats(conns, &stats);
	for (const struct partial *p = conns->free_partials; p; p = p->next_free)
		partials++;
	if (stats.pending || stats.connections || conns->memory || partials != conns->partials_made)
		abort();
}

/* The message before has as many bytes as p says, more or less. */
static inline void write_board(const struct obi_record *record, const uint8_t *p)
{
	board[record->conn % OBI_BOARD_SLOTS] = (struct obi_board_slot){
		.conn = record->conn,
		.message = record->message,
		.total_bytes = record->before + record->bytes,
		.last_ns = record->time_ns + p[6],
		.tail = p[5] & 1 ? 0x0a0d0a0d300a0d00 : 0,
	};
}

/* Mostly where the last one ended; else a hole before it, or bytes that have been there. */
static inline void place_chunk(struct records *r, struct obi_record *record, const uint8_t *p)
{
	uint64_t *at = &r->offset[record->conn - 1][record->direction];

	record->before = *at;
	if ((p[2] & 0xc0) == 0xc0)
		record->before += p[2] & 0x20 ? (uint64_t)p[2] << (p[2] & 31) : p[2] & 31;
	else if ((p[2] & 0xc0) == 0x80)
		record->before -= (p[2] & 63) < *at ? p[2] & 63 : *at;
	*at = record->before + record->bytes;
}

/* What the record holds. Returns the bytes of the input that it took. */
static inline size_t find_head(const struct records *r, const uint8_t *p, size_t size,
			       struct slice *ret_head)
{
	uint32_t want = p[5] & 0x80 ? p[7] * 4 : p[7];

	if (r->phrases_len && p[4] & 0x40) {
		const struct slice *phrase = &r->phrases[p[7] % r->phrases_len];

		*ret_head = p[4] & 0x20 ? slice_first(*phrase, p[6]) : *phrase;
		return 8;
	}
	*ret_head = slice_of(p + 8, want < size - 8 ? want : size - 8);
	return 8 + ret_head->len;
}

static inline void set_kind(const struct records *r, struct obi_record *record, const uint8_t *p)
{
	record->direction = p[0] >> 2 & 1;
	record->flags = p[0] >> 5;
	record->conn = 1 + (p[1] & (IDS - 1));
	record->message = 1 + (p[1] >> 3);
	record->side = p[0] >> 3 & 3;
	record->type = (p[0] & 3) + OBI_RECORD_MESSAGE;
	if (record->side == 3) {
		record->type = OBI_RECORD_CHUNK;
		record->side = p[0] & 3;
	} else if (r->streams && record->type != OBI_RECORD_CLOSE) {
		record->type = OBI_RECORD_CHUNK;
	}
	if (r->streams && (p[5] & 0x4f) == 0x4f)
		record->type = OBI_RECORD_CERTIFICATE;
	if (record->side == 3)
		record->side = OBI_SIDE_ACCEPTED;
	if (record->type != OBI_RECORD_CHUNK)
		return;
	record->flags |= p[5] & 0x40 ? OBI_RECORD_UNORDERED : 0;
	record->flags |= (p[5] & 0x30) == 0x30 ? OBI_RECORD_TLS : 0;
	record->flags |= (p[5] & 0x38) == 0x28 ? OBI_RECORD_DATAGRAM : 0;
}

/* Of plain text the last bytes: those of a chunked body, or any. */
static inline uint64_t tail_of(const uint8_t *p)
{
	return p[4] & 1 ? 0x0a0d0a0d300a0dULL << 8 : (uint64_t)p[4] << 56 | p[6];
}

static inline size_t put(struct records *r, const uint8_t *p, size_t size)
{
	struct slice head;
	size_t used = find_head(r, p, size, &head), all = sizeof(struct obi_record) + head.len;
	struct obi_record *record = calloc(1, all);

	if (!record)
		return size;
	set_kind(r, record, p);
	record->time_ns = r->now;
	record->before = record->type == OBI_RECORD_MESSAGE ? 0 : p[2];
	record->bytes = head.len + (p[3] & 0x80 ? (uint64_t)p[3] << (p[3] & 31) : p[3] & 3);
	record->total_bytes = p[4] & 0x80 ? (uint64_t)p[4] << (p[4] & 31) : p[4];
	record->last_ns = r->now - p[6];
	record->pid = p[5] & 7;
	record->tid = p[5] >> 3;
	record->head_len = (uint32_t)head.len;
	if (head.len)
		memcpy(record->head, head.data, head.len);
	if (record->type == OBI_RECORD_CHUNK) {
		has_chunks = true;
		place_chunk(r, record, p);
		if (record->flags & OBI_RECORD_TLS) {
			record->total_bytes = tail_of(p);
			record->last_ns = p[6] >> 4 & (2 * IDS - 1); /* its ciphertext */
		}
	}
	if ((p[3] & 0x7c) != 0x7c) /* else it is lost */
		(void)obi_conns_put(r->conns, record, all);
	if (record->type != OBI_RECORD_CHUNK && p[2] & 1)
		write_board(record, p);
	free(record);
	return used;
}

static inline void forget_all(void)
{
	has_chunks = false;
	memset(board, 0, sizeof(board[0]) * 16);
	memset(orders, 0, sizeof(orders[0]) * 16);
}

/* phrases may be none. streams: no messages of HTTP/1 come. */
static inline int fuzz_records(const uint8_t *data, size_t size, const struct slice *phrases,
			       size_t phrases_len, bool streams)
{
	struct obi_conns_options options = {
		.protocols = obi_protocols,
		.max_connections = 5,
		.idle_ns = 1000,
		.body_idle_ns = 20000,
		.timeout_ns = { 5000, 3000 },
		.service = find_service,
		.board = board,
		.orders = orders,
		.query_text = size & 1,
		.carriers = true,
		.sink = { .put = on_span },
		.random = fill_random,
	};
	struct records r = {
		.conns = obi_conns_new(&options),
		.phrases = phrases,
		.phrases_len = phrases_len,
		.streams = streams,
		.now = 100000,
	};

	if (!r.conns)
		return 0;
	for (size_t at = 0; at + 8 <= size;) {
		r.now += data[at + 6];
		if (data[at + 6] & 1)
			obi_conns_tick(r.conns, r.now);
		at += put(&r, data + at, size - at);
		check(r.conns);
	}
	obi_conns_flush(r.conns);
	check(r.conns);
	check_end(r.conns);
	obi_conns_free(r.conns);
	forget_all();
	return 0;
}

#endif
