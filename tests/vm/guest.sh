#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What must hold on every kernel. Runs inside the guest (matrix.sh), and on this machine by hand.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=../lib/namespace.sh
. "$LIB/namespace.sh"

KERNEL=$(uname -r | cut -d. -f1-2)

before_kernel() {
	[ "$(printf '%s\n%s\n' "$KERNEL" "$1" | sort -V | head -n 1)" != "$1" ]
}

# Before 5.11 the memory of maps is locked memory.
extra() {
	before_kernel 5.11 && echo ,cap_sys_resource
	return 0
}

expected_plane() {
	if before_kernel 5.11; then
		echo kprobe
	else
		echo fentry
	fi
}

# Debian has 3 here, where kprobes want CAP_SYS_ADMIN; the documented sets are for 2 and less.
paranoid() {
	[ "$(expected_plane)" = kprobe ] || return 0
	[ "$(hostname)" = guest ] || skip "only a guest's perf_event_paranoid is changed"
	sysctl -qw kernel.perf_event_paranoid="$1"
}

client() {
	timeout 100 $PYTHON "$LIB/client.py" "$@"
}

# begin_python PORT MODULE...
begin_python() {
	local port=$1
	shift
	$PYTHON "$@" >/dev/null 2>&1 &
	SERVER=$!
	defer stop $SERVER
	wait_until 10 listens $SERVER "$port" || fail "the server on port $port does not listen"
}

# check CAPABILITIES: what obi check says on application observability. Its status.
check() {
	local status=0
	rm -f "$SCRATCH/obi"
	copy_agent "$1" "$SCRATCH/obi"
	(unprivileged env -i OTEL_EBPF_OPEN_PORT=8080 OTEL_EBPF_TRACE_PRINTER=text "$SCRATCH/obi" check) \
		>"$SCRATCH/report" 2>&1 || status=$?
	show "$SCRATCH/report"
	return $status
}

test_check() {
	step whole_set
	paranoid 2
	check "$CAPS_APPLICATION$(extra)" || fail "obi check is not content: status $?"
	grep -qF "$(uname -r)" "$SCRATCH/report" || fail "it does not name the kernel"
	assert_line "$SCRATCH/report" "$(expected_plane) +serves"

	[ "$(expected_plane)" = kprobe ] || return 0
	step what_kprobes_want
	paranoid 3
	check "$CAPS_APPLICATION$(extra)" && fail "obi check is content"
	assert_line "$SCRATCH/report" 'CAP_SYS_ADMIN or kernel.perf_event_paranoid'
	check "$CAPS_APPLICATION$(extra),cap_sys_admin" || fail "obi check is not content with CAP_SYS_ADMIN"
}

test_enforce() {
	local expected="CAP_NET_RAW, CAP_BPF"
	before_kernel 5.11 && expected="CAP_NET_RAW, CAP_SYS_RESOURCE, CAP_BPF"
	start_agent "" OTEL_EBPF_ENFORCE_SYS_CAPS=1 OTEL_EBPF_NETWORK_METRICS=1 \
		OTEL_EBPF_NETWORK_PRINT_FLOWS=1
	wait_until 5 has_ended "$AGENT" || fail "it runs"
	assert_line "$LOG" "level=ERROR .*error=\"the following capabilities are required: $expected\""
}

# begin_call PORT COMMAND...: a server of that port; the port and the way are its last arguments.
begin_call() {
	"${@:2}" >/dev/null 2>&1 &
	defer stop $!
	wait_until 10 listens $! "$1" || fail "$2 does not listen on port $1"
	CALLERS+=($!)
}

# Servers that move bytes by other calls than most: all of them are read where there is the kernel's own
# vector.
begin_calls() {
	local targets=$LIB/targets
	CALLERS=() RINGS=(8084)
	gcc -O1 -pthread -o "$SCRATCH/uring" "$targets/uring.c"
	gcc -m32 -O1 -ffreestanding -fno-stack-protector -fno-pic -no-pie -nostdlib -static \
		-o "$SCRATCH/compat" "$targets/compat.c"
	begin_call 8082 $PYTHON "$targets/vectors.py" 8082 ones
	begin_call 8083 $PYTHON "$targets/vectors.py" 8083 several
	begin_call 8084 "$SCRATCH/uring" 8084 plain
	begin_call 8086 "$SCRATCH/compat" 8086 socketcall
	begin_call 8087 "$SCRATCH/compat" 8087 vec gate
	begin_call 8088 $PYTHON "$targets/vectors.py" 8088 uneven
	before_kernel 6.0 && return
	begin_call 8085 "$SCRATCH/uring" 8085 multishot
	begin_call 8089 "$SCRATCH/uring" 8089 msg
	RINGS+=(8085 8089)
}

