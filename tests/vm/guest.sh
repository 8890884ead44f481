#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What must hold on every kernel. Runs inside the guest (matrix.sh), and on this machine by hand.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

KERNEL=$(uname -r | cut -d. -f1-2)
SITE='server { listen 8080; location / { return 200 "hello"; } }'

before_kernel() {
	[ "$(printf '%s\n%s\n' "$KERNEL" "$1" | sort -V | head -n 1)" != "$1" ]
}

# What the documented sets lack on this kernel: memory for maps is locked before 5.11, and the
# kprobes of the lowest plane take more where perf_event_paranoid is above 2, as it is on Debian.
extra_network() {
	before_kernel 5.11 && echo ,cap_sys_resource
	return 0
}

extra_application() {
	local plane=$1
	extra_network
	if [ "$plane" = kprobe ] && [ "$(cat /proc/sys/kernel/perf_event_paranoid)" -gt 2 ]; then
		echo ,cap_sys_admin
	fi
}

expected_plane() {
	if before_kernel 5.11; then
		echo kprobe
	else
		echo fentry
	fi
}

application_caps() {
	echo "$1$(extra_application "$(expected_plane)" | tr -d '\n')"
}

observe() {
	start_agent "$(application_caps "$CAPS_APPLICATION")" OTEL_EBPF_OPEN_PORT=8080 \
		OTEL_EBPF_TRACE_PRINTER="${PRINTER:-text}" "$@"
}

client() {
	timeout 100 $PYTHON "$LIB/client.py" "$@"
}

test_plane() {
	observe
	assert_line "$LOG" 'application tracer attached' 20
	assert_line "$LOG" "application tracer attached\" plane=$(expected_plane)"
	assert_no_line "$LOG" 'level=(WARN|ERROR)'
	stop_agent
}

test_check() {
	local status=0
	copy_agent "$(application_caps "$CAPS_APPLICATION")" "$SCRATCH/obi"
	(unprivileged env -i OTEL_EBPF_OPEN_PORT=8080 OTEL_EBPF_TRACE_PRINTER=text "$SCRATCH/obi" check) \
		>"$SCRATCH/report" 2>&1 || status=$?
	show "$SCRATCH/report"
	assert_eq 0 $status "status of obi check"
	assert_line "$SCRATCH/report" "kernel +$(uname -r)"
}

test_check_names_what_is_missing() {
	local expected="CAP_NET_RAW, CAP_BPF"
	before_kernel 5.11 && expected="CAP_NET_RAW, CAP_SYS_RESOURCE, CAP_BPF"
	start_agent "" OTEL_EBPF_ENFORCE_SYS_CAPS=1 OTEL_EBPF_NETWORK_METRICS=1 \
		OTEL_EBPF_NETWORK_PRINT_FLOWS=1
	wait_until 5 has_ended "$AGENT" || fail "it runs"
	assert_line "$LOG" "level=ERROR .*error=\"the following capabilities are required: $expected\""
}

test_server_spans() {
	$PYTHON -m http.server --directory "$ROOT/tests" 8080 >/dev/null 2>&1 &
	defer stop $!
	wait_until 10 listens $! 8080 || fail "the server does not listen"
	observe
	application_ready $!
	client get 127.0.0.1 8080 /vm/guest.sh >/dev/null
	client get 127.0.0.1 8080 /missing 404 >/dev/null
	expect_spans 1 type=HTTP method=GET path=/vm/guest.sh status=200 \
		responseLen="$(stat -c %s "$ROOT/tests/vm/guest.sh")" language=python
	expect_spans 1 path=/missing status=404
	stop_agent
}

test_keep_alive_and_pipelining() {
	need nginx
	start_nginx "$SITE"
	observe
	application_ready "$NGINX"
	client keep_alive 127.0.0.1 8080 /k/ 20
	client pipelined 127.0.0.1 8080 /p/ 10
	expect_spans 20 'path=/k/*' status=200 responseLen=5
	expect_spans 10 'path=/p/*' status=200
	stop_agent
}

test_split_and_large() {
	need nginx
	mkdir -m 755 "$SCRATCH/www"
	truncate -s 3000000 "$SCRATCH/www/big"
	start_nginx "server { listen 8080; root $SCRATCH/www; sendfile on; location = /big { }
		location / { return 200 'hello'; } }"
	observe
	application_ready "$NGINX"
	client split_in_two 127.0.0.1 8080 /pieces
	client download_slowly 127.0.0.1 8080 /big 3000000 0.1
	client get 127.0.0.1 8080 /end
	expect_spans 1 path=/end
	expect_spans 1 path=/pieces status=200
	expect_spans 1 path=/big status=200 responseLen=3000000
	stop_agent
}

test_client_spans() {
	need nginx
	start_nginx 'server { listen 8081; location / { return 200 "hello"; } }'
	observe OTEL_EBPF_OPEN_PORT= OTEL_EBPF_AUTO_TARGET_EXE='*/python3*'
	assert_line "$LOG" 'application tracer attached' 20
	client many 127.0.0.1 8081 /c/ 5
	expect_spans 5 type=HTTPClient 'path=/c/*' status=200
	stop_agent
}

