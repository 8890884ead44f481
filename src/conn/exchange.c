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
#define KEY_CHAINS 4096 /* a power of two */
#define PIPELINED 2048  /* open exchanges beyond one a connection */
#define SLAB_SIZE ((size_t)32 * 1024)

struct slab {
	struct slab *next;
	char memory[SLAB_SIZE];
};

int exchanges_init(struct obi_conns *conns)
{
	conns->keyed = calloc(KEY_CHAINS, sizeof(struct exchange *));
	return conns->keyed ? kins_init(conns) : -ENOMEM;
}

void exchanges_free(struct obi_conns *conns)
{
	while (conns->slabs) {
		struct slab *next = conns->slabs->next;

		free(conns->slabs);
		conns->slabs = next;
	}
	free(conns->keyed);
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
	size_t most = conns->options.max_connections + PIPELINED;
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
	x->large = large;
	x->text_len = 0;
	x->text_size = (uint32_t)(block_size(large) - sizeof(*x));
	x->answered = x->emitted = x->standing = x->could_wait = false;
	x->line = x->key = 0;
	x->mark = 0;
	x->own_text = (struct slice){ 0 };
	x->passed[0] = x->passed[1] = 0;
	return x;
}

/* ---- The lists an exchange is in ----------------------------------------------------------- */

static struct waiting *waiting_of(struct obi_conns *conns, const struct exchange *x)
{
	return &conns->waiting[conns->slots[x->conn].protocol->timeout];
}

static void wait_add(struct obi_conns *conns, struct exchange *x)
{
	struct waiting *waiting = waiting_of(conns, x);

	x->waits = true;
	x->older = waiting->newest;
	x->newer = NULL;
	if (x->older)
		x->older->newer = x;
	else
		waiting->oldest = x;
	waiting->newest = x;
}

static void wait_remove(struct obi_conns *conns, struct exchange *x)
{
	struct waiting *waiting = waiting_of(conns, x);

	if (!x->waits)
		return;
	x->waits = false;
	if (x->older)
		x->older->newer = x->newer;
	else
		waiting->oldest = x->newer;
	if (x->newer)
		x->newer->older = x->older;
	else
		waiting->newest = x->older;
	x->older = x->newer = NULL;
}

static void list_add(struct conn *c, struct exchange *x)
{
	x->next = NULL;
	x->before = c->last;
	if (c->last)
		c->last->next = x;
	else
		c->first = x;
	c->last = x;
	c->open++;
}

static void list_remove(struct conn *c, struct exchange *x)
{
	if (x->before)
		x->before->next = x->next;
	else
		c->first = x->next;
	if (x->next)
		x->next->before = x->before;
	else
		c->last = x->before;
	c->open--;
}

static struct exchange **chain_of(struct obi_conns *conns, uint32_t conn, uint64_t key)
{
	uint64_t hash = (key ^ (uint64_t)conn << 40) * 0x9e3779b97f4a7c15ULL;

	return &conns->keyed[hash >> 32 & (KEY_CHAINS - 1)];
}

static void key_remove(struct obi_conns *conns, struct exchange *x)
{
	struct exchange **link;

	if (!x->key)
		return;
	for (link = chain_of(conns, x->conn, x->key); *link != x; link = &(*link)->same_chain)
		continue;
	*link = x->same_chain;
	x->key = 0;
}

/* Takes x, which may stand anywhere, out of its connection and gives the block back. */
static void exchange_forget(struct obi_conns *conns, struct exchange *x)
{
	struct conn *c = &conns->slots[x->conn];

	wait_remove(conns, x);
	kin_end(conns, x);
	key_remove(conns, x);
	list_remove(c, x);
	if (c->protocol->forget)
		c->protocol->forget(c, x);
	x->next = conns->free_exchanges[x->large];
	conns->free_exchanges[x->large] = x;
}

/* ---- Its life ------------------------------------------------------------------------------ */

struct exchange *exchange_open(struct obi_conns *conns, struct conn *c, size_t text_size)
{
	struct exchange *x;

	if (c->open >= c->protocol->pipeline)
		return NULL;
	x = pool_take(conns, sizeof(*x) + text_size > SMALL_BLOCK);
	if (!x)
		return NULL;
	x->conn = (uint32_t)(c - conns->slots);
	x->system = c->protocol->system;
	list_add(c, x);
	wait_add(conns, x);
	conns->stats.requests++;
	conns->stats.pending++;
	return x;
}

