/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model of the kernel side for tests: bytes that go through sockets become records and entries
 * of the progress board, and the spans that come out become lines of text.
 *
 * Time is a step a call: the first chunk passes at 1, the next at 2.
 */
#ifndef OBI_TESTS_CONN_WIRE_H
#define OBI_TESTS_CONN_WIRE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "conn/conn.h"
#include "protocol/protocol.h"
#include "guard.h"
#include "span/trace.h"

#define WIRE_CONNS 128
#define STEP_NS 1000ULL

struct wire_conn {
	uint64_t id;
	uint32_t message;
	uint8_t direction;
	uint64_t total, last_ns;
	uint64_t tail;
	uint64_t offset[2]; /* in a stream */
};

struct wire {
	struct obi_conns *conns;
	struct obi_conns_options options;
	struct epoch_clock epoch;
	struct obi_board_slot *board;
	struct wire_conn at[WIRE_CONNS];
	uint64_t now; /* steps */
	/* Of the next records: */
	int conn;
	uint8_t side;
	uint32_t pid, tid;
	size_t capture; /* most bytes of a chunk that are copied */
	bool quiet;     /* later chunks make no record, only the board knows */
	bool lose;      /* records get lost */
	bool stream;    /* the kernel side tells no messages */
	bool unordered; /* ... and has no order yet */
	bool datagrams; /* ... but each chunk is one */
	const struct obi_trace *trace;
	bool injected;   /* a header was written into the requests */
	bool could_wait; /* the socket is not non-blocking */
	uint64_t opened; /* step of connect(2), 0 = not seen ... */
	uint32_t opener; /* ... and the thread */
	/* What came out: */
	char spans[64 * 1024];
	size_t spans_len;
	struct obi_trace last_trace;
	uint64_t seed;
	bool no_service;
};

static inline const struct obi_service *wire_service(void *context, uint32_t pid)
{
	static const struct obi_service service = { .name = "test" };
	const struct wire *w = context;

	return w->no_service ? NULL : &service;
}

static inline void wire_random(void *context, void *bytes, size_t len)
{
	struct wire *w = context;

	for (size_t i = 0; i < len; i++)
		((uint8_t *)bytes)[i] = (uint8_t)(++w->seed);
}

/* server 200 GET host/path?query 0>5 [1..2]; https://host/... where it is that */
/* server GET 3 WRONGTYPE [1..2] */
static inline void wire_db_span(struct wire *w, const struct obi_span *span)
{
	const struct obi_db *db = &span->op.db;
	uint64_t epoch = (uint64_t)epoch_clock_offset(w->options.epoch, 0);

	w->spans_len += (size_t)snprintf(
		w->spans + w->spans_len, sizeof(w->spans) - w->spans_len,
		"%s " SLICE_FMT " " SLICE_FMT "%s" SLICE_FMT "%s" SLICE_FMT " [%llu..%llu]%s\n",
		span->kind == OBI_KIND_SERVER ? "server" : "client", SLICE_ARG(db->operation),
		SLICE_ARG(db->name_space), db->status.len ? " " : "", SLICE_ARG(db->status),
		db->query.len ? " " : "", SLICE_ARG(db->query),
		(unsigned long long)((span->start_ns - epoch) / STEP_NS),
		(unsigned long long)((span->end_ns - epoch) / STEP_NS),
		span->flags & OBI_SPAN_INCOMPLETE ? " incomplete" : "");
	w->last_trace = span->trace;
}

/* server 5 package.Service/Method "not found" [1..2] */
static inline void wire_rpc_span(struct wire *w, const struct obi_span *span)
{
	const struct obi_rpc *rpc = &span->op.rpc;
	uint64_t epoch = (uint64_t)epoch_clock_offset(w->options.epoch, 0);

	w->spans_len +=
		(size_t)snprintf(w->spans + w->spans_len, sizeof(w->spans) - w->spans_len,
				 "%s %d " SLICE_FMT " \"" SLICE_FMT "\" [%llu..%llu]%s\n",
				 span->kind == OBI_KIND_SERVER ? "server" : "client", rpc->status,
				 SLICE_ARG(rpc->method), SLICE_ARG(rpc->message),
				 (unsigned long long)((span->start_ns - epoch) / STEP_NS),
				 (unsigned long long)((span->end_ns - epoch) / STEP_NS),
				 span->flags & OBI_SPAN_INCOMPLETE ? " incomplete" : "");
	w->last_trace = span->trace;
}

