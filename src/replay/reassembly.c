// SPDX-License-Identifier: Apache-2.0
/*
 * A connection has two halves, each with the sequence number that is due next. Sequence numbers
 * are compared by their signed distance (RFC 9293 section 3.4), so they may wrap.
 *
 * What is in order waits until it is acknowledged, something comes from the other end, or too much
 * waits: a copy that is sent before the acknowledgement may have other bytes, and since the first
 * was not acknowledged, that one was. The order in which both ends are handed on stays that of the
 * capture.
 *
 * Closed connections stay in the table, so that late copies of their segments are not taken for
 * new connections, until a SYN opens them again or their place is needed.
 */
#include "replay/reassembly.h"

#include <stdlib.h>

#include "replay/segments.h"

#define NONE UINT32_MAX
#define HELD_PER_HALF 512 /* segments */
#define WAITING_PER_HALF 64
#define FLUSHED_IN_ORDER 100 /* flows */
#define VICTIMS 32

struct half {
	struct segment *held;
	struct segment *waiting; /* in order, up to due */
	struct segment *last;    /* of them */
	uint64_t last_ns;        /* of what is in order */
	uint32_t held_count;
	uint32_t waiting_count;
	uint32_t due; /* sequence number; valid once started */
	uint32_t fin; /* number of the FIN; valid once fin_seen */
	uint32_t syn; /* number of the SYN; valid once syn_seen */
	bool started;
	bool syn_seen;
	bool fin_seen;
	bool ended; /* its FIN was handed on */
};

struct flow {
	uint64_t last_ns;
	struct half halves[2]; /* by the end that sends */
	struct packet_end ends[2];
	uint32_t hash;
	uint32_t next; /* in its bucket */
	bool closed;
};

struct reassembly {
	struct reassembly_limits limits;
	struct reassembly_sink sink;
	struct reassembly_stats stats;
	uint8_t *flows; /* each a struct flow and the sink's state */
	size_t flow_size;
	uint32_t used; /* flows beyond were never touched */
	uint32_t sweep;
	uint32_t *buckets;
	uint32_t bucket_mask;
	struct segments_budget budget;
};

/* Of a packet that is being put: which half sends it, and when. */
struct arrival {
	struct flow *flow;
	int from;
	uint64_t time_ns;
};

static struct flow *flow_at(const struct reassembly *tcp, uint32_t i)
{
	return (struct flow *)(tcp->flows + (size_t)i * tcp->flow_size);
}

static void *flow_state(struct flow *flow)
{
	return flow + 1;
}

/* ---- Handing on ---------------------------------------------------------------------------- */

static void hand_on_first(struct reassembly *tcp, struct flow *flow, int from)
{
	struct half *half = &flow->halves[from];
	struct segment *s = half->waiting;

	half->waiting = s->next;
	half->waiting_count--;
	tcp->sink.data(tcp->sink.context, flow_state(flow), from, slice_of(s->bytes, s->captured),
		       s->length, s->time_ns);
	segment_free(&tcp->budget, s);
}

static void hand_on_waiting(struct reassembly *tcp, struct flow *flow, int from)
{
	while (flow->halves[from].waiting)
		hand_on_first(tcp, flow, from);
}

static void hand_on_acknowledged(struct reassembly *tcp, struct flow *flow, int from, uint32_t ack)
{
	const struct half *half = &flow->halves[from];

	while (half->waiting && distance(ack, half->waiting->seq + half->waiting->length) >= 0)
		hand_on_first(tcp, flow, from);
}

/* A byte counts from when all before it were there, too. */
static void hand_on(struct reassembly *tcp, struct flow *flow, int from, struct slice bytes,
		    uint32_t length, uint64_t time_ns)
{
	struct half *half = &flow->halves[from];
	struct segment *s;

	hand_on_waiting(tcp, flow, !from);
	if (time_ns > half->last_ns)
		half->last_ns = time_ns;
	if (half->waiting_count == WAITING_PER_HALF)
		hand_on_first(tcp, flow, from);
	s = bytes.len ? segment_new(&tcp->budget, bytes, half->due, length, half->last_ns) : NULL;
	half->due += length;
	if (!s) {
		hand_on_waiting(tcp, flow, from);
		tcp->sink.data(tcp->sink.context, flow_state(flow), from, bytes, length,
			       half->last_ns);
		return;
	}
	if (half->waiting)
		half->last->next = s;
	else
		half->waiting = s;
	half->last = s;
	half->waiting_count++;
}

