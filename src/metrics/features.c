// SPDX-License-Identifier: Apache-2.0
#include "metrics/features.h"

const struct obi_name obi_feature_names[] = {
	{ "application", OBI_FEATURE_APPLICATION },
	{ "application_host", OBI_FEATURE_HOST },
	{ "application_jvm", OBI_FEATURE_JVM },
	{ "application_runtime", OBI_FEATURE_RUNTIME },
	{ "application_service_graph", OBI_FEATURE_SERVICE_GRAPH },
	{ "application_span", OBI_FEATURE_SPAN_LEGACY },
	{ "application_span_otel", OBI_FEATURE_SPAN_OTEL },
	{ "application_span_sizes", OBI_FEATURE_SPAN_SIZES },
	{ "ebpf", OBI_FEATURE_EBPF },
	{ "network", OBI_FEATURE_NETWORK },
	{ "network_flow_packets", OBI_FEATURE_FLOW_PACKETS },
	{ "network_inter_zone", OBI_FEATURE_INTER_ZONE },
	{ "stats", OBI_FEATURES_STATS },
	{ "stats_tcp_failed_connections", OBI_FEATURE_STATS_TCP_FAILED },
	{ "stats_tcp_io", OBI_FEATURE_STATS_TCP_IO },
	{ "stats_tcp_retransmits", OBI_FEATURE_STATS_TCP_RETRANSMITS },
	{ "stats_tcp_rtt", OBI_FEATURE_STATS_TCP_RTT },
	{ "all", OBI_FEATURES_ALL },
	{ "*", OBI_FEATURES_ALL },
	{ NULL, 0 },
};
