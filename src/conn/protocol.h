/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a protocol is, and what a connection does for it.
 *
 * conn knows records, holes, times, ends, identities and pairs; a protocol knows what bytes mean.
 * conn hands it the bytes of a direction in order, and the lengths of those that nobody saw. The
 * protocol says when an operation begins, is answered, and ends: an exchange. A protocol is one
 * folder of src/protocol/ and one line in protocols.def; conn includes none of them.
 *
 * Everything is bounded by conn: exchanges of a connection and of all, the state of a connection,
 * what is kept of beginnings. What cannot be kept is counted.
 */
#ifndef OBI_CONN_PROTOCOL_H
#define OBI_CONN_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "conn/conn.h"
#include "conn/guess.h"
#include "obi/order.h"
#include "obi/record.h"
#include "span/span.h"

struct conn;

/* Who called connect(2) for a connection, and when; 0 = not seen, or requests were sent since. */
struct opening {
	uint64_t ns;
	uint32_t tid;
};

/* Where an operation began: the chunk with its first byte. */
struct origin {
	uint64_t start_ns;
	const struct obi_trace *trace; /* what the kernel made, if flags say so */
	struct opening opening;
	uint32_t pid;
	uint32_t tid;
	uint8_t flags; /* OBI_RECORD_* */
};

/* A request and its response. Lives in a pool; its text lies behind it. */
struct exchange {
	struct exchange *next; /* of the same connection, in order */
	struct exchange *before;
	struct exchange *same_chain;
	struct exchange *older; /* waiting for their response as long as this one may */
	struct exchange *newer;
	const struct obi_system *system; /* the protocol's, unless that says another */
	uint64_t key; /* by which its response finds it, see exchange_find(); 0 = by its order */
	uint64_t start_ns;
	struct obi_trace trace;
	uint64_t line; /* key of its request line, or 0; see obi/parent.h */
	uint32_t conn; /* its connection's index */
	uint32_t pid;
	uint32_t tid;
	uint32_t text_len;
	uint32_t text_size;
	uint8_t large;   /* class of the pool */
	uint8_t kind;    /* enum obi_span_kind */
	bool could_wait; /* received on a socket that may block */
	bool standing;   /* open as a server request, see kin.c, */
	bool kept;       /* and in its slots */
	bool server;
	bool answered; /* the final response began */
	bool waits;    /* in the list of those that may time out */
	bool emitted;  /* timed out: waits only to keep the order */
	uint8_t mark;  /* the protocol's, as are: */
	int32_t own_code;
	struct slice own_text;
	uint64_t passed[2];     /* bytes of the bodies, request first */
	union obi_operation op; /* its texts lie in text[], or are constants */
	char text[];
};

/* A chunk on its way through a protocol. */
struct chunk {
	const struct obi_record *record; /* for origin_of_chunk(); of what it was cut */
	struct slice bytes;
	uint64_t time_ns;
	bool turn; /* first of its message */
	bool cut;  /* bytes follow that nobody saw */
};

/* Why a connection ends, or what is known of it. */
enum conn_end {
	CONN_CLOSED,
	CONN_RESET,
	CONN_LOST,    /* records are missing: nothing that is open can be paired any more */
	CONN_LEFT,    /* it speaks another protocol from now on */
	CONN_EVICTED, /* the table is full: what is open was counted */
};

/* How a response under way is followed on the progress board. */
struct obi_awaiting {
	bool (*under_way)(const struct conn *c);
	/* Brings it up to what the board shows: slot has at least the half's bytes. */
	void (*follow)(struct obi_conns *conns, struct conn *c, const struct obi_board_slot *slot);
	/* Is its length known? Will its end be seen, by what the board shows (NULL: nothing)? */
	bool (*knows_length)(const struct conn *c);
	bool (*knows_end)(const struct conn *c, const struct obi_board_slot *slot);
	/* It is taken as ended with its last byte. */
	void (*give_up)(struct obi_conns *conns, struct conn *c, unsigned flags);
};

