// SPDX-License-Identifier: Apache-2.0
/*
 * Records as no kernel would write them: any order, any numbers, pieces of HTTP in them. What must
 * hold after each: requests = spans + pending + dropped by reason, and nothing pending at the end.
 *
 * Each record is 8 bytes of the input, and then its head.
 */
#include <stdlib.h>

#include "conn/conn.h"
#include "protocol/protocol.h"

static struct obi_board_slot board[OBI_BOARD_SLOTS];

static const struct obi_service *find_service(void *context, uint32_t pid)
{
	static const struct obi_service service = { .name = "fuzz" };

	return pid == 7 ? NULL : &service;
}

static void fill_random(void *context, void *bytes, size_t len)
{
	memset(bytes, 0, len);
}

static void on_span(void *context, struct obi_span *span)
{
	if (span->end_ns < span->start_ns || !span->service || span->op.http.method.len == 0)
		abort();
}

static void check(const struct obi_conns *conns)
{
	struct obi_conns_stats stats;
	uint64_t sum;

	obi_conns_stats(conns, &stats);
	sum = stats.spans + stats.pending;
	for (int i = 0; i < OBI_DROP_REASONS; i++)
		sum += stats.dropped[i];
	if (stats.requests != sum)
		abort();
}

/* The message before has as many bytes as p says, more or less. */
static void write_board(const struct obi_record *record, const uint8_t *p)
{
	board[record->conn % OBI_BOARD_SLOTS] = (struct obi_board_slot){
		.conn = record->conn,
		.message = record->message,
		.total_bytes = record->before + record->bytes,
		.last_ns = record->time_ns + p[6],
		.tail = p[5] & 1 ? 0x0a0d0a0d300a0d00 : 0,
	};
}

static size_t put(struct obi_conns *conns, const uint8_t *p, size_t size, uint64_t time_ns)
{
	uint32_t want = p[5] & 0x80 ? p[7] * 4 : p[7];
	uint32_t head_len = want < size - 8 ? want : (uint32_t)(size - 8);
	size_t all = sizeof(struct obi_record) + head_len;
	struct obi_record *record = calloc(1, all);

	if (!record)
		return size;
	record->side = p[0] >> 3 & 3;
	record->type = record->side == 3 ? OBI_RECORD_HTTP2 : (p[0] & 3) + OBI_RECORD_MESSAGE;
	record->direction = p[0] >> 2 & 1;
	record->flags = p[0] >> 5;
	record->conn = 1 + (p[1] & 7);
	record->message = 1 + (p[1] >> 3);
	record->time_ns = time_ns;
	record->before = record->type == OBI_RECORD_MESSAGE ? 0 : p[2];
	record->bytes = head_len + (p[3] & 0x80 ? (uint64_t)p[3] << (p[3] & 31) : p[3] & 3);
	record->total_bytes = p[4] & 0x80 ? (uint64_t)p[4] << (p[4] & 31) : p[4];
	record->last_ns = time_ns - p[6];
	record->pid = p[5] & 7;
	record->tid = p[5] >> 3;
	record->head_len = head_len;
	if (head_len)
		memcpy(record->head, p + 8, head_len);
	(void)obi_conns_put(conns, record, all);
	if (p[2] & 1)
		write_board(record, p);
	free(record);
	return 8 + head_len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct obi_conns_options options = {
		.protocols = obi_protocols,
		.max_connections = 5,
		.idle_ns = 1000,
		.body_idle_ns = 20000,
		.request_timeout_ns = 5000,
		.service = find_service,
		.board = board,
		.sink = { .put = on_span },
		.random = fill_random,
	};
	struct obi_conns *conns = obi_conns_new(&options);
	struct obi_conns_stats stats;
	uint64_t now = 100000;

	if (!conns)
		return 0;
	for (size_t at = 0; at + 8 <= size;) {
		now += data[at + 6];
		if (data[at + 6] & 1)
			obi_conns_tick(conns, now);
		at += put(conns, data + at, size - at, now);
		check(conns);
	}
	obi_conns_flush(conns);
	check(conns);
	obi_conns_stats(conns, &stats);
	if (stats.pending || stats.connections)
		abort();
	obi_conns_free(conns);
	memset(board, 0, sizeof(board[0]) * 16);
	return 0;
}