# Loading takes long under emulation, so that one agent serves all this.
LIMIT[test_application]=90

test_application() {
	local file=$ROOT/tests/vm/guest.sh python set worker port
	need nginx
	step plane
	paranoid 2
	mkdir -m 755 "$SCRATCH/www"
	truncate -s 3000000 "$SCRATCH/www/big"
	start_nginx "server { listen 8080; root $SCRATCH/www; sendfile on; location = /big { }
		location / { return 200 'hello'; } }"
	begin_python 8081 -m http.server --directory "$ROOT/tests" 8081
	python=$SERVER
	begin_calls
	mkfifo "$SCRATCH/ask"
	client held 127.0.0.1 8080 /late/ <"$SCRATCH/ask" >"$SCRATCH/answered" &
	defer stop $!
	exec 7>"$SCRATCH/ask"
	echo before >&7
	assert_line "$SCRATCH/answered" 'done before' 5
	cat >"$SCRATCH/obi.yaml" <<-'END'
		discovery:
		  instrument:
		    - open_ports: 8080-8089
		    - exe_path: '*/python3*'
		      cmd_args: '*client.py many *'
	END
	start_agent "$CAPS_APPLICATION$(extra)" OTEL_EBPF_TRACE_PRINTER=text \
		OTEL_EBPF_CONFIG_PATH="$SCRATCH/obi.yaml"
	assert_line "$LOG" "application tracer attached\" plane=$(expected_plane)" 20
	application_ready "$NGINX" "$(children "$NGINX")" "$python"
	# Until 6.6 probes in user space take more than the documented set, which is said once a library.
	if before_kernel 6.6; then
		grep -v -E 'probes are refused: .* remedy=|what is encrypted will not be seen' "$LOG" >"$SCRATCH/log"
	else
		cp "$LOG" "$SCRATCH/log"
	fi
	assert_no_line "$SCRATCH/log" 'level=(WARN|ERROR)'

	step late_to_a_connection_kept_alive
	echo after >&7
	assert_line "$SCRATCH/answered" 'done after' 5
	exec 7>&-
	expect_spans 1 path=/late/after status=200

	step python_server
	client get 127.0.0.1 8081 /vm/guest.sh >/dev/null
	client get 127.0.0.1 8081 /missing 404 >/dev/null
	expect_spans 1 type=HTTP method=GET path=/vm/guest.sh status=200 \
		responseLen="$(stat -c %s "$file")" language=python
	expect_spans 1 path=/missing status=404

	step calls
	application_ready "${CALLERS[@]}"
	for port in 8082 8083 8086 8087 8088 "${RINGS[@]}"; do
		client keep_alive 127.0.0.1 "$port" /call/ 3
		expect_spans 3 type=HTTP hostPort="$port" 'path=/call/*' status=200
	done

	step keep_alive
	client keep_alive 127.0.0.1 8080 /k/ 20
	expect_spans 20 'path=/k/*' status=200 responseLen=5

	step pipelining
	client pipelined 127.0.0.1 8080 /p/ 10
	expect_spans 10 'path=/p/*' status=200

	step sendfile
	client download_slowly 127.0.0.1 8080 /big 3000000 0.1
	client get 127.0.0.1 8080 /end
	expect_spans 1 path=/end
	expect_spans 1 path=/big status=200 responseLen=3000000

	step client_spans
	client many 127.0.0.1 8080 /c/ 5
	expect_spans 5 type=HTTPClient 'path=/c/*' status=200

	step worker_holds_nothing
	worker=$(worker_of "$AGENT")
	for set in CapInh CapPrm CapEff CapAmb; do
		assert_eq 0000000000000000 "$(sed -n "s/^$set:[[:space:]]*//p" "/proc/$worker/status")" "worker's $set"
	done
	assert_line "/proc/$worker/status" '^NoNewPrivs:\s*1'
	assert_line "/proc/$worker/status" '^Seccomp:\s*2'

	step worker_comes_back
	kill -KILL "$worker"
	client get 127.0.0.1 8080 /afterwards >/dev/null
	expect_spans 1 path=/afterwards

	step request_in_pieces
	client split_in_two 127.0.0.1 8080 /pieces
	expect_spans 1 path=/pieces status=200

	step stop
	stop_agent
	assert_eq 0 "$(total 'application totals' ringFull)" "records lost"
	assert_eq 0 "$(total 'application totals' unreadCalls)" "calls that could not be read"
}

