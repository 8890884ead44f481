// SPDX-License-Identifier: Apache-2.0
#include "metrics/families/catalog.h"

#include "base/clock.h"
#include "metrics/families/bpf.h"
#include "metrics/families/host_info.h"
#include "metrics/families/measures.h"
#include "metrics/families/net.h"
#include "metrics/families/service_graph.h"
#include "metrics/families/span_metrics.h"
#include "metrics/families/target.h"
#include "metrics/internal_metrics.h"
#include "settings/settings.h"
#include "span/instrumentation.h"

#define SECONDS(name_, unit_, help_)                                                               \
	.desc = { .name = (name_),                                                                 \
		  .unit = (unit_),                                                                 \
		  .help = (help_),                                                                 \
		  .type = METRIC_HISTOGRAM,                                                        \
		  .scale = NSEC_PER_SEC },                                                         \
	.buckets = BUCKETS_DURATION

#define BYTES(name_, kind_, help_)                                                                 \
	.desc = { .name = (name_), .unit = "By", .help = (help_), .type = METRIC_HISTOGRAM },      \
	.buckets = (kind_)

#define COUNTER(name_, unit_, help_)                                                               \
	.desc = { .name = (name_), .unit = (unit_), .help = (help_), .type = METRIC_COUNTER }

#define INFO(name_, help_) .desc = { .name = (name_), .help = (help_), .type = METRIC_GAUGE }

#define OF_APPLICATION(instrumentations_, attributes_)                                             \
	.features = OBI_FEATURE_APPLICATION, .instrumentations = (instrumentations_),              \
	.selectable = true, .attributes = &(attributes_)
#define OF_HTTP_SERVER OF_APPLICATION(OBI_INSTRUMENT_HTTP, http_server_attributes)
#define OF_HTTP_CLIENT OF_APPLICATION(OBI_INSTRUMENT_HTTP, http_client_attributes)
#define OF_RPC OBI_INSTRUMENT_GRPC | OBI_INSTRUMENT_SUNRPC
#define OF_DB                                                                                      \
	OBI_INSTRUMENT_SQL | OBI_INSTRUMENT_REDIS | OBI_INSTRUMENT_MONGO |                         \
		OBI_INSTRUMENT_COUCHBASE | OBI_INSTRUMENT_MEMCACHED | OBI_INSTRUMENT_AEROSPIKE
#define OF_MESSAGING                                                                               \
	OBI_INSTRUMENT_KAFKA | OBI_INSTRUMENT_MQTT | OBI_INSTRUMENT_NATS | OBI_INSTRUMENT_AMQP
#define OF_SPANS(features_) .features = (features_), .attributes = &span_metric_attributes
#define OF_GRAPH .features = OBI_FEATURE_SERVICE_GRAPH, .attributes = &service_graph_attributes

