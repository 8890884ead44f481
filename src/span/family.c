// SPDX-License-Identifier: Apache-2.0
#include "span/family.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "base/grpc_status.h"

static enum span_status error_if(bool failed)
{
	return failed ? SPAN_STATUS_ERROR : SPAN_STATUS_UNSET;
}

/* "FIRST SECOND", or FIRST where there is no second. */
static void put_two(struct slice first, struct slice second, struct buffer *buf)
{
	buffer_put_slice(buf, first);
	if (!first.len || !second.len)
		return;
	buffer_put_char(buf, ' ');
	buffer_put_slice(buf, second);
}

/* The same, or what the system's spans are called of which nothing else is known. */
static void put_two_or_fallback(const struct obi_span *span, struct slice first,
				struct slice second, struct buffer *buf)
{
	put_two(first.len ? first : slice_cstr(span->system->fallback),
		first.len ? second : SLICE_LIT(""), buf);
}

static struct slice no_message(const struct obi_span *span)
{
	return SLICE_LIT("");
}

/* ---- HTTP ---- */

static enum span_status http_status(const struct obi_span *span)
{
	int status = span->op.http.status;

	return error_if(status == 0 || status >= (span->kind == OBI_KIND_CLIENT ? 400 : 500));
}

static struct slice http_error_type(const struct obi_span *span, char text[SPAN_TEXT])
{
	if (!span->op.http.status)
		return SLICE_LIT("_OTHER");
	return slice_of(text, (size_t)snprintf(text, SPAN_TEXT, "%d", span->op.http.status));
}

/* A method alone, where there is no route. */
static void http_put_name(const struct obi_span *span, struct buffer *buf)
{
	/* "If the method is not known": a connection of HTTP/2 that was joined late. */
	put_two(span->op.http.method.len ? span->op.http.method : SLICE_LIT("HTTP"),
		span->op.http.route, buf);
}

/* ---- RPC ---- */

#define RPC_STATUS_NONE (-1)

/* UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS: the others tell the
 * client what it did wrong. */
#define RPC_SERVER_ERRORS (1u << 2 | 1u << 4 | 1u << 12 | 1u << 13 | 1u << 14 | 1u << 15)

struct slice span_rpc_status_name(int status)
{
	const char *name = grpc_status_name(status);

	return name ? slice_cstr(name) : SLICE_LIT("");
}

static enum span_status rpc_status(const struct obi_span *span)
{
	int status = span->op.rpc.status;

	if (status == RPC_STATUS_NONE)
		return SPAN_STATUS_ERROR;
	if (span->kind == OBI_KIND_CLIENT)
		return error_if(status != 0);
	return error_if(status >= 0 && status < 32 && RPC_SERVER_ERRORS >> status & 1);
}

static struct slice rpc_error_type(const struct obi_span *span, char text[SPAN_TEXT])
{
	struct slice name = span_rpc_status_name(span->op.rpc.status);

	return name.len ? name : SLICE_LIT("_OTHER");
}

static struct slice rpc_message(const struct obi_span *span)
{
	return span->op.rpc.message;
}

static void rpc_put_name(const struct obi_span *span, struct buffer *buf)
{
	put_two_or_fallback(span, span->op.rpc.method, SLICE_LIT(""), buf);
}

/* ---- Systems ---- */

/* What differs between systems of one family, by their word of `instrumentations`. */
static const struct system_words {
	const char *instrumentation;
	const char *server, *client; /* of the trace printer */
	bool names_namespace;        /* a span without a collection is named after the namespace */
} words[] = {
	{ "http", "HTTP", "HTTPClient", false },
	{ "grpc", "GRPC", "GRPCClient", false },
	{ "redis", "RedisServer", "RedisClient", false },
	{ "sql", "SQLServer", "SQLClient", true },
	{ "mongo", "MongoServer", "MongoClient", false },
	{ "couchbase", "CouchbaseServer", "CouchbaseClient", false },
	{ "memcached", "MemcachedServer", "MemcachedClient", false },
	{ "aerospike", "AerospikeServer", "AerospikeClient", false },
	{ "kafka", "KafkaServer", "KafkaClient", false },
	{ "mqtt", "MQTTServer", "MQTTClient", false },
	{ "nats", "NATSServer", "NATSClient", false },
	{ "amqp", "AMQPServer", "AMQPClient", false },
	{ "sunrpc", "SunRPCServer", "SunRPCClient", false },
	{ "dns", "DNS", "DNS", false },
	{ "tls", "TLSServer", "TLSClient", false },
};

static const struct system_words *find_words(const struct obi_system *system)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(system->instrumentation, words[i].instrumentation) == 0)
			return &words[i];
	}
	return NULL;
}

