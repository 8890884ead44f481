// SPDX-License-Identifier: Apache-2.0
/*
 * HTTP/2 and gRPC as conn sees them: a stream is an exchange, found by its number.
 *
 * Frames whose bytes nobody saw are passed over where they are DATA. Where the place is lost, what
 * is open is dropped if it may have been answered unseen, and the direction is taken up again where
 * a chunk is nothing but frames. Fields that the decoder does not know are left out of the span.
 */
#include <errno.h>

#include "conn/protocol.h"
#include "protocol/http2/fields.h"
#include "protocol/http2/frame.h"
#include "protocol/http2/grpc.h"
#include "protocol/http2/hpack.h"

#define DATA_MOST                                                                                  \
	(4 << 20)        /* what a DATA frame is taken to hold at most, where the place is lost */
#define STREAMS 1024     /* open on one connection */
#define TABLE_LIMIT 4096 /* SETTINGS_HEADER_TABLE_SIZE at first, and mostly */
#define TEXT_ROOM 4096   /* of a block's fields, decoded */
#define MESSAGE_ROOM 128 /* of grpc-message */
#define BAD_CHUNKS 8     /* without a frame in them, after which it is none; ... */
#define BAD_CHUNKS_KNOWN 4096 /* ... of a long body, where there were requests before */
#define UPGRADED_STREAM 1     /* answers the request that asked for HTTP/2 (RFC 7540 section 3.2) */

/* exchange.mark: bits, and how often bytes of answers were missed since it was heard of. What ended
 * among them is not heard of again, and goes after MARK_HOLES of them. */
#define MARK_GRPC 0x01
#define MARK_UNSAID 0x02 /* its trailers have fields that are not known: grpc-status may be one */

#define MARK_HOLE 0x10
#define MARK_HOLES 0xf0

struct http2_conn {
	struct http2_reader readers[2]; /* by direction */
	struct hpack tables[2];
	void *memory[2];           /* of the tables */
	struct partial *blocks[2]; /* rooms lent to the readers */
	struct origin origins[2];  /* where the block under way began */
	uint32_t first; /* streams that requests were seen of, without a hole: up to last */
	uint32_t last;
	bool lost[2];
	uint16_t bad;
};

const struct obi_system obi_system_grpc = {
	.family = OBI_FAMILY_RPC,
	.name = "grpc",
	.instrumentation = "grpc",
	.fallback = "GRPC",
};

static struct http2_conn *http2_of(const struct conn *c)
{
	return c->state;
}

static enum http2_side side_of(const struct conn *c, uint8_t direction)
{
	return conn_is_request_stream(c, direction) ? HTTP2_CLIENT : HTTP2_SERVER;
}

static void begin(struct obi_conns *conns, struct conn *c, bool fresh)
{
	struct http2_conn *h = http2_of(c);

	if (c->requests == DIRECTION_UNKNOWN)
		c->requests = c->side == OBI_SIDE_CONNECTED ? OBI_SEND : OBI_RECV;
	for (uint8_t d = 0; d < 2; d++) {
		size_t room = HPACK_ROOM(TABLE_LIMIT);
		/* What passed before may have been the beginning: unknown to all, or unseen. */
		bool first = fresh && !c->halves[d].at && c->side != OBI_SIDE_UNKNOWN;

		h->memory[d] = conn_memory_take(conns, room);
		hpack_init(&h->tables[d], h->memory[d], h->memory[d] ? room : 0,
			   first ? HPACK_FIRST : 0);
		http2_reader_init(&h->readers[d], side_of(c, d), first);
		h->lost[d] = !first;
	}
}

/* ---- Requests ------------------------------------------------------------------------------ */

