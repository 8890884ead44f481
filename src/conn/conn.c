// SPDX-License-Identifier: Apache-2.0
/*
 * Records in, spans out. A record is checked, its connection found, and the message it belongs
 * to compared with the one known so far: the same goes on, the next ends the one before (whose
 * totals it brings), a later one means that records were lost. What the bytes mean is decided in
 * stream.c.
 *
 * Responses whose end no record shows are followed on the kernel's progress board; only
 * connections with such a response are looked at, so that ten thousand idle ones cost nothing.
 */
#include "conn/conn.h"

#include <errno.h>
#include <stdlib.h>

#include "conn/state.h"

/* Connections without an end: how long until one is forgotten, and how many are looked at a tick.
 */
#define IDLE_NS (30 * NSEC_PER_SEC)
#define IDLE_LOOKS 16
/* Times in idle_ns that a silent response is looked at. */
#define QUIET_LOOKS 4

const char *obi_conn_drop_name(enum obi_conn_drop reason)
{
	static const char *const names[OBI_DROP_REASONS] = {
		[OBI_DROP_EVICTED] = "evicted",
		[OBI_DROP_LOST_RECORD] = "lost_record",
		[OBI_DROP_NO_REQUEST] = "unrecognised_request",
		[OBI_DROP_UNPARSED] = "unparsed",
		[OBI_DROP_NO_SERVICE] = "no_service",
	};

	return names[reason];
}

/* ---- The progress board -------------------------------------------------------------------- */

/* The board's view of the current message; false where it has none. The kernel may write at any
 * moment: it owns the slot by no connection meanwhile, and totals only grow, so the same total
 * before and after means that nobody did. */
static bool board_read(const struct obi_conns *conns, const struct conn *c,
		       struct obi_board_slot *ret_slot)
{
	const struct obi_board_slot *slot;
	struct obi_board_slot copy;

	if (!conns->options.board)
		return false;
	slot = &conns->options.board[c->id % OBI_BOARD_SLOTS];
	copy.total_bytes = __atomic_load_n(&slot->total_bytes, __ATOMIC_ACQUIRE);
	copy.conn = __atomic_load_n(&slot->conn, __ATOMIC_ACQUIRE);
	copy.message = __atomic_load_n(&slot->message, __ATOMIC_ACQUIRE);
	copy.last_ns = __atomic_load_n(&slot->last_ns, __ATOMIC_ACQUIRE);
	copy.tail = __atomic_load_n(&slot->tail, __ATOMIC_ACQUIRE);
	if (copy.conn != c->id || copy.message != c->message ||
	    copy.conn != __atomic_load_n(&slot->conn, __ATOMIC_ACQUIRE) ||
	    copy.total_bytes != __atomic_load_n(&slot->total_bytes, __ATOMIC_ACQUIRE))
		return false;
	*ret_slot = copy;
	return true;
}

static bool is_awaited(const struct conn *c)
{
	return c->protocol && c->protocol->awaiting && c->protocol->awaiting->under_way(c);
}

/* Brings the response under way up to what the board shows. */
static void follow_board(struct obi_conns *conns, struct conn *c)
{
	uint8_t direction = conn_response_direction(c);
	struct obi_board_slot slot;

	if (c->direction == direction && board_read(conns, c, &slot) &&
	    slot.total_bytes >= c->halves[direction].at)
		c->protocol->awaiting->follow(conns, c, &slot);
}

/* ---- Bytes --------------------------------------------------------------------------------- */

struct origin origin_of_chunk(const struct chunk *chunk)
{
	const struct obi_record *record = chunk->record;

	return (struct origin){
		.start_ns = chunk->time_ns,
		.trace = &record->trace,
		.opening = { record->opened_ns, record->opener },
		.pid = record->pid,
		.tid = record->tid,
		.flags = record->flags,
	};
}

void conn_feed(struct obi_conns *conns, struct conn *c, uint8_t direction, struct chunk *chunk)
{
	struct half *half = &c->halves[direction];
	size_t len = chunk->bytes.len;

	c->protocol->feed(conns, c, direction, chunk);
	half->at += len;
	half->last_ns = chunk->time_ns;
}

void conn_pass_unseen(struct obi_conns *conns, struct conn *c, uint8_t direction, uint64_t len,
		      uint64_t time_ns)
{
	struct half *half = &c->halves[direction];

	if (len == 0)
		return;
	c->protocol->unseen(conns, c, direction, len, time_ns);
	half->at += len;
	half->last_ns = time_ns;
}

