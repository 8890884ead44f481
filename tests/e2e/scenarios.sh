#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The documented ways to run the agent, word for word: as another user than root, with exactly the
# documented file capabilities, and real traffic that must be in the output.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

DOCUMENTED_APPLICATION=cap_bpf,cap_dac_read_search,cap_perfmon,cap_net_raw,cap_sys_ptrace
SITE='server { listen 8080; location / { return 200 "hello\n"; } }'

visit_peer() {
	start_nginx "$SITE" "${IN_PEER[@]}"
	assert_eq hello "$(curl -sS --max-time 5 http://10.77.0.2:8080/)"
}

expect_flows() {
	local flow='network_flow: transport=6 obi.ip=\S* iface=\S* iface_direction=[0-9]+'
	assert_line "$LOG" "$flow src.address=10.77.0.1 dst.address=10.77.0.2 src.name=10.77.0.1 dst.name=10.77.0.2 src.port=[0-9]+ dst.port=8080" 15
	assert_line "$LOG" "$flow src.address=10.77.0.2 dst.address=10.77.0.1 .*src.port=8080" 1
}

test_network_by_socket_filter() {
	need nginx curl
	begin_peer veth0
	start_agent cap_bpf,cap_net_raw OTEL_EBPF_NETWORK_METRICS=1 OTEL_EBPF_NETWORK_PRINT_FLOWS=1
	network_ready
	visit_peer
	expect_flows
	assert_no_line "$LOG" 'level=(WARN|ERROR)'
	stop_agent
}

test_network_by_tc() {
	need nginx curl
	begin_peer veth0
	start_agent cap_bpf,cap_net_admin,cap_perfmon OTEL_EBPF_NETWORK_METRICS=1 \
		OTEL_EBPF_NETWORK_PRINT_FLOWS=1 OTEL_EBPF_NETWORK_SOURCE=tc
	network_ready
	visit_peer
	expect_flows
	assert_no_line "$LOG" 'level=(WARN|ERROR)'
	stop_agent
}

expect_page_span() {
	curl -sS --max-time 5 -o /dev/null http://127.0.0.1:8080/hello
	expect_spans 1 type=HTTP method=GET path=/hello status=200 route=/hello service=nginx \
		hostPort=8080 responseLen=6
}

# The documented line forgets one of the documented list: it must be named, and missed by nothing.
test_application_with_the_documented_line() {
	need nginx curl
	start_nginx "$SITE"
	start_agent "$DOCUMENTED_APPLICATION" OTEL_EBPF_OPEN_PORT=8080 OTEL_EBPF_TRACE_PRINTER=text
	application_ready "$NGINX"
	expect_page_span
	assert_line "$LOG" 'level=WARN msg="Required system capabilities not present, OBI may malfunction" error="the following capabilities are required: CAP_CHECKPOINT_RESTORE"$'
	assert_eq 1 "$(grep -cE 'level=(WARN|ERROR)' "$LOG")" "warnings"
	stop_agent
}

test_application_with_all_capabilities_is_silent() {
	need nginx curl
	start_nginx "$SITE"
	start_agent "$DOCUMENTED_APPLICATION,cap_checkpoint_restore" OTEL_EBPF_OPEN_PORT=8080 \
		OTEL_EBPF_TRACE_PRINTER=text
	application_ready "$NGINX"
	expect_page_span
	assert_no_line "$LOG" 'level=(WARN|ERROR)'
	stop_agent
}

