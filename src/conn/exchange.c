// SPDX-License-Identifier: Apache-2.0
/*
 * Exchanges: a request, copied into a block of a pool when its head is read, and later its
 * response. Blocks come in two sizes; slabs of them are allocated as the number of open requests
 * grows, and used again ever after.
 *
 * Every exchange ends in one of two ways: as a span, or counted by the reason why not.
 */
#include "conn/state.h"

#include <errno.h>
#include <stdlib.h>

#define SMALL_BLOCK 512
#define LARGE_BLOCK 2560
#define SLAB_SIZE ((size_t)32 * 1024)
#define HOST_MAX 1024

struct slab {
	struct slab *next;
	char memory[SLAB_SIZE];
};

int exchanges_init(struct obi_conns *conns)
{
	return kins_init(conns);
}

void exchanges_free(struct obi_conns *conns)
{
	while (conns->slabs) {
		struct slab *next = conns->slabs->next;

		free(conns->slabs);
		conns->slabs = next;
	}
	partials_free(conns);
	kins_free(conns);
}

/* ---- Pool -------------------------------------------------------------------------------- */

static size_t block_size(bool large)
{
	return large ? LARGE_BLOCK : SMALL_BLOCK;
}

/* More free blocks of a class. */
static bool pool_grow(struct obi_conns *conns, bool large)
{
	/* As many as connections, and some for those that pipeline. */
	size_t most = conns->options.max_connections + 16 * (size_t)PIPELINE_MAX;
	struct slab *slab;

	if (conns->exchanges_made >= most)
		return false;
	slab = calloc(1, sizeof(*slab)); /* the padding of identities stays zero */
	if (!slab)
		return false;
	slab->next = conns->slabs;
	conns->slabs = slab;
	for (size_t at = 0; at + block_size(large) <= SLAB_SIZE; at += block_size(large)) {
		struct exchange *x = (struct exchange *)(slab->memory + at);

		x->next = conns->free_exchanges[large];
		conns->free_exchanges[large] = x;
		conns->exchanges_made++;
	}
	return true;
}

static struct exchange *pool_take(struct obi_conns *conns, bool large)
{
	struct exchange *x = conns->free_exchanges[large];

	if (!x) {
		if (!pool_grow(conns, large))
			return NULL;
		x = conns->free_exchanges[large];
	}
	conns->free_exchanges[large] = x->next;
	x->next = NULL;
	x->request_bytes = x->response_bytes = 0;
	x->response_length = LENGTH_UNKNOWN;
	x->status = 0;
	x->large = large;
	x->answered = x->emitted = x->chunked = x->standing = x->could_wait = false;
	x->line = 0;
	return x;
}

/* ---- The lists an exchange is in ----------------------------------------------------------- */

static void wait_add(struct obi_conns *conns, struct exchange *x)
{
	x->older = conns->newest;
	x->newer = NULL;
	if (x->older)
		x->older->newer = x;
	else
		conns->oldest = x;
	conns->newest = x;
}

static void wait_remove(struct obi_conns *conns, struct exchange *x)
{
	if (x->older)
		x->older->newer = x->newer;
	else
		conns->oldest = x->newer;
	if (x->newer)
		x->newer->older = x->older;
	else
		conns->newest = x->older;
	x->older = x->newer = NULL;
}

/* Takes x, which may stand anywhere, out of its connection and gives the block back. */
static void exchange_forget(struct obi_conns *conns, struct exchange *x)
{
	struct conn *c = &conns->slots[x->conn];
	struct exchange *before = NULL;

	if (!x->answered && !x->emitted)
		wait_remove(conns, x);
	kin_end(conns, x);
	for (struct exchange *at = c->first; at != x; at = at->next)
		before = at;
	if (before)
		before->next = x->next;
	else
		c->first = x->next;
	if (c->last == x)
		c->last = before;
	c->open--;
	for (int d = 0; d < 2; d++)
		if (c->streams[d].exchange == x)
			c->streams[d].exchange = NULL;
	x->next = conns->free_exchanges[x->large];
	conns->free_exchanges[x->large] = x;
}

/* ---- From head to exchange ----------------------------------------------------------------- */

/* Where a slice of the request line stands in the copy of it, as far as that goes. */
static struct piece piece_of(struct slice line, struct slice part)
{
	size_t at;

	if (part.len == 0)
		return (struct piece){ 0 };
	at = (size_t)(part.data - line.data);
	if (at >= line.len)
		return (struct piece){ 0 };
	return (struct piece){ (uint16_t)at, (uint16_t)slice_first(part, line.len - at).len };
}

/* From the method to the end of the target. */
static struct slice request_line(const struct http1_head *head)
{
	return slice_of(head->method.data,
			(size_t)(head->target.data + head->target.len - head->method.data));
}

/* Copies what the span will say. What does not fit is cut: the end of the target. */
static void exchange_copy(struct exchange *x, const struct http1_head *head, struct slice line)
{
	size_t room = block_size(x->large) - sizeof(*x);
	struct slice host = slice_first(head->host, HOST_MAX);

	line = slice_first(line, room - host.len);
	memcpy(x->text, line.data, line.len);
	x->method_len = (uint16_t)head->method.len;
	x->path = piece_of(line, head->path);
	x->query = piece_of(line, head->query);
	x->scheme = piece_of(line, head->scheme);
	x->host = (struct piece){ (uint16_t)line.len, (uint16_t)host.len };
	if (host.len)
		memcpy(x->text + line.len, host.data, host.len);
	/* Of an absolute-form target without a path it is "/", and stands nowhere. */
	x->root = head->path.len == 1 && head->path.data[0] == '/';
}

