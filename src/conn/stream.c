// SPDX-License-Identifier: Apache-2.0
/*
 * One direction of a connection: cuts the bytes, and the holes between those that were seen,
 * into heads and bodies.
 *
 * Where the framing is known, bytes of a body are counted and not looked at, so that a body may
 * contain anything. Where it was lost, the next head is taken at the beginning of a chunk that
 * looks like one, if the other direction says that one is due.
 */
#include "conn/state.h"

#include <errno.h>

static void count_body(struct conn *c, uint8_t direction, uint64_t len)
{
	struct exchange *x = c->streams[direction].exchange;

	if (!x)
		return;
	if (conn_is_request_stream(c, direction))
		x->request_bytes += len;
	else
		x->response_bytes += len;
}

void stream_end_body(struct obi_conns *conns, struct conn *c, uint8_t direction, uint64_t time_ns)
{
	struct stream *s = &c->streams[direction];
	struct exchange *x = s->exchange;

	s->state = STREAM_HEAD;
	s->exchange = NULL;
	if (x && !conn_is_request_stream(c, direction))
		exchange_finish(conns, x, time_ns, 0);
}

void stream_end_lost(struct obi_conns *conns, struct conn *c, unsigned flags)
{
	struct stream *s = conn_responses(c);

	exchange_finish(conns, s->exchange, s->last_ns, flags);
	s->state = STREAM_LOST;
}

bool stream_is_cut_short(const struct stream *s)
{
	return s->state == STREAM_LENGTH || s->state == STREAM_CUT || s->state == STREAM_CHUNKED;
}

bool stream_forget(struct obi_conns *conns, struct conn *c, uint8_t direction)
{
	struct stream *s = &c->streams[direction];
	bool request = s->state == STREAM_PARTIAL && !s->partial->answered &&
		       (c->requests == DIRECTION_UNKNOWN || conn_is_request_stream(c, direction));

	stream_drop_partial(conns, s);
	s->state = STREAM_LOST;
	s->exchange = NULL;
	return request;
}

/* The next head may have passed unseen, or what passed was none. */
static void lose_head(struct obi_conns *conns, struct conn *c, uint8_t direction)
{
	struct stream *s = &c->streams[direction];

	stream_drop_partial(conns, s);
	s->state = STREAM_LOST;
	if (c->requests == DIRECTION_UNKNOWN) {
		/* Nor is the answer to what nobody knows a head, or what this is an answer to. */
		if (c->streams[!direction].state == STREAM_HEAD ||
		    c->streams[!direction].state == STREAM_PARTIAL) {
			stream_drop_partial(conns, &c->streams[!direction]);
			c->streams[!direction].state = STREAM_LOST;
		}
		return;
	}
	if (conn_is_request_stream(c, direction)) {
		c->hidden = true;
	} else if (exchange_waiting(c)) {
		/* It was the answer to one of them, or to several. */
		exchange_drop_waiting(conns, c, OBI_DROP_UNPARSED);
		c->hidden = true;
	}
}

/* Bytes in the place of a head that are none. */
static void on_no_head(struct obi_conns *conns, struct conn *c, uint8_t direction)
{
	/* Of a connection that was open before our time this may be the middle of anything. */
	if (c->requests == direction ||
	    (c->requests == DIRECTION_UNKNOWN && c->side != OBI_SIDE_UNKNOWN))
		exchange_count_drop(conns, OBI_DROP_UNPARSED);
	lose_head(conns, c, direction);
}

/* ---- Bodies ------------------------------------------------------------------------------ */

static void begin_body(struct obi_conns *conns, struct conn *c, uint8_t direction,
		       enum http1_body body, int64_t length, uint64_t time_ns)
{
	struct stream *s = &c->streams[direction];

	switch (body) {
	case HTTP1_BODY_NONE:
		stream_end_body(conns, c, direction, time_ns);
		break;
	case HTTP1_BODY_LENGTH:
		s->state = STREAM_LENGTH;
		s->left = (uint64_t)length;
		break;
	case HTTP1_BODY_CHUNKED:
		s->state = STREAM_CHUNKED;
		s->chunked = (struct http1_chunked){ 0 };
		break;
	case HTTP1_BODY_CLOSE:
		s->state = STREAM_CLOSE;
		break;
	case HTTP1_BODY_UNKNOWN:
		s->state = STREAM_LOST;
		break;
	}
}