const struct metric_info metric_catalog[METRIC_IDS] = {
	[METRIC_HTTP_SERVER_DURATION] = {
		SECONDS("http.server.request.duration", "s",
			"duration of HTTP service calls from the server side, in seconds"),
		OF_HTTP_SERVER,
	},
	[METRIC_HTTP_SERVER_REQUEST_SIZE] = {
		BYTES("http.server.request.body.size", BUCKETS_REQUEST_SIZE,
		      "size, in bytes, of the HTTP request body as received at the server side"),
		OF_HTTP_SERVER,
	},
	[METRIC_HTTP_SERVER_RESPONSE_SIZE] = {
		BYTES("http.server.response.body.size", BUCKETS_RESPONSE_SIZE,
		      "size, in bytes, of the HTTP response body as received at the server side"),
		OF_HTTP_SERVER,
	},
	[METRIC_HTTP_CLIENT_DURATION] = {
		SECONDS("http.client.request.duration", "s",
			"duration of HTTP service calls from the client side, in seconds"),
		OF_HTTP_CLIENT,
	},
	[METRIC_HTTP_CLIENT_REQUEST_SIZE] = {
		BYTES("http.client.request.body.size", BUCKETS_REQUEST_SIZE,
		      "size, in bytes, of the HTTP request body as sent from the client side"),
		OF_HTTP_CLIENT,
	},
	[METRIC_HTTP_CLIENT_RESPONSE_SIZE] = {
		BYTES("http.client.response.body.size", BUCKETS_RESPONSE_SIZE,
		      "size, in bytes, of the HTTP response body as sent from the client side"),
		OF_HTTP_CLIENT,
	},
	[METRIC_RPC_SERVER_DURATION] = {
		SECONDS("rpc.server.call.duration", "s", "duration of RPC service calls from the server side, in seconds"),
		OF_APPLICATION(OF_RPC, rpc_server_attributes),
	},
	[METRIC_RPC_CLIENT_DURATION] = {
		SECONDS("rpc.client.call.duration", "s", "duration of RPC service calls from the client side, in seconds"),
		OF_APPLICATION(OF_RPC, rpc_client_attributes),
	},
	[METRIC_DB_CLIENT_DURATION] = {
		SECONDS("db.client.operation.duration", "s", "duration of db client operations, in seconds"),
		OF_APPLICATION(OF_DB, db_client_attributes),
	},
	[METRIC_DB_SERVER_DURATION] = {
		SECONDS("db.server.operation.duration", "s", "duration of db server operations, in seconds"),
		OF_APPLICATION(OF_DB, db_server_attributes),
	},
	[METRIC_MESSAGING_CLIENT_DURATION] = {
		SECONDS("messaging.client.operation.duration", "s", "duration of messaging client operations, in seconds"),
		OF_APPLICATION(OF_MESSAGING, messaging_attributes),
	},
	[METRIC_MESSAGING_PROCESS_DURATION] = {
		SECONDS("messaging.process.duration", "s", "duration of messaging process operations, in seconds"),
		OF_APPLICATION(OF_MESSAGING, messaging_attributes),
	},
	[METRIC_DNS_DURATION] = {
		SECONDS("dns.lookup.duration", "s", "duration of DNS lookups, in seconds"),
		OF_APPLICATION(OBI_INSTRUMENT_DNS, dns_attributes),
	},
	[METRIC_TLS_HANDSHAKE_DURATION] = {
		SECONDS("tls.handshake.duration", "s", "duration of TLS handshakes, in seconds"),
		OF_APPLICATION(OBI_INSTRUMENT_TLS, tls_attributes),
	},
	[METRIC_TLS_CERTIFICATE_EXPIRY] = {
		.desc = { .name = "tls.server.certificate.expiry",
			  .unit = "d",
			  .help = "days until the server's certificate expires, at the last handshake",
			  .type = METRIC_GAUGE,
			  .scale = 1000 },
		OF_APPLICATION(OBI_INSTRUMENT_TLS, tls_certificate_attributes),
	},
	[METRIC_SPAN_LATENCY] = {
		SECONDS("traces_spanmetrics_latency", NULL,
			"duration of service calls (client and server), in seconds, in trace span "
			"metrics format"),
		OF_SPANS(OBI_FEATURE_SPAN_LEGACY),
	},
	[METRIC_SPAN_CALLS] = {
		COUNTER("traces_spanmetrics_calls_total", NULL,
			"number of service calls in trace span metrics format"),
		OF_SPANS(OBI_FEATURE_SPAN_LEGACY),
	},
	[METRIC_SPAN_DURATION_OTEL] = {
		SECONDS("traces.span.metrics.duration", "s",
			"duration of service calls (client and server), in seconds, in trace span "
			"metrics format"),
		OF_SPANS(OBI_FEATURE_SPAN_OTEL),
	},
	[METRIC_SPAN_CALLS_OTEL] = {
		COUNTER("traces.span.metrics.calls", NULL,
			"number of service calls in trace span metrics format"),
		OF_SPANS(OBI_FEATURE_SPAN_OTEL),
	},
	[METRIC_SPAN_SIZE] = {
		COUNTER("traces_spanmetrics_size_total", NULL,
			"size of service calls, in bytes, in trace span metrics format"),
		OF_SPANS(OBI_FEATURE_SPAN_SIZES),
	},
	[METRIC_SPAN_RESPONSE_SIZE] = {
		COUNTER("traces_spanmetrics_response_size_total", NULL,
			"size of service responses, in bytes, in trace span metrics format"),
		OF_SPANS(OBI_FEATURE_SPAN_SIZES),
	},
	[METRIC_GRAPH_CLIENT] = {
		SECONDS("traces_service_graph_request_client", "s",
			"duration of client service calls, in seconds, in trace service graph "
			"metrics format"),
		OF_GRAPH,
	},
	[METRIC_GRAPH_SERVER] = {
		SECONDS("traces_service_graph_request_server", "s",
			"duration of server service calls, in seconds, in trace service graph "
			"metrics format"),
		OF_GRAPH,
	},
	[METRIC_GRAPH_FAILED] = {
		COUNTER("traces_service_graph_request_failed_total", NULL,
			"number of failed service calls in trace service graph metrics format"),
		OF_GRAPH,
	},
	[METRIC_GRAPH_TOTAL] = {
		COUNTER("traces_service_graph_request_total", NULL,
			"number of service calls in trace service graph metrics format"),
		OF_GRAPH,
	},
	[METRIC_FLOW_BYTES] = {
		COUNTER("obi.network.flow.bytes", "{bytes}",
			"bytes submitted from a source network endpoint to a destination network "
			"endpoint"),
		.features = OBI_FEATURE_NETWORK,
		.selectable = true,
		.select = "obi.network.flow",
		.attributes = &net_attributes,
	},
	[METRIC_FLOW_PACKETS] = {
		COUNTER("obi.network.flow.packets", "{packets}",
			"packets sent from a source network endpoint to a destination network "
			"endpoint"),
		.features = OBI_FEATURE_FLOW_PACKETS,
		.selectable = true,
		.attributes = &net_attributes,
	},
	[METRIC_PROBE_LATENCY] = {
		.desc = { .name = "bpf.probe.latency",
			  .unit = "s",
			  .help = "Latency of the probe in seconds",
			  .type = METRIC_HISTOGRAM,
			  .scale = NSEC_PER_SEC },
		.buckets = BUCKETS_PROBE_LATENCY,
		.features = OBI_FEATURE_EBPF,
		.only = SINK_PROMETHEUS,
		.attributes = &bpf_program_attributes,
	},
	[METRIC_MAP_ENTRIES] = {
		.desc = { .name = "bpf.map.entries",
			  .help = "Number of entries in the map",
			  .type = METRIC_COUNTER,
			  .observed = true },
		.features = OBI_FEATURE_EBPF,
		.only = SINK_PROMETHEUS,
		.attributes = &bpf_map_attributes,
	},
	[METRIC_HOST_INFO] = {
		INFO("traces.host.info",
		     "A metric with a constant '1' value labeled by the host id "),
		.features = OBI_FEATURE_HOST,
		.attributes = &host_info_attributes,
	},
	[METRIC_TARGET_INFO] = {
		INFO("target.info", "attributes associated to a given monitored entity"),
		.features = OBI_FEATURE_APPLICATION,
		.attributes = &target_attributes,
	},
	[METRIC_TRACES_TARGET_INFO] = {
		INFO("traces.target.info",
		     "target service information in trace span metric format"),
		.features = OBI_FEATURES_SPAN,
		.attributes = &target_attributes,
	},
	[METRIC_BUILD_INFO] = {
		INFO("obi.build.info",
		     "A metric with a constant '1' value labeled by version, revision, branch, "
		     "goversion from which OBI was built, the goos and goarch for the build, "
		     "and the language of the reported services"),
		.features = OBI_FEATURE_APPLICATION,
		.only = SINK_PROMETHEUS,
		.attributes = &build_attributes,
	},
};