static inline void wire_http_span(struct wire *w, const struct obi_span *span)
{
	int64_t epoch = epoch_clock_offset(w->options.epoch, 0);
	int n = snprintf(w->spans + w->spans_len, sizeof(w->spans) - w->spans_len,
			 "%s %d " SLICE_FMT " %s" SLICE_FMT SLICE_FMT "%s" SLICE_FMT
			 " %lld>%lld [%llu..%llu]%s\n",
			 span->kind == OBI_KIND_SERVER ? "server" : "client", span->op.http.status,
			 SLICE_ARG(span->op.http.method),
			 slice_equal(span->op.http.scheme, SLICE_LIT("https")) ? "https://" : "",
			 SLICE_ARG(span->op.http.host), SLICE_ARG(span->op.http.path),
			 span->op.http.query.len ? "?" : "", SLICE_ARG(span->op.http.query),
			 (long long)span->op.http.request_length,
			 (long long)span->op.http.response_length,
			 (unsigned long long)((span->start_ns - (uint64_t)epoch) / STEP_NS),
			 (unsigned long long)((span->end_ns - (uint64_t)epoch) / STEP_NS),
			 span->flags & OBI_SPAN_INCOMPLETE ? " incomplete" : "");

	w->spans_len += (size_t)n;
	w->last_trace = span->trace;
	assert_int_equal(span->request_start_ns, span->start_ns);
}

/* AAAA example.com 2001:db8::7 timeout [1..2] */
static inline void wire_dns_span(struct wire *w, const struct obi_span *span)
{
	const struct obi_dns *dns = &span->op.dns;
	uint64_t epoch = (uint64_t)epoch_clock_offset(w->options.epoch, 0);

	assert_int_equal(span->kind, OBI_KIND_INTERNAL);
	w->spans_len += (size_t)snprintf(
		w->spans + w->spans_len, sizeof(w->spans) - w->spans_len,
		SLICE_FMT " " SLICE_FMT "%s" SLICE_FMT "%s" SLICE_FMT " [%llu..%llu]%s\n",
		SLICE_ARG(dns->type), SLICE_ARG(dns->name), dns->answers.len ? " " : "",
		SLICE_ARG(dns->answers), dns->error.len ? " " : "", SLICE_ARG(dns->error),
		(unsigned long long)((span->start_ns - epoch) / STEP_NS),
		(unsigned long long)((span->end_ns - epoch) / STEP_NS),
		span->flags & OBI_SPAN_INCOMPLETE ? " incomplete" : "");
}

/* server TLS 1.3 TLS_AES_256_GCM_SHA384 shop.example http/1.1 new dated unknown_ca [1..4] */
static inline void wire_tls_span(struct wire *w, const struct obi_span *span)
{
	static const struct obi_tls none = { .version = "", .resumed = -1 };
	const struct obi_tls *tls = span->tls ? span->tls : &none;
	struct slice error = span->op.handshake.error;
	uint64_t epoch = (uint64_t)epoch_clock_offset(w->options.epoch, 0);

	w->spans_len += (size_t)snprintf(
		w->spans + w->spans_len, sizeof(w->spans) - w->spans_len,
		"%s TLS %s " SLICE_FMT " " SLICE_FMT " " SLICE_FMT "%s%s%s" SLICE_FMT
		" [%llu..%llu]%s\n",
		span->kind == OBI_KIND_SERVER ? "server" : "client", tls->version,
		SLICE_ARG(tls->cipher), SLICE_ARG(tls->server_name), SLICE_ARG(tls->next_protocol),
		tls->resumed == 1   ? " resumed"
		: tls->resumed == 0 ? " new"
				    : "",
		tls->not_after ? " dated" : "", error.len ? " " : "", SLICE_ARG(error),
		(unsigned long long)((span->start_ns - epoch) / STEP_NS),
		(unsigned long long)((span->end_ns - epoch) / STEP_NS),
		span->flags & OBI_SPAN_INCOMPLETE ? " incomplete" : "");
}

static inline void wire_span(void *context, struct obi_span *span)
{
	if (span->system->family == OBI_FAMILY_DB)
		wire_db_span(context, span);
	else if (span->system->family == OBI_FAMILY_RPC)
		wire_rpc_span(context, span);
	else if (span->system->family == OBI_FAMILY_DNS)
		wire_dns_span(context, span);
	else if (span->system->family == OBI_FAMILY_TLS)
		wire_tls_span(context, span);
	else
		wire_http_span(context, span);
}