/* The same where the rest of the head was not seen: the body begins somewhere behind. */
static void begin_body_cut(struct obi_conns *conns, struct conn *c, uint8_t direction,
			   enum http1_body body, int64_t length, uint64_t time_ns)
{
	struct stream *s = &c->streams[direction];

	if (body == HTTP1_BODY_NONE)
		stream_end_body(conns, c, direction, time_ns);
	s->state = body == HTTP1_BODY_LENGTH ? STREAM_CUT : STREAM_LOST;
	s->left = (uint64_t)length;
}

/* So many bytes of a body of known length passed, at time_ns. */
static void pass_length(struct obi_conns *conns, struct conn *c, uint8_t direction, uint64_t len,
			uint64_t time_ns)
{
	struct stream *s = &c->streams[direction];
	bool cut = s->state == STREAM_CUT;

	count_body(c, direction, len);
	s->left -= len;
	if (s->left)
		return;
	stream_end_body(conns, c, direction, time_ns);
	if (cut)
		s->state = STREAM_LOST;
}

/* The length to report: what the head promises, or what will be counted. */
static int64_t length_to_report(enum http1_body body, int64_t length)
{
	if (body == HTTP1_BODY_NONE)
		return 0;
	return body == HTTP1_BODY_LENGTH ? length : LENGTH_COUNTED;
}

/* ---- Requests ------------------------------------------------------------------------------ */

/* A response whose end nobody can see has ended when the next request begins. */
static void end_response_before(struct obi_conns *conns, struct conn *c)
{
	const struct stream *s = conn_responses(c);

	if (s->exchange && (s->state == STREAM_LOST || s->state == STREAM_CHUNKED_LOST ||
			    s->state == STREAM_CLOSE))
		stream_end_lost(conns, c, 0);
}

/* May a request be opened, whose response will be told from others? */
static bool request_is_clear(struct conn *c, bool turn)
{
	if (!c->hidden)
		return true;
	/* A response that began before is another's, too. */
	if (!turn || c->first || conn_responses(c)->partial)
		return false;
	c->hidden = false;
	return true;
}

/* The exchange of this request, or NULL: then it is counted. */
static struct exchange *open_request(struct obi_conns *conns, struct conn *c,
				     const struct chunk *chunk, const struct http1_head *head,
				     bool cut)
{
	const struct partial *partial = c->streams[c->requests].partial;
	bool turn = partial ? partial->turn : chunk->turn;
	struct exchange *x;

	if (turn)
		end_response_before(conns, c);
	if (!request_is_clear(c, turn)) {
		exchange_count_drop(conns, OBI_DROP_UNPARSED);
		return NULL;
	}
	x = exchange_open(conns, c, head);
	if (!x) {
		exchange_count_drop(conns, OBI_DROP_EVICTED);
		c->hidden = true; /* its response will come */
		return NULL;
	}
	exchange_identify(conns, x, chunk, head, cut);
	/* LENGTH_UNKNOWN where a cut head does not say it. */
	x->request_length = cut ? head->content_length
				: length_to_report(http1_request_body(head), head->content_length);
	c->lost = false;
	return x;
}

/* cut: the end of the head, and so the beginning of the body, is not known. */
static void begin_request(struct obi_conns *conns, struct conn *c, const struct chunk *chunk,
			  const struct http1_head *head, bool cut)
{
	enum http1_body body = http1_request_body(head);
	struct stream *s = &c->streams[c->requests];

	s->exchange = NULL;
	if (!s->partial || !s->partial->answered)
		s->exchange = open_request(conns, c, chunk, head, cut);
	if (!cut)
		begin_body(conns, c, c->requests, body, head->content_length, chunk->time_ns);
	else /* no length may mean that it stands in what was not seen */
		begin_body_cut(conns, c, c->requests,
			       body == HTTP1_BODY_NONE ? HTTP1_BODY_UNKNOWN : body,
			       head->content_length, chunk->time_ns);
}