static void hand_on_hole(struct reassembly *tcp, struct flow *flow, int from, uint32_t length,
			 uint64_t time_ns)
{
	tcp->stats.holes++;
	tcp->stats.hole_bytes += length;
	hand_on(tcp, flow, from, SLICE_LIT(""), length, time_ns);
}

/* The part of a segment that is due now or was before: false if it comes early. */
static bool take_segment(struct reassembly *tcp, struct flow *flow, int from, uint32_t seq,
			 struct slice bytes, uint32_t length, uint64_t time_ns)
{
	int32_t ahead = distance(seq, flow->halves[from].due);
	uint32_t old;

	if (ahead > 0)
		return false;
	old = (uint32_t) - (int64_t)ahead;
	if (old >= length) {
		tcp->stats.retransmitted++;
		return true;
	}
	hand_on(tcp, flow, from, slice_from(bytes, old), length - old, time_ns);
	return true;
}

static void segment_drop(struct reassembly *tcp, struct half *half)
{
	struct segment *segment = half->held;

	half->held = segment->next;
	half->held_count--;
	segment_free(&tcp->budget, segment);
}

/* Hands on what was held and is due. */
static void take_held(struct reassembly *tcp, struct flow *flow, int from)
{
	struct half *half = &flow->halves[from];

	while (half->held) {
		struct segment *s = half->held;

		if (!take_segment(tcp, flow, from, s->seq, slice_of(s->bytes, s->captured),
				  s->length, s->time_ns))
			return;
		segment_drop(tcp, half);
	}
}

/* Gives up what is missing before the first held segment. */
static void give_up_gap(struct reassembly *tcp, struct flow *flow, int from)
{
	struct half *half = &flow->halves[from];

	hand_on_hole(tcp, flow, from, half->held->seq - half->due, half->held->time_ns);
	take_held(tcp, flow, from);
}

static void hold(struct reassembly *tcp, struct arrival *at, const struct packet *packet)
{
	struct half *half = &at->flow->halves[at->from];
	size_t size = sizeof(struct segment) + packet->payload.len;
	struct segment **place = &half->held, *segment;

	if (tcp->budget.used + size > tcp->limits.held_bytes)
		hand_on_waiting(tcp, at->flow, at->from);

	tcp->stats.early++;
	while (half->held && (half->held_count >= HELD_PER_HALF ||
			      tcp->budget.used + size > tcp->limits.held_bytes))
		give_up_gap(tcp, at->flow, at->from);
	segment = segment_new(&tcp->budget, packet->payload, packet->seq, packet->length,
			      at->time_ns);
	if (!segment) { /* others hold it all */
		if (distance(packet->seq, half->due) > 0)
			hand_on_hole(tcp, at->flow, at->from, packet->seq - half->due, at->time_ns);
		(void)take_segment(tcp, at->flow, at->from, packet->seq, packet->payload,
				   packet->length, at->time_ns);
		return;
	}
	while (*place && distance(packet->seq, (*place)->seq) >= 0)
		place = &(*place)->next;
	segment->next = *place;
	*place = segment;
	half->held_count++;
	take_held(tcp, at->flow, at->from); /* giving up may have made it due */
}

/* Forgets what is held and was not handed on. */
static void forget_held(struct reassembly *tcp, struct half *half)
{
	while (half->held)
		segment_drop(tcp, half);
}

static void forget_half(struct reassembly *tcp, struct half *half)
{
	struct segment *next;

	forget_held(tcp, half);
	for (struct segment *s = half->waiting; s; s = next) {
		next = s->next;
		segment_free(&tcp->budget, s);
	}
	half->waiting = NULL;
}

