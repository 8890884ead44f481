/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an endpoint as it is written to what is asked of libcurl. Rules: OpenTelemetry
 * specification, protocol/exporter.md (v1.40), "Endpoint URLs for OTLP/HTTP", and the existing
 * program's where it says more:
 *   - scheme http or https and a host, or unix:///path, unix://@name; anything else is refused;
 *   - the common endpoint is a base: /v1/traces or /v1/metrics is appended to its path;
 *   - a signal's own endpoint is used as it stands; without any path it gets the same one;
 *   - gRPC has paths of its own and ignores that of the endpoint;
 *   - no protocol given: a port that ends in 4317 means gRPC, else HTTP with protobuf.
 */
#ifndef OBI_OTLP_ENDPOINT_H
#define OBI_OTLP_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "otlp/options.h"

#define OTLP_URL_MAX 1024
#define OTLP_SOCKET_MAX 108

struct otlp_endpoint {
	enum otlp_protocol protocol; /* GRPC, HTTP_PROTOBUF or HTTP_JSON */
	bool tls;
	uint16_t port;                    /* 0: a Unix socket */
	char url[OTLP_URL_MAX];           /* with path; may hold a password */
	char socket[OTLP_SOCKET_MAX + 1]; /* Unix socket: its path, or @name; "" = none */
	char shown[OTLP_URL_MAX];         /* for messages: no password, no query */
};

/* Is it an endpoint at all? 0, or -EINVAL with what is allowed in why. */
int otlp_endpoint_check(const char *url, char *why, size_t why_size);

/* The endpoint of a signal. 0, -ENOENT where the signal is not exported, -EINVAL where it does not
 * pass otlp_endpoint_check(). */
int otlp_endpoint_of(const struct obi_otlp_options *options, enum otlp_signal signal,
		     struct otlp_endpoint *ret_endpoint);

#endif