/* ---- Responses ----------------------------------------------------------------------------- */

/* A request that is answered before its head is whole: it is taken as far as it came, and what
 * follows of the head is only read. NULL where no more can be said of it than that it is counted.
 */
static struct exchange *answered_early(struct obi_conns *conns, struct conn *c,
				       const struct chunk *chunk)
{
	struct partial *partial = c->streams[c->requests].partial;
	struct slice bytes = slice_of(partial->bytes, partial->len);
	struct http1_head head;

	partial->answered = true;
	(void)http1_parse_request(bytes, &head);
	if (head.target.len && head.target.data + head.target.len < bytes.data + bytes.len)
		return open_request(conns, c, chunk, &head, true);
	exchange_count_drop(conns, OBI_DROP_UNPARSED);
	return NULL;
}

/* The request that the final response which begins now answers, or NULL: then it is counted. */
static struct exchange *request_of_response(struct obi_conns *conns, struct conn *c,
					    const struct chunk *chunk)
{
	struct partial *partial = c->streams[c->requests].partial;
	struct exchange *x = exchange_waiting(c);

	if (!x && partial && !partial->answered)
		x = answered_early(conns, c, chunk);
	else if (!x)
		exchange_count_drop(conns, c->lost ? OBI_DROP_LOST_RECORD : OBI_DROP_NO_REQUEST);
	/* That it began a message says nothing of this response any more. */
	if (partial)
		partial->turn = false;
	return x;
}

static void response_without_request(struct conn *c)
{
	/* To HEAD or GET? That decides whether a body follows. */
	conn_responses(c)->state = STREAM_LOST;
}

static void begin_response(struct obi_conns *conns, struct conn *c, const struct chunk *chunk,
			   const struct http1_head *head, bool cut)
{
	uint8_t direction = conn_response_direction(c);
	struct stream *s = &c->streams[direction];
	struct exchange *x;
	enum http1_body body;

	c->interim = http1_is_interim(head->status);
	if (c->interim) {
		s->state = cut ? STREAM_LOST : STREAM_HEAD;
		return;
	}
	x = request_of_response(conns, c, chunk);
	if (!x) {
		response_without_request(c);
		return;
	}
	exchange_answer(conns, x, head->status, chunk->record->tid);
	s->exchange = x;
	body = http1_response_body(head, exchange_method(x));
	x->response_length = length_to_report(body, head->content_length);
	x->chunked = body == HTTP1_BODY_CHUNKED;
	if (http1_is_tunnel(head->status, exchange_method(x))) {
		x->response_length = 0;
		body = HTTP1_BODY_NONE;
		c->muted = true;
	} else if (cut && x->response_length == LENGTH_COUNTED) {
		x->response_length = LENGTH_UNKNOWN;
	}
	if (cut)
		begin_body_cut(conns, c, direction, body, head->content_length, chunk->time_ns);
	else
		begin_body(conns, c, direction, body, head->content_length, chunk->time_ns);
}

/* ---- Heads --------------------------------------------------------------------------------- */

static int parse_head(const struct conn *c, uint8_t direction, struct slice in,
		      struct http1_head *ret_head)
{
	return conn_is_request_stream(c, direction) ? http1_parse_request(in, ret_head)
						    : http1_parse_response(in, ret_head);
}

/* A head is known as far as it was seen, and no more of it will be. */
static void take_cut_head(struct obi_conns *conns, struct conn *c, uint8_t direction,
			  const struct chunk *chunk, struct slice in)
{
	struct stream *s = &c->streams[direction];
	struct http1_head head;
	bool request = conn_is_request_stream(c, direction);
	int n = c->requests == DIRECTION_UNKNOWN ? -EPROTO : parse_head(c, direction, in, &head);

	s->state = STREAM_LOST;
	if (n == -EAGAIN && request && head.target.len)
		begin_request(conns, c, chunk, &head, true);
	else if (n == -EAGAIN && !request && (head.status || head.flags & HTTP1_ODD_STATUS))
		begin_response(conns, c, chunk, &head, true);
	else
		on_no_head(conns, c, direction);
	stream_drop_partial(conns, s);
}

