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

# A BPF program and a map that are not ours.
begin_other_program() {
	local pins=$SCRATCH/bpf map i
	need clang bpftool
	clang -O2 -g -target bpf -I"/usr/include/$(uname -m)-linux-gnu" -x c -c -o "$SCRATCH/other.o" - <<-'END' || fail "clang"
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>
		struct {
			__uint(type, BPF_MAP_TYPE_LRU_HASH);
			__uint(max_entries, 100);
			__type(key, int);
			__type(value, int);
		} someones_lru SEC(".maps");
		SEC("socket")
		int a_program_with_a_long_name(struct __sk_buff *skb)
		{
			int key = 0;
			return bpf_map_lookup_elem(&someones_lru, &key) != 0;
		}
		char LICENSE[] SEC("license") = "GPL";
	END
	mkdir "$pins"
	mount -t bpf none "$pins"
	defer umount "$pins"
	bpftool prog load "$SCRATCH/other.o" "$pins/program" || fail "bpftool"
	map=$(bpftool -j prog show pinned "$pins/program" | sed -n 's/.*"map_ids":\[\([0-9]*\)\].*/\1/p')
	for i in 1 2 3; do
		bpftool map update id "$map" key "$i" 0 0 0 value 0 0 0 0
	done
}

run_other_program() {
	head -c 64 /dev/zero >"$SCRATCH/packet"
	bpftool prog run pinned "$SCRATCH/bpf/program" data_in "$SCRATCH/packet" repeat 10 >/dev/null
}

# begin_bpf CAPABILITIES FEATURES
begin_bpf() {
	need nginx
	start_nginx 'server { listen 8080; keepalive_requests 1000000; location / { return 200 "hello"; } }'
	start_agent "$1" OTEL_EBPF_OPEN_PORT=8080 OTEL_EBPF_PROMETHEUS_PORT=$PORT \
		OTEL_EBPF_METRICS_FEATURES="$2" OTEL_EBPF_BPF_METRIC_SCRAPE_INTERVAL=500ms \
		OTEL_EBPF_INTERNAL_METRICS_EXPORTER=prometheus \
		OTEL_EBPF_INTERNAL_METRICS_PROMETHEUS_PORT=$PORT \
		OTEL_EBPF_INTERNAL_METRICS_PROMETHEUS_PATH=/metrics
	application_ready "$NGINX" "$(children "$NGINX")"
}

scrape_says() {
	scrape $PORT "$SCRATCH/metrics" && grep -qE "$1" "$SCRATCH/metrics"
}

run_time_stats() {
	cat /proc/sys/kernel/bpf_stats_enabled
}

# The feature ebpf: all BPF programs of the host, measured while the agent runs.
test_bpf_metrics_of_the_whole_host() {
	local before own
	need curl
	before=$(run_time_stats)
	begin_other_program
	begin_bpf "$CAPS_APPLICATION,cap_sys_admin" application,ebpf
	client keep_alive 127.0.0.1 8080 /n/ 200
	run_other_program
	wait_until 10 scrape_says '^bpf_probe_latency_seconds_count[{].*probe_name="a_program_with_a_long_name"' ||
		fail "no latency of the other program"
	assert_line "$SCRATCH/metrics" '^bpf_probe_latency_seconds_count[{].*probe_name="a_program_with_a_long_name",probe_type="SocketFilter"[}] 10$'
	assert_line "$SCRATCH/metrics" '^bpf_map_entries_total[{].*map_name="someones_lru",map_type="LRUHash",max_entries="100"[}] 3$'
	assert_line "$SCRATCH/metrics" '^obi_bpf_probe_executions_total[{].*probe_name="a_program_with_a_long_name",probe_type="SocketFilter"[}] 10$'
	own=$(metric "$SCRATCH/metrics" bpf_probe_latency_seconds_count 'probe_name="tp_sock_recv')
	assert_ge "$own" 200 "runs of the programs at receive"
	promtool check metrics < <(grep -v '^\(# .* \)\?obi_bpf_map_' "$SCRATCH/metrics") || fail "promtool finds fault"
	assert_no_line "$LOG" 'level=(WARN|ERROR)'
	stop_agent
	assert_eq "$before" "$(run_time_stats)" "kernel.bpf_stats_enabled"
}

# Without the feature CAP_SYS_ADMIN is given up, and the own metrics tell of our programs alone.
test_bpf_runs_without_the_feature() {
	local before
	need curl
	before=$(run_time_stats)
	echo 1 >/proc/sys/kernel/bpf_stats_enabled || skip "kernel.bpf_stats_enabled cannot be set"
	# shellcheck disable=SC2016 # the shell of the deferred command takes them
	defer bash -c 'echo "$1" >/proc/sys/kernel/bpf_stats_enabled' - "$before"
	begin_bpf "$CAPS_APPLICATION,cap_sys_admin" application
	client keep_alive 127.0.0.1 8080 /n/ 10
	wait_until 10 scrape_says '^obi_bpf_probe_executions_total[{].*probe_name="process_exec"' ||
		fail "no runs of our programs"
	assert_no_line "$SCRATCH/metrics" '^bpf_probe_latency_seconds'
	stop_agent
}