bool conn_wants_query(const struct obi_conns *conns)
{
	return conns->options.query_text;
}

void conn_mute(struct obi_conns *conns, struct conn *c)
{
	c->muted = true;
	conn_order(conns, c, (struct obi_order){ .mode = OBI_ORDER_MUTE });
}

void conn_order(struct obi_conns *conns, const struct conn *c, struct obi_order order)
{
	struct obi_order_slot *slot;

	if (!conns->options.orders)
		return;
	slot = &conns->options.orders[c->id % OBI_BOARD_SLOTS];
	__atomic_store_n(&slot->conn, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&slot->order.mode, order.mode, __ATOMIC_RELEASE);
	__atomic_store_n(&slot->order.bytes, order.bytes, __ATOMIC_RELEASE);
	__atomic_store_n(&slot->conn, c->id, __ATOMIC_RELEASE);
}

/* ---- Ends ---------------------------------------------------------------------------------- */

/* The current message has total bytes, the last of them at last_ns. */
static void end_message(struct obi_conns *conns, struct conn *c, uint64_t total, uint64_t last_ns)
{
	struct half *half = &c->halves[c->direction];

	if (is_awaited(c))
		follow_board(conns, c);
	if (last_ns < half->last_ns)
		last_ns = half->last_ns;
	if (total > half->at)
		conn_pass_unseen(conns, c, c->direction, total - half->at, last_ns);
	half->last_ns = last_ns;
}

/* Records of this connection are missing: nothing that is open can be paired any more. */
static void on_gap(struct obi_conns *conns, struct conn *c)
{
	if (is_awaited(c))
		follow_board(conns, c);
	c->protocol->end(conns, c, CONN_LOST);
	exchange_drop_waiting(conns, c, OBI_DROP_LOST_RECORD);
}

/* The connection of the plain text that c carries, if both say so. */
static struct conn *plain_of(struct obi_conns *conns, const struct conn *c)
{
	struct conn *plain = c->twin && !c->tls ? table_find(conns, c->twin) : NULL;

	return plain && plain->tls && plain->twin == c->id ? plain : NULL;
}

/* The connection is over: what is open becomes spans with what is known. */
static void end_conn(struct obi_conns *conns, struct conn *c, uint64_t time_ns, bool reset)
{
	struct conn *plain = plain_of(conns, c);

	if (plain)
		end_conn(conns, plain, time_ns, reset); /* while its session is known */
	if (c->protocol)
		c->protocol->end(conns, c, reset ? CONN_RESET : CONN_CLOSED);
	while (c->first)
		exchange_finish(conns, c->first, time_ns, OBI_SPAN_INCOMPLETE);
	conn_end_protocol(conns, c);
	table_remove(conns, c);
}

static void evict(struct obi_conns *conns, struct conn *c)
{
	if (c->protocol)
		c->protocol->end(conns, c, CONN_EVICTED);
	while (c->first)
		exchange_drop(conns, c->first, OBI_DROP_EVICTED);
	conn_end_protocol(conns, c);
	table_remove(conns, c);
}

/* ---- Records ------------------------------------------------------------------------------- */

static struct conn *conn_new(struct obi_conns *conns, const struct obi_record *record)
{
	struct conn *c = table_add(conns, record->conn);

	if (!c) {
		evict(conns, table_victim(conns));
		c = table_add(conns, record->conn);
	}
	memcpy(c->local_addr, record->tuple.local_addr, sizeof(c->local_addr));
	memcpy(c->remote_addr, record->tuple.remote_addr, sizeof(c->remote_addr));
	c->local_port = record->tuple.local_port;
	c->remote_port = record->tuple.remote_port;
	c->side = record->side;
	c->message = record->message;
	c->direction = record->direction;
	c->halves[c->direction].at = record->before;
	return c;
}

/* Is this record's message the one that is due? Ends the one before, but not its head, which may
 * go on when the direction turns again. */
static bool turn_to(struct obi_conns *conns, struct conn *c, const struct obi_record *record)
{
	int32_t ahead = (int32_t)(record->message - c->message);

	if (ahead < 0 || (ahead == 0 && record->direction != c->direction))
		return false;
	if (ahead == 0)
		return true;
	if (ahead == 1 && record->type == OBI_RECORD_MESSAGE)
		end_message(conns, c, record->total_bytes, record->last_ns);
	else
		on_gap(conns, c);
	c->message = record->message;
	c->direction = record->direction;
	c->halves[c->direction].at = record->type == OBI_RECORD_MESSAGE ? 0 : record->before;
	return true;
}

