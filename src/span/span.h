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
#include "obi/process.h"
#include "obi/record.h"

enum obi_span_type {
	OBI_SPAN_HTTP_SERVER,
	OBI_SPAN_HTTP_CLIENT,
	OBI_SPAN_TYPES,
};

/* Who the observed process is. Owned by the service room (or by the replay verb). */
struct obi_service {
	uint32_t pid;
	struct obi_entries entries;
	char name[128];       /* service.name */
	char name_space[128]; /* service.namespace, "" if none */
	char language[16];    /* telemetry.sdk.language: go, java, ..., generic */
	char executable[24];  /* base name */
	char instance[152];   /* service.instance.id: host:PID */
	/* Of its OTEL_RESOURCE_ATTRIBUTES: key=value,key=value, each one whole, values as given:
	 * percent-encoded (base/percent.h). */
	char resource_attributes[512];
};

/* obi_span.flags */
#define OBI_SPAN_IGNORE_METRICS 0x01 /* routes say: not in metrics */
#define OBI_SPAN_IGNORE_TRACES 0x02  /* routes say: not in traces */
#define OBI_SPAN_INCOMPLETE 0x04     /* the connection ended before the response did */
#define OBI_SPAN_UNSAMPLED 0x08      /* no exported trace: by the sampler, or it has one already */
#define OBI_SPAN_OWN_METRICS 0x10    /* no RED metrics: its process exports them itself */

struct obi_span {
	enum obi_span_type type;
	unsigned flags;
	/* Times are Unix time. This one: of the accept for the first request, else start_ns. */
	uint64_t request_start_ns;
	uint64_t start_ns;      /* first byte of the request */
	uint64_t end_ns;        /* last byte of the response */
	int status;             /* HTTP status code; 0 = no answer */
	int64_t request_length; /* body bytes, -1 unknown */
	int64_t response_length;
	struct slice method;      /* as sent */
	struct slice path;        /* without query */
	struct slice query;       /* without '?' */
	struct slice route;       /* http.route, filled in by the pipeline */
	struct slice scheme;      /* http or https */
	struct slice host_header; /* Host or :authority, with port if it has one */
	uint8_t peer_addr[16];    /* the client's end of the exchange ... */
	uint8_t host_addr[16];    /* ... and the server's */
	uint16_t peer_port;
	uint16_t host_port;
	/* Filled in by the pipeline. What a client asked for stands over what it connected to. */
	struct slice peer_name;
	struct slice host_name;
	uint16_t asked_port;    /* 0: host_port */
	struct obi_trace trace; /* span_id and trace_id are set by the conn room, or zero */
	const struct obi_service *service;
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
