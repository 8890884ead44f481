// SPDX-License-Identifier: Apache-2.0
/*
 * TLS as conn sees it: a handshake is an operation, from the client's hello to the record by which
 * both sides know each other; what follows is ciphertext, of which nothing is looked at.
 *
 * Up to TLS 1.2 that is the second of two handshake records behind a change_cipher_spec. In 1.3
 * all behind the server's hello is of type application_data: the client's first one then has its
 * Finished, or, if it is as short as nothing else is, an alert.
 */
#include <string.h>

#include "conn/protocol.h"
#include "protocol/tls/hello.h"

#define MESSAGE_ROOM 4096 /* of a handshake message that is read */
#define SHOWN (16 * 1024) /* of a chunk */

/* In 1.3 (RFC 8446 section 5.2): two bytes, their type, a tag. */
#define ENCRYPTED_ALERT (2 + 1 + 16)
/* And a Finished by SHA-256 or SHA-384. */
#define FINISHED_256 (TLS_MESSAGE_HEADER + 32 + 1 + 16)
#define FINISHED_384 (TLS_MESSAGE_HEADER + 48 + 1 + 16)

const struct obi_system obi_system_tls = {
	.family = OBI_FAMILY_TLS,
	.name = "",
	.instrumentation = "tls",
	.fallback = "TLS handshake",
};

/* One direction: the record and the message in it that are under way. */
struct track {
	uint32_t record_left;
	uint32_t message_left;
	uint16_t record_have;  /* bytes of its header */
	uint16_t message_have; /* of its header and, as far as they are kept, its body */
	uint8_t record[TLS_RECORD_HEADER];
	uint8_t alert[2]; /* level, description */
	uint8_t alert_have;
	bool torn;     /* some of the message was not seen */
	bool changed;  /* change_cipher_spec: what follows is encrypted */
	bool finished; /* ... and a handshake record did */
	uint8_t message[MESSAGE_ROOM];
};

struct handshake {
	struct track tracks[2]; /* by direction */
	struct exchange *x;
	struct origin origin; /* of the first byte; without a trace */
	uint16_t version;
	bool answered; /* by a hello that is no retry */
	bool early_data;
};

/* What is known of the session, with its texts behind it. */
struct told {
	struct obi_tls tls;
	size_t size;
	char cipher[TLS_CIPHER_TEXT];
	char text[];
};

struct tls_conn {
	struct handshake *handshake; /* NULL once it is over */
	struct told *told;           /* NULL: nothing yet */
};

_Static_assert(sizeof(struct tls_conn) <= CONN_ROOM, "in the connection itself");

static struct tls_conn *tls_of(const struct conn *c)
{
	return (struct tls_conn *)c->state;
}

/* ---- What is known ------------------------------------------------------------------------- */

static void told_forget(struct obi_conns *conns, struct conn *c)
{
	struct tls_conn *tls = tls_of(c);

	if (tls->told)
		conn_memory_give(conns, tls->told, tls->told->size);
	tls->told = NULL;
}

/* The name that the client asks for, which a second hello repeats. */
static void tell_name(struct obi_conns *conns, struct conn *c, struct slice name)
{
	struct tls_conn *tls = tls_of(c);
	size_t size = sizeof(*tls->told) + name.len + UINT8_MAX; /* with a protocol's name */

	if (tls->told)
		return;
	tls->told = conn_memory_take(conns, size);
	if (!tls->told)
		return;
	tls->told->size = size;
	if (name.len)
		memcpy(tls->told->text, name.data, name.len);
	tls->told->tls = (struct obi_tls){
		.version = "",
		.server_name = slice_of(tls->told->text, name.len),
		.resumed = -1,
		.established = -1,
	};
}

static void tell_answer(struct told *told, const struct tls_server_hello *hello)
{
	char *text = told->text + told->tls.server_name.len;

	told->tls.version = tls_version_text(hello->version);
	told->tls.cipher = tls_cipher_text(hello->cipher, told->cipher);
	if (hello->next_protocol.len)
		memcpy(text, hello->next_protocol.data, hello->next_protocol.len);
	told->tls.next_protocol = slice_of(text, hello->next_protocol.len);
	if (hello->version >= TLS_VERSION_1_3)
		told->tls.resumed = hello->pre_shared_key;
}

static const struct obi_tls *session(const struct conn *c)
{
	const struct tls_conn *tls = tls_of(c);

	return tls->told ? &tls->told->tls : NULL;
}