static void keep_request(const struct conn *c, struct exchange *x,
			 const struct http2_fields *fields)
{
	struct slice target = exchange_keep(x, fields->path);
	ptrdiff_t question = slice_find(target, '?');
	struct slice path = question < 0 ? target : slice_first(target, (size_t)question);

	x->op.http = (struct obi_http){
		.method = exchange_keep(x, fields->method),
		.path = path,
		.query = question < 0 ? slice_of(NULL, 0) : slice_from(target, path.len + 1),
		.scheme =
			fields->scheme.len ? exchange_keep(x, fields->scheme) : conn_http_scheme(c),
		.host = exchange_keep(x, fields->authority),
		.request_length = fields->length,
		.response_length = -1,
	};
	x->own_code = -1;
}

/* Trailers have no pseudo-header fields (RFC 9113 section 8.1), and streams are opened in the order
 * of their numbers (section 5.1.1). */
static bool begins_request(struct http2_conn *h, uint32_t stream, const struct http2_fields *fields)
{
	if (stream <= h->last || !(fields->method.len || fields->path.len || fields->scheme.len ||
				   fields->authority.len))
		return false;
	if (!h->first)
		h->first = stream;
	h->last = stream;
	return true;
}

static void set_grpc(struct exchange *x)
{
	x->mark |= MARK_GRPC;
	x->system = &obi_system_grpc;
}

static void on_request(struct obi_conns *conns, struct conn *c, const struct http2_event *event,
		       const struct http2_fields *fields)
{
	struct http2_conn *h = http2_of(c);
	struct exchange *x;

	if (!begins_request(h, event->stream, fields))
		return;
	x = exchange_open(conns, c,
			  fields->path.len + fields->method.len + fields->scheme.len +
				  fields->authority.len + 64);
	if (!x) {
		exchange_count_drop(conns, OBI_DROP_EVICTED);
		return;
	}
	exchange_set_key(conns, x, event->stream);
	keep_request(c, x, fields);
	if (grpc_is_content_type(fields->content_type))
		set_grpc(x);
	exchange_identify(conns, x, &h->origins[c->requests],
			  fields->traced ? &fields->trace : NULL);
}

/* ---- Responses ----------------------------------------------------------------------------- */

/* A response without its request: pushed ones, which no request asked for, are not counted, nor are
 * those whose request was. */
static void on_stray(struct obi_conns *conns, const struct conn *c, const struct http2_event *event,
		     const struct http2_fields *fields)
{
	const struct http2_conn *h = http2_of(c);

	if (fields->status < 200 || event->stream % 2 == 0 || event->stream == UPGRADED_STREAM)
		return;
	if (h->first && event->stream >= h->first && event->stream <= h->last)
		return;
	exchange_count_drop(conns,
			    h->lost[c->requests] ? OBI_DROP_LOST_RECORD : OBI_DROP_NO_REQUEST);
}

static void keep_message(struct exchange *x, struct slice value)
{
	uint8_t text[MESSAGE_ROOM];
	bool cut;

	x->own_text = exchange_keep(
		x, slice_of(text, grpc_decode_message(value, text, sizeof(text), &cut)));
}

static void heard_of(struct exchange *x)
{
	if (x->mark & MARK_HOLES)
		x->mark = (uint8_t)((x->mark & ~MARK_HOLES) | MARK_HOLE);
}

static void on_response(struct obi_conns *conns, struct conn *c, const struct http2_event *event,
			const struct http2_fields *fields, const struct chunk *chunk)
{
	struct exchange *x = exchange_find(conns, c, event->stream);

	if (!x) {
		on_stray(conns, c, event, fields);
		return;
	}
	if (fields->status >= 100 && fields->status < 200)
		return;
	if (!x->answered && !fields->status && fields->grpc_status < 0) {
		/* Trailers, the rest was missed; or nobody knows the field any more. */
		if (event->flags & HTTP2_END_STREAM)
			exchange_drop(conns, x, OBI_DROP_LOST_RECORD);
		return;
	}
	heard_of(x);
	if (!x->answered) {
		exchange_answer(conns, x, chunk->record->tid);
		x->op.http.status = fields->status;
		x->op.http.response_length = fields->length;
	}
	if (grpc_is_content_type(fields->content_type) || fields->grpc_status >= 0)
		set_grpc(x);
	if (fields->grpc_status >= 0)
		x->own_code = fields->grpc_status;
	else if (fields->unknown && event->flags & HTTP2_END_STREAM)
		x->mark |= MARK_UNSAID;
	if (fields->grpc_message.len)
		keep_message(x, fields->grpc_message);
	if (event->flags & HTTP2_END_STREAM)
		exchange_finish(conns, x, chunk->time_ns, 0);
}

