/* SPDX-License-Identifier: Apache-2.0 */
/* Spans and flows that several tests export. */
#ifndef OBI_TESTS_SAMPLE_H
#define OBI_TESTS_SAMPLE_H

#include <string.h>

#include "base/clock.h"
#include "flow/flow.h"
#include "span/span.h"

static const struct obi_service sample_gosrv = {
	.pid = 2460,
	.name = "gosrv",
	.language = "go",
	.instance = "vm:2460",
};

#define SAMPLE_LOOPBACK                                                                            \
	{                                                                                          \
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1                             \
	}

/* 2026-11-24 15:29:36.432936 UTC */
#define SAMPLE_START_NS (1795534176ULL * NSEC_PER_SEC + 432936000)

static inline struct obi_span sample_server(void)
{
	return (struct obi_span){
		.system = &obi_system_http,
		.kind = OBI_KIND_SERVER,
		.request_start_ns = SAMPLE_START_NS,
		.start_ns = SAMPLE_START_NS + 35542,
		.end_ns = SAMPLE_START_NS + 172846,
		.op.http.status = 200,
		.op.http.method = SLICE_LIT("GET"),
		.op.http.path = SLICE_LIT("/users/123"),
		.op.http.route = SLICE_LIT("/users/"),
		.op.http.scheme = SLICE_LIT("http"),
		.peer_addr = SAMPLE_LOOPBACK,
		.host_addr = SAMPLE_LOOPBACK,
		.peer_port = 54908,
		.host_port = 8080,
		.peer_name = SLICE_LIT("127.0.0.1"),
		.host_name = SLICE_LIT("gosrv"),
		.trace = { .trace_id = { 0x5b, 0x1e, 0xdc, 0x12, 0x38, 0x56, 0xe8, 0xc2, 0x91, 0xc7,
					 0xd8, 0xc4, 0x00, 0xa9, 0x9d, 0x43 },
			   .span_id = { 0x02, 0x7f, 0x2e, 0x2a, 0x82, 0xa2, 0x53, 0xea },
			   .trace_flags = 1 },
		.service = &sample_gosrv,
	};
}

static inline struct obi_span sample_client(void)
{
	struct obi_span span = sample_server();

	span.kind = OBI_KIND_CLIENT;
	span.start_ns = span.request_start_ns;
	span.end_ns = span.start_ns + 1497564;
	span.op.http.path = span.op.http.route = SLICE_LIT("/ping");
	span.op.http.response_length = 5;
	span.peer_port = 54954;
	span.peer_name = SLICE_LIT("gosrv");
	span.host_name = SLICE_LIT("127.0.0.1");
	return span;
}

static const struct obi_system sample_redis_system = {
	.family = OBI_FAMILY_DB, .name = "redis", .instrumentation = "redis", .fallback = "REDIS"
};
static const struct obi_system sample_sql_system = {
	.family = OBI_FAMILY_DB, .name = "postgresql", .instrumentation = "sql", .fallback = "SQL"
};
static const struct obi_system sample_grpc_system = {
	.family = OBI_FAMILY_RPC, .name = "grpc", .instrumentation = "grpc", .fallback = "GRPC"
};
static const struct obi_system sample_kafka_system = { .family = OBI_FAMILY_MESSAGING,
						       .name = "kafka",
						       .instrumentation = "kafka",
						       .fallback = "KAFKA" };
static const struct obi_system sample_dns_system = {
	.family = OBI_FAMILY_DNS, .name = "", .instrumentation = "dns", .fallback = "DNS"
};

/* What it says of HTTP is overwritten: nobody may look there. */
static inline struct obi_span sample_of(const struct obi_system *system, enum obi_span_kind kind)
{
	struct obi_span span = kind == OBI_KIND_SERVER ? sample_server() : sample_client();

	span.system = system;
	span.kind = kind;
	memset(&span.op, 0, sizeof(span.op));
	return span;
}

static inline struct obi_span sample_redis(enum obi_span_kind kind)
{
	struct obi_span span = sample_of(&sample_redis_system, kind);

	span.host_port = 6379;
	span.op.db.operation = SLICE_LIT("LPUSH");
	span.op.db.name_space = SLICE_LIT("3");
	span.op.db.query = SLICE_LIT("LPUSH queue secret");
	return span;
}

static inline struct obi_span sample_grpc(enum obi_span_kind kind)
{
	struct obi_span span = sample_of(&sample_grpc_system, kind);

	span.host_port = 50051;
	span.op.rpc.method = SLICE_LIT("shop.Cart/Add");
	return span;
}

static inline struct obi_span sample_kafka(enum obi_span_kind kind)
{
	struct obi_span span = sample_of(&sample_kafka_system, kind);

	span.host_port = 9092;
	span.op.messaging.operation =
		kind == OBI_KIND_CONSUMER ? SLICE_LIT("process") : SLICE_LIT("publish");
	span.op.messaging.destination = SLICE_LIT("orders");
	span.op.messaging.client_id = SLICE_LIT("producer-1");
	return span;
}

static inline struct obi_span sample_dns(void)
{
	struct obi_span span = sample_of(&sample_dns_system, OBI_KIND_INTERNAL);

	span.host_port = 53;
	span.op.dns.type = SLICE_LIT("AAAA");
	span.op.dns.name = SLICE_LIT("shop.example");
	span.op.dns.answers = SLICE_LIT("2001:db8::1,2001:db8::2");
	return span;
}

static const struct obi_system sample_tls_system = {
	.family = OBI_FAMILY_TLS,
	.name = "",
	.instrumentation = "tls",
	.fallback = "TLS handshake",
};

/* tls: what is known of its session; must live as long. */
static inline struct obi_span sample_handshake(const struct obi_tls *tls)
{
	struct obi_span span = sample_of(&sample_tls_system, OBI_KIND_SERVER);

	span.tls = tls;
	return span;
}

static inline struct obi_flow_record sample_flow(void)
{
	return (struct obi_flow_record){
		.flow = { .key = { .src_port = 33114,
				   .dst_port = 8080,
				   .eth_protocol = 0x0800,
				   .transport = 6,
				   .direction = OBI_EGRESS },
			  .value = { .bytes = 486, .packets = 6, .initiator = OBI_INITIATOR_SRC } },
		.obi_ip = "10.77.0.1",
		.iface = "",
		.src_address = "10.77.0.1",
		.dst_address = "10.77.0.2",
		.src_name = SLICE_LIT("10.77.0.1"),
		.dst_name = SLICE_LIT("10.77.0.2"),
		.src_cidr = "10.77.0.0/24",
		.dst_cidr = "10.77.0.0/24",
	};
}

#endif