# client -> nginx -> second server: one trace, each span the child of the one before it.
propagate() {
	local received trace nginx_server nginx_client
	need nginx curl
	$PYTHON "$LIB/targets/echo.py" 8081 &
	SECOND=$!
	defer stop $SECOND
	wait_until 5 listens $SECOND 8081 || fail "the second server does not listen"
	start_nginx 'server { listen 8080; location / { proxy_pass http://127.0.0.1:8081; } }'
	start_agent "$1" "$2" OTEL_EBPF_OPEN_PORT=8080,8081 OTEL_EBPF_TRACE_PRINTER=text
	application_ready "$NGINX" $SECOND
	sleep 0.3
	received=$(curl -sS --max-time 5 http://127.0.0.1:8080/chain)
	echo "the second server received: $received"
	expect_spans 1 type=HTTP path=/chain hostPort=8080
	expect_spans 1 type=HTTPClient path=/chain hostPort=8081
	expect_spans 1 type=HTTP path=/chain hostPort=8081
	trace=$(span_field traceID type=HTTP path=/chain hostPort=8080)
	nginx_server=$(span_field spanID type=HTTP path=/chain hostPort=8080)
	nginx_client=$(span_field spanID type=HTTPClient path=/chain)
	expect_spans 3 path=/chain traceID="$trace"
	expect_spans 1 type=HTTPClient parentSpanID="$nginx_server"
	expect_spans 1 type=HTTP hostPort=8081 parentSpanID="$nginx_client"
	[[ $received == *"\"traceparent\": \"00-$trace-$nginx_client-01\""* ]] ||
		fail "no traceparent with the trace and the client span in the request"
}

test_propagation_by_the_documented_name() {
	propagate "$DOCUMENTED_APPLICATION,cap_net_admin" OTEL_EBPF_CONTEXT_PROPAGATION=all
	assert_line "$LOG" 'error="the following capabilities are required: CAP_CHECKPOINT_RESTORE"'
	stop_agent
}

test_propagation_by_the_configuration_name() {
	propagate "$CAPS_PROPAGATION" OTEL_EBPF_BPF_CONTEXT_PROPAGATION=all
	assert_no_line "$LOG" 'level=ERROR|Required system capabilities'
	stop_agent
}

# A trace that begins in the client goes on through the whole chain.
test_propagation_continues_an_incoming_trace() {
	local trace=0af7651916cd43dd8448eb211c80319c
	need nginx curl
	start_nginx 'server { listen 8080; location / { return 200 "hello\n"; } }'
	start_agent "$CAPS_PROPAGATION" OTEL_EBPF_BPF_CONTEXT_PROPAGATION=all OTEL_EBPF_OPEN_PORT=8080 \
		OTEL_EBPF_TRACE_PRINTER=text
	application_ready "$NGINX"
	curl -sS -o /dev/null -H "traceparent: 00-$trace-b7ad6b7169203331-01" http://127.0.0.1:8080/in
	expect_spans 1 path=/in traceID=$trace parentSpanID=b7ad6b7169203331
	stop_agent
}

# Its header may come in a later piece than the request line.
test_propagation_of_a_header_that_comes_late() {
	local trace=0af7651916cd43dd8448eb211c80319c
	need nginx
	$PYTHON "$LIB/targets/echo.py" 8081 &
	SECOND=$!
	defer stop $SECOND
	wait_until 5 listens $SECOND 8081 || fail "the second server does not listen"
	start_nginx 'server { listen 8080; location / { proxy_pass http://127.0.0.1:8081; } }'
	start_agent "$CAPS_PROPAGATION" OTEL_EBPF_BPF_CONTEXT_PROPAGATION=all OTEL_EBPF_OPEN_PORT=8080,8081 \
		OTEL_EBPF_TRACE_PRINTER=text
	application_ready "$NGINX" $SECOND
	sleep 0.3
	$PYTHON "$LIB/client.py" late_headers 127.0.0.1 8080 /late \
		"traceparent: 00-$trace-b7ad6b7169203331-01"
	expect_spans 3 path=/late traceID=$trace
	expect_spans 1 type=HTTP hostPort=8080 parentSpanID=b7ad6b7169203331
	expect_spans 1 type=HTTPClient parentSpanID="$(span_field spanID type=HTTP path=/late hostPort=8080)"
	expect_spans 1 type=HTTP hostPort=8081 parentSpanID="$(span_field spanID type=HTTPClient path=/late)"
	stop_agent
}

# An entry's sampler decides on the traces that begin in its services, and the header says so.
test_propagation_carries_the_samplers_decision() {
	local received
	need nginx curl
	$PYTHON "$LIB/targets/echo.py" 8081 &
	SECOND=$!
	defer stop $SECOND
	wait_until 5 listens $SECOND 8081 || fail "the second server does not listen"
	start_nginx 'server { listen 8080; location / { proxy_pass http://127.0.0.1:8081; } }'
	cat >"$SCRATCH/config.yaml" <<-END
		discovery:
		  instrument:
		    - open_ports: 8081
		    - open_ports: 8080
		      sampler: {name: always_off}
	END
	chmod a+r "$SCRATCH/config.yaml"
	start_agent "$CAPS_PROPAGATION" OTEL_EBPF_BPF_CONTEXT_PROPAGATION=all OTEL_EBPF_TRACE_PRINTER=text \
		OTEL_EBPF_CONFIG_PATH="$SCRATCH/config.yaml"
	application_ready "$NGINX" $SECOND
	sleep 0.3
	received=$(curl -sS --max-time 5 http://127.0.0.1:8080/sampled)
	echo "the second server received: $received"
	expect_spans 1 type=HTTP path=/sampled hostPort=8080 flags=00
	expect_spans 1 type=HTTPClient path=/sampled flags=00
	expect_spans 1 type=HTTP path=/sampled hostPort=8081 flags=00
	[[ $received =~ \"traceparent\":\ \"00-[0-9a-f]{32}-[0-9a-f]{16}-00\" ]] ||
		fail "no traceparent that says so"
	stop_agent
}

test_enforced_capabilities_refuse_the_start() {
	local status=0
	start_agent cap_bpf OTEL_EBPF_ENFORCE_SYS_CAPS=1 OTEL_EBPF_NETWORK_METRICS=1 \
		OTEL_EBPF_NETWORK_PRINT_FLOWS=1
	wait_until 5 has_ended "$AGENT" || fail "it runs"
	wait "$AGENT" || status=$?
	assert_eq 255 $status "exit status"
	assert_line "$LOG" 'level=ERROR msg="can.t start OpenTelemetry eBPF Instrumentation" error="the following capabilities are required: CAP_NET_RAW"'
	# Nothing was begun, let alone loaded.
	assert_no_line "$LOG" 'starting OBI|attached|successfully started'
}

test_enforced_capabilities_start_with_all() {
	begin_peer veth0
	start_agent cap_bpf,cap_net_raw OTEL_EBPF_ENFORCE_SYS_CAPS=1 OTEL_EBPF_NETWORK_METRICS=1 \
		OTEL_EBPF_NETWORK_PRINT_FLOWS=1
	network_ready
	stop_agent
}

run_tests "$@"