void exchange_set_key(struct obi_conns *conns, struct exchange *x, uint64_t key)
{
	struct exchange **chain = chain_of(conns, x->conn, key);

	x->key = key;
	x->same_chain = *chain;
	*chain = x;
}

struct exchange *exchange_find(struct obi_conns *conns, const struct conn *c, uint64_t key)
{
	uint32_t conn = (uint32_t)(c - conns->slots);
	struct exchange *x = *chain_of(conns, conn, key);

	while (x && (x->key != key || x->conn != conn))
		x = x->same_chain;
	return x;
}

struct slice exchange_keep(struct exchange *x, struct slice text)
{
	char *to = x->text + x->text_len;

	text = slice_first(text, x->text_size - x->text_len);
	if (text.len)
		memcpy(to, text.data, text.len);
	x->text_len += (uint32_t)text.len;
	return slice_of(to, text.len);
}

struct exchange *exchange_waiting(const struct conn *c)
{
	struct exchange *x = c->first;

	while (x && x->answered)
		x = x->next;
	return x;
}

void exchange_answer(struct obi_conns *conns, struct exchange *x, uint32_t tid)
{
	wait_remove(conns, x);
	kin_answer(conns, x, tid);
	x->answered = true;
}

/* ---- The end of an exchange ---------------------------------------------------------------- */

/* The peer is the client's end, the host the server's. */
static void span_of_ends(const struct conn *c, bool server, struct obi_span *ret_span)
{
	memcpy(ret_span->peer_addr, server ? c->remote_addr : c->local_addr, 16);
	memcpy(ret_span->host_addr, server ? c->local_addr : c->remote_addr, 16);
	ret_span->peer_port = server ? c->remote_port : c->local_port;
	ret_span->host_port = server ? c->local_port : c->remote_port;
}

/* Of the session that it went through. */
static const struct obi_tls *tls_of_conn(struct obi_conns *conns, const struct conn *c)
{
	if (c->tls && c->twin)
		c = table_find(conns, c->twin);
	return c && c->protocol && c->protocol->session ? c->protocol->session(c) : NULL;
}

static void exchange_emit(struct obi_conns *conns, struct exchange *x, uint64_t end_ns,
			  unsigned flags)
{
	const struct epoch_clock *epoch = conns->options.epoch;
	uint64_t offset = epoch ? (uint64_t)epoch_clock_offset(epoch, x->start_ns) : 0;
	const struct conn *c = &conns->slots[x->conn];
	struct obi_span span; /* all of it is written */

	conns->stats.pending--;
	span.service = conns->options.service(conns->options.context, x->pid);
	if (!span.service) {
		conns->stats.dropped[OBI_DROP_NO_SERVICE]++;
		return;
	}
	if (c->protocol->settle)
		c->protocol->settle(x, flags);
	span.system = x->system;
	span.kind = (enum obi_span_kind)x->kind;
	span.flags = flags;
	span.start_ns = span.request_start_ns = x->start_ns + offset;
	span.end_ns = (end_ns > x->start_ns ? end_ns : x->start_ns) + offset;
	span_of_ends(c, x->server, &span);
	span.peer_name = span.host_name = (struct slice){ 0 };
	span.asked_port = 0;
	span.trace = x->trace;
	span.tls = tls_of_conn(conns, c);
	span.op = x->op;
	conns->stats.spans++;
	obi_span_put(&conns->options.sink, &span);
}

void exchange_finish(struct obi_conns *conns, struct exchange *x, uint64_t end_ns, unsigned flags)
{
	if (!x->emitted)
		exchange_emit(conns, x, end_ns, flags);
	exchange_forget(conns, x);
}

void exchange_time_out(struct obi_conns *conns, struct exchange *x)
{
	const struct obi_protocol *protocol = conns->slots[x->conn].protocol;

	wait_remove(conns, x);
	if (!protocol->time_out)
		return;
	protocol->time_out(x);
	exchange_emit(conns, x, conns->now_ns, 0);
	if (x->key)
		exchange_forget(conns, x);
	else
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

void exchange_count_unread(struct obi_conns *conns, uint64_t len)
{
	conns->stats.unread_bytes += len;
}

void exchange_count_drop(struct obi_conns *conns, enum obi_conn_drop reason)
{
	conns->stats.requests++;
	conns->stats.dropped[reason]++;
}