static void flush_half(struct reassembly *tcp, struct flow *flow, int from)
{
	take_held(tcp, flow, from);
	while (flow->halves[from].held)
		give_up_gap(tcp, flow, from);
	hand_on_waiting(tcp, flow, from);
}

static void close_flow(struct reassembly *tcp, struct flow *flow, bool reset, uint64_t time_ns)
{
	if (flow->closed)
		return;
	flush_half(tcp, flow, 0);
	flush_half(tcp, flow, 1);
	flow->closed = true;
	tcp->sink.close(tcp->sink.context, flow_state(flow), reset, time_ns);
}

/* ---- The table ----------------------------------------------------------------------------- */

struct reassembly *reassembly_new(const struct reassembly_limits *limits,
				  const struct reassembly_sink *sink)
{
	struct reassembly *tcp = calloc(1, sizeof(*tcp));
	uint32_t buckets = 16;

	if (!tcp)
		return NULL;
	tcp->limits = *limits;
	tcp->budget.limit = limits->held_bytes;
	tcp->sink = *sink;
	tcp->flow_size = (sizeof(struct flow) + sink->state_size + 15) & ~(size_t)15;
	while (buckets < limits->connections && buckets < 1u << 30)
		buckets *= 2;
	tcp->bucket_mask = buckets - 1;
	tcp->buckets = malloc(buckets * sizeof(*tcp->buckets));
	tcp->flows = calloc(limits->connections, tcp->flow_size);
	if (!tcp->buckets || !tcp->flows || limits->connections >= NONE) {
		reassembly_free(tcp);
		return NULL;
	}
	for (uint32_t i = 0; i < buckets; i++)
		tcp->buckets[i] = NONE;
	return tcp;
}

void reassembly_free(struct reassembly *tcp)
{
	if (!tcp)
		return;
	for (uint32_t i = 0; i < tcp->used; i++) {
		forget_half(tcp, &flow_at(tcp, i)->halves[0]);
		forget_half(tcp, &flow_at(tcp, i)->halves[1]);
	}
	free(tcp->buckets);
	free(tcp->flows);
	free(tcp);
}

static uint64_t word(const uint8_t *p)
{
	uint64_t value;

	memcpy(&value, p, sizeof(value));
	return value;
}

static uint64_t mix(uint64_t value)
{
	value *= 0x9e3779b97f4a7c15ULL;
	return value ^ value >> 29;
}

static uint64_t hash_of_end(const struct packet_end *end)
{
	return mix(mix(word(end->addr) ^ end->port) + word(end->addr + 8));
}

/* The same for both directions. */
static uint32_t hash_of(const struct packet *packet)
{
	return (uint32_t)(mix(hash_of_end(&packet->src) + hash_of_end(&packet->dst)) >> 32);
}

static bool same_end(const struct packet_end *a, const struct packet_end *b)
{
	return a->port == b->port && word(a->addr + 8) == word(b->addr + 8) &&
	       word(a->addr) == word(b->addr);
}

static void bucket_remove(struct reassembly *tcp, uint32_t i)
{
	const struct flow *flow = flow_at(tcp, i);
	uint32_t *link = &tcp->buckets[flow->hash & tcp->bucket_mask];

	while (*link != i)
		link = &flow_at(tcp, *link)->next;
	*link = flow->next;
}

/* A place in a full table: of a few the one that was idle longest, rather a closed one. */
static uint32_t make_room(struct reassembly *tcp)
{
	uint32_t best = tcp->sweep;
	struct flow *flow;

	for (int k = 0; k < VICTIMS; k++) {
		const struct flow *other = flow_at(tcp, tcp->sweep);

		flow = flow_at(tcp, best);
		if (other->closed != flow->closed ? other->closed : other->last_ns < flow->last_ns)
			best = tcp->sweep;
		tcp->sweep = (tcp->sweep + 1) % tcp->used;
	}
	flow = flow_at(tcp, best);
	if (!flow->closed)
		tcp->stats.evicted++;
	close_flow(tcp, flow, false, flow->last_ns);
	bucket_remove(tcp, best);
	return best;
}

