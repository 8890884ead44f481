/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1 on a connection: what is kept of it. Private to this folder.
 *
 *   conn.c      the protocol's row; connections begun, ended, awaited
 *   stream.c    one direction: where heads and bodies begin and end
 *   messages.c  requests and responses: exchanges opened, answered
 *   preface.c   what stands before the first head
 *   resume.c    how a stream is taken up again that lost its place
 *
 * The others are pure: head.c, body.c, guess.c, proxy.c.
 */
#ifndef OBI_PROTOCOL_HTTP1_STATE_H
#define OBI_PROTOCOL_HTTP1_STATE_H

#include "conn/protocol.h"
#include "protocol/http1/http1.h"

/* Lengths of bodies, as op.http has them until the exchange ends. */
#define LENGTH_UNKNOWN (-1)
#define LENGTH_COUNTED (-2) /* take the bytes that were counted */

/* exchange.mark: a last chunk ends the response, wherever it is seen. */
#define MARK_CHUNKED 0x01

enum stream_state {
	STREAM_LOST,         /* the next head may begin anywhere: it is taken where one is seen */
	STREAM_PREFACE,      /* within what stands before all heads, left bytes to go */
	STREAM_HEAD,         /* the next byte begins a head */
	STREAM_PARTIAL,      /* within a head, kept in partial */
	STREAM_LENGTH,       /* within a body, left bytes to go */
	STREAM_CUT,          /* behind what was seen of a head: at least left bytes to go */
	STREAM_CHUNKED,      /* within a chunked body */
	STREAM_CHUNKED_LOST, /* the same, but some of it was not seen */
	STREAM_CLOSE,        /* within a body that only the end of the connection ends */
};

/* One direction of a connection. */
struct stream {
	union {
		uint64_t left;
		struct http1_chunked chunked;
	};
	struct exchange *exchange; /* whose body is passing; of responses: from head to end */
	struct partial *partial;
	uint8_t state; /* enum stream_state */
	bool fresh;    /* no byte of the connection's own protocol has passed */
};

struct http1_conn {
	struct stream streams[2]; /* by enum obi_direction */
	bool hidden;  /* heads passed unseen: what is open and what comes may not match */
	bool lost;    /* records were lost since the last request */
	bool interim; /* the last response was 1xx */
	bool unclear; /* some that wait for a response may have had it */
};

_Static_assert(sizeof(struct http1_conn) <= CONN_ROOM, "fits into the connection");

static inline struct http1_conn *http1_of(const struct conn *c)
{
	return c->state;
}

static inline struct stream *stream_of(const struct conn *c, uint8_t direction)
{
	return &http1_of(c)->streams[direction];
}

static inline struct stream *conn_responses(const struct conn *c)
{
	return stream_of(c, conn_response_direction(c));
}

static inline struct exchange *response_under_way(const struct conn *c)
{
	return c->requests == DIRECTION_UNKNOWN ? NULL : conn_responses(c)->exchange;
}

/* ---- stream.c -------------------------------------------------------------------------- */

void stream_feed(struct obi_conns *conns, struct conn *c, uint8_t direction, struct chunk *chunk);
void stream_pass_unseen(struct obi_conns *conns, struct conn *c, uint8_t direction, uint64_t len,
			uint64_t time_ns);
/* A head that is being put together will not be completed: it is taken as far as it came. */
void stream_end_head(struct obi_conns *conns, struct conn *c, uint8_t direction, uint64_t time_ns);
/* The body that is passing has ended; a head follows. */
void stream_end_body(struct obi_conns *conns, struct conn *c, uint8_t direction, uint64_t time_ns);
/* The response under way is taken as ended with its last byte; what follows is not known. */
void stream_end_lost(struct obi_conns *conns, struct conn *c, unsigned flags);
/* What was being put together is given up. Returns whether it was (part of) a request. */
bool stream_forget(struct obi_conns *conns, struct conn *c, uint8_t direction);
/* Bytes in the place of a head that are none, or heads that passed unseen. */
void stream_lose_head(struct obi_conns *conns, struct conn *c, uint8_t direction);
/* The head so far: in the chunk, or put together with what was kept. */
struct slice stream_head_so_far(struct stream *s, const struct chunk *chunk, struct slice bytes,
				size_t *ret_kept);
/* Keeps the beginning of a head until more of it comes; false where there is no room. */
bool stream_keep_partial(struct obi_conns *conns, struct stream *s, const struct chunk *chunk,
			 struct slice bytes);
void stream_drop_partial(struct obi_conns *conns, struct stream *s);

/* ---- messages.c ------------------------------------------------------------------------ */

/* A head was read in chunk, or, if cut, as far as it was seen: the end of the head, and so the
 * beginning of the body, is not known then. */
void messages_begin_request(struct obi_conns *conns, struct conn *c, const struct chunk *chunk,
			    const struct http1_head *head, bool cut);
void messages_begin_response(struct obi_conns *conns, struct conn *c, const struct chunk *chunk,
			     const struct http1_head *head, bool cut);

/* ---- preface.c ------------------------------------------------------------------------- */

/* At the beginning of a fresh stream: the bytes that belong to a PROXY protocol's header, or may
 * and are kept; 0 where there is none. */
size_t stream_skip_preface(struct obi_conns *conns, struct stream *s, const struct chunk *chunk,
			   struct slice bytes);
/* Of len bytes, those that belong to the header that is passing. */
uint64_t stream_pass_preface(struct stream *s, uint64_t len);

/* ---- resume.c -------------------------------------------------------------------------- */

/* Takes up a stream that lost its place, where this chunk surely begins a head. */
void stream_resume(struct obi_conns *conns, struct conn *c, uint8_t direction,
		   const struct chunk *chunk);

#endif