struct metric_desc metric_describe(const struct family_options *options, enum metric_id id)
{
	struct metric_desc desc = metric_catalog[id].desc;

	desc.buckets = options->buckets[metric_catalog[id].buckets];
	return desc;
}

bool metric_wanted(const struct family_options *options, enum metric_id id)
{
	const struct metric_info *info = &metric_catalog[id];

	if (info->only && info->only != options->sink)
		return false;
	return options->features & info->features &&
	       (!info->instrumentations || options->instrumentations & info->instrumentations);
}

attribute_set metric_attributes(const struct family_options *options, enum metric_id id,
				const struct attribute *attributes, size_t count)
{
	const struct metric_info *info = &metric_catalog[id];
	attribute_set offered = attributes_for(options->sink, attributes, count);

	if (!info->selectable)
		return offered;
	return offered & attributes_select(&options->settings->pipeline.attributes.select,
					   info->select ? info->select : info->desc.name,
					   attributes, count);
}

/* ---- The docs page ---- */

static const char page_head[] =
	"# Metrics\n\n"
	"What `prometheus_export` serves and `otel_metrics_export` sends. A service's metrics are "
	"one\n"
	"resource over OTLP, with the attributes of [its spans' resource](spans.md); values that "
	"are\n"
	"empty are left out there, and are empty labels to Prometheus.\n\n"
	"Attributes in parentheses are there only where `attributes.select` asks for them "
	"(`src.cidr`,\n"
	"`dst.cidr`, `iface` and `iface.direction` also where `network.cidrs` or `network.deduper: "
	"none`\n"
	"make them say something); those marked ᴾ only for Prometheus, ᴼ only over OTLP. Those of\n"
	"`traces*` and `obi.build.info` cannot be chosen, those of `target.info` by the key "
	"`resource`.\n"
	"A label of Prometheus is the attribute's name with underscores for dots.\n\n"
	"`metrics.features` with `all` makes `traces.span.metrics.*`, not "
	"`traces_spanmetrics_latency`\n"
	"and `_calls_total`, which say the same. An entry of `discovery.instrument` may have\n"
	"`metrics.features` of its own for the services that it selects; of several that match a\n"
	"process the last one decides, by its own features or by those of all.\n\n"
	"Bytes and packets of flows are what the kernel hands to the interface, frames with their "
	"headers:\n"
	"what segmentation offload cuts up later is one packet of its whole length, as in the "
	"interface's\n"
	"own counters. With `network.count_segments` both are those of the wire: each piece is a "
	"packet,\n"
	"with a copy of the headers; of a tunnel's packets, with a copy of the outer ones. What "
	"passes "
	"a tunnel\n"
	"makes flows at the tunnel's interface, by its inner addresses, and at the one below, by "
	"its "
	"outer ones\n"
	"(without ports where the outer packet is a later fragment): choose by "
	"`network.interfaces` "
	"which is wanted.\n"
	"What an XDP program drops or redirects is in no flow on the way in.\n\n"
	"A metric has at most `metrics.series_limit` series; what would be one more counts into "
	"one with\n"
	"no attribute but `otel.metric.overflow`, and into `obi.dropped` with reason "
	"`series_limit`\n"
	"(`series_limit_otlp`). One service has nine tenths of them at most, several the less "
	"the more\n"
	"they are, so that another finds room; a warning names the service that has the most. All "
	"series of an\nexporter together take an eighth of "
	"`memory_limit_mib` at\n"
	"most: 8 MiB are some 35,000 histograms without exemplars. A series that nothing feeds for "
	"the exporter's `ttl` goes.\n\n";

