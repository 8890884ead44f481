#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a client can do by a traceparent of its choice: with a sampler that heeds it, decide whether the spans
# of its own requests are kept. Metrics count all the same; a header that is not valid is no parent.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

PORT=18750
SCRAPED=18751
LOW=00000000000000000000000000000002 # the number of such a trace is below the bound of any ratio, ...
HIGH=fffffffffffffffffffffffffffffffe # ... and of this one above

begin_server() {
	need nginx curl
	start_nginx "server { listen $PORT; location / { return 200 x; } }"
}

observe() { # NAME=VALUE...
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=$PORT OTEL_EBPF_TRACE_PRINTER=text "$@"
	application_ready "$NGINX"
}

# ask COUNT PATH [TRACE_ID FLAGS]
ask() {
	local i header=()
	[ $# -lt 3 ] || header=(-H "traceparent: 00-$3-b7ad6b7169203331-$4")
	for ((i = 0; i < $1; i++)); do
		curl -sS --max-time 5 -o /dev/null "${header[@]}" "http://127.0.0.1:$PORT$2"
	done
}

# exported PATH: how many spans with it went to the exporter.
exported() {
	grep -A 2 -F '"key": "url.path"' "$LOG" | grep -cF "\"stringValue\": \"$1\"" || true
}

# sampled_by SAMPLER ARGUMENT TRACE_ID FLAGS EXPORTED: of 10 requests of a client so many spans are exported;
# the metrics have all of them.
sampled_by() {
	local name
	step "$1_$4_${3:0:1}"
	observe OTEL_TRACES_SAMPLER="$1" OTEL_TRACES_SAMPLER_ARG="$2" OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=debug \
		OTEL_EBPF_PROMETHEUS_PORT=$SCRAPED \
		OTEL_EBPF_METRICS_FEATURES=application,application_span_otel
	ask 10 /chosen "$3" "$4"
	expect_spans 10 path=/chosen
	sleep 0.3
	scrape $SCRAPED "$SCRATCH/metrics"
	stop_agent
	assert_eq "$5" "$(exported /chosen)" "exported spans"
	for name in http_server_request_duration_seconds_count traces_span_metrics_calls_total; do
		assert_eq 10 "$(metric "$SCRATCH/metrics" $name)" "$name"
	done
}

LIMIT[test_a_client_decides]=90

# Where the sampler heeds what a client says: docs/traces.md says so.
test_a_client_decides() {
	begin_server
	sampled_by parentbased_always_on "" $LOW 00 0
	sampled_by parentbased_always_off "" $LOW 01 10
	sampled_by parentbased_traceidratio 0.5 $LOW 00 0
	sampled_by parentbased_traceidratio 0.5 $HIGH 01 10
	sampled_by traceidratio 0.5 $LOW 00 10
	sampled_by traceidratio 0.5 $HIGH 01 0
}

test_a_client_does_not_decide() {
	begin_server
	sampled_by always_on "" $HIGH 00 10
	sampled_by always_off "" $LOW 01 0
}

# Asks with a header that is none, each time another; writes what it sent.
forge() {
	$PYTHON - $PORT <<-'END'
		import socket, sys

		trace, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
		good = "00-%s-%s-01" % (trace, span)
		forged = [
		    "traceparent: " + value for value in (
		        "", "00", good[:-1], good + "0", good + "-", good + "-00", good + ", " + good,
		        "ff-" + good[3:], "0-" + good[3:], "0g-" + good[3:], "01" + good[2:] + "00", "0x" + good[2:],
		        good.upper(), good.replace("4bf9", "4BF9"), good.replace("-", "_"), good.replace("-", ""),
		        "00-%s-%s-01" % ("0" * 32, span), "00-%s-%s-01" % (trace, "0" * 16),
		        "00-%s-%s-0g" % (trace, span), "00-%s-%s-1" % (trace, span), "00-%s-%s-+1" % (trace, span),
		        "00-%s-%s-01" % (trace[:-1] + "\u00e9", span), "00-%s-%s-01" % (trace[:-1], span),
		        '"%s"' % good, "x" + good, good + ";a=b", good + "\t\tx", good + " x", good + "\x01", good + "\rx", good + " " * 9 + "x", "0" * 7000)
		] + [
		    "traceparent: %s\r\ntraceparent: %s" % (good, good),
		    "traceparent: %s\r\nTraceParent: %s" % (good, good.replace("4bf9", "4bf8")),
		    "traceparent : " + good, "xtraceparent: " + good, "traceparent2: " + good, "traceparen: t" + good,
		    "tracestate: " + good, "tracestate: " + "a=%s," % good * 100, "cookie: traceparent: " + good,
		    "x: y\rtraceparent: " + good,
		]
		for number, header in enumerate(forged):
		    sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=5)
		    sock.sendall(("GET /forged/%d HTTP/1.1\r\nHost: h\r\n%s\r\nConnection: close\r\n\r\n"
		                  % (number, header)).encode())
		    while sock.recv(65536):
		        pass
		    print(number, header[:100].encode())
		print("forged", len(forged))
	END
}

# As many spans as there are roots, none of the trace that was named.
assert_no_parent() {
	local count
	forge | tee "$SCRATCH/forged"
	count=$(sed -n 's/^forged //p' "$SCRATCH/forged")
	ask 1 /last
	expect_spans 1 path=/last
	$PYTHON "$LIB/spans.py" list "$LOG" 'path=/forged/*' 'parentSpanID!=0000000000000000'
	assert_eq 0 "$(spans 'path=/forged/*' 'parentSpanID!=0000000000000000')" "spans with a parent"
	assert_eq 0 "$(spans 'path=/forged/*' 'traceID=4bf9*')" "spans in the trace"
	assert_ge "$(spans 'path=/forged/*')" $((count - 3)) "spans"
	assert_eq "$(spans 'path=/forged/*')" "$(span_field traceID 'path=/forged/*' | sort -u | wc -l)" "traces"
	stop_agent
}

test_a_forged_header_is_no_parent() {
	begin_server
	observe
	assert_no_parent
}

# The kernel side reads it.
test_a_forged_header_is_no_parent_with_propagation() {
	begin_server
	start_agent "$CAPS_PROPAGATION" OTEL_EBPF_OPEN_PORT=$PORT OTEL_EBPF_TRACE_PRINTER=text \
		OTEL_EBPF_BPF_CONTEXT_PROPAGATION=all
	application_ready "$NGINX"
	assert_no_parent
}

run_tests "$@"