/* ---- Frames -------------------------------------------------------------------------------- */

static void on_block(struct obi_conns *conns, struct conn *c, uint8_t direction,
		     const struct http2_event *event, const struct chunk *chunk)
{
	struct http2_conn *h = http2_of(c);
	uint8_t text[TEXT_ROOM];
	struct hpack_scratch scratch = { text, sizeof(text) };
	struct http2_fields fields;

	if (http2_read_fields(&h->tables[direction], event, &scratch, &fields))
		return;
	if (event->type == HTTP2_PROMISE)
		return;
	if (conn_is_request_stream(c, direction))
		on_request(conns, c, event, &fields);
	else
		on_response(conns, c, event, &fields, chunk);
}

/* Without a status where the answer was missed: no span at all. */
static void finish(struct obi_conns *conns, struct exchange *x, uint64_t time_ns, unsigned flags)
{
	if (x->mark & MARK_HOLES && !x->answered)
		exchange_drop(conns, x, OBI_DROP_LOST_RECORD);
	else
		exchange_finish(conns, x, time_ns, flags);
}

static void on_data(struct obi_conns *conns, struct conn *c, uint8_t direction,
		    const struct http2_event *event, uint64_t time_ns)
{
	struct exchange *x = exchange_find(conns, c, event->stream);
	bool response = !conn_is_request_stream(c, direction);

	if (!x)
		return;
	x->passed[response] += event->length;
	if (!response)
		return;
	heard_of(x);
	if (event->flags & HTTP2_END_STREAM)
		finish(conns, x, time_ns, 0);
}

static void on_reset(struct obi_conns *conns, struct conn *c, const struct http2_event *event,
		     uint64_t time_ns)
{
	struct exchange *x = exchange_find(conns, c, event->stream);

	if (!x)
		return;
	if (x->own_code < 0 && !(event->flags & HTTP2_CUT))
		x->own_code = grpc_status_of_reset(event->code);
	finish(conns, x, time_ns, x->answered ? OBI_SPAN_INCOMPLETE : 0);
}

static void on_event(struct obi_conns *conns, struct conn *c, uint8_t direction,
		     const struct http2_event *event, const struct chunk *chunk)
{
	switch (event->type) {
	case HTTP2_HEADERS:
	case HTTP2_PROMISE:
		on_block(conns, c, direction, event, chunk);
		break;
	case HTTP2_DATA:
		on_data(conns, c, direction, event, chunk->time_ns);
		break;
	case HTTP2_SETTINGS:
		if (event->settings.max_frame_size != HTTP2_UNSAID)
			http2_of(c)->readers[!direction].max_frame = event->settings.max_frame_size;
		break;
	case HTTP2_RESET:
		on_reset(conns, c, event, chunk->time_ns);
		break;
	default:
		break;
	}
}

/* ---- Rooms for blocks that come in pieces -------------------------------------------------- */

static bool lend_room(struct obi_conns *conns, struct http2_conn *h, uint8_t direction)
{
	struct partial *partial = partial_new(conns);

	h->blocks[direction] = partial;
	h->readers[direction].room = partial ? partial->bytes : NULL;
	h->readers[direction].room_len = partial ? sizeof(partial->bytes) : 0;
	return partial;
}

static void take_room(struct obi_conns *conns, struct http2_conn *h, uint8_t direction)
{
	if (!h->blocks[direction])
		return;
	partial_free(conns, h->blocks[direction]);
	h->blocks[direction] = NULL;
	h->readers[direction].room = NULL;
	h->readers[direction].room_len = 0;
}