/* The last bytes of the direction, to which those of the record are added. */
static uint64_t tail_with(uint64_t tail, const struct obi_record *record)
{
	uint32_t len = record->head_len;

	if (len < record->bytes)
		return record->total_bytes;
	for (uint32_t i = len > sizeof(tail) ? len - sizeof(tail) : 0; i < len; i++)
		tail = tail >> 8 | (uint64_t)record->head[i] << 56;
	return tail;
}

/* A chunk of plain text brings its last bytes, as the board has them of a message. */
static void follow_tail(struct obi_conns *conns, struct conn *c, const struct obi_record *record)
{
	struct obi_board_slot slot = {
		.conn = c->id,
		.message = c->message,
		.total_bytes = record->before + record->bytes,
		.last_ns = record->time_ns,
	};

	if (c->requests == DIRECTION_UNKNOWN || record->direction != conn_response_direction(c))
		return;
	c->tail = slot.tail = tail_with(c->tail, record);
	if (slot.tail && is_awaited(c) && slot.total_bytes >= c->halves[record->direction].at)
		c->protocol->awaiting->follow(conns, c, &slot);
}

/* Bytes in their place: some may have passed unseen before, or were passed ahead of them. */
void conn_take_chunk(struct obi_conns *conns, struct conn *c, const struct obi_record *record)
{
	struct half *half = &c->halves[record->direction];
	struct chunk chunk = {
		.record = record,
		.bytes = slice_of(record->head, record->head_len),
		.time_ns = record->time_ns,
		.turn = record->type == OBI_RECORD_MESSAGE ||
			(c->tls && record->direction != c->direction),
		.cut = record->head_len < record->bytes,
	};
	uint64_t end = record->before + record->bytes;

	if (c->tls)
		c->direction = record->direction;
	if (record->before > half->at)
		conn_pass_unseen(conns, c, record->direction, record->before - half->at,
				 record->time_ns);
	else if (half->at > record->before) /* the board was ahead */
		chunk.bytes = slice_from(chunk.bytes, half->at - record->before);
	if (chunk.bytes.len)
		conn_feed(conns, c, record->direction, &chunk);
	if (c->tls)
		follow_tail(conns, c, record);
	if (end > half->at && !c->muted)
		conn_pass_unseen(conns, c, record->direction, end - half->at, record->time_ns);
}

/* A message by itself: of a socket without a peer of its own it may say which one it has. */
static void on_datagram(struct obi_conns *conns, struct conn *c, const struct obi_record *record)
{
	struct chunk chunk = {
		.record = record,
		.bytes = slice_of(record->head, record->head_len),
		.time_ns = record->time_ns,
		.cut = record->head_len < record->bytes,
	};

	if (!c->protocol && !conn_recognise_datagram(conns, c, record))
		return;
	if (chunk.bytes.len)
		conn_feed(conns, c, record->direction, &chunk);
}

/* What comes now is counted anew: what came before was something else. */
static void begin_stream(struct obi_conns *conns, struct conn *c, const struct obi_record *record)
{
	conn_begin_anew(conns, c);
	c->streaming = true;
	c->muted = false;
	c->datagrams = record->flags & OBI_RECORD_DATAGRAM;
	c->tls = record->flags & OBI_RECORD_TLS;
	if (c->tls) { /* of which the board knows nothing */
		c->message = 0;
		c->tail = 0;
	}
	c->halves[OBI_SEND].at = c->halves[OBI_RECV].at = 0;
	c->direction = !record->direction; /* it turns */
}

/* The ciphertext of that plain text is a connection of its own, which may have had another one. */
static void find_twin(struct obi_conns *conns, struct conn *c, const struct obi_record *record)
{
	struct conn *carrier = table_find(conns, record->last_ns), *before;

	c->twin = record->last_ns;
	if (!carrier || carrier->tls)
		return;
	before = plain_of(conns, carrier);
	carrier->twin = c->id;
	if (before && before != c)
		end_conn(conns, before, record->time_ns, false);
}

/* A chunk of a connection of which the kernel side tells no messages. */
static void on_stream(struct obi_conns *conns, struct conn *c, const struct obi_record *record)
{
	if (!c->streaming || (!c->tls && record->flags & OBI_RECORD_TLS))
		begin_stream(conns, c, record);
	if (record->flags & OBI_RECORD_TLS && record->last_ns != c->twin)
		find_twin(conns, c, record);
	if (c->muted)
		return;
	if (c->datagrams)
		on_datagram(conns, c, record);
	else if (!c->protocol)
		conn_recognise(conns, c, record);
	else
		conn_take_chunk(conns, c, record);
	if (c->protocol && !c->muted && record->flags & OBI_RECORD_UNORDERED)
		conn_order(conns, c, c->protocol->order);
}

