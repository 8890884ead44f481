// SPDX-License-Identifier: Apache-2.0
/*
 * Requests and responses of which a head was read: exchanges opened, answered and handed on, and
 * how long the bodies behind the heads are.
 */
#include <string.h>

#include "obi/parent.h"
#include "protocol/http1/state.h"

#define HOST_MAX 1024

/* ---- Bodies ------------------------------------------------------------------------------ */

static void begin_body(struct obi_conns *conns, struct conn *c, uint8_t direction,
		       enum http1_body body, int64_t length, uint64_t time_ns)
{
	struct stream *s = stream_of(c, direction);

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
	struct stream *s = stream_of(c, direction);

	if (body == HTTP1_BODY_NONE)
		stream_end_body(conns, c, direction, time_ns);
	s->state = body == HTTP1_BODY_LENGTH ? STREAM_CUT : STREAM_LOST;
	s->left = (uint64_t)length;
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
	if (!http1_of(c)->hidden)
		return true;
	/* A response that began before is another's, too. */
	if (!turn || c->first || conn_responses(c)->partial)
		return false;
	http1_of(c)->hidden = false;
	return true;
}

/* From the method to the end of the target. */
static struct slice request_line(const struct http1_head *head)
{
	return slice_of(head->method.data,
			(size_t)(head->target.data + head->target.len - head->method.data));
}

/* A part of the line in the copy of it, as far as that goes. */
static struct slice copy_of(struct slice part, struct slice line, struct slice copy)
{
	size_t at = (size_t)(part.data - line.data);

	if (part.len == 0 || at >= copy.len)
		return slice_of(copy.data, 0);
	return slice_first(slice_from(copy, at), part.len);
}

/* Copies what the span will say. What does not fit is cut: the end of the target. */
static void keep_head(const struct conn *c, struct exchange *x, const struct http1_head *head)
{
	struct slice line = request_line(head), host = slice_first(head->host, HOST_MAX);
	struct slice copy = exchange_keep(x, slice_first(line, x->text_size - host.len));

	x->op.http = (struct obi_http){
		.method = copy_of(head->method, line, copy),
		/* Of an absolute-form target without a path it is "/", and stands nowhere. */
		.path = head->path.len == 1 && head->path.data[0] == '/'
				? SLICE_LIT("/")
				: copy_of(head->path, line, copy),
		.query = copy_of(head->query, line, copy),
		.scheme =
			head->scheme.len ? copy_of(head->scheme, line, copy) : conn_http_scheme(c),
		.host = exchange_keep(x, host),
		.response_length = LENGTH_UNKNOWN,
	};
}

/* The exchange of this request, or NULL: then it is counted. */
static struct exchange *open_request(struct obi_conns *conns, struct conn *c,
				     const struct chunk *chunk, const struct http1_head *head,
				     bool cut)
{
	const struct partial *partial = stream_of(c, c->requests)->partial;
	const struct origin origin = partial ? partial->origin : origin_of_chunk(chunk);
	struct exchange *x;

	if (partial ? partial->turn : chunk->turn)
		end_response_before(conns, c);
	if (!request_is_clear(c, partial ? partial->turn : chunk->turn)) {
		exchange_count_drop(conns, OBI_DROP_UNPARSED);
		return NULL;
	}
	x = exchange_open(conns, c, request_line(head).len + head->host.len);
	if (!x) {
		exchange_count_drop(conns, OBI_DROP_EVICTED);
		http1_of(c)->hidden = true; /* its response will come */
		return NULL;
	}
	keep_head(c, x, head);
	if (!cut) /* the version stands behind the target, and the line's end */
		x->line = obi_line_key(origin.pid, head->method.data,
				       head->target.data + head->target.len + sizeof(uint64_t));
	exchange_identify(conns, x, &origin, head->flags & HTTP1_TRACED ? &head->trace : NULL);
	/* LENGTH_UNKNOWN where a cut head does not say it. */
	x->op.http.request_length =
		cut ? head->content_length
		    : length_to_report(http1_request_body(head), head->content_length);
	http1_of(c)->lost = false;
	return x;
}

/* cut: the end of the head, and so the beginning of the body, is not known. */
void messages_begin_request(struct obi_conns *conns, struct conn *c, const struct chunk *chunk,
			    const struct http1_head *head, bool cut)
{
	enum http1_body body = http1_request_body(head);
	struct stream *s = stream_of(c, c->requests);

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
	struct partial *partial = stream_of(c, c->requests)->partial;
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
	struct partial *partial = stream_of(c, c->requests)->partial;
	struct exchange *x = exchange_waiting(c);

	if (!x && partial && !partial->answered)
		x = answered_early(conns, c, chunk);
	else if (!x)
		exchange_count_drop(conns,
				    http1_of(c)->lost ? OBI_DROP_LOST_RECORD : OBI_DROP_NO_REQUEST);
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

void messages_begin_response(struct obi_conns *conns, struct conn *c, const struct chunk *chunk,
			     const struct http1_head *head, bool cut)
{
	uint8_t direction = conn_response_direction(c);
	struct stream *s = stream_of(c, direction);
	struct exchange *x;
	enum http1_body body;

	http1_of(c)->interim = http1_is_interim(head->status);
	if (http1_of(c)->interim) {
		s->state = cut ? STREAM_LOST : STREAM_HEAD;
		return;
	}
	x = request_of_response(conns, c, chunk);
	if (!x) {
		response_without_request(c);
		return;
	}
	exchange_answer(conns, x, chunk->record->tid);
	x->op.http.status = head->status;
	s->exchange = x;
	body = http1_response_body(head, x->op.http.method);
	x->op.http.response_length = length_to_report(body, head->content_length);
	x->mark = body == HTTP1_BODY_CHUNKED ? MARK_CHUNKED : 0;
	if (http1_is_tunnel(head->status, x->op.http.method)) {
		x->op.http.response_length = 0;
		body = HTTP1_BODY_NONE;
		c->muted = true;
	} else if (cut && x->op.http.response_length == LENGTH_COUNTED) {
		x->op.http.response_length = LENGTH_UNKNOWN;
	}
	if (cut)
		begin_body_cut(conns, c, direction, body, head->content_length, chunk->time_ns);
	else
		begin_body(conns, c, direction, body, head->content_length, chunk->time_ns);
}