struct obi_protocol {
	const char *name;
	const char *help; /* one line for the docs: what is seen, and what is not */
	const struct obi_system *system;
	size_t state_size;      /* of a connection, zero at first; at best CONN_ROOM */
	uint16_t pipeline;      /* most requests open on one connection */
	bool datagrams;         /* each chunk is a message; else it is asked about streams */
	bool carrier;           /* it carries what has operations of its own, whose parents its own
				   are not; asked only where obi_conns_options.carriers says so */
	struct obi_order order; /* what the kernel shows once the protocol is recognised */
	uint8_t timeout;        /* enum obi_timeout: which one its requests have */

	/* Which half of an exchange do these first bytes of a connection begin? */
	enum obi_guess (*guess)(struct slice head, enum obi_role *ret_role);
	/* The same in the middle of a connection, where the bytes may be the rest of anything: true
	 * only of what is hardly anything else than the beginning of a message. */
	bool (*resume)(struct slice head, enum obi_role *ret_role);

	/* A connection begins to speak it, from its first byte on if fresh. c->requests may be
	 * known.
	 */
	void (*begin)(struct obi_conns *conns, struct conn *c, bool fresh);
	/* Bytes were seen. All are taken. */
	void (*feed)(struct obi_conns *conns, struct conn *c, uint8_t direction,
		     struct chunk *chunk);
	/* len bytes passed that nobody saw, the last of them at time_ns. */
	void (*unseen)(struct obi_conns *conns, struct conn *c, uint8_t direction, uint64_t len,
		       uint64_t time_ns);
	/* No more bytes come in this direction. NULL: nothing follows from that. */
	void (*half_end)(struct obi_conns *conns, struct conn *c, uint8_t direction);
	/* It is over, or its place is lost. Gives back what the state holds; conn ends or counts
	 * the exchanges that are left open. */
	void (*end)(struct obi_conns *conns, struct conn *c, enum conn_end how);
	/* The state goes, after the exchanges. NULL: it holds nothing. */
	void (*release)(struct obi_conns *conns, struct conn *c);
	/* An unanswered request waited too long: what its span says then. NULL: it may wait, and
	 * nothing is said before its end is known. */
	void (*time_out)(struct exchange *x);
	/* x becomes a span: fills in what is known only now. flags: OBI_SPAN_*. */
	void (*settle)(struct exchange *x, unsigned flags);
	/* x goes: the state may not point to it any more. NULL: it never does. */
	void (*forget)(struct conn *c, const struct exchange *x);

	/* Of a carrier: what it tells of the TLS session, NULL where nothing is known. */
	const struct obi_tls *(*session)(const struct conn *c);

	/* Of a carrier: the server's certificate, DER, perhaps cut. */
	void (*certify)(struct conn *c, struct slice der);

	/* Responses whose end only the kernel's progress board shows; NULL: there are none. */
	const struct obi_awaiting *awaiting;
};

/* Bytes of a protocol's state that lie in the connection itself; more come from a pool. */
#define CONN_ROOM 88

/* One direction of a connection. */
struct half {
	uint64_t at;      /* bytes passed: of the current message, or in a stream of all */
	uint64_t last_ns; /* when the last of them passed */
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
	const struct obi_protocol *protocol; /* NULL until it is recognised */
	void *state;                         /* the protocol's */
	struct half halves[2];               /* by enum obi_direction */
	struct exchange *first;              /* open exchanges, in order */
	struct exchange *last;
	uint8_t last_span_id[8]; /* the last identity that came with a record */
	uint8_t local_addr[16];
	uint8_t remote_addr[16];
	uint16_t local_port;
	uint16_t remote_port;
	uint32_t message;  /* number of the current message ... */
	uint8_t direction; /* ... and where it goes */
	uint8_t requests;  /* the direction of requests, or DIRECTION_UNKNOWN */
	uint8_t side;
	uint8_t awaiting;    /* enum await */
	uint32_t await_prev; /* list of those whose response has begun and not ended */
	uint32_t await_next; /* or next free slot */
	uint16_t open;       /* exchanges in the list */
	bool muted;          /* what follows is not looked at */
	bool datagrams;      /* as its protocol's row */
	bool streaming;      /* its records are CHUNKs: halves[].at counts all bytes */
	bool tls;            /* they are plain text of a TLS session */
	uint64_t tail; /* tls: the last bytes of a response, as struct obi_board_slot has them */
	uint64_t twin; /* the connection of its plain text; tls: of its ciphertext; 0: none */
	uint64_t room[CONN_ROOM / sizeof(uint64_t)];
};