static void on_chunk(struct obi_conns *conns, struct conn *c, const struct obi_record *record)
{
	if (!conn_take_heads(conns, c, record))
		return;
	if (!turn_to(conns, c, record) || c->muted)
		return;
	conn_take_chunk(conns, c, record);
	if (record->head_len < record->bytes && is_awaited(c))
		follow_board(conns, c);
}

static void on_fin(struct obi_conns *conns, struct conn *c, const struct obi_record *record)
{
	int32_t ahead = (int32_t)(record->message - c->message);

	if (c->muted || ahead < 0 || !c->protocol || c->streaming)
		return;
	if (ahead > 0)
		on_gap(conns, c);
	else if (record->direction == c->direction)
		end_message(conns, c, record->total_bytes, record->last_ns);
	if (c->protocol->half_end)
		c->protocol->half_end(conns, c, record->direction);
}

static void on_close(struct obi_conns *conns, struct conn *c, const struct obi_record *record)
{
	int32_t ahead = (int32_t)(record->message - c->message);

	if (c->protocol && !c->streaming && ahead > 0)
		on_gap(conns, c);
	else if (c->protocol && !c->streaming && ahead == 0 && record->direction == c->direction &&
		 !c->muted)
		end_message(conns, c, record->total_bytes, record->last_ns);
	end_conn(conns, c, record->time_ns, record->flags & OBI_RECORD_RESET);
}

static bool record_is_sane(const struct obi_record *record, size_t size)
{
	bool chunk;

	if (size < sizeof(*record) || record->head_len > size - sizeof(*record) ||
	    record->head_len > OBI_HEAD_MAX || record->direction > OBI_RECV ||
	    (record->total_bytes > INT64_MAX && record->type != OBI_RECORD_CHUNK))
		return false;
	if (record->message == 0 && record->type != OBI_RECORD_CHUNK &&
	    record->type != OBI_RECORD_CLOSE && record->type != OBI_RECORD_CERTIFICATE)
		return false;
	if (record->type == OBI_RECORD_CERTIFICATE)
		return record->head_len <= record->bytes;
	chunk = record->type == OBI_RECORD_MESSAGE || record->type == OBI_RECORD_MORE ||
		record->type == OBI_RECORD_CHUNK;
	if (!chunk)
		return record->type == OBI_RECORD_FIN || record->type == OBI_RECORD_CLOSE;
	if (record->head_len > record->bytes || record->bytes > INT64_MAX ||
	    record->before > INT64_MAX)
		return false;
	return record->type != OBI_RECORD_MESSAGE || record->before == 0;
}

int obi_conns_put(struct obi_conns *conns, const struct obi_record *record, size_t size)
{
	struct conn *c;

	if (!record_is_sane(record, size))
		return -EINVAL;
	conns->stats.records++;
	if (record->time_ns > conns->now_ns)
		conns->now_ns = record->time_ns;
	c = table_find(conns, record->conn);
	if (record->type == OBI_RECORD_CERTIFICATE) {
		if (c && c->protocol && c->protocol->certify)
			c->protocol->certify(c, slice_of(record->head, record->head_len));
		return 0;
	}
	if (record->type == OBI_RECORD_CLOSE) {
		if (c)
			on_close(conns, c, record);
		return 0;
	}
	if (record->type == OBI_RECORD_FIN) {
		if (!c)
			return 0;
		on_fin(conns, c, record);
	} else {
		if (!c)
			c = conn_new(conns, record);
		if (record->type == OBI_RECORD_CHUNK)
			on_stream(conns, c, record);
		else
			on_chunk(conns, c, record);
	}
	c->last_ns = record->time_ns;
	table_await(conns, c, is_awaited(c) ? AWAIT_BUSY : AWAIT_NOT);
	return 0;
}

/* ---- Time ---------------------------------------------------------------------------------- */

/* Has nothing of the response come for so long? 0 = never. */
static bool is_silent(const struct obi_conns *conns, const struct conn *c, uint64_t limit)
{
	uint64_t last_ns = c->halves[conn_response_direction(c)].last_ns;

	return limit && conns->now_ns > last_ns && conns->now_ns - last_ns >= limit;
}