static const char own_head[] = "\n## The program's own\n\n"
			       "Where `internal_metrics.exporter` asks for them. Over OTLP the "
			       "resource's `service.name` is\n"
			       "`opentelemetry-ebpf-instrumentation`.\n\n";

static void put_attributes(const struct attribute_group *group, struct buffer *buf)
{
	for (size_t i = 0; i < group->count; i++) {
		const struct attribute *attribute = &group->attributes[i];

		buffer_printf(buf, "%s%s%s", i ? ", " : "", attribute->by_default ? "" : "(",
			      attribute->name);
		if (attribute->only)
			buffer_put_cstr(buf, attribute->only == SINK_OTLP ? " ᴼ" : " ᴾ");
		buffer_put_cstr(buf, attribute->by_default ? "" : ")");
	}
}

static void put_features(uint32_t features, struct buffer *buf)
{
	const char *separator = "";

	for (const struct obi_name *name = obi_feature_names; name->name; name++) {
		bool single = (name->value & (name->value - 1)) == 0;

		if (!single || !(features & name->value))
			continue;
		buffer_printf(buf, "%s%s", separator, name->name);
		separator = ", ";
	}
}

static void put_row(const struct metric_info *info, struct buffer *buf)
{
	static const char *const types[] = { "counter", "gauge", "histogram" };
	char name[METRIC_NAME_MAX] = "";

	(void)metric_prometheus_name(info->desc.name, info->desc.unit, info->desc.type, name);
	buffer_printf(buf, "| %s | %s | %s | %s | ",
		      info->only == SINK_PROMETHEUS ? "" : info->desc.name, name,
		      types[info->desc.type], info->desc.unit ? info->desc.unit : "");
	put_features(info->features, buf);
	buffer_put_cstr(buf, " | ");
	put_attributes(info->attributes, buf);
	buffer_put_cstr(buf, " |\n");
}

void metric_catalog_put_markdown(struct buffer *buf)
{
	buffer_put_cstr(buf, page_head);
	buffer_put_cstr(buf, "| OpenTelemetry | Prometheus | type | unit | feature | attributes |\n"
			     "|---|---|---|---|---|---|\n");
	for (int i = 0; i < METRIC_IDS; i++)
		put_row(&metric_catalog[i], buf);
	buffer_put_cstr(buf, own_head);
	obi_internal_put_markdown(buf);
}