test_late_to_a_connection_kept_alive() {
	need nginx
	start_nginx "$SITE"
	mkfifo "$SCRATCH/ask"
	client held 127.0.0.1 8080 /late/ <"$SCRATCH/ask" >"$SCRATCH/answered" &
	defer stop $!
	exec 7>"$SCRATCH/ask"
	echo before >&7
	assert_line "$SCRATCH/answered" 'done before' 5
	observe
	application_ready "$NGINX" "$(children "$NGINX")"
	sleep 1
	echo after >&7
	assert_line "$SCRATCH/answered" 'done after' 5
	exec 7>&-
	expect_spans 1 path=/late/after status=200
	stop_agent
}

test_propagation() {
	local answer
	need nginx
	$PYTHON "$LIB/targets/echo.py" 8081 &
	defer stop $!
	wait_until 10 listens $! 8081 || fail "the second server does not listen"
	start_nginx 'server { listen 8080; location / { proxy_pass http://127.0.0.1:8081; } }'
	start_agent "$(application_caps "$CAPS_PROPAGATION")" OTEL_EBPF_OPEN_PORT=8080,8081 \
		OTEL_EBPF_TRACE_PRINTER=text OTEL_EBPF_BPF_CONTEXT_PROPAGATION=all
	application_ready "$NGINX"
	grep headerInjection "$LOG"
	sleep 1
	answer=$(client get 127.0.0.1 8080 /chain)
	expect_spans 3 path=/chain
	if grep -q 'headerInjection=off' "$LOG"; then
		skip "$(sed -n 's/.*headers will not be injected into requests" reason=//p' "$LOG")"
	fi
	[[ $answer == *traceparent* ]] || fail "no header: $answer"
	assert_eq 1 "$(span_field traceID path=/chain | sort -u | wc -l)" "traces"
	stop_agent
}

test_fionread_stays_right() {
	local answer
	$PYTHON "$LIB/targets/echo.py" 8081 &
	defer stop $!
	wait_until 10 listens $! 8081 || fail "the server does not listen"
	start_agent "$(application_caps "$CAPS_PROPAGATION")" OTEL_EBPF_AUTO_TARGET_EXE='*/python3*' \
		OTEL_EBPF_TRACE_PRINTER=text OTEL_EBPF_BPF_CONTEXT_PROPAGATION=all
	assert_line "$LOG" 'application tracer attached' 20
	sleep 1
	answer=$(client fionread 127.0.0.1 8081)
	echo "$answer"
	[[ $answer =~ \"fionread\":\ ([0-9]+),\ \"read\":\ ([0-9]+) ]] || fail "no answer"
	assert_ge "${BASH_REMATCH[1]}" 100 FIONREAD
	assert_eq "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" "FIONREAD against what was read"
	stop_agent
}

# flows CAPABILITIES NAME=VALUE...
flows() {
	local caps=$1 rx tx
	shift
	need nginx curl
	begin_peer veth0
	mkdir -m 755 "$SCRATCH/www"
	truncate -s 5000000 "$SCRATCH/www/big"
	start_nginx "server { listen 8080; root $SCRATCH/www; }" "${IN_PEER[@]}"
	start_agent "$caps$(extra_network)" OTEL_EBPF_NETWORK_METRICS=1 OTEL_EBPF_PROMETHEUS_PORT=9400 \
		OTEL_EBPF_NETWORK_CACHE_ACTIVE_TIMEOUT=500ms "$@"
	assert_line "$LOG" 'Flows agent successfully started' 20
	grep 'successfully started' "$LOG"
	rx=$(awk '$1 == "veth0:" { print $2 + $10 }' /proc/net/dev)
	curl -sS --max-time 60 -o /dev/null http://10.77.0.2:8080/big
	sleep 3
	tx=$(awk '$1 == "veth0:" { print $2 + $10 }' /proc/net/dev)
	sleep 2
	scrape 9400 "$SCRATCH/metrics"
	assert_near $((tx - rx)) "$(metric "$SCRATCH/metrics" obi_network_flow_bytes_total)" 1 \
		"flow bytes against interface bytes"
	assert_no_line "$LOG" 'level=(WARN|ERROR)'
	stop_agent
}

test_flows_by_socket_filter() {
	flows "$CAPS_NETWORK"
}

test_flows_by_tc() {
	local hook=TCX
	before_kernel 6.6 && hook=clsact
	flows "$CAPS_NETWORK_TC" OTEL_EBPF_NETWORK_SOURCE=tc
	assert_line "$LOG" "hook=$hook"
	assert_eq "" "$(tc filter show dev veth0 ingress)" "what stays on veth0"
}

test_worker_holds_nothing() {
	local set worker
	need nginx
	start_nginx "$SITE"
	observe
	application_ready "$NGINX"
	worker=$(worker_of "$AGENT")
	for set in CapInh CapPrm CapEff CapAmb; do
		assert_eq 0000000000000000 "$(sed -n "s/^$set:[[:space:]]*//p" "/proc/$worker/status")" "worker's $set"
	done
	assert_line "/proc/$worker/status" '^NoNewPrivs:\s*1'
	assert_line "/proc/$worker/status" '^Seccomp:\s*2'
	kill -KILL "$worker"
	client get 127.0.0.1 8080 /afterwards >/dev/null
	expect_spans 1 path=/afterwards
	stop_agent
}

run_tests "$@"