/* Only a length that is known is waited for however long it takes. */
static bool is_quiet(const struct obi_conns *conns, const struct conn *c)
{
	return !c->protocol->awaiting->knows_length(c) &&
	       is_silent(conns, c, conns->options.idle_ns);
}

static bool is_idle(const struct obi_conns *conns, const struct conn *c)
{
	struct obi_board_slot slot;
	bool shown;

	if (!is_quiet(conns, c))
		return false;
	shown = board_read(conns, c, &slot);
	return !c->protocol->awaiting->knows_end(c, shown ? &slot : NULL) ||
	       is_silent(conns, c, conns->options.body_idle_ns);
}

static void time_out_requests(struct obi_conns *conns, enum obi_timeout kind)
{
	struct exchange **oldest = &conns->waiting[kind].oldest;
	uint64_t timeout = conns->options.timeout_ns[kind];

	if (!timeout)
		return;
	while (*oldest && conns->now_ns > (*oldest)->start_ns &&
	       conns->now_ns - (*oldest)->start_ns >= timeout)
		exchange_time_out(conns, *oldest);
}

static void look_at_responses(struct obi_conns *conns, enum await await)
{
	uint32_t next;

	for (uint32_t slot = conns->await_first[await]; slot != NO_INDEX; slot = next) {
		struct conn *c = &conns->slots[slot];

		next = c->await_next;
		follow_board(conns, c);
		if (is_awaited(c) && is_idle(conns, c))
			c->protocol->awaiting->give_up(conns, c, 0);
		if (!is_awaited(c))
			table_await(conns, c, AWAIT_NOT);
		else if (is_quiet(conns, c))
			table_await(conns, c, AWAIT_QUIET);
		else
			table_await(conns, c, AWAIT_BUSY);
	}
}

/* Of sockets that are not TCP's no end is seen: they are looked at, some each time. */
static void sweep_idle(struct obi_conns *conns)
{
	for (int i = 0; i < IDLE_LOOKS && conns->slots_used; i++) {
		struct conn *c = &conns->slots[conns->idle_at++ % conns->slots_used];

		if (c->id && (c->datagrams || c->local_port == 0) && conns->now_ns > c->last_ns &&
		    conns->now_ns - c->last_ns >= IDLE_NS)
			end_conn(conns, c, conns->now_ns, false);
	}
}

void obi_conns_tick(struct obi_conns *conns, uint64_t now_ns)
{
	if (now_ns > conns->now_ns)
		conns->now_ns = now_ns;
	if (conns->now_ns - conns->quiet_ns >= conns->options.idle_ns / QUIET_LOOKS) {
		conns->quiet_ns = conns->now_ns;
		look_at_responses(conns, AWAIT_QUIET);
	}
	look_at_responses(conns, AWAIT_BUSY);
	for (int kind = 0; kind < OBI_TIMEOUTS; kind++)
		time_out_requests(conns, kind);
	sweep_idle(conns);
}

void obi_conns_flush(struct obi_conns *conns)
{
	for (uint32_t slot = 0; slot < conns->slots_used; slot++) {
		struct conn *c = &conns->slots[slot];

		if (!c->id)
			continue;
		if (is_awaited(c))
			follow_board(conns, c);
		end_conn(conns, c, conns->now_ns, false);
	}
}

/* ---- Life ---------------------------------------------------------------------------------- */

struct obi_conns *obi_conns_new(const struct obi_conns_options *options)
{
	struct obi_conns *conns = calloc(1, sizeof(*conns));

	if (!conns)
		return NULL;
	conns->options = *options;
	for (const struct obi_protocol *const *p = options->protocols; *p; p++)
		if ((*p)->order.mode == OBI_ORDER_HEADS)
			conns->heads = *p;
	if (table_init(conns) || exchanges_init(conns)) {
		obi_conns_free(conns);
		return NULL;
	}
	return conns;
}

void obi_conns_free(struct obi_conns *conns)
{
	if (!conns)
		return;
	for (uint32_t slot = 0; slot < conns->slots_used; slot++) {
		struct conn *c = &conns->slots[slot];

		if (c->protocol)
			c->protocol->end(conns, c, CONN_EVICTED);
		conn_end_protocol(conns, c);
	}
	exchanges_free(conns);
	table_free(conns);
	free(conns);
}

void obi_conns_stats(const struct obi_conns *conns, struct obi_conns_stats *ret_stats)
{
	*ret_stats = conns->stats;
}