static inline void wire_check(const struct wire *w)
{
	struct obi_conns_stats s;
	uint64_t sum;

	obi_conns_stats(w->conns, &s);
	sum = s.spans + s.pending;
	for (int i = 0; i < OBI_DROP_REASONS; i++)
		sum += s.dropped[i];
	assert_int_equal(s.requests, sum);
}

static inline void wire_open(struct wire *w)
{
	w->options.context = w;
	w->options.service = wire_service;
	w->options.random = wire_random;
	w->options.sink = (struct obi_span_sink){ .put = wire_span, .context = w };
	w->options.board = w->board;
	w->options.protocols = obi_protocols;
	w->conns = obi_conns_new(&w->options);
	assert_non_null(w->conns);
}

static inline struct wire *wire_new(void)
{
	struct wire *w = calloc(1, sizeof(*w));

	w->board = calloc(OBI_BOARD_SLOTS, sizeof(*w->board));
	w->options.max_connections = 64;
	w->options.idle_ns = 100 * STEP_NS;
	(void)epoch_clock_follow(&w->epoch, 0, 1700000000000000000);
	w->options.epoch = &w->epoch;
	w->options.body_idle_ns = 10000 * STEP_NS;
	w->capture = OBI_HEAD_MAX;
	w->side = OBI_SIDE_ACCEPTED;
	w->pid = 10;
	w->tid = 11;
	for (int i = 0; i < WIRE_CONNS; i++)
		w->at[i].id = 0x1000 + (uint64_t)i;
	wire_open(w);
	return w;
}

static inline void wire_free(struct wire *w)
{
	wire_check(w);
	obi_conns_free(w->conns);
	free(w->board);
	free(w);
}

static inline void wire_put(struct wire *w, struct obi_record *record, struct slice head)
{
	struct slice all;
	uint8_t bytes[sizeof(*record) + OBI_HEAD_MAX];

	record->head_len = (uint32_t)head.len;
	memcpy(bytes, record, sizeof(*record));
	if (head.len)
		memcpy(bytes + sizeof(*record), head.data, head.len);
	all = guarded(slice_of(bytes, sizeof(*record) + head.len));
	if (!w->lose) {
		/* The guard page is next to the head, so the record may not be aligned. */
		struct obi_record *copy = malloc(all.len);

		memcpy(copy, all.data, all.len);
		assert_int_equal(obi_conns_put(w->conns, copy, all.len), 0);
		free(copy);
	}
	wire_check(w);
}

static inline struct obi_record wire_record(const struct wire *w, uint8_t type, uint8_t direction)
{
	struct obi_record record = {
		.type = type,
		.direction = direction,
		.side = w->side,
		.conn = w->at[w->conn].id,
		.time_ns = w->now * STEP_NS,
		.pid = w->pid,
		.tid = w->tid,
		.message = w->at[w->conn].message,
		.tuple = { .local_addr = { [15] = 1 },
			   .remote_addr = { [15] = 2 },
			   .local_port = 8080,
			   .remote_port = 40000 },
	};

	if (w->could_wait)
		record.flags |= OBI_RECORD_COULD_WAIT;
	record.opened_ns = w->opened * STEP_NS;
	record.opener = w->opener;
	if (w->trace) {
		record.flags |= OBI_RECORD_TRACED;
		record.trace = *w->trace;
		record.flags |= w->injected ? OBI_RECORD_INJECTED : 0;
	}
	return record;
}

/* The same where the kernel side tells no messages: as many records as it takes. */
static inline void wire_stream(struct wire *w, uint8_t direction, struct slice seen, uint64_t bytes)
{
	uint64_t *offset = &w->at[w->conn].offset[direction];

	w->now++;
	do {
		struct obi_record record = wire_record(w, OBI_RECORD_CHUNK, direction);
		struct slice head = slice_first(seen, w->capture);

		seen = slice_from(seen, head.len);
		record.flags |= w->unordered ? OBI_RECORD_UNORDERED : 0;
		record.flags |= w->datagrams ? OBI_RECORD_DATAGRAM : 0;
		record.before = *offset;
		record.bytes = seen.len ? head.len : bytes;
		*offset += record.bytes;
		bytes -= record.bytes;
		wire_put(w, &record, head);
	} while (bytes);
}