/* ---- Bytes --------------------------------------------------------------------------------- */

/* Any of them may have been answered unseen. What comes of their streams is still theirs. */
static void mark_holes(struct obi_conns *conns, struct conn *c)
{
	struct exchange *next;

	for (struct exchange *x = c->first; x; x = next) {
		next = x->next;
		if ((x->mark & MARK_HOLES) == MARK_HOLES)
			exchange_drop(conns, x, OBI_DROP_LOST_RECORD);
		else
			x->mark += MARK_HOLE;
	}
}

static void lose(struct obi_conns *conns, struct conn *c, uint8_t direction)
{
	struct http2_conn *h = http2_of(c);

	take_room(conns, h, direction);
	h->lost[direction] = true;
	hpack_lose(&h->tables[direction]);
	if (conn_is_request_stream(c, direction)) {
		h->first = 0;
		return;
	}
	mark_holes(conns, c);
}

/* Does the chunk begin with a DATA frame of a stream that there was? What is sent in one call ends
 * with a frame, mostly. */
static bool begins_with_data(const struct http2_conn *h, struct slice bytes)
{
	struct http2_frame frame;

	if (bytes.len < HTTP2_FRAME_HEADER)
		return false;
	frame = http2_frame_of(bytes.data);
	return frame.type == HTTP2_FRAME_DATA && frame.length && frame.length <= DATA_MOST &&
	       !(frame.flags & ~(HTTP2_FLAG_END_STREAM | HTTP2_FLAG_PADDED)) && frame.stream & 1 &&
	       frame.stream <= h->last && !(bytes.data[5] & 0x80) &&
	       http2_frame_length_is_valid(&frame, HTTP2_FRAME_LEAST);
}

/* A direction that lost its place goes on where a chunk is nothing but frames, or begins with DATA.
 */
static bool take_up(struct obi_conns *conns, struct conn *c, uint8_t direction,
		    const struct chunk *chunk)
{
	struct http2_conn *h = http2_of(c);
	enum http2_side side;
	bool start = false;

	if (!begins_with_data(h, chunk->bytes) && http2_guess(chunk->bytes, &side, &start) <= 0) {
		if (++h->bad >= (h->last ? BAD_CHUNKS_KNOWN : BAD_CHUNKS))
			conn_mute(conns, c);
		return false;
	}
	h->bad = 0;
	http2_reader_init(&h->readers[direction], side_of(c, direction), start);
	h->lost[direction] = false;
	return true;
}

static void feed(struct obi_conns *conns, struct conn *c, uint8_t direction, struct chunk *chunk)
{
	struct http2_conn *h = http2_of(c);
	struct http2_reader *reader = &h->readers[direction];
	struct slice rest = chunk->bytes;

	if (h->lost[direction] && !take_up(conns, c, direction, chunk))
		return;
	while (rest.len) {
		struct http2_event event;
		ptrdiff_t used;

		if (!http2_holds_room(reader)) {
			h->origins[direction] = origin_of_chunk(chunk);
			h->origins[direction].flags &= (uint8_t)~OBI_RECORD_TRACED;
		}
		used = http2_read(reader, rest, &event);
		if (used == -ENOBUFS && lend_room(conns, h, direction))
			continue;
		if (used < 0) {
			exchange_count_drop(conns, OBI_DROP_UNPARSED);
			lose(conns, c, direction);
			return;
		}
		on_event(conns, c, direction, &event, chunk);
		if (!http2_holds_room(reader))
			take_room(conns, h, direction);
		rest = slice_from(rest, (size_t)used);
	}
}

static void unseen(struct obi_conns *conns, struct conn *c, uint8_t direction, uint64_t len,
		   uint64_t time_ns)
{
	static const struct obi_record none;
	struct http2_conn *h = http2_of(c);
	struct chunk chunk = { .record = &none, .time_ns = time_ns };
	struct http2_event event;

	if (!h->lost[direction] && !http2_skip(&h->readers[direction], len, &event)) {
		on_event(conns, c, direction, &event, &chunk);
		return;
	}
	exchange_count_unread(conns, len);
	lose(conns, c, direction);
}

