/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept of a connection, and of an exchange while it is open. Private to this room.
 *
 *   conn.c      records in, connections found, turned, ended
 *   stream.c    one direction: where heads and bodies begin and end
 *   partial.c   beginnings of heads
 *   preface.c   what stands before the first head
 *   resume.c    ... and how one is taken up again that lost its place
 *   exchange.c  a request and its response: paired, timed, handed on
 *   identity.c  which span an exchange is, in which trace
 *   kin.c       which requests are open where, and whose child a client request is
 *   table.c     connections by id
 */
#ifndef OBI_CONN_STATE_H
#define OBI_CONN_STATE_H

#include <stdbool.h>

#include "conn/conn.h"
#include "obi/parent.h"
#include "protocol/http1.h"

/* Longest head that is put together from several chunks: as much as the kernel shows. */
#define HEAD_MAX (16 * OBI_HEAD_MAX)
/* Heads under way at the same time, over all connections: 4 MiB. */
#define PARTIALS_MAX 256
/* Requests open on one connection. */
#define PIPELINE_MAX 128

/* Of an exchange's text. */
struct piece {
	uint16_t at;
	uint16_t len;
};

/* A request and its response. Lives in a pool; the text of the request lies behind it. */
struct exchange {
	struct exchange *next;  /* of the same connection, in order */
	struct exchange *older; /* waiting for their response, of all connections */
	struct exchange *newer;
	uint64_t start_ns;
	uint64_t request_bytes; /* of the bodies, counted */
	uint64_t response_bytes;
	int64_t request_length; /* of the bodies, as the heads say; or LENGTH_* */
	int64_t response_length;
	struct obi_trace trace;
	uint32_t conn; /* its connection's index */
	uint32_t pid;
	uint32_t tid;
	uint16_t status; /* 0 until the response began */
	uint8_t large;   /* class of the pool */
	uint64_t line;   /* key of its request line, or 0; see obi/parent.h */
	bool could_wait; /* received on a socket that may block */
	bool standing;   /* open as a server request, see kin.c, */
	bool kept;       /* and in its slots */
	bool server;
	bool answered;       /* the final response began */
	bool emitted;        /* timed out: waits only to keep the order */
	bool chunked;        /* response: a last chunk ends it, wherever it is seen */
	bool root;           /* the path is "/" */
	uint16_t method_len; /* the text begins with the method */
	struct piece path;
	struct piece query;
	struct piece host;
	struct piece scheme;
	char text[]; /* the request line up to its version, the host */
};

#define LENGTH_UNKNOWN (-1)
#define LENGTH_COUNTED (-2) /* take the bytes that were counted */

/* Who called connect(2) for a connection, and when; 0 = not seen, or requests were sent since. */
struct opening {
	uint64_t ns;
	uint32_t tid;
};

/* A head that began but did not end in the chunks so far. */
struct partial {
	struct partial *next_free;
	uint64_t start_ns;
	struct obi_trace trace;
	uint32_t pid;
	uint32_t tid;
	uint32_t len;
	struct opening opening;
	bool turn;            /* it began its message */
	bool answered;        /* the answer came before its end */
	uint8_t record_flags; /* OBI_RECORD_* of its first chunk */
	uint8_t bytes[HEAD_MAX];
};

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
	uint64_t at;      /* bytes passed of the current message */
	uint64_t last_ns; /* when the last of them passed */
	union {
		uint64_t left;
		struct http1_chunked chunked;
	};
	struct exchange *exchange; /* whose body is passing; of responses: from head to end */
	struct partial *partial;
	uint8_t state; /* enum stream_state */
	bool fresh;    /* no byte of the connection's own protocol has passed */
};

/* Connections whose response has begun and not ended, by how often they are looked at. */
enum await {
	AWAIT_NOT,
	AWAIT_BUSY,  /* each tick */
	AWAIT_QUIET, /* now and then: nothing came for a while */
	AWAITS,
};

#define DIRECTION_UNKNOWN 2
#define NO_INDEX UINT32_MAX

struct conn {
	uint64_t id; /* of its records */
	uint64_t last_ns;
	struct stream streams[2]; /* by enum obi_direction */
	struct exchange *first;   /* open exchanges, in order */
	struct exchange *last;
	uint8_t last_span_id[8]; /* the last identity that came with a record */
	uint8_t local_addr[16];
	uint8_t remote_addr[16];
	uint16_t local_port;
	uint16_t remote_port;
	uint32_t message;  /* number of the current message ... */
	uint8_t direction; /* ... and where it goes */
	uint8_t requests;  /* the direction of requests, or DIRECTION_UNKNOWN */
	uint8_t open;      /* exchanges in the list */
	uint8_t side;
	bool muted;          /* no longer HTTP */
	bool hidden;         /* heads passed unseen: what is open and what comes may not match */
	bool lost;           /* records were lost since the last request */
	bool interim;        /* the last response was 1xx */
	bool unclear;        /* some that wait for a response may have had it */
	uint8_t awaiting;    /* enum await */
	uint32_t await_prev; /* list of those whose response has begun and not ended */
	uint32_t await_next; /* or next free slot */
};

_Static_assert(sizeof(struct conn) <= 256, "an idle connection costs at most 256 bytes");

struct obi_conns {
	struct obi_conns_options options;
	struct obi_conns_stats stats;
	uint64_t now_ns; /* the latest time of a record or tick */

	struct conn *slots;
	uint64_t *index; /* by cookie: tag and slot */
	uint32_t index_bits;
	uint32_t slots_used; /* those beyond were never touched */
	uint32_t free_slot;
	uint32_t sweep; /* where the search for something to evict goes on */
	uint32_t await_first[AWAITS];
	uint64_t quiet_ns; /* when those of AWAIT_QUIET were looked at last */

