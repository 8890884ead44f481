// SPDX-License-Identifier: Apache-2.0
/*
 * The list of what does not exist yet, in the order of the docs. It can only
 * shrink: a test holds its length. Bounds and words are real, so that a value
 * that is accepted today is accepted when the feature comes.
 */
#include "settings/later.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/check.h"
#include "pipeline/options.h"
#include "settings/later_elements.h"

#define LATER OBI_LATER
#define LATER_DEPRECATED(...)                                                                      \
	OBI_LATER_FLAGS(OBI_OPTION_UNIMPLEMENTED | OBI_OPTION_DEPRECATED, __VA_ARGS__)
#define LATER_LENIENT(...)                                                                         \
	OBI_LATER_FLAGS(OBI_OPTION_UNIMPLEMENTED | OBI_OPTION_LENIENT, __VA_ARGS__)

#define POSITIVE .min = 1, .max = OBI_UNBOUNDED
#define NOT_NEGATIVE .min = 0, .max = OBI_UNBOUNDED
#define PORT .max = 65535
#define MINUTE_NS 60e9
#define BUFFER .max = 65536
#define ELEMENTS(group_, rows_) .element = (group_), .element_size = OBI_LATER_SIZE(rows_)
#define CLAUSES                                                                                    \
	.element = obi_filter_clause_groups, .element_size = sizeof(struct obi_filter_clause)

#define NAMES(name_, ...) static const struct obi_name name_[] = { __VA_ARGS__, { NULL, 0 } }

NAMES(tristate, { "auto", 0 }, { "on", 1 }, { "off", 2 });
NAMES(map_readers, { "auto", 0 }, { "batch", 1 }, { "legacy", 2 });
NAMES(default_actions, { "exclude", 0 }, { "include", 1 }, { "obfuscate", 2 });
NAMES(placements, { "suffix", 0 }, { "prefix", 1 });
NAMES(multilines, { "first_line", 0 }, { "last_line", 1 }, { "each_line", 2 });
NAMES(harvesters, { "java", 1 }, { "nodejs", 2 }, { "go", 4 });
NAMES(kube_modes, { "autodetect", 0 }, { "true", 1 }, { "false", 2 });
NAMES(informers, { "node", 1 }, { "service", 2 });
NAMES(listen_modes, { "watch", 0 }, { "poll", 1 });
NAMES(reverse_dns, { "none", 0 }, { "local", 1 }, { "ebpf", 2 });
NAMES(ip_types, { "any", 0 }, { "ipv4", 1 }, { "ipv6", 2 });
NAMES(resolvers, { "k8s", 1 }, { "kube", 1 }, { "kubernetes", 1 }, { "dns", 2 }, { "rdns", 4 });

#define RTT_BUCKETS "0.0005,0.001,0.002,0.005,0.01,0.025,0.05,0.1,0.25,0.5,1"
#define GENAI_DURATION_BUCKETS                                                                     \
	"0.01,0.02,0.04,0.08,0.16,0.32,0.64,1.28,2.56,5.12,10.24,20.48,40.96,81.92"
#define GENAI_TOKEN_BUCKETS                                                                        \
	"1,4,16,64,256,1024,4096,16384,65536,262144,1048576,4194304,16777216,67108864"
#define SYSTEM_PATHS "/lib/systemd/,/usr/lib/systemd/,/usr/libexec/,/sbin/,/usr/sbin/"
#define RESOURCE_LABELS                                                                            \
	"{service.name: [app.kubernetes.io/instance, app.kubernetes.io/name],"                     \
	" service.namespace: [app.kubernetes.io/part-of],"                                         \
	" service.version: [app.kubernetes.io/version]}"

static int allowed_is(char *why, size_t why_size, const char *text)
{
	(void)snprintf(why, why_size, "%s", text);
	return -EINVAL;
}

static int check_field_name(const void *field, char *why, size_t why_size)
{
	const char *name = *(const char *const *)field;

	for (const char *c = name; *c; c++) {
		if ((unsigned char)*c <= ' ' || *c == '=' || *c == 0x7f)
			name = "";
	}
	return *name ? 0 : allowed_is(why, why_size, "a name without '=', blanks and controls");
}

