/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every metric of applications and networks: what OpenTelemetry calls it, its unit and meaning, and
 * when it is made. The docs page of the metrics is written from here. What the program says of
 * itself: internal.c.
 */
#ifndef OBI_METRICS_FAMILIES_CATALOG_H
#define OBI_METRICS_FAMILIES_CATALOG_H

#include "base/buffer.h"
#include "metrics/attributes.h"
#include "metrics/families/family.h"
#include "metrics/registry.h"

enum metric_id {
	METRIC_HTTP_SERVER_DURATION,
	METRIC_HTTP_SERVER_REQUEST_SIZE,
	METRIC_HTTP_SERVER_RESPONSE_SIZE,
	METRIC_HTTP_CLIENT_DURATION,
	METRIC_HTTP_CLIENT_REQUEST_SIZE,
	METRIC_HTTP_CLIENT_RESPONSE_SIZE,
	METRIC_RPC_SERVER_DURATION,
	METRIC_RPC_CLIENT_DURATION,
	METRIC_DB_CLIENT_DURATION,
	METRIC_DB_SERVER_DURATION,
	METRIC_MESSAGING_CLIENT_DURATION,
	METRIC_MESSAGING_PROCESS_DURATION,
	METRIC_DNS_DURATION,
	METRIC_TLS_HANDSHAKE_DURATION,
	METRIC_TLS_CERTIFICATE_EXPIRY,
	METRIC_SPAN_LATENCY,
	METRIC_SPAN_CALLS,
	METRIC_SPAN_DURATION_OTEL,
	METRIC_SPAN_CALLS_OTEL,
	METRIC_SPAN_SIZE,
	METRIC_SPAN_RESPONSE_SIZE,
	METRIC_GRAPH_CLIENT,
	METRIC_GRAPH_SERVER,
	METRIC_GRAPH_FAILED,
	METRIC_GRAPH_TOTAL,
	METRIC_FLOW_BYTES,
	METRIC_FLOW_PACKETS,
	METRIC_PROBE_LATENCY,
	METRIC_MAP_ENTRIES,
	METRIC_HOST_INFO,
	METRIC_TARGET_INFO,
	METRIC_TRACES_TARGET_INFO,
	METRIC_BUILD_INFO,
	METRIC_IDS,
};

struct metric_info {
	struct metric_desc desc; /* without buckets */
	enum family_buckets buckets;
	uint32_t features;         /* any of these (enum obi_feature_bit) makes it */
	uint32_t instrumentations; /* ... and any of these; 0: whatever they are */
	uint8_t only;              /* enum metrics_sink, 0 = everywhere */
	bool selectable;           /* by attributes.select */
	const char *select;        /* its key there, if it is not the name */
	const struct attribute_group *attributes;
};

extern const struct metric_info metric_catalog[METRIC_IDS];

/* For metrics_add_table(), with the buckets that the options have for it. */
struct metric_desc metric_describe(const struct family_options *options, enum metric_id id);

/* Is it asked for? */
bool metric_wanted(const struct family_options *options, enum metric_id id);

/* The attributes that it carries. */
attribute_set metric_attributes(const struct family_options *options, enum metric_id id,
				const struct attribute *attributes, size_t count);

/* The docs page. */
void metric_catalog_put_markdown(struct buffer *buf);

#endif