static void flow_begin(struct reassembly *tcp, struct flow *flow, const struct packet *packet)
{
	int client = REASSEMBLY_END_UNKNOWN;

	if (packet->flags & TCP_SYN)
		client = packet->flags & TCP_ACK ? 1 : 0;
	flow->ends[0] = packet->src;
	flow->ends[1] = packet->dst;
	memset(flow->halves, 0, sizeof(flow->halves));
	memset(flow_state(flow), 0, tcp->sink.state_size);
	flow->closed = false;
	tcp->stats.connections++;
	tcp->sink.open(tcp->sink.context, flow_state(flow), flow->ends, client);
}

static struct flow *flow_find(struct reassembly *tcp, const struct packet *packet, uint32_t hash,
			      int *ret_from)
{
	uint32_t i = tcp->buckets[hash & tcp->bucket_mask];

	for (; i != NONE; i = flow_at(tcp, i)->next) {
		struct flow *flow = flow_at(tcp, i);

		if (flow->hash != hash)
			continue;
		*ret_from = same_end(&flow->ends[1], &packet->src);
		if (same_end(&flow->ends[*ret_from], &packet->src) &&
		    same_end(&flow->ends[!*ret_from], &packet->dst))
			return flow;
	}
	return NULL;
}

static struct flow *flow_add(struct reassembly *tcp, const struct packet *packet, uint32_t hash)
{
	uint32_t i = tcp->used < tcp->limits.connections ? tcp->used++ : make_room(tcp);
	struct flow *flow = flow_at(tcp, i);

	flow->hash = hash;
	flow->next = tcp->buckets[hash & tcp->bucket_mask];
	tcp->buckets[hash & tcp->bucket_mask] = i;
	flow_begin(tcp, flow, packet);
	return flow;
}

/* ---- Segments ------------------------------------------------------------------------------ */

/* A SYN opens the connection, or a new one of the same ends. */
static void on_syn(struct reassembly *tcp, struct arrival *at, const struct packet *packet)
{
	struct half *half = &at->flow->halves[at->from];

	if (half->syn_seen && half->syn == packet->seq)
		return; /* again */
	if (half->started || at->flow->closed) {
		close_flow(tcp, at->flow, false, at->time_ns);
		flow_begin(tcp, at->flow, packet);
		at->from = 0;
		half = &at->flow->halves[0];
	}
	half->started = half->syn_seen = true;
	half->syn = packet->seq;
	half->due = packet->seq + 1;
}

/* The receiver has bytes that the capture lacks: they will not come any more. data: it answers
 * them already. */
static void on_ack(struct reassembly *tcp, struct arrival *at, uint32_t ack, bool data)
{
	int from = !at->from;
	struct half *half = &at->flow->halves[from];

	if (!half->started) {
		half->started = true;
		half->due = ack;
		return;
	}
	hand_on_acknowledged(tcp, at->flow, from, ack);
	while (half->held && distance(ack, half->held->seq) >= 0) {
		give_up_gap(tcp, at->flow, from);
		hand_on_acknowledged(tcp, at->flow, from, ack);
	}
	if (half->fin_seen && distance(ack, half->fin) > 0)
		ack = half->fin; /* a FIN counts as one, RFC 9293 section 3.4 */
	if (data && distance(ack, half->due) > 0)
		hand_on_hole(tcp, at->flow, from, ack - half->due, at->time_ns);
}

static void on_data(struct reassembly *tcp, struct arrival *at, const struct packet *packet)
{
	struct half *half = &at->flow->halves[at->from];
	/* A SYN counts as one; data with it is TCP Fast Open (RFC 7413), or will be sent again. */
	uint32_t seq = packet->seq + (packet->flags & TCP_SYN ? 1 : 0);

	if (!half->started) {
		half->started = true;
		half->due = seq;
	}
	if (half->ended)
		return;
	if (half->waiting)
		segments_replace(half->waiting, seq, packet->payload);
	if (!take_segment(tcp, at->flow, at->from, seq, packet->payload, packet->length,
			  at->time_ns))
		hold(tcp, at, packet);
	else if (half->held)
		take_held(tcp, at->flow, at->from);
}