/* In 1.3 it comes encrypted. */
static void certify(struct conn *c, struct slice der)
{
	struct tls_conn *tls = tls_of(c);

	if (tls->told && !tls->told->tls.not_after)
		tls->told->tls.not_after = tls_der_not_after(der);
}

/* ---- Its end ------------------------------------------------------------------------------- */

static void leave(struct obi_conns *conns, struct conn *c)
{
	struct tls_conn *tls = tls_of(c);

	if (tls->handshake)
		conn_memory_give(conns, tls->handshake, sizeof(*tls->handshake));
	tls->handshake = NULL;
}

static void forget(struct conn *c, const struct exchange *x)
{
	struct handshake *handshake = tls_of(c)->handshake;

	if (handshake && handshake->x == x)
		handshake->x = NULL;
}

/* error: "" of one that succeeded. */
static void finish(struct obi_conns *conns, struct conn *c, struct slice error,
		   const struct chunk *chunk)
{
	struct tls_conn *tls = tls_of(c);
	struct exchange *x = tls->handshake->x;

	if (tls->told)
		tls->told->tls.established = !error.len;
	if (x) {
		if (error.len)
			x->op.handshake.error = exchange_keep(x, error);
		exchange_answer(conns, x, chunk->record->tid);
		exchange_finish(conns, x, chunk->time_ns, 0);
	}
	leave(conns, c);
	conn_mute(conns, c);
}

/* Not what it seemed, or its place is lost. */
static void give_up(struct obi_conns *conns, struct conn *c, enum obi_conn_drop reason)
{
	struct tls_conn *tls = tls_of(c);

	if (tls->handshake->x)
		exchange_drop(conns, tls->handshake->x, reason);
	leave(conns, c);
	conn_mute(conns, c);
}

/* ---- Messages ------------------------------------------------------------------------------ */

static void on_client_hello(struct obi_conns *conns, struct conn *c, struct slice body)
{
	struct handshake *handshake = tls_of(c)->handshake;
	struct tls_client_hello hello;
	struct exchange *x;

	if (tls_parse_client_hello(body, &hello)) {
		give_up(conns, c, OBI_DROP_UNPARSED);
		return;
	}
	tell_name(conns, c, hello.server_name);
	handshake->early_data = hello.early_data;
	if (handshake->x) /* the second one, asked for by a retry */
		return;
	x = exchange_open(conns, c, TLS_CIPHER_TEXT);
	if (!x) {
		exchange_count_drop(conns, OBI_DROP_EVICTED);
		return;
	}
	x->op.handshake = (struct obi_handshake){ .error = SLICE_LIT("") };
	exchange_identify(conns, x, &handshake->origin, NULL);
	handshake->x = x;
}

static void on_server_hello(struct obi_conns *conns, struct conn *c, struct slice body)
{
	struct tls_conn *tls = tls_of(c);
	struct tls_server_hello hello;

	if (tls_parse_server_hello(body, &hello)) {
		give_up(conns, c, OBI_DROP_UNPARSED);
		return;
	}
	tls->handshake->version = hello.version;
	if (hello.retry)
		return;
	tls->handshake->answered = true;
	if (tls->told)
		tell_answer(tls->told, &hello);
}

static void on_message(struct obi_conns *conns, struct conn *c, uint8_t direction,
		       struct slice message)
{
	struct slice body = slice_from(message, TLS_MESSAGE_HEADER);
	struct tls_conn *tls = tls_of(c);
	bool client = direction == c->requests;

	if (message.data[0] == TLS_CLIENT_HELLO && client)
		on_client_hello(conns, c, body);
	else if (message.data[0] == TLS_SERVER_HELLO && !client)
		on_server_hello(conns, c, body);
	else if (message.data[0] == TLS_CERTIFICATE && !client && tls->told)
		tls->told->tls.not_after = tls_certificate_not_after(body);
}

/* Bytes of plain handshake messages, which records may divide anywhere. Returns how many. */
static size_t take_message(struct obi_conns *conns, struct conn *c, uint8_t direction,
			   struct slice bytes)
{
	struct track *track = &tls_of(c)->handshake->tracks[direction];
	size_t len;