struct exchange *exchange_open(struct obi_conns *conns, struct conn *c,
			       const struct http1_head *head)
{
	struct slice line = request_line(head);
	struct exchange *x;

	if (c->open >= PIPELINE_MAX)
		return NULL;
	x = pool_take(conns, sizeof(*x) + line.len + head->host.len > SMALL_BLOCK);
	if (!x)
		return NULL;
	x->conn = (uint32_t)(c - conns->slots);
	exchange_copy(x, head, line);
	if (c->last)
		c->last->next = x;
	else
		c->first = x;
	c->last = x;
	c->open++;
	wait_add(conns, x);
	conns->stats.requests++;
	conns->stats.pending++;
	return x;
}

struct slice exchange_method(const struct exchange *x)
{
	return slice_of(x->text, x->method_len);
}

struct exchange *exchange_waiting(const struct conn *c)
{
	struct exchange *x = c->first;

	while (x && x->answered)
		x = x->next;
	return x;
}

void exchange_answer(struct obi_conns *conns, struct exchange *x, uint16_t status, uint32_t tid)
{
	if (!x->emitted)
		wait_remove(conns, x);
	kin_answer(conns, x, tid);
	x->answered = true;
	x->status = status;
}

/* ---- The end of an exchange ---------------------------------------------------------------- */

static struct slice piece(const struct exchange *x, struct piece piece)
{
	return slice_of(x->text + piece.at, piece.len);
}

static int64_t length_of(int64_t length, uint64_t counted)
{
	return length == LENGTH_COUNTED ? (int64_t)counted : length;
}

static void span_of_text(const struct exchange *x, struct obi_span *ret_span)
{
	struct obi_http *http = &ret_span->op.http;

	http->method = exchange_method(x);
	http->scheme = x->scheme.len ? piece(x, x->scheme) : SLICE_LIT("http");
	http->host = piece(x, x->host);
	http->path = x->root ? SLICE_LIT("/") : piece(x, x->path);
	http->query = piece(x, x->query);
	http->route = (struct slice){ 0 };
	http->status = x->status;
	http->request_length = length_of(x->request_length, x->request_bytes);
	http->response_length = length_of(x->response_length, x->response_bytes);
}

/* The peer is the client's end, the host the server's. */
static void span_of_ends(const struct conn *c, bool server, struct obi_span *ret_span)
{
	memcpy(ret_span->peer_addr, server ? c->remote_addr : c->local_addr, 16);
	memcpy(ret_span->host_addr, server ? c->local_addr : c->remote_addr, 16);
	ret_span->peer_port = server ? c->remote_port : c->local_port;
	ret_span->host_port = server ? c->local_port : c->remote_port;
}

static void exchange_emit(struct obi_conns *conns, const struct exchange *x, uint64_t end_ns,
			  unsigned flags)
{
	const struct epoch_clock *epoch = conns->options.epoch;
	uint64_t offset = epoch ? (uint64_t)epoch_clock_offset(epoch, x->start_ns) : 0;
	const struct obi_service *service;
	struct obi_span *span = &conns->span;

	conns->stats.pending--;
	service = conns->options.service(conns->options.context, x->pid);
	if (!service) {
		conns->stats.dropped[OBI_DROP_NO_SERVICE]++;
		return;
	}
	span->kind = x->server ? OBI_KIND_SERVER : OBI_KIND_CLIENT;
	span->flags = flags;
	span->start_ns = span->request_start_ns = x->start_ns + offset;
	span->end_ns = (end_ns > x->start_ns ? end_ns : x->start_ns) + offset;
	span_of_text(x, span);
	span_of_ends(&conns->slots[x->conn], x->server, span);
	span->peer_name = span->host_name = (struct slice){ 0 };
	span->trace = x->trace;
	span->service = service;
	conns->stats.spans++;
	obi_span_put(&conns->options.sink, span);
}

void exchange_finish(struct obi_conns *conns, struct exchange *x, uint64_t end_ns, unsigned flags)
{
	/* A body that was promised and did not come has the length of what came. */
	if (flags & OBI_SPAN_INCOMPLETE && x->answered && x->response_length >= 0)
		x->response_length = LENGTH_COUNTED;
	if (!x->emitted)
		exchange_emit(conns, x, end_ns, flags);
	exchange_forget(conns, x);
}

void exchange_time_out(struct obi_conns *conns, struct exchange *x)
{
	wait_remove(conns, x);
	x->status = 408; /* Request Timeout, RFC 9110 section 15.5.9 */
	exchange_emit(conns, x, conns->now_ns, 0);
	x->emitted = true;
}

void exchange_drop(struct obi_conns *conns, struct exchange *x, enum obi_conn_drop reason)
{
	if (!x->emitted) {
		conns->stats.pending--;
		conns->stats.dropped[reason]++;
	}
	exchange_forget(conns, x);
}

void exchange_drop_waiting(struct obi_conns *conns, struct conn *c, enum obi_conn_drop reason)
{
	struct exchange *x;

	while ((x = exchange_waiting(c)))
		exchange_drop(conns, x, reason);
}

void exchange_count_drop(struct obi_conns *conns, enum obi_conn_drop reason)
{
	conns->stats.requests++;
	conns->stats.dropped[reason]++;
}