/* Has everything before the FIN been handed on? */
static void end_half(struct reassembly *tcp, struct arrival *at, int from)
{
	struct half *half = &at->flow->halves[from];

	if (!half->fin_seen || half->ended || distance(half->fin, half->due) > 0)
		return;
	half->ended = true;
	half->due++;
	forget_held(tcp, half); /* nothing comes after a FIN */
	hand_on_waiting(tcp, at->flow, !from);
	hand_on_waiting(tcp, at->flow, from);
	tcp->sink.fin(tcp->sink.context, flow_state(at->flow), from, at->time_ns);
}

static void on_fin(struct arrival *at, const struct packet *packet)
{
	struct half *half = &at->flow->halves[at->from];

	if (half->fin_seen)
		return;
	if (!half->started) {
		half->started = true;
		half->due = packet->seq + packet->length;
	}
	half->fin_seen = true;
	half->fin = packet->seq + packet->length;
}

static void on_ends(struct reassembly *tcp, struct arrival *at, const struct packet *packet)
{
	const struct half *halves = at->flow->halves;

	if (packet->flags & TCP_RST) {
		close_flow(tcp, at->flow, true, at->time_ns);
		return;
	}
	if (packet->flags & TCP_FIN)
		on_fin(at, packet);
	if (!halves[0].fin_seen && !halves[1].fin_seen)
		return;
	/* Both: an acknowledgement may have given up what was missing before the other's FIN. */
	end_half(tcp, at, at->from);
	end_half(tcp, at, !at->from);
	if (halves[0].ended && halves[1].ended)
		close_flow(tcp, at->flow, false, at->time_ns);
}

void reassembly_put(struct reassembly *tcp, const struct packet *packet, uint64_t time_ns)
{
	struct arrival at = { .time_ns = time_ns };
	uint32_t hash = hash_of(packet);

	at.flow = flow_find(tcp, packet, hash, &at.from);
	if (!at.flow) {
		/* The rest of a connection that is over is not worth a place. */
		if (!(packet->flags & TCP_SYN) && packet->length == 0)
			return;
		at.flow = flow_add(tcp, packet, hash);
		at.from = 0;
	}
	at.flow->last_ns = time_ns;
	if (packet->flags & TCP_SYN)
		on_syn(tcp, &at, packet);
	if (at.flow->closed)
		return;
	if (packet->flags & TCP_ACK)
		on_ack(tcp, &at, packet->ack, packet->length > 0);
	if (packet->length)
		on_data(tcp, &at, packet);
	on_ends(tcp, &at, packet);
}

/* The flow whose bytes wait longest, or NULL. */
static struct flow *longest_waiting(struct reassembly *tcp, int *ret_from)
{
	struct flow *best = NULL;

	for (uint32_t i = 0; i < tcp->used; i++) {
		struct flow *flow = flow_at(tcp, i);

		for (int from = 0; from < 2; from++) {
			const struct segment *s = flow->halves[from].waiting;

			if (!s || (best && best->halves[*ret_from].waiting->time_ns <= s->time_ns))
				continue;
			best = flow;
			*ret_from = from;
		}
	}
	return best;
}

void reassembly_flush(struct reassembly *tcp)
{
	struct flow *flow;
	int from;

	/* In the order of the capture as far as a few go; the table is large. */
	for (int n = 0; n < FLUSHED_IN_ORDER && (flow = longest_waiting(tcp, &from)); n++)
		hand_on_waiting(tcp, flow, from);
	for (uint32_t i = 0; i < tcp->used; i++) {
		flush_half(tcp, flow_at(tcp, i), 0);
		flush_half(tcp, flow_at(tcp, i), 1);
	}
}

void reassembly_stats(const struct reassembly *tcp, struct reassembly_stats *ret_stats)
{
	*ret_stats = tcp->stats;
}
