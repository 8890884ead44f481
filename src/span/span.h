/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A span: one finished operation, and the sink through which stages hand spans on.
 *
 * Everything a span points to is borrowed and lives only until the sink returns:
 * a stage that keeps something copies it.
 */
#ifndef OBI_SPAN_SPAN_H
#define OBI_SPAN_SPAN_H

#include <stdint.h>

#include "base/slice.h"
#include "obi/record.h"
#include "service/service.h"

/* Which part of union obi_operation a span has, and so which attributes and metrics. */
enum obi_span_family {
	OBI_FAMILY_HTTP,
	OBI_FAMILY_RPC,
	OBI_FAMILY_DB,
	OBI_FAMILY_MESSAGING,
	OBI_FAMILY_DNS,
	OBI_FAMILY_TLS,
	OBI_FAMILIES,
};

/* OpenTelemetry's SpanKind, from the observed process's point of view. */
enum obi_span_kind {
	OBI_KIND_SERVER,
	OBI_KIND_CLIENT,
	OBI_KIND_PRODUCER,
	OBI_KIND_CONSUMER,
	OBI_KIND_INTERNAL,
	OBI_KINDS,
};

/* Server and client: the kinds before the others. */
#define OBI_SPAN_SIDES 2

/* Of which system a span tells: one constant a protocol. */
struct obi_system {
	enum obi_span_family family;
	const char *name;            /* db.system.name, rpc.system.name, messaging.system; "" */
	const char *instrumentation; /* the word by which options switch it: http, grpc, redis */
	const char *fallback;        /* name of a span of which nothing else is known */
};

extern const struct obi_system obi_system_http;

/* http.*, url.* */
struct obi_http {
	struct slice method;    /* as sent */
	struct slice path;      /* without query */
	struct slice query;     /* without '?' */
	struct slice route;     /* http.route, filled in by the pipeline */
	struct slice scheme;    /* http or https */
	struct slice host;      /* Host or :authority, with port if it has one */
	int64_t request_length; /* body bytes, -1 unknown */
	int64_t response_length;
	int status; /* status code; 0 = no answer */
};

/* rpc.* */
struct obi_rpc {
	struct slice method;  /* package.Service/Method, without the leading slash */
	struct slice message; /* of an error: grpc-message */
	int status;           /* gRPC status code; -1 = none came */
};

/* db.* */
struct obi_db {
	struct slice operation;  /* db.operation.name */
	struct slice collection; /* db.collection.name */
	struct slice name_space; /* db.namespace */
	struct slice query;      /* db.query.text */
	struct slice status;     /* db.response.status_code; "" = no error */
	struct slice message;    /* of an error */
};

/* messaging.* */
struct obi_messaging {
	struct slice operation;   /* messaging.operation.type: publish, process */
	struct slice destination; /* messaging.destination.name */
	struct slice client_id;
};

/* dns.* */
struct obi_dns {
	struct slice name;    /* dns.question.name */
	struct slice type;    /* of the question: A, AAAA, TYPE65 */
	struct slice answers; /* dns.answers: addresses with commas between them */
	struct slice
		error; /* error.type: name of the RCODE (RFC 6895 section 2.3), "timeout"; "" */
};

/* A TLS handshake. */
struct obi_handshake {
	struct slice error; /* error.type: name of an alert, "timeout", "_OTHER"; "" */
};

/* tls.*: the session that an operation went through, or that a handshake made. */
struct obi_tls {
	const char *version; /* "1.3"; "" not known */
	struct slice cipher; /* as IANA names it */
	struct slice server_name;
	struct slice next_protocol; /* of ALPN; "" none, or not known */
	int64_t not_after; /* of the server's certificate, Unix time in seconds; 0 not known */
	int8_t resumed;    /* an earlier one; -1 not known */
	int8_t established;
};

/* What the families do not share. */
union obi_operation {
	struct obi_http http;
	struct obi_rpc rpc;
	struct obi_db db;
	struct obi_messaging messaging;
	struct obi_dns dns;
	struct obi_handshake handshake;
};

/* obi_span.flags */
#define OBI_SPAN_IGNORE_METRICS 0x01 /* routes say: not in metrics */
#define OBI_SPAN_IGNORE_TRACES 0x02  /* routes say: not in traces */
#define OBI_SPAN_INCOMPLETE 0x04     /* the connection ended before the response did */
#define OBI_SPAN_UNSAMPLED 0x08      /* no exported trace: by the sampler, or it has one already */
#define OBI_SPAN_OWN_METRICS 0x10    /* no RED metrics: its process exports them itself */

struct obi_span {
	const struct obi_system *system;
	enum obi_span_kind kind;
	unsigned flags;
	/* Times are Unix time. This one: of the accept for the first request, else start_ns. */
	uint64_t request_start_ns;
	uint64_t start_ns;     /* first byte of the request */
	uint64_t end_ns;       /* last byte of the response */
	uint8_t peer_addr[16]; /* the client's end of the exchange ... */
	uint8_t host_addr[16]; /* ... and the server's */
	uint16_t peer_port;
	uint16_t host_port;
	/* Filled in by the pipeline. What a client asked for stands over what it connected to. */
	struct slice peer_name;
	struct slice host_name;
	uint16_t asked_port;    /* 0: host_port */
	struct obi_trace trace; /* span_id and trace_id are set by the conn room, or zero */
	const struct obi_service *service;
	const struct obi_tls *tls; /* NULL: none is known */
	union obi_operation op;    /* by system->family */
};

/* Where spans go next. Never blocks, keeps nothing of the span. */
struct obi_span_sink {
	void (*put)(void *context, struct obi_span *span);
	void *context;
};

/* server.port */
static inline uint16_t obi_span_server_port(const struct obi_span *span)
{
	return span->asked_port ? span->asked_port : span->host_port;
}

static inline void obi_span_put(const struct obi_span_sink *sink, struct obi_span *span)
{
	sink->put(sink->context, span);
}

#endif