# Without CAP_SYS_ADMIN: entries of our own maps, and a word on what is missing.
test_bpf_metrics_without_sys_admin() {
	need curl
	[ "$(run_time_stats)" = 0 ] || skip "somebody has run times measured already"
	begin_bpf "$CAPS_APPLICATION" application,ebpf
	wait_until 10 scrape_says '^bpf_map_entries_total[{].*map_name="processes",map_type="Hash".*[}] [1-9]' ||
		fail "no entries of our own map"
	assert_no_line "$SCRATCH/metrics" '^bpf_probe_latency_seconds_count'
	assert_line "$LOG" 'level=WARN msg="run times of BPF programs are not measured.*CAP_SYS_ADMIN'
	assert_line "$LOG" 'level=WARN msg="BPF programs and maps of others are left out.*CAP_SYS_ADMIN'
	stop_agent
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

# compressed PATH [ARGUMENT...]: the answer in $SCRATCH/plain and small, of which fewer bytes came.
compressed() {
	local url=http://127.0.0.1:$PORT$1 plain small
	plain=$(curl -sS --max-time 5 -o "$SCRATCH/plain" -w '%{size_download}' "${@:2}" "$url") &&
		small=$(curl -sS --max-time 5 --compressed -D "$SCRATCH/head" -o "$SCRATCH/small" \
			-w '%{size_download}' "${@:2}" "$url") || return 1
	assert_line "$SCRATCH/head" '^Content-Encoding: gzip.$'
	assert_line "$SCRATCH/head" '^Vary: Accept, Accept-Encoding.$'
	assert_ge "$plain" $((2 * small)) "bytes without gzip"
}

same_compressed() {
	compressed "$@" || fail "no answer"
	cmp "$SCRATCH/plain" "$SCRATCH/small" || fail "$* is not the same compressed"
}

names_of_series() {
	sed 's/ [^ ]*$//' "$1"
}

# Prometheus asks for gzip by itself, curl by an option.
test_scrapes_are_compressed_where_asked_for() {
	local encodings
	need nginx prometheus curl
	start_nginx 'server { listen 18473; location / { return 200 "hello"; } }'
	echo 'routes: {unmatched: path}' >"$SCRATCH/obi.yaml"
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=18473 OTEL_EBPF_CONFIG_PATH="$SCRATCH/obi.yaml" \
		OTEL_EBPF_PROMETHEUS_PORT=$PORT OTEL_EBPF_INTERNAL_METRICS_EXPORTER=prometheus \
		OTEL_EBPF_INTERNAL_METRICS_PROMETHEUS_PORT=$PORT
	application_ready "$NGINX" "$(children "$NGINX")"
	client keep_alive 127.0.0.1 18473 /z/ 200
	wait_until 10 scrape_says '^http_server_request_duration_seconds_count.*http_route="/z/199"' ||
		fail "no metrics"
	same_compressed /metrics
	same_compressed /metrics -H 'Accept: application/openmetrics-text'
	same_compressed /metrics --http1.0
	# The agent counts these requests too: its values are others each time.
	compressed /internal/metrics
	diff <(names_of_series "$SCRATCH/plain") <(names_of_series "$SCRATCH/small") || fail "/internal/metrics differs"
	for encodings in identity 'gzip;q=0' 'gzip;q=0, *' br; do
		curl -sS -D "$SCRATCH/head" -o "$SCRATCH/plain" -H "Accept-Encoding: $encodings" "http://127.0.0.1:$PORT/metrics"
		assert_no_line "$SCRATCH/head" '^Content-Encoding:'
		assert_line "$SCRATCH/plain" '^http_server_request_duration_seconds_count'
	done
	$PYTHON "$LIB/capture.py" lo "$SCRATCH/capture.pcap" &
	CAPTURE=$!
	defer stop $CAPTURE
	wait_until 5 test -s "$SCRATCH/capture.pcap" || fail "no capture"
	start_prometheus $PORT
	defer show "$SCRATCH/prometheus.log"
	expect 200 'sum(http_server_request_duration_seconds_count)'
	expect 200 'count(http_server_request_duration_seconds_count)'
	wait_until 5 grep -qa '^Content-Encoding: gzip' "$SCRATCH/capture.pcap" || fail "Prometheus gets no gzip"
	assert_no_line "$LOG" 'level=(WARN|ERROR)'
	stop_agent
}

# begin_entries VARIABLE...: the service of port 8080 has the metrics that all have, that of port 8081
# its own.
begin_entries() {
	need nginx curl
	start_nginx 'server { listen 8080; location / { return 200 "hello"; } }'
	COMMON=$NGINX
	start_nginx 'server { listen 8081; location / { return 200 "hello"; } }'
	cat >"$SCRATCH/obi.yaml" <<-END
		discovery:
		  instrument:
		    - { open_ports: 8080, name: common }
		    - { open_ports: 8081, name: own, metrics: { features: [application_span] } }
	END
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_CONFIG_PATH="$SCRATCH/obi.yaml" "$@"
	application_ready "$COMMON" "$(children "$COMMON")" "$NGINX" "$(children "$NGINX")"
	curl -sS "http://127.0.0.1:8080/e/[1-3]" -o /dev/null
	curl -sS "http://127.0.0.1:8081/e/[1-5]" -o /dev/null
}

# series NAME SERVICE: the sum over its series at the endpoint; - where it has none.
series() {
	grep -qE "^$1[{].*service_name=\"$2\"" "$SCRATCH/metrics" || {
		echo -
		return
	}
	metric "$SCRATCH/metrics" "$1" "service_name=\"$2\""
}

# target NAME PID: how many of this process there are.
target() {
	metric "$SCRATCH/metrics" "$1" "instance=\"[^\"]*:$2\""
}

served() {
	scrape $PORT "$SCRATCH/metrics" &&
		[ "$(series http_server_request_duration_seconds_count common)" = 3 ] &&
		[ "$(series traces_spanmetrics_calls_total own)" = 5 ]
}

test_a_service_has_the_metrics_of_its_entry() {
	begin_entries OTEL_EBPF_PROMETHEUS_PORT=$PORT
	wait_until 10 served || {
		grep -v '^#' "$SCRATCH/metrics" | cut -c 1-200
		fail "the metrics of the services do not come"
	}
	assert_eq 5 "$(series traces_spanmetrics_latency_count own)" "latencies"
	assert_eq - "$(series http_server_request_duration_seconds_count own)" "durations of the one"
	assert_eq - "$(series target_info own)" "targets of the one"
	assert_eq 1 "$(target traces_target_info "$NGINX")" "targets of its spans"
	assert_eq - "$(series traces_spanmetrics_calls_total common)" "span metrics of the other"
	assert_eq 1 "$(target target_info "$COMMON")" "targets of the other"
	assert_eq - "$(series traces_target_info common)" "targets of its spans"
	stop_agent
}

# target_of NAME PID: is there target information of this service and process?
target_of() {
	scrape $PORT "$SCRATCH/metrics" &&
		grep -q "^target_info[{].*instance=\"[^\"]*:$2\".*service_name=\"$1\"" "$SCRATCH/metrics"
}

no_target_of() {
	scrape $PORT "$SCRATCH/metrics" && ! target_of "$@"
}

# A process that becomes another program is another service, and no longer the old one.
test_target_info_follows_an_exec() {
	need curl
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_PROMETHEUS_PORT=$PORT \
		OTEL_EBPF_AUTO_TARGET_EXE='*/{python3*,sleep}'
	assert_line "$LOG" 'application tracer attached' 10
	$PYTHON -c 'import os, time; time.sleep(3); os.execv("/bin/sleep", ["sleep", "60"])' &
	SERVER=$!
	defer stop $SERVER
	wait_until 5 target_of 'python3[^"]*' $SERVER || fail "no target information"
	wait_until 10 target_of sleep $SERVER || fail "none after exec"
	wait_until 5 no_target_of 'python3[^"]*' $SERVER || fail "the old one stays"
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

# names_of SERVICE: of the metrics that the Collector has of it.
names_of() {
	awk -v service="service.name: Str($1)" '
		/Resource attributes:/ { of = 0; in_resource = 1 }
		/ScopeMetrics #/ { in_resource = 0 }
		in_resource && index($0, service) { of = 1 }
		of && /-> Name: / { print $3 }' "$SCRATCH/collector.out" | sort -u
}

test_collector_has_the_metrics_of_each_entry() {
	start_collector
	begin_entries OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://127.0.0.1:4317 OTEL_EBPF_METRICS_INTERVAL=1s
	assert_line "$SCRATCH/collector.out" 'span.name: Str\(GET /e/' 10
	assert_line "$SCRATCH/collector.out" 'http.route: Str\(/e/' 10
	stop_agent
	names_of own >"$SCRATCH/own"
	names_of common >"$SCRATCH/common"
	assert_line "$SCRATCH/own" '^traces_spanmetrics_calls_total$'
	assert_line "$SCRATCH/own" '^traces.target.info$'
	assert_no_line "$SCRATCH/own" '^(http\.|target.info)'
	assert_line "$SCRATCH/common" '^http.server.request.duration$'
	assert_line "$SCRATCH/common" '^target.info$'
	assert_no_line "$SCRATCH/common" '^traces'
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