/* ---- Ends ---------------------------------------------------------------------------------- */

/* Their ends may have passed long ago. */
static void drop_missed(struct obi_conns *conns, struct conn *c)
{
	struct exchange *next;

	for (struct exchange *x = c->first; x; x = next) {
		next = x->next;
		if (x->mark & MARK_HOLES)
			exchange_drop(conns, x, OBI_DROP_LOST_RECORD);
	}
}

static void end(struct obi_conns *conns, struct conn *c, enum conn_end how)
{
	struct http2_conn *h = http2_of(c);

	for (uint8_t d = 0; d < 2; d++) {
		take_room(conns, h, d);
		if (how == CONN_LOST)
			lose(conns, c, d);
	}
	drop_missed(conns, c);
}

static void release(struct obi_conns *conns, struct conn *c)
{
	for (uint8_t d = 0; d < 2; d++)
		conn_memory_give(conns, http2_of(c)->memory[d], HPACK_ROOM(TABLE_LIMIT));
}

static void settle_grpc(struct exchange *x, unsigned flags)
{
	struct obi_http http = x->op.http;
	struct grpc_path path;

	if (x->own_code < 0 && http.status && !(flags & OBI_SPAN_INCOMPLETE) &&
	    !(x->mark & MARK_UNSAID))
		x->own_code = grpc_status_of_http(http.status);
	x->op.rpc = (struct obi_rpc){
		.method = grpc_read_path(http.path, &path) ? http.path : path.full,
		.message = x->own_text,
		.status = x->own_code,
	};
}

static void settle(struct exchange *x, unsigned flags)
{
	struct obi_http *http = &x->op.http;

	if (x->mark & MARK_GRPC) {
		settle_grpc(x, flags);
		return;
	}
	if (http->request_length < 0 || x->passed[0])
		http->request_length = (int64_t)x->passed[0];
	if (x->mark & MARK_HOLES) /* what was counted is less than what passed */
		return;
	if (http->response_length < 0 || x->passed[1] || flags & OBI_SPAN_INCOMPLETE)
		http->response_length = (int64_t)x->passed[1];
}

/* ---- What is HTTP/2 ------------------------------------------------------------------------ */

static enum obi_role role_of(enum http2_side side)
{
	if (side == HTTP2_SIDE_UNKNOWN)
		return OBI_ROLE_UNKNOWN;
	return side == HTTP2_CLIENT ? OBI_ROLE_REQUEST : OBI_ROLE_RESPONSE;
}

static enum obi_guess guess(struct slice head, enum obi_role *ret_role)
{
	enum http2_side side;
	bool start;
	int found = http2_guess(head, &side, &start);

	if (found == -EAGAIN)
		return OBI_GUESS_MORE;
	if (found <= 0 || !start)
		return OBI_GUESS_NO;
	*ret_role = role_of(side);
	return OBI_GUESS_YES;
}

static bool resume(struct slice head, enum obi_role *ret_role)
{
	enum http2_side side;
	bool start;

	if (http2_guess(head, &side, &start) <= 0)
		return false;
	*ret_role = role_of(side);
	return true;
}

const struct obi_protocol protocol_http2 = {
	.name = "http2",
	.help = "HTTP/2 in plain text, by prior knowledge or upgrade, and gRPC: method, target, "
		"status, "
		"sizes; gRPC's method and status",
	.system = &obi_system_http,
	.state_size = sizeof(struct http2_conn),
	.pipeline = STREAMS,
	.order = { .mode = OBI_ORDER_FRAMES,
		   .bytes = OBI_ORDER_BYTES_MAX,
		   .rule = OBI_FRAMES_HTTP2 },
	.guess = guess,
	.resume = resume,
	.begin = begin,
	.feed = feed,
	.unseen = unseen,
	.end = end,
	.release = release,
	.settle = settle,
};