static const struct obi_option rows[] = {
	/* Global */
	LATER("profile_port", "OTEL_EBPF_PROFILE_PORT", INT, "0",
	      "port of a profiling endpoint; 0: none", PORT),
	LATER("channel_buffer_len", "OTEL_EBPF_CHANNEL_BUFFER_LEN", INT, "50",
	      "length of the queues between pipeline stages", NOT_NEGATIVE),
	LATER("channel_send_timeout", "OTEL_EBPF_CHANNEL_SEND_TIMEOUT", DURATION, "1m",
	      "how long a full queue may block"),
	LATER("channel_send_timeout_panic", "OTEL_EBPF_CHANNEL_SEND_TIMEOUT_PANIC", BOOL, "false",
	      "abort when a queue blocks for longer"),
	LATER("jvm_runtime_metrics.enabled", "OBI_JVM_RUNTIME_METRICS_ENABLED", BOOL, "false",
	      "metrics of Java virtual machines"),
	LATER("jvm_runtime_metrics.sampling_interval", "OBI_JVM_RUNTIME_METRICS_SAMPLING_INTERVAL",
	      DURATION, "1s", "how often those are read", POSITIVE),
	LATER("nodejs.enabled", "OTEL_EBPF_NODEJS_ENABLED", BOOL, "true",
	      "help Node.js processes to keep the context of asynchronous calls"),
	LATER("nodejs.manual_spans", "OTEL_EBPF_NODEJS_MANUAL_SPANS", BOOL, "false",
	      "take spans that a Node.js process makes by the OpenTelemetry API"),
	LATER("javaagent.enabled", "OTEL_EBPF_JAVAAGENT_ENABLED", BOOL, "true",
	      "attach a helper to Java processes for TLS and threads"),
	LATER("javaagent.debug", "OTEL_EBPF_JAVAAGENT_DEBUG", BOOL, "false",
	      "messages of that helper"),
	LATER("javaagent.debug_instrumentation", "OTEL_EBPF_JAVAAGENT_DEBUG_INSTRUMENTATION", BOOL,
	      "false", "messages of its instrumentation"),
	LATER("javaagent.attach_timeout", "OTEL_EBPF_JAVAAGENT_ATTACH_TIMEOUT", DURATION, "10s",
	      "longest time that attaching may take"),
	/* eBPF */
	LATER("ebpf.bpf_debug", "OTEL_EBPF_BPF_DEBUG", BOOL, "false",
	      "log what the programs in the kernel see"),
	LATER("ebpf.wakeup_len", "OTEL_EBPF_BPF_WAKEUP_LEN", INT, "500",
	      "records in the ring before the reader is woken", NOT_NEGATIVE),
	LATER("ebpf.stats_wakeup_data_bytes", "OTEL_EBPF_STATS_WAKEUP_DATA_BYTES", INT, "4096",
	      "bytes in the ring of statistics before its reader is woken; 0: each event",
	      NOT_NEGATIVE),
	LATER("ebpf.batch_length", "OTEL_EBPF_BPF_BATCH_LENGTH", INT, "100",
	      "spans handed on together", POSITIVE),
	LATER("ebpf.batch_timeout", "OTEL_EBPF_BPF_BATCH_TIMEOUT", DURATION, "1s",
	      "longest wait for that many"),
	LATER("ebpf.go_http_client_buffer_timeout", "OTEL_EBPF_BPF_GO_HTTP_CLIENT_BUFFER_TIMEOUT",
	      DURATION, "1s", "how long Go client spans wait for their bodies"),
	LATER("ebpf.override_bpfloop_enabled", "OTEL_EBPF_OVERRIDE_BPF_LOOP_ENABLED", BOOL, "false",
	      "use bpf_loop whatever the kernel's version"),
	LATER("ebpf.disable_black_box_cp", "OTEL_EBPF_BPF_DISABLE_BLACK_BOX_CP", BOOL, "false",
	      "do not join spans of one host without propagation"),
	LATER("ebpf.high_request_volume", "OTEL_EBPF_BPF_HIGH_REQUEST_VOLUME", BOOL, "false",
	      "end a span at the first byte of the response"),
	LATER("ebpf.heuristic_sql_detect", "OTEL_EBPF_HEURISTIC_SQL_DETECT", BOOL, "false",
	      "look for SQL in unknown protocols"),
	LATER("ebpf.instrument_cuda", "OTEL_EBPF_INSTRUMENT_CUDA", CHOICE, "auto",
	      "instrument CUDA calls; auto: where nvidia-smi is installed", .names = tristate),
	LATER_DEPRECATED("ebpf.instrument_gpu", NULL, BOOL, "false", "use ebpf.instrument_cuda"),
	LATER("ebpf.protocol_debug_print", "OTEL_EBPF_PROTOCOL_DEBUG_PRINT", BOOL, "false",
	      "print payloads"),
	LATER("ebpf.buffer_sizes.http", "OTEL_EBPF_BPF_BUFFER_SIZE_HTTP", INT, "0",
	      "bytes of HTTP payload captured per direction; 0: none", .max = 262144),
	LATER("ebpf.buffer_sizes.mysql", "OTEL_EBPF_BPF_BUFFER_SIZE_MYSQL", INT, "0",
	      "the same for MySQL", BUFFER),
	LATER("ebpf.buffer_sizes.kafka", "OTEL_EBPF_BPF_BUFFER_SIZE_KAFKA", INT, "0",
	      "the same for Kafka", BUFFER),
	LATER("ebpf.buffer_sizes.postgres", "OTEL_EBPF_BPF_BUFFER_SIZE_POSTGRES", INT, "0",
	      "the same for PostgreSQL", BUFFER),
	LATER("ebpf.buffer_sizes.mssql", "OTEL_EBPF_BPF_BUFFER_SIZE_MSSQL", INT, "0",
	      "the same for SQL Server", BUFFER),
	LATER("ebpf.buffer_sizes.tcp", "OTEL_EBPF_BPF_BUFFER_SIZE_TCP", INT, "0",
	      "the same for other protocols", BUFFER),
	LATER("ebpf.mysql_prepared_statements_cache_size",
	      "OTEL_EBPF_BPF_MYSQL_PREPARED_STATEMENTS_CACHE_SIZE", INT, "1024",
	      "prepared statements remembered, MySQL", POSITIVE),
	LATER("ebpf.postgres_prepared_statements_cache_size",
	      "OTEL_EBPF_BPF_POSTGRES_PREPARED_STATEMENTS_CACHE_SIZE", INT, "1024",
	      "prepared statements remembered, PostgreSQL", POSITIVE),
	LATER("ebpf.mssql_prepared_statements_cache_size",
	      "OTEL_EBPF_BPF_MSSQL_PREPARED_STATEMENTS_CACHE_SIZE", INT, "1024",
	      "prepared statements remembered, SQL Server", POSITIVE),
	LATER("ebpf.kafka_topic_uuid_cache_size", "OTEL_KAFKA_TOPIC_UUID_CACHE_SIZE", INT, "1024",
	      "Kafka topics remembered", POSITIVE),
	LATER("ebpf.mongo_requests_cache_size", "OTEL_EBPF_BPF_MONGO_REQUESTS_CACHE_SIZE", INT,
	      "1024", "MongoDB requests remembered", POSITIVE),
	LATER("ebpf.couchbase_db_cache_size", "OTEL_EBPF_COUCHBASE_DB_CACHE_SIZE", INT, "1024",
	      "Couchbase buckets remembered", POSITIVE),
	LATER("ebpf.max_transaction_time", "OTEL_EBPF_BPF_MAX_TRANSACTION_TIME", DURATION, "5m",
	      "how long a span can become a parent", POSITIVE),
	LATER("ebpf.bpf_fs_path", "OTEL_EBPF_BPF_FS_PATH", STRING, "/sys/fs/bpf/",
	      "where maps are pinned"),
	LATER("ebpf.force_bpf_map_reader", "OTEL_EBPF_FORCE_BPF_MAP_READER", CHOICE, "auto",
	      "how flow maps are read", .names = map_readers),
	LATER("ebpf.maps_config.global_scale_factor", NULL, INT, "0",
	      "sizes of maps, times 2 to the power of this", .min = -3, .max = 3),
	LATER("ebpf.use_otel_sdk_for_java", "OTEL_EBPF_USE_OTEL_SDK_FOR_JAVA", BOOL, "false",
	      "load the OpenTelemetry SDK into Java processes"),
	/* Payloads */
	LATER("ebpf.payload_extraction.http.graphql.enabled", "OTEL_EBPF_HTTP_GRAPHQL_ENABLED",
	      BOOL, "false", "read payloads of GraphQL"),
	LATER("ebpf.payload_extraction.http.elasticsearch.enabled",
	      "OTEL_EBPF_HTTP_ELASTICSEARCH_ENABLED", BOOL, "false",
	      "read payloads of Elasticsearch and OpenSearch"),
	LATER("ebpf.payload_extraction.http.aws.enabled", "OTEL_EBPF_HTTP_AWS_ENABLED", BOOL,
	      "false", "read payloads of S3 and SQS"),
	LATER("ebpf.payload_extraction.http.sqlpp.enabled", "OTEL_EBPF_HTTP_SQLPP_ENABLED", BOOL,
	      "false", "read payloads of SQL++"),
	LATER("ebpf.payload_extraction.http.sqlpp.endpoint_patterns",
	      "OTEL_EBPF_HTTP_SQLPP_ENDPOINT_PATTERNS", LIST, "/query/service",
	      "paths that speak SQL++"),
	LATER("ebpf.payload_extraction.http.jsonrpc.enabled", "OTEL_EBPF_HTTP_JSONRPC_ENABLED",
	      BOOL, "false", "read payloads of JSON-RPC"),
	LATER("ebpf.payload_extraction.http.genai.openai.enabled", "OTEL_EBPF_HTTP_OPENAI_ENABLED",
	      BOOL, "false", "read payloads of OpenAI"),
	LATER("ebpf.payload_extraction.http.genai.anthropic.enabled",
	      "OTEL_EBPF_HTTP_ANTHROPIC_ENABLED", BOOL, "false", "read payloads of Anthropic"),
	LATER("ebpf.payload_extraction.http.genai.gemini.enabled", "OTEL_EBPF_HTTP_GEMINI_ENABLED",
	      BOOL, "false", "read payloads of Gemini"),
	LATER("ebpf.payload_extraction.http.genai.qwen.enabled", "OTEL_EBPF_HTTP_QWEN_ENABLED",
	      BOOL, "false", "read payloads of Qwen"),
	LATER("ebpf.payload_extraction.http.genai.bedrock.enabled",
	      "OTEL_EBPF_HTTP_BEDROCK_ENABLED", BOOL, "false", "read payloads of Bedrock"),
	LATER("ebpf.payload_extraction.http.genai.mcp.enabled", "OTEL_EBPF_HTTP_MCP_ENABLED", BOOL,
	      "false", "read payloads of MCP"),
	LATER("ebpf.payload_extraction.http.genai.ollama.enabled", "OTEL_EBPF_HTTP_OLLAMA_ENABLED",
	      BOOL, "false", "read payloads of Ollama"),
	LATER("ebpf.payload_extraction.http.genai.embedding.enabled",
	      "OTEL_EBPF_HTTP_GENAI_EMBEDDING_ENABLED", BOOL, "false",
	      "read payloads of embedding calls"),
	LATER("ebpf.payload_extraction.http.genai.rerank.enabled", "OTEL_EBPF_HTTP_RERANK_ENABLED",
	      BOOL, "false", "read payloads of rerank calls"),
	LATER("ebpf.payload_extraction.http.genai.retrieval.enabled",
	      "OTEL_EBPF_HTTP_RETRIEVAL_ENABLED", BOOL, "false",
	      "read payloads of retrieval calls"),
	LATER("ebpf.payload_extraction.http.genai.openai_compatible.enabled",
	      "OTEL_EBPF_HTTP_OPENAI_COMPATIBLE_ENABLED", BOOL, "false",
	      "read payloads of services that speak like OpenAI"),
	LATER("ebpf.payload_extraction.http.genai.openai_compatible.gateways", NULL, STRUCTS, NULL,
	      "those services", ELEMENTS(obi_later_gateway, OBI_LATER_GATEWAY)),
	LATER("ebpf.payload_extraction.http.enrichment.enabled",
	      "OTEL_EBPF_HTTP_ENRICHMENT_ENABLED", BOOL, "false",
	      "put headers and bodies into spans"),
	LATER("ebpf.payload_extraction.http.enrichment.policy.default_action.headers", NULL, CHOICE,
	      "exclude", "what to do with headers that no rule names", .names = default_actions),
	LATER("ebpf.payload_extraction.http.enrichment.policy.default_action.body", NULL, CHOICE,
	      "exclude", "what to do with bodies that no rule names", .names = default_actions),
	LATER("ebpf.payload_extraction.http.enrichment.policy.obfuscation_string",
	      "OTEL_EBPF_HTTP_ENRICHMENT_OBFUSCATION_STRING", STRING, "***",
	      "what stands in the place of what is hidden"),
	LATER("ebpf.payload_extraction.http.enrichment.rules", NULL, STRUCTS, NULL,
	      "rules, the first that matches counts", ELEMENTS(obi_later_rule, OBI_LATER_RULE)),
	/* Log enricher */
	LATER("ebpf.log_enricher.services", NULL, STRUCTS, NULL,
	      "whose log lines get trace ids; none: nobody's",
	      ELEMENTS(obi_later_log_service, OBI_LATER_LOG_SERVICE)),
	LATER("ebpf.log_enricher.cache_ttl", "OTEL_EBPF_BPF_LOG_ENRICHER_CACHE_TTL", DURATION,
	      "30m", "how long a file is remembered", .min = MINUTE_NS + 1, .max = OBI_UNBOUNDED),
	LATER("ebpf.log_enricher.cache_size", "OTEL_EBPF_BPF_LOG_ENRICHER_CACHE_SIZE", INT, "128",
	      "files remembered", .min = 65, .max = OBI_UNBOUNDED),
	LATER("ebpf.log_enricher.async_writer_workers",
	      "OTEL_EBPF_BPF_LOG_ENRICHER_ASYNC_WRITER_WORKERS", INT, "8", "writers", POSITIVE),
	LATER("ebpf.log_enricher.async_writer_channel_len",
	      "OTEL_EBPF_BPF_LOG_ENRICHER_ASYNC_WRITER_CHANNEL_LEN", INT, "500",
	      "lines that wait for a writer", .min = 101, .max = OBI_UNBOUNDED),
	LATER("ebpf.log_enricher.field_names.trace_id", NULL, STRING, "trace_id",
	      "name of the trace id in a line", .check = check_field_name),
	LATER("ebpf.log_enricher.field_names.span_id", NULL, STRING, "span_id",
	      "name of the span id in a line", .check = check_field_name),
	LATER("ebpf.log_enricher.plain_text.enabled", NULL, BOOL, "true",
	      "annotate lines that are no JSON too"),
	LATER("ebpf.log_enricher.plain_text.placement", NULL, CHOICE, "suffix",
	      "where in such a line", .names = placements),
	LATER("ebpf.log_enricher.plain_text.multiline", NULL, CHOICE, "first_line",
	      "in which line of several written at once", .names = multilines),
	/* Discovery */
	LATER("discovery.poll_interval", "OTEL_EBPF_DISCOVERY_POLL_INTERVAL", DURATION, "0s",
	      "how often processes are looked for; they are found by event"),
	LATER("discovery.min_process_age", "OTEL_EBPF_MIN_PROCESS_AGE", DURATION, "5s",
	      "ignore younger processes; all are found at once"),
	LATER("discovery.process_context_poll_interval", "OTEL_EBPF_PROCESS_CONTEXT_POLL_INTERVAL",
	      DURATION, "1s", "how often a process' context mapping is read; 0: once"),
	LATER("discovery.skip_go_specific_tracers", "OTEL_EBPF_SKIP_GO_SPECIFIC_TRACERS", BOOL,
	      "false", "treat Go programs as all others"),
	LATER("discovery.default_otlp_grpc_port", "OTEL_EBPF_DEFAULT_OTLP_GRPC_PORT", INT, "4317",
	      "port that tells such an export", .min = 1, .max = 65535),
	LATER("discovery.bpf_pid_filter_off", "OTEL_EBPF_BPF_PID_FILTER_OFF", BOOL, "false",
	      "instrument everything, for debugging"),
	LATER("discovery.route_harvester_timeout", "OTEL_EBPF_ROUTE_HARVESTER_TIMEOUT", DURATION,
	      "10s", "longest search for routes in a program", POSITIVE),
	LATER("discovery.disabled_route_harvesters", NULL, FLAGS, NULL,
	      "languages whose programs are not searched", .names = harvesters),
	LATER("discovery.route_harvester_advanced.java_harvest_delay",
	      "OTEL_EBPF_JAVA_ROUTE_HARVEST_DELAY", DURATION, "5s",
	      "how long a Java program is left to start first"),
	LATER("discovery.excluded_linux_system_paths", NULL, LIST, SYSTEM_PATHS,
	      "paths whose programs' language is not looked for"),
	LATER("discovery.system_wide", "OTEL_EBPF_SYSTEM_WIDE", BOOL, "false",
	      "instrument every process"),
	/* Attributes */
	LATER("attributes.host_id.fetch_timeout", "OTEL_EBPF_HOST_ID_FETCH_TIMEOUT", DURATION,
	      "500ms", "longest search for host.id"),
	LATER("attributes.metadata_retry.timeout", "OTEL_EBPF_METADATA_RETRY_TIMEOUT", DURATION,
	      "30s", "longest search for metadata of node and cloud"),
	LATER("attributes.metadata_retry.start_interval", "OTEL_EBPF_METADATA_RETRY_START_INTERVAL",
	      DURATION, "500ms", "first wait before it is tried again"),
	LATER("attributes.metadata_retry.max_interval", "OTEL_EBPF_METADATA_RETRY_MAX_INTERVAL",
	      DURATION, "5s", "longest wait"),
	LATER("attributes.extra_group_attributes", NULL, LABELS, NULL,
	      "further default attributes of a group, as k8s_app_meta"),
	LATER("attributes.kubernetes.enable", "OTEL_EBPF_KUBE_METADATA_ENABLE", CHOICE,
	      "autodetect", "add Kubernetes metadata", .names = kube_modes),
	LATER("attributes.kubernetes.cluster_name", "OTEL_EBPF_KUBE_CLUSTER_NAME", STRING, NULL,
	      "k8s.cluster.name; else it is found out"),
	LATER("attributes.kubernetes.kubeconfig_path", "KUBECONFIG", STRING, NULL,
	      "how to reach the Kubernetes API from outside"),
	LATER("attributes.kubernetes.disable_informers", "OTEL_EBPF_KUBE_DISABLE_INFORMERS", FLAGS,
	      NULL, "kinds of objects not to watch", .names = informers),
	LATER("attributes.kubernetes.meta_restrict_local_node",
	      "OTEL_EBPF_KUBE_META_RESTRICT_LOCAL_NODE", BOOL, "false",
	      "watch objects of this node only"),
	LATER("attributes.kubernetes.informers_sync_timeout",
	      "OTEL_EBPF_KUBE_INFORMERS_SYNC_TIMEOUT", DURATION, "30s",
	      "longest wait for the first objects", POSITIVE),
	LATER("attributes.kubernetes.reconnect_initial_interval",
	      "OTEL_EBPF_KUBE_RECONNECT_INITIAL_INTERVAL", DURATION, "5s",
	      "first wait before connecting again", POSITIVE),
	LATER("attributes.kubernetes.informers_resync_period",
	      "OTEL_EBPF_KUBE_INFORMERS_RESYNC_PERIOD", DURATION, "30m",
	      "how often everything is read again"),
	LATER("attributes.kubernetes.meta_cache_address", "OTEL_EBPF_KUBE_META_CACHE_ADDRESS",
	      STRING, NULL, "host:port of a metadata cache"),
	LATER("attributes.kubernetes.service_name_template", "OTEL_EBPF_SERVICE_NAME_TEMPLATE",
	      STRING, NULL, "template of service.name"),
	LATER("attributes.kubernetes.drop_external", "OTEL_EBPF_NETWORK_DROP_EXTERNAL", BOOL,
	      "false", "drop flows one of whose ends is no Kubernetes object"),
	LATER("attributes.kubernetes.resource_labels", NULL, LABELS, RESOURCE_LABELS,
	      "labels that give resource attributes, the first that exists"),
	LATER_DEPRECATED("attributes.kubernetes.meta_source_labels.service_name",
			 "OTEL_EBPF_KUBE_META_SOURCE_LABEL_SERVICE_NAME", STRING, NULL,
			 "use attributes.kubernetes.resource_labels"),
	LATER_DEPRECATED("attributes.kubernetes.meta_source_labels.service_namespace",
			 "OTEL_EBPF_KUBE_META_SOURCE_LABEL_SERVICE_NAMESPACE", STRING, NULL,
			 "use attributes.kubernetes.resource_labels"),
	/* Filter */
	LATER("filter.stats", NULL, MAP, NULL, "keep only statistics whose attributes pass",
	      CLAUSES),
	/* OTLP */
	LATER("otel_metrics_export.buckets.stat_tcp_rtt_histogram", NULL, FLOATS, RTT_BUCKETS,
	      "upper bounds of TCP round trips, seconds"),
	LATER("otel_metrics_export.buckets.gen_ai_client_operation_duration_histogram", NULL,
	      FLOATS, GENAI_DURATION_BUCKETS, "upper bounds of generative AI calls, seconds"),
	LATER("otel_metrics_export.buckets.gen_ai_client_token_usage_histogram", NULL, FLOATS,
	      GENAI_TOKEN_BUCKETS, "upper bounds of generative AI tokens"),
	/* Prometheus */
	LATER("prometheus_export.buckets.stat_tcp_rtt_histogram", NULL, FLOATS, RTT_BUCKETS,
	      "upper bounds of TCP round trips, seconds"),
	LATER("prometheus_export.buckets.gen_ai_client_operation_duration_histogram", NULL, FLOATS,
	      GENAI_DURATION_BUCKETS, "upper bounds of generative AI calls, seconds"),
	LATER("prometheus_export.buckets.gen_ai_client_token_usage_histogram", NULL, FLOATS,
	      GENAI_TOKEN_BUCKETS, "upper bounds of generative AI tokens"),
	/* Network */
	LATER("network.listen_interfaces", "OTEL_EBPF_NETWORK_LISTEN_INTERFACES", CHOICE, "watch",
	      "how new interfaces are noticed", .names = listen_modes),
	LATER("network.listen_poll_period", "OTEL_EBPF_NETWORK_LISTEN_POLL_PERIOD", DURATION, "10s",
	      "how often they are looked for by poll"),
	LATER("network.allowed_attributes", NULL, LIST, NULL, "use attributes.select"),
	LATER("network.reverse_dns.type", "OTEL_EBPF_REVERSE_DNS_TYPE", CHOICE, "none",
	      "names of addresses without one", .aliases = "OTEL_EBPF_NETWORK_REVERSE_DNS_TYPE",
	      .names = reverse_dns),
	LATER("network.reverse_dns.cache_len", "OTEL_EBPF_REVERSE_DNS_CACHE_LEN", INT, "256",
	      "names remembered", .aliases = "OTEL_EBPF_NETWORK_REVERSE_DNS_CACHE_LEN", POSITIVE),
	LATER("network.reverse_dns.cache_expiry", "OTEL_EBPF_REVERSE_DNS_CACHE_TTL", DURATION, "1h",
	      "how long they are", .aliases = "OTEL_EBPF_NETWORK_REVERSE_DNS_CACHE_TTL"),
	LATER("network.geo_ip.ipinfo.path", "OTEL_EBPF_GEOIP_IPINFO_PATH", STRING, NULL,
	      "database of ipinfo"),
	LATER("network.geo_ip.maxmind.country_path", "OTEL_EBPF_GEOIP_MAXMIND_COUNTRY_PATH", STRING,
	      NULL, "MaxMind's database of countries"),
	LATER("network.geo_ip.maxmind.asn_path", "OTEL_EBPF_GEOIP_MAXMIND_ASN_PATH", STRING, NULL,
	      "MaxMind's database of autonomous systems"),
	LATER("network.geo_ip.cache_len", "OTEL_EBPF_GEOIP_CACHE_LEN", INT, "512",
	      "places remembered", POSITIVE),
	LATER("network.geo_ip.cache_expiry", "OTEL_EBPF_GEOIP_CACHE_TTL", DURATION, "1h",
	      "how long they are"),
	/* Statistics */
	LATER("stats.agent_ip", "OTEL_EBPF_STATS_AGENT_IP", STRING, NULL,
	      "address to report as this agent's", .check = obi_check_ip_or_empty),
	LATER("stats.agent_ip_iface", "OTEL_EBPF_STATS_AGENT_IP_IFACE", STRING, "external",
	      "interface whose address that is"),
	LATER("stats.agent_ip_type", "OTEL_EBPF_STATS_AGENT_IP_TYPE", CHOICE, "any",
	      "family of that address", .names = ip_types),
	LATER("stats.cidrs", "OTEL_EBPF_STATS_CIDRS", STRUCTS, NULL, "networks to name ends by",
	      .element = obi_later_cidr, .element_size = OBI_LATER_SIZE(OBI_LATER_CIDR)),
	LATER("stats.reverse_dns.type", NULL, CHOICE, "none", "names of addresses without one",
	      .aliases = "OTEL_EBPF_REVERSE_DNS_TYPE,OTEL_EBPF_NETWORK_REVERSE_DNS_TYPE",
	      .names = reverse_dns),
	LATER("stats.reverse_dns.cache_len", NULL, INT, "256", "names remembered",
	      .aliases = "OTEL_EBPF_REVERSE_DNS_CACHE_LEN,OTEL_EBPF_NETWORK_REVERSE_DNS_CACHE_LEN",
	      POSITIVE),
	LATER("stats.reverse_dns.cache_expiry", NULL, DURATION, "1h", "how long they are",
	      .aliases = "OTEL_EBPF_REVERSE_DNS_CACHE_TTL,OTEL_EBPF_NETWORK_REVERSE_DNS_CACHE_TTL"),
	LATER("stats.geo_ip.ipinfo.path", NULL, STRING, NULL, "database of ipinfo",
	      .aliases = "OTEL_EBPF_GEOIP_IPINFO_PATH"),
	LATER("stats.geo_ip.maxmind.country_path", NULL, STRING, NULL,
	      "MaxMind's database of countries", .aliases = "OTEL_EBPF_GEOIP_MAXMIND_COUNTRY_PATH"),
	LATER("stats.geo_ip.maxmind.asn_path", NULL, STRING, NULL,
	      "MaxMind's database of autonomous systems",
	      .aliases = "OTEL_EBPF_GEOIP_MAXMIND_ASN_PATH"),
	LATER("stats.geo_ip.cache_len", NULL, INT, "512", "places remembered",
	      .aliases = "OTEL_EBPF_GEOIP_CACHE_LEN", POSITIVE),
	LATER("stats.geo_ip.cache_expiry", NULL, DURATION, "1h", "how long they are",
	      .aliases = "OTEL_EBPF_GEOIP_CACHE_TTL"),
	LATER("stats.print_stats", "OTEL_EBPF_STATS_PRINT_STATS", BOOL, "false",
	      "print statistics on standard output"),
	/* Name resolver and own metrics */
	LATER("name_resolver.sources", "OTEL_EBPF_NAME_RESOLVER_SOURCES", FLAGS, "k8s",
	      "where names of addresses come from", .names = resolvers),
	LATER("name_resolver.cache_len", "OTEL_EBPF_NAME_RESOLVER_CACHE_LEN", INT, "1024",
	      "names remembered", POSITIVE),
	LATER("name_resolver.cache_expiry", "OTEL_EBPF_NAME_RESOLVER_CACHE_TTL", DURATION, "5m",
	      "how long they are", POSITIVE),
};

_Static_assert(ARRAY_SIZE(rows) == OBI_LATER_OPTIONS, "one slot a row");

const struct obi_options obi_later_option_rows = {
	.title = "Not implemented yet",
	.rows = rows,
	.count = ARRAY_SIZE(rows),
	.slots = true,
};