test_propagation() {
	local answer
	need nginx
	step fionread
	paranoid 2
	begin_python 8081 "$LIB/targets/echo.py" 8081
	start_nginx 'server { listen 8080; location / { proxy_pass http://127.0.0.1:8081; } }'
	cat >"$SCRATCH/obi.yaml" <<-'END'
		discovery:
		  instrument:
		    - open_ports: 8080,8081
		    - exe_path: '*/python3*'
	END
	start_agent "$CAPS_PROPAGATION$(extra)" OTEL_EBPF_CONFIG_PATH="$SCRATCH/obi.yaml" \
		OTEL_EBPF_TRACE_PRINTER=text OTEL_EBPF_BPF_CONTEXT_PROPAGATION=all
	application_ready "$NGINX" "$(children "$NGINX")" $SERVER
	grep headerInjection "$LOG"
	sleep 1
	answer=$(client fionread 127.0.0.1 8081)
	echo "$answer"
	[[ $answer =~ \"fionread\":\ ([0-9]+),\ \"read\":\ ([0-9]+) ]] || fail "no answer"
	assert_ge "${BASH_REMATCH[1]}" 100 FIONREAD
	assert_eq "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" "FIONREAD against what was read"

	step one_trace
	answer=$(client get 127.0.0.1 8080 /chain)
	expect_spans 1 type=HTTP hostPort=8080 path=/chain
	expect_spans 1 type=HTTP hostPort=8081 path=/chain
	if grep -q 'headerInjection=off' "$LOG"; then
		skip "$(sed -n 's/.*headers will not be injected into requests" reason=//p' "$LOG")"
	fi
	[[ $answer == *traceparent* ]] || fail "no header: $answer"
	assert_eq 1 "$(span_field traceID path=/chain | sort -u | wc -l)" "traces"

	step one_segment
	answer=$(client segments 3)
	[[ $answer == *Traceparent*"}" && $answer == *"[1, 1, 1]"* ]] || fail "segments: $answer"
	stop_agent
}

# Beside the application in a PID namespace, where it has other numbers than the kernel counts by.
test_sidecar() {
	step plane
	paranoid 2
	# shellcheck disable=SC2119
	begin_namespace
	start_inside $PYTHON "$LIB/targets/echo.py" 8081
	wait_until 10 listens "$INSIDE" 8081
	start_agent_inside "$CAPS_PROPAGATION$(extra)" OTEL_EBPF_OPEN_PORT=8081 OTEL_EBPF_TRACE_PRINTER=text \
		OTEL_EBPF_BPF_CONTEXT_PROPAGATION=all
	assert_line "$LOG" "application tracer attached\" plane=$(expected_plane)" 20
	application_ready "$(number_of "$INSIDE" 1)"

	step spans
	client keep_alive 127.0.0.1 8081 /k/ 5
	expect_spans 5 'path=/k/*' status=200
	stop_agent_inside
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
	start_agent "$caps$(extra)" OTEL_EBPF_NETWORK_METRICS=1 OTEL_EBPF_PROMETHEUS_PORT=9400 \
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

# probed CAPABILITIES: an agent that has them sees into TLS.
probed() {
	start_agent "$1" OTEL_EBPF_OPEN_PORT=8080 OTEL_EBPF_TRACE_PRINTER=json
	assert_line "$LOG" 'library probed' 40
	SSL_CERT_FILE=$SCRATCH/cert.pem timeout 60 $PYTHON "$LIB/tls_talk.py" ask 8080 10
	expect_spans 10 type=HTTP path=/asked status=200
	assert_no_line "$LOG" 'level=(WARN|ERROR)'
	stop_agent
}

# A process that maps its library after it was found.
LATE='import sys
sys.stdin.readline()
import ssl, http.client
peer = http.client.HTTPSConnection("localhost", 8080, context=ssl._create_unverified_context())
for _ in range(3):
    sys.stdin.readline()
    peer.request("GET", "/late")
    print(peer.getresponse().read(), flush=True)'

# Perf uprobes (until 6.6) take CAP_SYS_ADMIN on kernels with the fix of CVE-2025-38466: who has it not
# is told, and loses nothing else.
test_tls() {
	local caps=$CAPS_APPLICATION
	before_kernel 5.12 && skip "threads have no storage"
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$SCRATCH/key.pem" -out "$SCRATCH/cert.pem" \
		-days 2 -subj /CN=localhost 2>/dev/null
	chmod 644 "$SCRATCH"/*.pem
	$PYTHON "$LIB/tls_talk.py" serve 8080 "$SCRATCH/cert.pem" "$SCRATCH/key.pem" &
	SERVER=$!
	defer stop $SERVER
	wait_until 20 listens $SERVER 8080 || fail "the server does not listen"

	if before_kernel 6.6; then
		step refused
		start_agent "$caps" OTEL_EBPF_OPEN_PORT=8080 OTEL_EBPF_TRACE_PRINTER=json
		assert_line "$LOG" 'probes are refused.*remedy="CAP_SYS_ADMIN, or a kernel from 6.6 on"' 40
		stop_agent
		caps+=,cap_sys_admin
	fi

	step spans
	probed "$caps"

	step memory_bios
	start_agent "$caps" OTEL_EBPF_OPEN_PORT=8081 OTEL_EBPF_TRACE_PRINTER=json
	$PYTHON "$LIB/tls_asyncio.py" serve 8081 "$SCRATCH/cert.pem" "$SCRATCH/key.pem" &
	defer stop $!
	wait_until 20 listens $! 8081 || fail "the server does not listen"
	assert_line "$LOG" 'library probed' 40
	SSL_CERT_FILE=$SCRATCH/cert.pem timeout 60 $PYTHON "$LIB/tls_asyncio.py" ask 8081 3 2 2
	expect_spans 12 type=HTTP 'path=/asked/*' status=200
	stop_agent

	step mapped_late
	mkfifo "$SCRATCH/go"
	$PYTHON -c "$LATE" late <"$SCRATCH/go" >"$SCRATCH/said" &
	defer stop $!
	exec 7>"$SCRATCH/go"
	cat >"$SCRATCH/late.yaml" <<-'END'
		discovery:
		  instrument:
		    - exe_path: '*/python3*'
		      cmd_args: '* late'
	END
	start_agent "$caps" OTEL_EBPF_CONFIG_PATH="$SCRATCH/late.yaml" \
		OTEL_EBPF_TRACE_PRINTER=json
	assert_line "$LOG" 'instrumenting process' 40
	echo >&7
	assert_line "$LOG" 'library probed' 40
	for _ in 1 2 3; do
		echo >&7
	done
	wait_until 20 grep -cqx "b'.*'" "$SCRATCH/said" || fail "no answer"
	expect_spans 3 type=HTTPClient path=/late status=200
	exec 7>&-
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

# segments CAPABILITIES NAME=VALUE...: the programs that count as on the wire load, and do.
segments() {
	local caps=$1 flow bytes packets
	shift
	need nginx curl
	begin_peer veth0
	mkdir -m 755 "$SCRATCH/www"
	truncate -s 5000000 "$SCRATCH/www/big"
	start_nginx "server { listen 8080; root $SCRATCH/www; }" "${IN_PEER[@]}"
	start_agent "$caps$(extra)" OTEL_EBPF_NETWORK_METRICS=1 OTEL_EBPF_NETWORK_PRINT_FLOWS=1 \
		OTEL_EBPF_NETWORK_COUNT_SEGMENTS=1 "$@"
	assert_line "$LOG" 'Flows agent successfully started' 20
	curl -sS --max-time 60 -o /dev/null http://10.77.0.2:8080/big
	stop_agent
	# In each at most 1448 bytes of data, and 66 of headers: some 230,000 in all. A slow guest sends a
	# few again.
	flow=$(grep '^network_flow: .* src.port=8080 ' "$LOG" | tr ' ' '\n')
	bytes=$(sed -n 's/^bytes=//p' <<<"$flow") packets=$(sed -n 's/^packets=//p' <<<"$flow")
	assert_ge "$packets" $((5000000 / 1448)) "packets of the answer"
	assert_ge $((bytes - 66 * packets)) 5000000 "bytes of the answer without headers"
	assert_le $((bytes - 66 * packets)) 5100000 "bytes of the answer without headers"
	assert_no_line "$LOG" 'level=(WARN|ERROR)'
}

test_segments_by_socket_filter() {
	segments "$CAPS_NETWORK"
}

test_segments_by_tc() {
	segments "$CAPS_NETWORK_TC" OTEL_EBPF_NETWORK_SOURCE=tc
}

run_tests "$@"