static inline void wire_message(struct wire *w, uint8_t direction, struct slice seen,
				uint64_t bytes)
{
	struct wire_conn *c = &w->at[w->conn];
	bool turn = c->message == 0 || c->direction != direction;
	struct slice head = slice_first(seen, w->capture);
	struct obi_record record;

	w->now++;
	if (turn)
		c->message++;
	record = wire_record(w, turn ? OBI_RECORD_MESSAGE : OBI_RECORD_MORE, direction);
	record.bytes = bytes;
	if (turn) {
		record.total_bytes = c->total;
		record.last_ns = c->last_ns;
		c->total = 0;
		c->tail = 0;
		c->direction = direction;
	}
	record.before = c->total;
	if (head.len == 0)
		record.flags |= OBI_RECORD_UNREADABLE;
	c->total += bytes;
	c->last_ns = record.time_ns;
	for (size_t i = 0; i < seen.len; i++)
		c->tail = c->tail >> 8 | (uint64_t)seen.data[i] << 56;
	if (seen.len < bytes)
		c->tail = 0;
	if (w->board && (!turn || head.len < bytes))
		w->board[c->id % OBI_BOARD_SLOTS] =
			(struct obi_board_slot){ .conn = c->id,
						 .message = c->message,
						 .total_bytes = c->total,
						 .last_ns = c->last_ns,
						 .tail = c->tail };
	if (turn || !w->quiet)
		wire_put(w, &record, head);
}

/* bytes pass, of which the first are seen.len, then unseen ones. */
static inline void wire_pass(struct wire *w, uint8_t direction, struct slice seen, uint64_t bytes)
{
	if (w->stream) {
		wire_stream(w, direction, seen, bytes);
		return;
	}
	wire_message(w, direction, seen, bytes);
}

static inline void wire_recv(struct wire *w, const char *text)
{
	wire_pass(w, OBI_RECV, slice_cstr(text), strlen(text));
}

static inline void wire_send(struct wire *w, const char *text)
{
	wire_pass(w, OBI_SEND, slice_cstr(text), strlen(text));
}

/* A chunk that only the board learns of. */
static inline void wire_quiet(struct wire *w, uint8_t direction, const char *text)
{
	w->quiet = true;
	wire_pass(w, direction, slice_cstr(text), strlen(text));
	w->quiet = false;
}

static inline void wire_end(struct wire *w, uint8_t type, uint8_t flags)
{
	struct wire_conn *c = &w->at[w->conn];
	struct obi_record record;

	w->now++;
	record = wire_record(w, type, c->direction);
	record.flags = flags;
	record.total_bytes = c->total;
	record.last_ns = c->last_ns;
	wire_put(w, &record, slice_of(NULL, 0));
}

static inline void wire_fin(struct wire *w)
{
	wire_end(w, OBI_RECORD_FIN, 0);
}

static inline void wire_close(struct wire *w)
{
	wire_end(w, OBI_RECORD_CLOSE, 0);
}

static inline void wire_reset(struct wire *w)
{
	wire_end(w, OBI_RECORD_CLOSE, OBI_RECORD_RESET);
}

static inline void wire_tick(struct wire *w, uint64_t steps)
{
	w->now += steps;
	obi_conns_tick(w->conns, w->now * STEP_NS);
	wire_check(w);
}

static inline struct obi_conns_stats wire_stats(const struct wire *w)
{
	struct obi_conns_stats stats;

	obi_conns_stats(w->conns, &stats);
	return stats;
}

/* Without the times, which depend on the split. */
static inline void wire_forget_times(struct wire *w)
{
	char *to = w->spans;

	w->spans[w->spans_len] = 0;
	for (const char *from = w->spans; *from;) {
		if (from[0] == ' ' && from[1] == '[')
			from = strchr(from, ']') + 1;
		else
			*to++ = *from++;
	}
	w->spans_len = (size_t)(to - w->spans);
}

/* The spans since the last call, and nothing else. */
static inline void wire_spans(struct wire *w, const char *want)
{
	w->spans[w->spans_len] = 0;
	if (strcmp(w->spans, want))
		fail_msg("got:\n%swant:\n%s", w->spans, want);
	w->spans_len = 0;
}

#endif
