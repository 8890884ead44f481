#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Metrics at real receivers: native histograms in a Prometheus, OTLP in a Collector and in
# VictoriaMetrics.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

PORT=9400
QUERY=http://127.0.0.1:9090/api/v1/query
FEATURES=application,application_span_otel,application_service_graph,application_host,network
OTLP=(OTEL_EBPF_METRICS_FEATURES="$FEATURES" OTEL_EBPF_METRICS_INTERVAL=1s
	OTEL_EBPF_ALLOW_SERVICE_GRAPH_SELF_REFERENCES=true
	OTEL_EBPF_INTERNAL_METRICS_EXPORTER=otel)

client() {
	timeout 40 $PYTHON "$LIB/client.py" "$@"
}

begin() {
	need nginx
	start_nginx 'server { listen 8080; keepalive_requests 1000000; location / { return 200 "hello"; } location /no { return 404; } }'
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=8080 "$@"
	application_ready "$NGINX" "$(children "$NGINX")"
}

# value FILE: of the only result.
value() {
	sed -n 's/.*"value":\[[0-9.]*,"\([^"]*\)"\].*/\1/p' "$1"
}

# ask QUERY [URL]: its answer in $SCRATCH/answer.
ask() {
	curl -sS --max-time 2 -G --data-urlencode "query=$1" "${2:-$QUERY}" >"$SCRATCH/answer" 2>/dev/null
}

says() {
	ask "$1" "${3:-}" && [ "$(value "$SCRATCH/answer")" = "$2" ]
}

# expect VALUE QUERY [URL]
expect() {
	wait_until 15 says "$2" "$1" "${3:-}" || {
		cat "$SCRATCH/answer"
		fail "$2 is not $1"
	}
}

test_prometheus_has_native_histograms() {
	need prometheus curl
	begin OTEL_EBPF_PROMETHEUS_PORT=$PORT OTEL_EBPF_PROMETHEUS_EXEMPLAR_FILTER=always_on \
		OTEL_EBPF_METRICS_FEATURES=application,application_span
	client keep_alive 127.0.0.1 8080 /n/ 5
	start_prometheus $PORT --enable-feature=native-histograms,exemplar-storage
	defer show "$SCRATCH/prometheus.log"
	expect 1 up
	client keep_alive 127.0.0.1 8080 /n/ 7
	expect 12 'histogram_count(http_server_request_duration_seconds{http_response_status_code="200"})'
	expect 12 'histogram_count(traces_spanmetrics_latency)'
	expect 12 'histogram_count(http_server_response_body_size_bytes)'
	expect 60 'histogram_sum(http_server_response_body_size_bytes)'
	# All bodies have 5 bytes: so has the median, but for the width of a bucket.
	ask 'histogram_quantile(0.5, http_server_response_body_size_bytes) > 4.5 < 5.5'
	[ -n "$(value "$SCRATCH/answer")" ] || {
		cat "$SCRATCH/answer"
		fail "the median of the bodies is not 5"
	}
	curl -sS --max-time 2 -G --data-urlencode 'query=http_server_request_duration_seconds' \
		"http://127.0.0.1:9090/api/v1/query_exemplars?start=$(($(date +%s) - 60))&end=$(($(date +%s) + 60))" \
		>"$SCRATCH/exemplars"
	assert_line "$SCRATCH/exemplars" '"traceID":"[0-9a-f]{32}"'
	assert_no_line "$SCRATCH/prometheus.log" 'level=(warn|error)'
	stop_agent
}

start_collector() {
	local program
	program=$("$ROOT/tests/collector/build" --offline 2>"$SCRATCH/why") || skip "$(tail -n 1 "$SCRATCH/why")"
	cat >"$SCRATCH/collector.yaml" <<-END
		receivers:
		  otlp: {protocols: {grpc: {endpoint: 127.0.0.1:4317}, http: {endpoint: 127.0.0.1:4318}}}
		exporters:
		  debug: {verbosity: detailed, use_internal_logger: false}
		service:
		  telemetry: {metrics: {level: none}}
		  pipelines:
		    metrics: {receivers: [otlp], exporters: [debug]}
	END
	"$program" --config "$SCRATCH/collector.yaml" >"$SCRATCH/collector.out" 2>&1 &
	COLLECTOR=$!
	defer stop $COLLECTOR
	wait_until 15 listens $COLLECTOR 4318 || fail "the Collector does not listen"
}

