/* SPDX-License-Identifier: Apache-2.0 */
/* Families of metrics that are asked for: `metrics.features`, `features` of an entry. */
#ifndef OBI_METRICS_FEATURES_H
#define OBI_METRICS_FEATURES_H

#include "config/option.h"

/* Bits. */
enum obi_feature_bit {
	OBI_FEATURE_APPLICATION = 1u << 0, /* RED metrics of requests */
	OBI_FEATURE_SPAN_LEGACY = 1u << 1,
	OBI_FEATURE_SPAN_OTEL = 1u << 2,
	OBI_FEATURE_SPAN_SIZES = 1u << 3,
	OBI_FEATURE_SERVICE_GRAPH = 1u << 4,
	OBI_FEATURE_HOST = 1u << 5,
	OBI_FEATURE_RUNTIME = 1u << 6,
	OBI_FEATURE_JVM = 1u << 7,
	OBI_FEATURE_NETWORK = 1u << 8, /* flow bytes */
	OBI_FEATURE_FLOW_PACKETS = 1u << 9,
	OBI_FEATURE_INTER_ZONE = 1u << 10,
	OBI_FEATURE_STATS_TCP_RTT = 1u << 11,
	OBI_FEATURE_STATS_TCP_FAILED = 1u << 12,
	OBI_FEATURE_STATS_TCP_RETRANSMITS = 1u << 13,
	OBI_FEATURE_STATS_TCP_IO = 1u << 14,
	OBI_FEATURE_EBPF = 1u << 15,
	OBI_FEATURES_ALL = (1u << 16) - 1,
};

/* Those of services; all others are of the host. */
#define OBI_FEATURES_SERVICE                                                                       \
	(OBI_FEATURE_APPLICATION | OBI_FEATURES_SPAN | OBI_FEATURE_SERVICE_GRAPH |                 \
	 OBI_FEATURE_HOST | OBI_FEATURE_RUNTIME | OBI_FEATURE_JVM)
#define OBI_FEATURES_NETWORK                                                                       \
	(OBI_FEATURE_NETWORK | OBI_FEATURE_FLOW_PACKETS | OBI_FEATURE_INTER_ZONE)
#define OBI_FEATURES_STATS                                                                         \
	(OBI_FEATURE_STATS_TCP_RTT | OBI_FEATURE_STATS_TCP_FAILED |                                \
	 OBI_FEATURE_STATS_TCP_RETRANSMITS | OBI_FEATURE_STATS_TCP_IO)
#define OBI_FEATURES_SPAN (OBI_FEATURE_SPAN_LEGACY | OBI_FEATURE_SPAN_OTEL | OBI_FEATURE_SPAN_SIZES)
#define OBI_FEATURES_IMPLEMENTED                                                                   \
	(OBI_FEATURE_APPLICATION | OBI_FEATURES_SPAN | OBI_FEATURE_SERVICE_GRAPH |                 \
	 OBI_FEATURE_HOST | OBI_FEATURE_NETWORK | OBI_FEATURE_FLOW_PACKETS | OBI_FEATURE_EBPF)

/* Words of rows of that type. */
extern const struct obi_name obi_feature_names[];

#endif