	if (track->message_have < TLS_MESSAGE_HEADER) {
		track->message[track->message_have++] = bytes.data[0];
		track->message_left = (uint32_t)track->message[1] << 16 |
				      (uint32_t)track->message[2] << 8 | track->message[3];
		len = 1;
	} else {
		struct slice mine = slice_first(bytes, track->message_left), kept;

		kept = slice_first(mine, sizeof(track->message) - track->message_have);
		if (kept.len)
			memcpy(track->message + track->message_have, kept.data, kept.len);
		track->message_have += (uint16_t)kept.len;
		track->message_left -= (uint32_t)mine.len;
		len = mine.len;
	}
	if (track->message_have >= TLS_MESSAGE_HEADER && !track->message_left) {
		struct slice message = slice_of(track->message, track->message_have);

		track->message_have = 0;
		on_message(conns, c, direction, message);
	}
	return len;
}

/* ---- Records ------------------------------------------------------------------------------- */

/* The first encrypted one of 1.3 that says something. */
static void on_encrypted(struct obi_conns *conns, struct conn *c, uint8_t direction, uint32_t len,
			 const struct chunk *chunk)
{
	const struct handshake *handshake = tls_of(c)->handshake;

	if (!handshake->answered)
		return; /* early data */
	if (handshake->version < TLS_VERSION_1_3) {
		/* A server says nothing before both are done; a client may (RFC 7918). */
		if (direction != c->requests)
			finish(conns, c, SLICE_LIT(""), chunk);
		return;
	}
	if (direction != c->requests)
		return;
	/* Of early data some may come still. */
	if (!handshake->early_data)
		finish(conns, c, len == ENCRYPTED_ALERT ? SLICE_LIT("_OTHER") : SLICE_LIT(""),
		       chunk);
	else if (len == FINISHED_256 || len == FINISHED_384)
		finish(conns, c, SLICE_LIT(""), chunk);
}

static void on_change_cipher_spec(struct conn *c, uint8_t direction)
{
	struct tls_conn *tls = tls_of(c);
	struct track *tracks = tls->handshake->tracks;

	if (!tls->handshake->answered || tls->handshake->version >= TLS_VERSION_1_3)
		return; /* in 1.3 it means nothing (RFC 8446 appendix D.4) */
	/* A server that is the first to say it goes on with what it knows (RFC 5246 section 7.3).
	 */
	if (direction != c->requests && tls->told)
		tls->told->tls.resumed = !tracks[c->requests].changed;
	tracks[direction].changed = true;
}

/* The header of a record is there. */
static void on_record(struct obi_conns *conns, struct conn *c, uint8_t direction,
		      const struct chunk *chunk)
{
	struct handshake *handshake = tls_of(c)->handshake;
	struct track *track = &handshake->tracks[direction];
	uint32_t len = (uint32_t)track->record[3] << 8 | track->record[4];
	uint8_t type = track->record[0];

	track->record_left = len;
	if (type < TLS_CHANGE_CIPHER_SPEC || type > TLS_HEARTBEAT || track->record[1] != 3 ||
	    len > TLS_RECORD_MAX) {
		give_up(conns, c, OBI_DROP_UNPARSED);
	} else if (type == TLS_APPLICATION_DATA) {
		on_encrypted(conns, c, direction, len, chunk);
	} else if (type == TLS_CHANGE_CIPHER_SPEC) {
		on_change_cipher_spec(c, direction);
	} else if (type == TLS_ALERT && track->changed) {
		finish(conns, c, SLICE_LIT("_OTHER"), chunk);
	} else if (type == TLS_HANDSHAKE && track->changed) {
		track->finished = true;
		if (handshake->tracks[!direction].finished)
			finish(conns, c, SLICE_LIT(""), chunk);
	}
}

static size_t take_alert(struct obi_conns *conns, struct conn *c, uint8_t direction,
			 struct slice bytes, const struct chunk *chunk)
{
	struct track *track = &tls_of(c)->handshake->tracks[direction];
	char room[TLS_CIPHER_TEXT];

	track->alert[track->alert_have++] = bytes.data[0];
	if (track->alert_have < sizeof(track->alert))
		return 1;
	track->alert_have = 0;
	if (track->alert[0] == TLS_ALERT_FATAL || track->alert[1] == TLS_ALERT_CLOSE_NOTIFY)
		finish(conns, c, tls_alert_text(track->alert[1], room), chunk);
	return 1;
}

static size_t take_bytes(struct obi_conns *conns, struct conn *c, uint8_t direction,
			 struct slice bytes, const struct chunk *chunk)
{
	struct track *track = &tls_of(c)->handshake->tracks[direction];
	struct slice mine;
	size_t taken;