# totals KEY: of the metrics sent.
totals() {
	grep 'msg="otlp totals" signal=metrics' "$LOG" | tail -n 1 | tr ' ' '\n' | sed -n "s/^$1=//p"
}

# at_collector NAME VARIABLE...: seven requests; all points arrive.
at_collector() {
	local out=$SCRATCH/collector.out name
	step "$1"
	: >"$out"
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=8080 "${OTLP[@]}" "${@:2}"
	application_ready "$NGINX" "$(children "$NGINX")"
	client keep_alive 127.0.0.1 8080 "/$1/" 7
	assert_line "$out" "http.route: Str\(/$1/\*\)" 10
	stop_agent
	for name in http.server.request.duration http.server.request.body.size traces.span.metrics.calls \
		traces_service_graph_request_total traces.host.info target.info traces.target.info \
		obi.records obi.process.memory; do
		assert_line "$out" "Name: $name$"
	done
	assert_line "$out" 'http.response.status_code: Int\(200\)'
	assert_line "$out" 'service.name: Str\(nginx\)'
	assert_line "$out" 'service.name: Str\(opentelemetry-ebpf-instrumentation\)'
	assert_no_line "$out" 'NaN|Str\(\)'
	assert_eq "$(totals put)" "$(totals exported)" "points exported"
	assert_ge "$(totals put)" 10 "points"
}

test_collector_has_all_points() {
	need nginx
	start_nginx 'server { listen 8080; keepalive_requests 1000000; location / { return 200 "hello"; } }'
	start_collector
	at_collector grpc OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://127.0.0.1:4317
	assert_line "$SCRATCH/collector.out" 'AggregationTemporality: Cumulative'
	at_collector delta OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://127.0.0.1:4318/v1/metrics \
		OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=delta
	assert_no_line "$SCRATCH/collector.out" 'AggregationTemporality: Cumulative'
	at_collector exponential OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://127.0.0.1:4318/v1/metrics \
		OTEL_EXPORTER_OTLP_PROTOCOL=http/json \
		OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION=base2_exponential_bucket_histogram
	assert_line "$SCRATCH/collector.out" 'DataType: ExponentialHistogram'
}

test_victoria_metrics_has_all_series() {
	local program url=http://127.0.0.1:8428/api/v1/query
	need curl
	program=$("$ROOT/tests/victoria/fetch" --offline 2>"$SCRATCH/why") || skip "$(tail -n 1 "$SCRATCH/why")"
	"$program" -httpListenAddr=127.0.0.1:8428 -storageDataPath="$SCRATCH/victoria" -search.latencyOffset=0s \
		-opentelemetry.usePrometheusNaming >"$SCRATCH/victoria.log" 2>&1 &
	defer stop $!
	wait_until 15 listens $! 8428 || fail "VictoriaMetrics does not listen"
	begin "${OTLP[@]}" OTEL_EXPORTER_OTLP_METRICS_PROTOCOL=http/protobuf \
		OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://127.0.0.1:8428/opentelemetry/v1/metrics
	client keep_alive 127.0.0.1 8080 /n/ 7
	client get 127.0.0.1 8080 /no 404
	expect 7 'http_server_request_duration_seconds_count{http_response_status_code="200"}' $url
	expect 1 'http_server_request_duration_seconds_count{http_response_status_code="404"}' $url
	expect 8 'sum(http_server_request_duration_seconds_bucket{le="+Inf"})' $url
	expect 35 'http_server_response_body_size_bytes_sum{http_response_status_code="200"}' $url
	expect 7 'traces_span_metrics_calls_total{span_name="GET /n/*",span_kind="SPAN_KIND_SERVER"}' $url
	expect 8 'sum(traces_service_graph_request_total)' $url
	expect 1 'count(traces_host_info)' $url
	client keep_alive 127.0.0.1 8080 /n/ 3
	expect 10 'http_server_request_duration_seconds_count{http_response_status_code="200"}' $url
	stop_agent
	assert_eq "$(totals put)" "$(totals exported)" "points exported"
}

run_tests "$@"
