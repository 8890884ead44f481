#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Between connection and exporter: filters, samplers, what is left to the process itself.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

begin() {
	need nginx curl
	start_nginx 'server { listen 8080; location / { return 200 "hello"; } }'
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_TRACE_PRINTER=text "$@"
	application_ready "$NGINX"
}

get() {
	curl -sS -o /dev/null "http://127.0.0.1:8080$1"
}

# dropped_spans COUNT: the own metrics say that the filter held so many back.
dropped_spans() {
	scrape 19401 "$SCRATCH/metrics" &&
		[ "$(metric "$SCRATCH/metrics" obi_dropped_total 'reason="filter_application"')" = "$1" ]
}

test_filters() {
	cat >"$SCRATCH/obi.yaml" <<-END
		open_port: 8080
		filter:
		  application:
		    url.path: { not_match: '/hidden*' }
		    http.response.status_code: { less_than: 500 }
		  network:
		    dst_port: { equals: 8080 }
		network: { enable: true, print_flows: true, cache_active_timeout: 500ms }
		internal_metrics: { exporter: prometheus, prometheus: { port: 19401, path: /metrics } }
	END
	begin OTEL_EBPF_CONFIG_PATH="$SCRATCH/obi.yaml" OTEL_EBPF_NETWORK_EXCLUDE_INTERFACES=none
	get /hidden/1
	get /hidden/2
	get /shown
	expect_spans 1 path=/shown
	expect_spans 0 'path=/hidden*'
	assert_line "$LOG" 'network_flow: .* dst.port=8080 ' 10
	assert_no_line "$LOG" 'network_flow: .* src.port=8080 '
	wait_until 5 dropped_spans 2 || fail "filtered spans are not counted"
	assert_ge "$(metric "$SCRATCH/metrics" obi_instrumented_processes 'process_name="nginx"')" 1 processes
	assert_ge "$(metric "$SCRATCH/metrics" obi_process_memory_bytes 'process="worker"')" 1000000 "bytes"
	stop_agent
}

# exported KEY VALUE: how many spans with this attribute the debug protocol printed.
exported() {
	grep -A 2 -F "\"key\": \"$1\"" "$LOG" | grep -cF "\"stringValue\": \"$2\"" || true
}

test_sampler() {
	local traces=(OTEL_EBPF_OPEN_PORT=8080 OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=debug)
	step on
	begin "${traces[@]}"
	get /sampled
	expect_spans 1 path=/sampled
	stop_agent
	assert_ge "$(exported url.path /sampled)" 1 "exported spans"

	step off
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_TRACE_PRINTER=text OTEL_TRACES_SAMPLER=always_off "${traces[@]}"
	application_ready "$NGINX"
	get /sampled
	expect_spans 1 path=/sampled
	stop_agent
	assert_eq 0 "$(exported url.path /sampled)" "exported spans"
}

test_own_traces_are_left_to_the_process() {
	begin OTEL_EBPF_AUTO_TARGET_EXE='{*/nginx,*/python*}' OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=debug
	$PYTHON -c '
import http.client, time
time.sleep(1)
for method, path in ("GET", "/before"), ("POST", "/v1/traces"), ("GET", "/after"):
    connection = http.client.HTTPConnection("127.0.0.1", 8080)
    connection.request(method, path, b"x" if method == "POST" else None)
    assert connection.getresponse().read()
    connection.close()
    time.sleep(0.3)'
	expect_spans 1 type=HTTPClient path=/after
	assert_line "$LOG" 'msg="the service exports this itself: left to it" service=.*python.* signal=traces'
	stop_agent
	# The path of a server span, the URL of a client span.
	assert_eq 1 "$(exported url.path /after)" "server spans of /after"
	assert_eq 1 "$(exported url.full http://127.0.0.1:8080/before)" "client spans of /before"
	assert_eq 0 "$(exported url.full http://127.0.0.1:8080/after)" "client spans of /after"
}

# The same by gRPC, where the path of the export stands in HPACK's Huffman code.
test_own_traces_and_metrics_by_grpc() {
	need node
	local packages=$ROOT/build/otlp/node_modules collector
	[ -d "$packages/@opentelemetry/exporter-trace-otlp-grpc" ] ||
		skip "the SDK is not there: ./run-tests otlp fetches it by npm"
	echo ok >"$SCRATCH/mode"
	node "$LIB/collector.js" 4317 grpc "$SCRATCH/mode" >"$SCRATCH/requests" &
	collector=$!
	defer stop $collector
	wait_until 10 listens $collector 4317 || fail "the collector does not listen"
	begin OTEL_EBPF_AUTO_TARGET_EXE='{*/nginx,*/node}' OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=debug
	NODE_PATH=$packages timeout 20 node "$LIB/targets/otlp_grpc.js" http://127.0.0.1:8080 http://127.0.0.1:4317
	cat "$SCRATCH/requests"
	assert_line "$LOG" 'msg="the service exports this itself: left to it" service=.*node.* signal=traces'
	assert_line "$LOG" 'msg="the service exports this itself: left to it" service=.*node.* signal=metrics'
	expect_spans 1 type=HTTPClient path=/after
	stop_agent
	assert_eq 1 "$(exported url.full http://127.0.0.1:8080/before)" "client spans of /before"
	assert_eq 0 "$(exported url.full http://127.0.0.1:8080/traced)" "client spans of /traced"
	assert_eq 1 "$(exported url.path /traced)" "server spans of /traced"
}

run_tests "$@"