/* Of a URL that does not say it (RFC 9110 section 4.2). */
static inline struct slice conn_http_scheme(const struct conn *c)
{
	return c->tls ? SLICE_LIT("https") : SLICE_LIT("http");
}

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

/* ---- conn.c ---------------------------------------------------------------------------- */

/* Where an operation began whose first byte is in the chunk. */
struct origin origin_of_chunk(const struct chunk *chunk);
/* Bytes pass that were seen, or were not; counts them and asks the protocol. */
void conn_feed(struct obi_conns *conns, struct conn *c, uint8_t direction, struct chunk *chunk);
void conn_pass_unseen(struct obi_conns *conns, struct conn *c, uint8_t direction, uint64_t len,
		      uint64_t time_ns);
/* What the kernel shall show of the connection from now on. */
void conn_order(struct obi_conns *conns, const struct conn *c, struct obi_order order);
/* Zeroed memory beyond the state, bounded over all connections; NULL where there is no more. */
void *conn_memory_take(struct obi_conns *conns, size_t size);
void conn_memory_give(struct obi_conns *conns, void *memory, size_t size);
/* Does anybody want the text of queries? */
bool conn_wants_query(const struct obi_conns *conns);
/* Nothing of the connection is looked at any more. What is open stays open until it ends. */
void conn_mute(struct obi_conns *conns, struct conn *c);

/* ---- exchange.c ------------------------------------------------------------------------ */

/* An exchange at the end of the connection's list, of which the protocol writes its part of op
 * whole, with room for text_size bytes of text (less,
 * where so much is not to be had), counted as a request; or NULL when there are too many. */
struct exchange *exchange_open(struct obi_conns *conns, struct conn *c, size_t text_size);
/* Gives x a key, not 0, that no other open exchange of the connection has. */
void exchange_set_key(struct obi_conns *conns, struct exchange *x, uint64_t key);
struct exchange *exchange_find(struct obi_conns *conns, const struct conn *c, uint64_t key);
/* Copies text into x, as far as there is room; returns the copy. */
struct slice exchange_keep(struct exchange *x, struct slice text);
/* The final response begins; thread tid sends it, 0 = not known. */
void exchange_answer(struct obi_conns *conns, struct exchange *x, uint32_t tid);
/* The first exchange whose response has not begun, or NULL. */
struct exchange *exchange_waiting(const struct conn *c);
/* Hands the span on, and forgets the exchange. */
void exchange_finish(struct obi_conns *conns, struct exchange *x, uint64_t end_ns, unsigned flags);
/* Counts and forgets one, or all that wait for their response. */
void exchange_drop(struct obi_conns *conns, struct exchange *x, enum obi_conn_drop reason);
void exchange_drop_waiting(struct obi_conns *conns, struct conn *c, enum obi_conn_drop reason);
/* Counts something that never became an exchange. */
void exchange_count_drop(struct obi_conns *conns, enum obi_conn_drop reason);
/* Bytes that nobody saw in the place of a head: requests, or answers, may be among them. */
void exchange_count_unread(struct obi_conns *conns, uint64_t len);

/* ---- identity.c ------------------------------------------------------------------------ */

/* Fills in who began x, a new exchange, and its trace. header: the trace context that its request
 * carried, or NULL. line_key as exchange.line, set before. */
void exchange_identify(struct obi_conns *conns, struct exchange *x, const struct origin *origin,
		       const struct obi_trace *header);

/* ---- partial.c ------------------------------------------------------------------------- */

/* Longest head that is put together from several chunks: as much as the kernel shows. */
#define HEAD_MAX (16 * OBI_HEAD_MAX)
/* Heads under way at the same time, over all connections: 4 MiB. */
#define PARTIALS_MAX 256

/* A head that began but did not end in the chunks so far. */
struct partial {
	struct partial *next_free;
	struct origin origin; /* its trace: */
	struct obi_trace trace;
	uint32_t len;
	bool turn;     /* it began its message */
	bool answered; /* the answer came before its end */
	uint8_t bytes[HEAD_MAX];
};

/* An empty one, or NULL where there are too many. */
struct partial *partial_new(struct obi_conns *conns);
void partial_free(struct obi_conns *conns, struct partial *partial);

#endif