/* ---- Databases ---- */

static enum span_status db_status(const struct obi_span *span)
{
	return error_if(span->op.db.status.len != 0);
}

static struct slice db_error_type(const struct obi_span *span, char text[SPAN_TEXT])
{
	return span->op.db.status;
}

static struct slice db_message(const struct obi_span *span)
{
	return span->op.db.message;
}

static void db_put_name(const struct obi_span *span, struct buffer *buf)
{
	const struct obi_db *db = &span->op.db;
	struct slice target = db->collection;

	if (!target.len && db->name_space.len) {
		const struct system_words *system = find_words(span->system);

		if (system && system->names_namespace)
			target = db->name_space;
	}
	put_two_or_fallback(span, db->operation, target, buf);
}

/* ---- Messages ---- */

static enum span_status messaging_status(const struct obi_span *span)
{
	return SPAN_STATUS_UNSET;
}

static struct slice messaging_error_type(const struct obi_span *span, char text[SPAN_TEXT])
{
	return SLICE_LIT("");
}

static void messaging_put_name(const struct obi_span *span, struct buffer *buf)
{
	const struct obi_messaging *messaging = &span->op.messaging;

	put_two_or_fallback(span, messaging->operation, messaging->destination, buf);
}

/* ---- DNS ---- */

static enum span_status dns_status(const struct obi_span *span)
{
	return error_if(span->op.dns.error.len != 0);
}

static struct slice dns_error_type(const struct obi_span *span, char text[SPAN_TEXT])
{
	return span->op.dns.error;
}

static struct slice dns_message(const struct obi_span *span)
{
	return span->op.dns.error;
}

static void dns_put_name(const struct obi_span *span, struct buffer *buf)
{
	const struct obi_dns *dns = &span->op.dns;

	put_two_or_fallback(span, dns->name.len ? dns->type : SLICE_LIT(""), dns->name, buf);
}

/* ---- TLS ---- */

static enum span_status tls_status(const struct obi_span *span)
{
	return error_if(span->op.handshake.error.len != 0);
}

static struct slice tls_error_type(const struct obi_span *span, char text[SPAN_TEXT])
{
	return span->op.handshake.error;
}

static void tls_put_name(const struct obi_span *span, struct buffer *buf)
{
	buffer_put_cstr(buf, span->system->fallback);
}

/* ---- All ---- */

const struct obi_family obi_families[] = {
	[OBI_FAMILY_HTTP] = { http_status, http_error_type, no_message, http_put_name },
	[OBI_FAMILY_RPC] = { rpc_status, rpc_error_type, rpc_message, rpc_put_name },
	[OBI_FAMILY_DB] = { db_status, db_error_type, db_message, db_put_name },
	[OBI_FAMILY_MESSAGING] = { messaging_status, messaging_error_type, no_message,
				   messaging_put_name },
	[OBI_FAMILY_DNS] = { dns_status, dns_error_type, dns_message, dns_put_name },
	[OBI_FAMILY_TLS] = { tls_status, tls_error_type, no_message, tls_put_name },
};

_Static_assert(ARRAY_SIZE(obi_families) == OBI_FAMILIES, "a row for each family");

struct slice span_error_type(const struct obi_span *span, char text[SPAN_TEXT])
{
	const struct obi_family *family = span_family(span);

	return family->status(span) == SPAN_STATUS_ERROR ? family->error_type(span, text)
							 : SLICE_LIT("");
}

struct slice span_status_message(const struct obi_span *span)
{
	const struct obi_family *family = span_family(span);

	return family->status(span) == SPAN_STATUS_ERROR ? family->message(span) : SLICE_LIT("");
}

void span_put_name(const struct obi_span *span, struct buffer *buf)
{
	span_family(span)->put_name(span, buf);
}

const char *span_type_word(const struct obi_span *span)
{
	const struct system_words *system = find_words(span->system);

	if (!system)
		return span->system->fallback;
	/* Who hands a message in or takes one asks a broker. */
	return span->kind == OBI_KIND_SERVER ? system->server : system->client;
}

const char *span_kind_word(enum obi_span_kind kind)
{
	static const char *const kinds[] = {
		[OBI_KIND_SERVER] = "SPAN_KIND_SERVER",
		[OBI_KIND_CLIENT] = "SPAN_KIND_CLIENT",
		[OBI_KIND_PRODUCER] = "SPAN_KIND_PRODUCER",
		[OBI_KIND_CONSUMER] = "SPAN_KIND_CONSUMER",
		[OBI_KIND_INTERNAL] = "SPAN_KIND_INTERNAL",
	};

	_Static_assert(ARRAY_SIZE(kinds) == OBI_KINDS, "a word for each kind");
	return kinds[kind];
}