	struct obi_span span; /* the one that is handed on: only what changes is written */
	struct exchange *oldest;
	struct exchange *newest;
	struct exchange *free_exchanges[2];
	size_t exchanges_made;
	struct partial *free_partials;
	size_t partials_made;
	struct slab *slabs;
	struct kins *kins;
};

/* A chunk on its way through a stream. */
struct chunk {
	const struct obi_record *record;
	struct slice bytes;
	uint64_t time_ns;
	bool turn; /* first of its message */
	bool cut;  /* bytes follow that nobody saw */
};

static inline uint8_t conn_response_direction(const struct conn *c)
{
	return !c->requests;
}

static inline bool conn_is_request_stream(const struct conn *c, uint8_t direction)
{
	return c->requests == direction;
}

static inline void conn_set_role(struct conn *c, uint8_t direction, enum obi_role role)
{
	c->requests = role == OBI_ROLE_REQUEST ? direction : !direction;
}

static inline struct stream *conn_responses(struct conn *c)
{
	return &c->streams[conn_response_direction(c)];
}

/* ---- table.c --------------------------------------------------------------------------- */

int table_init(struct obi_conns *conns);
void table_free(struct obi_conns *conns);
struct conn *table_find(struct obi_conns *conns, uint64_t id);
/* A blank connection, or NULL when the table is full. */
struct conn *table_add(struct obi_conns *conns, uint64_t id);
void table_remove(struct obi_conns *conns, struct conn *c);
/* Which connection of a full table to give up: of a handful one that was idle longest, rather
 * one with nothing open. */
struct conn *table_victim(struct obi_conns *conns);
void table_await(struct obi_conns *conns, struct conn *c, enum await await);

/* ---- stream.c -------------------------------------------------------------------------- */

void stream_feed(struct obi_conns *conns, struct conn *c, uint8_t direction, struct chunk *chunk);
/* len bytes passed that nobody saw, the last of them at time_ns. */
void stream_pass_unseen(struct obi_conns *conns, struct conn *c, uint8_t direction, uint64_t len,
			uint64_t time_ns);
/* A head that is being put together will not be completed: it is taken as far as it came. */
void stream_end_head(struct obi_conns *conns, struct conn *c, uint8_t direction, uint64_t time_ns);
/* The body that is passing has ended; a head follows. */
void stream_end_body(struct obi_conns *conns, struct conn *c, uint8_t direction, uint64_t time_ns);
/* The response under way is taken as ended with its last byte; what follows is not known. */
void stream_end_lost(struct obi_conns *conns, struct conn *c, unsigned flags);
/* Does what is known say that the response under way is not whole? */
bool stream_is_cut_short(const struct stream *s);
/* What was being put together is given up. Returns whether it was (part of) a request. */
bool stream_forget(struct obi_conns *conns, struct conn *c, uint8_t direction);

/* The head so far: in the chunk, or put together with what was kept. */
struct slice stream_head_so_far(struct stream *s, const struct chunk *chunk, struct slice bytes,
				size_t *ret_kept);

/* ---- partial.c ------------------------------------------------------------------------- */

/* Keeps the beginning of a head until more of it comes; false where there is no room. */
bool stream_keep_partial(struct obi_conns *conns, struct stream *s, const struct chunk *chunk,
			 struct slice bytes);
void stream_drop_partial(struct obi_conns *conns, struct stream *s);
void partials_free(struct obi_conns *conns);

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

/* ---- exchange.c ------------------------------------------------------------------------ */

/* An exchange at the end of the connection's list, or NULL when there are too many. */
struct exchange *exchange_open(struct obi_conns *conns, struct conn *c,
			       const struct http1_head *head);
/* The final response begins; thread tid sends it, 0 = not known. */
void exchange_answer(struct obi_conns *conns, struct exchange *x, uint16_t status, uint32_t tid);
/* The first exchange whose response has not begun, or NULL. */
struct exchange *exchange_waiting(const struct conn *c);
/* Hands the span on, and forgets the exchange, which is the first of its connection. */
void exchange_finish(struct obi_conns *conns, struct exchange *x, uint64_t end_ns, unsigned flags);
/* Hands the span on as timed out; the exchange stays for the sake of the order. */
void exchange_time_out(struct obi_conns *conns, struct exchange *x);
/* Counts and forgets one, or all that wait for their response. */
void exchange_drop(struct obi_conns *conns, struct exchange *x, enum obi_conn_drop reason);
void exchange_drop_waiting(struct obi_conns *conns, struct conn *c, enum obi_conn_drop reason);
/* Counts something that never became an exchange. */
void exchange_count_drop(struct obi_conns *conns, enum obi_conn_drop reason);
struct slice exchange_method(const struct exchange *x);
void exchanges_free(struct obi_conns *conns);
int exchanges_init(struct obi_conns *conns);

/* ---- identity.c --------------------------------------------------------------------------- */

/* Fills in who began x, a new exchange, and its trace; its head ends in chunk, or is cut there. */
void exchange_identify(struct obi_conns *conns, struct exchange *x, const struct chunk *chunk,
		       const struct http1_head *head, bool cut);

/* ---- kin.c ------------------------------------------------------------------------------- */

int kins_init(struct obi_conns *conns);
void kins_free(struct obi_conns *conns);
/* A server request with its identity begins, is answered by a thread, and ends. */
void kin_begin(struct obi_conns *conns, struct exchange *x);
void kin_answer(struct obi_conns *conns, const struct exchange *x, uint32_t tid);
void kin_end(struct obi_conns *conns, struct exchange *x);
/* The identity of a client request's parent, or NULL. */
const struct obi_trace *kin_parent(struct obi_conns *conns, const struct exchange *x,
				   const struct opening *opening);

#endif