	if (!track->record_left) {
		track->record[track->record_have++] = bytes.data[0];
		if (track->record_have == TLS_RECORD_HEADER) {
			track->record_have = 0;
			on_record(conns, c, direction, chunk);
		}
		return 1;
	}
	mine = slice_first(bytes, track->record_left);
	if (track->record[0] == TLS_HANDSHAKE && !track->changed && !track->torn) {
		taken = 1;
		if (track->message_have >= TLS_MESSAGE_HEADER)
			taken = mine.len < track->message_left ? mine.len : track->message_left;
		track->record_left -= (uint32_t)taken; /* the track may be gone afterwards */
		return take_message(conns, c, direction, slice_first(mine, taken));
	}
	if (track->record[0] == TLS_ALERT && !track->changed && !track->torn) {
		track->record_left--;
		return take_alert(conns, c, direction, mine, chunk);
	}
	track->record_left -= (uint32_t)mine.len;
	return mine.len;
}

/* ---- The row ------------------------------------------------------------------------------- */

static void begin(struct obi_conns *conns, struct conn *c, bool fresh)
{
	tls_of(c)->handshake = conn_memory_take(conns, sizeof(struct handshake));
	if (!tls_of(c)->handshake) {
		exchange_count_drop(conns, OBI_DROP_EVICTED);
		conn_mute(conns, c);
	}
}

static void feed(struct obi_conns *conns, struct conn *c, uint8_t direction, struct chunk *chunk)
{
	struct handshake *handshake = tls_of(c)->handshake;
	struct slice rest = chunk->bytes;

	if (handshake && !handshake->origin.start_ns) {
		handshake->origin = origin_of_chunk(chunk);
		handshake->origin.trace = NULL;
		handshake->origin.flags &= (uint8_t) ~(OBI_RECORD_TRACED | OBI_RECORD_INJECTED);
	}
	while (rest.len && tls_of(c)->handshake)
		rest = slice_from(rest, take_bytes(conns, c, direction, rest, chunk));
}

/* Within a record what comes behind it is still found; of its messages nothing more is read. */
static void unseen(struct obi_conns *conns, struct conn *c, uint8_t direction, uint64_t len,
		   uint64_t time_ns)
{
	struct handshake *handshake = tls_of(c)->handshake;
	struct track *track;

	if (!handshake)
		return;
	track = &handshake->tracks[direction];
	if (len > track->record_left) {
		exchange_count_unread(conns, len);
		give_up(conns, c, OBI_DROP_LOST_RECORD);
		return;
	}
	track->record_left -= (uint32_t)len;
	track->torn = true;
	if (direction == c->requests && !handshake->x)
		exchange_count_unread(conns, len);
}

static void end(struct obi_conns *conns, struct conn *c, enum conn_end how)
{
	if (how == CONN_LOST)
		leave(conns, c);
}

static void release(struct obi_conns *conns, struct conn *c)
{
	leave(conns, c);
	told_forget(conns, c);
}

static enum obi_guess guess(struct slice head, enum obi_role *ret_role)
{
	*ret_role = OBI_ROLE_REQUEST;
	return tls_guess(head);
}

static bool resume(struct slice head, enum obi_role *ret_role)
{
	return guess(head, ret_role) == OBI_GUESS_YES;
}

static void settle(struct exchange *x, unsigned flags)
{
	if (flags & OBI_SPAN_INCOMPLETE && !x->answered)
		x->op.handshake.error = SLICE_LIT("_OTHER");
}

static void time_out(struct exchange *x)
{
	x->op.handshake.error = SLICE_LIT("timeout");
}

const struct obi_protocol protocol_tls = {
	.name = "tls",
	.help = "TLS: handshakes alone, what they say in clear text; where `tls` is among the "
		"`instrumentations`",
	.system = &obi_system_tls,
	.state_size = sizeof(struct tls_conn),
	.pipeline = 1,
	.carrier = true,
	.order = { .mode = OBI_ORDER_STREAM, .bytes = SHOWN },
	.guess = guess,
	.resume = resume,
	.begin = begin,
	.feed = feed,
	.unseen = unseen,
	.end = end,
	.release = release,
	.settle = settle,
	.time_out = time_out,
	.forget = forget,
	.session = session,
	.certify = certify,
};