/* The kernel may meet the traceparent header only in a later piece. */
static void keep_trace(struct partial *partial, const struct obi_record *record)
{
	if (record->flags & OBI_RECORD_TRACED &&
	    memcmp(record->trace.span_id, partial->trace.span_id, sizeof(record->trace.span_id)) ==
		    0)
		partial->trace = record->trace;
}

struct slice stream_head_so_far(struct stream *s, const struct chunk *chunk, struct slice bytes,
				size_t *ret_kept)
{
	struct partial *partial = s->partial;
	size_t more;

	*ret_kept = 0;
	if (!partial)
		return bytes;
	keep_trace(partial, chunk->record);
	*ret_kept = partial->len;
	more = HEAD_MAX - partial->len < bytes.len ? HEAD_MAX - partial->len : bytes.len;
	memcpy(partial->bytes + partial->len, bytes.data, more);
	partial->len += (uint32_t)more;
	return slice_of(partial->bytes, partial->len);
}

static enum obi_guess guess_role(struct conn *c, uint8_t direction, struct slice in)
{
	enum obi_role role = OBI_ROLE_UNKNOWN;
	enum obi_guess guess;

	if (c->requests != DIRECTION_UNKNOWN)
		return OBI_GUESS_YES;
	guess = protocol_http1.guess(in, &role);
	if (guess == OBI_GUESS_YES)
		conn_set_role(c, direction, role);
	return guess;
}

/* Empty lines before a head are nothing (RFC 9112 section 2.2), least of all its beginning. */
static size_t empty_lines(const struct stream *s, struct slice bytes)
{
	size_t n = 0;

	if (s->partial)
		return 0;
	while (n < bytes.len && (bytes.data[n] == '\r' || bytes.data[n] == '\n'))
		n++;
	return n;
}

/* Reads a head at the beginning of bytes, or goes on with one. Returns the bytes it took. */
static size_t read_head(struct obi_conns *conns, struct conn *c, uint8_t direction,
			const struct chunk *chunk, struct slice bytes)
{
	struct stream *s = &c->streams[direction];
	size_t kept, empty;
	struct http1_head head;
	enum obi_guess guess;
	struct slice in;
	int n;

	if (s->fresh && (kept = stream_skip_preface(conns, s, chunk, bytes)))
		return kept;
	empty = empty_lines(s, bytes);
	bytes = slice_from(bytes, empty);
	if (bytes.len == 0)
		return empty;
	in = stream_head_so_far(s, chunk, bytes, &kept);
	guess = guess_role(c, direction, in);
	n = guess == OBI_GUESS_YES    ? parse_head(c, direction, in, &head)
	    : guess == OBI_GUESS_MORE ? -EAGAIN
				      : -EPROTO;
	if (n == -EAGAIN && !chunk->cut && stream_keep_partial(conns, s, chunk, bytes))
		return empty + bytes.len;
	if (n == -EAGAIN) {
		take_cut_head(conns, c, direction, chunk, in);
		return empty + bytes.len;
	}
	if (n < 0) {
		on_no_head(conns, c, direction);
		return empty + bytes.len;
	}
	if (conn_is_request_stream(c, direction))
		begin_request(conns, c, chunk, &head, false);
	else
		begin_response(conns, c, chunk, &head, false);
	stream_drop_partial(conns, s);
	return empty + (size_t)n - kept;
}

/* ---- Chunks -------------------------------------------------------------------------------- */

/* Bytes whose place in the stream is not known, or that only the connection's end ends: heads may
 * be among them. */
static void pass_lost(struct conn *c, uint8_t direction, uint64_t len)
{
	count_body(c, direction, len);
	if (conn_is_request_stream(c, direction))
		c->hidden = true;
	else if (c->requests != DIRECTION_UNKNOWN && exchange_waiting(c))
		c->unclear = true;
}

/* Takes bytes that were seen. Returns how many of them: at least one. */
static size_t take_bytes(struct obi_conns *conns, struct conn *c, uint8_t direction,
			 const struct chunk *chunk, struct slice bytes)
{
	struct stream *s = &c->streams[direction];
	ptrdiff_t n = (ptrdiff_t)bytes.len;

	switch (s->state) {
	case STREAM_HEAD:
	case STREAM_PARTIAL:
		return read_head(conns, c, direction, chunk, bytes);
	case STREAM_PREFACE:
		return (size_t)stream_pass_preface(s, bytes.len);
	case STREAM_LENGTH:
	case STREAM_CUT:
		if (bytes.len > s->left)
			n = (ptrdiff_t)s->left;
		pass_length(conns, c, direction, (uint64_t)n, chunk->time_ns);
		return (size_t)n;
	case STREAM_CHUNKED:
		n = http1_skip_chunked(&s->chunked, bytes);
		if (n < 0) {
			s->state = STREAM_CHUNKED_LOST;
			pass_lost(c, direction, bytes.len);
			return bytes.len;
		}
		count_body(c, direction, (uint64_t)n);
		if (http1_chunked_done(&s->chunked))
			stream_end_body(conns, c, direction, chunk->time_ns);
		return (size_t)n;
	default:
		pass_lost(c, direction, bytes.len);
		return bytes.len;
	}
}

void stream_feed(struct obi_conns *conns, struct conn *c, uint8_t direction, struct chunk *chunk)
{
	struct stream *s = &c->streams[direction];
	struct slice rest = chunk->bytes;

	if (s->state == STREAM_LOST || s->state == STREAM_CHUNKED_LOST)
		stream_resume(conns, c, direction, chunk);
	while (rest.len && !c->muted) {
		rest = slice_from(rest, take_bytes(conns, c, direction, chunk, rest));
		chunk->turn = false; /* what follows did not begin the message */
	}
	s->at += chunk->bytes.len;
	s->last_ns = chunk->time_ns;
}

/* Of len unseen bytes, those that belong to what is passing. */
static uint64_t pass_body(struct obi_conns *conns, struct conn *c, uint8_t direction, uint64_t len,
			  uint64_t time_ns)
{
	struct stream *s = &c->streams[direction];

	switch (s->state) {
	case STREAM_HEAD:
	case STREAM_PARTIAL:
		return 0;
	case STREAM_PREFACE:
		return stream_pass_preface(s, len);
	case STREAM_LENGTH:
	case STREAM_CUT:
		if (len > s->left)
			len = s->left;
		pass_length(conns, c, direction, len, time_ns);
		return len;
	case STREAM_CHUNKED:
		if (http1_skip_chunked_unseen(&s->chunked, len)) {
			s->state = STREAM_CHUNKED_LOST;
			pass_lost(c, direction, len);
			return len;
		}
		count_body(c, direction, len);
		if (http1_chunked_done(&s->chunked))
			stream_end_body(conns, c, direction, time_ns);
		return len;
	default:
		if (s->state == STREAM_LOST && conn_is_request_stream(c, direction))
			conns->stats.unread_bytes += len;
		pass_lost(c, direction, len);
		return len;
	}
}

void stream_pass_unseen(struct obi_conns *conns, struct conn *c, uint8_t direction, uint64_t len,
			uint64_t time_ns)
{
	struct stream *s = &c->streams[direction];
	uint64_t left = len;

	if (len == 0)
		return;
	if (s->state == STREAM_PARTIAL)
		stream_end_head(conns, c, direction, time_ns);
	while (left && s->state != STREAM_HEAD && !c->muted)
		left -= pass_body(conns, c, direction, left, time_ns);
	if (left && !c->muted) {
		conns->stats.unread_bytes += left;
		lose_head(conns, c, direction);
	}
	s->at += len;
	s->last_ns = time_ns;
}

void stream_end_head(struct obi_conns *conns, struct conn *c, uint8_t direction, uint64_t time_ns)
{
	static const struct obi_record none;
	struct stream *s = &c->streams[direction];
	struct chunk chunk;

	if (s->state != STREAM_PARTIAL)
		return;
	chunk = (struct chunk){ .record = &none, .time_ns = time_ns };
	take_cut_head(conns, c, direction, &chunk, slice_of(s->partial->bytes, s->partial->len));
}
